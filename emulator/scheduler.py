"""Runs alerts on their schedule over an index that fills up, for weeks at a time.

A record is searched by its own time and by the second in which it was indexed, so late records and
duplicates appear as on a search head. Source: savedsearches.conf.spec.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter

from emulator.app import App, SearchKnowledge
from emulator.eval.values import FieldValue, values_of
from emulator.search_time.kv_store import (
    RecordHistory,
    RecordsAt,
    StoreLookup,
    StoreRecords,
    by_collection,
)
from emulator.search_time.lookups import Stores
from emulator.search_time.search_expression import Predicate
from emulator.spl.alerts import Alert, Throttling
from emulator.spl.context import Context, Records, ResultRow, Results
from emulator.spl.pipeline import Search, compiled_search

# Makes the results depend on the time of the run, not on the events alone.
_CLOCK = re.compile(r"\bnow\s*\(|\btime\s*\(|\baddinfo\b|\[|lookup\b")
# Rows, or effects, that do not come from events.
_OWN_ROWS = re.compile(r"\[|\binputlookup\b|\boutputlookup\b(?![^|]*\bappend=true)")
_WRITTEN = re.compile(r"\boutputlookup\b[^|]*?(\w+)\s*(?=\||\Z)")
_READ = re.compile(r"\b(?:input)?lookup\s+(?:\w+=\w+\s+)*(\w+)")
_DAY = 86_400


@dataclass(frozen=True)
class Fired:
    """One result that an alert reported, and when: `run` in epoch seconds."""

    run: int
    row: ResultRow


class Index:
    """Events with their fields, each with the epoch second in which it was indexed."""

    def __init__(self, events: Iterable[tuple[float, Mapping[str, FieldValue]]]) -> None:
        self.events: list[ResultRow] = [
            {**fields, "_indextime": f"{second:.0f}"}
            for second, fields in sorted(events, key=itemgetter(0))
        ]
        self.seconds = [float(str(event["_indextime"])) for event in self.events]
        self._selected: dict[str, Index] = {}
        self.maintained: dict[tuple[str, float, float], Maintained] = {}

    @cached_property
    def _by_time(self) -> tuple[list[float], list[tuple[float, ResultRow]]]:
        """Times ascending; in the same order, when each event was indexed, and the event."""
        listed = sorted(((_time(event), position) for position, event in enumerate(self.events)))
        events = [(self.seconds[position], self.events[position]) for _, position in listed]
        return [time for time, _ in listed], events

    def selected(self, expression: str, matches: Predicate) -> Index:
        """An index of the matching events; each expression is evaluated once per event."""
        if expression not in self._selected:
            pairs = zip(self.seconds, self.events)
            self._selected[expression] = Index(pair for pair in pairs if matches(pair[1]))
        return self._selected[expression]

    def visible(self, earliest: float, latest: float | None, run: float) -> list[ResultRow]:
        """The events of a time range that were indexed before `run`, newest first."""
        times, events = self._by_time
        end = len(times) if latest is None else bisect_left(times, latest)
        in_range = events[bisect_left(times, earliest) : end]
        return [event for second, event in reversed(in_range) if second < run]


class Maintained:
    """The collections that scheduled searches write, as they are at any time."""

    def __init__(self, records: Mapping[str, Records]) -> None:
        self._added = {name: RecordHistory(listed) for name, listed in records.items()}
        self._replaced: dict[str, list[tuple[int, Records]]] = {}

    def keep(
        self, run: int, name: str, records: Records, written: Results, *, replaces: bool
    ) -> None:
        """What a run left in a collection; `written` are the rows that it wrote."""
        if replaces:
            self._replaced.setdefault(name, []).append((run, StoreRecords(records)))
            return
        texts = {value for row in written.rows for value in row.values() if isinstance(value, str)}
        for text in texts:
            for record in _listed(records).matching(("_key",), (text,)):
                self._added[name].add(run, record)

    def at(self, run: int) -> dict[str, Records]:
        """The records that runs before `run` wrote."""
        stores: dict[str, Records] = {
            name: RecordsAt(history, run) for name, history in self._added.items()
        }
        for name, versions in self._replaced.items():
            place = bisect_left(versions, run, key=itemgetter(0))
            if place:
                stores[name] = versions[place - 1][1]
        return stores


def _listed(records: Records) -> StoreRecords:
    return records if isinstance(records, StoreRecords) else StoreRecords(records)


class _Visible:
    """The events that a search can read, collected when it first reads them."""

    def __init__(self, index: Index, earliest: float, latest: float | None, run: float) -> None:
        self._arguments = (index, earliest, latest, run)

    @cached_property
    def _events(self) -> list[ResultRow]:
        index, earliest, latest, run = self._arguments
        return index.visible(earliest, latest, run)

    def __iter__(self) -> Iterator[ResultRow]:
        return iter(self._events)

    def selected(self, expression: str, matches: Predicate) -> Iterable[ResultRow]:
        """The events that a search expression selects."""
        index, earliest, latest, run = self._arguments
        return index.selected(expression, matches).visible(earliest, latest, run)


class Scheduler:
    """Alerts of `app` over `index`; `stores` are the records of KV store collections.

    Scheduled searches that write collections run too: one that adds records, from the first event
    on; one that replaces them, from its last run before. An alert reads what earlier runs wrote.
    """

    def __init__(self, app: App, index: Index, stores: Stores | None = None) -> None:
        knowledge = app.knowledge
        self._index = index
        self._knowledge = knowledge
        self._maintenance = list(knowledge.maintenance.values())
        self._maintained: Maintained | None = None
        collections: dict[str, Records] = {
            name: StoreRecords() for name in app.collection_names.values()
        }
        for name, records in by_collection(stores or {}, app.collection_names).items():
            collections[name] = StoreRecords(dict(record) for record in records)
        self._written = {
            name for alert in self._maintenance for name in _collections(alert.search, knowledge)
        }
        self._entered = {name: list(collections[name]) for name in self._written}
        read = {name for alert in self._maintenance for name in _looked_up(alert, knowledge)}
        others = sorted((name, collections[name]) for name in read - self._written)
        self._tables = repr(others)
        self._context = Context(
            macros=knowledge.macros,
            saved_searches=knowledge.saved_searches,
            lookups=knowledge.lookups,
            stores=collections,
        )

    def fired(self, alert: Alert, since: float, until: float) -> list[Fired]:
        """The alert's reports in its runs from `since` to before `until` (epoch seconds)."""
        self._maintained = self.maintained(since, until)
        return list(_throttled(self._results(alert, since, until), alert.throttling))

    def maintained(self, since: float, until: float) -> Maintained:
        """The collections as they change until `until`; computed once for an index."""
        key = (self._tables, since, until)
        if key not in self._index.maintained:
            self._index.maintained[key] = self._maintain(since, until)
        return self._index.maintained[key]

    def _maintain(self, since: float, until: float) -> Maintained:
        first = self._index.seconds[0] if self._index.seconds else since
        self._maintained = None
        for name in self._written:
            _listed(self._context.stores[name]).replace(self._entered[name])
        searches = []
        for alert in self._maintenance:
            search = compiled_search(alert.search, self._context.macros)
            replaces = _OWN_ROWS.search(search.text) is not None
            earlier = alert.runs(since - 2 * _DAY, since)
            start = earlier[-1] if replaces and earlier else min(first, since - 2 * _DAY)
            runs = self._run(search, alert, start, until)
            written = _collections(alert.search, self._knowledge)
            searches.append((alert.runs(start, until), runs, replaces, written))
        order = sorted((run, number) for number, item in enumerate(searches) for run in item[0])
        maintained = Maintained({name: self._context.stores[name] for name in self._written})
        for run, number in order:
            _runs, results, replaces, written = searches[number]
            _run, rows = next(results)
            if rows.rows:
                for name in written:
                    maintained.keep(run, name, self._context.stores[name], rows, replaces=replaces)
        return maintained

    def search(self, text: str, earliest: float, latest: float) -> Results:
        """The results of a search over a time range, when everything has been indexed."""
        events = self._index.visible(earliest, latest, float("inf"))
        context = replace(
            self._context, events=events, earliest=earliest, latest=latest, now=latest
        )
        return compiled_search(text, context.macros).run(context)

    def _results(self, alert: Alert, since: float, until: float) -> Iterator[Fired]:
        search = compiled_search(alert.search, self._context.macros)
        for run, results in self._run(search, alert, since, until):
            yield from (Fired(run, row) for row in results.rows)

    def _run(
        self, search: Search, alert: Alert, since: float, until: float
    ) -> Iterator[tuple[int, Results]]:
        each = self._in_slices if search.selects else self._run_by_run
        return each(search, alert, alert.runs(since, until))

    def _run_by_run(
        self, search: Search, alert: Alert, runs: Iterable[int]
    ) -> Iterator[tuple[int, Results]]:
        for run in runs:
            yield run, search.run(self._at(alert, run))

    def _in_slices(
        self, search: Search, alert: Alert, runs: Iterable[int]
    ) -> Iterator[tuple[int, Results]]:
        """Selects the events once for all runs; a run over the same ones has the same results."""
        selects = search.selects or (lambda _event: True)
        seconds, selected = [], []
        for second, event in zip(self._index.seconds, self._index.events):
            if selects(event):
                seconds.append(second)
                selected.append((_time(event), event))
        clock = _CLOCK.search(search.text) is not None
        previous: tuple[list[tuple[float, ResultRow]], Results] | None = None
        empty: Results | None = None
        for run in runs:
            earliest, latest = alert.times.at(run)
            from_second, to_second = alert.index_times.at(run)
            start = bisect_left(seconds, from_second)
            end = bisect_left(seconds, run if to_second is None else min(run, to_second))
            events = [
                timed
                for timed in selected[start:end]
                if earliest <= timed[0] and (latest is None or timed[0] < latest)
            ]
            if not events and empty is not None:
                yield run, empty
                continue
            if previous is None or clock or events != previous[0]:
                previous = events, search.after_first(_newest_first(events), self._at(alert, run))
            if not events and not previous[1].rows and not _OWN_ROWS.search(search.text):
                empty = previous[1]  # commands work on rows, so the time changes nothing
            yield run, previous[1]

    def _at(self, alert: Alert, run: int) -> Context:
        earliest, latest = alert.times.at(run)
        events = _Visible(self._index, earliest, latest, run)
        kept = self._maintained.at(run) if self._maintained else {}
        return replace(
            self._context,
            events=events,
            earliest=earliest,
            latest=latest,
            now=float(run),
            stores={**self._context.stores, **kept},
        )


