"""Records written down by hand, briefly, in either generation: what a sample of a detection holds.

Keys of a line (seconds may be written 90s, 15m, -3d):

    at           when, from the scene's beginning                     0
    arrives      how much later than usual it comes to the index      0
    repeat       so many of it                                        1
    every        so far apart                                         0
    copies       how often each is delivered                          1
    cluster      a name; `payments` is cluster-likphkxygsn            payments
    hsm          a to e, or `all`: a, b and c, 0.1 s apart            a
    opcode       the operation
    response     success, busy, invalid_handle, key_access_denied, login_failure, policy,
                 quorum_missing, user_unknown, wrong_user_type        success
    user, user_type               who acts, in the older layout of logins and quorum
    target, target_type, target_id    who is made, changed or deleted
    user_id      the acting user's number, which only newer records have
    handle       the object of an operation upon one
    secret, public, mechanism     the handles of an operation that makes or moves keys
    operation, user_ids           sharing: SHARE or UNSHARE, and with which user
    sequence     the number from which this HSM's go on               1000
    reboot_counter                                                    0xe8
    command_type                                                      CN_MGMT_CMD
    session      the session handle
    clock        true: the HSM compares clocks
    certificate  an operation of the cluster's certificate store
    text         a record as it stands, instead of all this
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from samples import codes
from samples.codes import Coded, Response
from samples.details import (
    MINIMAL,
    ActingUser,
    ClockReading,
    Detail,
    KeyHandles,
    ManagedUser,
    OneHandle,
    Sharing,
    log_type_and_lines,
)
from samples.layout import Generation, Record, Separator, render
from samples.trail import LogEvent
from tools.detections.schema import seconds

RESPONSES = {
    "success": codes.SUCCESS,
    "busy": codes.BUSY,
    "invalid_handle": codes.INVALID_HANDLE,
    "key_access_denied": codes.KEY_ACCESS_DENIED,
    "login_failure": codes.LOGIN_FAILURE,
    "policy": codes.POLICY_VIOLATION,
    "quorum_missing": codes.QUORUM_MISSING,
    "user_unknown": codes.USER_UNKNOWN,
    "wrong_user_type": codes.INVALID_USER_TYPE,
}
_CLUSTER = "cluster-likphkxygsn"
_HSMS = {
    "a": "hsm-nwbbiqbj4jk",
    "b": "hsm-lkkzg5zyhxp",
    "c": "hsm-oi47jwdjnxa",
    "d": "hsm-qygzlfkuz4z",
    "e": "hsm-xey2wcuc2kf",
}
_ALL = ("a", "b", "c")
_CODED = {one.name: one for one in vars(codes).values() if isinstance(one, Coded)}
# What AWS names and no source gives a number for; in samples.codes such numbers are stand-ins too.
_STAND_IN = 0x9F00
_ID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_MANAGING = re.compile(r"CN_(?:CREATE_(?:USER|CO|APPLIANCE_USER)|DELETE_USER|CHANGE_PSWD)")


@dataclass(frozen=True)
class Line:
    """One record to be written; the keys are explained above."""

    at: float = 0.0
    arrives: float = 0.0
    copies: int = 1
    cluster: str = "payments"
    hsm: str = "a"
    opcode: str = ""
    response: str = "success"
    user: str = ""
    user_type: str = "CN_CRYPTO_USER"
    target: str = ""
    target_type: str = "CN_CRYPTO_USER"
    target_id: int = 0
    user_id: int | None = None
    handle: int | None = None
    secret: int | None = None
    public: int = 0
    mechanism: int | None = None
    operation: str = ""
    user_ids: int = 0
    sequence: int | None = None
    reboot_counter: int = 0xE8
    command_type: str = "CN_MGMT_CMD"
    session: int = 0x7014006
    clock: bool = False
    certificate: str = ""
    text: str = ""


_TYPES = get_type_hints(Line)


def cluster_id(name: str) -> str:
    """The id of a cluster by its name."""
    return _CLUSTER if name == "payments" else f"cluster-{_id_of(name)}"


def hsm_id(cluster: str, name: str) -> str:
    """The id of an HSM by its letter. Raises ValueError for another one."""
    if name not in _HSMS:
        raise ValueError(f"hsm: {name!r} is none of {', '.join(_HSMS)} or all")
    return _HSMS[name] if cluster == "payments" else f"hsm-{_id_of(cluster + name)}"


def lines_of(written: Mapping[str, Any]) -> list[Line]:
    """The lines that a mapping stands for: its repeats, on each of its HSMs.

    Raises ValueError for an unknown key and a wrong value, naming both.
    """
    given = dict(written)
    repeat, every = given.pop("repeat", 1), duration("every", given.pop("every", 0))
    if not isinstance(repeat, int) or repeat < 1:
        raise ValueError(f"repeat: {repeat!r} is no number of records")
    line = _line(given)
    hsms = _ALL if line.hsm == "all" else (line.hsm,)
    return [
        replace(line, at=line.at + number * every + place / 10, hsm=hsm)
        for number in range(repeat)
        for place, hsm in enumerate(hsms)
    ]


def duration(key: str, value: object) -> float:
    """Seconds, or a text such as 90s or -3d. Raises ValueError that names the key."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return seconds(str(value))
    except ValueError as error:
        raise ValueError(f"{key}: {value!r}: {error}") from error


