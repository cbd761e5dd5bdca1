"""Assumption 37; Search Reference, "sort"."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import SearchError
from emulator.spl.context import ResultRow

Piped = Callable[..., list[ResultRow]]


def _column(rows: list[ResultRow]) -> list[object]:
    return [row.get("a") for row in rows]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("sort a", ["10", "9", "70", "100"], ["9", "10", "70", "100"]),
        ("sort - a", ["10", "9", "70"], ["70", "10", "9"]),
        ("sort str(a)", ["10", "9", "70", "100"], ["10", "100", "70", "9"]),
        ("sort num(a)", ["1e3", "9", "-1"], ["-1", "9", "1e3"]),
        ("sort a", ["b", "B", "a"], ["B", "a", "b"]),
        ("sort 2 a", ["3", "1", "2"], ["1", "2"]),
        ("sort limit=2 -a", ["3", "1", "2"], ["3", "2"]),
        ("reverse", ["3", "1", "2"], ["2", "1", "3"]),
    ],
)
def test_order_by_number_or_text(
    piped: Piped, text: str, values: list[str], expected: list[str]
) -> None:
    """Search Manual, "Lexicographical order", has 10, 9, 70, 100."""
    assert _column(piped(text, [{"a": value} for value in values])) == expected


@pytest.mark.parametrize("text", ["sort a", "sort -a"])
def test_rows_without_the_field_come_last(piped: Piped, text: str) -> None:
    assert _column(piped(text, [{"b": "1"}, {"a": "1"}]))[1] is None


def test_several_keys_count_from_left_to_right_and_ties_keep_their_order(piped: Piped) -> None:
    rows: list[ResultRow] = [
        {"a": "1", "b": "x", "c": "first"},
        {"a": "2", "b": "x", "c": "second"},
        {"a": "1", "b": "y", "c": "third"},
        {"a": "1", "b": "x", "c": "fourth"},
    ]
    order = [row["c"] for row in piped("sort 0 -str(b), num(a)", rows)]

    assert order == ["third", "first", "fourth", "second"]


@pytest.mark.parametrize(("text", "kept"), [("sort a", 10_000), ("sort 0 a", 10_001)])
def test_ten_thousand_rows_are_kept_by_default(piped: Piped, text: str, kept: int) -> None:
    assert len(piped(text, [{"a": str(number)} for number in range(10_001)])) == kept


@pytest.mark.parametrize("text", ["sort a desc", "sort a b", "sort", "sort ip(a)", "reverse a"])
def test_what_is_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(SearchError):
        piped(text, [{"a": "1"}])


@pytest.mark.parametrize("text", ["sort a", "sort num(a)"])
def test_numbers_and_texts_in_one_field_are_refused(piped: Piped, text: str) -> None:
    with pytest.raises(SearchError):
        piped(text, [{"a": "1"}, {"a": "x"}])
