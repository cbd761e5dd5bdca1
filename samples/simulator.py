"""From a seed, an end and a length to the audit trail of the organisation.

The same arguments give the same bytes on every Python. Content depends on seed, length and volume
only; another `end` shifts all times and changes nothing else.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone

from samples import codes
from samples.cluster import Cluster
from samples.delivery import Delivery
from samples.hsm import Hsm
from samples.organisation import HOSTILE_NAMES, plan_organisation
from samples.rng import Rng
from samples.scheduler import Scheduler
from samples.script import Script
from samples.steps import DAY, HOUR, MILLISECOND, HsmStep, Start
from samples.trail import (
    ClusterFacts,
    HsmFacts,
    Replacement,
    Shape,
    ShapeCount,
    Trail,
    TrailEvent,
    TrailFacts,
)

__all__ = ["Simulation", "Trail", "TrailEvent", "simulate"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SHORTEST = HOUR
_LARGEST_VOLUME = 1_000.0


def simulate(seed: int, end: datetime, days: float, volume: float = 1.0) -> Trail:
    """The complete trail in memory; arguments and errors as for `Simulation`."""
    simulation = Simulation(seed, end, days, volume)
    events = list(simulation.stream())
    return Trail(events, simulation.facts)


class Simulation:
    """A trail to be read once or often, lazily: memory does not grow with its length.

    Args:
        seed: any whole number; another seed is another organisation.
        end: no event is later; with a time zone, taken to the millisecond.
        days: length before `end`, at least one hour (1/24).
        volume: how many times as much as usual happens; 1 gives 3,000 to 6,000 events in 7 days.

    Raises:
        ValueError: an argument is out of range; the message names it and its limits.
    """

    def __init__(self, seed: int, end: datetime, days: float, volume: float = 1.0) -> None:
        self.seed = seed
        self.days = days
        self.volume = checked_volume(volume)
        self._length_ms = _length_ms(days)
        self._end_ms = milliseconds(end)
        self._start_ms = self._end_ms - self._length_ms
        if self._start_ms < 0:
            raise ValueError(
                f"the trail would start before 1970: give fewer days than {days} or a later end"
            )
        self._facts: TrailFacts | None = None

    @property
    def facts(self) -> TrailFacts:
        """What was in the trail, once `stream()` has been read to its end.

        Raises:
            RuntimeError: no stream has been read to its end yet.
        """
        if self._facts is None:
            raise RuntimeError("facts are known when stream() has been read to its end")
        return self._facts

    def stream(self) -> Iterator[TrailEvent]:
        """All events by timestamp; ties keep the order of their stream. Each call starts over."""
        rng = Rng(self.seed)
        length = self._length_ms * MILLISECOND
        organisation = plan_organisation(rng.for_part("organisation"))
        script = Script(organisation, length, self.volume, rng.for_part("programme"))
        tally = _Tally()
        for event, shape, sequence in delivered(script.plans(), rng, self._start_ms, self._end_ms):
            tally.count(event, shape, sequence)
            yield event
        self._facts = self._gather_facts(script, tally)

    def _gather_facts(self, script: Script, tally: _Tally) -> TrailFacts:
        vault = script.vault
        every_hsm = [hsm for cluster in script.clusters for hsm in cluster.every_hsm]
        return TrailFacts(
            seed=self.seed,
            days=self.days,
            volume=self.volume,
            start_usecs=self._start_ms * MILLISECOND,
            end_usecs=self._end_ms * MILLISECOND,
            events=sum(tally.events.values()),
            clusters=tuple(_cluster_facts(cluster, tally) for cluster in script.clusters),
            replacement=Replacement(
                vault.plan.log_group, vault.plan.hsms[-1].hsm_id, vault.plan.spare.hsm_id
            ),
            gaps=tuple(gap for hsm in every_hsm for gap in hsm.gaps),
            hostile_names=HOSTILE_NAMES,
            unlisted_opcode=codes.UNLISTED.name,
            shapes=tuple(ShapeCount(shape, n) for shape, n in sorted(tally.shapes.items())),
            stand_in_codes=codes.stand_ins(),
        )


def delivered(
    plans: Iterable[Iterator[Start]], rng: Rng, start_ms: int, end_ms: int
) -> Iterator[tuple[TrailEvent, Shape, int | None]]:
    """The events of these plans between the two times, by timestamp, with their layout."""
    scheduler, delivery = Scheduler(rng.for_part("routine")), Delivery(rng.for_part("delivery"))
    for plan in plans:
        scheduler.add(plan)
    for step in scheduler.steps((end_ms - start_ms) * MILLISECOND):
        usecs = start_ms * MILLISECOND + step.at
        now_ms = usecs // MILLISECOND
        yield from delivery.release(now_ms)
        stream = step.stream
        written = (
            step.stream.write(usecs, step.entry)
            if isinstance(step, HsmStep)
            else step.stream.write(usecs, step.change)
        )
        if written is not None:
            delivery.accept(written, stream.log_group, stream.log_stream, now_ms)
    # Events that are not delivered when the trail ends are left out.
    yield from delivery.release(end_ms + 1)


class _Tally:
    """What has been delivered so far."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.shapes: Counter[Shape] = Counter()
        self.last_sequence: dict[str, int] = {}

    def count(self, event: TrailEvent, shape: Shape, sequence: int | None) -> None:
        self.events[event.log_stream] += 1
        self.shapes[shape] += 1
        if sequence is not None:
            self.last_sequence[event.log_stream] = sequence


def _cluster_facts(cluster: Cluster, tally: _Tally) -> ClusterFacts:
    def hsm_facts(hsm: Hsm) -> HsmFacts:
        return HsmFacts(
            hsm_id=hsm.log_stream,
            generation=hsm.generation,
            separator=hsm.plan.separator,
            reboot_counter=hsm.plan.reboot_counter,
            events=tally.events[hsm.log_stream],
            last_sequence=tally.last_sequence.get(hsm.log_stream, -1),
            ended=hsm.ended,
        )

    return ClusterFacts(
        cluster_id=cluster.plan.cluster_id,
        log_group=cluster.plan.log_group,
        hsms=tuple(hsm_facts(hsm) for hsm in cluster.every_hsm),
        certificate_stream=cluster.plan.cluster_id,
        certificate_events=tally.events[cluster.plan.cluster_id],
    )


def milliseconds(end: datetime) -> int:
    """Milliseconds since 1970. Raises ValueError for a time without a zone."""
    if end.tzinfo is None:
        raise ValueError(f"end needs a time zone, for example 2026-03-02T08:30:00Z: got {end}")
    return (end - _EPOCH) // timedelta(milliseconds=1)


def _length_ms(days: float) -> int:
    if not math.isfinite(days) or days <= 0:
        raise ValueError(f"days must be a number above 0: got {days}")
    length = round(days * (DAY // MILLISECOND))
    if length * MILLISECOND < _SHORTEST:
        raise ValueError(
            f"days must be at least 1/24 (one hour) to contain every event: got {days}"
        )
    return length


def checked_volume(volume: float) -> float:
    """The volume itself. Raises ValueError unless it is above 0 and not beyond the largest."""
    if not 0 < volume <= _LARGEST_VOLUME:
        raise ValueError(
            f"volume must be above 0 and at most {_LARGEST_VOLUME:g} (1 is usual): got {volume}"
        )
    return volume
