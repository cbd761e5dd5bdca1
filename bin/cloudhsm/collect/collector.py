"""One run of one input over all its log groups: live first, then sweeps, gaps and history."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

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
    Unexpected,
    pair,
)
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import NetworkTimeOver, Stop, StopRequested
from cloudhsm.collect.collector_events import InputReporter
from cloudhsm.collect.group_collector import GroupCollector
from cloudhsm.collect.group_list import GroupList
from cloudhsm.collect.open_group import Run, Store, Writer
from cloudhsm.collect.read_ahead import Read, sequential
from cloudhsm.collect.run_failures import RunFailures, entry
from cloudhsm.state.input_cache import GAPS, HISTORY, REPLAYS, SWEEP, InputFile, InputState, part_of
from cloudhsm.trail.log_group import GroupId

log = logging.getLogger("cloudhsm")

# A run leaves the rest of its interval to the next one's start.
SHARE_OF_INTERVAL = 0.8
# A listing that never ends must leave time to collect what is known.
DISCOVERY_SHARE = 0.5
# States that are kept open at the same time: a process mostly may open 1,024 files. Which groups
# are first changes from run to run.
MOST_OPEN = 300
HEARTBEAT_MS = 15 * 60_000
ADVISORY_MS = 86_400_000

Step = Callable[[GroupCollector], None]
_STEPS: dict[str, Step] = {
    "": GroupCollector.poll,
    SWEEP: GroupCollector.sweep,
    GAPS: GroupCollector.look_again,
    HISTORY: GroupCollector.catch_up,
    REPLAYS: GroupCollector.replay,
}


Item = TypeVar("Item", FoundGroup, GroupCollector)


def _advised(
    settings: Settings, advisories: Sequence[CloudHsmError], before: dict[str, int], now_ms: int
) -> dict[str, int]:
    """Log once a day what should be fixed although everything works; returns when, by its text."""
    advised = {}
    for error in advisories:
        advised[error.what] = before.get(error.what, 0)
        if not 0 <= now_ms - advised[error.what] < ADVISORY_MS:
            log.warning("%s what=advisory %s", pair("input", settings.stanza), error.line())
            advised[error.what] = now_ms
    return advised


def _not_responding(name: str, region: str) -> EndpointUnreachable:
    return EndpointUnreachable(
        "CloudWatch Logs did not respond in the time of this run",
        place=Place(region=region, group=part_of(name)[1] or None),
        next_step=f"{NEXT_RUN}; if it persists, check proxy and firewall, which may hold back "
        "responses",
    )


@dataclass
class Collector:
    """One run of one input.

    Whatever fails for one group is reported in the result and leaves the others alone.
    """

    settings: Settings
    logs: LogSource
    store: Store
    memory: InputFile
    writer: Writer
    stop: Stop
    host: str = ""
    monotonic: Callable[[], float] = time.monotonic
    read: Read = sequential
    advisories: Sequence[CloudHsmError] = ()

    def __post_init__(self) -> None:
        settings, logs = self.settings, self.logs
        self.result = RunResult(Counters(runs=1))
        self._reporter = InputReporter(settings.stanza, settings.aws_region, self.host)
        self._deadline = self.monotonic() + SHARE_OF_INTERVAL * settings.interval_s
        self._slice_end = self._deadline
        counters, is_over = self.result.counters, self._is_over
        self._run = Run(settings, logs, self.writer, self.stop, self.read, is_over, counters)
        self._state: InputState = self.memory.load()
        errors = self.result.failures
        self._failures = RunFailures(settings, self._state, logs.now_ms, errors)
        self._groups = GroupList(settings, logs, self._state, self._failures)
        self._unreached: list[GroupId] = []
        self._open = 0  # groups whose state is kept open
        self._is_cut_off = False  # no call of this run can get through

    def run(self) -> RunResult:
        """Collect until everything is read or the run's time is used.

        Raises OutputClosed, after which nothing more can be handed over.
        """
        self.logs.clock = self._state.clock
        now_ms, advisories = self.logs.now_ms(), self.advisories
        self._state.advised = _advised(self.settings, advisories, self._state.advised, now_ms)
        self.result.advisories = [error.what for error in advisories]
        try:
            with ExitStack() as open_states, suppress(StopRequested):
                self._collect(open_states)
        finally:
            self._count()
            is_kept = self.memory.save(self._state)
        if not self.stop.requested:
            self._report(is_kept=is_kept)
        return self.result

    def _is_over(self) -> bool:
        return self.stop.requested or self.monotonic() >= self._slice_end

    def _collect(self, open_states: ExitStack) -> None:
        """All that there is to do, the live window of every group before anything else.

        What fails keeps nothing else waiting. A group ends its part of the run with the first call
        that fails; its next run begins with what else it has to do, and comes to that last.
        """
        order = self._order()
        groups: list[GroupCollector] = []
        try:
            self._each(partial(self._begin_and_poll, open_states, groups), order, 0.5, "")
            self._groups.end_turn(self._unreached)
            self.result.unreached = len(self._unreached)
            self._each_group(SWEEP, groups, 0.6)
            self._each_group(GAPS, groups, 0.3)
            self._go_on(groups)
            for part in _STEPS:
                self._each_group(part, groups, failed=True)
        finally:
            self._sum_up(groups)

    def _go_on(self, groups: list[GroupCollector]) -> None:
        """Use the time that is left for what is unfinished, until nothing more can be read."""
        while unfinished := [group for group in groups if not group.has_caught_up]:
            read = self.result.counters.pages
            self._each_group(HISTORY, unfinished)
            done = [group for group in unfinished if group.has_caught_up]
            self._each_group(GAPS, done, 0.3)
            self._each_group(REPLAYS, unfinished)
            if self.result.counters.pages == read or self.monotonic() >= self._deadline:
                return

    def _begin_and_poll(
        self, open_states: ExitStack, groups: list[GroupCollector], listed: FoundGroup
    ) -> None:
        """Open the state of a group and read its live window; keep it open if more is to be done.

        So a run over thousands of groups makes its first call at once, and needs few file handles.
        """
        name = listed.id.name
        with ExitStack() as own:
            file = own.enter_context(self.store.open(listed.id, self.settings.stanza))
            group = GroupCollector(self._run, file, listed)
            groups.append(group)
            self.result.groups += 1
            has_more = not group.is_idle
            try:
                may_wait = has_more and self._open < MOST_OPEN
                if self._failures.delays(name, "") or (
                    may_wait and self._failures.last_part(name) == ""
                ):
                    self._failures.tried.discard(name)
                else:
                    self._taken(GroupCollector.poll, group)
                    if not group.is_over:
                        self._groups.set_present(group.id)
            finally:
                if self._open < MOST_OPEN and (has_more or not group.is_idle):
                    open_states.enter_context(own.pop_all())
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
        if not group.was_read or self._groups.is_gone(group.id):
            raise error
        group.report_gone()
        self._groups.set_gone(group.id)

    def _order(self) -> list[FoundGroup]:
        """The groups to read now, in their turn."""
        if self._groups.is_due():
            begun: float = self.monotonic()
            self._slice_end = begun + DISCOVERY_SHARE * max(0.0, self._deadline - begun)
            self._guarded(entry(""), partial(self._groups.look_up, self.stop, self._is_over))
        waiting = [self._failures.waits(group.id.name) for group in self._state.groups]
        self.result.backing_off = sum(waiting)
        return self._groups.in_turn()

    def _each_group(
        self, part: str, groups: list[GroupCollector], share: float = 1, *, failed: bool = False
    ) -> None:
        """Do a part of the work for groups that do not wait; first where the last sweep is oldest.

        failed: only for those where it failed last, which come last; otherwise for the rest.
        """
        working = [
            group
            for group in groups
            if not group.is_over
            and not self._failures.delays(group.id.name, part)
            and (self._failures.last_part(group.id.name) == part) is failed
        ]
        working.sort(key=lambda group: group.state.progress.last_sweep_ms or 0)
        self._each(partial(self._taken, _STEPS[part]), working, share, part)

    def _each(
        self, step: Callable[[Item], None], items: Sequence[Item], share: float, part: str
    ) -> None:
        """Take a step for every group in an equal part of a share of the time left.

        So a group with much to read cannot starve the others. part: of its work, as in _STEPS.
        """
        self._unreached = []
        begun: float = self.monotonic()
        end = begun + share * max(0.0, self._deadline - begun)
        for number, item in enumerate(items):
            left = len(items) - number
            now: float = self.monotonic()
            is_late = number > 0 and now >= self._deadline
            if self.stop.requested or is_late or self._is_cut_off or self.stop.is_network_over:
                self._unreached = [item.id for item in items[number:]]
                return
            self._slice_end = now + max(0.0, end - now) / left
            work: Callable[[], object] = partial(step, item)
            self._guarded(f"{part}{item.id.name}", work)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        """Whatever fails for one group is reported and leaves the others alone."""
        self._failures.tried.add(name)
        try:
            work()
        except OutputClosed:
            raise
        except NetworkTimeOver:
            self._failures.add(name, _not_responding(name, self.settings.aws_region))
        except CloudHsmError as error:
            self._is_cut_off |= getattr(error, "concerns_every_call", False)
            self._failures.add(name, error)
        except Exception as error:  # noqa: BLE001  (a surprise in one group must not stop the rest)
            place = Place(region=self.settings.aws_region, group=name)
            self._failures.add(name, Unexpected(error, place))

    def _sum_up(self, working: list[GroupCollector]) -> None:
        states = [group.state for group in working]
        result = self.result
        result.pending_gaps = sum(state.ledger.pending() for state in states)
        result.absent_gaps = sum(state.ledger.absent() for state in states)
        result.history_left_ms = sum(state.progress.history_left_ms for state in states)
        result.oldest_settled_ms = min((s.progress.settled_ms for s in states), default=None)
        result.has_caught_up = (
            not result.failures
            and not result.backing_off
            and not result.unreached
            and not self.stop.requested
            and all(group.has_caught_up for group in working)
        )

    def _count(self) -> None:
        counters, pace = self.result.counters, self.logs.pace
        counters.calls, counters.throttled = pace.calls, pace.throttled
        counters.failures = len(self.result.failures)
        self._state.counters.add(counters)

    def _report(self, *, is_kept: bool) -> None:
        """What changed at once; otherwise a heartbeat every 15 minutes, since volume costs.

        is_kept: whether a later run knows what was reported. A full disk must not make every run
        send a heartbeat, but it is reported by each.
        """
        now_ms = self.logs.now_ms()
        events = [*self._failures.events(now_ms, self._reporter)]
        clock, differs = self._state.clock, abs(self._state.clock.offset_ms) > LIMIT_MS
        if differs is not self._state.is_clock_reported:
            self._state.is_clock_reported = differs
            events.append(self._reporter.clock_difference(now_ms, clock, is_over=not differs))
        if is_kept and abs(now_ms - self._state.heartbeat_ms) >= HEARTBEAT_MS:
            events.append(self._reporter.heartbeat(now_ms, self._state, self.result))
            self._state.heartbeat_ms, self._state.counters = now_ms, Counters()
        if events:
            self._run.writer.write(events)
            self._run.writer.flush()
        self.memory.save(self._state)
