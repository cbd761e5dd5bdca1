"""tstats: statistics over what the index itself knows of its events."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from emulator.errors import SearchError
from emulator.eval.values import FieldValue, number_of
from emulator.search_time.search_expression import Predicate, compile_search
from emulator.spl.aggregates import Aggregation, Key, parse_aggregation
from emulator.spl.aggregation import rows_by_group
from emulator.spl.context import Context, Results, Row, Run, command, values_of
from emulator.spl.spans import bin_start, seconds_of

_ORIGIN = ("index", "host", "source", "sourcetype")
_FIELDS = frozenset({"index", "host", "source", "sourcetype", "_time", "_indextime"})
_PARTS = re.compile(
    r"(?P<what>.*?)\s+where\s+(?P<where>.*?)(?:\s+by\s+(?P<by>.*?))?\Z", re.DOTALL | re.IGNORECASE
)
_SPAN = re.compile(r"\s*\bspan=(?P<span>\S+)\Z")
# Of a search whose quoted texts are empty.
_CONDITION = re.compile(
    r"(?P<field>\w+)(?:\s*(?:!=|[<>]=?|=)\s*(?:\"\"|[^\s()\"]+)|\s+IN\s*\([^()]*\))"
)


@dataclass(frozen=True)
class _Wanted:
    aggregation: Aggregation
    matches: Predicate
    asks_for_time: bool
    span: int | None

    @property
    def only_counts(self) -> bool:
        """Whether events of one origin and one bin of time are all the same to it."""
        functions = {(one.function, one.argument) for one in self.aggregation.aggregates}
        return functions <= {("count", "")} and not self.asks_for_time


@command("tstats", generating=True)
def _tstats(arguments: str) -> Run:
    """Search Reference, "tstats", over indexed fields: no data models, no options."""
    wanted = _wanted(arguments)

    def run(_results: Results, context: Context) -> Results:
        if wanted.only_counts:
            return _counted(wanted, context)
        return rows_by_group(wanted.aggregation, _rows(wanted, context))

    return run


def _wanted(arguments: str) -> _Wanted:
    found = _PARTS.match(arguments)
    if found is None:
        raise SearchError("tstats is modelled as tstats <functions> where <search> [by <fields>]")
    by, span = found["by"] or "", None
    if sized := _SPAN.search(by):
        span = seconds_of(sized["span"], "tstats")
        by = by[: sized.start()]
    text = f"{found['what']} by {by}" if by else found["what"]
    aggregation = parse_aggregation(text, "tstats")
    if (span is None) == ("_time" in aggregation.by):
        raise SearchError("tstats: by _time wants a span, and a span by _time")
    if span is not None and "_time" in found["what"]:
        raise SearchError("tstats: a function of _time beside by _time is not modelled")
    compared = _fields_of(found["where"])
    asked = {*compared, *aggregation.by}
    asked.update(re.findall(r"\((\w+)\)", found["what"]))
    for name in sorted(asked - _FIELDS):
        known = ", ".join(sorted(_FIELDS))
        raise SearchError(f"tstats: {name} is no indexed field; it knows {known}")
    asks_for_time = bool(compared & {"_time", "_indextime"}) or "_indextime" in aggregation.by
    return _Wanted(aggregation, compile_search(found["where"]), asks_for_time, span)


def _counted(wanted: _Wanted, context: Context) -> Results:
    """As rows_by_group over all rows, but each origin is asked once: weeks have many events."""
    by, span = wanted.aggregation.by, wanted.span
    groups: dict[tuple[object, ...], Callable[[int], Key] | None] = {}
    counts: Counter[Key] = Counter()
    latest = float("inf") if context.latest is None else context.latest
    for event in context.events:
        time = float(str(event["_time"]))
        if not context.earliest <= time < latest:
            continue
        origin = tuple(map(event.get, _ORIGIN))
        if origin not in groups:
            groups[origin] = _keys(wanted, event) if wanted.matches(event) else None
        key_at = groups[origin]
        if key_at is not None:
            counts[key_at(0 if span is None else int(time // span * span))] += 1
    names = [one.name for one in wanted.aggregation.aggregates]
    if not by:
        counts.setdefault((), 0)
    rows: list[Row] = [
        {**dict(zip(by, key)), **dict.fromkeys(names, str(count))}
        for key, count in sorted(counts.items())
    ]
    return Results(rows, (*by, *names))


def _keys(wanted: _Wanted, event: Mapping[str, FieldValue]) -> Callable[[int], Key]:
    """The group of an event of this origin, by the beginning of its bin."""
    row: Row = {
        "_time": "",
        **{name: values_of(event, name)[0] for name in _ORIGIN if name in event},
    }
    key = wanted.aggregation.key(row)
    if wanted.span is None:
        return lambda _start: key
    place = wanted.aggregation.by.index("_time")
    return lambda start: (*key[:place], str(start), *key[place + 1 :])


def _rows(wanted: _Wanted, context: Context) -> Iterator[Row]:
    for event in context.events:
        time = number_of(str(event["_time"])) or 0
        inside = context.earliest <= time and (context.latest is None or time < context.latest)
        if not inside or not wanted.matches(event):
            continue
        row: Row = {name: values_of(event, name)[0] for name in _FIELDS if name in event}
        if wanted.span is not None:
            row["_time"] = str(bin_start(time, wanted.span))
        yield row


def _fields_of(where: str) -> set[str]:
    """The fields that a search compares. Raises SearchError for a word that looks into the text."""
    unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', '""', where)
    left = re.findall(r"[^\s()]+", _CONDITION.sub(" ", unquoted))
    bare = next((word for word in left if word not in {"AND", "OR", "NOT"}), None)
    if bare is not None:
        raise SearchError(f"tstats: {bare} without a field is not modelled: {where}")
    return set(_CONDITION.findall(unquoted))