def write(
    lines: Iterable[Line], generation: Generation, start_usecs: int
) -> Iterator[tuple[float, LogEvent]]:
    """The records in the order of time, each with the epoch second in which it can be read.

    Raises ValueError for a line that no record can be made of.
    """
    numbers: dict[str, int] = {}
    for line in sorted(lines, key=lambda one: one.at):
        usecs = start_usecs + round(line.at * 1_000_000)
        cluster = cluster_id(line.cluster)
        stream = cluster if line.certificate else hsm_id(line.cluster, line.hsm)
        message = _message(line, generation, usecs, numbers)
        event = LogEvent(f"/aws/cloudhsm/{cluster}", stream, usecs // 1000 + 900, message)
        for _ in range(line.copies):
            yield event.timestamp_ms / 1000 + line.arrives, event


def _line(given: Mapping[str, Any]) -> Line:
    unknown = sorted(set(given) - set(_TYPES))
    if unknown:
        raise ValueError(f"{unknown[0]} is no key of a record; known: {', '.join(_TYPES)}")
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key in {"at", "arrives"}:
            values[key] = duration(key, value)
        elif key == "user_ids" and isinstance(value, list) and len(value) == 1:
            values[key] = value[0]
        elif not _fits(value, _TYPES[key]):
            raise ValueError(f"{key}: {value!r} is of another type than this key")
        else:
            values[key] = value
    if not (values.keys() & {"opcode", "certificate", "text", "clock"}):
        raise ValueError("a record needs an opcode (or certificate, text, clock)")
    return Line(**values)


def _fits(value: object, wanted: object) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, int if wanted in (int, int | None) else str)


def _message(line: Line, generation: Generation, usecs: int, numbers: dict[str, int]) -> str:
    if line.text:
        return line.text
    if line.certificate:
        return _certificate(line, usecs)
    stream = hsm_id(line.cluster, line.hsm)
    number = numbers.get(stream, 1000) if line.sequence is None else line.sequence
    numbers[stream] = number + 1
    detail = ClockReading(1500, 12) if line.clock else _detail(line)
    log_type, rest = log_type_and_lines(detail, generation, usecs)
    command_type = "TIME_INFO_CMD" if line.clock else line.command_type
    record = Record(
        usecs=usecs,
        sequence=number,
        reboot_counter=line.reboot_counter,
        command_type=_coded(command_type),
        opcode=_coded(line.opcode or "UNKNOWN_OPCODE"),
        session_handle=line.session,
        response=_response(line.response),
        log_type=log_type,
        lines=rest,
        user_id=line.user_id,
    )
    return render(record, generation, Separator.SPACE)


def _detail(line: Line) -> Detail:
    if line.operation:
        return Sharing(line.handle or 0, _coded(line.operation), line.user_ids)
    if line.target:
        return ManagedUser(line.target, _coded(line.target_type), line.target_id)
    if _MANAGING.fullmatch(line.opcode):
        raise ValueError(f"{line.opcode}: needs target, the user whom it concerns")
    if line.user:
        return ActingUser(line.user, _coded(line.user_type))
    if line.secret is not None:
        return KeyHandles(line.secret, line.public, line.mechanism)
    return MINIMAL if line.handle is None else OneHandle(line.handle)


def _certificate(line: Line, usecs: int) -> str:
    content = {
        "object_handle": line.handle or 4_611_686_018_427_388_000,
        "op_code": line.certificate,
        "response": "OK" if line.response == "success" else "InternalFailure",
        "attributes": None,
        "timestamp": usecs // 1000,
    }
    return json.dumps(content)


def _coded(name: str) -> Coded:
    return _CODED.get(name) or Coded(name, _STAND_IN + len(name), public=False)


def _response(name: str) -> Response:
    found = RESPONSES.get(name)
    if found is None:
        raise ValueError(f"response: {name!r} is none of {', '.join(RESPONSES)}")
    return found


def _id_of(name: str) -> str:
    """Eleven characters that ids may have, from the name's own."""
    places: Sequence[int] = [*name.encode(), *range(11)]
    return "".join(_ID_ALPHABET[place % len(_ID_ALPHABET)] for place in places[:11])
