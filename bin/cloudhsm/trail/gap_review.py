"""The verdict on each gap, and where to look for its records again. Pure: times are arguments."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

from cloudhsm.trail.gap_ledger import CounterKey, Epoch, Gap, GapChange, Hole, Ledger, Mark, Verdict

# Records of one HSM may reach CloudWatch Logs this much out of order.
ORDER_SLACK_MS = 5 * 60_000
# The first look at the surroundings of a gap waits this long; each further one twice as long.
REREAD_AFTER_MS = 15 * 60_000
_WIDEST_REREAD = 8


@dataclass(frozen=True)
class Horizon:
    """What a verdict depends on in addition to the ledger, in milliseconds of CloudWatch Logs.

    begun_ms:     when this group was collected for the first time.
    retention_ms: after which age CloudWatch Logs deletes; None if never, or not known.
    """

    now_ms: int
    start_ms: int
    settled_ms: int
    begun_ms: int = 0
    retention_ms: int | None = None

    def is_settled(self, hole: Hole) -> bool:
        """Whether everything around a hole is older than the settled mark."""
        return hole.newest_ms + ORDER_SLACK_MS < self.settled_ms


@dataclass(frozen=True)
class GapReview:
    """The gaps of a ledger at one moment."""

    ledger: Ledger
    horizon: Horizon

    def judge(self) -> list[GapChange]:
        """Open, narrow and close gaps where complete reading allows it; returns what changed."""
        changes: list[GapChange] = []
        for counter, epoch, holes in self.ledger.holes():
            changes += _narrow(counter, epoch, holes)
            changes += self._open_or_close(counter, epoch, holes)
            if epoch.unconfirmed:
                epoch.forget_unconfirmed(self._is_settled)
        return changes

    def give_up(self, cause: str) -> list[GapChange]:
        """End every gap as absent: nothing can be read any more, for this cause.

        What is missing before the first record of a stream may be older than `start_time`, so it is
        a gap only where it was reported as one.
        """
        changes: list[GapChange] = []
        for counter, epoch, holes in self.ledger.holes():
            known = {gap.first: gap for gap in epoch.gaps}
            for hole in holes:
                gap = known.get(hole.first)
                if gap is None and hole.before is not None:
                    gap = Gap(hole.first, hole.last, self.horizon.now_ms)
                    epoch.gaps.append(gap)
                if gap is None or gap.verdict is not Verdict.PENDING:
                    continue
                gap.verdict = Verdict.ABSENT_AT_SOURCE
                change = GapChange(
                    *counter, hole.first, hole.last, gap.verdict, hole.before, hole.after, cause
                )
                changes.append(change)
            epoch.gaps.sort(key=attrgetter("first"))
        return changes

    def rereads(self) -> list[tuple[str, int, int]]:
        """Where gaps are to be looked for again now: log stream and window, both ends inclusive.

        The neighbors' timestamps and 5 minutes on both sides, twice as much each time; windows
        of a stream that overlap are one.
        """
        merged: list[tuple[str, int, int]] = []
        for stream, start_ms, end_ms in sorted(self._due()):
            if merged and merged[-1][0] == stream and start_ms <= merged[-1][2]:
                merged[-1] = (stream, merged[-1][1], max(merged[-1][2], end_ms))
            else:
                merged.append((stream, start_ms, end_ms))
        return merged

    def was_reread(self, stream: str, start_ms: int, end_ms: int) -> None:
        """A stream was read completely between two timestamps, begun at the horizon's `now_ms`."""
        for counter, gap, hole in [*self._open()]:
            inside = start_ms <= hole.oldest_ms and hole.newest_ms <= end_ms
            if counter[0] == stream and hole.before is not None and inside:
                gap.rereads += 1
                gap.last_look |= self.horizon.is_settled(hole)

    def unprobed(self) -> list[tuple[str, Gap]]:
        """Settled gaps at heads of streams, which were not looked up before `start_time` yet."""
        return [
            (counter[0], gap)
            for counter, gap, hole in self._open()
            if hole.before is None
            and self.horizon.start_ms > 0
            and gap.held_before is None
            and self.horizon.is_settled(hole)
        ]

    def _open(self) -> Iterator[tuple[CounterKey, Gap, Hole]]:
        """The pending gaps with their holes as they are now."""
        for counter, epoch, holes in self.ledger.holes():
            pending = {gap.first: gap for gap in epoch.gaps if gap.verdict is Verdict.PENDING}
            for hole in holes if pending else ():
                if hole.first in pending:
                    yield counter, pending[hole.first], hole

    def _due(self) -> Iterator[tuple[str, int, int]]:
        for counter, gap, hole in self._open():
            if hole.before is not None and _wants_reread(gap, hole, self.horizon):
                slack_ms = ORDER_SLACK_MS << min(gap.rereads, _WIDEST_REREAD)
                yield counter[0], hole.oldest_ms - slack_ms, hole.newest_ms + slack_ms

    def _open_or_close(
        self, counter: CounterKey, epoch: Epoch, holes: list[Hole]
    ) -> list[GapChange]:
        horizon = self.horizon
        changes: list[GapChange] = []
        known = {gap.first: gap for gap in epoch.gaps}
        for hole in holes:
            left_ms = horizon.start_ms if hole.before is None else hole.before.at_ms
            if not self.ledger.is_covered(left_ms, hole.after.at_ms):
                continue
            gap = known.get(hole.first) or _adopted(epoch, hole)
            verdict = _verdict(gap, hole, horizon)
            if gap is None:
                epoch.gaps.append(Gap(hole.first, hole.last, horizon.now_ms, verdict))
            elif gap.verdict is verdict:
                continue
            else:
                gap.verdict = verdict
            around = (hole.before, hole.after)
            changes.append(GapChange(*counter, hole.first, hole.last, verdict, *around))
        epoch.gaps.sort(key=attrgetter("first"))
        return changes

    def _is_settled(self, mark: Mark) -> bool:
        near = (mark.at_ms - ORDER_SLACK_MS, mark.at_ms + ORDER_SLACK_MS)
        return near[1] < self.horizon.settled_ms and self.ledger.is_covered(*near)


