"""Replays, as a person asks for them: requested, cancelled and listed, wherever states are kept.

For the command `aws_cloudhsm_replay.py` and the REST handler. Settings in errors have the names of
the command's options, such as `--from`.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cloudhsm.base import arguments, settings
from cloudhsm.base.errors import CloudHsmError, Place, SettingError, StateError
from cloudhsm.splunk.command_line import refused, utc
from cloudhsm.state import replay_requests
from cloudhsm.state.file_store import FileStateStore, Loaded, StateFile
from cloudhsm.state.kv_replay_requests import KvRequests
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.windows import Replay

if TYPE_CHECKING:
    from cloudhsm.splunk.splunkd_rest import Collection
    from cloudhsm.state.kv_store import Owner

# Who claims a state to end a replay, in the errors of others.
CLAIMANT = "aws_cloudhsm_replay.py"

log = logging.getLogger("cloudhsm")

Report = Callable[[CloudHsmError], None]


def _logged(error: CloudHsmError) -> None:
    log.error("%s", error.line())


@dataclass(frozen=True)
class ReplayOptions:
    """What is to be collected again, as a person wrote it.

    account, region: of the group, where several have its name. stream: one log stream; None for
    all. start, end: ISO 8601, both included. kvstore: whether states are in KV Store.
    """

    group: str
    start: str | None
    end: str | None
    requested_by: str
    account: str | None = None
    region: str | None = None
    stream: str | None = None
    reason: str = ""
    kvstore: bool = False


class SavedState(Protocol):
    """The state of one group; to save it, no other process may use it."""

    def load(self) -> Loaded: ...
    def save(self, state: GroupState) -> None: ...


class ReplayStore(Protocol):
    """The states of groups, by their keys, and the requests for replays of them."""

    def group_keys(self) -> Iterable[str]: ...
    def saved(self, key: str) -> SavedState: ...
    def locked(self, key: str, group: GroupId) -> AbstractContextManager[SavedState]: ...

    def pending(self, key: str, group: GroupId) -> Iterable[tuple[str, Request | CloudHsmError]]:
        """The requests for a group, by their names, each read or with its error."""

    def write(self, key: str, request: Request) -> None: ...
    def withdraw(self, key: str, request: Request) -> None: ...


class FileReplays:
    """The checkpoint folder of this host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def group_keys(self) -> Iterable[str]:
        generations = [*self._folder.glob("*.state"), *self._folder.glob("*.previous")]
        return sorted({path.stem for path in generations})

    def saved(self, key: str) -> SavedState:
        return StateFile(self._path(key))

    def locked(self, key: str, group: GroupId) -> AbstractContextManager[SavedState]:  # noqa: ARG002  (of files, the group)
        owner = self._folder.stat().st_uid
        if os.name != "nt" and owner != os.getuid():
            raise StateError(
                "A state that another user writes could not be read by Splunk any more",
                place=Place(file=str(self._folder)),
                next_step=f"Run this as the owner of the folder (user id {owner})",
            )
        return FileStateStore(self._folder).open(group, CLAIMANT)

    def pending(self, key: str, group: GroupId) -> Iterable[tuple[str, Request | CloudHsmError]]:
        for file, request in replay_requests.found(self._path(key), group):
            yield file.name, request

    def write(self, key: str, request: Request) -> None:
        replay_requests.write(self._path(key), request)

    def withdraw(self, key: str, request: Request) -> None:
        replay_requests.path(self._path(key), request).unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.state"


class KvStoreReplays:
    """KV Store, as a person may use it. splunklib, which files do not need, is imported here."""

    def __init__(self, slots: Collection, owner: Owner) -> None:
        self._slots, self._owner = slots, owner
        from cloudhsm.state import kv_store

        self._kv_store = kv_store

    def group_keys(self) -> Iterable[str]:
        return self._kv_store.known(self._slots)

    def saved(self, key: str) -> SavedState:
        return self._kv_store.KvState(self._slots, key, None, self._owner)

    @contextmanager
    def locked(self, key: str, group: GroupId) -> Iterator[SavedState]:
        state = self._kv_store.KvState(self._slots, key, group, self._owner)
        state.claim(CLAIMANT)
        try:
            yield state
        finally:
            state.release()

    def pending(self, key: str, group: GroupId) -> Iterable[tuple[str, Request | CloudHsmError]]:
        return KvRequests(self._slots, key, group).found()

    def write(self, key: str, request: Request) -> None:
        KvRequests(self._slots, key, request.group).write(request)

    def withdraw(self, key: str, request: Request) -> None:
        KvRequests(self._slots, key, request.group).discard(request)


def _states(store: ReplayStore, report: Report) -> Iterator[tuple[str, GroupState]]:
    """Every state that can be read; the errors of the others are reported."""
    for key in store.group_keys():
        try:
            state = store.saved(key).load().state
        except CloudHsmError as error:
            report(error)
            continue
        if state is not None:
            yield key, state


def _end(file: SavedState, request_id: str) -> int:
    """Remove a replay from the state; returns the number of records that it delivered."""
    state = file.load().state
    if state is None:
        raise refused("--cancel", "found no state any more", "See --list")
    ended = [replay for replay in state.progress.replays if replay.id == request_id]
    state.progress.replays = [
        replay for replay in state.progress.replays if replay.id != request_id
    ]
    file.save(state)
    return sum(replay.records for replay in ended)


