"""One run of one input over all its log groups: live first, then sweeps, gaps and history."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from cloudhsm.aws.log_source import FoundGroup, LogSource
from cloudhsm.base.counters import Outcome, Tally
from cloudhsm.base.errors import (
    CloudHsmError,
    EndpointUnreachable,
    OutputClosed,
    Place,
    ServiceFailure,
    Unexpected,
    pair,
)
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import Stop, StopRequested
from cloudhsm.collect.collector_events import InputReporter
from cloudhsm.collect.group_collector import GroupCollector, Run, Store, Writer
from cloudhsm.collect.read_ahead import Read
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.input_cache import (
    DISCOVERY,
    HISTORY,
    INPUT,
    Failure,
    InputFile,
    InputState,
    asked,
)

log = logging.getLogger("cloudhsm")

# A run leaves the rest of its interval to the next one's start.
SHARE_OF_INTERVAL = 0.8
DISCOVERY_MS = 5 * 60_000
HEARTBEAT_MS = 15 * 60_000
ADVISORY_MS = 86_400_000
# After a failure of AWS or of the way there, the next tries come at growing distances.
_LONGEST_BACKOFF_MS = 5 * 60_000
_PASSING = (ServiceFailure, EndpointUnreachable)

T = TypeVar("T")


def _entry(name: str) -> str:
    """Whose failure it is, where an entry of `log_groups` cannot be looked up."""
    return f"{DISCOVERY}{name}"


def _live(name: str) -> str:
    """Whose failure it is, where a group's live window cannot be read."""
    return name


def _history(name: str) -> str:
    """Whose failure it is, where a sweep, a gap or history of a group cannot be read."""
    return f"{HISTORY}{name}"


