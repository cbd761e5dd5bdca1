"""The HTTP Event Collector's event endpoint: JSON objects, one after the other.

Source: Getting Data In, "Format events for HTTP Event Collector".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from emulator.errors import StreamError
from emulator.event import IndexedEvent
from emulator.index_time.indexing import Clock, IndexRules, InputMetadata, indexed

_METADATA_KEYS = frozenset({"host", "source", "sourcetype", "index"})
_KEYS = _METADATA_KEYS | {"event", "time", "fields"}
_TIME = re.compile(r'"?(\d{1,11})(?:\.(\d{1,6})0*)?"?')
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODE = json.JSONDecoder()

# A key's value, and how it is written in the body.
_JsonValue = tuple[object, str]


def hec_events(
    body: str, token: InputMetadata, rules_of: Callable[[InputMetadata], IndexRules], clock: Clock
) -> Iterator[IndexedEvent]:
    """The events of a request's body; `token` is used where an object sets nothing.

    Raises StreamError, with the number of the object, after the events before it.
    """
    for number, members in enumerate(_objects(body), start=1):
        try:
            yield _event(members, token, rules_of, clock)
        except StreamError as error:
            raise StreamError(f"HEC body, object {number}: {error}") from error


def _event(
    members: dict[str, _JsonValue],
    token: InputMetadata,
    rules_of: Callable[[InputMetadata], IndexRules],
    clock: Clock,
) -> IndexedEvent:
    unknown = sorted(set(members) - _KEYS)
    if unknown:
        raise StreamError(f"unknown keys {', '.join(unknown)}: put them into event")
    if "fields" in members:
        raise StreamError("fields (indexed fields) are not modelled")
    overrides = {key: _text(key, members[key][0]) for key in _METADATA_KEYS & set(members)}
    metadata = replace(token, **overrides)
    usecs = _usecs(members["time"][1]) if "time" in members else clock()
    return indexed(_raw(members), metadata, rules_of(metadata), usecs)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise StreamError(f"{key} must be text")
    return value


def _raw(members: dict[str, _JsonValue]) -> str:
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
    match = _TIME.fullmatch(spelled)
    if not match:
        raise StreamError(f"time {spelled[:40]} is not epoch seconds with at most 6 decimals")
    return int(match[1]) * 1_000_000 + int(f"{match[2] or '':0<6}")


def _objects(body: str) -> Iterator[dict[str, _JsonValue]]:
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


def _members(body: str, at: int) -> tuple[dict[str, _JsonValue], int]:
    """The members of the object that begins at `at`, and where it ends. Raises ValueError."""
    _document, end = _DECODE.raw_decode(body, at)  # from here on it is known to be JSON
    members: dict[str, _JsonValue] = {}
    at = _blank(body, at + 1)
    while body[at] != "}":
        key, at = _DECODE.raw_decode(body, at)
        at = _blank(body, _blank(body, at) + 1)
        value, after = _DECODE.raw_decode(body, at)
        if key in members:
            raise ValueError(f"the key {key} occurs twice")
        members[key] = (value, body[at:after])
        at = _blank(body, after)
        if body[at] == ",":
            at = _blank(body, at + 1)
    return members, end


def _blank(body: str, at: int) -> int:
    match = _BLANK.match(body, at)
    return match.end() if match else at
