"""Runs alerts on their schedule over an index that fills up, for weeks at a time.

A record is searched by its own time and by the second in which it was indexed, so what arrives late
or twice is met as a search head would meet it. Source: savedsearches.conf.spec.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter

from emulator.app import App
from emulator.eval.values import FieldValue
from emulator.search_time.kv_store import by_collection
from emulator.search_time.lookups import Stores
from emulator.search_time.search_expression import Predicate
from emulator.spl.alerts import Alert, Throttling
from emulator.spl.context import Context, Records, Results, Row, values_of
from emulator.spl.pipeline import Search, compiled_search

# What makes the results depend on the moment of the run, besides the events.
_CLOCK = re.compile(r"\bnow\s*\(|\btime\s*\(|\baddinfo\b|\[")


@dataclass(frozen=True)
class Told:
    """One result that an alert told, and when: `run` in epoch seconds."""

    run: int
    row: Row


class Index:
    """Events with their fields, each with the epoch second in which it was indexed."""

    def __init__(self, events: Iterable[tuple[float, Mapping[str, FieldValue]]]) -> None:
        self.events: list[Row] = [
            {**fields, "_indextime": f"{second:.0f}"}
            for second, fields in sorted(events, key=itemgetter(0))
        ]
        self.seconds = [float(str(event["_indextime"])) for event in self.events]
        self._chosen: dict[str, Index] = {}

    @cached_property
    def _by_time(self) -> tuple[list[float], list[tuple[float, Row]]]:
        """Times ascending; in the same order, when each event was indexed, and the event."""
        listed = sorted(((_time(event), place) for place, event in enumerate(self.events)))
        held = [(self.seconds[place], self.events[place]) for _, place in listed]
        return [time for time, _ in listed], held

    def chosen(self, expression: str, matches: Predicate) -> Index:
        """An index of only those events; each expression asks each event once."""
        if expression not in self._chosen:
            held = zip(self.seconds, self.events)
            self._chosen[expression] = Index(one for one in held if matches(one[1]))
        return self._chosen[expression]

    def visible(self, earliest: float, latest: float | None, run: float) -> list[Row]:
        """The events of a time range that were indexed before `run`, newest first."""
        times, events = self._by_time
        end = len(times) if latest is None else bisect_left(times, latest)
        found = events[bisect_left(times, earliest) : end]
        return [event for second, event in reversed(found) if second < run]


class _Visible:
    """What a search may look at, put together only when it looks."""

    def __init__(self, index: Index, earliest: float, latest: float | None, run: float) -> None:
        self._of = (index, earliest, latest, run)

    @cached_property
    def _found(self) -> list[Row]:
        index, earliest, latest, run = self._of
        return index.visible(earliest, latest, run)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._found)

    def chosen(self, expression: str, matches: Predicate) -> Iterable[Row]:
        """What a search expression chooses of them."""
        index, earliest, latest, run = self._of
        return index.chosen(expression, matches).visible(earliest, latest, run)


class Scheduler:
    """Alerts of `app` over `index`; `stores` are the records of KV store collections."""

    def __init__(self, app: App, index: Index, stores: Stores | None = None) -> None:
        knowledge = app.knowledge
        self._index = index
        held: dict[str, Records] = {name: [] for name in app.collection_names.values()}
        for name, records in by_collection(stores or {}, app.collection_names).items():
            held[name] = [dict(record) for record in records]
        self._context = Context(
            macros=knowledge.macros,
            saved_searches=knowledge.saved_searches,
            lookups=knowledge.lookups,
            stores=held,
        )

    def told(self, alert: Alert, since: float, until: float) -> list[Told]:
        """What the alert tells in its runs from `since` to before `until` (epoch seconds)."""
        found = self._results(alert, since, until)
        return list(_throttled(found, alert.throttling))

    def search(self, text: str, earliest: float, latest: float) -> Results:
        """The results of a search over a time range, when everything has been indexed."""
        events = self._index.visible(earliest, latest, float("inf"))
        context = replace(
            self._context, events=events, earliest=earliest, latest=latest, now=latest
        )
        return compiled_search(text, context.macros).run(context)

    def _results(self, alert: Alert, since: float, until: float) -> Iterator[Told]:
        search = compiled_search(alert.search, self._context.macros)
        runs = alert.runs(since, until)
        each = self._in_slices if search.selects else self._whole
        for run, results in each(search, alert, runs):
            yield from (Told(run, row) for row in results.rows)

    def _whole(
        self, search: Search, alert: Alert, runs: Iterable[int]
    ) -> Iterator[tuple[int, Results]]:
        for run in runs:
            yield run, search.run(self._at(alert, run))

    def _in_slices(
        self, search: Search, alert: Alert, runs: Iterable[int]
    ) -> Iterator[tuple[int, Results]]:
        """Chooses the events once for all runs; a run over the same ones gives the same results."""
        selects = search.selects or (lambda _event: True)
        seconds, chosen = [], []
        for second, event in zip(self._index.seconds, self._index.events):
            if selects(event):
                seconds.append(second)
                chosen.append((_time(event), event))
        clock = _CLOCK.search(search.text) is not None
        before: tuple[list[tuple[float, Row]], Results] | None = None
        for run in runs:
            earliest, latest = alert.times.at(run)
            from_second, to_second = alert.index_times.at(run)
            start = bisect_left(seconds, from_second)
            end = bisect_left(seconds, run if to_second is None else min(run, to_second))
            found = [
                one
                for one in chosen[start:end]
                if earliest <= one[0] and (latest is None or one[0] < latest)
            ]
            if before is None or clock or found != before[0]:
                before = found, search.behind(_newest_first(found), self._at(alert, run))
            yield run, before[1]

    def _at(self, alert: Alert, run: int) -> Context:
        earliest, latest = alert.times.at(run)
        events = _Visible(self._index, earliest, latest, run)
        return replace(
            self._context, events=events, earliest=earliest, latest=latest, now=float(run)
        )


def _newest_first(found: list[tuple[float, Row]]) -> Results:
    """Copies, since commands may change rows; of one time, the last indexed comes first."""
    listed = sorted(found, key=itemgetter(0))
    return Results([dict(event) for _time_of, event in reversed(listed)])


def _throttled(found: Iterable[Told], throttling: Throttling | None) -> Iterator[Told]:
    last: dict[tuple[tuple[str, ...], ...], int] = {}
    for told in found:
        if throttling is not None:
            key = tuple(tuple(values_of(told.row, name)) for name in throttling.fields)
            if key in last and told.run - last[key] < throttling.seconds:
                continue
            last[key] = told.run
        yield told


def _time(event: Mapping[str, FieldValue]) -> float:
    return float(str(event["_time"]))
