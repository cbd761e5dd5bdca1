"""One log group whose state this process has open: events are delivered, then it is saved.

The order of effects is the guarantee. Page by page, the state that remembers the events is written
to disk where no one reads it, so that a full disk is noticed before anything is delivered; the
events are written; splunkd reads them; then that state becomes the current one. A crash can repeat
the page in flight, never lose one. Whatever fails in between, the state in memory is never saved.
"""

from __future__ import annotations

from collections.abc import Iterable

from cloudhsm.collect.collector_events import PageFindings, Reporter
from cloudhsm.collect.run_context import Run, StateFile
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.record_identity import Kind


class OpenGroup:
    """The state of a log group and the events that it remembers.

    has_moved: since the state was saved, over pages without anything new.
    """

    def __init__(self, run: Run, file: StateFile, state: GroupState) -> None:
        self.run = run
        self.state = state
        self.reporter = Reporter(run.settings.stanza, state.group)
        self.has_moved = False
        self._file = file

    def now_ms(self) -> int:
        """AWS's time."""
        return self.run.logs.now_ms()

    def now_usecs(self) -> int:
        """The time of an event about what happens now."""
        return self.now_ms() * 1000

    def deliver(self, events: Iterable[Event] = (), findings: PageFindings | None = None) -> None:
        """Deliver events, or a page and the events about it; then let the state remember them.

        The state is on disk before, since a full disk must not deliver a page in every run; it
        counts once splunkd has read the events.
        """
        now_usecs = self.now_usecs()
        gaps = [self.reporter.gap(now_usecs, change) for change in self.state.untold]
        self.state.untold = []
        self._file.stage(self.state)
        if findings is not None:
            events = self.reporter.page(now_usecs, findings, self._write_records(findings))
        self.run.writer.write([*events, *gaps])
        self.run.writer.flush()
        self._file.commit()
        self.has_moved = False

    def _write_records(self, findings: PageFindings) -> list[int]:
        """Write new records as they are; returns the index of each one that XML cannot carry."""
        page, records, group = findings.page, findings.records, self.state.group
        times = [
            at_ms * 1000 if usecs is None else usecs
            for usecs, at_ms in zip(records.usecs, page.times_ms)
        ]
        if records.kinds.count(Kind.AUDIT) == len(page):
            origins = {stream: group.origin(stream, Kind.AUDIT) for stream in {*page.streams}}
            return self.run.writer.write_page(times, page.texts, page.streams, origins)
        senders = [*zip(page.streams, records.kinds)]
        by_kind = {sender: group.origin(*sender) for sender in {*senders}}
        return self.run.writer.write_page(times, page.texts, senders, by_kind)

    def save(self) -> None:
        """Make the state the current one; only where nothing is in flight."""
        self._file.save(self.state)

    def save_position(self) -> None:
        """Save what moved; only where nothing is in flight: all it remembers was delivered."""
        if self.has_moved:
            self.save()
            self.has_moved = False
