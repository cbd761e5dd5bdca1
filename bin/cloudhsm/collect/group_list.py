"""The log groups of an input: looked up every 5 minutes, and which of them is first in a run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from cloudhsm.aws.log_source import FoundGroup, LogSource
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.run_failures import RunFailures, entry
from cloudhsm.state.input_cache import InputState, asked
from cloudhsm.trail.log_group import GroupId

DISCOVERY_MS = 5 * 60_000
# How long a heartbeat names a log group that is gone.
GONE_MS = 30 * 86_400_000


@dataclass(frozen=True)
class GroupList:
    """The groups that `log_groups` means, as an input remembers them."""

    settings: Settings
    logs: LogSource
    state: InputState
    failures: RunFailures

    def is_due(self) -> bool:
        """Whether the groups are to be looked up again, now."""
        now_ms, state = self.logs.now_ms(), self.state
        if state.is_new_to(self.settings):
            state.asked, state.groups, state.discovered_ms = asked(self.settings), [], 0
        state.gone = [gone for gone in state.gone if gone[1] >= now_ms - GONE_MS]
        entries = [entry(selector.name) for selector in self.settings.log_groups]
        # AWS's time has whole seconds, so it may seem to step back a little.
        is_fresh = abs(now_ms - state.discovered_ms) < DISCOVERY_MS
        if is_fresh or any(map(self.failures.waits, [entry(""), *entries])):
            return False
        self.failures.tried.update(entries)
        return True

    def look_up(self, stop: Stop, is_over: Callable[[], bool]) -> None:
        """Look for the groups until it is over; what cannot be looked up is a failure."""
        with stop.interruptible():
            discovery = self.logs.discover(self.settings.log_groups, is_over)
        for failure in discovery.failures:
            self.failures.add(entry(failure.place.group or ""), failure)
        if not discovery.failures:
            self.state.discovered_ms = self.logs.now_ms()
        listed = {group.id: group for group in discovery.groups}
        # A group that is not listed any more is read all the same: a listing may be partial, and
        # only a read of the group confirms that it is gone.
        gone = {group for group, _ in self.state.gone}
        known = {group.id: group for group in self.state.groups if group.id not in gone}
        self.state.groups = [*{**known, **listed}.values()]
        self.failures.keep_only(group.id.name for group in self.state.groups)

    def _turned(self) -> list[FoundGroup]:
        groups = self.state.groups
        first = self.state.turn % max(1, len(groups))
        return [*groups[first:], *groups[:first]]

    def in_turn(self) -> list[FoundGroup]:
        """Another one is first in each run: a run may have no time for all of them.

        Those that failed come last, so that a group that hangs delays no other.
        """
        return sorted(self._turned(), key=lambda group: group.id.name in self.state.failures)

    def end_turn(self, unreached: Collection[GroupId]) -> None:
        """The next run begins with the first group that this one did not reach, so none starves."""
        turned = enumerate(self._turned())
        reached = next((index for index, group in turned if group.id in unreached), 1)
        self.state.turn += max(1, reached)

    def is_gone(self, group: GroupId) -> bool:
        """Whether it is known to be deleted."""
        return any(group == gone for gone, _ in self.state.gone)

    def set_gone(self, group: GroupId) -> None:
        """It was deleted."""
        self.state.gone.append((group, self.logs.now_ms()))
        self.state.groups = [listed for listed in self.state.groups if listed.id != group]

    def set_present(self, group: GroupId) -> None:
        """It was read, so it is not deleted."""
        self.state.gone = [gone for gone in self.state.gone if gone[0] != group]
