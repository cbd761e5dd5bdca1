"""What all groups of a run share, and what each needs of its state and of the output."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloudhsm.aws.log_source import LogSource
from cloudhsm.base.counters import Counters
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.read_ahead import Read
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.file_store import Loaded
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.log_group import GroupId, Origin


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
