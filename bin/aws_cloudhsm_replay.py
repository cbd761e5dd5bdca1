"""Has a stretch of a log group collected again, e.g. after an index was lost.

    splunk cmd python aws_cloudhsm_replay.py --group /aws/cloudhsm/cluster-ID
        --from 2026-01-31T08:00:00Z --to 2026-01-31T12:00:00Z
        [--stream HSM] [--account ID] [--region R] [--reason TEXT]
    splunk cmd python aws_cloudhsm_replay.py --list
    splunk cmd python aws_cloudhsm_replay.py --cancel ID
    splunk cmd python aws_cloudhsm_replay.py --kvstore [--uri URI] [--user NAME] ...

The next run of the input reads the range again and hands over every record that CloudWatch Logs
still keeps, marked by `replay` events. Times are CloudWatch's, both ends included, UTC unless an
offset is given. Records that the index still has are then there twice: the macro `cloudhsm_dedup`
removes the repeats from a search. Run this on the host that collects the group, as the user that
runs Splunk; for inputs with `state_store = kvstore` add --kvstore, on any host that reaches the
management port of a member (--uri). That asks for the password of a Splunk user (--user) who may
write the add-on's collections.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent))

import aws_cloudhsm_state
from cloudhsm.base import arguments, settings
from cloudhsm.base.errors import CloudHsmError, Place, SettingError, StateError
from cloudhsm.base.terminal import show
from cloudhsm.state import replay_requests
from cloudhsm.state.file_store import FileStateStore, Loaded, StateFile
from cloudhsm.state.kv_replay_requests import KvRequests
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.windows import Replay

_ME = "aws_cloudhsm_replay.py"


class Held(Protocol):
    """A state that nobody else holds meanwhile."""

    def load(self) -> Loaded: ...
    def save(self, state: GroupState) -> None: ...


def main(arguments: list[str]) -> int:
    """Returns 0, or 1 when what was asked for could not be done."""
    asked = _parser().parse_args(arguments)
    try:
        desk: Desk = _KvStore(asked) if asked.kvstore else _Files(asked.folder)
        if asked.list:
            show("\n".join(_listed(desk)) or "No replay is waiting or under way.")
        elif asked.cancel:
            show(_cancel(desk, asked.cancel))
        else:
            show(_ask(desk, asked))
    except (CloudHsmError, OSError) as error:
        show(error, sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_ME, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="checkpoint folder of the input aws_cloudhsm")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--group", metavar="NAME", help="the log group to collect again")
    what.add_argument("--list", action="store_true", help="show what is waiting and under way")
    what.add_argument("--cancel", metavar="ID", help="withdraw a request, or end its replay")
    parser.add_argument("--account", help="account of the group, where several have one")
    parser.add_argument("--region", help="Region of the group, where several have one")
    parser.add_argument("--stream", metavar="HSM", help="one log stream; default: all")
    parser.add_argument("--from", dest="start", metavar="TIME", help="first instant")
    parser.add_argument("--to", dest="end", metavar="TIME", help="last instant")
    parser.add_argument("--reason", default="", help="kept in the `replay` events")
    aws_cloudhsm_state.add_kv_store_to(parser)
    return parser


class Desk(Protocol):
    """Where states are and requests wait; a state is called by its key."""

    def states(self) -> Iterator[tuple[str, GroupState]]:
        """Every state that can be read; the others are told on stderr."""

    def found(self, key: str, group: GroupId) -> Iterator[tuple[str, Request | CloudHsmError]]:
        """What waits there, by its name."""

    def write(self, key: str, request: Request) -> None: ...
    def withdraw(self, key: str, request: Request) -> None: ...

    def end(self, key: str, group: GroupId, wanted: str) -> int:
        """Take a replay out of the state, which no run may hold meanwhile; its records so far."""


class _Files:
    """The checkpoint folder of this host."""

    def __init__(self, given: Path | None) -> None:
        self._folder = _folder(given)

    def states(self) -> Iterator[tuple[str, GroupState]]:
        found = [*self._folder.glob("*.state"), *self._folder.glob("*.previous")]
        for path in sorted({one.with_suffix(".state") for one in found}):
            try:
                state = StateFile(path).load().state
            except CloudHsmError as error:
                show(error, sys.stderr)
                continue
            if state is not None:
                yield path.stem, state

    def found(self, key: str, group: GroupId) -> Iterator[tuple[str, Request | CloudHsmError]]:
        for file, request in replay_requests.found(self._path(key), group):
            yield file.name, request

    def write(self, key: str, request: Request) -> None:
        replay_requests.write(self._path(key), request)

    def withdraw(self, key: str, request: Request) -> None:
        replay_requests.path(self._path(key), request).unlink()

    def end(self, key: str, group: GroupId, wanted: str) -> int:  # noqa: ARG002  (a file tells)
        owner = self._folder.stat().st_uid
        if os.name != "nt" and owner != os.getuid():
            raise StateError(
                "A state that another user writes could not be read by Splunk any more",
                place=Place(file=str(self._folder)),
                next_step=f"Run this as the owner of the folder (user id {owner})",
            )
        with FileStateStore(self._folder).open(group, _ME) as file:
            return _without(file, wanted)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.state"


class _KvStore:
    """KV Store, as a person may use it."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._slots, self._owner = aws_cloudhsm_state.kv_store_as(asked)

    def states(self) -> Iterator[tuple[str, GroupState]]:
        from cloudhsm.state.kv_store import KvState, known  # splunklib, which files do without

        for key in known(self._slots):
            try:
                state = KvState(self._slots, key, None, self._owner).load().state
            except StateError as error:
                show(error, sys.stderr)
                continue
            if state is not None:
                yield key, state

    def found(self, key: str, group: GroupId) -> Iterator[tuple[str, Request | CloudHsmError]]:
        return self._requests(key, group).found()

    def write(self, key: str, request: Request) -> None:
        self._requests(key, request.group).write(request)

    def withdraw(self, key: str, request: Request) -> None:
        self._requests(key, request.group).discard(request)

    def end(self, key: str, group: GroupId, wanted: str) -> int:
        from cloudhsm.state.kv_store import KvState  # as above

        state = KvState(self._slots, key, group, self._owner)
        state.claim(_ME)
        try:
            return _without(state, wanted)
        finally:
            state.release()

    def _requests(self, key: str, group: GroupId) -> KvRequests:
        return KvRequests(self._slots, key, group)


