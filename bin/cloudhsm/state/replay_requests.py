"""What people asked to have collected again: requests that wait beside a group's state.

A request is a JSON file, `<stem of the state>.replay-<id>`, which `aws_cloudhsm_replay.py` leaves
and the next run of the input adopts into the state. (Where the state is in KV Store, so are its
requests: see `kv_requests`.) Version 1::

    {"version": 1, "id": 32 hexadecimal digits,
     "group": {"partition", "account", "region", "name"},
     "stream": the log stream, or null for all of the group,
     "start_ms", "end_ms": milliseconds since 1970 UTC by CloudWatch's time, both inclusive,
     "requested_by": user of the operating system, "requested_ms", "reason"}

What is no such file is renamed to `...rejected`, where people find it and runs do not.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Union

from cloudhsm.base.errors import CloudHsmError, Place, StateError
from cloudhsm.trail.log_group import GroupId

VERSION = 1
LONGEST_REASON = 500

log = logging.getLogger("cloudhsm")

_MOST_BYTES = 65_536
_ID = re.compile(r"[0-9a-f]{32}")
# The year 9999, far above any timestamp and far below what JSON readers round.
_LATEST_MS = 253_402_300_799_999
_STREAM = re.compile(r"[^:*]{1,512}")


class RequestRejected(CloudHsmError):
    """A file that looks like a request for a replay is none."""


@dataclass(frozen=True)
class Request:
    """One wish: a log group, or one of its streams, and a range of time (ms, both inclusive)."""

    id: str
    group: GroupId
    stream: str | None
    start_ms: int
    end_ms: int
    requested_by: str
    requested_ms: int
    reason: str


Found = tuple[Path, Union[Request, CloudHsmError]]


def path(state_path: Path, request: Request) -> Path:
    """Where the request waits."""
    return state_path.with_suffix(f".replay-{request.id}")


def is_stream(name: str) -> bool:
    """Whether CloudWatch Logs allows a log stream of this name."""
    return _STREAM.fullmatch(name) is not None


def write(state_path: Path, request: Request) -> Path:
    """Leave a request for the next run, whole or not at all. Raises StateError."""
    target = path(state_path, request)
    temporary = state_path.with_suffix(f".new-replay-{request.id}")
    try:
        with temporary.open("w", encoding="ascii") as file:
            json.dump(document(request), file)
            file.flush()
            os.fsync(file.fileno())
        # Whoever asks, perhaps root: the user that runs Splunk must be able to read it.
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StateError(
            f"The request cannot be written: {error}",
            place=Place(file=str(target)),
            next_step="Run this as the user that runs Splunk, on the host that collects the group",
        ) from error
    return target


def document(request: Request) -> dict[str, Any]:
    """The request as it is written, wherever it waits."""
    return {"version": VERSION, **asdict(request)}


def understood(written: Any, place: Place, group: GroupId | None) -> Request:  # noqa: ANN401
    """What `document` made, read again; `group`, where known, is what it must name.

    Raises RequestRejected for anything else.
    """
    try:
        request = _from_json(written)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _rejected(place, f"it does not hold one: {error!r}") from error
    if group is not None and request.group != group:
        raise _rejected(place, f"it is for {request.group.name} in {request.group.account}")
    return request


def waiting(state_path: Path, group: GroupId | None = None) -> list[Request]:
    """The requests for a group, oldest first; `group`, where known, is what they must name.

    Whatever else lies there is set aside and told in the log: nobody's slip may stop collection.
    """
    requests = []
    for file, request in found(state_path, group):
        if isinstance(request, Request):
            requests.append(request)
        else:
            log.error("%s", request.line())
            _set_aside(file)
    return sorted(requests, key=lambda one: (one.requested_ms, one.id))


def found(state_path: Path, group: GroupId | None = None) -> Iterator[Found]:
    """Every file that poses as a request for this group, read or with what is wrong with it."""
    try:
        files = sorted(state_path.parent.glob(f"{state_path.stem}.replay-*"))
    except OSError:  # the state itself will tell
        return
    for file in files:
        if file.suffix != ".rejected":
            try:
                yield file, _read(file, group)
            except FileNotFoundError:  # cancelled this moment
                continue
            except CloudHsmError as error:
                yield file, error


def discard(state_path: Path, request: Request) -> None:
    """The request need not wait any longer: it was adopted, or nobody wants it any more."""
    target = path(state_path, request)
    try:
        target.unlink(missing_ok=True)
    except OSError as error:
        told = StateError(
            f"A request that was adopted cannot be removed: {error}",
            place=Place(file=str(target)),
            next_step="Remove this file, lest the same be collected again and again",
        )
        log.error("%s", told.line())


def _read(file: Path, group: GroupId | None) -> Request:
    """Raises RequestRejected for what `write` did not write, FileNotFoundError."""
    place = Place(file=str(file))
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _rejected(place, f"it cannot be read: {error}") from error
    try:
        written = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _rejected(place, f"it does not hold one: {error!r}") from error
    request = understood(written, place, group)
    if file.suffix != f".replay-{request.id}":
        raise _rejected(place, "its name and its id differ")
    return request


def _from_json(document: dict[str, Any]) -> Request:
    if document["version"] != VERSION:
        raise ValueError(f"its version is {document['version']!r}, not {VERSION}")
    known = {field.name for field in fields(Request)}
    if unknown := sorted(document.keys() - known - {"version"}):
        raise ValueError(f"it has unknown keys {unknown}")
    group = document["group"]
    request = Request(
        _text(document, "id", 32),
        GroupId(**{part.name: _text(group, part.name, 512) for part in fields(GroupId)}),
        None if document["stream"] is None else _text(document, "stream", 512),
        _instant(document, "start_ms"),
        _instant(document, "end_ms"),
        _text(document, "requested_by", 200),
        _instant(document, "requested_ms"),
        _text(document, "reason", LONGEST_REASON, least=0),
    )
    if not _ID.fullmatch(request.id):
        raise ValueError("its id is not 32 hexadecimal digits")
    if request.start_ms > request.end_ms:
        raise ValueError("its range ends before it begins")
    if request.stream is not None and not is_stream(request.stream):
        raise ValueError("its stream is not the name of one")
    return request


def _text(document: dict[str, Any], key: str, most: int, *, least: int = 1) -> str:
    value = document[key]
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise ValueError(f"its {key} is not a text of {least} to {most} characters")
    return value


def _instant(document: dict[str, Any], key: str) -> int:
    value = document[key]
    if type(value) is not int or not 0 <= value <= _LATEST_MS:
        raise ValueError(f"its {key} is not a number of milliseconds since 1970")
    return value


def _rejected(place: Place, why: str) -> RequestRejected:
    return RequestRejected(
        f"This is no request for a replay: {why}",
        place=place,
        next_step="Ask again with aws_cloudhsm_replay.py; a run sets this aside as rejected",
    )


def _set_aside(file: Path) -> None:
    with suppress(OSError):  # then it is told again by the next run
        file.replace(file.with_name(f"{file.name}.rejected"))
