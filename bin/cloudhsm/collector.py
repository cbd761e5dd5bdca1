"""The loop: plan, read, judge, write, flush, save.

The order of effects is the guarantee. State is saved once before the first write, so that a full
disk is noticed before anything is handed over; then, page by page, events are written and flushed
to splunkd before the state that remembers them is saved. A crash can repeat the page in flight,
never lose one. Whatever happens between write and save, the state in memory is then never saved.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from typing import Protocol

from cloudhsm import plan
from cloudhsm.collector_events import Reporter
from cloudhsm.errors import CloudHsmError, OutputClosed
from cloudhsm.event_writer import Event, visible
from cloudhsm.ledger import Anomaly, Horizon
from cloudhsm.log_source import LogEvent, LogSource, Page
from cloudhsm.plan import Purpose, Window
from cloudhsm.record import Kind, Record, identify, record_key
from cloudhsm.settings import Settings
from cloudhsm.state import GroupId, GroupState
from cloudhsm.state_store import Loaded
from cloudhsm.stop import Stop, StopRequested

SOURCETYPES = {Kind.AUDIT: "aws:cloudhsm:audit", Kind.CERTIFICATE: "aws:cloudhsm:certificate"}
# A run leaves the rest of its interval to the next one's start.
SHARE_OF_INTERVAL = 0.8

log = logging.getLogger("cloudhsm")


class StateFile(Protocol):
    """The state of one group, held by this process."""

    def load(self) -> Loaded: ...
    def save(self, state: GroupState) -> None: ...


class Store(Protocol):
    """Where states are kept."""

    def open(self, group: GroupId, stanza: str) -> AbstractContextManager[StateFile]: ...


class Writer(Protocol):
    """Where events go."""

    def write(self, events: Iterable[Event]) -> None: ...
    def flush(self) -> None: ...


@dataclass
class Outcome:
    """What a run did."""

    groups: int = 0
    pages: int = 0
    records: int = 0
    repeats: int = 0
    pending_gaps: int = 0
    failures: list[CloudHsmError] = field(default_factory=list)

    def line(self) -> str:
        """The figures as `key=value` pairs, for the log."""
        return (
            f"groups={self.groups} pages={self.pages} records={self.records} "
            f"repeats={self.repeats} pending_gaps={self.pending_gaps} failures={len(self.failures)}"
        )


class _GroupCollector:
    """One log group in one run."""

    def __init__(self, run: Collector, file: StateFile, group: GroupId) -> None:
        self._run = run
        self._file = file
        self._reporter = Reporter(run.settings.stanza, group)
        self._group = group
        loaded = file.load()
        self._state = loaded.state or self._first_state()
        self._state.stanza = run.settings.stanza
        self._apply_start_time()
        # Before anything is handed over: a full disk must not re-send the same page every minute.
        file.save(self._state)
        if loaded.recovered_from:
            event = self._reporter.state_recovered(self._now_usecs(), loaded.recovered_from)
            self._hand_over([event])

    @property
    def pending_gaps(self) -> int:
        return self._state.ledger.pending()

    def poll(self) -> None:
        """Read the freshest events."""
        self._read(plan.poll(self._state.progress, self._run.logs.now_ms()))

    def sweep(self) -> None:
        """Read everything since the settled mark, when its time has come."""
        now_ms = self._run.logs.now_ms()
        if plan.sweep_is_due(self._state.progress, now_ms, self._run.settings.horizon_ms):
            self._read(plan.sweep(self._state.progress, now_ms))

    def backfill(self) -> None:
        """Read history, as far as the run's time allows."""
        while not self._run.is_over():
            window = plan.backfill(self._state.progress)
            if window is None:
                return
            self._read(window)

    def _first_state(self) -> GroupState:
        settings, now_ms = self._run.settings, self._run.logs.now_ms()
        progress = plan.begin(settings.start_ms(now_ms), now_ms, settings.horizon_ms)
        return GroupState(self._group, settings.stanza, progress)

    def _apply_start_time(self) -> None:
        """Only an absolute `start_time` can be earlier than it was; a relative one moves on."""
        text = self._run.settings.start_time
        if text.startswith("-") or text == "now":
            return
        start_ms = self._run.settings.start_ms(self._run.logs.now_ms())
        if plan.extend_back(self._state.progress, start_ms):
            log.info("start_time=%s group=%s what=backfill_added", text, self._group.name)

    def _read(self, window: Window) -> None:
        if self._run.is_over():
            return
        begun_ms = self._run.logs.now_ms()
        pages = self._run.logs.read(self._group, window.start_ms, window.end_ms)
        while True:
            with self._run.stop.interruptible():
                page = next(pages, None)
            if page is None:
                break
            self._take(window.purpose, page)
            if self._run.is_over():
                return
        self._finish(window, begun_ms)

    def _take(self, purpose: Purpose, page: Page) -> None:
        """Hand over what is new on a page, then remember it."""
        fresh = [event for event in page.events if self._is_new(purpose, event)]
        self._run.outcome.pages += 1
        self._run.outcome.records += len(fresh)
        self._run.outcome.repeats += len(page.events) - len(fresh)
        if page.resume_ms is not None:
            plan.advance(self._state.progress, purpose, page.resume_ms)
        if fresh:
            self._hand_over(self._for_splunk(fresh))

    def _is_new(self, purpose: Purpose, event: LogEvent) -> bool:
        """Whether the event was not handed over yet; from now on it counts as if it was."""
        seen = self._state.seen
        if seen.holds(event.event_id, event.timestamp_ms):
            return False
        if purpose is Purpose.BACKFILL:
            seen.add_boundary(event.event_id, event.timestamp_ms)
        else:
            seen.add(event.event_id, event.timestamp_ms)
        return True

    def _for_splunk(self, fresh: list[LogEvent]) -> list[Event]:
        """The events of a page, then what is to be said about them."""
        now_usecs = self._now_usecs()
        records = [(event, identify(event.message)) for event in fresh]
        events = [self._event(event, record) for event, record in records]
        return [
            *events,
            *self._altered(now_usecs, records),
            *self._flawed(now_usecs, records),
            *self._anomalies(now_usecs, records),
        ]

    def _event(self, event: LogEvent, record: Record) -> Event:
        certificate = record.kind is Kind.CERTIFICATE
        return Event(
            event.timestamp_ms * 1000 if record.usecs is None else record.usecs,
            event.message,
            self._group.cluster_id if certificate else event.stream,
            self._group.source(event.stream),
            SOURCETYPES[record.kind],
        )

    def _altered(self, now_usecs: int, records: list[tuple[LogEvent, Record]]) -> Iterator[Event]:
        for event, record in records:
            if "blank" in record.flaws or visible(event.message) != event.message:
                key = record_key(record, event.stream)
                yield self._reporter.record_altered(
                    now_usecs, event.stream, event.event_id, key, event.message
                )

    def _flawed(self, now_usecs: int, records: list[tuple[LogEvent, Record]]) -> Iterator[Event]:
        """One event per stream and flaw: a page of foreign text must not double in volume."""
        flawed = [(event.stream, record.flaws, event) for event, record in records if record.flaws]
        counts = Counter((stream, flaws) for stream, flaws, _ in flawed)
        for (stream, flaws), count in counts.items():
            first = next(event for s, f, event in flawed if (s, f) == (stream, flaws))
            yield self._reporter.records_flawed(now_usecs, stream, flaws, count, first.event_id)

    def _anomalies(self, now_usecs: int, records: list[tuple[LogEvent, Record]]) -> Iterator[Event]:
        found: dict[tuple[str, Anomaly], list[str | None]] = {}
        for event, record in records:
            anomaly = self._state.ledger.enter(event.stream, record, event.timestamp_ms)
            if anomaly is not None:
                keys = found.setdefault((event.stream, anomaly), [])
                keys.append(record_key(record, event.stream))
        for (stream, anomaly), keys in found.items():
            yield self._reporter.anomaly(now_usecs, stream, anomaly, len(keys), keys[0])

    def _finish(self, window: Window, begun_ms: int) -> None:
        """A window was read to its end: cover it, judge the gaps, forget what is settled."""
        progress, horizon_ms = self._state.progress, self._run.settings.horizon_ms
        covered = plan.finish(progress, window, begun_ms, horizon_ms)
        self._state.ledger.cover(*covered)
        if window.purpose is Purpose.BACKFILL:
            self._state.seen.end_backfill()
        self._state.seen.forget_before(plan.oldest_needed(progress, begun_ms, horizon_ms))
        horizon = Horizon(begun_ms, progress.start_ms, progress.settled_ms)
        changes = self._state.ledger.judge(horizon)
        now_usecs = self._now_usecs()
        self._hand_over([self._reporter.gap(now_usecs, change) for change in changes])

    def _hand_over(self, events: list[Event]) -> None:
        self._run.writer.write(events)
        self._run.writer.flush()
        self._file.save(self._state)

    def _now_usecs(self) -> int:
        return self._run.logs.now_ms() * 1000