def _without(file: Held, wanted: str) -> int:
    """The records of a replay that is in the state no more."""
    state = file.load().state
    if state is None:
        raise _refused("--cancel", "found no state any more", "See --list")
    ended = [one for one in state.progress.replays if one.id == wanted]
    state.progress.replays = [one for one in state.progress.replays if one.id != wanted]
    file.save(state)
    return sum(one.records for one in ended)


def _folder(given: Path | None) -> Path:
    """The checkpoint folder, which splunkd keeps in $SPLUNK_DB."""
    folder = given
    if folder is None:
        home, database = os.environ.get("SPLUNK_HOME"), os.environ.get("SPLUNK_DB")
        if not home and not database:
            raise _refused(
                "--folder", "is not given, nor SPLUNK_HOME set", "Start this by `splunk cmd python`"
            )
        base = Path(database) if database else Path(home or "") / "var" / "lib" / "splunk"
        folder = base / "modinputs" / arguments.SCHEME
    if not folder.is_dir():
        raise StateError(
            "There is no such checkpoint folder",
            place=Place(file=str(folder)),
            next_step="Run this on the host that collects the group, or name the --folder",
        )
    return folder


def _ask(desk: Desk, asked: argparse.Namespace) -> str:
    """Leave the request; returns what to tell."""
    now_ms = time.time_ns() // 1_000_000
    start_ms, end_ms = _range(asked.start, asked.end, now_ms)
    if len(asked.reason) > replay_requests.LONGEST_REASON:
        raise _refused(
            "--reason", "is too long", f"{replay_requests.LONGEST_REASON} characters are enough"
        )
    if asked.stream is not None and not replay_requests.is_stream(asked.stream):
        raise _refused("--stream", "is not the name of a log stream", "Write it as in hsm-ID")
    key, state = _state_of(desk, asked)
    request = Request(
        id=uuid.uuid4().hex,
        group=state.group,
        stream=asked.stream,
        start_ms=start_ms,
        end_ms=end_ms,
        requested_by=_user(),
        requested_ms=now_ms,
        reason=asked.reason,
    )
    desk.write(key, request)
    return (
        f"{request.id}: the next run of {state.stanza} collects {_what(request)} again.\n"
        f"Withdraw it with --cancel {request.id}; follow it with --list or the `replay` events."
    )


