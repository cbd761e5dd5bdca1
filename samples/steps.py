"""The steps of which routines consist, and the clock that a routine goes by.

Times are microseconds since the start of the trail: nothing here knows a date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Union

from samples.hsm import CertificateChange, CertificateStore, Entry, Hsm
from samples.rng import Rng

MILLISECOND = 1_000
SECOND = 1_000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Timeline:
    """A routine's own clock and random number generator."""

    def __init__(self, start: int, rng: Rng) -> None:
        self.now = start
        self.rng = rng

    def after(self, shortest: int, longest: int) -> int:
        """Let between `shortest` and `longest` microseconds pass; the new time."""
        self.now += self.rng.between(shortest, longest)
        return self.now


@dataclass(frozen=True)
class HsmStep:
    """An HSM records `entry`, or nothing if it has ended by then.

    `ends_routine`: if it has ended, the client that worked on it has too.
    """

    at: int
    stream: Hsm
    entry: Entry
    ends_routine: bool = False


@dataclass(frozen=True)
class CertificateStep:
    """A certificate store records `change`."""

    at: int
    stream: CertificateStore
    change: CertificateChange
    ends_routine: bool = False


@dataclass(frozen=True)
class Wait:
    """Nothing is recorded; the routine makes its next decision at this time."""

    at: int


@dataclass(frozen=True)
class Start:
    """Another routine starts, with a random number generator named by `part`."""

    at: int
    part: tuple[str | int, ...]
    routine: Callable[[Timeline], Iterator[Step]]


Step = Union[HsmStep, CertificateStep, Wait, Start]
Routine = Callable[[Timeline], Iterator[Step]]
