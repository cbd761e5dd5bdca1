"""The kinds of windows of a log group: which events are new in each, and what its end means. Pure.

Every position is a CloudWatch Logs event timestamp in milliseconds, never a record's own time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cloudhsm.trail.gap_ledger import Anomaly, Ledger, MissingRecords
from cloudhsm.trail.record_identity import Records, identify
from cloudhsm.trail.seen_ids import Boundary, Seen

_KNOWN_REPLAYS = 100

Anomalies = list[tuple[int, Anomaly]]  # by the index of the record on its page


class Events(Protocol):
    """Events of one page as columns, oldest first."""

    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def streams(self) -> Sequence[str]: ...
    @property
    def times_ms(self) -> Sequence[int]: ...
    @property
    def texts(self) -> Sequence[str]: ...


class Memory(NamedTuple):
    """What is known of a log group while its windows are read.

    missing: what its gaps lacked when reading began.
    """

    progress: Progress
    seen: Seen
    ledger: Ledger
    missing: MissingRecords


class End(NamedTuple):
    """What it means that a window was read to its end.

    covered: the interval, both ends inclusive, that is covered now.
    reread, replay: the one that is complete now.
    """

    covered: tuple[int, int] | None = None
    reread: Reread | None = None
    replay: Replay | None = None


class Kind:
    """What a window is read for.

    stream:         the log stream to read; None for all.
    keeps_position: whether an interrupted one resumes where its last page ended.
    is_repetition:  whether the ledger has its records, and their flaws were reported.
    settled_before: events before this instant are read after they could no longer change. Their
                    ids need not be remembered, since no later window returns them: the boundary
                    of the stretch is enough to go on from there.
    """

    stream: str | None = None
    keeps_position = True
    is_repetition = False

    @property
    def settled_before(self) -> int:
        return 0

    def fresh(self, page: Events, memory: Memory) -> list[bool]:
        """Which events were not delivered before, by their ids where these are kept."""
        return memory.seen.fresh(page.ids, page.times_ms)

    def enter(self, page: Events, records: Records, window: Window, memory: Memory) -> Anomalies:
        """Enter new records of a page into the ledger; returns what `enter_all` does."""
        return memory.ledger.enter_all(page.streams, records, page.times_ms, window.start_ms)

    def advance(self, position_ms: int) -> None:
        """A page up to this timestamp is remembered."""

    def give_up_for_now(self, window: Window) -> bool:  # noqa: ARG002
        """A run ended inside a window of it; True where this changed something."""
        return False

    def finish(self, progress: Progress, window: Window, now_ms: int) -> End:
        """A window of it was read to its end; `now_ms` is AWS's time when this run began to."""
        raise NotImplementedError


@dataclass
class Poll(Kind):
    """The freshest events, which a sweep reads again."""

    keeps_position = False

    def finish(self, progress: Progress, window: Window, now_ms: int) -> End:
        """What is ahead of AWS's clock can still fill up, so it is not covered."""
        progress.polled_ms = now_ms
        return End((window.start_ms, max(window.start_ms, min(window.end_ms, now_ms))))


