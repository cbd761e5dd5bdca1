"""Has a stretch of a log group collected again, e.g. after an index was lost.

    splunk cmd python aws_cloudhsm_replay.py --group /aws/cloudhsm/cluster-ID
        --from 2026-01-31T08:00:00Z --to 2026-01-31T12:00:00Z
        [--stream HSM] [--account ID] [--region R] [--reason TEXT]
    splunk cmd python aws_cloudhsm_replay.py --list
    splunk cmd python aws_cloudhsm_replay.py --cancel ID

The next run of the input reads the range again and hands over every record that CloudWatch Logs
still keeps, marked by `replay` events. Times are CloudWatch's, both ends included, UTC unless an
offset is given. Records that the index still has are then there twice: the macro `cloudhsm_dedup`
removes the repeats from a search. Run this on the host that collects the group, as the user that
runs Splunk.
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

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cloudhsm import arguments, replay, settings
from cloudhsm.errors import CloudHsmError, Place, SettingError, StateError
from cloudhsm.log_group import GroupId
from cloudhsm.plan import Replay
from cloudhsm.replay import Request
from cloudhsm.state import GroupState
from cloudhsm.state_store import FileStateStore, StateFile


def main(arguments: list[str]) -> int:
    """Returns 0, or 1 when what was asked for could not be done."""
    asked = _parser().parse_args(arguments)
    try:
        folder = _folder(asked.folder)
        if asked.list:
            print("\n".join(_listed(folder)) or "No replay is waiting or under way.")
        elif asked.cancel:
            print(_cancel(folder, asked.cancel))
        else:
            print(_ask(folder, asked))
    except (CloudHsmError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws_cloudhsm_replay.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
    return parser


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


def _ask(folder: Path, asked: argparse.Namespace) -> str:
    """Leave the request; returns what to tell."""
    now_ms = time.time_ns() // 1_000_000
    start_ms, end_ms = _range(asked.start, asked.end, now_ms)
    if len(asked.reason) > replay.LONGEST_REASON:
        raise _refused("--reason", "is too long", f"{replay.LONGEST_REASON} characters are enough")
    if asked.stream is not None and not replay.is_stream(asked.stream):
        raise _refused("--stream", "is not the name of a log stream", "Write it as in hsm-ID")
    state_path, state = _state_of(folder, asked.group, asked.account, asked.region)
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
    replay.write(state_path, request)
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


def _state_of(
    folder: Path, name: str, account: str | None, region: str | None
) -> tuple[Path, GroupState]:
    """The state of the one group that is meant."""
    states = [*_states(folder)]
    matching = [
        (path, state)
        for path, state in states
        if state.group.name == name
        and account in (None, state.group.account)
        and region in (None, state.group.region)
    ]
    if len(matching) == 1:
        return matching[0]
    if matching:
        whose = ", ".join(f"{one.group.account} in {one.group.region}" for _, one in matching)
        raise _refused("--group", f"is collected from {whose}", "Say which: --account, --region")
    known = ", ".join(sorted({state.group.name for _, state in states})) or "none"
    raise _refused("--group", f"{name!r} is not collected here", f"Groups collected here: {known}")


def _states(folder: Path) -> Iterator[tuple[Path, GroupState]]:
    """Every state that can be read; the others are told on stderr."""
    found = [*folder.glob("*.state"), *folder.glob("*.previous")]
    for path in sorted({one.with_suffix(".state") for one in found}):
        try:
            state = StateFile(path).load().state
        except CloudHsmError as error:
            print(error, file=sys.stderr)
            continue
        if state is not None:
            yield path, state


def _listed(folder: Path) -> Iterator[str]:
    for path, state in _states(folder):
        for file, request in replay.found(path, state.group):
            if isinstance(request, Request):
                yield f"{request.id} waiting: {_what(request)}{_by(request)}"
            else:
                yield f"{file.name}: {request}"
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


def _cancel(folder: Path, wanted: str) -> str:
    """Withdraw a request; a replay under way ends, and what it handed over stays."""
    for path, state in _states(folder):
        for _, request in replay.found(path, state.group):
            if isinstance(request, Request) and request.id == wanted:
                replay.path(path, request).unlink()
                return f"{wanted}: withdrawn; nothing was collected again"
        if any(one.id == wanted for one in state.progress.replays):
            return _end(folder, state.group, wanted)
    raise _refused("--cancel", f"{wanted!r} is neither waiting nor under way", "See --list")


def _end(folder: Path, group: GroupId, wanted: str) -> str:
    """Take a replay out of the state, which no run may hold meanwhile."""
    owner = folder.stat().st_uid
    if os.name != "nt" and owner != os.getuid():
        raise StateError(
            "A state that another user writes could not be read by Splunk any more",
            place=Place(file=str(folder)),
            next_step=f"Run this as the owner of the folder (user id {owner})",
        )
    with FileStateStore(folder).open(group, "aws_cloudhsm_replay.py") as file:
        state = file.load().state
        if state is None:
            raise _refused("--cancel", "found no state any more", "See --list")
        ended = [one for one in state.progress.replays if one.id == wanted]
        state.progress.replays = [one for one in state.progress.replays if one.id != wanted]
        file.save(state)
    records = sum(one.records for one in ended)
    return f"{wanted}: ended; {records} records were handed over again before"


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
    sys.exit(main(sys.argv[1:]))
