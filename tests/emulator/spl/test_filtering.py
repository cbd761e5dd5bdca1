"""Assumptions 35 and 36: search, where, dedup, head, tail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import EmulatorError
from emulator.spl.context import ResultRow

Piped = Callable[..., list[ResultRow]]

_ROWS: list[ResultRow] = [
    {"a": "1", "b": "x"},
    {"a": "1", "b": "X"},
    {"a": "2", "b": "x"},
    {"b": "y"},
    {"a": "1", "b": "x", "c": "later"},
]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("search a=1 b=X", [0, 1, 4]),
        ("search NOT a=1", [2, 3]),
        ('where b="X"', [1]),
        ("where a>1", [2]),
        ("where a!=1", [2]),
        ("dedup a", [0, 2]),
        ("dedup a keepempty=true", [0, 2, 3]),
        ("dedup a b", [0, 1, 2]),
        ("dedup a, b keepempty=t", [0, 1, 2, 3]),
        ("head 2", [0, 1]),
        ("head", [0, 1, 2, 3, 4]),
        ("tail 2", [4, 3]),
        ("tail", [4, 3, 2, 1, 0]),
    ],
)
def test_rows_that_are_kept(piped: Piped, text: str, kept: list[int]) -> None:
    """A row for which `where` yields NULL is dropped; dedup keeps the first, with case."""
    assert piped(text, _ROWS) == [_ROWS[index] for index in kept]


@pytest.mark.parametrize(("command", "first"), [("head", "0"), ("tail", "11")])
def test_ten_are_kept_by_default(piped: Piped, command: str, first: str) -> None:
    """Search Reference, "tail": in reverse order."""
    rows = piped(command, [{"a": str(number)} for number in range(12)])

    assert (len(rows), rows[0]["a"]) == (10, first)


@pytest.mark.parametrize(
    "text",
    [
        "dedup",
        "dedup 2 a",
        "dedup a keepevents=true",
        "dedup a sortby b",
        "head a>1",
        "head limit=3",
        "tail x",
        "where a",
        "where a=",
        "transaction a",
    ],
)
def test_what_is_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(EmulatorError):
        piped(text, _ROWS)


def test_several_values_in_dedup_are_refused(piped: Piped) -> None:
    with pytest.raises(EmulatorError, match="multivalue field a"):
        piped("dedup a", [{"a": ["1", "2"]}])