class Collector:
    """One run of one input over all its log groups.

    Whatever fails for one group is reported in the outcome and leaves the others alone.
    """

    def __init__(
        self,
        settings: Settings,
        logs: LogSource,
        store: Store,
        writer: Writer,
        stop: Stop,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.logs = logs
        self.writer = writer
        self.stop = stop
        self.outcome = Outcome()
        self._store = store
        self._monotonic = monotonic
        self._deadline = monotonic() + SHARE_OF_INTERVAL * settings.interval_s

    def is_over(self) -> bool:
        """Whether the run should end now: it was asked to, or its share of the interval is used."""
        return self.stop.requested or self._monotonic() >= self._deadline

    def run(self) -> Outcome:
        """Collect until everything is read or the run is over.

        Raises OutputClosed, after which nothing more can be handed over.
        """
        with ExitStack() as held, suppress(StopRequested):
            self._collect(held)
        return self.outcome

    def _collect(self, held: ExitStack) -> None:
        with self.stop.interruptible():
            found = self.logs.discover(self.settings.log_groups)
        self.outcome.failures += found.failures
        working = [collector for group in found.groups if (collector := self._begin(held, group))]
        self.outcome.groups = len(working)
        # The live window of every group comes before anybody's history.
        for step in (_GroupCollector.poll, _GroupCollector.sweep, _GroupCollector.backfill):
            working = [collector for collector in working if self._succeeds(step, collector)]
        self.outcome.pending_gaps = sum(collector.pending_gaps for collector in working)

    def _begin(self, held: ExitStack, group: GroupId) -> _GroupCollector | None:
        try:
            file = held.enter_context(self._store.open(group, self.settings.stanza))
            return _GroupCollector(self, file, group)
        except OutputClosed:
            raise
        except CloudHsmError as error:
            self.outcome.failures.append(error)
            return None

    def _succeeds(
        self, step: Callable[[_GroupCollector], None], collector: _GroupCollector
    ) -> bool:
        try:
            step(collector)
        except OutputClosed:
            raise
        except CloudHsmError as error:
            self.outcome.failures.append(error)
            return False
        return True
