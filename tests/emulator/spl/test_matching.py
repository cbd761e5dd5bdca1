"""Assumption 56: rex and regex; Search Reference, "rex", "regex"."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import EmulatorError
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import run

Piped = Callable[..., list[ResultRow]]


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        (
            r'rex field=id "(?<user>\w+);(?<app>\w+);(?<saved>\w+)"',
            {"id": "bob;search;mine"},
            {"id": "bob;search;mine", "user": "bob", "app": "search", "saved": "mine"},
        ),
        (
            r'rex field=test max_match=0 "((?<field>[^$]*)\$(?<value>[^,]*),?)"',
            {"test": "a$1,b$2"},
            {"test": "a$1,b$2", "field": ["a", "b"], "value": ["1", "2"]},
        ),
        (r'rex field=v "(?<n>\d)" max_match=2', {"v": "123"}, {"v": "123", "n": ["1", "2"]}),
        (r'rex field=v "(?<n>\d)"', {"v": "123"}, {"v": "123", "n": "1"}),
        (r'rex field=v "(?<n>x)"', {"v": "123", "n": "old"}, {"v": "123", "n": "old"}),
        (r'rex field=v "(?<n>\d)"', {"v": "1", "n": "old"}, {"v": "1", "n": "1"}),
        (r'rex field=v "(?<n>\d)|(?<o>\w)"', {"v": "1"}, {"v": "1", "n": "1"}),
        (r'rex field=v "\"(?<n>[^\"|]+)"', {"v": 'a"b|c'}, {"v": 'a"b|c', "n": "b"}),
        (r'rex field=v "(?<n>x*)1"', {"v": "1", "n": "old"}, {"v": "1", "n": "old"}),
        (r'rex field=none "(?<n>\d)"', {"v": "1"}, {"v": "1"}),
    ],
)
def test_named_groups_become_fields(
    piped: Piped, text: str, row: ResultRow, expected: ResultRow
) -> None:
    """The first two are examples 3 and 2 of the page."""
    assert piped(text, [row]) == [expected]


def test_rex_and_regex_read_the_raw_text_by_default() -> None:
    context = Context(events=[{"_time": "0", "_raw": "port 22"}])

    assert run(r'* | rex "port (?<port>\d+)"', context).rows[0]["port"] == "22"
    assert len(run(r'* | regex "port \d"', context).rows) == 1
    assert run(r'* | regex "port [a-z]"', context).rows == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (r'regex a="^\d+$"', [0]),
        (r'regex a!="^\d+$"', [1]),
        ('regex a = "1|x"', [0, 1]),
    ],
)
def test_regex_keeps_what_matches_or_what_does_not(
    piped: Piped, text: str, kept: list[int]
) -> None:
    rows: list[ResultRow] = [{"a": "12"}, {"a": "x2"}]

    assert piped(text, rows) == [rows[index] for index in kept]


def test_a_row_without_the_field_matches_nothing(piped: Piped) -> None:
    assert piped('regex a="x"', [{}]) == []
    with pytest.raises(EmulatorError, match="a row without a"):
        piped('regex a!="x"', [{}])


@pytest.mark.parametrize(
    "text",
    [
        'rex "no group"',
        'rex field=a mode=sed "s/a/b/"',
        'rex offset_field=o "(?<n>a)"',
        'rex max_match=x "(?<n>a)"',
        'rex "(?<n>a"',
        r'rex "(?<n>\\\\)"',
        "rex (?<n>a)",
        'rex "(?<n>a)" "(?<m>b)"',
        'rex field=m "(?<n>a)"',
        "regex a=x",
        'regex a=="x"',
        'regex m="x"',
        'regex a="("',
        "regex",
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(EmulatorError):
        piped(text, [{"a": "1", "m": ["1", "2"]}])
