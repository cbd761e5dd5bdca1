"""tstats: statistics over indexed fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from emulator.errors import SearchError
from emulator.eval.values import FieldValue, number_of, values_of
from emulator.search_time.search_expression import Predicate, compile_search
from emulator.spl.aggregates import Aggregation, GroupKey, parse_aggregation
from emulator.spl.aggregation import rows_by_group
from emulator.spl.context import Command, Context, ResultRow, Results, command
from emulator.spl.spans import bin_start, seconds_of

_METADATA = ("index", "host", "source", "sourcetype")
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
class _TstatsQuery:
    aggregation: Aggregation
    matches: Predicate
    reads_time: bool
    span: int | None

    @property
    def only_counts(self) -> bool:
        """Whether events of one origin and one bin of time differ only in their number."""
        functions = {(item.function, item.argument) for item in self.aggregation.aggregates}
        return functions <= {("count", "")} and not self.reads_time


@command("tstats", generating=True)
def _tstats(arguments: str) -> Command:
    """Search Reference, "tstats", over indexed fields: no data models, no options."""
    query = _parsed(arguments)

    def run(_results: Results, context: Context) -> Results:
        if query.only_counts:
            return _counted(query, context)
        return rows_by_group(query.aggregation, _rows(query, context))

    return run


def _parsed(arguments: str) -> _TstatsQuery:
    match = _PARTS.match(arguments)
    if match is None:
        raise SearchError("tstats is modelled as tstats <functions> where <search> [by <fields>]")
    by, span = match["by"] or "", None
    if sized := _SPAN.search(by):
        span = seconds_of(sized["span"], "tstats")
        by = by[: sized.start()]
    text = f"{match['what']} by {by}" if by else match["what"]
    aggregation = parse_aggregation(text, "tstats")
    if (span is None) == ("_time" in aggregation.by):
        raise SearchError("tstats: by _time needs a span, and a span by _time")
    if span is not None and "_time" in match["what"]:
        raise SearchError("tstats: a function of _time with by _time is not modelled")
    compared = _fields_of(match["where"])
    names = {*compared, *aggregation.by}
    names.update(re.findall(r"\((\w+)\)", match["what"]))
    for name in sorted(names - _FIELDS):
        known = ", ".join(sorted(_FIELDS))
        raise SearchError(f"tstats: {name} is no indexed field; it knows {known}")
    reads_time = bool(compared & {"_time", "_indextime"}) or "_indextime" in aggregation.by
    return _TstatsQuery(aggregation, compile_search(match["where"]), reads_time, span)


def _counted(query: _TstatsQuery, context: Context) -> Results:
    """As rows_by_group over all rows, but each origin is matched once: weeks have many events."""
    by, span = query.aggregation.by, query.span
    groups: dict[tuple[object, ...], Callable[[int], GroupKey] | None] = {}
    counts: Counter[GroupKey] = Counter()
    latest = float("inf") if context.latest is None else context.latest
    for event in context.events:
        time = float(str(event["_time"]))
        if not context.earliest <= time < latest:
            continue
        origin = tuple(map(event.get, _METADATA))
        if origin not in groups:
            groups[origin] = _keys(query, event) if query.matches(event) else None
        key_at = groups[origin]
        if key_at is not None:
            counts[key_at(0 if span is None else int(time // span * span))] += 1
    names = [aggregate.name for aggregate in query.aggregation.aggregates]
    if not by:
        counts.setdefault((), 0)
    rows: list[ResultRow] = [
        {**dict(zip(by, key)), **dict.fromkeys(names, str(count))}
        for key, count in sorted(counts.items())
    ]
    return Results(rows, (*by, *names))


def _keys(query: _TstatsQuery, event: Mapping[str, FieldValue]) -> Callable[[int], GroupKey]:
    """The group of an event of this origin, by the beginning of its bin."""
    row: ResultRow = {
        "_time": "",
        **{name: values_of(event, name)[0] for name in _METADATA if name in event},
    }
    key = query.aggregation.key(row)
    if query.span is None:
        return lambda _start: key
    position = query.aggregation.by.index("_time")
    return lambda start: (*key[:position], str(start), *key[position + 1 :])


def _rows(query: _TstatsQuery, context: Context) -> Iterator[ResultRow]:
    for event in context.events:
        time = number_of(str(event["_time"])) or 0
        inside = context.earliest <= time and (context.latest is None or time < context.latest)
        if not inside or not query.matches(event):
            continue
        row: ResultRow = {name: values_of(event, name)[0] for name in _FIELDS if name in event}
        if query.span is not None:
            row["_time"] = str(bin_start(time, query.span))
        yield row


def _fields_of(where: str) -> set[str]:
    """The fields that a search compares. Raises SearchError for a word without a field."""
    unquoted = re.sub(r'"(?:[^"\\]|\\.)*"', '""', where)
    left = re.findall(r"[^\s()]+", _CONDITION.sub(" ", unquoted))
    bare = next((word for word in left if word not in {"AND", "OR", "NOT"}), None)
    if bare is not None:
        raise SearchError(f"tstats: {bare} without a field is not modelled: {where}")
    return set(_CONDITION.findall(unquoted))
