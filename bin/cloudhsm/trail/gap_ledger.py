"""Which sequence numbers of each HSM are in, which are missing, what was read, and the verdicts.

An HSM numbers its records from 0 without a gap within one log stream (AWS user guide,
"Interpreting HSM audit logs"), so a missing number is a missing record. Pure: times are arguments,
positions are milliseconds of CloudWatch Logs. The ledger decides completeness only; it never
decides whether a record is handed over.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from operator import attrgetter
from typing import NamedTuple

from cloudhsm.trail.record_identity import Record, Records

# A record further ahead than this is not believed to continue the sequence.
MAX_JUMP = 1_000_000
# An HSM's clock may step back this far without its records looking like a restarted sequence.
CLOCK_SLACK_USECS = 5 * 60 * 1_000_000
# Records of one HSM may reach CloudWatch Logs this much out of order.
ORDER_SLACK_MS = 5 * 60_000
# The first look at the surroundings of a gap waits this long; each further one twice as long.
REREAD_AFTER_MS = 15 * 60_000
_WIDEST_REREAD = 8
DAY_MS = 24 * 3_600_000
_BEYOND = 1 << 65  # more than any number or time
# Only these command types are documented to take part in the sequence.
_SEQUENCED_COMMANDS = (None, "CN_MGMT_CMD", "CN_CERT_AUTH_CMD")


class Verdict(Enum):
    """What became of a gap."""

    PENDING = "pending"
    RECOVERED = "recovered"
    RECOVERED_LATE = "recovered_late"
    ABSENT_AT_SOURCE = "absent_at_source"
    EXPIRED = "expired"
    BEFORE_START = "before_start"


class Anomaly(Enum):
    """Why a record was handed over but does not simply continue its sequence."""

    IMPLAUSIBLE_SEQUENCE = "implausible_sequence"
    SEQUENCE_CONFLICT = "sequence_conflict"
    SEQUENCE_RESTARTED = "sequence_restarted"


class OtherEpoch(Enum):
    """By its time a record belongs to another run of the counter than its number suggests."""

    EARLIER = "earlier"
    LATER = "later"


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
    """Missing numbers, both ends inclusive, with the verdict so far.

    rereads: how often its surroundings were read again. last_look: whether they were once more
             when nothing could come any more.
    held_before: for the head of a stream, whether CloudWatch Logs holds records of it before
                 `start_time`; None until that was looked up.
    probed_ms:   from this instant to `start_time` nothing was found; probe_ms: how far the next
                 look reaches back.
    """

    first: int
    last: int
    opened_ms: int
    verdict: Verdict = Verdict.PENDING
    rereads: int = 0
    last_look: bool = False
    held_before: bool | None = None
    probed_ms: int | None = None
    probe_ms: int = DAY_MS


@dataclass(frozen=True)
class Hole:
    """Missing numbers between two records; `before` is None at the head of a stream."""

    first: int
    last: int
    before: Mark | None
    after: Mark

    def is_filled_by(self, sequence: int, usecs: int | None) -> bool:
        """Whether a record is missing here, by its number and, as far as clocks tell, its time."""
        if not self.first <= sequence <= self.last:
            return False
        earliest = self.before.usecs - CLOCK_SLACK_USECS if self.before else 0
        return usecs is None or earliest <= usecs <= self.after.usecs + CLOCK_SLACK_USECS

    @property
    def oldest_ms(self) -> int:
        """The older of the neighbours' timestamps."""
        return self.after.at_ms if self.before is None else min(self.before.at_ms, self.after.at_ms)

    @property
    def newest_ms(self) -> int:
        """The newer of the neighbours' timestamps."""
        return self.after.at_ms if self.before is None else max(self.before.at_ms, self.after.at_ms)


