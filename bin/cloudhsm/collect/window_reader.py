"""Windows of one log group, read page by page: what is new is delivered and enters the ledger.

Also whether the first numbers of a log stream are older than `start_time`, or nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from cloudhsm.aws.log_source import Page, Unreadable
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.base.shutdown import StopRequested
from cloudhsm.collect.collector_events import PageFindings
from cloudhsm.collect.open_group import OpenGroup
from cloudhsm.collect.read_ahead import Arrival
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.state_document import DELETED, GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.gap_ledger import Anomaly, Gap, MissingRecords
from cloudhsm.trail.gap_review import GapReview, Horizon
from cloudhsm.trail.record_identity import identify_all
from cloudhsm.trail.windows import Memory, Window

# AWS's names: in a group, a stream per HSM and one for certificate storage.
_STREAM = re.compile(r"(hsm|cluster)-[a-z0-9]{4,40}")
_MOST_UNREADABLE = 10_000


class WindowReader:
    """Reads windows of a group, and judges its gaps whenever one was read to its end.

    retention_ms: after which age CloudWatch Logs deletes; None if never, or not known.
    """

    def __init__(self, group: OpenGroup, retention_ms: int | None) -> None:
        self._group = group
        self._run = group.run
        self._state = group.state
        self._retention_ms = retention_ms
        self._is_stuck = False

    def read(self, windows: Sequence[Window]) -> bool:
        """Read windows, one page at least, until their ends or this group's time; True at the end.

        AWS's time at the beginning is what a complete window covers.
        """
        begun_ms, state = self._group.now_ms(), self._state
        memory = Memory(state.progress, state.seen, state.ledger, MissingRecords(state.ledger))
        logs, name = self._run.logs, state.group
        readings = [
            partial(logs.read, name, window.start_ms, window.end_ms, window.kind.stream)
            for window in windows
        ]
        unfinished = {*range(len(windows))}
        begun: set[int] = set()
        self._is_stuck = False
        with closing(self._run.read(readings, self._may_leave)) as arrivals:
            while unfinished and (arrival := self.next_page(arrivals)) is not None:
                number, page = arrival
                if page is not None:
                    begun.add(number)
                    self._take(windows[number], page, memory)
                # The last page is marked: to ask for what follows it could be too late.
                if (page is None or page.is_last) and number in unfinished:
                    unfinished.remove(number)
                    self._finish(windows[number], begun_ms)
                del page, arrival  # not to be kept while the next one is awaited
        for number in begun & unfinished:
            self._group.has_moved |= windows[number].kind.give_up_for_now(windows[number])
        self._group.save_position()
        return not unfinished

    def _may_leave(self) -> bool:
        """Not inside a millisecond of several pages: the next run would begin it from the start."""
        return self._run.stop.requested or (self._run.is_over() and not self._is_stuck)

    def next_page(self, arrivals: Iterator[Arrival]) -> Arrival | None:
        """The next page of any window; what moved is saved before an error leaves."""
        try:
            with self._run.stop.interruptible():
                return next(arrivals, None)
        except (CloudHsmError, StopRequested):
            self._group.save_position()
            raise

    def _take(self, window: Window, page: Page, memory: Memory) -> None:
        """Deliver what is new on a page, then remember it."""
        fresh = page.only(window.take(page, memory))
        counters = self._run.counters
        counters.pages += 1
        counters.empty_pages += not page
        counters.records += len(fresh)
        counters.repeats += len(page) - len(fresh)
        if page.resume_ms is not None:
            self._is_stuck = window.kind.keeps_position and page.resume_ms <= window.start_ms
        findings = self._findings(window, page, fresh, memory)
        if findings:
            self._group.deliver(findings=findings)
        elif window.kind.keeps_position:
            # A page of repeats counts too: else a run cut short would read it again for ever.
            self._group.has_moved = True

    def _findings(self, window: Window, page: Page, fresh: Page, memory: Memory) -> PageFindings:
        """What a page has; from now on its names, unreadable events and records are known."""
        state, kind = self._state, window.kind
        records = identify_all(fresh.texts)
        names = [] if kind.is_repetition else sorted({*fresh.streams})
        is_gone = page.is_gone and kind.stream and state.note(f"{DELETED}{kind.stream}")
        return PageFindings(
            fresh,
            records,
            unreadable=_unreported(state, page.unreadable),
            deleted_stream=kind.stream if is_gone else None,
            new_names=[name for name in names if not _STREAM.fullmatch(name) and state.note(name)],
            are_known=kind.is_repetition,
            anomalies=kind.enter(fresh, records, window, memory),
        )

    def _finish(self, window: Window, begun_ms: int) -> None:
        """A window was read to its end: cover it, judge the gaps, forget what is settled."""
        state, progress = self._state, self._state.progress
        horizon_ms = self._run.settings.horizon_ms
        end = window.kind.finish(progress, window, begun_ms)
        if end.covered is not None:
            state.ledger.cover(*end.covered)
            state.seen.forget_before(window_plan.oldest_needed(progress, begun_ms, horizon_ms))
        if end.reread is not None:
            around = (end.reread.start_ms, end.reread.end_ms)
            self.review(begun_ms).was_reread(end.reread.stream, *around)
        events: list[Event] = []
        if end.replay is not None:
            now_usecs = self._group.now_usecs()
            events.append(self._group.reporter.replay(now_usecs, "finished", end.replay))
        self.judge(begun_ms, events)

    def review(self, now_ms: int) -> GapReview:
        """The gaps of the group at this time."""
        state, progress = self._state, self._state.progress
        start_ms, settled_ms = progress.start_ms, progress.settled_ms
        horizon = Horizon(now_ms, start_ms, settled_ms, state.begun_ms, self._retention_ms)
        return GapReview(state.ledger, horizon)

    def judge(self, now_ms: int, events: Sequence[Event] = ()) -> None:
        """Deliver these events, and what changed about gaps.

        The changes are saved before they are reported: else a crash right after the report would
        leave a gap that somebody read of and that the state, and so every later verdict, forgot.
        """
        outliers, kind = [], Anomaly.IMPLAUSIBLE_SEQUENCE
        for (stream, reboot_counter), mark in self._state.ledger.expel_outliers():
            key = f"{stream}|{reboot_counter}|{mark.sequence:#x}|{mark.usecs}"
            now_usecs = self._group.now_usecs()
            outliers.append(self._group.reporter.anomaly(now_usecs, stream, kind, 1, key))
        changes = self.review(now_ms).judge()
        if changes:
            self._state.untold += changes
            self._group.save()
        self._group.deliver([*events, *outliers])


@dataclass(frozen=True)
class HeadProbe:
    """Looks for records before `start_time`, so that missing first numbers are explained."""

    group: OpenGroup
    reader: WindowReader

    def probe(self, now_ms: int) -> None:
        """Look before the head of every stream that needs it, then judge its gaps."""
        unprobed, is_over = self.reader.review(now_ms).unprobed(), self.group.run.is_over
        try:
            for number, (stream, gap) in enumerate(unprobed):
                if not self._look_back(stream, gap) and number == 0:
                    # Too far for all of this group's time: half as far next time.
                    gap.probe_ms = max(1, gap.probe_ms // 2)
                while gap.held_before is None and not is_over():
                    self._look_back(stream, gap)
                if is_over():
                    break
        finally:  # nothing is in flight, and what was looked at needs no second look
            self.group.save_position()
        if unprobed:
            self.reader.judge(now_ms)

    def _look_back(self, stream: str, gap: Gap) -> bool:
        """Look one step back: first a day, since most streams are busy, then twice as far.

        False where there was not time enough for it.
        """
        run, state = self.group.run, self.group.state
        before_ms = state.progress.start_ms if gap.probed_ms is None else gap.probed_ms
        start_ms = max(0, before_ms - gap.probe_ms)
        reading = partial(run.logs.read, state.group, start_ms, before_ms - 1, stream)
        has_records, is_done = False, False
        with closing(run.read([reading], run.is_over)) as arrivals:
            while not (has_records or is_done) and (arrival := self.reader.next_page(arrivals)):
                page = arrival[1]
                has_records, is_done = bool(page), page is None or page.is_last
        self.group.has_moved = True
        if has_records or (is_done and start_ms == 0):
            gap.held_before = has_records
        elif is_done:
            gap.probed_ms, gap.probe_ms = start_ms, gap.probe_ms * 2
        return has_records or is_done


def _unreported(state: GroupState, unreadable: Sequence[Unreadable]) -> list[Unreadable]:
    """Events that are not complete, each reported once."""
    if not unreadable:
        return []
    reported = {*state.unreadable}
    new: dict[str, Unreadable] = {}
    for event in unreadable:
        if event.id[-24:] not in reported:
            new.setdefault(event.id[-24:], event)
    state.unreadable = [*state.unreadable, *new][-_MOST_UNREADABLE:]
    return [*new.values()]
