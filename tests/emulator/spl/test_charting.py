"""Assumption 54: chart and timechart; Search Reference, pages of these names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import EmulatorError
from emulator.eval.values import FieldValue
from emulator.spl.context import Context, ResultRow, Results
from emulator.spl.pipeline import run

Table = list[tuple["FieldValue | None", ...]]

_ROWS: list[ResultRow] = [
    {"host": "web1", "status": "200", "v": "1"},
    {"host": "web1", "status": "200", "v": "2"},
    {"host": "web1", "status": "404", "v": "x"},
    {"host": "web2", "status": "503", "v": "4"},
    {"host": "web2", "v": "5"},
]


def _charted(text: str, rows: list[ResultRow], **times: float) -> Results:
    events: list[ResultRow] = [{"_time": "0", **row} for row in rows]
    return run(f"* | {text}", Context(events=events, **times))  # type: ignore[arg-type]


def _table(chart: Results) -> Table:
    assert chart.columns is not None
    return [chart.columns, *(tuple(row.get(name) for name in chart.columns) for row in chart.rows)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chart count", [("count",), ("5",)]),
        ("chart count by host", [("host", "count"), ("web1", "3"), ("web2", "2")]),
        (
            "chart sum(v) AS s, count over host",
            [("host", "s", "count"), ("web1", "3", "3"), ("web2", "9", "2")],
        ),
        (
            "chart count by host status",
            [
                ("host", "200", "404", "503", "NULL"),
                ("web1", "2", "1", "0", "0"),
                ("web2", "0", "0", "1", "1"),
            ],
        ),
        (
            "chart sum(v) over host by status usenull=f",
            [("host", "200", "404", "503"), ("web1", "3", None, None), ("web2", None, None, "4")],
        ),
        (
            "chart limit=1 count over host by status",
            [("host", "200", "OTHER", "NULL"), ("web1", "2", "1", "0"), ("web2", "0", "1", "1")],
        ),
        (
            "chart count over host by status limit=1 useother=f usenull=f",
            [("host", "200"), ("web1", "2"), ("web2", "0")],
        ),
        (
            "chart sum(v) by host, status limit=1",
            [("host", "503", "OTHER", "NULL"), ("web1", None, "3", None), ("web2", "4", None, "5")],
        ),
    ],
)
def test_chart_gives_a_row_per_value_and_a_column_per_series(text: str, expected: Table) -> None:
    """A count without events is 0, other cells are empty; limits go by the sum of a series."""
    assert _table(_charted(text, _ROWS)) == expected


def test_ten_series_are_kept_and_of_equals_the_first_by_name() -> None:
    rows: list[ResultRow] = [{"row": "x", "b": letter} for letter in "lkjihgfedcba"]

    assert _table(_charted("chart count by row b", rows)) == [
        ("row", *"abcdefghij", "OTHER"),
        ("x", *("1" * 10), "2"),
    ]
    columns = _charted("chart limit=0 count by row b", rows).columns
    assert columns == ("row", *"abcdefghijkl")


def test_several_values_of_the_columns_field_count_in_each_series() -> None:
    rows: list[ResultRow] = [{"a": "x", "b": ["p", "q"]}]

    assert _table(_charted("chart count by a b", rows)) == [("a", "p", "q"), ("x", "1", "1")]


def test_rows_are_in_the_order_of_numbers_if_all_are_numbers() -> None:
    rows: list[ResultRow] = [{"a": text} for text in ("10", "9", "-1")]

    assert [row["a"] for row in _charted("chart count by a", rows).rows] == ["-1", "9", "10"]
    mixed = _charted("chart count by a", [*rows, {"a": "x"}]).rows
    assert [row["a"] for row in mixed] == ["-1", "10", "9", "x"]


# --- timechart

_TIMES: list[ResultRow] = [
    {"_time": "10900.5", "k": "b", "v": "5"},
    {"_time": "3700", "k": "a", "v": "1"},
    {"_time": "3600", "k": "b", "v": "2"},
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "timechart span=1h count",
            [("3600", "2", "3600"), ("7200", "0", "3600"), ("10800", "1", "3600")],
        ),
        (
            "timechart avg(v) max(v) span=1h",
            [
                ("3600", "1.5", "2", "3600"),
                ("7200", None, None, "3600"),
                ("10800", "5", "5", "3600"),
            ],
        ),
        (
            "timechart span=1h sum(v) by k",
            [
                ("3600", "1", "2", "3600"),
                ("7200", None, None, "3600"),
                ("10800", None, "5", "3600"),
            ],
        ),
        (
            "timechart count by k span=1h limit=1",
            [("3600", "1", "1", "3600"), ("7200", "0", "0", "3600"), ("10800", "1", "0", "3600")],
        ),
    ],
)
def test_timechart_has_every_bin_and_the_span_last(text: str, expected: Table) -> None:
    assert _table(_charted(text, _TIMES))[1:] == expected


def test_timechart_names_its_columns() -> None:
    results = _charted("timechart span=1h count by k limit=1", _TIMES)

    assert results.columns == ("_time", "b", "OTHER", "_span")
    assert _charted("timechart span=1h count AS n", _TIMES).columns == ("_time", "n", "_span")


def test_bins_cover_the_time_range_of_the_search() -> None:
    """Search Reference, "timechart", fixedrange: true by default; the first bin is rounded down."""
    results = _charted("timechart span=1h count", _TIMES, earliest=100, latest=18_000)

    assert [row["_time"] for row in results.rows] == ["0", "3600", "7200", "10800", "14400"]
    assert [row["count"] for row in results.rows] == ["0", "2", "0", "1", "0"]
    results = _charted("timechart span=1h count", _TIMES, earliest=100, latest=18_001)
    assert [row["_time"] for row in results.rows][-1] == "18000"


@pytest.mark.parametrize(
    ("text", "hours", "span"),
    [
        ("timechart count", 24, "1800"),
        ("timechart bins=200 count", 24, "600"),
        ("timechart bins=200 minspan=5m count", 24, "600"),
        ("timechart bins=200 minspan=5m count", 1, "300"),
        ("timechart bins=200 minspan=15m count by k", 1, "1800"),
        ("timechart bins=200 count", 7 * 24, "3600"),
    ],
)
def test_without_a_span_the_time_range_chooses_one(text: str, hours: int, span: str) -> None:
    results = _charted(text, _TIMES[1:2], earliest=3600, latest=3600 + hours * 3600)

    assert {row["_span"] for row in results.rows} == {span}


def test_without_a_time_range_its_rows_choose_the_span() -> None:
    results = _charted("timechart count", _TIMES)  # 7,300 s in at most 100 bins

    assert results.rows[0]["_span"] == "300"
    assert results.rows[0]["_time"] == "3600"


def test_a_chart_of_nothing() -> None:
    bounded = {"earliest": 3600.0, "latest": 10_800.0}

    assert _charted("timechart span=1h count", []).rows == []
    results = _charted("timechart span=1h count", [], **bounded)
    assert [(row["_time"], row["count"]) for row in results.rows] == [("3600", "0"), ("7200", "0")]
    assert _charted("timechart span=1h count by k", [], **bounded).rows == []
    assert _charted("chart count by k", []).rows == []


@given(st.lists(st.integers(0, 500_000), min_size=1, max_size=30), st.sampled_from(["30m", "5h"]))
def test_timechart_loses_no_event(times: list[int], span: str) -> None:
    rows: list[ResultRow] = [{"_time": str(time)} for time in times]
    bins = _charted(f"timechart span={span} count", rows).rows
    starts = [int(str(row["_time"])) for row in bins]

    assert sum(int(str(row["count"])) for row in bins) == len(times)
    assert {later - earlier for earlier, later in zip(starts, starts[1:])} <= {
        int(str(bins[0]["_span"]))
    }


@pytest.mark.parametrize(
    "text",
    [
        "chart",
        "chart count by a b c",
        "chart count over",
        "chart count over host status",
        "chart count over host by status v",
        "chart count avg(v) by host status",
        "chart sum(v) by v",
        "chart limit=top5 count by host status",
        "chart useother=f count by host",
        "chart span=5 count by v",
        "chart sep=x count by host status",
        "chart count by none",
        "chart sparkline(count) by host",
        "chart eval(avg(v)/2) by host",
        "timechart span=1mon count",
        "timechart span=1h bins=10 count",
        "timechart bins=0 count",
        "timechart bins=x count",
        "timechart span=1h",
        "timechart span=1h count by host status",
        "timechart span=1h max(_time)",
        "timechart span=1h cont=f count",
        "timechart span=1h count by host where count in top5",
        "timechart span=1h per_hour(v)",
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(text: str) -> None:
    with pytest.raises(EmulatorError):
        _charted(text, _ROWS)


@pytest.mark.parametrize(
    ("text", "rows", "message"),
    [
        ("chart count by a", [{"a": ["1", "2"]}], "a row without a, or with several"),
        ("chart count by a b", [{"a": "1", "b": "NULL"}], "a value named as a column"),
        ("chart count by a b", [{"a": "1", "b": "a"}], "a value named as a column"),
        ("chart count by a", [{"a": str(n)} for n in range(301)], "more than 300 numbers"),
        (
            "timechart span=1d count by a",
            [{"a": str(n)} for n in range(101)],
            "more than 100 numbers",
        ),
        ("timechart span=1s count", [{"_time": "0"}, {"_time": "50000"}], "more than 50000 bins"),
        ("eval _time=null() | timechart span=1h count", [{}], "a row without _time"),
        ("eval _time=90000 | timechart span=1h count", [{}], "outside of the time range"),
    ],
)
def test_rows_that_splunk_would_chart_in_its_own_way_are_refused(
    text: str, rows: list[ResultRow], message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        _charted(text, rows, latest=60_000)