def request_replay(store: ReplayStore, options: ReplayOptions, report: Report = _logged) -> str:
    """Leave the request; returns the message for the administrator."""
    now_ms = time.time_ns() // 1_000_000
    start_ms, end_ms = _range(options.start, options.end, now_ms)
    if len(options.reason) > replay_requests.LONGEST_REASON:
        raise refused(
            "--reason", "is too long", f"{replay_requests.LONGEST_REASON} characters are enough"
        )
    if options.stream is not None and not replay_requests.is_stream(options.stream):
        raise refused("--stream", "is not the name of a log stream", "Write it as in hsm-ID")
    key, state = _state_of(store, options, report)
    request = Request(
        id=uuid.uuid4().hex,
        group=state.group,
        stream=options.stream,
        start_ms=start_ms,
        end_ms=end_ms,
        requested_by=options.requested_by,
        requested_ms=now_ms,
        reason=options.reason,
    )
    store.write(key, request)
    time_range = _range_of(request, state.group)
    return (
        f"{request.id}: the next run of {state.stanza} collects {time_range} again.\n"
        f"Withdraw it with --cancel {request.id}; follow it with --list or the `replay` events."
    )


def _range(start: str | None, end: str | None, now_ms: int) -> tuple[int, int]:
    """Milliseconds since 1970, both inclusive."""
    start_ms, end_ms = _instant("--from", start, now_ms), _instant("--to", end, now_ms)
    if start_ms >= end_ms:
        raise refused("--to", "is not after --from", "Give the earlier instant to --from")
    if end_ms > now_ms:
        raise refused("--to", "lies in the future", "Later records are collected anyway")
    return start_ms, end_ms


def _instant(option: str, text: str | None, now_ms: int) -> int:
    """An ISO 8601 date or time, as `start_time` takes it, in milliseconds since 1970."""
    what, next_step = "is missing", "Write 2026-01-31T08:00:00Z or 2026-01-31"
    if text and text[0].isdigit():  # start_time takes words and distances too
        stanza = {"aws_region": "us-east-1", "start_time": text}
        with suppress(SettingError):
            return settings.parse(arguments.SCHEME, stanza, now_ms).start_ms(now_ms)
    if text:
        what = f"{text!r} is not an instant that has passed"
    raise refused(option, what, next_step)


def _state_of(store: ReplayStore, options: ReplayOptions, report: Report) -> tuple[str, GroupState]:
    """The state of the one group that is meant."""
    states = [*_states(store, report)]
    matching = [
        (key, state)
        for key, state in states
        if state.group.name == options.group
        and options.account in (None, state.group.account)
        and options.region in (None, state.group.region)
    ]
    if len(matching) == 1:
        return matching[0]
    if matching:
        accounts = ", ".join(f"{s.group.account} in {s.group.region}" for _, s in matching)
        next_step = "Select one with --account, --region"
        raise refused("--group", f"is collected from {accounts}", next_step)
    known = ", ".join(sorted({state.group.name for _, state in states})) or "none"
    where = "" if options.kvstore else "; where the input has state_store = kvstore, add --kvstore"
    raise refused(
        "--group",
        f"{options.group!r} is not collected here",
        f"Groups collected here: {known}{where}",
    )


def listed(store: ReplayStore, report: Report = _logged) -> Iterator[str]:
    for key, state in _states(store, report):
        for name, request in store.pending(key, state.group):
            if isinstance(request, Request):
                yield f"{request.id} waiting: {_range_of(request, state.group)}{_by(request)}"
            else:
                yield f"{name}: {request}"
        for replay in state.progress.replays:
            done_ms = replay.position_ms - replay.start_ms
            part = 100 * done_ms // max(1, replay.end_ms - replay.start_ms)
            yield (
                f"{replay.id} under way, {part} % read, {replay.records} records delivered: "
                f"{_range_of(replay, state.group)}{_by(replay)}"
            )


def cancel(store: ReplayStore, request_id: str, report: Report = _logged) -> str:
    """Withdraw a request; a replay under way ends, and what it delivered stays."""
    for key, state in _states(store, report):
        for _, request in store.pending(key, state.group):
            if isinstance(request, Request) and request.id == request_id:
                store.withdraw(key, request)
                return f"{request_id}: withdrawn; nothing was collected again"
        if any(replay.id == request_id for replay in state.progress.replays):
            with store.locked(key, state.group) as file:
                records = _end(file, request_id)
            return f"{request_id}: ended; {records} records were delivered again before"
    raise refused("--cancel", f"{request_id!r} is neither waiting nor under way", "See --list")


def _range_of(request: Request | Replay, group: GroupId) -> str:
    stream = f" stream {request.stream}" if request.stream else ""
    return (
        f"{group.name}{stream} ({group.account}, {group.region}) "
        f"from {_utc(request.start_ms)} to {_utc(request.end_ms)}"
    )


def _by(request: Request | Replay) -> str:
    reason = f": {request.reason!r}" if request.reason else ""
    return f", requested by {request.requested_by!r}{reason}"


def _utc(ms: int) -> str:
    return utc(ms / 1000, "milliseconds").replace("+00:00", "Z")
