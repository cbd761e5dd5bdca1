"""Which sequence numbers of each HSM are in, which are missing, and what was read.

An HSM numbers its records from 0 without a gap within one log stream (AWS user guide,
"Interpreting HSM audit logs"), so a missing number is a missing record. Pure: times are arguments,
positions are milliseconds of CloudWatch Logs. The ledger decides completeness only; it never
decides whether a record is delivered.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple

from cloudhsm.trail.record_identity import Record, Records

# A record further ahead than this is not believed to continue the sequence.
MAX_JUMP = 1_000_000
# An HSM's clock may step back this far without its records looking like a restarted sequence.
CLOCK_SLACK_USECS = 5 * 60 * 1_000_000
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

    def without(self, numbers: Iterable[int]) -> Iterator[Hole]:
        """Its parts before, between and after these numbers."""
        first = self.first
        for number in sorted(n for n in numbers if self.first <= n <= self.last):
            if first < number:
                yield replace(self, first=first, last=number - 1)
            first = number + 1
        if first <= self.last:
            yield replace(self, first=first)

    @property
    def oldest_ms(self) -> int:
        """The older of the neighbors' timestamps."""
        return self.after.at_ms if self.before is None else min(self.before.at_ms, self.after.at_ms)

    @property
    def newest_ms(self) -> int:
        """The newer of the neighbors' timestamps."""
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

    def enter(
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
        if not _continues(before, mark, after):
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

    def growing(self, sequence: int, reboot_counter: str, index: int) -> _GrowingRange | None:
        """The range whose last number this is, to be continued; others may follow it."""
        at = bisect_right(self._firsts, sequence)
        if not at or self.ranges[at - 1].last.sequence != sequence:
            return None
        after = self.ranges[at] if at < len(self.ranges) else None
        return _GrowingRange(self.ranges[at - 1], after, reboot_counter, index)

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
        epoch.enter(mark, sequenced=True)
        return epoch

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

    def expel_outlier(self, is_covered: Callable[[int, int], bool]) -> Mark | None:
        """Take out a lone last number that is too far ahead of a known one to be believed.

        Where it was read first, or across what was not read yet, only now it can be told.
        """
        if len(self.ranges) < 2:
            return None
        before, last = self.ranges[-2].last, self.ranges[-1]
        if last.first != last.last or last.last.sequence <= before.sequence + MAX_JUMP:
            return None
        if not is_covered(*sorted((before.at_ms, last.last.at_ms))):
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
                hole = Hole(expected, known.first.sequence - 1, before, known.first)
                yield from hole.without(self.unconfirmed)
            before, expected = known.last, known.last.sequence + 1


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


class _GrowingRange:
    """A range that grows at its end while a page is entered; `settle` writes down how far.

    reboot_counter: as printed in its last record. expected: the next number. limit: of the numbers
    that can only belong to this range, the first behind them. latest_usecs: a younger record
    belongs to another epoch. usecs, index: of its last record, and its index on the page.
    """

    __slots__ = ("_range", "expected", "index", "latest_usecs", "limit", "reboot_counter", "usecs")

    def __init__(self, known: Range, after: Range | None, reboot_counter: str, index: int) -> None:
        self._range = known
        # The number right before the range behind it would join the two.
        self.limit = _BEYOND if after is None else after.first.sequence - 1
        self.latest_usecs = _BEYOND if after is None else after.max_usecs + CLOCK_SLACK_USECS
        self.expected, self.usecs = known.last.sequence + 1, known.last.usecs
        self.reboot_counter, self.index = reboot_counter, index

    def settle(self, times_ms: Sequence[int]) -> None:
        """Write into the range what came since; its records grew no older."""
        self._range.last = Mark(self.expected - 1, self.usecs, times_ms[self.index])
        self._range.max_usecs = max(self._range.max_usecs, self.usecs)


CounterKey = tuple[str, str]  # log stream, reboot counter as printed


@dataclass
class Ledger:
    """The ledger of one log group.

    epochs:  per stream and reboot counter, oldest epoch first.
    covered: inclusive intervals that were read completely, ascending, never touching each other.
    """

    epochs: dict[CounterKey, list[Epoch]] = field(default_factory=dict)
    covered: list[tuple[int, int]] = field(default_factory=list)

    def expel_outliers(self) -> list[tuple[CounterKey, Mark]]:
        """Take out numbers that turned out to be implausible, once all before them was read."""
        return [
            (counter, outlier)
            for counter, epochs in self.epochs.items()
            for epoch in epochs
            if (outlier := epoch.expel_outlier(self.is_covered)) is not None
        ]

    def enter(
        self, stream: str, record: Record, at_ms: int, read_from_ms: int | None = None
    ) -> Anomaly | None:
        """Enter a record that was delivered; one without a number or counter is skipped.

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
        result = epochs[at].enter(mark, sequenced=sequenced, may_jump=may_jump)
        if result is OtherEpoch.EARLIER and at:
            at -= 1
            result = epochs[at].enter(mark, sequenced=sequenced, may_jump=may_jump)
        if not isinstance(result, OtherEpoch):
            return result
        if not sequenced:
            return Anomaly.IMPLAUSIBLE_SEQUENCE
        if result is OtherEpoch.LATER:
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
        the index of each one that does not simply continue its sequence, and why.
        """
        anomalies: list[tuple[int, Anomaly]] = []
        tails: dict[str, _GrowingRange] = {}  # by log stream: one reboot counter at a time
        columns = (streams, records.reboot_counters, records.sequence_nos, records.usecs)
        for index, (stream, reboot_counter, sequence_no, usecs) in enumerate(zip(*columns)):
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
                    tail.index = index
                    continue
                del tails[stream]
                tail.settle(times_ms)
            anomaly = self.enter(stream, records.of(index), times_ms[index], read_from_ms)
            if anomaly is not None:
                anomalies.append((index, anomaly))
            elif (growing := self._growing(stream, reboot_counter, sequence, index)) is not None:
                tails[stream] = growing
        for tail in tails.values():
            tail.settle(times_ms)
        return anomalies

    def _growing(
        self, stream: str, reboot_counter: str, sequence: int, index: int
    ) -> _GrowingRange | None:
        """The range that this number ends, where the next number can only belong to it."""
        epochs = self.epochs[stream, reboot_counter.lower()]
        if len(epochs) > 1 or epochs[0].unconfirmed:
            return None
        return epochs[0].growing(sequence, reboot_counter, index)

    def cover(self, start_ms: int, end_ms: int) -> None:
        """The interval, both ends inclusive, was read completely."""
        others = [span for span in self.covered if span[1] + 1 < start_ms or end_ms + 1 < span[0]]
        touching = [span for span in self.covered if span not in others]
        start_ms = min([start_ms, *(start for start, _ in touching)])
        end_ms = max([end_ms, *(end for _, end in touching)])
        self.covered = sorted([*others, (start_ms, end_ms)])

    def uncover_after(self, end_ms: int) -> None:
        """What is later was not read: a wrong clock claimed that it was."""
        clipped = [(start, min(end, end_ms)) for start, end in self.covered]
        self.covered = [(start, end) for start, end in clipped if start <= end]

    def reopen_heads(self) -> None:
        """An earlier `start_time` takes back every verdict that rested on the old one."""
        for _, gap in self.gaps():
            if gap.verdict is Verdict.BEFORE_START:
                gap.verdict, gap.held_before, gap.probed_ms = Verdict.PENDING, None, None

    def pending(self) -> int:
        """How many gaps wait for their verdict."""
        return sum(gap.verdict is Verdict.PENDING for _, gap in self.gaps())

    def absent(self) -> int:
        """How many gaps ended as absent at the source."""
        return sum(gap.verdict is Verdict.ABSENT_AT_SOURCE for _, gap in self.gaps())

    def holds(self, stream: str, record: Record) -> bool:
        """Whether a record of this number and about this time is in, in whatever epoch."""
        sequence, reboot_counter = record.sequence, record.reboot_counter
        if sequence is None or reboot_counter is None:
            return False
        epochs = self.epochs.get((stream, reboot_counter.lower()), ())
        return any(epoch.holds(sequence, record.usecs) for epoch in epochs)

    def holes(self) -> Iterator[tuple[CounterKey, Epoch, list[Hole]]]:
        """Every epoch with the numbers that it lacks.

        Only the first epoch of a stream has nothing before it.
        """
        streams: dict[str, list[tuple[CounterKey, Epoch]]] = {}
        for counter, epochs in self.epochs.items():
            streams.setdefault(counter[0], []).extend((counter, epoch) for epoch in epochs)
        for stream in streams.values():
            stream.sort(key=lambda entry: entry[1].begun_usecs)
            earlier = _EarlierEpochs()
            for counter, epoch in stream:
                holes: list[Hole] = []
                if epoch.ranges:
                    holes = [*epoch.holes(*earlier.expected(counter, epoch.ranges[0].first))]
                    earlier.add(counter, epoch.ranges[-1].last)
                yield counter, epoch, holes

    def gaps(self) -> Iterator[tuple[CounterKey, Gap]]:
        """Every gap that was reported."""
        for counter, epochs in self.epochs.items():
            for epoch in epochs:
                for gap in epoch.gaps:
                    yield counter, gap

    def _is_unread(self, epoch: Epoch, mark: Mark, read_from_ms: int) -> bool:
        """Whether what lies between the epoch's highest record and this one is not read yet."""
        if not epoch.ranges or mark.sequence <= epoch.highest + MAX_JUMP:
            return False
        left_ms = epoch.ranges[-1].last.at_ms
        return left_ms < read_from_ms and not self.is_covered(left_ms, read_from_ms)

    def is_covered(self, start_ms: int, end_ms: int) -> bool:
        """Whether the interval, both ends inclusive, was read completely."""
        return any(start <= start_ms and end_ms <= end for start, end in self.covered)


class MissingRecords:
    """What all gaps of a ledger lacked when reading began."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._holes: dict[CounterKey, list[Hole]] = {}
        for counter, epoch, holes in ledger.holes():
            gaps = {gap.first for gap in epoch.gaps}
            self._holes.setdefault(counter, []).extend(h for h in holes if h.first in gaps)

    def __bool__(self) -> bool:
        return bool(self._holes)

    def includes(self, stream: str, record: Record) -> bool:
        """Whether a record fills a gap and did not arrive since."""
        if record.sequence is None or record.reboot_counter is None:
            return False
        holes = self._holes.get((stream, record.reboot_counter.lower()), ())
        if not holes or self._ledger.holds(stream, record):
            return False
        return any(hole.is_filled_by(record.sequence, record.usecs) for hole in holes)


class _EarlierEpochs:
    """The epochs of one stream that began before the one in question, indexed.

    Anybody who may write to a log group can invent reboot counters by the thousand, so an epoch is
    not compared with every earlier one.
    """

    def __init__(self) -> None:
        self._counters: set[CounterKey] = set()
        self._lasts: list[Mark] = []  # the last record of each, by sequence number
        self._youngest: Mark | None = None

    def add(self, counter: CounterKey, last: Mark) -> None:
        """This counter's epoch had this record as its last so far."""
        self._counters.add(counter)
        insort(self._lasts, last)
        if self._youngest is None or last.usecs > self._youngest.usecs:
            self._youngest = last

    def expected(self, counter: CounterKey, first: Mark) -> tuple[int, Mark | None]:
        """The number with which an epoch should begin, and the last record before it.

        Whether an HSM's numbers restart with its reboot counter is not published: both are
        accepted. So a loss right at the head after a reboot can look like continued numbers.
        """
        smaller = bisect_left(self._lasts, (first.sequence,))
        if smaller and counter not in self._counters:
            before = self._lasts[smaller - 1]
            return before.sequence + 1, before
        return 0, self._youngest


def _continues(before: Range | None, mark: Mark, after: Range | None) -> bool:
    return (before is not None and before.last.sequence + 1 == mark.sequence) or (
        after is not None and after.first.sequence - 1 == mark.sequence
    )


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
