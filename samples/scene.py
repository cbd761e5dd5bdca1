"""Single records from short lines, in either generation of the records.

Keys of a line, with what they are if left out (durations: seconds, or 90s, 15m, 2h, -3d):

    at           when, from the scene's beginning                     0
    arrives      how much later than usual it can be read             0
    repeat       number of records                                    1
    every        time between two repeats                             0
    rising       added to the handle with each repeat                 0
    copies       how often each is delivered                          1
    cluster      any name; `payments` is cluster-likphkxygsn          payments
    hsm          a to e, or `all`: a, b and c, every 0.1 s            a
    opcode       the operation: a name of mappings/operations.yaml
    response     a word of samples.vocabulary or a text of mappings/responses.yaml   success
    user, user_type                  acting user: logins, logouts, quorum  CN_CRYPTO_USER
    target, target_type, target_id   user created, changed or deleted      CN_CRYPTO_USER, 0
    user_id      the acting user's number, which only newer records have
    handle       the object of an operation upon one
    secret, public, mechanism        the handles of an operation that makes or moves keys
    operation, user_ids              sharing: SHARE or UNSHARE, and with which user
    sequence     the number from which this HSM's go on               1000 at first
    lost         sequence numbers of this HSM skipped before it       0
    reboot_counter                                                    0xe8
    command_type a name of mappings/command_types.yaml                CN_MGMT_CMD
    session      the session handle                                   0x7014006
    clock        true: the HSM compares clocks
    certificate  CreateObject, DestroyObject or SetAttributeValues in the cluster's own stream
    text         the complete text of a record, instead of all this

A number that is not public is a stand-in, as in `samples.codes`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from samples import codes
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
from samples.trail import TrailEvent
from samples.vocabulary import (
    CERTIFICATE_OPERATIONS,
    CERTIFICATE_RESPONSES,
    COMMAND_TYPES,
    OPCODES,
    OPERATIONS,
    USER_TYPES,
    look_up,
    no_such,
    response,
)

FIRST_SEQUENCE = 1000
_MAIN_CLUSTER = "payments"
_MAIN_CLUSTER_ID = "cluster-likphkxygsn"
_HSMS = {
    "a": "hsm-nwbbiqbj4jk",
    "b": "hsm-lkkzg5zyhxp",
    "c": "hsm-oi47jwdjnxa",
    "d": "hsm-qygzlfkuz4z",
    "e": "hsm-xey2wcuc2kf",
}
_EVERY_HSM = ("a", "b", "c")
_BETWEEN_HSMS_S = 0.1
# What CloudWatch's timestamp means is not public; here it is this much after the record's time.
_DELIVERY_MS = 900
_CERTIFICATE_HANDLE = 4_611_686_018_427_388_000
_ID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 11
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)([smhd])")
_DURATIONS = {"at", "arrives", "every"}
_KINDS = ("opcode", "certificate", "text", "clock")
_MANAGING = re.compile(r"CN_(?:CREATE_(?:USER|CO|APPLIANCE_USER)|DELETE_USER|CHANGE_PSWD)")
_LEAST = {"repeat": 1, "copies": 1}
# Keys that have no effect without another key.
_NEEDS = {
    "every": "repeat",
    "rising": "repeat",
    "mechanism": "secret",
    "target_id": "target",
    "target_type": "target",
    "user_ids": "operation",
    "user_type": "user",
}
_SPOKEN = {bool: "truth value", int: "whole number", str: "text"}
_SHOWN = 120


@dataclass(frozen=True)
class Line:
    """One record to be written, or several alike; the keys are explained above."""

    at: float = 0.0
    arrives: float = 0.0
    repeat: int = 1
    every: float = 0.0
    rising: int = 0
    copies: int = 1
    cluster: str = _MAIN_CLUSTER
    hsm: str = "a"
    opcode: str = ""
    response: str = "success"
    user: str = ""
    user_type: str = codes.CRYPTO_USER.name
    target: str = ""
    target_type: str = codes.CRYPTO_USER.name
    target_id: int = 0
    user_id: int | None = None
    handle: int | None = None
    secret: int | None = None
    public: int = 0
    mechanism: int | None = None
    operation: str = ""
    user_ids: int = 0
    sequence: int | None = None
    lost: int = 0
    reboot_counter: int = 0xE8
    command_type: str = codes.MGMT_CMD.name
    session: int = 0x7014006
    clock: bool = False
    certificate: str = ""
    text: str = ""


_TYPES = get_type_hints(Line)


def from_mapping(written: Mapping[str, object]) -> Line:
    """A line as YAML gives it.

    Raises ValueError for an unknown key, a value of another type or a number too small, naming the
    record, the key and the value.
    """
    try:
        return Line(**_values(written))
    except ValueError as error:
        raise ValueError(f"record {_shown(written)}: {error}") from error


def duration(key: str, value: object) -> float:
    """Seconds, or a text such as 90s or -3d. Raises ValueError that names the key."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError(f"{key}: {value!r} is no time")
        return float(value)
    match = _DURATION.fullmatch(str(value))
    if not match:
        raise ValueError(f"{key}: {value!r}: write seconds, or 90s, 15m, 3h, 30d")
    return float(match[1]) * _UNITS_S[match[2]]


