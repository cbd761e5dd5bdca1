"""The functions of stats: each takes values one by one and has a result at any time.

Source: Search Reference, "Statistical and charting functions" and its pages. NULL is never seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from math import floor, sqrt
from typing import Protocol

from emulator.errors import SearchError
from emulator.eval.values import FieldValue, collapse, number_of, number_text
from emulator.spl.context import ResultRow

_LIST_LIMIT = 100
# Search Reference, "Aggregate functions": beyond, a percentile is an approximation.
_EXACT_VALUES = 1_000
_PERCENTILE = re.compile(r"(?P<exact>exact)?(?:perc|p)(?P<percent>\d{1,2}(?:\.\d+)?)")


class Accumulator(Protocol):
    """The state of a function: takes values one by one and has a result at any time."""

    def add(self, value: str, row: ResultRow) -> None: ...

    def result(self) -> FieldValue | None: ...


class _Count:
    def __init__(self) -> None:
        self._seen = 0

    def add(self, _value: str, _row: ResultRow) -> None:
        self._seen += 1

    def result(self) -> FieldValue | None:
        return str(self._seen)


class _Sum:
    """Of the numbers; what is no number is ignored."""

    def __init__(self) -> None:
        self._total: float | None = None

    def add(self, value: str, _row: ResultRow) -> None:
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

    def add(self, value: str, _row: ResultRow) -> None:
        if self._best is None or self._is_better(value, self._best):
            self._best = value

    def _is_better(self, value: str, best: str) -> bool:
        number, best_number = number_of(value), number_of(best)
        if (number is None) != (best_number is None):
            raise SearchError(f"min or max of numbers and texts ({value!r}, {best!r})")
        if number is None or best_number is None:
            return (value > best) is self.wants_greater and value != best
        return (number > best_number) is self.wants_greater and number != best_number

    def result(self) -> FieldValue | None:
        return self._best


class _Least(_Extreme):
    wants_greater = False


class _First:
    def __init__(self) -> None:
        self._value: str | None = None

    def add(self, value: str, _row: ResultRow) -> None:
        if self._value is None:
            self._value = value

    def result(self) -> FieldValue | None:
        return self._value


class _Last(_First):
    def add(self, value: str, _row: ResultRow) -> None:
        self._value = value


class _Earliest:
    """By _time, whatever the order of the rows; two values at one time are refused."""

    wants_later = False

    def __init__(self) -> None:
        self._best: tuple[float, str] | None = None

    def add(self, value: str, row: ResultRow) -> None:
        time = time_of(row)
        if self._best and time == self._best[0] and value != self._best[1]:
            raise SearchError("earliest() or latest() of two values at one time is not modelled")
        if self._best is None or (time > self._best[0]) is self.wants_later:
            self._best = (time, value)

    def result(self) -> FieldValue | None:
        return self._best[1] if self._best else None


class _Latest(_Earliest):
    wants_later = True


class _Values:
    """Distinct values in lexicographical order, as UTF-8 sorts them."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def add(self, value: str, _row: ResultRow) -> None:
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

    def add(self, value: str, _row: ResultRow) -> None:
        if len(self._seen) < _LIST_LIMIT:
            self._seen.append(value)

    def result(self) -> FieldValue | None:
        return collapse(list(self._seen))


class _Numbers:
    """Of the numbers that were seen; what is no number is ignored."""

    def __init__(self) -> None:
        self._numbers: list[float] = []

    def add(self, value: str, _row: ResultRow) -> None:
        number = number_of(value)
        if number is not None:
            self._numbers.append(float(number))

    def result(self) -> FieldValue | None:
        return number_text(self._of(self._numbers)) if self._numbers else None

    def _of(self, numbers: list[float]) -> float:
        raise NotImplementedError


class _Average(_Numbers):
    def _of(self, numbers: list[float]) -> float:
        return sum(numbers) / len(numbers)


class _Range(_Numbers):
    def _of(self, numbers: list[float]) -> float:
        return max(numbers) - min(numbers)


class _Deviation(_Numbers):
    """stdev takes the numbers for a sample, stdevp for the population."""

    def __init__(self, degrees_lost: int) -> None:
        super().__init__()
        self._degrees_lost = degrees_lost

    def _of(self, numbers: list[float]) -> float:
        mean = sum(numbers) / len(numbers)
        squares = sum((number - mean) ** 2 for number in numbers)
        return sqrt(squares / max(1, len(numbers) - self._degrees_lost))


class _Percentile(_Numbers):
    """By nearest rank: always a number that was seen; for half of an even count, the higher one."""

    def __init__(self, percent: float, exact: bool) -> None:
        super().__init__()
        self._percent = percent
        self._exact = exact

    def _of(self, numbers: list[float]) -> float:
        if not self._exact and len(set(numbers)) > _EXACT_VALUES:
            raise SearchError(
                f"a percentile of more than {_EXACT_VALUES} distinct values is an approximation in"
                " Splunk: use exactperc"
            )
        return sorted(numbers)[floor(self._percent * len(numbers) / 100)]


class _Mode:
    """The value seen most often; which one of two that were seen as often is not modelled."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def add(self, value: str, _row: ResultRow) -> None:
        self._seen[value] += 1

    def result(self) -> FieldValue | None:
        ranked = self._seen.most_common(2)
        if len(ranked) == 2 and ranked[0][1] == ranked[1][1]:
            raise SearchError(f"mode() of values seen as often as each other: {ranked[0][0]!r}")
        return ranked[0][0] if ranked else None


class _EarliestTime:
    """The time of the row that has the earliest value."""

    pick = staticmethod(min)

    def __init__(self) -> None:
        self._best: float | None = None

    def add(self, _value: str, row: ResultRow) -> None:
        time = time_of(row)
        self._best = time if self._best is None else self.pick(self._best, time)

    def result(self) -> FieldValue | None:
        return None if self._best is None else number_text(self._best)


class _LatestTime(_EarliestTime):
    pick = staticmethod(max)


def time_of(row: ResultRow) -> float:
    """`_time` of a row, in epoch seconds. Raises SearchError if there is none."""
    time = number_of(row.get("_time"))
    if time is None:
        raise SearchError("earliest(), latest() and windows of time need _time in every row")
    return float(time)


NewAccumulator = Callable[[], Accumulator]

_FUNCTIONS: dict[str, NewAccumulator] = {
    "count": _Count,
    "c": _Count,
    "sum": _Sum,
    "avg": _Average,
    "mean": _Average,
    "max": _Extreme,
    "min": _Least,
    "range": _Range,
    "stdev": partial(_Deviation, 1),
    "stdevp": partial(_Deviation, 0),
    "median": partial(_Percentile, 50, False),
    "mode": _Mode,
    "first": _First,
    "last": _Last,
    "earliest": _Earliest,
    "latest": _Latest,
    "earliest_time": _EarliestTime,
    "latest_time": _LatestTime,
    "values": _Values,
    "list": _List,
    "dc": _DistinctCount,
    "distinct_count": _DistinctCount,
}


def function_named(name: str) -> NewAccumulator | None:
    """Starts the function of that name without values; None if it is not modelled."""
    percentile = _PERCENTILE.fullmatch(name)
    if percentile and float(percentile["percent"]) > 0:
        return partial(_Percentile, float(percentile["percent"]), bool(percentile["exact"]))
    return _FUNCTIONS.get(name)