class Collector:
    """One run of one input.

    Whatever fails for one group is reported in the outcome and leaves the others alone.
    """

    def __init__(
        self,
        settings: Settings,
        logs: LogSource,
        store: Store,
        memory: InputFile,
        writer: Writer,
        stop: Stop,
        host: str = "",
        monotonic: Callable[[], float] = time.monotonic,
        *,
        read: Read,
        advisories: Sequence[CloudHsmError] = (),
    ) -> None:
        self.outcome = Outcome(Tally(runs=1))
        self._settings = settings
        self._advisories = advisories
        self._logs = logs
        self._store = store
        self._memory = memory
        self._stop = stop
        self._reporter = InputReporter(settings.stanza, settings.aws_region, host)
        self._monotonic = monotonic
        self._deadline = monotonic() + SHARE_OF_INTERVAL * settings.interval_s
        self._slice_end = self._deadline
        self._run = Run(settings, logs, writer, stop, read, self._is_over, self.outcome.tally)
        self._state = InputState()
        self._failed: dict[str, CloudHsmError] = {}
        self._tried: set[str] = {INPUT}
        self._unreached: list[GroupCollector] = []

    def run(self) -> Outcome:
        """Collect until everything is read or the run's time is used.

        Raises OutputClosed, after which nothing more can be handed over.
        """
        self._state = self._memory.load()
        self._logs.clock_offset_ms = self._state.clock_offset_ms
        self._advise()
        try:
            with ExitStack() as held, suppress(StopRequested):
                self._collect(held)
        finally:
            self._count()
            is_kept = self._memory.save(self._state)
        # A full disk must not make every run say the same again.
        if is_kept and not self._stop.requested:
            self._tell()
        return self.outcome

    def _advise(self) -> None:
        """Log once a day what should be fixed although everything works."""
        now_ms, before, advised = self._logs.now_ms(), self._state.advised, {}
        for error in self._advisories:
            advised[error.what] = before.get(error.what, 0)
            if not 0 <= now_ms - advised[error.what] < ADVISORY_MS:
                log.warning(
                    "%s what=advisory %s", pair("input", self._settings.stanza), error.line()
                )
                advised[error.what] = now_ms
        self._state.advised = advised
        self.outcome.advisories = [error.what for error in self._advisories]

    def _is_over(self) -> bool:
        return self._stop.requested or self._monotonic() >= self._slice_end

    def _collect(self, held: ExitStack) -> None:
        working = []
        order = self._in_turn(self._discovered())
        for found in order:
            if self._stop.requested:
                break
            group = self._guarded(found.id.name, partial(self._begin, held, found))
            working += [] if group is None else [group]
        self.outcome.groups = len(working)
        # The live window of every group comes before anybody's history.
        working = self._each(GroupCollector.poll, working, share=0.5, part=_live)
        self._end_turn(order)
        # What fails from here on must not hold up the live window of the next runs.
        everyone = working
        working = [group for group in working if not self._waits(_history(group.id.name))]
        self.outcome.backing_off += len(everyone) - len(working)
        working.sort(key=lambda group: group.state.progress.last_sweep_ms or 0)
        working = self._each(GroupCollector.sweep, working, share=0.6)
        working = self._each(GroupCollector.look_again, working, share=0.3)
        while behind := [group for group in working if not group.has_caught_up]:
            read = self.outcome.tally.pages
            failed = {*behind} - {*self._each(GroupCollector.catch_up, behind, share=1)}
            working = [group for group in working if group not in failed]
            if self.outcome.tally.pages == read or self._monotonic() >= self._deadline:
                break
        self._sum_up(everyone)

    def _discovered(self) -> list[FoundGroup]:
        """The groups to read now: looked for every 5 minutes, and without those that wait."""
        now_ms, settings = self._logs.now_ms(), self._settings
        if self._state.is_new_to(settings):
            self._state.asked, self._state.groups = asked(settings), []
            self._state.discovered_ms = 0
        entries = [_entry(selector.name) for selector in settings.log_groups]
        # AWS tells its time in whole seconds, so it may seem to step back a little.
        is_fresh = abs(now_ms - self._state.discovered_ms) < DISCOVERY_MS
        if not is_fresh and not any(map(self._waits, entries)):
            self._tried.update(entries)
            self._guarded(_entry(""), self._discover)
        groups = [found for found in self._state.groups if not self._waits(found.id.name)]
        self.outcome.backing_off = len(self._state.groups) - len(groups)
        return groups

    def _discover(self) -> None:
        with self._stop.interruptible():
            found = self._logs.discover(self._settings.log_groups)
        for failure in found.failures:
            self._fail(_entry(failure.place.group or ""), failure)
        if not found.failures:
            self._state.discovered_ms = self._logs.now_ms()
        known = {one.id: one for one in self._state.groups} if found.failures else {}
        self._state.groups = [*{**known, **{one.id: one for one in found.groups}}.values()]
        self._forget_failures()

    def _forget_failures(self) -> None:
        """Of names that nobody asks for any more."""
        names = [found.id.name for found in self._state.groups]
        entries = [_entry(selector.name) for selector in self._settings.log_groups]
        kept = {INPUT, *names, *map(_history, names), *entries, _entry("")}
        failures = self._state.failures
        self._state.failures = {name: one for name, one in failures.items() if name in kept}

    def _in_turn(self, groups: list[FoundGroup]) -> list[FoundGroup]:
        """Another one is first in each run: a run may have no time for all of them."""
        first = self._state.turn % max(1, len(groups))
        return [*groups[first:], *groups[:first]]

    def _end_turn(self, order: list[FoundGroup]) -> None:
        """The next run begins with the first group that this one did not reach, so none starves."""
        ids = [found.id for found in order]
        reached = ids.index(self._unreached[0].id) if self._unreached else 1
        self._state.turn += max(1, reached)
        self.outcome.unreached = len(self._unreached)

    def _waits(self, name: str) -> bool:
        failure = self._state.failures.get(name)
        if failure is None:
            return False
        # Not longer, whatever clock it was written by.
        return 0 < failure.retry_ms - self._logs.now_ms() <= _LONGEST_BACKOFF_MS

    def _begin(self, held: ExitStack, found: FoundGroup) -> GroupCollector:
        file = held.enter_context(self._store.open(found.id, self._settings.stanza))
        return GroupCollector(self._run, file, found)

    def _each(
        self,
        step: Callable[[GroupCollector], None],
        groups: list[GroupCollector],
        share: float,
        part: Callable[[str], str] = _history,
    ) -> list[GroupCollector]:
        """Take a step for every group in an equal part of a share of the time left.

        So a group with much to read cannot starve the others. Returns those that did not fail.
        """
        self._unreached = []
        now = self._monotonic()
        end = now + share * max(0.0, self._deadline - now)
        succeeded: list[GroupCollector] = []
        for left, group in zip(range(len(groups), 0, -1), groups):
            now = self._monotonic()
            if self._stop.requested or (left < len(groups) and now >= self._deadline):
                self._unreached = groups[-left:]
                return [*succeeded, *self._unreached]
            self._slice_end = now + max(0.0, end - now) / left
            if self._guarded(part(group.id.name), partial(_taken, step, group)):
                succeeded.append(group)
        return succeeded

    def _guarded(self, name: str, work: Callable[[], T]) -> T | None:
        """Whatever fails for one group is reported and leaves the others alone."""
        self._tried.add(name)
        try:
            return work()
        except OutputClosed:
            raise
        except CloudHsmError as error:
            self._fail(name, error)
        except Exception as error:  # noqa: BLE001  (a surprise in one group must not stop the rest)
            place = Place(region=self._settings.aws_region, group=name)
            self._fail(name, Unexpected(error, place))
        return None

    def _fail(self, name: str, error: CloudHsmError) -> None:
        self.outcome.failures.append(error)
        self._tried.add(name)
        self._failed[name] = error

    def _sum_up(self, working: list[GroupCollector]) -> None:
        states = [group.state for group in working]
        outcome = self.outcome
        outcome.pending_gaps = sum(state.ledger.pending() for state in states)
        outcome.absent_gaps = sum(state.ledger.absent() for state in states)
        outcome.history_left_ms = sum(state.progress.history_left_ms for state in states)
        outcome.oldest_settled_ms = min((one.progress.settled_ms for one in states), default=None)
        outcome.has_caught_up = (
            not outcome.failures
            and not outcome.backing_off
            and not outcome.unreached
            and not self._stop.requested
            and all(group.has_caught_up for group in working)
        )

    def _count(self) -> None:
        tally, pace = self.outcome.tally, self._logs.pace
        tally.calls, tally.throttled = pace.calls, pace.throttled
        tally.failures = len(self.outcome.failures)
        self._state.tally.add(tally)
        self._state.clock_offset_ms = self._logs.clock_offset_ms

    def _tell(self) -> None:
        """What changed at once; otherwise a heartbeat every 15 minutes, since volume costs."""
        now_ms = self._logs.now_ms()
        events = [*self._changes(now_ms)]
        if abs(now_ms - self._state.heartbeat_ms) >= HEARTBEAT_MS:
            events.append(self._reporter.heartbeat(now_ms, self._state, self.outcome))
            self._state.heartbeat_ms, self._state.tally = now_ms, Tally()
        if events:
            self._run.writer.write(events)
            self._run.writer.flush()
        self._memory.save(self._state)

    def _changes(self, now_ms: int) -> Iterator[Event]:
        """Failures that began or ended with this run."""
        failures = self._state.failures
        for name in sorted(self._tried):
            known, error = failures.get(name), self._failed.get(name)
            if error is None:
                if known is not None:
                    del failures[name]
                    yield self._reporter.collection_resumed(now_ms, name, known)
                continue
            kind, passing = type(error).__name__, {one.__name__ for one in _PASSING}
            if known is None or (known.error != kind and not {known.error, kind} <= passing):
                known = Failure(kind, now_ms, tries=0)
                yield self._reporter.collection_failed(now_ms, name, error)
            tries = known.tries + 1
            retry_ms = now_ms + self._backoff_ms(error, tries)
            failures[name] = replace(known, error=kind, tries=tries, retry_ms=retry_ms)

    def _backoff_ms(self, error: CloudHsmError, tries: int) -> int:
        """Not before this: with jitter, so that many inputs do not come back together."""
        if not isinstance(error, _PASSING):
            return 0  # a person mends this, and wants to see it at once
        longest_ms = self._settings.interval_s * 1000 * 2 ** min(tries - 1, 10)
        return int(min(_LONGEST_BACKOFF_MS, longest_ms) * random.uniform(0.5, 1))  # noqa: S311


def _taken(step: Callable[[GroupCollector], None], group: GroupCollector) -> bool:
    try:
        step(group)
    finally:
        group.rest()
    return True
