"""Commands that order rows: sort, reverse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from emulator.errors import SearchError
from emulator.eval.values import number_of
from emulator.spl.context import Command, Context, ResultRow, Results, command, single
from emulator.spl.syntax import split_top

_Rank = Callable[[str], Any]
_LIMIT = 10_000
_COUNT = re.compile(r"(?:limit=)?(\d+)(?=\s|\Z)")
_KEY = re.compile(r"(?P<sign>[-+]?)\s*(?:(?P<type>auto|num|str)\((?P<in>\w+)\)|(?P<name>\w+))")


@dataclass(frozen=True)
class _SortKey:
    name: str
    kind: str
    descending: bool

    def arrange(self, rows: list[ResultRow]) -> None:
        """Sort in place, stably; rows without the field come last in either direction."""
        values = [single(row, self.name, "sort") for row in rows]
        rank = _RANKS[self.kind]([value for value in values if value is not None])
        ranked = sorted(
            ((rank(value), row) for row, value in zip(rows, values) if value is not None),
            key=itemgetter(0),
            reverse=self.descending,
        )
        missing = [row for row, value in zip(rows, values) if value is None]
        rows[:] = [*(row for _rank, row in ranked), *missing]


@command("sort")
def _sort(arguments: str) -> Command:
    """Search Reference, "sort": at most 10,000 rows, or as many as a count, 0 for all."""
    count = _COUNT.match(arguments)
    most = int(count[1]) if count else _LIMIT
    keys = [_key(part) for part in split_top(arguments[count.end() if count else 0 :], ",")]

    def run(results: Results, _context: Context) -> Results:
        rows = list(results.rows)
        for key in reversed(keys):
            key.arrange(rows)
        return results.with_rows(rows[:most] if most else rows)

    return run


def _key(text: str) -> _SortKey:
    match = _KEY.fullmatch(text.strip())
    if not match:
        raise SearchError(f"sort: {text.strip()!r} is not modelled: fields, with commas between")
    name = match["in"] or match["name"]
    return _SortKey(name, match["type"] or "auto", match["sign"] == "-")


def _as_texts(_values: list[str]) -> _Rank:
    return lambda value: value


def _as_numbers(values: list[str]) -> _Rank:
    wrong = next((value for value in values if number_of(value) is None), None)
    if wrong is not None:
        raise SearchError(f"sort: {wrong!r} is no number")
    return number_of


def _automatic(values: list[str]) -> _Rank:
    numeric = {number_of(value) is not None for value in values}
    if len(numeric) > 1:
        raise SearchError("sort: numbers and texts in one field: use num() or str()")
    return _as_numbers(values) if True in numeric else _as_texts(values)


_RANKS: dict[str, Callable[[list[str]], _Rank]] = {
    "auto": _automatic,
    "num": _as_numbers,
    "str": _as_texts,
}


@command("reverse")
def _reverse(arguments: str) -> Command:
    """Search Reference, "reverse"."""
    if arguments:
        raise SearchError(f"reverse takes no arguments: {arguments}")
    return lambda results, _context: results.with_rows(results.rows[::-1])
