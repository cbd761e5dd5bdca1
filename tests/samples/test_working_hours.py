from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.rng import Rng
from samples.steps import DAY, HOUR, MINUTE, Step, Timeline
from samples.working_hours import FIRST_MINUTE, Habit, activity, next_night, next_working_hour


def clock(day: int, hour: int, minute: int = 0) -> int:
    """Microseconds since the start, which is day 0 (a Monday) at 08:30."""
    return day * DAY + hour * HOUR + minute * MINUTE - FIRST_MINUTE


def nothing(timeline: Timeline) -> Iterator[Step]:
    yield from ()


@pytest.mark.parametrize(
    ("at", "busy"),
    [
        (0, 1.0),
        (clock(0, 12, 30), 0.5),
        (clock(0, 17, 59), 1.0),
        (clock(0, 18, 0), 0.06),
        (clock(1, 3), 0.06),
        (clock(4, 10), 1.0),
        (clock(5, 10), 0.03),
        (clock(6, 10), 0.03),
        (clock(7, 10), 1.0),
    ],
)
def test_people_work_on_weekdays_and_rest_at_night_and_at_week_ends(at: int, busy: float) -> None:
    assert activity(at) == busy


@given(st.integers(0, 60 * DAY))
def test_the_next_night_is_the_next_twenty_to_three(at: int) -> None:
    night = next_night(at)
    assert 0 <= night - at < DAY
    assert (night + FIRST_MINUTE) % DAY == 2 * HOUR + 40 * MINUTE


@given(st.integers(0, 60 * DAY))
def test_the_next_working_hour_is_now_or_within_the_first_two_of_the_next_working_day(
    at: int,
) -> None:
    then = next_working_hour(at)
    assert activity(then) == 1.0
    if activity(at) == 1.0:
        assert then == at
    else:
        assert 0 < then - at < 4 * DAY
        assert (then + FIRST_MINUTE) % DAY - FIRST_MINUTE < 2 * HOUR


def test_moments_of_one_night_are_put_off_to_different_moments() -> None:
    assert next_working_hour(clock(1, 22)) != next_working_hour(clock(1, 23))


def starts(*, by_people: bool, volume: float = 1.0) -> list[int]:
    habit = Habit("x", nothing, 30 * MINUTE, by_people)
    return [start.at for start in habit.starts(0, 28 * DAY, volume, Rng(7))]


def test_a_habit_of_machines_keeps_its_interval_day_and_night() -> None:
    assert 28 * 48 * 0.95 < len(starts(by_people=False)) < 28 * 48 * 1.05


def test_a_habit_of_people_is_seldom_at_night() -> None:
    busy = [activity(at) >= 0.5 for at in starts(by_people=True)]
    assert busy.count(False) < len(busy) * 0.2
    assert busy.count(False) > 0


def test_volume_multiplies_the_starts() -> None:
    once, tenfold = len(starts(by_people=True)), len(starts(by_people=True, volume=10))
    assert 9 < tenfold / once < 11


def test_each_start_has_a_name_of_its_own_within_the_bounds() -> None:
    habit = Habit("x", nothing, 30 * MINUTE, by_people=False)
    starts = list(habit.starts(5 * HOUR, 9 * HOUR, 1.0, Rng(7)))
    assert all(5 * HOUR < start.at < 9 * HOUR for start in starts)
    assert [start.part for start in starts] == [("x", n + 1) for n in range(len(starts))]