@dataclass
class Epoch:
    """One run of an HSM's counter.

    ranges: in ascending order, never touching each other.
    gaps:   those that were reported, in ascending order.
    unconfirmed:  records, by number, of command types that are not known to take part in the
                  sequence, where they did not continue it. They fill a hole but never make one.
    conflict_run: the last run of numbers that conflict with known ones. A counter that begins again
                  soon after its last record shows like this until its clock is ahead; they then
                  are the head of the next epoch.
    """

    ranges: list[Range] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    unconfirmed: dict[int, Mark] = field(default_factory=dict)
    conflict_run: Range | None = None

    def __post_init__(self) -> None:
        self._firsts = [known.first.sequence for known in self.ranges]

    def awaits(self, sequence: int) -> bool:
        """Whether this number is missing here, or the next one."""
        if not self.ranges or sequence > self.highest + 1:
            return False
        at = bisect_right(self._firsts, sequence)
        return at == 0 or self.ranges[at - 1].last.sequence < sequence

    def holds(self, sequence: int, usecs: int | None) -> bool:
        """Whether a record of this number and about this time is in."""
        at = bisect_right(self._firsts, sequence)
        if at == 0 or self.ranges[at - 1].last.sequence < sequence:
            return False
        known = self.ranges[at - 1]
        earliest, latest = known.min_usecs - CLOCK_SLACK_USECS, known.max_usecs + CLOCK_SLACK_USECS
        return usecs is None or earliest <= usecs <= latest

    @property
    def begun_usecs(self) -> int:
        """When it began, by the HSM's clock."""
        return self.ranges[0].min_usecs if self.ranges else 0

    @property
    def highest(self) -> int:
        """The highest number seen."""
        return self.ranges[-1].last.sequence

    def place(
        self, mark: Mark, *, sequenced: bool, may_jump: bool = False
    ) -> Anomaly | OtherEpoch | None:
        """Enter a record's number, or say why it was left out, or that it is another epoch's.

        may_jump: what lies between may still be unread, so no jump is implausible.
        """
        at = bisect_right(self._firsts, mark.sequence)
        before = self.ranges[at - 1] if at else None
        after = self.ranges[at] if at < len(self.ranges) else None
        if before is not None and mark.sequence <= before.last.sequence:
            return self._seen_again(before, mark)
        if after is not None and mark.usecs > after.max_usecs + CLOCK_SLACK_USECS:
            return OtherEpoch.LATER
        if not self._continues(before, mark, after):
            if before is not None and mark.usecs < before.min_usecs - CLOCK_SLACK_USECS:
                return OtherEpoch.EARLIER
            if not sequenced:
                self.unconfirmed[mark.sequence] = mark
                return Anomaly.IMPLAUSIBLE_SEQUENCE
            if self.ranges and mark.sequence > self.highest + MAX_JUMP and not may_jump:
                return Anomaly.IMPLAUSIBLE_SEQUENCE
        self._insert(at, before, mark, after)
        if self.unconfirmed:
            self._confirm_neighbors(mark.sequence)
        return None

    def growing(self, sequence: int, reboot_counter: str, place: int) -> _Tail | None:
        """The range whose last number this is, to be continued; there may be others behind it."""
        at = bisect_right(self._firsts, sequence)
        if not at or self.ranges[at - 1].last.sequence != sequence:
            return None
        after = self.ranges[at] if at < len(self.ranges) else None
        return _Tail(self.ranges[at - 1], after, reboot_counter, place)

    def _seen_again(self, known: Range, mark: Mark) -> Anomaly | OtherEpoch:
        if mark.usecs > known.max_usecs + CLOCK_SLACK_USECS:
            return OtherEpoch.LATER
        if mark.usecs < known.min_usecs - CLOCK_SLACK_USECS:
            return OtherEpoch.EARLIER
        new = Range(mark, mark, mark.usecs, mark.usecs)
        if self.conflict_run is not None and self.conflict_run.last.sequence + 1 == mark.sequence:
            self.conflict_run.absorb(new)
        else:
            self.conflict_run = new
        return Anomaly.SEQUENCE_CONFLICT

    def successor(self, mark: Mark) -> Epoch:
        """The epoch that begins with this record, or with the conflicts that led up to it.

        What was read before it and is younger, with higher numbers, is the new epoch's: the newest
        records are read first, and history in several stretches at once.
        """
        conflict_run, self.conflict_run = self.conflict_run, None
        if conflict_run is None or conflict_run.last.sequence + 1 != mark.sequence:
            conflict_run = None
        younger = [
            known
            for known in self.ranges
            if known.min_usecs > mark.usecs and known.first.sequence > mark.sequence
        ]
        self.ranges = [known for known in self.ranges if known not in younger]
        self._firsts = [known.first.sequence for known in self.ranges]
        epoch = Epoch([*([] if conflict_run is None else [conflict_run]), *younger])
        epoch.place(mark, sequenced=True)
        return epoch

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

    def _confirm_neighbors(self, number: int) -> None:
        """Enter what continues the sequence after all, now that a neighbor has come."""
        self.unconfirmed.pop(number, None)
        for step in (-1, 1):
            beside = number + step
            while (mark := self.unconfirmed.pop(beside, None)) is not None:
                at = bisect_right(self._firsts, beside)
                after = self.ranges[at] if at < len(self.ranges) else None
                self._insert(at, self.ranges[at - 1] if at else None, mark, after)
                beside += step

    def forget_unconfirmed(self, is_settled: Callable[[Mark], bool]) -> None:
        """Drop what fills no hole and can fill none any more, so that they do not accumulate."""
        highest = self.highest if self.ranges else -1
        self.unconfirmed = {
            number: mark
            for number, mark in self.unconfirmed.items()
            if number < highest or not is_settled(mark)
        }

    def expel_outlier(self, is_read: Callable[[Mark, Mark], bool]) -> Mark | None:
        """Take out a lone last number that is too far ahead of a known one to be believed.

        Where it was read first, or across what was not read yet, only now it can be told.
        """
        if len(self.ranges) < 2:
            return None
        before, last = self.ranges[-2].last, self.ranges[-1]
        if last.first != last.last or last.last.sequence <= before.sequence + MAX_JUMP:
            return None
        if not is_read(before, last.last):
            return None
        del self.ranges[-1], self._firsts[-1]
        self.gaps = [gap for gap in self.gaps if gap.first < last.last.sequence]
        return last.last

    def holes(self, first_expected: int, before: Mark | None = None) -> Iterator[Hole]:
        """Every stretch of missing numbers from the first expected one to the highest seen.

        before: the last record before this epoch, where there is one.
        """
        expected = first_expected
        for known in self.ranges:
            if known.first.sequence > expected:
                yield from self._around_unconfirmed(
                    Hole(expected, known.first.sequence - 1, before, known.first)
                )
            before, expected = known.last, known.last.sequence + 1

    def _around_unconfirmed(self, hole: Hole) -> Iterator[Hole]:
        first = hole.first
        for number in sorted(n for n in self.unconfirmed if hole.first <= n <= hole.last):
            if first < number:
                yield replace(hole, first=first, last=number - 1)
            first = number + 1
        if first <= hole.last:
            yield replace(hole, first=first)


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
    cause: str | None = None

    @property
    def missing(self) -> int:
        """How many records it concerns."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Horizon:
    """What a judgement depends on besides the ledger, in milliseconds of CloudWatch Logs.

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


