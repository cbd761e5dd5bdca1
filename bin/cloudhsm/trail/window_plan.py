"""Which window to read next, and why. Pure: the clock is an argument, positions are milliseconds.

The *settled mark* is the heart of it: everything older has been read completely, after it could no
longer change. A *sweep* reads from the settled mark to now and is the only thing that moves the
mark; *polls* merely shorten the delay. After an outage the mark is simply old, so nothing needs a
special case.
"""

from __future__ import annotations

from cloudhsm.trail.windows import Backfill, Poll, Progress, Reread, Sweep, Window

# AWS accepts events up to two hours ahead of its own clock, so windows reach as far.
AHEAD_MS = 2 * 3_600_000
# A poll reads again what may have become visible since the last one.
POLL_OVERLAP_MS = 15 * 60_000
# Stretches of history shorter than this are not worth a window of their own.
SPLIT_MS = 6 * 3_600_000


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
    return Window(min(start_ms, latest_ms), latest_ms + AHEAD_MS, Poll())


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
        reread.window()
        for reread in progress.rereads
        if not progress.backfills or reread.start_ms >= progress.settled_ms
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
    return progress.sweep.window()


def unfinished(progress: Progress, at_once: int = 1) -> list[Window]:
    """What is left to read: the rest of a sweep under way, then history.

    at_once: how many windows may be read side by side; long history is divided among them.
    """
    if progress.sweep is not None:
        return [progress.sweep.window()]
    if not progress.backfills:
        return []
    while len(progress.backfills) < at_once and _divide(progress.backfills):
        pass
    return [backfill.window() for backfill in progress.backfills[:at_once]]


def _divide(backfills: list[Backfill]) -> bool:
    """Halve the longest rest; False where nothing is long enough."""
    longest = max(backfills, key=lambda backfill: backfill.end_ms - backfill.position_ms)
    width_ms = longest.end_ms + 1 - longest.position_ms
    if width_ms < SPLIT_MS:
        return False
    middle_ms = longest.position_ms + width_ms // 2
    later = Backfill(middle_ms, longest.end_ms, middle_ms)
    longest.end_ms = middle_ms - 1
    backfills.insert(backfills.index(longest) + 1, later)
    return True


def oldest_needed(progress: Progress, now_ms: int, horizon_ms: int) -> int:
    """No sweep or poll will read events before this instant again."""
    return min(progress.settled_ms, now_ms - horizon_ms)
