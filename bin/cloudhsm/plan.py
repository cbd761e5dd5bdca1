"""Which window to read next, and why. Pure: the clock is an argument, positions are milliseconds.

Every position is a CloudWatch Logs event timestamp, never a record's own time. The *settled mark*
is the heart of it: everything older has been read completely, after it could no longer change. A
*sweep* reads from the settled mark to now and is the only thing that moves the mark; *polls* merely
shorten the delay. After an outage the mark is simply old, so nothing needs a special case.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudhsm.seen import Boundary

# AWS accepts events up to two hours ahead of its own clock, so windows reach as far.
AHEAD_MS = 2 * 3_600_000
# A poll reads again what may have become visible since the last one.
POLL_OVERLAP_MS = 15 * 60_000


@dataclass
class Stretch:
    """An unfinished window that survives a restart: both ends inclusive, and how far it came."""

    start_ms: int
    end_ms: int
    position_ms: int


@dataclass
class Sweep(Stretch):
    """An unfinished sweep; `started_ms` is AWS's time when it began."""

    started_ms: int


@dataclass
class Backfill(Stretch):
    """An unfinished stretch of history; it resumes behind the events that `boundary` holds."""

    boundary: Boundary = field(default_factory=Boundary)


@dataclass(frozen=True)
class Window:
    """What to read now; both ends inclusive, as FilterLogEvents has them.

    stretch: what remembers its position across runs: a Sweep or a Backfill; None for a poll.
    """

    start_ms: int
    end_ms: int
    stretch: Stretch | None = None


@dataclass
class Progress:
    """How far the reading of one log group has come.

    start_ms:   what `start_time` meant on the first run; an earlier one later means more backfill.
    settled_ms: the settled mark.
    backfills:  stretches of history before the settled mark, each read once, oldest event first.
    """

    start_ms: int
    settled_ms: int
    last_sweep_ms: int | None = None
    sweep: Sweep | None = None
    backfills: list[Backfill] = field(default_factory=list)


def begin(start_ms: int, now_ms: int, horizon_ms: int) -> Progress:
    """The progress of a group that was never read; a start in the future means now."""
    start_ms = min(start_ms, now_ms)
    settled_ms = max(start_ms, now_ms - horizon_ms)
    progress = Progress(start_ms, settled_ms)
    if start_ms < settled_ms:
        progress.backfills.append(Backfill(start_ms, settled_ms - 1, start_ms))
    return progress


def extend_back(progress: Progress, start_ms: int, now_ms: int, horizon_ms: int) -> bool:
    """An earlier `start_time` adds what lies before the old one; a later one changes nothing.

    What is still inside the horizon belongs to the sweeps, since it can still fill up: the settled
    mark moves back to where it would have begun. Older history is read once, as a backfill.
    """
    if start_ms >= progress.start_ms:
        return False
    history_end_ms = progress.start_ms
    if progress.start_ms > now_ms - horizon_ms:
        history_end_ms = max(start_ms, now_ms - horizon_ms)
        progress.settled_ms = history_end_ms
        progress.sweep = progress.last_sweep_ms = None
    if start_ms < history_end_ms:
        progress.backfills.append(Backfill(start_ms, history_end_ms - 1, start_ms))
    progress.start_ms = start_ms
    return True


def poll(progress: Progress, now_ms: int) -> Window:
    """The freshest stretch: what an analyst waits for."""
    start_ms = max(progress.start_ms, now_ms - POLL_OVERLAP_MS)
    return Window(min(start_ms, now_ms), now_ms + AHEAD_MS)


def sweep_is_due(progress: Progress, now_ms: int, horizon_ms: int) -> bool:
    """Four sweeps fit into a horizon, and an unfinished one goes on."""
    last = progress.last_sweep_ms
    return progress.sweep is not None or last is None or now_ms - last >= horizon_ms // 4


def demand_sweep(progress: Progress) -> None:
    """A poll could not be read to its end: what it left out must not wait for hours."""
    progress.last_sweep_ms = None


def sweep(progress: Progress, now_ms: int) -> Window:
    """The stretch that a sweep still has to read; begins one if none is under way."""
    if progress.sweep is None:
        end_ms = max(progress.settled_ms, now_ms) + AHEAD_MS
        progress.sweep = Sweep(progress.settled_ms, end_ms, progress.settled_ms, started_ms=now_ms)
    under_way = progress.sweep
    return Window(under_way.position_ms, under_way.end_ms, under_way)


def unfinished(progress: Progress) -> Window | None:
    """What is left to read: the rest of a sweep under way, then history; None if all is read."""
    if progress.sweep is not None:
        return sweep(progress, progress.sweep.started_ms)
    if not progress.backfills:
        return None
    current = progress.backfills[0]
    return Window(current.position_ms, current.end_ms, current)


def advance(window: Window, position_ms: int) -> None:
    """A page was handed over up to this timestamp: an interrupted window resumes there.

    More events of this very millisecond may be on the next page, so it is read again.
    """
    if window.stretch is not None:
        window.stretch.position_ms = max(window.stretch.position_ms, position_ms)


def finish(progress: Progress, window: Window, now_ms: int, horizon_ms: int) -> tuple[int, int]:
    """A window was read to its end: returns the interval, both ends inclusive, that is now covered.

    now_ms: AWS's time when this run began to read it. Only a sweep moves the settled mark, and
    never backwards. What lies ahead of AWS's clock can still fill up, so it is not covered.
    """
    done = window.stretch
    if isinstance(done, Sweep):
        progress.settled_ms = max(progress.settled_ms, done.started_ms - horizon_ms)
        progress.last_sweep_ms = done.started_ms
        progress.sweep = None
        return done.start_ms, max(done.start_ms, done.started_ms)
    if isinstance(done, Backfill):
        progress.backfills.remove(done)
        return done.start_ms, done.end_ms
    return window.start_ms, max(window.start_ms, now_ms)


def oldest_needed(progress: Progress, now_ms: int, horizon_ms: int) -> int:
    """No sweep or poll will read events before this instant again."""
    return min(progress.settled_ms, now_ms - horizon_ms)
