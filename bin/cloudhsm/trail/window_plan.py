"""Which window to read next, and why. Pure: the clock is an argument, positions are milliseconds.

Every position is a CloudWatch Logs event timestamp, never a record's own time. The *settled mark*
is the heart of it: everything older has been read completely, after it could no longer change. A
*sweep* reads from the settled mark to now and is the only thing that moves the mark; *polls* merely
shorten the delay. After an outage the mark is simply old, so nothing needs a special case.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudhsm.trail.seen_ids import Boundary

# AWS accepts events up to two hours ahead of its own clock, so windows reach as far.
AHEAD_MS = 2 * 3_600_000
# A poll reads again what may have become visible since the last one.
POLL_OVERLAP_MS = 15 * 60_000
# Stretches of history shorter than this are not worth a window of their own.
SPLIT_MS = 6 * 3_600_000
_KNOWN_REPLAYS = 100


@dataclass
class Stretch:
    """An unfinished window that survives a restart: both ends inclusive, and how far it came.

    boundary: the events at the position, where it lies in the settled past: all that must be known
              there to go on without repeating any.
    chunk_ms:  how much of it to ask for at once; None for all of it.
    """

    start_ms: int
    end_ms: int
    position_ms: int
    boundary: Boundary = field(default_factory=Boundary, compare=False)
    chunk_ms: int | None = None


@dataclass
class Sweep(Stretch):
    """An unfinished sweep.

    started_ms: AWS's time when it began. horizon_ms: the lateness horizon then; a sweep keeps it to
    its end, because so do the ids that it leaves behind.
    """

    started_ms: int = 0
    horizon_ms: int = 0


@dataclass
class Backfill(Stretch):
    """An unfinished stretch of history, older than the lateness horizon when it was begun."""


@dataclass
class Reread(Stretch):
    """Another look at the surroundings of gaps of one log stream."""

    stream: str = ""


@dataclass
class Replay(Stretch):
    """What a person asked to have collected again, whatever was handed over before.

    id:      of the request. stream: the log stream; None for all of the group.
    records: how many were handed over so far.
    """

    id: str = ""
    stream: str | None = None
    requested_by: str = ""
    reason: str = ""
    records: int = 0


@dataclass(frozen=True)
class Window:
    """What to read now; both ends inclusive, as FilterLogEvents has them.

    stretch: what remembers its position across runs; None for a poll.
    """

    start_ms: int
    end_ms: int
    stretch: Stretch | None = None

    @property
    def stream(self) -> str | None:
        """The one log stream to read; None for all."""
        return self.stretch.stream if isinstance(self.stretch, (Replay, Reread)) else None


@dataclass
class Progress:
    """How far the reading of one log group has come.

    start_ms:   what `start_time` meant on the first run; an earlier one later means more backfill.
    settled_ms: the settled mark.
    backfills:  stretches of history before the settled mark, each read once, oldest event first.
    replays:    what people asked for, in the order of their asking.
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
        return sum(one.end_ms + 1 - one.position_ms for one in self.backfills)


def begin(start_ms: int, now_ms: int, horizon_ms: int) -> Progress:
    """The progress of a group that was never read; a start in the future means now."""
    start_ms = min(start_ms, now_ms)
    settled_ms = max(0, start_ms, now_ms - horizon_ms)
    progress = Progress(start_ms, settled_ms)
    if start_ms < settled_ms:
        progress.backfills.append(Backfill(start_ms, settled_ms - 1, start_ms))
    return progress


