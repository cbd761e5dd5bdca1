"""Assumption 55: top and rare; Search Reference, "top", "rare"."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import SearchError
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import run

Piped = Callable[..., list[ResultRow]]

_VALUES = ["ax", "ax", "ax", "bx", "bx", "cx", "cy"]
_ROWS: list[ResultRow] = [{"a": both[0], "k": both[1]} for both in _VALUES]


def _ranked(piped: Piped, text: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in piped(text, _ROWS)]


def test_top_counts_and_gives_the_share_of_each(piped: Piped) -> None:
    assert _ranked(piped, "top a") == [
        ("a", "3", "42.857143"), ("c", "2", "28.571429"), ("b", "2", "28.571429"),
    ]  # fmt: skip
    assert _ranked(piped, "rare a") == [
        ("b", "2", "28.571429"), ("c", "2", "28.571429"), ("a", "3", "42.857143"),
    ]  # fmt: skip


def test_of_equals_the_last_in_the_alphabet_comes_first(piped: Piped) -> None:
    """Search Reference, "top", "Lexicographic order of results": its example."""
    rows: list[ResultRow] = [
        {"location": location, "user": user}
        for location in ("Orlando", "Dallas", "Atlanta")
        for user in ("Alex", "Kai", "Morgan")
    ]

    assert piped("top limit=1 location by user", rows) == [
        {"user": user, "location": "Orlando", "count": "1", "percent": "33.333333"}
        for user in ("Alex", "Kai", "Morgan")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("top 1 a", [("a", "3", "42.857143")]),
        ("top limit=1 a showperc=f", [("a", "3")]),
        ("top a showcount=false limit=1", [("a", "42.857143")]),
        ("top 1 a by k showperc=f", [("x", "a", "3"), ("y", "c", "1")]),
        ("rare 1 a by k showperc=f", [("x", "c", "1"), ("y", "c", "1")]),
        ("top 1 a, k showperc=f", [("a", "x", "3")]),
    ],
)
def test_limits_and_columns(piped: Piped, text: str, expected: list[tuple[str, ...]]) -> None:
    """Options may follow the fields, as in the page's third example."""
    assert _ranked(piped, text) == expected


def test_columns_may_have_other_names() -> None:
    context = Context(events=[{"_time": "0", **row} for row in _ROWS])
    results = run("* | top 1 a by k countfield=total percentfield=share", context)

    assert results.columns == ("k", "a", "total", "share")
    assert results.rows[0]["total"] == "3"


def test_ten_are_shown_by_default_and_0_means_all(piped: Piped) -> None:
    rows: list[ResultRow] = [{"a": str(number)} for number in range(12)]

    assert len(piped("top a", rows)) == len(piped("rare a", rows)) == 10
    assert len(piped("top limit=0 a", rows)) == 12


@pytest.mark.parametrize(
    "text",
    ["top", "top 3", "top a by", "top a a", "top a*", "top useother=t a", "top limit=x a",
     "top otherstr=x a", "top none", "rare none by a", "top m"],
)  # fmt: skip
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(SearchError):
        piped(text, [{"a": "1", "m": ["1", "2"]}])
