"""Which sequence numbers of each HSM are in, which are missing, what was read, and the verdicts.

An HSM numbers its records from 0 without a gap within one log stream (AWS user guide,
"Interpreting HSM audit logs"), so a missing number is a missing record. Pure: times are arguments,
positions are milliseconds of CloudWatch Logs. The ledger decides completeness only; it never
decides whether a record is handed over.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from operator import attrgetter
from typing import NamedTuple

from cloudhsm.record import Record

# A record further ahead than this is not believed to continue the sequence.
MAX_JUMP = 1_000_000
# An HSM's clock may step back this far without its records looking like a restarted sequence.
CLOCK_SLACK_USECS = 5 * 60 * 1_000_000
# Records of one HSM may reach CloudWatch Logs this much out of order.
ORDER_SLACK_MS = 5 * 60_000
# Only these command types are documented to take part in the sequence.
_SEQUENCED_COMMANDS = (None, "CN_MGMT_CMD", "CN_CERT_AUTH_CMD")


class Verdict(Enum):
    """What became of a gap."""

    PENDING = "pending"
    RECOVERED = "recovered"
    RECOVERED_LATE = "recovered_late"
    ABSENT_AT_SOURCE = "absent_at_source"
    BEFORE_START = "before_start"


class Anomaly(Enum):
    """Why a record was handed over but does not simply continue its sequence."""

    IMPLAUSIBLE_SEQUENCE = "implausible_sequence"
    SEQUENCE_CONFLICT = "sequence_conflict"
    SEQUENCE_RESTARTED = "sequence_restarted"


class Mark(NamedTuple):
    """One record at the end of a range: its number, its own time, its CloudWatch Logs timestamp."""

    sequence: int
    usecs: int
    at_ms: int


@dataclass
class Range:
    """Numbers without a hole, and the span of the records' own times."""

    first: Mark
    last: Mark
    min_usecs: int
    max_usecs: int

    def absorb(self, other: Range) -> None:
        """Take in a range that begins right behind this one."""
        self.last = other.last
        self.min_usecs = min(self.min_usecs, other.min_usecs)
        self.max_usecs = max(self.max_usecs, other.max_usecs)


@dataclass
class Gap:
    """Missing numbers, both ends inclusive, with the verdict so far."""

    first: int
    last: int
    opened_ms: int
    verdict: Verdict = Verdict.PENDING


@dataclass(frozen=True)
class Hole:
    """Missing numbers between two records; `before` is None at the head of a stream."""

    first: int
    last: int
    before: Mark | None
    after: Mark


@dataclass
class Epoch:
    """One run of an HSM's counter.

    ranges: in ascending order, never touching each other.
    gaps:   those that were reported, in ascending order.
    parked: records, by number, of command types that are not known to take part in the sequence,
            where they did not continue it. They fill a hole but never make one.
    """

    ranges: list[Range] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    parked: dict[int, Mark] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._firsts = [known.first.sequence for known in self.ranges]

    @property
    def highest(self) -> int:
        """The highest number seen."""
        return self.ranges[-1].last.sequence

    def place(self, mark: Mark, *, sequenced: bool) -> Anomaly | None:
        """Enter a record's number, or say why it was left out."""
        at = bisect_right(self._firsts, mark.sequence)
        before = self.ranges[at - 1] if at else None
        after = self.ranges[at] if at < len(self.ranges) else None
        if before is not None and mark.sequence <= before.last.sequence:
            return _seen_again(before, mark, sequenced=sequenced)
        if after is not None and mark.usecs > after.max_usecs + CLOCK_SLACK_USECS:
            return _restart(sequenced=sequenced)
        if not self._continues(before, mark, after):
            if not sequenced:
                self.parked[mark.sequence] = mark
                return Anomaly.IMPLAUSIBLE_SEQUENCE
            if self.ranges and mark.sequence > self.highest + MAX_JUMP:
                return Anomaly.IMPLAUSIBLE_SEQUENCE
        self._insert(at, before, mark, after)
        if self.parked:
            self._unpark_beside(mark.sequence)
        return None

    @staticmethod
    def _continues(before: Range | None, mark: Mark, after: Range | None) -> bool:
        return (before is not None and before.last.sequence + 1 == mark.sequence) or (
            after is not None and after.first.sequence - 1 == mark.sequence
        )

    def _insert(self, at: int, before: Range | None, mark: Mark, after: Range | None) -> None:
        """Enter a new number between two ranges; `at` is the index of the one after it."""
        new = Range(mark, mark, mark.usecs, mark.usecs)
        if after is not None and after.first.sequence - 1 == mark.sequence:
            new.absorb(after)
            del self.ranges[at], self._firsts[at]
        if before is not None and before.last.sequence + 1 == mark.sequence:
            before.absorb(new)
        else:
            self.ranges.insert(at, new)
            self._firsts.insert(at, mark.sequence)

    def _unpark_beside(self, number: int) -> None:
        """What was parked continues the sequence after all, once a neighbour has come."""
        self.parked.pop(number, None)
        for step in (-1, 1):
            beside = number + step
            while (mark := self.parked.pop(beside, None)) is not None:
                at = bisect_right(self._firsts, beside)
                after = self.ranges[at] if at < len(self.ranges) else None
                self._insert(at, self.ranges[at - 1] if at else None, mark, after)
                beside += step

    def forget_parked(self, is_settled: Callable[[Mark], bool], holes: Iterable[Hole]) -> None:
        """Drop what can fill no hole any more, so that the parked do not pile up with history."""
        inside = {n for hole in holes for n in self.parked if hole.first <= n <= hole.last}
        self.parked = {
            number: mark
            for number, mark in self.parked.items()
            if number in inside or not is_settled(mark)
        }

    def holes(self, first_expected: int) -> Iterator[Hole]:
        """Every stretch of missing numbers from the first expected one to the highest seen."""
        before: Mark | None = None
        expected = first_expected
        for known in self.ranges:
            if known.first.sequence > expected:
                yield from self._around_parked(
                    Hole(expected, known.first.sequence - 1, before, known.first)
                )
            before, expected = known.last, known.last.sequence + 1

    def _around_parked(self, hole: Hole) -> Iterator[Hole]:
        first = hole.first
        for number in sorted(n for n in self.parked if hole.first <= n <= hole.last):
            if first < number:
                yield replace(hole, first=first, last=number - 1)
            first = number + 1
        if first <= hole.last:
            yield replace(hole, first=first)