def _range(start: str | None, end: str | None, now_ms: int) -> tuple[int, int]:
    """Milliseconds since 1970, both inclusive."""
    start_ms, end_ms = _instant("--from", start, now_ms), _instant("--to", end, now_ms)
    if start_ms >= end_ms:
        raise _refused("--to", "is not after --from", "Give the earlier instant to --from")
    if end_ms > now_ms:
        raise _refused("--to", "lies in the future", "What is still to come is collected anyway")
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
    raise _refused(option, what, next_step)


def _state_of(desk: Desk, asked: argparse.Namespace) -> tuple[str, GroupState]:
    """The state of the one group that is meant."""
    states = [*desk.states()]
    matching = [
        (key, state)
        for key, state in states
        if state.group.name == asked.group
        and asked.account in (None, state.group.account)
        and asked.region in (None, state.group.region)
    ]
    if len(matching) == 1:
        return matching[0]
    if matching:
        whose = ", ".join(f"{one.group.account} in {one.group.region}" for _, one in matching)
        raise _refused("--group", f"is collected from {whose}", "Say which: --account, --region")
    known = ", ".join(sorted({state.group.name for _, state in states})) or "none"
    where = "" if asked.kvstore else "; where the input has state_store = kvstore, add --kvstore"
    raise _refused(
        "--group",
        f"{asked.group!r} is not collected here",
        f"Groups collected here: {known}{where}",
    )


def _listed(desk: Desk) -> Iterator[str]:
    for key, state in desk.states():
        for name, request in desk.found(key, state.group):
            if isinstance(request, Request):
                yield f"{request.id} waiting: {_what(request)}{_by(request)}"
            else:
                yield f"{name}: {request}"
        for one in state.progress.replays:
            part = 100 * (one.position_ms - one.start_ms) // max(1, one.end_ms - one.start_ms)
            yield (
                f"{one.id} under way, {part} % read, {one.records} records handed over: "
                f"{_what(_asked_for(one, state.group))}{_by(one)}"
            )


def _asked_for(one: Replay, group: GroupId) -> Request:
    return Request(
        one.id, group, one.stream, one.start_ms, one.end_ms, one.requested_by, 0, one.reason
    )


def _cancel(desk: Desk, wanted: str) -> str:
    """Withdraw a request; a replay under way ends, and what it handed over stays."""
    for key, state in desk.states():
        for _, request in desk.found(key, state.group):
            if isinstance(request, Request) and request.id == wanted:
                desk.withdraw(key, request)
                return f"{wanted}: withdrawn; nothing was collected again"
        if any(one.id == wanted for one in state.progress.replays):
            records = desk.end(key, state.group, wanted)
            return f"{wanted}: ended; {records} records were handed over again before"
    raise _refused("--cancel", f"{wanted!r} is neither waiting nor under way", "See --list")


def _what(request: Request) -> str:
    group = request.group
    stream = f" stream {request.stream}" if request.stream else ""
    return (
        f"{group.name}{stream} ({group.account}, {group.region}) "
        f"from {_utc(request.start_ms)} to {_utc(request.end_ms)}"
    )


def _by(asked: Request | Replay) -> str:
    reason = f": {asked.reason!r}" if asked.reason else ""
    return f", asked for by {asked.requested_by!r}{reason}"


def _utc(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _user() -> str:
    """Who is asking, from the system and not from variables that anybody can set."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows; a container may have no name for its user
        return os.environ.get("USERNAME", "unknown")[:200]


def _refused(option: str, what: str, next_step: str) -> SettingError:
    return SettingError(f"{option} {what}", next_step=next_step)


if __name__ == "__main__":
    os.umask(0o077)  # what it writes is for the user that runs Splunk alone
    sys.exit(main(sys.argv[1:]))
