"""Assumptions 38 and 39: eval, fields, table, rename, fillnull, mvexpand, addinfo."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import EmulatorError
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import run

Piped = Callable[..., list[ResultRow]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eval c=a+1", {"a": "1", "b": "x", "c": "2"}),
        ("eval c=a+1, d=c*2", {"a": "1", "b": "x", "c": "2", "d": "4"}),
        ('eval c="p, q", d=if(a=1, "r", "s")', {"a": "1", "b": "x", "c": "p, q", "d": "r"}),
        ("eval b=null()", {"a": "1"}),
        ("eval a=none", {"b": "x"}),
        ("fields a", {"a": "1"}),
        ("fields - a", {"b": "x"}),
        ("fields - a*, none", {"b": "x"}),
        ("fields + a", {"a": "1"}),
        ("table b, none", {"b": "x"}),
        ('rename a AS c, b as "d e"', {"c": "1", "d e": "x"}),
        ("fillnull value=none a, c", {"a": "1", "b": "x", "c": "none"}),
        ("fillnull c", {"a": "1", "b": "x", "c": "0"}),
    ],
)
def test_fields_after_a_command(piped: Piped, text: str, expected: ResultRow) -> None:
    assert piped(text, [{"a": "1", "b": "x"}]) == [expected]


def test_eval_leaves_the_rows_of_others_alone() -> None:
    context = Context(events=[{"_time": "0", "a": "1"}])

    run("* | eval a=2", context)

    assert next(iter(context.events))["a"] == "1"


def test_fields_keeps_internal_fields_and_table_does_not() -> None:
    context = Context(events=[{"_time": "0", "_raw": "x", "a": "1", "b": "2"}])

    assert run("* | fields a", context).rows == [{"_time": "0", "_raw": "x", "a": "1"}]
    assert run("* | fields - _raw", context).rows == [{"_time": "0", "a": "1", "b": "2"}]
    table = run("* | table b, a", context)
    assert (table.rows, table.columns) == ([{"b": "2", "a": "1"}], ("b", "a"))
    assert run("* | table b, a | fields - b", context).columns == ("a",)
    assert run("* | table b | rename b AS c", context).columns == ("c",)


def test_mvexpand_makes_a_row_per_value(piped: Piped) -> None:
    rows: list[ResultRow] = [{"a": ["1", "2"], "b": ["x", "y"]}, {"a": "3"}]

    assert piped("mvexpand a", rows) == [
        {"a": "1", "b": ["x", "y"]},
        {"a": "2", "b": ["x", "y"]},
        {"a": "3"},
    ]


def test_addinfo_returns_the_time_range_and_when_it_was_searched(piped: Piped) -> None:
    """Search Reference, "addinfo": info_max_time is +infinity for all time."""
    bounded = Context(earliest=-1, latest=9, now=7)

    (row,) = piped("addinfo", [{}], bounded)
    assert (row["info_min_time"], row["info_max_time"]) == ("-1.000", "9.000")
    assert row["info_search_time"] == "7.000000"
    (row,) = piped("addinfo", [{}], Context())
    assert (row["info_min_time"], row["info_max_time"]) == ("0.000", "+Infinity")


@pytest.mark.parametrize(
    "text",
    [
        "eval a",
        "eval a=1=1",
        "eval a==1",
        "fields",
        "fields -",
        "table",
        "table a*",
        "rename a b",
        "rename a AS b, b AS c",
        "rename a AS c, a AS d",
        "rename a AS b",
        "fillnull",
        "fillnull value=x",
        "fillnull max=1 a",
        "mvexpand none",
        "mvexpand a limit=1",
        "mvexpand _raw",
        "addinfo a",
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(EmulatorError):
        piped(text, [{"a": "1", "b": "x"}])