def _collections(search: str, knowledge: SearchKnowledge) -> set[str]:
    """The collections that a search writes."""
    return _named_by(_WRITTEN, knowledge.macros.expand(search), knowledge)


def _looked_up(alert: Alert, knowledge: SearchKnowledge) -> set[str]:
    """The collections that a search reads by lookup."""
    return _named_by(_READ, knowledge.macros.expand(alert.search), knowledge)


def _named_by(pattern: re.Pattern[str], text: str, knowledge: SearchKnowledge) -> set[str]:
    lookups = [knowledge.lookups[name] for name in pattern.findall(text)]
    return {lookup.collection.name for lookup in lookups if isinstance(lookup, StoreLookup)}


def _newest_first(timed_events: list[tuple[float, ResultRow]]) -> Results:
    """Copies, since commands may change rows; of one time, the last indexed comes first."""
    listed = sorted(timed_events, key=itemgetter(0))
    return Results([dict(event) for _time_of, event in reversed(listed)])


def _throttled(fired: Iterable[Fired], throttling: Throttling | None) -> Iterator[Fired]:
    last: dict[tuple[tuple[str, ...], ...], int] = {}
    for result in fired:
        if throttling is not None:
            key = tuple(tuple(values_of(result.row, name)) for name in throttling.fields)
            if key in last and result.run - last[key] < throttling.seconds:
                continue
            last[key] = result.run
        yield result


def _time(event: Mapping[str, FieldValue]) -> float:
    return float(str(event["_time"]))