def cluster_id(name: str) -> str:
    """The id of a cluster by its name; always the same."""
    return _MAIN_CLUSTER_ID if name == _MAIN_CLUSTER else f"cluster-{_id_of(name)}"


def hsm_id(cluster: str, name: str) -> str:
    """The id of an HSM by its letter; always the same. Raises ValueError for another letter."""
    own = look_up("hsm", name, _HSMS)
    return own if cluster == _MAIN_CLUSTER else f"hsm-{_id_of(f'{cluster}/{name}')}"


def write(lines: Iterable[Line], generation: Generation, start_usecs: int) -> list[TrailEvent]:
    """The records in the order of their time, each as often as it is delivered.

    `start_usecs`: the scene's beginning, in microseconds since 1970. Raises ValueError for a line
    that no record can be made of, naming the line and the wrong word.
    """
    return [event for _second, event in Scene(generation, start_usecs).arrivals(lines)]


class Scene:
    """HSMs whose sequence numbers go on from one writing to the next."""

    def __init__(self, generation: Generation, start_usecs: int) -> None:
        self._generation = generation
        self._start_usecs = start_usecs
        self._next: dict[str, int] = {}

    def arrivals(self, lines: Iterable[Line]) -> Iterator[tuple[float, TrailEvent]]:
        """As `write`, each record with the epoch second in which it can be read."""
        single: list[tuple[int, Line]] = []
        for number, line in enumerate(lines, 1):
            with _naming(number, line):
                single += [(number, repeated) for repeated in _single(line)]
        for number, line in sorted(single, key=lambda item: item[1].at):
            with _naming(number, line):
                event = self._event(line)
            for _ in range(line.copies):
                yield event.timestamp_ms / 1000 + line.arrives, event

    def _event(self, line: Line) -> TrailEvent:
        usecs = self._start_usecs + round(line.at * 1_000_000)
        cluster = cluster_id(line.cluster)
        stream = cluster if line.certificate else hsm_id(line.cluster, line.hsm)
        message = self._message(line, stream, usecs)
        timestamp_ms = usecs // 1000 + _DELIVERY_MS
        return TrailEvent(f"/aws/cloudhsm/{cluster}", stream, timestamp_ms, message)

    def _message(self, line: Line, stream: str, usecs: int) -> str:
        if line.text:
            return line.text
        if line.certificate:
            return _certificate(line, usecs)
        detail = ClockReading(1500, 12) if line.clock else _detail(line)
        log_type, rest = log_type_and_lines(detail, self._generation, usecs)
        record = Record(
            usecs=usecs,
            sequence=self._number(line, stream),
            reboot_counter=line.reboot_counter,
            command_type=look_up("command_type", _command_type(line), COMMAND_TYPES),
            opcode=look_up("opcode", line.opcode or codes.UNKNOWN_OPCODE.name, OPCODES),
            session_handle=line.session,
            response=response(line.response),
            log_type=log_type,
            lines=rest,
            user_id=line.user_id,
        )
        return render(record, self._generation, Separator.SPACE)

    def _number(self, line: Line, stream: str) -> int:
        number = self._next.get(stream, FIRST_SEQUENCE) if line.sequence is None else line.sequence
        self._next[stream] = number + line.lost + 1
        return number + line.lost


@contextmanager
def _naming(number: int, line: Line) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        what = line.opcode or line.certificate or ("clock" if line.clock else "text")
        raise ValueError(f"line {number} ({what} at {line.at:g} s): {error}") from error


