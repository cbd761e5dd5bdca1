"""The steps of which routines consist, and the clock that a routine goes by.

Times are microseconds since the start of the trail: nothing here knows a date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Union

from samples.hsm import CertificateChange, CertificateStore, Entry, Hsm
from samples.rng import Dice

MILLISECOND = 1_000
SECOND = 1_000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Timeline:
    """A routine's own clock, and the dice it throws."""

    def __init__(self, start: int, dice: Dice) -> None:
        self.now = start
        self.dice = dice

    def after(self, shortest: int, longest: int) -> int:
        """Let between `shortest` and `longest` microseconds pass; the new time."""
        self.now += self.dice.between(shortest, longest)
        return self.now


@dataclass(frozen=True)
class HsmStep:
    """An HSM puts `entry` on record, or nothing if it is gone by then.

    `ends_routine`: if it is gone, so is the client that worked on it.
    """

    at: int
    stream: Hsm
    entry: Entry
    ends_routine: bool = False


@dataclass(frozen=True)
class CertificateStep:
    """A certificate store puts `change` on record."""

    at: int
    stream: CertificateStore
    change: CertificateChange
    ends_routine: bool = False


@dataclass(frozen=True)
class Wait:
    """Nothing is put on record; what the routine decides next, it decides at this time."""

    at: int


@dataclass(frozen=True)
class Start:
    """Another routine starts, with dice named by `part`."""

    at: int
    part: tuple[str | int, ...]
    routine: Callable[[Timeline], Iterator[Step]]


Step = Union[HsmStep, CertificateStep, Wait, Start]
Routine = Callable[[Timeline], Iterator[Step]]
