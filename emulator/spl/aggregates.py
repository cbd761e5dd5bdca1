"""The arguments of stats and related commands: `f(x) AS a, g(eval(...)) BY k`.

Source: Search Reference, "stats". A function sees a row's value of one field, or of `eval(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from emulator.errors import SearchError
from emulator.eval.expression import compile_eval
from emulator.eval.values import Fields, FieldValue, field_value, values_of
from emulator.spl.context import ResultRow
from emulator.spl.stats_functions import Accumulator, NewAccumulator, function_named
from emulator.spl.syntax import split_top, words

_NAMED = re.compile(r"(?P<function>[a-z_]+[\d.]*)(?:\((?P<argument>.*)\))?\Z", re.DOTALL)
_EVAL = re.compile(r"eval\((?P<expression>.*)\)\Z", re.DOTALL)
_FIELD = re.compile(r"[\w.{}:-]+")
# Documented for several values of one row; the others refuse them.
_TAKES_SEVERAL = frozenset({"count", "c", "values", "list", "dc", "distinct_count"})

GroupKey = tuple[str, ...]


@dataclass(frozen=True)
class Aggregate:
    """`function(argument) AS name`."""

    name: str
    function: str
    argument: str
    start: NewAccumulator
    value_of: Callable[[Fields], FieldValue | None]

    def feed(self, accumulator: Accumulator, row: ResultRow) -> None:
        """Add a row to the function."""
        value = self.value_of(row)
        if isinstance(value, list):
            if self.function not in _TAKES_SEVERAL:
                raise SearchError(f"{self.name}: {self.function}() of a multivalue is not modelled")
            for element in value:
                accumulator.add(element, row)
        elif value is not None:
            accumulator.add(value, row)


@dataclass(frozen=True)
class Aggregation:
    """All functions of one command, and the fields that it groups by."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]

    def key(self, row: ResultRow) -> GroupKey:
        """The one group of a row. Raises SearchError where it has none, or several."""
        key = []
        for name in self.by:
            value = row.get(name)
            if not isinstance(value, str):
                raise self._unclear(name)
            key.append(value)
        return tuple(key)

    def keys(self, row: ResultRow) -> list[GroupKey]:
        """The groups of a row: one per combination of values. Raises SearchError for none."""
        if not self._has_several(row):
            return [self.key(row)]
        columns = [values_of(row, name) for name in self.by]
        missing = next((name for name, values in zip(self.by, columns) if not values), None)
        if missing is not None:
            raise self._unclear(missing)
        return list(product(*columns))

    def _has_several(self, row: ResultRow) -> bool:
        return list in [type(row.get(name)) for name in self.by]

    def _unclear(self, name: str) -> SearchError:
        return SearchError(f"BY {name}: a row without it, or with several values, is not modelled")

    def started(self) -> list[Accumulator]:
        """New accumulators of its functions."""
        return [aggregate.start() for aggregate in self.aggregates]

    def feed(self, accumulators: Sequence[Accumulator], row: ResultRow) -> None:
        """Add a row to all functions."""
        for aggregate, accumulator in zip(self.aggregates, accumulators):
            aggregate.feed(accumulator, row)

    def results(self, accumulators: Sequence[Accumulator]) -> ResultRow:
        """The fields that the functions yield; NULL gives none."""
        names = (aggregate.name for aggregate in self.aggregates)
        values = (accumulator.result() for accumulator in accumulators)
        return {name: value for name, value in zip(names, values) if value is not None}


def parse_aggregation(text: str, command: str) -> Aggregation:
    """Parse `f(x) AS a g(y) BY k`. Raises SearchError for what is malformed or not modelled."""
    parts = [part.strip(",") for part in split_top(text, " \t\n\r") if part.strip(",")]
    cut = next((at for at, part in enumerate(parts) if part.lower() == "by"), len(parts))
    aggregates, at = [], 0
    while at < cut:
        renamed = at + 2 < cut and parts[at + 1].lower() == "as"
        name = " ".join(words(parts[at + 2])) if renamed else ""
        aggregates.append(_aggregate(parts[at], name, command))
        at += 3 if renamed else 1
    _check_different(aggregates, text, command)
    return Aggregation(tuple(aggregates), _by(parts[cut:], command))


def _by(parts: list[str], command: str) -> tuple[str, ...]:
    names = tuple(name for part in parts[1:] for name in part.split(",") if name)
    if parts and not names:
        raise SearchError(f"{command}: BY names no field")
    wrong = next((name for name in names if not _FIELD.fullmatch(name)), None)
    if wrong is not None or len(set(names)) < len(names):
        raise SearchError(f"{command}: BY needs plain names of fields, each once: {wrong or names}")
    return names


def _check_different(aggregates: list[Aggregate], text: str, command: str) -> None:
    if not aggregates or len({aggregate.name for aggregate in aggregates}) < len(aggregates):
        raise SearchError(f"{command}: no function, or two results of one name: {text}")
    if len({(item.function, item.argument) for item in aggregates}) < len(aggregates):
        raise SearchError(f"{command}: one function of one field cannot have two names: {text}")


def _aggregate(text: str, name: str, command: str) -> Aggregate:
    match = _NAMED.match(text)
    start = function_named(match["function"]) if match else None
    if match is None or start is None:
        raise SearchError(f"{command}: the emulator does not model {text!r}")
    function, argument = match["function"], (match["argument"] or "").strip()
    if not argument:
        if function not in {"count", "c"}:
            raise SearchError(f"{command}: {text} needs a field")
        return Aggregate(name or "count", function, "", start, lambda _row: "1")
    return Aggregate(name or text, function, argument, start, _value_of(argument, command))


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