def _single(line: Line) -> Iterator[Line]:
    """Each repeat on each of its HSMs; `sequence` and `lost` belong to the first repeat."""
    _check_kind(line)
    if line.repeat < 1 or line.copies < 1 or line.lost < 0:
        raise ValueError("repeat and copies are at least 1, lost at least 0")
    hsms = _EVERY_HSM if line.hsm == "all" else (line.hsm,)
    for repeat in range(line.repeat):
        for index, hsm in enumerate(hsms):
            at = line.at + repeat * line.every + index * _BETWEEN_HSMS_S
            repeated = replace(_risen(line, repeat * line.rising), at=at, hsm=hsm)
            yield replace(repeated, sequence=None, lost=0) if repeat else repeated


def _risen(line: Line, by: int) -> Line:
    """The line about another key: its handles are higher."""
    return replace(
        line,
        handle=None if line.handle is None else line.handle + by,
        secret=None if line.secret is None else line.secret + by,
    )


def _check_kind(line: Line) -> None:
    kinds = [kind for kind in _KINDS if getattr(line, kind)]
    if not kinds or (len(kinds) > 1 and kinds != ["opcode", "clock"]):
        suffix = f", not {' and '.join(kinds)}" if kinds else ""
        raise ValueError(f"a record needs one of {', '.join(_KINDS)}{suffix}")


def _detail(line: Line) -> Detail:
    details = list(_details(line))
    if len(details) > 1:
        raise ValueError(
            "user, target, handle and secret are of different records: one of them has no place"
        )
    if _MANAGING.fullmatch(line.opcode) and not line.target:
        raise ValueError(f"target: {line.opcode} needs the user whom it concerns")
    return details[0] if details else MINIMAL


def _details(line: Line) -> Iterator[Detail]:
    if line.user:
        yield ActingUser(line.user, look_up("user_type", line.user_type, USER_TYPES))
    if line.target:
        user_type = look_up("target_type", line.target_type, USER_TYPES)
        yield ManagedUser(line.target, user_type, line.target_id)
    if line.secret is not None or line.public:
        yield KeyHandles(line.secret or 0, line.public, line.mechanism)
    if line.operation:
        operation = look_up("operation", line.operation, OPERATIONS)
        yield Sharing(line.handle or 0, operation, line.user_ids)
    elif line.handle is not None:
        yield OneHandle(line.handle)


def _command_type(line: Line) -> str:
    return codes.TIME_INFO_CMD.name if line.clock else line.command_type


def _certificate(line: Line, usecs: int) -> str:
    if line.certificate not in CERTIFICATE_OPERATIONS:
        raise ValueError(f"certificate: {no_such(line.certificate, CERTIFICATE_OPERATIONS)}")
    content = {
        "object_handle": _CERTIFICATE_HANDLE if line.handle is None else line.handle,
        "op_code": line.certificate,
        "response": look_up("response", line.response, CERTIFICATE_RESPONSES),
        "attributes": ["Label"] if line.certificate == "SetAttributeValues" else None,
        "timestamp": usecs // 1000,
    }
    return json.dumps(content)


def _values(written: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in written.items():
        if key not in _TYPES:
            known = ", ".join(_TYPES)
            raise ValueError(f"{key} is no key of a record; known: {known}")
        values[key] = _value(key, value)
    for key, needed in _NEEDS.items():
        if key in values and needed not in values:
            raise ValueError(f"{key} has no effect without {needed}")
    return values


def _value(key: str, value: object) -> object:
    if key in _DURATIONS:
        return duration(key, value)
    if key == "user_ids" and isinstance(value, list) and len(value) == 1:
        value = value[0]
    expected = next(kind for kind in (bool, int, str) if _TYPES[key] in (kind, kind | None))
    if type(value) is not expected:
        raise ValueError(f"{key}: {value!r} is no {_SPOKEN[expected]}")
    if isinstance(value, int) and value < _LEAST.get(key, 0):
        raise ValueError(f"{key}: {value} is less than {_LEAST.get(key, 0)}")
    return value


def _shown(written: Mapping[str, object]) -> str:
    text = ", ".join(f"{key}: {value}" for key, value in written.items())
    return f"{{{text if len(text) <= _SHOWN else text[:_SHOWN] + ' ...'}}}"


def _id_of(name: str) -> str:
    digest = hashlib.sha256(name.encode()).digest()
    return "".join(_ID_ALPHABET[byte % len(_ID_ALPHABET)] for byte in digest[:_ID_LENGTH])
