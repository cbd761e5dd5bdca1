"""One log group in one run: which windows are read, and when.

The path of a record from the page that it is on to the saved state. Each number is one pass from a
module to another, as `tests/bin/cloudhsm/collect/test_record_path.py` counts them::

    window_reader   1 windows          is it new? from now on it is known
                    2 log_source       the page without what was delivered before
                    3 record_identity  which record is it?
                    4 state_document   is the name of its log stream to be reported?
                    5 windows          (gap_ledger) does it continue the HSM's sequence?
                    6 open_group       deliver it, with what was found on its page
    open_group      7 file_store       (state_document) stage the state that remembers it
                    8 log_group        host, source and source type
                    9 event_writer     write it
                   10 collector_events all events about its page
                       11 record_identity   its record_key
                   12 event_writer     write these events

Then what was written is flushed, splunkd reads it, and the staged state becomes the current one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloudhsm.aws.log_source import FoundGroup
from cloudhsm.base.errors import CallFailed
from cloudhsm.collect.open_group import Run, StateFile, opened
from cloudhsm.collect.window_reader import HeadProbe, WindowReader
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.windows import Kind


class GroupCollector:
    """Steps that a run takes for one group; each returns early when the run is over.

    is_over: a step failed, so nothing more is done, or saved, in this run.
    Raises StateLocked where another input collects the group, and what the packages below raise.
    """

    def __init__(self, run: Run, file: StateFile, listed: FoundGroup) -> None:
        self.is_over = False
        self._run = run
        self._group, self._is_new = opened(run, file, listed)
        self._reader = WindowReader(self._group, listed.retention_ms)
        self._heads = HeadProbe(self._group, self._reader)

    @property
    def id(self) -> GroupId:
        """Which group this is."""
        return self.state.group

    @property
    def state(self) -> GroupState:
        """How far its collection has come."""
        return self._group.state

    @property
    def has_caught_up(self) -> bool:
        """Whether nothing is left to read until new records come."""
        progress = self.state.progress
        return not window_plan.unfinished(progress) and not progress.replays

    @property
    def was_read(self) -> bool:
        """Whether any window of it was ever read to its end."""
        return bool(self.state.ledger.covered)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left for this run once the live window was read."""
        progress, now_ms = self.state.progress, self._group.now_ms()
        if window_plan.sweep_is_due(progress, now_ms, self._run.settings.horizon_ms):
            return False
        if progress.backfills or progress.replays or progress.rereads:
            return False
        review = self._reader.review(now_ms)
        return not review.rereads() and not review.unprobed()

    def poll(self) -> None:
        """Read the freshest events; what does not fit into this run is left to a sweep."""
        progress, logs, now_ms = self.state.progress, self._run.logs, self._group.now_ms()
        if now_ms < progress.settled_ms:
            # This host's clock was put back, or a killed run took what it had learned of AWS's
            # with it. What was settled must not be read again: its ids are not kept.
            with self._run.stop.interruptible():
                logs.may_read(self.id)
            self._undo_future()
        if self._is_new:  # the first sweep begins at once, and has all that a poll would read
            self.sweep()
            return
        now_ms, horizon_ms = self._group.now_ms(), self._run.settings.horizon_ms
        if not self._reader.read(
            [window_plan.poll(progress, now_ms, horizon_ms, logs.latest_ms())]
        ):
            window_plan.demand_sweep(progress)

    def sweep(self) -> None:
        """Read everything since the settled mark, when its time has come."""
        progress, now_ms = self.state.progress, self._group.now_ms()
        horizon_ms, latest_ms = self._run.settings.horizon_ms, self._run.logs.latest_ms()
        if window_plan.sweep_is_due(progress, now_ms, horizon_ms):
            self._reader.read([window_plan.sweep(progress, now_ms, horizon_ms, latest_ms)])

    def _undo_future(self) -> None:
        """A settled mark that is ahead of AWS's confirmed time was moved there by a wrong clock."""
        progress, now_ms = self.state.progress, self._group.now_ms()
        if not self._run.logs.clock.is_trusted or progress.settled_ms <= now_ms:
            return
        was_ms = progress.settled_ms
        window_plan.set_back(progress, now_ms, self._run.settings.horizon_ms)
        self.state.ledger.uncover_after(now_ms)
        now_usecs, reporter = self._group.now_usecs(), self._group.reporter
        self._group.deliver([reporter.mark_reset(now_usecs, was_ms, progress.settled_ms)])

    def look_again(self) -> None:
        """Read the surroundings of open gaps again, and look before the heads of streams.

        What fails comes last the next time, so that it keeps none of the others waiting.
        """
        progress, now_ms = self.state.progress, self._group.now_ms()
        if not progress.rereads:
            for stream, *around in self._reader.review(now_ms).rereads():
                window_plan.look_for(progress, stream, (around[0], around[1]), now_ms)
        windows = window_plan.rereads(progress)
        # Every other time, so that neither of the two kinds of looks keeps the other waiting.
        heads_first = bool(self.state.run_ms // 60_000 % 2)
        if heads_first:
            self._heads.probe(now_ms)
        for number, window in enumerate(windows):
            if number and self._run.is_over():
                return
            with self._last_if_it_fails(window.kind, progress.rereads):
                if not self._reader.read([window]):
                    return
        if not heads_first:
            self._heads.probe(now_ms)

    def catch_up(self) -> None:
        """Go on with a sweep under way, then with history, where the time allows."""
        at_once = self._run.settings.windows_in_flight
        while windows := window_plan.unfinished(self.state.progress, at_once):
            if not self._reader.read(windows) or self._run.is_over():
                return

    def replay(self) -> None:
        """Collect again what people asked for; one that fails comes last the next time."""
        replays = self.state.progress.replays
        while replays:
            with self._last_if_it_fails(replays[0], replays):
                if not self._reader.read([replays[0].window()]) or self._run.is_over():
                    return

    @contextmanager
    def _last_if_it_fails(self, stretch: Kind, stretches: list[Any]) -> Iterator[None]:
        try:
            yield
        except CallFailed:
            if stretch in stretches:
                stretches.remove(stretch)
                stretches.append(stretch)
                self._group.save()
            raise

    def report_gone(self) -> None:
        """The log group is gone: nothing can be read any more, so every gap ends."""
        changes = self._reader.review(self._group.now_ms()).give_up("group_gone")
        self.state.untold += changes
        self.state.progress.rereads.clear()
        self._group.save()
        gone = self._group.reporter.remark(self._group.now_usecs(), "group_gone")
        self._group.deliver([gone])

    def compact(self) -> None:
        """Other groups have their turn: keep no more in memory than they leave room for."""
        self.state.seen.compact()
