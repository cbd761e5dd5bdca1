"""Assumption 53: spans of time; Search Reference, "bin"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import SearchError
from emulator.spl.spans import bin_start, chosen_span, seconds_of


@pytest.mark.parametrize(
    ("span", "seconds"), [("1s", 1), ("30s", 30), ("5m", 300), ("36h", 129_600), ("1d", 86_400)]
)
def test_a_span_is_a_number_and_a_unit(span: str, seconds: int) -> None:
    assert seconds_of(span, "bin") == seconds


@pytest.mark.parametrize("span", ["", "5", "0s", "2d", "1mon", "1w", "100ms", "-1h", "1h "])
def test_other_spans_are_refused_with_the_name_of_the_command(span: str) -> None:
    with pytest.raises(SearchError, match=f"^bin: span={span} is not modelled"):
        seconds_of(span, "bin")


@given(st.floats(-1e9, 1e9), st.integers(1, 86_400))
def test_a_bin_contains_its_number_and_starts_at_a_multiple_of_its_size(
    number: float, span: int
) -> None:
    start = bin_start(number, span)

    assert start <= number < start + span
    assert start % span == 0


@pytest.mark.parametrize(
    ("hours", "span"),
    [(0.25, 10), (1, 60), (4, 300), (24, 1800), (7 * 24, 86_400), (30 * 24, 86_400)],
)
def test_without_a_span_the_usual_time_ranges_have_the_documented_ones(
    hours: float, span: int
) -> None:
    """Assumption 54: Search Reference, "timechart", "Default time spans"."""
    assert chosen_span(hours * 3600, bins=100, least=0) == span


def test_a_chosen_span_is_one_of_the_documented_and_not_below_the_least() -> None:
    """Search Reference, "timechart", minspan: 15 minutes become 30."""
    assert chosen_span(3600, bins=100, least=900) == 1800


def test_spans_of_a_month_are_refused() -> None:
    with pytest.raises(SearchError, match="100 bins of a day are too few"):
        chosen_span(101 * 86_400, bins=100, least=0)
