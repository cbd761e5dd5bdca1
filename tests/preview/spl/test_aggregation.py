"""Assumptions 40 to 42: stats, eventstats, streamstats."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview.errors import SearchError
from preview.eval_values import FieldValue
from preview.spl.context import Context, Row
from preview.spl.pipeline import run

Piped = Callable[..., list[Row]]

_ROWS: list[Row] = [
    {"k": "b", "v": "10", "t": "x"},
    {"k": "a", "v": "9", "t": "z"},
    {"k": "b", "v": "2", "t": "y"},
    {"k": "b", "t": "x"},
]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("count", "4"),
        ("count(v)", "3"),
        ("c(v)", "3"),
        ('count(eval(t="x"))', "2"),
        ("sum(v)", "21"),
        ("sum(t)", None),
        ("sum(eval(v*2))", "42"),
        ("min(v)", "2"),
        ("max(v)", "10"),
        ("min(t)", "x"),
        ("max(t)", "z"),
        ("first(v)", "10"),
        ("last(v)", "2"),
        ("values(t)", ["x", "y", "z"]),
        ("values(v)", ["10", "2", "9"]),
        ("list(t)", ["x", "z", "y", "x"]),
        ("dc(t)", "3"),
        ("distinct_count(t)", "3"),
        ("values(none)", None),
        ("sum(none)", None),
        ("count(none)", "0"),
    ],
)
def test_functions(piped: Piped, function: str, expected: FieldValue | None) -> None:
    """min and max compare numbers as numbers; values sorts as text: both as documented."""
    (row,) = piped(f"stats {function} AS r", _ROWS)

    assert row == ({} if expected is None else {"r": expected})


def test_stats_groups_and_names_its_columns() -> None:
    context = Context(events=[{"_time": "0", **row} for row in _ROWS])
    found = run("* | stats count, sum(v) AS total max(v) BY k", context)

    assert found.columns == ("k", "count", "total", "max(v)")
    assert found.rows == [
        {"k": "a", "count": "1", "total": "9", "max(v)": "9"},
        {"k": "b", "count": "3", "total": "12", "max(v)": "10"},
    ]


def test_stats_of_nothing_is_one_row_or_none_with_by(piped: Piped) -> None:
    assert piped("stats count", []) == [{"count": "0"}]
    assert piped("stats count by k", []) == []


def test_earliest_and_latest_go_by_time() -> None:
    context = Context(
        events=[{"_time": "2", "v": "b"}, {"_time": "3.5", "v": "c"}, {"_time": "1", "v": "a"}]
    )

    (row,) = run("* | stats earliest(v) AS e latest(v) AS l", context).rows
    assert row == {"e": "a", "l": "c"}


def test_list_holds_the_first_hundred_and_values_all(piped: Piped) -> None:
    rows = [{"v": f"{number:03d}"} for number in range(150)]
    (row,) = piped("stats list(v) AS l values(v) AS v", rows)

    assert (len(row["l"]), len(row["v"])) == (100, 150)


def test_eventstats_gives_every_row_the_result_of_its_group(piped: Piped) -> None:
    found = piped("eventstats max(v) AS m count AS t BY k", _ROWS)

    assert [(row["k"], row["m"], row["t"]) for row in found] == [
        ("b", "10", "3"),
        ("a", "9", "1"),
        ("b", "10", "3"),
        ("b", "10", "3"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("streamstats sum(v) AS r BY k", ["10", "9", "12", "12"]),
        ("streamstats current=f sum(v) AS r BY k", [None, None, "10", "12"]),
        ("streamstats current=f last(v) AS r BY k", [None, None, "10", "2"]),
        ("streamstats current=f last(t) AS r", [None, "x", "z", "y"]),
        ("streamstats count AS r", ["1", "2", "3", "4"]),
        ("streamstats current=true max(v) AS r BY k", ["10", "9", "10", "10"]),
    ],
)
def test_streamstats_counts_up_row_by_row(
    piped: Piped, text: str, expected: list[str | None]
) -> None:
    assert [row.get("r") for row in piped(text, _ROWS)] == expected


def test_a_null_result_replaces_what_the_field_held(piped: Piped) -> None:
    assert piped("streamstats current=f last(v) AS v", [{"v": "1"}, {"v": "2"}]) == [
        {},
        {"v": "1"},
    ]


@given(st.lists(st.integers(-(2**53), 2**53), max_size=20))
def test_running_sums_end_in_the_sum(numbers: list[int]) -> None:
    context = Context(events=[{"_time": "0", "v": str(number)} for number in numbers])
    running = run("* | streamstats sum(v) AS s", context).rows
    (total,) = run("* | stats sum(v) AS s", context).rows

    assert running[-1:] == ([{"_time": "0", "v": str(numbers[-1]), **total}] if numbers else [])


@pytest.mark.parametrize(
    "text",
    [
        "stats",
        "stats count BY",
        "stats avg(v)",
        "stats sum",
        "stats values(*)",
        "stats count count",
        "stats allnum=t sum(v)",
        "streamstats window=2 sum(v)",
        "streamstats reset_on_change=t sum(v) by k",
        "eventstats sum(v",
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(SearchError):
        piped(text, _ROWS)


@pytest.mark.parametrize("command", ["stats", "eventstats", "streamstats"])
@pytest.mark.parametrize("row", [{"v": "1"}, {"k": ["a", "b"], "v": "1"}])
def test_a_row_that_would_fall_out_of_its_group_is_refused(
    piped: Piped, command: str, row: Row
) -> None:
    with pytest.raises(SearchError, match="BY k"):
        piped(f"{command} count BY k", [row])


@pytest.mark.parametrize("function", ["sum", "min", "first", "last"])
def test_several_values_are_refused_where_nothing_is_documented(
    piped: Piped, function: str
) -> None:
    with pytest.raises(SearchError, match="of a multivalue is not modelled"):
        piped(f"stats {function}(v) AS r", [{"v": ["1", "2"]}])


@pytest.mark.parametrize("function", ["min", "max"])
def test_numbers_beside_texts_have_no_extreme(piped: Piped, function: str) -> None:
    with pytest.raises(SearchError, match="numbers and texts"):
        piped(f"stats {function}(v)", [{"v": "1"}, {"v": "x"}])


def test_two_values_at_one_time_have_no_earliest() -> None:
    context = Context(events=[{"_time": "1", "v": "a"}, {"_time": "1", "v": "b"}])

    with pytest.raises(SearchError, match="at one time"):
        run("* | stats latest(v)", context)