def _seen_again(known: Range, mark: Mark, *, sequenced: bool) -> Anomaly:
    if mark.usecs > known.max_usecs + CLOCK_SLACK_USECS:
        return _restart(sequenced=sequenced)
    return Anomaly.SEQUENCE_CONFLICT


def _restart(*, sequenced: bool) -> Anomaly:
    return Anomaly.SEQUENCE_RESTARTED if sequenced else Anomaly.IMPLAUSIBLE_SEQUENCE


@dataclass(frozen=True)
class GapChange:
    """A gap was opened, or part or all of it was closed with a verdict."""

    stream: str
    reboot_counter: str
    first: int
    last: int
    verdict: Verdict
    before: Mark | None = None
    after: Mark | None = None

    @property
    def missing(self) -> int:
        """How many records it concerns."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Horizon:
    """What a judgement depends on besides the ledger, in milliseconds of CloudWatch Logs."""

    now_ms: int
    start_ms: int
    settled_ms: int


Counter = tuple[str, str]  # log stream, reboot counter as printed


@dataclass
class Ledger:
    """The ledger of one log group.

    epochs:  per stream and reboot counter, oldest epoch first.
    covered: inclusive intervals that were read completely, ascending, never touching each other.
    """

    epochs: dict[Counter, list[Epoch]] = field(default_factory=dict)
    covered: list[tuple[int, int]] = field(default_factory=list)

    def enter(self, stream: str, record: Record, at_ms: int) -> Anomaly | None:
        """Enter a record that was handed over; one without a number or counter is passed over."""
        sequence = record.sequence
        if sequence is None or record.reboot_counter is None:
            return None
        mark = Mark(sequence, at_ms * 1000 if record.usecs is None else record.usecs, at_ms)
        counter = (stream, record.reboot_counter.lower())
        epochs = self.epochs.get(counter)
        if epochs is None:
            epochs = self.epochs[counter] = [Epoch()]
        sequenced = record.command_type in _SEQUENCED_COMMANDS
        anomaly = _epoch_of(epochs, mark).place(mark, sequenced=sequenced)
        if anomaly is Anomaly.SEQUENCE_RESTARTED:
            epochs.append(Epoch())
            epochs[-1].place(mark, sequenced=True)
        return anomaly

    def cover(self, start_ms: int, end_ms: int) -> None:
        """The interval, both ends inclusive, was read completely."""
        apart = [one for one in self.covered if one[1] + 1 < start_ms or end_ms + 1 < one[0]]
        touching = [one for one in self.covered if one not in apart]
        start_ms = min([start_ms, *(one[0] for one in touching)])
        end_ms = max([end_ms, *(one[1] for one in touching)])
        self.covered = sorted([*apart, (start_ms, end_ms)])

    def judge(self, horizon: Horizon) -> list[GapChange]:
        """Open, narrow and close gaps as far as complete reading allows; returns what changed."""
        changes: list[GapChange] = []
        last_numbers = self._last_numbers()
        for counter, epochs in self.epochs.items():
            for epoch in epochs:
                expected = 0
                if epoch is epochs[0] and epoch.ranges:
                    expected = _first_expected(counter, epoch, last_numbers[counter[0]])
                holes = list(epoch.holes(expected))
                changes += _narrow(counter, epoch, holes)
                changes += self._open_and_close(counter, epoch, holes, horizon)
                if epoch.parked:
                    epoch.forget_parked(lambda mark: self._is_settled(mark, horizon), holes)
        return changes

    def reopen_heads(self) -> None:
        """An earlier `start_time` takes back every verdict that rested on the old one."""
        for epochs in self.epochs.values():
            for gap in (gap for epoch in epochs for gap in epoch.gaps):
                if gap.verdict is Verdict.BEFORE_START:
                    gap.verdict = Verdict.PENDING

    def pending(self) -> int:
        """How many gaps wait for their verdict."""
        gaps = (gap for epochs in self.epochs.values() for epoch in epochs for gap in epoch.gaps)
        return sum(gap.verdict is Verdict.PENDING for gap in gaps)

    def _last_numbers(self) -> dict[str, list[tuple[str, Mark]]]:
        """Per stream, the reboot counter and highest record of every epoch."""
        found: dict[str, list[tuple[str, Mark]]] = {}
        for (stream, reboot_counter), epochs in self.epochs.items():
            last = [(reboot_counter, epoch.ranges[-1].last) for epoch in epochs if epoch.ranges]
            found.setdefault(stream, []).extend(last)
        return found

    def _open_and_close(
        self, counter: Counter, epoch: Epoch, holes: list[Hole], horizon: Horizon
    ) -> list[GapChange]:
        changes: list[GapChange] = []
        known = {gap.first: gap for gap in epoch.gaps}
        for hole in holes:
            left_ms = horizon.start_ms if hole.before is None else hole.before.at_ms
            if not self._is_covered(left_ms, hole.after.at_ms):
                continue
            gap = known.get(hole.first)
            verdict = _verdict(gap, hole, horizon)
            if gap is None:
                epoch.gaps.append(Gap(hole.first, hole.last, horizon.now_ms, verdict))
            elif gap.verdict is verdict:
                continue
            else:
                gap.verdict = verdict
            changes.append(
                GapChange(*counter, hole.first, hole.last, verdict, hole.before, hole.after)
            )
        epoch.gaps.sort(key=attrgetter("first"))
        return changes

    def _is_covered(self, start_ms: int, end_ms: int) -> bool:
        return any(start <= start_ms and end_ms <= end for start, end in self.covered)

    def _is_settled(self, mark: Mark, horizon: Horizon) -> bool:
        near = (mark.at_ms - ORDER_SLACK_MS, mark.at_ms + ORDER_SLACK_MS)
        return near[1] < horizon.settled_ms and self._is_covered(*near)


def _first_expected(counter: Counter, epoch: Epoch, last_numbers: list[tuple[str, Mark]]) -> int:
    """0; or the next number, where an earlier counter of the stream was carried on.

    Whether an HSM's numbers restart with its reboot counter is not published: both are accepted. So
    a loss right at the head behind a reboot can look like numbers that were carried on.
    """
    first = epoch.ranges[0].first
    carried_on = [
        last.sequence + 1
        for reboot_counter, last in last_numbers
        if reboot_counter != counter[1]
        and last.usecs <= first.usecs
        and last.sequence < first.sequence
    ]
    return max(carried_on, default=0)


def _verdict(gap: Gap | None, hole: Hole, horizon: Horizon) -> Verdict:
    """A gap stays pending until everything around it is older than the settled mark."""
    if gap is not None and gap.verdict is not Verdict.PENDING:
        return gap.verdict
    newest_ms = max(hole.after.at_ms, hole.before.at_ms if hole.before else 0)
    if newest_ms + ORDER_SLACK_MS >= horizon.settled_ms:
        return Verdict.PENDING
    if hole.before is None and horizon.start_ms > 0:
        return Verdict.BEFORE_START
    return Verdict.ABSENT_AT_SOURCE


def _narrow(counter: Counter, epoch: Epoch, holes: list[Hole]) -> list[GapChange]:
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
        kept += [Gap(first, last, gap.opened_ms, gap.verdict) for first, last in missing]
        late = gap.verdict is not Verdict.PENDING
        verdict = Verdict.RECOVERED_LATE if late else Verdict.RECOVERED
        changes += [
            GapChange(*counter, first, last, verdict) for first, last in _between(gap, missing)
        ]
    epoch.gaps = kept
    return changes


def _between(gap: Gap, missing: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of a gap that are not missing any more."""
    expected = gap.first
    for first, last in missing:
        if first > expected:
            yield expected, first - 1
        expected = last + 1
    if expected <= gap.last:
        yield expected, gap.last


def _epoch_of(epochs: list[Epoch], mark: Mark) -> Epoch:
    """The latest epoch that had begun when the record was written."""
    for epoch in reversed(epochs[1:]):
        if mark.usecs >= epoch.ranges[0].min_usecs - CLOCK_SLACK_USECS:
            return epoch
    return epochs[0]
