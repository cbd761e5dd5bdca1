"""Assumption 34; Search Manual, "About subsearches"."""

from __future__ import annotations

import pytest

from emulator.errors import SearchError
from emulator.spl.syntax import (
    Call,
    calls,
    options,
    options_anywhere,
    replace_subsearches,
    split_top,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [("search", "a b")]),
        ("search a", [("search", "a")]),
        ("searching", [("search", "searching")]),
        ("", [("search", "")]),
        ("a | where b=1 | table c", [("search", "a"), ("where", "b=1"), ("table", "c")]),
        ("| rest /x", [("rest", "/x")]),
        ("  | rest /x\n| head", [("rest", "/x"), ("head", "")]),
        ('a | where b="x|y"', [("search", "a"), ("where", 'b="x|y"')]),
        ('a | where b="x\\"|y"', [("search", "a"), ("where", 'b="x\\"|y"')]),
        ("a | where (b=1)", [("search", "a"), ("where", "(b=1)")]),
        ("a [| rest /x | head] | head", [("search", "a [| rest /x | head]"), ("head", "")]),
        ('a "]" | head', [("search", 'a "]"'), ("head", "")]),
        (
            r'a | streamstats count reset_after="("match(test,\"yes\")")" | head',
            [
                ("search", "a"),
                ("streamstats", r'count reset_after="("match(test,\"yes\")")"'),
                ("head", ""),
            ],
        ),
    ],
)
def test_pipes_outside_quotes_and_brackets_divide_commands(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert calls(text) == [Call(*call) for call in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a "b', "unbalanced quotes"),
        ("a [b", "unbalanced brackets"),
        ("a ]b[", "unbalanced brackets"),
        ("a | | b", "empty or malformed command"),
        ("a |", "empty or malformed command"),
        ("a | 1b", "empty or malformed command '1b'"),
    ],
)
def test_what_does_not_match_is_refused(text: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        calls(text)


def test_only_outermost_subsearches_are_replaced() -> None:
    searches: list[str] = []

    def answer(inner: str) -> str:
        searches.append(inner)
        return "X"

    text = 'eval a=[one [two] "]"], b="[not]", c=[three]'
    assert replace_subsearches(text, answer) == 'eval a=X, b="[not]", c=X'
    assert searches == ['one [two] "]"', "three"]


def test_words_are_between_blanks_or_commas_or_in_quotes() -> None:
    assert words('a, b c ,d "e f" "g\\"h"') == ["a", "b", "c", "d", "e f", 'g"h']
    with pytest.raises(SearchError, match="malformed list"):
        words('a "b')


def test_options_come_first_and_unknown_ones_are_refused() -> None:
    known = frozenset({"append", "value"})

    assert options('append=t value="a b" rest x=1', "c", known) == (
        {"append": "t", "value": "a b"},
        "rest x=1",
    )
    with pytest.raises(SearchError, match="does not model the option max of c"):
        options("max=1 rest", "c", known)


def test_options_may_be_anywhere_outside_quotes_and_parentheses() -> None:
    """Search Reference, "streamstats", "top": examples with options after the fields."""
    text = 'a span=5m f(x=1) "span=2" by k limit="3 4"'

    assert options_anywhere(text, "c", frozenset({"span", "limit"})) == (
        {"span": "5m", "limit": "3 4"},
        'a f(x=1) "span=2" by k',
    )
    with pytest.raises(SearchError, match="does not model the option limit of c"):
        options_anywhere(text, "c", frozenset({"span"}))


def test_parts_are_split_outside_quotes_and_parentheses() -> None:
    assert list(split_top("a=f(1,2), b=\"x,y\", 'c,d'=1", ",")) == [
        "a=f(1,2)",
        ' b="x,y"',
        " 'c,d'=1",
    ]