@dataclass
class Stretch(Kind):
    """An unfinished window that survives a restart: both ends inclusive, and how far it came.

    boundary: the events at the position, where it is in the settled past: all that must be known
              there to go on without repeating any.
    chunk_ms: how much of it to ask for at once; None for all of it.
    """

    start_ms: int
    end_ms: int
    position_ms: int
    boundary: Boundary = field(default_factory=Boundary, compare=False)
    chunk_ms: int | None = None

    @property
    def settled_before(self) -> int:
        return self.end_ms + 1

    def window(self) -> Window:
        """What to read of it now."""
        end_ms = self.end_ms
        if self.chunk_ms is not None:
            end_ms = min(end_ms, self.position_ms + self.chunk_ms - 1)
        return Window(self.position_ms, end_ms, self)

    def fresh(self, page: Events, memory: Memory) -> list[bool]:
        seen, ids, times = memory.seen, page.ids, page.times_ms
        cut = bisect_left(times, self.settled_before)
        young = seen.fresh(ids[cut:], times[cut:])
        if not cut or not seen.knows_hours(times[0], times[cut - 1]):
            return [*self.boundary.fresh(ids[:cut], times[:cut]), *young]
        old = [
            not seen.knows(event_id, at_ms) and self.boundary.is_new(event_id, at_ms)
            for event_id, at_ms in zip(ids[:cut], times)
        ]
        return [*old, *young]

    def advance(self, position_ms: int) -> None:
        """An interrupted window resumes at this timestamp.

        More events of this very millisecond may be on the next page, so it is read again.
        """
        self.position_ms = max(self.position_ms, position_ms)

    def give_up_for_now(self, window: Window) -> bool:
        """Where the position did not move, less is asked for at once.

        CloudWatch Logs answers a sparse stretch with many empty pages, which give no position; a
        part that fits into a run is progress, all of it never would be.
        """
        if self.position_ms != window.start_ms:
            return False
        self.chunk_ms = max(1, (window.end_ms + 1 - window.start_ms) // 2)
        return True

    def finish(self, progress: Progress, window: Window, now_ms: int) -> End:  # noqa: ARG002
        if window.end_ms >= self.end_ms:
            return self.end(progress)
        self.position_ms = window.end_ms + 1
        self.chunk_ms = None if self.chunk_ms is None else self.chunk_ms * 2
        return End()

    def end(self, progress: Progress) -> End:
        """All of it was read."""
        raise NotImplementedError


@dataclass
class Sweep(Stretch):
    """An unfinished sweep; only its end moves the settled mark, and never backwards.

    started_ms: AWS's time when it began. horizon_ms: the lateness horizon then; a sweep keeps it to
    its end, because so do the ids that it remembers.
    """

    started_ms: int = 0
    horizon_ms: int = 0

    @property
    def settled_before(self) -> int:
        return self.started_ms - self.horizon_ms

    def end(self, progress: Progress) -> End:
        progress.settled_ms = max(progress.settled_ms, self.settled_before)
        progress.last_sweep_ms = self.started_ms
        progress.sweep = None
        return End((self.start_ms, max(self.start_ms, self.started_ms)))


@dataclass
class Backfill(Stretch):
    """An unfinished stretch of history, older than the lateness horizon when it was begun."""

    def end(self, progress: Progress) -> End:
        progress.backfills.remove(self)
        return End((self.start_ms, self.end_ms))


@dataclass
class Reread(Stretch):
    """Another look at the surroundings of gaps of one log stream."""

    stream: str = ""

    def fresh(self, page: Events, memory: Memory) -> list[bool]:
        """Before the settled mark ids are not kept, but all that was there was delivered.

        So only what fills a gap can be new.
        """
        seen, missing, settled_ms = memory.seen, memory.missing, memory.progress.settled_ms
        return [
            seen.is_new(event_id, at_ms)
            if at_ms >= settled_ms
            else missing.includes(stream, identify(text))
            for event_id, stream, at_ms, text in zip(
                page.ids, page.streams, page.times_ms, page.texts
            )
        ]

    def end(self, progress: Progress) -> End:
        progress.rereads.remove(self)
        return End(reread=self)


@dataclass
class Replay(Stretch):
    """What a person asked to have collected again, whatever was delivered before.

    id:      of the request. stream: the log stream; None for all of the group.
    records: how many were delivered so far.
    """

    id: str = ""
    stream: str | None = None
    requested_by: str = ""
    reason: str = ""
    records: int = 0
    is_repetition = True

    def fresh(self, page: Events, memory: Memory) -> list[bool]:  # noqa: ARG002
        return self.boundary.fresh(page.ids, page.times_ms)

    def enter(self, page: Events, records: Records, window: Window, memory: Memory) -> Anomalies:  # noqa: ARG002
        """Only what was missing so far is news to the ledger."""
        self.records += len(page.ids)
        for index, stream in enumerate(page.streams if memory.missing else ()):
            record = records.of(index)
            if memory.missing.includes(stream, record):
                memory.ledger.enter(stream, record, page.times_ms[index])
        return []

    def end(self, progress: Progress) -> End:
        progress.replays.remove(self)
        progress.replayed = [*progress.replayed, self.id][-_KNOWN_REPLAYS:]
        return End(replay=self)


@dataclass(frozen=True)
class Window:
    """What to read now; both ends inclusive, as FilterLogEvents has them."""

    start_ms: int
    end_ms: int
    kind: Kind

    def take(self, page: Events, memory: Memory) -> list[bool]:
        """Which events of a page are new; from now on they are known, and its end is the position.

        What an empty page means for the position is not known.
        """
        fresh = self.kind.fresh(page, memory)
        if page.times_ms:
            self.kind.advance(page.times_ms[-1])
        return fresh


@dataclass
class Progress:
    """How far the reading of one log group has come.

    start_ms:   what `start_time` meant on the first run; an earlier one later means more backfill.
    settled_ms: the settled mark.
    backfills:  stretches of history before the settled mark, each read once, oldest event first.
    replays:    what people asked for, in the order of their requests.
    polled_ms:  AWS's time when the last poll began that was read to its end.
    rereads:    looks at the surroundings of gaps, in no order.
    replayed:   ids of the last of them that ended, should their requests turn up once more.
    """

    start_ms: int
    settled_ms: int
    last_sweep_ms: int | None = None
    sweep: Sweep | None = None
    backfills: list[Backfill] = field(default_factory=list)
    replays: list[Replay] = field(default_factory=list)
    replayed: list[str] = field(default_factory=list)
    polled_ms: int | None = None
    rereads: list[Reread] = field(default_factory=list)

    @property
    def history_left_ms(self) -> int:
        """How much history is left to read, in milliseconds of it."""
        return sum(stretch.end_ms + 1 - stretch.position_ms for stretch in self.backfills)