def extend_back(progress: Progress, start_ms: int, now_ms: int, horizon_ms: int) -> bool:
    """An earlier `start_time` adds what lies before the old one; a later one changes nothing.

    What is still inside the horizon belongs to the sweeps, since it can still fill up: the settled
    mark moves back to where it would have begun, unless it has left its beginning already, since
    ids behind it are forgotten. Older history is read once, as a backfill.
    """
    if start_ms >= progress.start_ms:
        return False
    history_end_ms = progress.start_ms
    if progress.settled_ms == progress.start_ms > now_ms - horizon_ms:
        history_end_ms = max(start_ms, now_ms - horizon_ms)
        progress.settled_ms = history_end_ms
        progress.sweep = progress.last_sweep_ms = None
    if start_ms < history_end_ms:
        progress.backfills.append(Backfill(start_ms, history_end_ms - 1, start_ms))
    progress.start_ms = start_ms
    return True


def poll(progress: Progress, now_ms: int, horizon_ms: int, latest_ms: int | None = None) -> Window:
    """The freshest stretch: what an analyst waits for.

    latest_ms: the latest that now can be; what is read so far ahead settles nothing.
    It joins the last one that was read to its end, as far as ids are remembered: what came while
    nobody could read must not wait for the next sweep.
    """
    joins_ms = min(now_ms, progress.polled_ms or progress.last_sweep_ms or now_ms)
    remembered_ms = max(progress.start_ms, progress.settled_ms, now_ms - horizon_ms)
    if progress.sweep is not None:  # which kept no ids before this, and clocks step back a little
        remembered_ms = max(remembered_ms, progress.sweep.started_ms - progress.sweep.horizon_ms)
    start_ms = max(remembered_ms, joins_ms - POLL_OVERLAP_MS)
    latest_ms = max(now_ms, latest_ms or 0)
    return Window(min(start_ms, latest_ms), latest_ms + AHEAD_MS)


def look_for(progress: Progress, stream: str, around: tuple[int, int], now_ms: int) -> Reread:
    """Plan another look at the surroundings of gaps, inside what this input collects."""
    end_ms = max(0, min(around[1], now_ms + AHEAD_MS))
    start_ms = min(max(progress.start_ms, around[0]), end_ms)
    progress.rereads.append(Reread(start_ms, end_ms, start_ms, stream=stream))
    return progress.rereads[-1]


def rereads(progress: Progress) -> list[Window]:
    """The looks that may be taken now.

    Not while a stretch that may meet the same events is unfinished: their ids are not kept.
    """
    if progress.sweep is not None:
        return []
    return [
        _rest(one)
        for one in progress.rereads
        if not progress.backfills or one.start_ms >= progress.settled_ms
    ]


def set_back(progress: Progress, now_ms: int, horizon_ms: int) -> None:
    """Undo a settled mark in the future: what follows it would never be read."""
    progress.settled_ms = max(0, now_ms - horizon_ms)
    progress.start_ms = min(progress.start_ms, progress.settled_ms)
    progress.sweep = progress.last_sweep_ms = progress.polled_ms = None


def sweep_is_due(progress: Progress, now_ms: int, horizon_ms: int) -> bool:
    """Four sweeps fit into a horizon, and an unfinished one goes on."""
    last = progress.last_sweep_ms
    return progress.sweep is not None or last is None or now_ms - last >= horizon_ms // 4


def demand_sweep(progress: Progress) -> None:
    """A poll could not be read to its end: what it left out must not wait for hours."""
    progress.last_sweep_ms = None


def sweep(progress: Progress, now_ms: int, horizon_ms: int, latest_ms: int | None = None) -> Window:
    """The stretch that a sweep still has to read; begins one if none is under way."""
    if progress.sweep is None:
        start_ms = progress.settled_ms
        end_ms = max(start_ms, now_ms, latest_ms or 0) + AHEAD_MS
        progress.sweep = Sweep(start_ms, end_ms, start_ms, started_ms=now_ms, horizon_ms=horizon_ms)
    return _rest(progress.sweep)


def unfinished(progress: Progress, at_once: int = 1) -> list[Window]:
    """What is left to read: the rest of a sweep under way, then history.

    at_once: how many windows may be read side by side; long history is divided among them.
    """
    if progress.sweep is not None:
        return [_rest(progress.sweep)]
    if not progress.backfills:
        return []
    while len(progress.backfills) < at_once and _divide(progress.backfills):
        pass
    return [_rest(one) for one in progress.backfills[:at_once]]


