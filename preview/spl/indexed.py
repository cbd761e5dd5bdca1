"""tstats: statistics over what the index itself knows of its events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from preview.errors import SearchError
from preview.eval_values import number_of
from preview.search import Predicate, compile_search
from preview.spl.aggregates import Aggregation, parse_aggregation
from preview.spl.aggregation import rows_by_group
from preview.spl.context import Context, Results, Row, Run, command, values_of
from preview.spl.spans import bin_start, seconds_of

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
    span: int | None


@command("tstats", generating=True)
def _tstats(arguments: str) -> Run:
    """Search Reference, "tstats", over indexed fields: no data models, no options."""
    wanted = _wanted(arguments)

    def run(_results: Results, context: Context) -> Results:
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
    asked = {*_fields_of(found["where"]), *aggregation.by}
    asked.update(re.findall(r"\((\w+)\)", found["what"]))
    for name in sorted(asked - _FIELDS):
        known = ", ".join(sorted(_FIELDS))
        raise SearchError(f"tstats: {name} is no indexed field; it knows {known}")
    return _Wanted(aggregation, compile_search(found["where"]), span)


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
