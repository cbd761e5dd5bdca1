"""The loop: plan, read, judge, write, flush, save.

The order of effects is the guarantee. State is saved once before the first write, so that a full
disk is noticed before anything is handed over; then, page by page, events are written and flushed
to splunkd before the state that remembers them is saved. A crash can repeat the page in flight,
never lose one. Whatever happens between write and save, the state in memory is then never saved.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from cloudhsm import plan
from cloudhsm.collector_events import Reporter
from cloudhsm.errors import CloudHsmError, OutputClosed, Place, Unexpected, pair
from cloudhsm.event_writer import Event, is_carried
from cloudhsm.ledger import Anomaly, Horizon
from cloudhsm.log_source import LogEvent, LogSource, Page
from cloudhsm.plan import Backfill, Window
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
    has_caught_up: bool = False
    failures: list[CloudHsmError] = field(default_factory=list)

    def line(self) -> str:
        """The figures as `key=value` pairs, for the log."""
        return (
            f"groups={self.groups} pages={self.pages} records={self.records} "
            f"repeats={self.repeats} pending_gaps={self.pending_gaps} "
            f"caught_up={'yes' if self.has_caught_up else 'no'} failures={len(self.failures)}"
        )


Records = list[tuple[LogEvent, Record]]
T = TypeVar("T")


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
    def id(self) -> GroupId:
        return self._group

    @property
    def pending_gaps(self) -> int:
        return self._state.ledger.pending()

    @property
    def has_caught_up(self) -> bool:
        """Whether nothing is left to read until new records come."""
        return plan.unfinished(self._state.progress) is None

    def poll(self) -> None:
        """Read the freshest events; what does not fit into this run is left to a sweep."""
        if not self._read(plan.poll(self._state.progress, self._run.logs.now_ms())):
            plan.demand_sweep(self._state.progress)

    def sweep(self) -> None:
        """Read everything since the settled mark, when its time has come."""
        now_ms = self._run.logs.now_ms()
        if plan.sweep_is_due(self._state.progress, now_ms, self._run.settings.horizon_ms):
            self._read(plan.sweep(self._state.progress, now_ms))

    def catch_up(self) -> None:
        """Go on with a sweep under way, then with history, as far as the time allows."""
        while not self._run.is_over():
            window = plan.unfinished(self._state.progress)
            if window is None or not self._read(window):
                return

    def _first_state(self) -> GroupState:
        settings, now_ms = self._run.settings, self._run.logs.now_ms()
        progress = plan.begin(settings.start_ms(now_ms), now_ms, settings.horizon_ms)
        return GroupState(self._group, settings.stanza, settings.start_time, progress)

    def _apply_start_time(self) -> None:
        """`start_time` became an instant on the first run; only another text counts again."""
        settings, state, now_ms = self._run.settings, self._state, self._run.logs.now_ms()
        if settings.start_time == state.start_time:
            return
        state.start_time = settings.start_time
        earlier = plan.extend_back(
            state.progress, settings.start_ms(now_ms), now_ms, settings.horizon_ms
        )
        if earlier:
            state.ledger.reopen_heads()
        log.info(
            "%s %s %s what=%s",
            pair("input", settings.stanza),
            pair("group", self._group.name),
            pair("start_time", settings.start_time),
            "older_records_will_be_collected" if earlier else "a_later_start_has_no_effect",
        )

    def _read(self, window: Window) -> bool:
        """Read a window, one page at least, until its end or this group's time; True at its end."""
        begun_ms = self._run.logs.now_ms()
        pages = self._run.logs.read(self._group, window.start_ms, window.end_ms)
        while True:
            with self._run.stop.interruptible():
                page = next(pages, None)
            if page is None:
                break
            self._take(window, page)
            if self._run.is_over():
                return False
        self._finish(window, begun_ms)
        return True

    def _take(self, window: Window, page: Page) -> None:
        """Hand over what is new on a page, then remember it."""
        is_new = self._state.seen.is_new
        if isinstance(window.stretch, Backfill):
            is_new = window.stretch.boundary.is_new
        fresh = [event for event in page.events if is_new(event.event_id, event.timestamp_ms)]
        self._run.outcome.pages += 1
        self._run.outcome.records += len(fresh)
        self._run.outcome.repeats += len(page.events) - len(fresh)
        if page.resume_ms is not None:
            plan.advance(window, page.resume_ms)
        if fresh:
            records = [(event, identify(event.message)) for event in fresh]
            self._hand_over([*self._events(records), *self._remarks(records)])
        elif window.stretch is not None:
            # A page of repeats counts too: else a run cut short would read it again for ever.
            self._file.save(self._state)

    def _events(self, records: Records) -> Iterator[Event]:
        for event, record in records:
            certificate = record.kind is Kind.CERTIFICATE
            yield Event(
                event.timestamp_ms * 1000 if record.usecs is None else record.usecs,
                event.message,
                self._group.cluster_id if certificate else event.stream,
                self._group.source(event.stream),
                SOURCETYPES[record.kind],
            )

    def _remarks(self, records: Records) -> Iterator[Event]:
        """What is to be said about the records of a page, which enter the ledger here."""
        now_usecs = self._now_usecs()
        flawed: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        odd: dict[tuple[str, Anomaly], list[str | None]] = {}
        for event, record in records:
            if "blank" in record.flaws or not is_carried(event.message):
                key = record_key(record, event.stream)
                yield self._reporter.record_altered(
                    now_usecs, event.stream, event.event_id, key, event.message
                )
            if record.flaws:
                flawed.setdefault((event.stream, record.flaws), []).append(event.event_id)
            anomaly = self._state.ledger.enter(event.stream, record, event.timestamp_ms)
            if anomaly is not None:
                key = record_key(record, event.stream)
                odd.setdefault((event.stream, anomaly), []).append(key)
        # One event per stream and kind: a page of foreign text must not double in volume.
        for (stream, flaws), ids in flawed.items():
            yield self._reporter.records_flawed(now_usecs, stream, flaws, len(ids), ids[0])
        for (stream, anomaly), keys in odd.items():
            yield self._reporter.anomaly(now_usecs, stream, anomaly, len(keys), keys[0])

    def _finish(self, window: Window, begun_ms: int) -> None:
        """A window was read to its end: cover it, judge the gaps, forget what is settled."""
        progress, horizon_ms = self._state.progress, self._run.settings.horizon_ms
        covered = plan.finish(progress, window, begun_ms, horizon_ms)
        self._state.ledger.cover(*covered)
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
        self._slice_end = self._deadline

    def is_over(self) -> bool:
        """Whether to end here: a stop was asked for, or this group's part of the time is used."""
        return self.stop.requested or self._monotonic() >= self._slice_end

    def run(self) -> Outcome:
        """Collect until everything is read or the run's time is used.

        Raises OutputClosed, after which nothing more can be handed over.
        """
        with ExitStack() as held, suppress(StopRequested):
            self._collect(held)
        return self.outcome

    def _collect(self, held: ExitStack) -> None:
        with self.stop.interruptible():
            found = self.logs.discover(self.settings.log_groups)
        self.outcome.failures += found.failures
        groups = [self._guarded(group, partial(self._begin, held, group)) for group in found.groups]
        working = [group for group in groups if group is not None]
        self.outcome.groups = len(working)
        # The live window of every group comes before anybody's history.
        working = self._each(_GroupCollector.poll, working, share=0.5)
        working = self._each(_GroupCollector.sweep, working, share=0.7)
        while behind := [group for group in working if not group.has_caught_up]:
            read = self.outcome.pages
            failed = {*behind} - {*self._each(_GroupCollector.catch_up, behind, share=1)}
            working = [group for group in working if group not in failed]
            if self.outcome.pages == read:
                break
        self.outcome.pending_gaps = sum(group.pending_gaps for group in working)
        self.outcome.has_caught_up = (
            not self.outcome.failures
            and not self.stop.requested
            and all(group.has_caught_up for group in working)
        )

    def _begin(self, held: ExitStack, group: GroupId) -> _GroupCollector:
        file = held.enter_context(self._store.open(group, self.settings.stanza))
        return _GroupCollector(self, file, group)

    def _each(
        self,
        step: Callable[[_GroupCollector], None],
        groups: list[_GroupCollector],
        share: float,
    ) -> list[_GroupCollector]:
        """Take a step for every group in an equal part of a share of the time left.

        So a group with much to read cannot starve the others. Returns those that did not fail.
        """
        now = self._monotonic()
        end = now + share * max(0.0, self._deadline - now)
        succeeded = []
        for left, group in zip(range(len(groups), 0, -1), groups):
            if self.stop.requested:
                break
            now = self._monotonic()
            self._slice_end = now + max(0.0, end - now) / left
            if self._guarded(group.id, partial(_taken, step, group)):
                succeeded.append(group)
        return succeeded

    def _guarded(self, group: GroupId, work: Callable[[], T]) -> T | None:
        """Whatever fails for one group is reported and leaves the others alone."""
        try:
            return work()
        except OutputClosed:
            raise
        except CloudHsmError as error:
            self.outcome.failures.append(error)
        except Exception as error:  # noqa: BLE001  (a surprise in one group must not stop the rest)
            place = Place(group.account, group.region, group.name)
            self.outcome.failures.append(Unexpected(error, place))
        return None


def _taken(step: Callable[[_GroupCollector], None], group: _GroupCollector) -> bool:
    step(group)
    return True