def _wants_reread(gap: Gap, hole: Hole, horizon: Horizon) -> bool:
    """In growing steps while late records may come; once more when none can come any more."""
    if horizon.is_settled(hole):
        return not gap.last_look
    return horizon.now_ms >= gap.opened_ms + (REREAD_AFTER_MS << gap.rereads)


def _verdict(gap: Gap | None, hole: Hole, horizon: Horizon) -> Verdict:
    """A gap stays pending until everything around it is settled and was looked at once more."""
    if gap is None:
        return Verdict.PENDING
    if gap.verdict is not Verdict.PENDING or not horizon.is_settled(hole):
        return gap.verdict
    if hole.before is None:
        return _verdict_at_head(gap, hole, horizon)
    if not gap.last_look:
        return Verdict.PENDING
    if horizon.retention_ms and hole.before.at_ms < gap.opened_ms - horizon.retention_ms:
        return Verdict.EXPIRED
    return Verdict.ABSENT_AT_SOURCE


def _verdict_at_head(gap: Gap, hole: Hole, horizon: Horizon) -> Verdict:
    """What comes before the first record of a stream, if anything does, has no left neighbor."""
    if horizon.start_ms > 0 and gap.held_before is None:
        return Verdict.PENDING
    if gap.held_before:
        return Verdict.BEFORE_START
    # A stream that was there before its group was collected may be older than the retention.
    if horizon.retention_ms and hole.after.at_ms < horizon.begun_ms:
        return Verdict.EXPIRED
    return Verdict.ABSENT_AT_SOURCE


def _narrow(counter: CounterKey, epoch: Epoch, holes: list[Hole]) -> list[GapChange]:
    """Close what arrived of the known gaps; what is still missing keeps its age and verdict."""
    changes: list[GapChange] = []
    kept: list[Gap] = []
    lasts = [hole.last for hole in holes]
    for gap in epoch.gaps:
        missing: list[tuple[int, int]] = []
        at = bisect_left(lasts, gap.first)
        while at < len(holes) and holes[at].first <= gap.last:
            missing.append((max(gap.first, holes[at].first), min(gap.last, holes[at].last)))
            at += 1
        kept += [replace(gap, first=first, last=last) for first, last in missing]
        late = gap.verdict is not Verdict.PENDING
        verdict = Verdict.RECOVERED_LATE if late else Verdict.RECOVERED
        changes += [GapChange(*counter, *part, verdict) for part in _between(gap, missing)]
    epoch.gaps = kept
    return changes


def _adopted(epoch: Epoch, hole: Hole) -> Gap | None:
    """A hole can grow at its head, where a late record of an earlier counter shows where it began.

    The first gap inside stands for all of it, and for the others inside.
    """
    inside = [gap for gap in epoch.gaps if hole.first < gap.first <= hole.last]
    for gap in inside[1:]:
        epoch.gaps.remove(gap)
    if not inside:
        return None
    inside[0].first, inside[0].last = hole.first, hole.last
    return inside[0]


def _between(gap: Gap, missing: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of a gap that are not missing any more."""
    expected = gap.first
    for first, last in missing:
        if first > expected:
            yield expected, first - 1
        expected = last + 1
    if expected <= gap.last:
        yield expected, gap.last
