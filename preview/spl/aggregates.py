"""The functions of stats, eventstats and streamstats.

Source: Search Reference, "Statistical and charting functions" and its pages. A function sees a
row's value of one field, or of `eval(...)`; NULL is never seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from preview.errors import SearchError
from preview.eval import compile_eval
from preview.eval_values import Fields, FieldValue, collapse, field_value, number_of, number_text
from preview.spl.context import Row
from preview.spl.syntax import split_top

_LIST_LIMIT = 100
_NAMED = re.compile(r"(?P<function>[a-z_]+)(?:\((?P<argument>.*)\))?\Z", re.DOTALL)
_EVAL = re.compile(r"eval\((?P<expression>.*)\)\Z", re.DOTALL)


class Running(Protocol):
    """A function at work: takes values one by one and tells its result at any time."""

    def add(self, value: str, row: Row) -> None: ...

    def result(self) -> FieldValue | None: ...


class _Count:
    def __init__(self) -> None:
        self._seen = 0

    def add(self, _value: str, _row: Row) -> None:
        self._seen += 1

    def result(self) -> FieldValue | None:
        return str(self._seen)


class _Sum:
    """Of the numbers; what is no number is ignored."""

    def __init__(self) -> None:
        self._total: float | None = None

    def add(self, value: str, _row: Row) -> None:
        number = number_of(value)
        if number is not None:
            self._total = float(number) + (self._total or 0.0)

    def result(self) -> FieldValue | None:
        return None if self._total is None else number_text(self._total)


class _Extreme:
    """Numbers are compared as numbers, texts as texts; both in one field is not modelled."""

    wants_greater = True

    def __init__(self) -> None:
        self._best: str | None = None

    def add(self, value: str, _row: Row) -> None:
        if self._best is None or self._is_better(value, self._best):
            self._best = value

    def _is_better(self, value: str, best: str) -> bool:
        one, two = number_of(value), number_of(best)
        if (one is None) != (two is None):
            raise SearchError(f"min or max of numbers and texts ({value!r}, {best!r})")
        if one is None or two is None:
            return (value > best) is self.wants_greater and value != best
        return (one > two) is self.wants_greater and one != two

    def result(self) -> FieldValue | None:
        return self._best


class _Least(_Extreme):
    wants_greater = False


class _First:
    def __init__(self) -> None:
        self._value: str | None = None

    def add(self, value: str, _row: Row) -> None:
        if self._value is None:
            self._value = value

    def result(self) -> FieldValue | None:
        return self._value


class _Last(_First):
    def add(self, value: str, _row: Row) -> None:
        self._value = value


class _Earliest:
    """By _time, whatever the order of the rows; two values at one time are refused."""

    wants_later = False

    def __init__(self) -> None:
        self._best: tuple[float, str] | None = None

    def add(self, value: str, row: Row) -> None:
        time = number_of(row.get("_time"))
        if time is None:
            raise SearchError("earliest() and latest() need _time in every row")
        if self._best and time == self._best[0] and value != self._best[1]:
            raise SearchError("earliest() or latest() of two values at one time is not modelled")
        if self._best is None or (time > self._best[0]) is self.wants_later:
            self._best = (float(time), value)

    def result(self) -> FieldValue | None:
        return self._best[1] if self._best else None


class _Latest(_Earliest):
    wants_later = True


class _Values:
    """Distinct values in lexicographical order, as UTF-8 sorts them."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def add(self, value: str, _row: Row) -> None:
        self._seen.add(value)

    def result(self) -> FieldValue | None:
        return collapse(sorted(self._seen))


class _DistinctCount(_Values):
    def result(self) -> FieldValue | None:
        return str(len(self._seen))


