"""Assumptions 40, 41 and 52: stats, eventstats, and the functions that they share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import SearchError
from emulator.eval.values import FieldValue
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import run

Piped = Callable[..., list[ResultRow]]

_ROWS: list[ResultRow] = [
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
        ("avg(v)", "7"),
        ("mean(v)", "7"),
        ("avg(t)", None),
        ("range(v)", "8"),
        ("stdevp(eval(v*3))", "10.677078252031311"),
        ("stdev(eval(if(v=9, 1, 3)))", "1"),
        ("median(v)", "9"),
        ("perc50(v)", "9"),
        ("p1(v)", "2"),
        ("perc99.9(v)", "10"),
        ("exactperc34(v)", "9"),
        ("mode(t)", "x"),
        ("mode(none)", None),
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
    results = run("* | stats count, sum(v) AS total max(v) BY k", context)

    assert results.columns == ("k", "count", "total", "max(v)")
    assert results.rows == [
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


def test_list_has_the_first_hundred_and_values_all(piped: Piped) -> None:
    rows = [{"v": f"{number:03d}"} for number in range(150)]
    (row,) = piped("stats list(v) AS l values(v) AS v", rows)

    assert (len(row["l"]), len(row["v"])) == (100, 150)


def test_eventstats_gives_every_row_the_result_of_its_group(piped: Piped) -> None:
    rows = piped("eventstats max(v) AS m count AS t BY k", _ROWS)

    assert [(row["k"], row["m"], row["t"]) for row in rows] == [
        ("b", "10", "3"),
        ("a", "9", "1"),
        ("b", "10", "3"),
        ("b", "10", "3"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "stats",
        "stats count BY",
        "stats perc0(v)",
        "stats perc100(v)",
        "stats var(v)",
        "stats count BY k k",
        "stats count BY k=v",
        "stats count BY k*",
        "stats first(v) AS a first(v) AS b",
        "stats count BY k dedup_splitvals=true",
        "stats sum",
        "stats values(*)",
        "stats count count",
        "stats allnum=t sum(v)",
        "eventstats sum(v",
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(SearchError):
        piped(text, _ROWS)


@pytest.mark.parametrize(
    ("command", "row"),
    [
        ("stats", {"v": "1"}),
        ("stats", {"v": "1", "j": ["1", "2"]}),
        ("eventstats", {"v": "1"}),
        ("eventstats", {"k": ["a", "b"], "j": "1"}),
        ("streamstats", {"v": "1"}),
        ("streamstats", {"k": ["a", "b"], "j": "1"}),
    ],
)
def test_a_row_that_would_fall_out_of_its_group_is_refused(
    piped: Piped, command: str, row: ResultRow
) -> None:
    with pytest.raises(SearchError, match="BY k"):
        piped(f"{command} count BY k, j", [row])


def test_a_row_counts_in_the_group_of_each_of_its_values(piped: Piped) -> None:
    """Search Reference, "stats", dedup_splitvals: false, so the same value twice counts twice."""
    rows: list[ResultRow] = [{"k": ["a", "b", "a"], "j": "1"}, {"k": "b", "j": ["1", "2"]}]

    assert piped("stats count by k j", rows) == [
        {"k": "a", "j": "1", "count": "2"},
        {"k": "b", "j": "1", "count": "2"},
        {"k": "b", "j": "2", "count": "1"},
    ]


def test_a_name_may_be_quoted(piped: Piped) -> None:
    assert piped('stats count AS "how many"', _ROWS) == [{"how many": "4"}]


def test_the_times_of_the_earliest_and_the_latest_value() -> None:
    """Search Reference, "Time functions": rows without a value do not count."""
    context = Context(events=[{"_time": "9"}, {"_time": "3.5", "v": "b"}, {"_time": "1", "v": "a"}])

    (row,) = run("* | stats earliest_time(v) AS e latest_time(v) AS l", context).rows
    assert row == {"e": "1", "l": "3.5"}


def test_a_deviation_of_one_number_is_0(piped: Piped) -> None:
    assert piped("stats stdev(v) AS s stdevp(v) AS p", [{"v": "5"}]) == [{"s": "0", "p": "0"}]


def test_the_median_of_an_even_count_is_the_higher_one(piped: Piped) -> None:
    """Search Reference, "Aggregate functions", median."""
    assert piped("stats median(v) AS m", [{"v": digit} for digit in "1234"]) == [{"m": "3"}]


def test_percentiles_of_many_distinct_values_are_exact_only_if_asked(piped: Piped) -> None:
    """Search Reference, "Aggregate functions": an approximation beyond 1,000 distinct values."""
    rows: list[ResultRow] = [{"v": str(number)} for number in range(1_001)]

    assert piped("stats exactperc90(v) AS p", rows) == [{"p": "900"}]
    assert piped("stats perc90(v) AS p", rows[1:]) == [{"p": "901"}]
    with pytest.raises(SearchError, match="use exactperc"):
        piped("stats perc90(v)", rows)


def test_the_mode_of_values_as_frequent_as_each_other_is_refused(piped: Piped) -> None:
    with pytest.raises(SearchError, match="mode"):
        piped("stats mode(v)", [{"v": "1"}, {"v": "2"}])


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=30), st.integers(1, 99))
def test_a_percentile_is_one_of_the_numbers_with_so_many_below(
    numbers: list[int], percent: int
) -> None:
    context = Context(events=[{"_time": "0", "v": str(number)} for number in numbers])
    (row,) = run(f"* | stats perc{percent}(v) AS p", context).rows
    percentile = int(str(row["p"]))

    assert percentile in numbers
    assert sum(number < percentile for number in numbers) <= percent * len(numbers) / 100
    assert sum(number <= percentile for number in numbers) > percent * len(numbers) / 100


@pytest.mark.parametrize("function", ["sum", "min", "avg", "range", "mode", "first", "last"])
def test_several_values_are_refused_where_nothing_is_documented(
    piped: Piped, function: str
) -> None:
    with pytest.raises(SearchError, match="of a multivalue is not modelled"):
        piped(f"stats {function}(v) AS r", [{"v": ["1", "2"]}])


@pytest.mark.parametrize("function", ["min", "max"])
def test_numbers_and_texts_have_no_extreme(piped: Piped, function: str) -> None:
    with pytest.raises(SearchError, match="numbers and texts"):
        piped(f"stats {function}(v)", [{"v": "1"}, {"v": "x"}])


def test_two_values_at_one_time_have_no_earliest() -> None:
    context = Context(events=[{"_time": "1", "v": "a"}, {"_time": "1", "v": "b"}])

    with pytest.raises(SearchError, match="at one time"):
        run("* | stats latest(v)", context)