def rest_of(replay: Replay) -> Window:
    """What is left to read of a replay."""
    return _rest(replay)


def _rest(stretch: Stretch) -> Window:
    end_ms = stretch.end_ms
    if stretch.chunk_ms is not None:
        end_ms = min(end_ms, stretch.position_ms + stretch.chunk_ms - 1)
    return Window(stretch.position_ms, end_ms, stretch)


def _divide(backfills: list[Backfill]) -> bool:
    """Halve the longest rest; False where nothing is long enough."""
    longest = max(backfills, key=lambda one: one.end_ms - one.position_ms)
    width_ms = longest.end_ms + 1 - longest.position_ms
    if width_ms < SPLIT_MS:
        return False
    middle_ms = longest.position_ms + width_ms // 2
    later = Backfill(middle_ms, longest.end_ms, middle_ms)
    longest.end_ms = middle_ms - 1
    backfills.insert(backfills.index(longest) + 1, later)
    return True


def advance(window: Window, position_ms: int) -> None:
    """A page was handed over up to this timestamp: an interrupted window resumes there.

    More events of this very millisecond may be on the next page, so it is read again.
    """
    if window.stretch is not None:
        window.stretch.position_ms = max(window.stretch.position_ms, position_ms)


def give_up_for_now(window: Window) -> bool:
    """A run ended inside a window; where its position did not move, less is asked for at once.

    CloudWatch Logs answers a sparse stretch with many empty pages, which leave no position behind;
    a part that fits into a run is progress, all of it never would be. True where this changed
    something.
    """
    stretch = window.stretch
    if stretch is None or stretch.position_ms != window.start_ms:
        return False
    stretch.chunk_ms = max(1, (window.end_ms + 1 - window.start_ms) // 2)
    return True


def finish(progress: Progress, window: Window, now_ms: int) -> tuple[int, int] | None:
    """A window was read to its end: returns the interval, both ends inclusive, that is now covered.

    now_ms: AWS's time when this run began to read it. Only a sweep moves the settled mark, and
    never backwards. What lies ahead of AWS's clock can still fill up, so it is not covered. None
    where a stretch has more to read, or was read for its own sake only.
    """
    done = window.stretch
    if done is not None and window.end_ms < done.end_ms:
        done.position_ms = window.end_ms + 1
        done.chunk_ms = None if done.chunk_ms is None else done.chunk_ms * 2
        return None
    if isinstance(done, Sweep):
        progress.settled_ms = max(progress.settled_ms, done.started_ms - done.horizon_ms)
        progress.last_sweep_ms = done.started_ms
        progress.sweep = None
        return done.start_ms, max(done.start_ms, done.started_ms)
    if isinstance(done, Backfill):
        progress.backfills.remove(done)
        return done.start_ms, done.end_ms
    if isinstance(done, Reread):
        progress.rereads.remove(done)
        return None
    if isinstance(done, Replay):
        progress.replays.remove(done)
        progress.replayed = [*progress.replayed, done.id][-_KNOWN_REPLAYS:]
        return None
    progress.polled_ms = now_ms
    return window.start_ms, max(window.start_ms, min(window.end_ms, now_ms))


def oldest_needed(progress: Progress, now_ms: int, horizon_ms: int) -> int:
    """No sweep or poll will read events before this instant again."""
    return min(progress.settled_ms, now_ms - horizon_ms)


def settled_before(window: Window) -> int:
    """Events of the window before this instant were read after they could no longer change.

    Their ids need not be remembered, since no later window will meet them: the boundary of the
    stretch is enough to go on behind them.
    """
    stretch = window.stretch
    if isinstance(stretch, Sweep):
        return stretch.started_ms - stretch.horizon_ms
    if stretch is not None:
        return stretch.end_ms + 1
    return 0