class _Tail:
    """A range that grows at its end while a page is entered; `settle` writes down how far.

    reboot_counter: as printed in its last record. expected: the next number. limit: of the numbers
    that can only belong to this range, the first behind them. latest_usecs: a younger record
    belongs to another epoch. usecs, place: of its last record, and where that stands on the page.
    """

    __slots__ = (
        "_range",
        "expected",
        "latest_usecs",
        "limit",
        "place",
        "reboot_counter",
        "usecs",
    )

    def __init__(self, known: Range, after: Range | None, reboot_counter: str, place: int) -> None:
        self._range = known
        # The number right before the range behind it would join the two.
        self.limit = _BEYOND if after is None else after.first.sequence - 1
        self.latest_usecs = _BEYOND if after is None else after.max_usecs + CLOCK_SLACK_USECS
        self.expected, self.usecs = known.last.sequence + 1, known.last.usecs
        self.reboot_counter, self.place = reboot_counter, place

    def settle(self, times_ms: Sequence[int]) -> None:
        """Write into the range what came since; its records grew no older."""
        self._range.last = Mark(self.expected - 1, self.usecs, times_ms[self.place])
        self._range.max_usecs = max(self._range.max_usecs, self.usecs)


Counter = tuple[str, str]  # log stream, reboot counter as printed


