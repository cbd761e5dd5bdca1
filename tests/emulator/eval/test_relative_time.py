"""Assumption 50; Search Manual, "Specify time modifiers in your search"."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import SearchError
from emulator.eval.relative_time import relative_time


def _at(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


@pytest.mark.parametrize(
    ("modifier", "expected"),
    [
        ("now", "2026-04-15T13:45:30"),
        ("+2h", "2026-04-15T15:45:30"),
        ("-h", "2026-04-15T12:45:30"),
        ("-30s", "2026-04-15T13:45:00"),
        ("-6m@m", "2026-04-15T13:39:00"),
        ("-7d@h", "2026-04-08T13:00:00"),
        ("@d", "2026-04-15T00:00:00"),
        ("-1d@d", "2026-04-14T00:00:00"),
        ("-1w", "2026-04-08T13:45:30"),
        ("@w", "2026-04-12T00:00:00"),
        ("@w0", "2026-04-12T00:00:00"),
        ("@w7", "2026-04-12T00:00:00"),
        ("@w1", "2026-04-13T00:00:00"),
        ("@w3", "2026-04-15T00:00:00"),
        ("@w4", "2026-04-09T00:00:00"),
        ("@d+8h", "2026-04-15T08:00:00"),
        ("-1mon", "2026-03-15T13:45:30"),
        ("-3mon@mon+1d", "2026-01-02T00:00:00"),
        ("+9mon", "2027-01-15T13:45:30"),
        ("@q", "2026-04-01T00:00:00"),
        ("-q@q", "2026-01-01T00:00:00"),
        ("-1y@y", "2025-01-01T00:00:00"),
        ("-2hours@hour", "2026-04-15T11:00:00"),
    ],
)
def test_offsets_and_snaps_apply_from_left_to_right(modifier: str, expected: str) -> None:
    """15 April 2026 is a Wednesday; `w0` and `w7` are Sunday, `w` alone too."""
    assert relative_time(_at("2026-04-15T13:45:30"), modifier) == _at(expected)


def test_a_number_alone_is_epoch_seconds() -> None:
    assert (relative_time(9, "0"), relative_time(9, "1775000000.25")) == (0, 1775000000.25)


def test_parts_of_a_second_stay_unless_they_are_snapped_away() -> None:
    assert relative_time(100.25, "-1mon") == relative_time(100, "-1mon") + 0.25
    assert relative_time(100.25, "@s") == 100


@pytest.mark.parametrize(
    ("modifier", "message"),
    [
        ("", "Invalid relative time ''"),
        ("yesterday", "Invalid relative time 'yesterday'"),
        ("7d", "Invalid relative time '7d'"),
        ("-7d@", "Invalid relative time '-7d@'"),
        ("-7d @h", "Invalid relative time"),
        ("-5", "Invalid relative time '-5'"),
        ("@w8", "Invalid relative time '@w8'"),
        ("-2fortnights", "does not model the unit 'fortnights'"),
        ("-2mon", "leads to a date that does not exist"),
        ("-9999y", "leads to a date that does not exist"),
    ],
)
def test_other_texts_are_refused(modifier: str, message: str) -> None:
    """Two months before 30 April there is no day 30: Splunk's choice is not documented."""
    with pytest.raises(SearchError, match=message):
        relative_time(_at("2026-04-30T00:00:00"), modifier)


@given(st.integers(0, 4_000_000_000), st.sampled_from(["s", "m", "h", "d", "w", "mon", "q", "y"]))
def test_a_snap_goes_back_by_less_than_its_unit_and_stays_where_it_is(now: int, unit: str) -> None:
    longest = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mon": 31 * 86_400}
    snapped = relative_time(now, f"@{unit}")

    assert 0 <= now - snapped < longest.get(unit, (92 if unit == "q" else 366) * 86_400)
    assert relative_time(snapped, f"@{unit}") == snapped
    assert datetime.fromtimestamp(snapped, timezone.utc).second == 0 or unit == "s"


@given(st.integers(0, 4_000_000_000), st.integers(0, 9_999), st.sampled_from("smhdw"))
def test_an_offset_and_its_opposite_lead_back(now: int, number: int, unit: str) -> None:
    assert relative_time(now, f"-{number}{unit}+{number}{unit}") == now
