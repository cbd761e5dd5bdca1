"""Many routines at once, in the order of time: a small discrete-event loop."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Union

from samples.rng import Rng
from samples.steps import CertificateStep, HsmStep, Start, Step, Timeline

RecordedStep = Union[HsmStep, CertificateStep]


class Scheduler:
    """The next step of every running routine; memory grows with these, not with the trail."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._next: list[tuple[int, int, Step, Iterator[Step]]] = []
        self._serial = 0

    def add(self, routine: Iterator[Step]) -> None:
        """Let `routine` run up to its next step, and keep that until its time comes."""
        step = next(routine, None)
        if step is not None:
            self._serial += 1
            heapq.heappush(self._next, (step.at, self._serial, step, routine))

    def steps(self, end: int) -> Iterator[RecordedStep]:
        """The steps that are recorded before `end`, in order of time.

        Write each step before requesting the next: routines look at what it changed.
        """
        while self._next:
            at, _, step, routine = heapq.heappop(self._next)
            if at >= end:
                return
            if isinstance(step, Start):
                rng = self._rng.for_part(*step.part)
                self.add(step.routine(Timeline(step.at, rng)))
            elif isinstance(step, (HsmStep, CertificateStep)):
                if step.stream.ended and step.ends_routine:
                    continue
                if not step.stream.ended:
                    yield step
            self.add(routine)