@dataclass
class Ledger:
    """The ledger of one log group.

    epochs:  per stream and reboot counter, oldest epoch first.
    covered: inclusive intervals that were read completely, ascending, never touching each other.
    """

    epochs: dict[Counter, list[Epoch]] = field(default_factory=dict)
    covered: list[tuple[int, int]] = field(default_factory=list)

    def expel_outliers(self) -> list[tuple[Counter, Mark]]:
        """Take out numbers that turned out to be implausible, once all before them was read."""
        return [
            (counter, outlier)
            for counter, epochs in self.epochs.items()
            for epoch in epochs
            if (outlier := epoch.expel_outlier(self._is_read_between)) is not None
        ]

    def _is_read_between(self, one: Mark, other: Mark) -> bool:
        return self._is_covered(min(one.at_ms, other.at_ms), max(one.at_ms, other.at_ms))

    def enter(
        self, stream: str, record: Record, at_ms: int, read_from_ms: int | None = None
    ) -> Anomaly | None:
        """Enter a record that was handed over; one without a number or counter is passed over.

        read_from_ms: where the window begins that is being read up to this record; None where all
        before it was read.
        """
        sequence = record.sequence
        if sequence is None or record.reboot_counter is None:
            return None
        mark = Mark(sequence, at_ms * 1000 if record.usecs is None else record.usecs, at_ms)
        counter = (stream, record.reboot_counter.lower())
        epochs = self.epochs.get(counter)
        if epochs is None:
            epochs = self.epochs[counter] = [Epoch()]
        sequenced = record.command_type in _SEQUENCED_COMMANDS
        at = _epoch_at(epochs, mark)
        may_jump = read_from_ms is not None and self._is_unread(epochs[at], mark, read_from_ms)
        found = epochs[at].place(mark, sequenced=sequenced, may_jump=may_jump)
        if found is OtherEpoch.EARLIER and at:
            at -= 1
            found = epochs[at].place(mark, sequenced=sequenced, may_jump=may_jump)
        if not isinstance(found, OtherEpoch):
            return found
        if not sequenced:
            return Anomaly.IMPLAUSIBLE_SEQUENCE
        if found is OtherEpoch.LATER:
            epochs.insert(at + 1, epochs[at].successor(mark))
        else:
            epochs.insert(at, Epoch([Range(mark, mark, mark.usecs, mark.usecs)]))
        return Anomaly.SEQUENCE_RESTARTED

    def enter_all(
        self,
        streams: Sequence[str],
        records: Records,
        times_ms: Sequence[int],
        read_from_ms: int | None = None,
    ) -> list[tuple[int, Anomaly]]:
        """Enter the records of a page, in the order of their reading.

        The same as `enter` for each, but runs of consecutive numbers are entered at once. Returns
        the places of those that do not simply continue their sequence, and why.
        """
        odd: list[tuple[int, Anomaly]] = []
        tails: dict[str, _Tail] = {}  # by log stream: one reboot counter at a time
        columns = (streams, records.reboot_counters, records.sequence_nos, records.usecs)
        for place, (stream, reboot_counter, sequence_no, usecs) in enumerate(zip(*columns)):
            if sequence_no is None or reboot_counter is None:
                continue
            sequence = int(sequence_no, 16)
            tail = tails.get(stream)
            if tail is not None:
                if (
                    sequence == tail.expected
                    and sequence < tail.limit
                    and reboot_counter == tail.reboot_counter
                    and usecs is not None
                    and tail.usecs <= usecs <= tail.latest_usecs
                ):
                    tail.expected = sequence + 1
                    tail.usecs = usecs
                    tail.place = place
                    continue
                del tails[stream]
                tail.settle(times_ms)
            anomaly = self.enter(stream, records.of(place), times_ms[place], read_from_ms)
            if anomaly is not None:
                odd.append((place, anomaly))
            elif (growing := self._growing(stream, reboot_counter, sequence, place)) is not None:
                tails[stream] = growing
        for tail in tails.values():
            tail.settle(times_ms)
        return odd

    def _growing(self, stream: str, reboot_counter: str, sequence: int, place: int) -> _Tail | None:
        """The range that this number ends, where the next number can only belong to it."""
        epochs = self.epochs[stream, reboot_counter.lower()]
        if len(epochs) > 1 or epochs[0].unconfirmed:
            return None
        return epochs[0].growing(sequence, reboot_counter, place)

    def cover(self, start_ms: int, end_ms: int) -> None:
        """The interval, both ends inclusive, was read completely."""
        apart = [one for one in self.covered if one[1] + 1 < start_ms or end_ms + 1 < one[0]]
        touching = [one for one in self.covered if one not in apart]
        start_ms = min([start_ms, *(one[0] for one in touching)])
        end_ms = max([end_ms, *(one[1] for one in touching)])
        self.covered = sorted([*apart, (start_ms, end_ms)])

    def uncover_after(self, end_ms: int) -> None:
        """What is later was not read: a wrong clock claimed that it was."""
        clipped = [(start, min(end, end_ms)) for start, end in self.covered]
        self.covered = [one for one in clipped if one[0] <= one[1]]

    def judge(self, horizon: Horizon) -> list[GapChange]:
        """Open, narrow and close gaps as far as complete reading allows; returns what changed."""
        changes: list[GapChange] = []
        for counter, epoch, holes in self._holes():
            changes += _narrow(counter, epoch, holes)
            changes += self._open_and_close(counter, epoch, holes, horizon)
            if epoch.unconfirmed:
                epoch.forget_unconfirmed(lambda mark: self._is_settled(mark, horizon))
        return changes

    def give_up(self, now_ms: int, cause: str) -> list[GapChange]:
        """End every gap as absent: nothing can be read any more, for this cause.

        What is missing before the first record of a stream may be older than `start_time`, so it is
        a gap only where it was reported as one.
        """
        changes: list[GapChange] = []
        for counter, epoch, holes in self._holes():
            known = {gap.first: gap for gap in epoch.gaps}
            for hole in holes:
                gap = known.get(hole.first)
                if gap is None and hole.before is not None:
                    gap = Gap(hole.first, hole.last, now_ms)
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

    def reopen_heads(self) -> None:
        """An earlier `start_time` takes back every verdict that rested on the old one."""
        for epochs in self.epochs.values():
            for gap in (gap for epoch in epochs for gap in epoch.gaps):
                if gap.verdict is Verdict.BEFORE_START:
                    gap.verdict, gap.held_before = Verdict.PENDING, None
                    gap.probed_ms = None

    def pending(self) -> int:
        """How many gaps wait for their verdict."""
        return sum(gap.verdict is Verdict.PENDING for _, gap in self._gaps())

    def absent(self) -> int:
        """How many gaps ended as absent at the source."""
        return sum(gap.verdict is Verdict.ABSENT_AT_SOURCE for _, gap in self._gaps())

    def holds(self, stream: str, record: Record) -> bool:
        """Whether a record of this number and about this time is in, in whatever epoch."""
        sequence, reboot_counter = record.sequence, record.reboot_counter
        if sequence is None or reboot_counter is None:
            return False
        epochs = self.epochs.get((stream, reboot_counter.lower()), ())
        return any(epoch.holds(sequence, record.usecs) for epoch in epochs)

    def missing(self) -> dict[Counter, list[Hole]]:
        """What is missing in all gaps, by stream and reboot counter."""
        found: dict[Counter, list[Hole]] = {}
        for counter, epoch, holes in self._holes():
            gaps = {gap.first for gap in epoch.gaps}
            found.setdefault(counter, []).extend(hole for hole in holes if hole.first in gaps)
        return found

    def rereads(self, horizon: Horizon) -> list[tuple[str, int, int]]:
        """Where gaps are to be looked for again now: log stream and window, both ends inclusive.

        The neighbours' timestamps and 5 minutes on both sides, twice as much each time; windows
        of a stream that overlap are one.
        """
        merged: list[tuple[str, int, int]] = []
        for stream, start_ms, end_ms in sorted(window for _, window in self._due(horizon)):
            if merged and merged[-1][0] == stream and start_ms <= merged[-1][2]:
                merged[-1] = (stream, merged[-1][1], max(merged[-1][2], end_ms))
            else:
                merged.append((stream, start_ms, end_ms))
        return merged

    def was_reread(self, stream: str, start_ms: int, end_ms: int, horizon: Horizon) -> None:
        """A stream was read completely between two timestamps, begun at `horizon.now_ms`."""
        for counter, gap, hole in [*self._open()]:
            inside = start_ms <= hole.oldest_ms and hole.newest_ms <= end_ms
            if counter[0] == stream and hole.before is not None and inside:
                gap.rereads += 1
                gap.last_look |= horizon.is_settled(hole)

    def unprobed(self, horizon: Horizon) -> list[tuple[str, Gap]]:
        """Settled gaps at heads of streams, of which nobody looked before `start_time` yet."""
        return [
            (counter[0], gap)
            for counter, gap, hole in self._open()
            if hole.before is None
            and horizon.start_ms > 0
            and gap.held_before is None
            and horizon.is_settled(hole)
        ]

    def _holes(self) -> Iterator[tuple[Counter, Epoch, list[Hole]]]:
        """Every epoch with the numbers that it lacks.

        Only the first epoch of a stream has nothing before it.
        """
        streams: dict[str, list[tuple[Counter, Epoch]]] = {}
        for counter, epochs in self.epochs.items():
            streams.setdefault(counter[0], []).extend((counter, epoch) for epoch in epochs)
        for stream in streams.values():
            stream.sort(key=lambda one: one[1].begun_usecs)
            earlier: list[tuple[Counter, Mark]] = []
            for counter, epoch in stream:
                holes: list[Hole] = []
                if epoch.ranges:
                    holes = [*epoch.holes(*_expected(counter, epoch, earlier))]
                    earlier.append((counter, epoch.ranges[-1].last))
                yield counter, epoch, holes

    def _gaps(self) -> Iterator[tuple[Counter, Gap]]:
        for counter, epochs in self.epochs.items():
            for epoch in epochs:
                for gap in epoch.gaps:
                    yield counter, gap

    def _open(self) -> Iterator[tuple[Counter, Gap, Hole]]:
        """The pending gaps with their holes as they are now."""
        for counter, epoch, holes in self._holes():
            pending = {gap.first: gap for gap in epoch.gaps if gap.verdict is Verdict.PENDING}
            for hole in holes if pending else ():
                if hole.first in pending:
                    yield counter, pending[hole.first], hole

    def _due(self, horizon: Horizon) -> Iterator[tuple[Gap, tuple[str, int, int]]]:
        for counter, gap, hole in self._open():
            if hole.before is not None and _wants_reread(gap, hole, horizon):
                slack_ms = ORDER_SLACK_MS << min(gap.rereads, _WIDEST_REREAD)
                yield gap, (counter[0], hole.oldest_ms - slack_ms, hole.newest_ms + slack_ms)

    def _is_unread(self, epoch: Epoch, mark: Mark, read_from_ms: int) -> bool:
        """Whether what lies between the epoch's highest record and this one is not read yet."""
        if not epoch.ranges or mark.sequence <= epoch.highest + MAX_JUMP:
            return False
        left_ms = epoch.ranges[-1].last.at_ms
        return left_ms < read_from_ms and not self._is_covered(left_ms, read_from_ms)

    def _open_and_close(
        self, counter: Counter, epoch: Epoch, holes: list[Hole], horizon: Horizon
    ) -> list[GapChange]:
        changes: list[GapChange] = []
        known = {gap.first: gap for gap in epoch.gaps}
        for hole in holes:
            left_ms = horizon.start_ms if hole.before is None else hole.before.at_ms
            if not self._is_covered(left_ms, hole.after.at_ms):
                continue
            gap = known.get(hole.first) or _adopted(epoch, hole)
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


