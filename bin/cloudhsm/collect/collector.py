"""One run of one input over all its log groups: live first, then sweeps, gaps and history."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from cloudhsm.aws.log_source import FoundGroup, LogSource
from cloudhsm.base.aws_clock import LIMIT_MS
from cloudhsm.base.counters import Counters, RunResult
from cloudhsm.base.errors import (
    NEXT_RUN,
    CloudHsmError,
    EndpointUnreachable,
    GroupNotFound,
    OutputClosed,
    Place,
    ServiceFailure,
    Unexpected,
    pair,
)
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import NetworkTimeOver, Stop, StopRequested
from cloudhsm.collect.collector_events import InputReporter
from cloudhsm.collect.group_collector import GroupCollector
from cloudhsm.collect.read_ahead import Read
from cloudhsm.collect.run_context import Run, Store, Writer
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.input_cache import (
    DISCOVERY,
    GAPS,
    HISTORY,
    INPUT,
    REPLAYS,
    SWEEP,
    Failure,
    InputFile,
    InputState,
    asked,
    part_of,
)
from cloudhsm.trail.log_group import GroupId

log = logging.getLogger("cloudhsm")

# A run leaves the rest of its interval to the next one's start.
SHARE_OF_INTERVAL = 0.8
DISCOVERY_MS = 5 * 60_000
# A listing that never ends must leave time to collect what is known.
DISCOVERY_SHARE = 0.5
# States that are kept open at the same time: a process mostly may open 1,024 files. Which groups
# are first changes from run to run.
MOST_OPEN = 300
# How long a heartbeat names a log group that is gone.
GONE_MS = 30 * 86_400_000
HEARTBEAT_MS = 15 * 60_000
ADVISORY_MS = 86_400_000
# After a failure of AWS or of the way there, the next tries come at growing distances.
_LONGEST_BACKOFF_MS = 5 * 60_000
_PASSING = (ServiceFailure, EndpointUnreachable)

Step = Callable[[GroupCollector], None]
# The work for a group, by what names it in failures; the live window has the group's name alone.
_STEPS: dict[str, Step] = {
    "": GroupCollector.poll,
    SWEEP: GroupCollector.sweep,
    GAPS: GroupCollector.look_again,
    HISTORY: GroupCollector.catch_up,
    REPLAYS: GroupCollector.replay,
}


class _OfGroup(Protocol):
    """A log group, found or open."""

    @property
    def id(self) -> GroupId: ...


Item = TypeVar("Item", bound=_OfGroup)


def _are_alike(one: str, other: str) -> bool:
    """Whether two kinds of errors are one failure: what passes mostly shows in several ways."""
    return one == other or {one, other} <= {kind.__name__ for kind in _PASSING}


def _entry(name: str) -> str:
    """Whose failure it is, where an entry of `log_groups` cannot be looked up."""
    return f"{DISCOVERY}{name}"


class Collector:
    """One run of one input.

    Whatever fails for one group is reported in the result and leaves the others alone.
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
        self.result = RunResult(Counters(runs=1))
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
        self._run = Run(settings, logs, writer, stop, read, self._is_over, self.result.counters)
        self._state = InputState()
        self._known: dict[str, Failure] = {}  # of the runs before
        self._failed: dict[str, CloudHsmError] = {}
        self._tried: set[str] = {INPUT}
        self._unreached: list[_OfGroup] = []
        self._open = 0  # groups whose state is kept open
        self._is_cut_off = False  # no call of this run can get through

    def run(self) -> RunResult:
        """Collect until everything is read or the run's time is used.

        Raises OutputClosed, after which nothing more can be handed over.
        """
        self._state = self._memory.load()
        self._known = dict(self._state.failures)
        self._logs.clock = self._state.clock
        self._advise()
        try:
            with ExitStack() as held, suppress(StopRequested):
                self._collect(held)
        finally:
            self._count()
            is_kept = self._memory.save(self._state)
        if not self._stop.requested:
            self._report(is_kept=is_kept)
        return self.result

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
        self.result.advisories = [error.what for error in self._advisories]

    def _is_over(self) -> bool:
        return self._stop.requested or self._monotonic() >= self._slice_end

    def _collect(self, held: ExitStack) -> None:
        """All that there is to do, the live window of every group before anything else.

        What fails keeps nothing else waiting. A group ends its part of the run with the first call
        that fails; its next run begins with what else it has to do, and comes to that last.
        """
        order = self._in_turn(self._discovered())
        groups: list[GroupCollector] = []
        try:
            self._each(partial(self._begin_and_poll, held, groups), order, 0.5, "")
            self._end_turn()
            self._each_group(GroupCollector.sweep, groups, 0.6, SWEEP)
            self._each_group(GroupCollector.look_again, groups, 0.3, GAPS)
            self._go_on(groups)
            for part, step in _STEPS.items():
                self._each_group(step, groups, 1, part, failed=True)
        finally:
            self._sum_up(groups)

    def _go_on(self, groups: list[GroupCollector]) -> None:
        """Use the time that is left for what is unfinished, until nothing more can be read."""
        while behind := [group for group in groups if not group.has_caught_up]:
            read = self.result.counters.pages
            self._each_group(GroupCollector.catch_up, behind, 1, HISTORY)
            done = [group for group in behind if group.has_caught_up]
            self._each_group(GroupCollector.look_again, done, 0.3, GAPS)
            self._each_group(GroupCollector.replay, behind, 1, REPLAYS)
            if self.result.counters.pages == read or self._monotonic() >= self._deadline:
                return

    def _begin_and_poll(
        self, held: ExitStack, groups: list[GroupCollector], found: FoundGroup
    ) -> None:
        """Open the state of a group and read its live window; keep it open if more is to be done.

        So a run over thousands of groups makes its first call at once, and needs few file handles.
        """
        name = found.id.name
        with ExitStack() as own:
            file = own.enter_context(self._store.open(found.id, self._settings.stanza))
            group = GroupCollector(self._run, file, found)
            groups.append(group)
            self.result.groups += 1
            has_more = not group.is_idle
            try:
                may_wait = has_more and self._open < MOST_OPEN
                if self._is_held_up(name, "") or (may_wait and self._failed_last(name) == ""):
                    self._tried.discard(name)
                else:
                    self._taken(GroupCollector.poll, group)
                    if not group.is_over:
                        self._state.gone = [one for one in self._state.gone if one[0] != group.id]
            finally:
                if self._open < MOST_OPEN and (has_more or not group.is_idle):
                    held.enter_context(own.pop_all())
                    self._open += 1
                else:  # its lock is free from here on
                    group.is_over = True

    def _taken(self, step: Step, group: GroupCollector) -> None:
        """Take a step; whatever fails, this run does nothing more for the group."""
        try:
            step(group)
        except GroupNotFound as error:
            self._end_group(group, error)
        except BaseException:
            group.is_over = True
            raise
        finally:
            group.compact()

    def _end_group(self, group: GroupCollector, error: GroupNotFound) -> None:
        """A group that was collected is gone; one that never was is a setting to be corrected."""
        group.is_over = True
        gone = [one for one, _ in self._state.gone]
        if not group.was_read or group.id in gone:
            raise error
        group.report_gone()
        self._state.gone.append((group.id, self._logs.now_ms()))
        self._state.groups = [found for found in self._state.groups if found.id != group.id]

    def _discovered(self) -> list[FoundGroup]:
        """The groups to read now, which are looked for every 5 minutes."""
        now_ms, settings = self._logs.now_ms(), self._settings
        if self._state.is_new_to(settings):
            self._state.asked, self._state.groups = asked(settings), []
            self._state.discovered_ms = 0
        oldest_ms = now_ms - GONE_MS
        self._state.gone = [one for one in self._state.gone if one[1] >= oldest_ms]
        entries = [_entry(selector.name) for selector in settings.log_groups]
        # AWS tells its time in whole seconds, so it may seem to step back a little.
        is_fresh = abs(now_ms - self._state.discovered_ms) < DISCOVERY_MS
        if not is_fresh and not any(map(self._waits, [_entry(""), *entries])):
            self._tried.update(entries)
            self._slice_end = self._monotonic() + DISCOVERY_SHARE * self._time_left()
            self._guarded(_entry(""), self._discover)
        waiting = sum(self._waits(found.id.name) for found in self._state.groups)
        self.result.backing_off = waiting
        return self._state.groups

    def _discover(self) -> None:
        with self._stop.interruptible():
            found = self._logs.discover(self._settings.log_groups, self._is_over)
        for failure in found.failures:
            self._fail(_entry(failure.place.group or ""), failure)
        if not found.failures:
            self._state.discovered_ms = self._logs.now_ms()
        listed = {one.id: one for one in found.groups}
        # A group that is not listed any more is read all the same: a listing may be partial, and
        # only a read of the group confirms that it is gone.
        gone = {one for one, _ in self._state.gone}
        known = {one.id: one for one in self._state.groups if one.id not in gone}
        self._state.groups = [*{**known, **listed}.values()]
        self._forget_failures()

    def _forget_failures(self) -> None:
        """Of names that nobody asks for any more."""
        names = [found.id.name for found in self._state.groups]
        entries = [_entry(selector.name) for selector in self._settings.log_groups]
        parts = [f"{part}{name}" for name in names for part in _STEPS]
        kept = {INPUT, *parts, *entries, _entry("")}
        failures = self._state.failures
        self._state.failures = {name: one for name, one in failures.items() if name in kept}

    def _in_turn(self, groups: list[FoundGroup]) -> list[FoundGroup]:
        """Another one is first in each run: a run may have no time for all of them.

        Those that failed come last, so that a group that hangs delays no other.
        """
        first = self._state.turn % max(1, len(groups))
        turned = [*groups[first:], *groups[:first]]
        return sorted(turned, key=lambda found: found.id.name in self._state.failures)

    def _end_turn(self) -> None:
        """The next run begins with the first group that this one did not reach, so none starves."""
        unreached = {found.id for found in self._unreached}
        groups = self._state.groups
        first = self._state.turn % max(1, len(groups))
        turned = [found.id for found in (*groups[first:], *groups[:first])]
        reached = next((at for at, one in enumerate(turned) if one in unreached), 1)
        self._state.turn += max(1, reached)
        self.result.unreached = len(self._unreached)

    def _waits(self, name: str) -> bool:
        failure = self._state.failures.get(name)
        if failure is None:
            return False
        # Not longer, whatever clock it was written by.
        return 0 < failure.retry_ms - self._logs.now_ms() <= _LONGEST_BACKOFF_MS

    def _time_left(self) -> float:
        return max(0.0, self._deadline - self._monotonic())

    def _each_group(
        self,
        step: Step,
        groups: list[GroupCollector],
        share: float,
        part: str,
        *,
        failed: bool = False,
    ) -> None:
        """Take a step for every group that does not wait; first where the last sweep is oldest.

        failed: only for those where this step failed last, which come last; otherwise for the rest.
        """
        working = [
            group
            for group in groups
            if not group.is_over
            and not self._is_held_up(group.id.name, part)
            and (self._failed_last(group.id.name) == part) is failed
        ]
        working.sort(key=lambda group: group.state.progress.last_sweep_ms or 0)
        self._each(partial(self._taken, step), working, share, part)

    def _failed_last(self, name: str) -> str | None:
        """Which part of a group's work failed last, before this run; "" is its live window."""
        failures = {part: self._known.get(f"{part}{name}") for part in _STEPS}
        failed = [(one.retry_ms, part) for part, one in failures.items() if one is not None]
        return max(failed)[1] if failed else None

    def _is_held_up(self, name: str, part: str) -> bool:
        """Whether a failure keeps this part of a group's work waiting.

        After a failure of AWS the next try waits, whatever it is for; only the live window does not
        wait for other parts while it works itself.
        """
        parts = [*_STEPS] if part or name in self._known else [""]
        return any(self._waits(f"{one}{name}") for one in parts)

    def _each(
        self,
        step: Callable[[Item], None],
        items: Sequence[Item],
        share: float,
        part: str,
    ) -> None:
        """Take a step for every group in an equal part of a share of the time left.

        So a group with much to read cannot starve the others. part: of its work, as in _STEPS.
        """
        self._unreached = []
        begun: float = self._monotonic()
        end = begun + share * max(0.0, self._deadline - begun)
        for number, item in enumerate(items):
            left = len(items) - number
            now: float = self._monotonic()
            is_late = number > 0 and now >= self._deadline
            if self._stop.requested or is_late or self._is_cut_off or self._stop.is_network_over:
                self._unreached = [*items[number:]]
                return
            self._slice_end = now + max(0.0, end - now) / left
            work: Callable[[], object] = partial(step, item)
            self._guarded(f"{part}{item.id.name}", work)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        """Whatever fails for one group is reported and leaves the others alone."""
        self._tried.add(name)
        try:
            work()
        except OutputClosed:
            raise
        except NetworkTimeOver:
            self._fail(name, self._hung(name))
        except CloudHsmError as error:
            self._is_cut_off |= getattr(error, "concerns_every_call", False)
            self._fail(name, error)
        except Exception as error:  # noqa: BLE001  (a surprise in one group must not stop the rest)
            place = Place(region=self._settings.aws_region, group=name)
            self._fail(name, Unexpected(error, place))

    def _hung(self, name: str) -> EndpointUnreachable:
        return EndpointUnreachable(
            "CloudWatch Logs did not respond in the time of this run",
            place=Place(region=self._settings.aws_region, group=part_of(name)[1] or None),
            next_step=f"{NEXT_RUN}; if it persists, check proxy and firewall, which may hold back "
            "responses",
        )

    def _fail(self, name: str, error: CloudHsmError) -> None:
        self.result.failures.append(error)
        self._tried.add(name)
        self._failed[name] = error

    def _sum_up(self, working: list[GroupCollector]) -> None:
        states = [group.state for group in working]
        result = self.result
        result.pending_gaps = sum(state.ledger.pending() for state in states)
        result.absent_gaps = sum(state.ledger.absent() for state in states)
        result.history_left_ms = sum(state.progress.history_left_ms for state in states)
        result.oldest_settled_ms = min((one.progress.settled_ms for one in states), default=None)
        result.has_caught_up = (
            not result.failures
            and not result.backing_off
            and not result.unreached
            and not self._stop.requested
            and all(group.has_caught_up for group in working)
        )

    def _count(self) -> None:
        counters, pace = self.result.counters, self._logs.pace
        counters.calls, counters.throttled = pace.calls, pace.throttled
        counters.failures = len(self.result.failures)
        self._state.counters.add(counters)

    def _report(self, *, is_kept: bool) -> None:
        """What changed at once; otherwise a heartbeat every 15 minutes, since volume costs.

        is_kept: whether a later run knows what was reported. A full disk must not make every run
        send a heartbeat, but it is reported by each.
        """
        now_ms = self._logs.now_ms()
        events = [*self._changes(now_ms), *self._clock_difference(now_ms)]
        if is_kept and abs(now_ms - self._state.heartbeat_ms) >= HEARTBEAT_MS:
            events.append(self._reporter.heartbeat(now_ms, self._state, self.result))
            self._state.heartbeat_ms, self._state.counters = now_ms, Counters()
        if events:
            self._run.writer.write(events)
            self._run.writer.flush()
        self._memory.save(self._state)

    def _changes(self, now_ms: int) -> Iterator[Event]:
        """Failures that began or ended with this run.

        What fails alike in several parts of a group's work is one failure, and tried as one.
        """
        failures = self._state.failures
        for name in sorted(self._tried):
            known, error = failures.get(name), self._failed.get(name)
            if error is None:
                if known is not None:
                    del failures[name]
                    if known.is_reported:
                        yield self._reporter.collection_resumed(now_ms, name, known)
                continue
            kind = type(error).__name__
            others = self._other_parts(name)
            if known is None or not _are_alike(known.error, kind):
                known = Failure(kind, now_ms, tries=0, is_reported=False)
            if not known.is_reported and not any(
                one.is_reported and _are_alike(one.error, kind) for one in others
            ):
                known = replace(known, is_reported=True)
                yield self._reporter.collection_failed(now_ms, name, error)
            tries = max([known.tries, *(one.tries for one in others)]) + 1
            retry_ms = now_ms + self._backoff_ms(error, tries)
            failures[name] = replace(known, error=kind, tries=tries, retry_ms=retry_ms)

    def _clock_difference(self, now_ms: int) -> Iterator[Event]:
        clock, state = self._state.clock, self._state
        differs = abs(clock.offset_ms) > LIMIT_MS
        if differs is not state.is_clock_reported:
            state.is_clock_reported = differs
            yield self._reporter.clock_difference(now_ms, clock, is_over=not differs)

    def _other_parts(self, name: str) -> list[Failure]:
        """The failures of other parts of the same group's work."""
        group = part_of(name)[1]
        names = {f"{part}{group}" for part in _STEPS} - {name}
        return [one for other, one in self._state.failures.items() if other in names]

    def _backoff_ms(self, error: CloudHsmError, tries: int) -> int:
        """Not before this: with jitter, so that many inputs do not come back together."""
        if not isinstance(error, _PASSING):
            return 0  # a person mends this, and wants to see it at once
        longest_ms = self._settings.interval_s * 1000 * 2 ** min(tries - 1, 10)
        return int(min(_LONGEST_BACKOFF_MS, longest_ms) * random.uniform(0.5, 1))  # noqa: S311
