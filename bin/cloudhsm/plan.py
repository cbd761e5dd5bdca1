"""Which window to read next, and why. Pure: the clock is an argument, positions are milliseconds.

Every position is a CloudWatch Logs event timestamp, never a record's own time. The *settled mark*
is the heart of it: everything older has been read completely, after it could no longer change. A
*sweep* reads from the settled mark to now and is the only thing that moves the mark; *polls* merely
shorten the delay. After an outage the mark is simply old, so nothing needs a special case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

# AWS accepts events up to two hours ahead of its own clock, so windows reach as far.
AHEAD_MS = 2 * 3_600_000
# A poll reads again what may have become visible since the last one.
POLL_OVERLAP_MS = 15 * 60_000


class Purpose(Enum):
    """Why a window is read."""

    POLL = "poll"
    SWEEP = "sweep"
    BACKFILL = "backfill"


@dataclass(frozen=True)
class Window:
    """What to read now; both ends inclusive, as FilterLogEvents has them."""

    purpose: Purpose
    start_ms: int
    end_ms: int


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
    backfills: list[Stretch] = field(default_factory=list)


def begin(start_ms: int, now_ms: int, horizon_ms: int) -> Progress:
    """The progress of a group that was never read; a start in the future means now."""
    start_ms = min(start_ms, now_ms)
    settled_ms = max(start_ms, now_ms - horizon_ms)
    progress = Progress(start_ms, settled_ms)
    if start_ms < settled_ms:
        progress.backfills.append(Stretch(start_ms, settled_ms - 1, start_ms))
    return progress


def extend_back(progress: Progress, start_ms: int) -> bool:
    """An earlier `start_time` adds the stretch before the old one; a later one changes nothing."""
    if start_ms >= progress.start_ms:
        return False
    progress.backfills.append(Stretch(start_ms, progress.start_ms - 1, start_ms))
    progress.start_ms = start_ms
    return True


def poll(progress: Progress, now_ms: int) -> Window:
    """The freshest stretch: what an analyst waits for."""
    start_ms = max(progress.start_ms, now_ms - POLL_OVERLAP_MS)
    return Window(Purpose.POLL, min(start_ms, now_ms), now_ms + AHEAD_MS)


def sweep_is_due(progress: Progress, now_ms: int, horizon_ms: int) -> bool:
    """Four sweeps fit into a horizon, and an unfinished one goes on."""
    last = progress.last_sweep_ms
    return progress.sweep is not None or last is None or now_ms - last >= horizon_ms // 4


def sweep(progress: Progress, now_ms: int) -> Window:
    """The stretch that a sweep still has to read; begins one if none is under way."""
    if progress.sweep is None:
        end_ms = max(progress.settled_ms, now_ms) + AHEAD_MS
        progress.sweep = Sweep(progress.settled_ms, end_ms, progress.settled_ms, started_ms=now_ms)
    return Window(Purpose.SWEEP, progress.sweep.position_ms, progress.sweep.end_ms)


def backfill(progress: Progress) -> Window | None:
    """The next stretch of history, if any is left."""
    if not progress.backfills:
        return None
    current = progress.backfills[0]
    return Window(Purpose.BACKFILL, current.position_ms, current.end_ms)


def advance(progress: Progress, purpose: Purpose, position_ms: int) -> None:
    """A page was handed over up to this timestamp: an interrupted window resumes there.

    More events of this very millisecond may be on the next page, so it is read again.
    """
    stretch: Stretch | None = None
    if purpose is Purpose.SWEEP:
        stretch = progress.sweep
    elif purpose is Purpose.BACKFILL:
        stretch = progress.backfills[0]
    if stretch is not None:
        stretch.position_ms = max(stretch.position_ms, position_ms)


def finish(progress: Progress, window: Window, now_ms: int, horizon_ms: int) -> tuple[int, int]:
    """A window was read to its end: returns the interval, both ends inclusive, that is now covered.

    Only a sweep moves the settled mark, and never backwards. What lies ahead of AWS's clock when
    the reading began can still fill up, so it does not count as covered.
    """
    if window.purpose is Purpose.BACKFILL:
        done = progress.backfills.pop(0)
        return done.start_ms, done.end_ms
    if window.purpose is Purpose.SWEEP and progress.sweep is not None:
        swept, progress.sweep = progress.sweep, None
        progress.settled_ms = max(progress.settled_ms, swept.started_ms - horizon_ms)
        progress.last_sweep_ms = swept.started_ms
        return swept.start_ms, max(swept.start_ms, swept.started_ms)
    return window.start_ms, max(window.start_ms, now_ms)


def oldest_needed(progress: Progress, now_ms: int, horizon_ms: int) -> int:
    """No sweep or poll will read events before this instant again."""
    return min(progress.settled_ms, now_ms - horizon_ms)