class _List:
    """In the order of the rows, the first 100."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def add(self, value: str, _row: Row) -> None:
        if len(self._seen) < _LIST_LIMIT:
            self._seen.append(value)

    def result(self) -> FieldValue | None:
        return collapse(list(self._seen))


_FUNCTIONS: dict[str, Callable[[], Running]] = {
    "count": _Count,
    "c": _Count,
    "sum": _Sum,
    "max": _Extreme,
    "min": _Least,
    "first": _First,
    "last": _Last,
    "earliest": _Earliest,
    "latest": _Latest,
    "values": _Values,
    "list": _List,
    "dc": _DistinctCount,
    "distinct_count": _DistinctCount,
}
# What a page says of several values of one row; the others refuse them.
_TAKES_SEVERAL = frozenset({"count", "c", "values", "list", "dc", "distinct_count"})


@dataclass(frozen=True)
class Aggregate:
    """`function(field) AS name`."""

    name: str
    function: str
    value_of: Callable[[Fields], FieldValue | None]

    def start(self) -> Running:
        """The function, having seen nothing."""
        return _FUNCTIONS[self.function]()

    def feed(self, running: Running, row: Row) -> None:
        """Let the function see a row."""
        value = self.value_of(row)
        if isinstance(value, list):
            if self.function not in _TAKES_SEVERAL:
                raise SearchError(f"{self.name}: {self.function}() of a multivalue is not modelled")
            for one in value:
                running.add(one, row)
        elif value is not None:
            running.add(value, row)


@dataclass(frozen=True)
class Aggregation:
    """All functions of one command, and the fields that it groups by."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]

    def key(self, row: Row) -> tuple[str, ...]:
        """The group of a row. Raises SearchError where a row would silently fall out of it."""
        values = [row.get(name) for name in self.by]
        for name, value in zip(self.by, values):
            if not isinstance(value, str):
                raise SearchError(
                    f"BY {name}: a row without it, or with several values, is not modelled"
                )
        return tuple(str(value) for value in values)


def parse_aggregation(text: str, command: str) -> Aggregation:
    """Parse `f(x) AS a g(y) BY k`. Raises SearchError for what is malformed or not modelled."""
    parts = [part.strip(",") for part in split_top(text, " \t\n\r") if part.strip(",")]
    cut = next((at for at, part in enumerate(parts) if part.lower() == "by"), len(parts))
    by = [name for part in parts[cut + 1 :] for name in part.split(",") if name]
    if cut < len(parts) and not by:
        raise SearchError(f"{command}: BY names no field")
    aggregates, at = [], 0
    while at < cut:
        renamed = at + 2 < cut and parts[at + 1].lower() == "as"
        aggregates.append(_aggregate(parts[at], parts[at + 2] if renamed else "", command))
        at += 3 if renamed else 1
    names = [one.name for one in aggregates]
    if not names or len(set(names)) < len(names):
        raise SearchError(f"{command}: no function, or two results of one name: {text}")
    return Aggregation(tuple(aggregates), tuple(by))


def _aggregate(text: str, name: str, command: str) -> Aggregate:
    found = _NAMED.match(text)
    function = found["function"] if found else ""
    if not found or function not in _FUNCTIONS:
        raise SearchError(f"{command}: preview does not model {text!r}")
    argument = found["argument"]
    if argument is None or not argument.strip():
        if function not in {"count", "c"}:
            raise SearchError(f"{command}: {text} needs a field")
        return Aggregate(name or "count", function, lambda _row: "1")
    return Aggregate(name or text, function, _value_of(argument.strip(), command))


def _value_of(argument: str, command: str) -> Callable[[Fields], FieldValue | None]:
    expression = _EVAL.match(argument)
    if expression:
        expr = compile_eval(expression["expression"])
        if expr.kind == "bool":
            return lambda row: "1" if expr.run(row) is True else None
        return lambda row: field_value(expr.run(row))
    if not re.fullmatch(r"\w+", argument):
        raise SearchError(f"{command}: {argument!r} is no plain field name")
    return lambda row: row.get(argument)


def results_of(aggregates: Sequence[Aggregate], running: Sequence[Running]) -> Row:
    """The fields that the functions yield; NULL gives none."""
    found = ((one.name, at_work.result()) for one, at_work in zip(aggregates, running))
    return {name: value for name, value in found if value is not None}
