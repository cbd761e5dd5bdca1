"""When routines start: working hours, quiet nights and week-ends.

Times are microseconds since the start of the trail.

Every trail starts at 08:30 on a Monday of its own calendar, so that its content does not depend on
the date. An `end` on a Monday at 08:30 and a whole number of weeks make its week-ends real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from samples.rng import Rng
from samples.steps import DAY, HOUR, MINUTE, Routine, Start

FIRST_MINUTE = 8 * HOUR + 30 * MINUTE
_NIGHTFALL = 2 * HOUR + 40 * MINUTE
_WORKDAYS = 5
_WORK_BEGINS, _WORK_ENDS = 8 * HOUR + 30 * MINUTE, 18 * HOUR
_LUNCH_BEGINS, _LUNCH_ENDS = 12 * HOUR, 13 * HOUR


def activity(at: int) -> float:
    """How busy people are, from 0 (asleep) to 1 (working)."""
    day, time = divmod(FIRST_MINUTE + at, DAY)
    if day % 7 >= _WORKDAYS:
        return 0.03
    if not _WORK_BEGINS <= time < _WORK_ENDS:
        return 0.06
    return 0.5 if _LUNCH_BEGINS <= time < _LUNCH_ENDS else 1.0


def next_night(at: int) -> int:
    """The next 02:40."""
    return at + (_NIGHTFALL - FIRST_MINUTE - at) % DAY


def next_working_hour(at: int) -> int:
    """`at` itself if people are working then, otherwise a time in the next two working hours."""
    if activity(at) >= 1:
        return at
    morning = at + -at % DAY
    while (morning // DAY) % 7 >= _WORKDAYS:
        morning += DAY
    # Different times stay different, so that postponed routines do not all start at once.
    return morning + at % (2 * HOUR)


@dataclass(frozen=True)
class Habit:
    """A routine that starts about every `interval` microseconds, by people when awake."""

    name: str
    routine: Routine
    interval: int
    by_people: bool = True

    def starts(self, begin: int, end: int, volume: float, rng: Rng) -> Iterator[Start]:
        """The starts between `begin` and `end`, `volume` times as many as usual."""
        at, number = begin, 0
        while True:
            at += max(1, int(self.interval * (0.5 + rng.between(0, 1_000) / 1_000) / volume))
            if at >= end:
                return
            if self.by_people and not rng.chance(activity(at)):
                continue
            number += 1
            yield Start(at, (self.name, number), self.routine)
