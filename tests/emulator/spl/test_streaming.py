"""Assumptions 42 and 51; Search Reference, "streamstats"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import EmulatorError, SearchError
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import run

Piped = Callable[..., list[ResultRow]]

_ROWS: list[ResultRow] = [
    {"k": "b", "v": "10", "t": "x"},
    {"k": "a", "v": "9", "t": "z"},
    {"k": "b", "v": "2", "t": "y"},
    {"k": "b", "t": "x"},
]
# The example of the page, "The reset_on_change argument".
_SHIFTS = ["DAY", "DAY", "NIGHT", "NIGHT", "NIGHT", "NIGHT", "DAY", "NIGHT"]


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


def test_a_null_result_removes_the_field(piped: Piped) -> None:
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
    ("text", "expected"),
    [
        ("sum(v) AS r window=2", [1, 3, 5, 7, 9, 11]),
        ("window=2 current=f sum(v) AS r", [None, 1, 3, 5, 7, 9]),
        ("current=f window=1 last(v) AS r", [None, 1, 2, 3, 4, 5]),
        ("window=2 sum(v) AS r by k", [1, 3, 3, 4, 5, 11]),
        ("window=2 current=f count AS r by k", [0, 1, 0, 1, 1, 1]),
        ("sum(v) AS r by k window=2 global=f", [1, 3, 3, 6, 8, 11]),
        ("window=2 global=f current=f sum(v) AS r by k", [None, 1, None, 3, 3, 8]),
    ],
)
def test_a_window_has_the_last_rows_of_all_groups_or_of_each(
    piped: Piped, text: str, expected: Sequence[int | None]
) -> None:
    """Options may follow the functions, as in the basic examples of the page."""
    rows: list[ResultRow] = [{"v": str(at), "k": key} for at, key in enumerate("aababb", start=1)]
    expected_texts = [None if value is None else str(value) for value in expected]

    assert [row.get("r") for row in piped(f"streamstats {text}", rows)] == expected_texts


def _counts(text: str, times: Sequence[float]) -> list[str]:
    context = Context(events=[{"_time": str(time)} for time in times])
    return [str(row["r"]) for row in run(f"* | streamstats {text}", context).rows]


def test_a_window_of_time_goes_back_in_the_order_of_the_rows() -> None:
    """The example of the page, "Apply a time-based window"; both orders of time."""
    assert _counts("count AS r time_window=5m", [0, 10, 299, 305, 400, 1000]) == list("123331")
    assert _counts("count AS r time_window=5m", [1000, 400, 305, 299, 10, 0]) == list("112333")
    assert _counts("count AS r time_window=5m window=2", [0, 10, 299, 400]) == list("1222")
    assert _counts("count AS r time_window=5m current=f", [0, 10, 299, 400]) == list("0121")


@pytest.mark.parametrize(
    ("times", "message"),
    [([0, 300], "on the edge of time_window"), ([0, 5, 3], "in the order of _time")],
)
def test_what_a_window_of_time_leaves_open_is_refused(times: list[float], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        _counts("count AS r time_window=5m", times)


def test_a_window_of_time_that_splunk_would_cut_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """limits.conf.spec, max_stream_window: 10,000, which would take long here."""
    monkeypatch.setattr("emulator.spl.streaming._LARGEST", 20)

    _counts("count AS r time_window=1d", range(20))
    with pytest.raises(SearchError, match="at most 20 rows"):
        _counts("count AS r time_window=1d", range(21))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("streamstats count AS r BY shift reset_on_change=true", "12123411"),
        ("streamstats count AS r BY shift", "12123435"),
        ("streamstats count AS r BY shift reset_on_change=t current=f", "01012300"),
        ('streamstats count AS r reset_before="("shift==\\"NIGHT\\"")"', "12111121"),
        ('streamstats count AS r reset_after="("match(shift, \\"DAY\\")")"', "11123451"),
        ('streamstats count AS r reset_after="("r>2")"', "12312312"),
        ('streamstats count AS r window=3 reset_after="("shift=other")"', "12333333"),
        ('streamstats window=2 count AS r reset_before="("shift==\\"DAY\\"")"', "11222212"),
    ],
)
def test_resets_forget_everything(piped: Piped, text: str, expected: str) -> None:
    """The first row is the page's example; reset_after sees what streamstats yields."""
    rows: list[ResultRow] = [{"shift": shift} for shift in _SHIFTS]

    assert "".join(str(row["r"]) for row in piped(text, rows)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "streamstats window=x count",
        "streamstats window=10001 count",
        "streamstats global=f count",
        "streamstats time_window=5 count",
        "streamstats time_window=1mon count",
        "streamstats allnum=t sum(v)",
        "streamstats reset_before=(v>1) count",
        'streamstats reset_before="(v>1)" count',
        'streamstats reset_after="("v+1")" count',
        "streamstats count BY window",
        "streamstats",
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(EmulatorError):
        piped(text, _ROWS)
