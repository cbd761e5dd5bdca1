"""The HTTP Event Collector's event endpoint: JSON objects, one behind the other.

Source: Getting Data In, "Format events for HTTP Event Collector".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from emulator.errors import StreamError
from emulator.event import IndexedEvent
from emulator.index_time.indexing import Clock, IndexRules, Origin, indexed

_ORIGIN_KEYS = frozenset({"host", "source", "sourcetype", "index"})
_KEYS = _ORIGIN_KEYS | {"event", "time", "fields"}
_TIME = re.compile(r'"?(\d{1,11})(?:\.(\d{1,6})0*)?"?')
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODE = json.JSONDecoder()

# A key's value, and how it is written in the body.
_Spelled = tuple[object, str]


def hec_events(
    body: str, token: Origin, rules_of: Callable[[Origin], IndexRules], clock: Clock
) -> Iterator[IndexedEvent]:
    """The events of a request's body; `token` holds what the token says where an object does not.

    Raises StreamError, with the number of the object, behind the events before it.
    """
    for number, members in enumerate(_objects(body), start=1):
        try:
            yield _event(members, token, rules_of, clock)
        except StreamError as error:
            raise StreamError(f"HEC body, object {number}: {error}") from error


def _event(
    members: dict[str, _Spelled],
    token: Origin,
    rules_of: Callable[[Origin], IndexRules],
    clock: Clock,
) -> IndexedEvent:
    unknown = sorted(set(members) - _KEYS)
    if unknown:
        raise StreamError(f"unknown keys {', '.join(unknown)}: put them into event")
    if "fields" in members:
        raise StreamError("fields (indexed fields) are not modelled")
    said = {key: _text(key, members[key][0]) for key in _ORIGIN_KEYS & set(members)}
    origin = replace(token, **said)
    usecs = _usecs(members["time"][1]) if "time" in members else clock()
    return indexed(_raw(members), origin, rules_of(origin), usecs)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise StreamError(f"{key} must be text")
    return value


def _raw(members: dict[str, _Spelled]) -> str:
    if "event" not in members:
        raise StreamError("Event field is required")
    value, spelled = members["event"]
    if value == "":
        raise StreamError("Event field cannot be blank")
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (dict, int, float)):
        raise StreamError("event is modelled as text, a number or a JSON object")
    return spelled


def _usecs(spelled: str) -> int:
    found = _TIME.fullmatch(spelled)
    if not found:
        raise StreamError(f"time {spelled[:40]} is not epoch seconds with at most 6 decimals")
    return int(found[1]) * 1_000_000 + int(f"{found[2] or '':0<6}")


def _objects(body: str) -> Iterator[dict[str, _Spelled]]:
    at, number = _blank(body, 0), 1
    while at < len(body):
        if body[at] != "{":
            raise StreamError(f"HEC body, object {number}: expected '{{', found {body[at]!r}")
        try:
            members, at = _members(body, at)
        except (ValueError, IndexError, RecursionError) as error:
            raise StreamError(f"HEC body, object {number}: no JSON: {error}") from error
        yield members
        at, number = _blank(body, at), number + 1


def _members(body: str, at: int) -> tuple[dict[str, _Spelled], int]:
    """The members of the object that begins at `at`, and where it ends. Raises ValueError."""
    _whole, end = _DECODE.raw_decode(body, at)  # from here on it is known to be JSON
    members: dict[str, _Spelled] = {}
    at = _blank(body, at + 1)
    while body[at] != "}":
        key, at = _DECODE.raw_decode(body, at)
        at = _blank(body, _blank(body, at) + 1)
        value, behind = _DECODE.raw_decode(body, at)
        if key in members:
            raise ValueError(f"the key {key} stands twice")
        members[key] = (value, body[at:behind])
        at = _blank(body, behind)
        if body[at] == ",":
            at = _blank(body, at + 1)
    return members, end


def _blank(body: str, at: int) -> int:
    found = _BLANK.match(body, at)
    return found.end() if found else at
