"""One log group whose state this process has open: events are delivered, then it is saved.

The order of effects is the guarantee. Page by page, the state that remembers the events is written
to disk where no one reads it, so that a full disk is noticed before anything is delivered; the
events are written; splunkd reads them; then that state becomes the current one. A crash can repeat
the page in flight, never lose one. Whatever fails in between, the state in memory is never saved.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloudhsm.aws.log_source import FoundGroup, LogSource
from cloudhsm.base.counters import Counters
from cloudhsm.base.errors import StateLocked, pair
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector_events import PageFindings, Reporter
from cloudhsm.collect.read_ahead import Read
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.file_store import Loaded
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId, Origin
from cloudhsm.trail.record_identity import Kind
from cloudhsm.trail.windows import Replay

# An input that collected a group this recently is still active; a renamed one waits as long.
TWIN_MS = 10 * 60_000
# How often a run that finds nothing records in the state that the input is active.
_SIGN_OF_LIFE_MS = TWIN_MS // 4
# AWS's names: a group per cluster.
_GROUP = "/aws/cloudhsm/"

log = logging.getLogger("cloudhsm")


class StateFile(Protocol):
    """The state of one group, locked by this process, and the replays that people asked for."""

    def load(self) -> Loaded: ...
    def save(self, state: GroupState) -> None: ...
    def stage(self, state: GroupState) -> None: ...
    def commit(self) -> None: ...
    def requests(self) -> list[Request]: ...
    def discard(self, request: Request) -> None: ...


class Store(Protocol):
    """Where states are kept."""

    def open(self, group: GroupId, stanza: str) -> AbstractContextManager[StateFile]: ...


class Writer(Protocol):
    """Where events go."""

    def write(self, events: Iterable[Event]) -> None: ...
    def write_page(
        self,
        times_usecs: Sequence[int],
        texts: Sequence[str],
        senders: Sequence[Hashable],
        origins: Mapping[Any, Origin],
    ) -> list[int]: ...
    def flush(self) -> None: ...


@dataclass
class Run:
    """What all groups of a run share.

    read:    turns readings into pages, side by side or one after the other, until it is over.
    is_over: whether to end here: a stop was asked for, or this group's part of the time is used.
    """

    settings: Settings
    logs: LogSource
    writer: Writer
    stop: Stop
    read: Read
    is_over: Callable[[], bool]
    counters: Counters = field(default_factory=Counters)


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
        """AWS's time, for an event."""
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


def opened(run: Run, file: StateFile, listed: FoundGroup) -> tuple[OpenGroup, bool]:
    """The group, and whether it was never collected.

    Raises StateLocked where another input collects it, and what the state file raises.
    """
    settings, now_ms = run.settings, run.logs.now_ms()
    loaded = file.load()
    state = loaded.state or _first_state(listed.id, settings, now_ms)
    is_changed = loaded.state is None or state.stanza != settings.stanza
    is_changed |= state.start_time != settings.start_time
    seen_ms = now_ms - state.run_ms
    _take_over(state, settings, now_ms)
    _apply_start_time(state, settings, now_ms)
    group = OpenGroup(run, file, state)
    # Others see by it that this input is active; a run that finds nothing need not write more.
    if is_changed or not 0 <= seen_ms < _SIGN_OF_LIFE_MS:
        group.save()
    requests = file.requests()
    events = [*_opening_events(group, loaded), *_adopted(group, requests)]
    if events or state.untold:
        group.deliver(events)
    for request in requests:  # now that they are in the state that was saved
        file.discard(request)
    return group, loaded.state is None


def _first_state(group: GroupId, settings: Settings, now_ms: int) -> GroupState:
    progress = window_plan.begin(settings.start_ms(now_ms), now_ms, settings.horizon_ms)
    return GroupState(group, settings.stanza, settings.start_time, progress, begun_ms=now_ms)


def _take_over(state: GroupState, settings: Settings, now_ms: int) -> None:
    """Refuse a second active input; a renamed input takes over a little later."""
    ago_ms, twin_ms = now_ms - state.run_ms, max(TWIN_MS, int(3000 * settings.interval_s))
    if state.stanza != settings.stanza and abs(ago_ms) < twin_ms:
        raise StateLocked(
            f"{state.stanza} collected this log group {ago_ms // 1000} s ago",
            place=state.group.place,
            next_step="Let one input per host collect a log group; if the other one was "
            f"renamed or removed, this one takes over {twin_ms // 1000} s after its "
            "last run, and goes on where it stopped",
        )
    state.stanza, state.run_ms = settings.stanza, now_ms


def _apply_start_time(state: GroupState, settings: Settings, now_ms: int) -> None:
    """`start_time` became an instant on the first run; only another text counts again."""
    if settings.start_time == state.start_time:
        return
    state.start_time = settings.start_time
    start_ms = settings.start_ms(now_ms)
    earlier = window_plan.extend_back(state.progress, start_ms, now_ms, settings.horizon_ms)
    if earlier:
        state.ledger.reopen_heads()
    log.info(
        "%s %s %s what=%s",
        pair("input", settings.stanza),
        pair("group", state.group.name),
        pair("start_time", settings.start_time),
        "older_records_will_be_collected" if earlier else "a_later_start_has_no_effect",
    )


def _opening_events(group: OpenGroup, loaded: Loaded) -> Iterator[Event]:
    if loaded.is_missing:
        yield group.reporter.remark(group.now_usecs(), "state_missing")
    if loaded.recovered_from:
        reason = loaded.recovered_from
        yield group.reporter.remark(group.now_usecs(), "state_recovered", reason=reason)
    if not group.state.group.name.startswith(_GROUP) and group.state.note(""):
        yield group.reporter.remark(group.now_usecs(), "unfamiliar_group")


def _adopted(group: OpenGroup, requests: list[Request]) -> Iterator[Event]:
    """Take requests into the state, where they survive."""
    progress = group.state.progress
    known = {*progress.replayed, *(replay.id for replay in progress.replays)}
    for request in requests:
        if request.id not in known:
            replay = Replay(
                request.start_ms,
                request.end_ms,
                request.start_ms,
                id=request.id,
                stream=request.stream,
                requested_by=request.requested_by,
                reason=request.reason,
            )
            progress.replays.append(replay)
            yield group.reporter.replay(group.now_usecs(), "started", replay)