def _expected(
    counter: Counter, epoch: Epoch, earlier: list[tuple[Counter, Mark]]
) -> tuple[int, Mark | None]:
    """Which number an epoch is expected to begin with, and the last record before it.

    Whether an HSM's numbers restart with its reboot counter is not published: both are accepted. So
    a loss right at the head behind a reboot can look like numbers that were carried on.
    """
    first = epoch.ranges[0].first
    began_again = any(other == counter for other, _ in earlier)
    carried_on = [mark for _, mark in earlier if mark.sequence < first.sequence]
    if carried_on and not began_again:
        before = max(carried_on)
        return before.sequence + 1, before
    return 0, max((mark for _, mark in earlier), key=attrgetter("usecs"), default=None)


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
    """What comes before the first record of a stream, if anything does, has no left neighbour."""
    if horizon.start_ms > 0 and gap.held_before is None:
        return Verdict.PENDING
    if gap.held_before:
        return Verdict.BEFORE_START
    # A stream that was there before its group was collected may be older than the retention.
    if horizon.retention_ms and hole.after.at_ms < horizon.begun_ms:
        return Verdict.EXPIRED
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
        kept += [replace(gap, first=first, last=last) for first, last in missing]
        late = gap.verdict is not Verdict.PENDING
        verdict = Verdict.RECOVERED_LATE if late else Verdict.RECOVERED
        changes += [
            GapChange(*counter, first, last, verdict) for first, last in _between(gap, missing)
        ]
    epoch.gaps = kept
    return changes


def _adopted(epoch: Epoch, hole: Hole) -> Gap | None:
    """A hole can grow at its head, where a late record of an earlier counter tells where it began.

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


def _epoch_at(epochs: list[Epoch], mark: Mark) -> int:
    """Where the latest epoch stands that had begun when the record was written.

    Clocks have slack: what was written just before an epoch began, and is missing in the one
    before, belongs there.
    """
    for at in range(len(epochs) - 1, 0, -1):
        begun_usecs = epochs[at].begun_usecs
        if mark.usecs >= begun_usecs:
            return at
        if mark.usecs >= begun_usecs - CLOCK_SLACK_USECS:
            return at - 1 if epochs[at - 1].awaits(mark.sequence) else at
    return 0
