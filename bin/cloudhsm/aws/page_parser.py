"""Pages of events, parsed without botocore's walk along their shape.

That walk, in Python, takes more than half of all that botocore does for a page, and finds nothing
to convert: FilterLogEvents returns strings and integers only. All the rest (errors, retries,
signing, every other response) stays botocore's.

Members that are not known are ignored, whatever their shape, as botocore ignores them. One event
that cannot be read costs that event only: the others of its page are returned, and its own bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.session import Session

from cloudhsm.aws.log_source import Unreadable

_PAGE, _LISTING = "FilterLogEventsResponse", "DescribeLogGroupsResponse"
# Where a page begins so, no dict is kept for any event: each becomes a tuple as soon as it is read.
_HEAD = '{"events":['
_columns = itemgetter("eventId", "logStreamName", "timestamp", "message")
_decode_events = json.JSONDecoder(object_hook=_columns).raw_decode
_TYPES = ({str}, {str}, {int}, {str})
# The last millisecond that Python, and so every event of ours, can name: 9999-12-31.
LATEST_MS = 253_402_300_799_999
# Digits of the largest integer that is read as one; Python refuses some thousands.
_MOST_DIGITS = 40


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


_decode = json.JSONDecoder(parse_int=_integer).raw_decode
_BLANK = re.compile(r"[ \t\n\r]*")
_BRACKETS_AND_TEXTS = re.compile(r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
# How bytes that are not UTF-8 are decoded here; escapes of JSON never look like this.
_NOT_UTF_8 = re.compile("[\udc80-\udcff]")

Row = tuple[str, str, int, str]


class _PageParser(JSONParser):  # type: ignore[misc]  # botocore has no type information
    """Returns a page as its JSON has it, with botocore's `ResponseMetadata`."""

    def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        """As botocore's, with `events` as tuples (event ID, log stream, timestamp, message).

        `unreadable` has the events that are not complete. A page that is not complete has no
        members; neither has one with a status other than 200.

        botocore reads with `enforce_content_length=False`, so a body may have been cut short. What
        is left of a JSON object is never a JSON object, nor anything else that could be a page.
        """
        name, status = getattr(shape, "name", None), response["status_code"]
        if status >= 300 or name not in (_PAGE, _LISTING):
            return dict(super().parse(response, shape))
        members: dict[str, Any] = {}
        if status == 200:
            members = (_members if name == _PAGE else _listing)(response["body"])
        return {**members, **super().parse({**response, "body": b"{}"}, shape)}


class _PageParserFactory(ResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> object:
        if protocol_name == "json":
            return _PageParser()
        return super().create_parser(protocol_name)


def install(session: Session) -> None:
    """Let the clients that this session creates from now on parse pages this way."""
    session.register_component("response_parser_factory", _PageParserFactory())


def _listing(body: bytes) -> dict[str, Any]:
    """A page of DescribeLogGroups, whose rows are checked one by one where they are used."""
    try:
        text = body.decode()
        try:
            return dict(json.loads(text))
        except RecursionError:
            return dict(_listing_one_by_one(text))
    except (LookupError, TypeError, ValueError):
        return {}


def _listing_one_by_one(text: str) -> Iterator[tuple[str, Any]]:
    """The members of a listing that is nested more deeply than Python reads at once."""
    for name, start, value, _ in _of_object(text):
        is_list = name == "logGroups" and text[start] == "["
        yield name, [row for _, row, _ in _of_list(text, start)] if is_list else value


def _members(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()  # json.loads would let halves of surrogate pairs pass
        members = _quickly(text)
    except (LookupError, TypeError, ValueError, RecursionError):
        members = None
    try:
        return members or _one_by_one(body.decode(errors="surrogateescape"))
    except (LookupError, TypeError, ValueError):
        return {}


def _quickly(text: str) -> dict[str, Any] | None:
    """A page whose events are all complete; None, or any error, for every other one."""
    if text.startswith(_HEAD):
        try:
            events, end = _decode_events(text, len(_HEAD) - 1)
        except (LookupError, TypeError):  # a member of an event is an object, too
            pass
        else:
            return _checked(json.loads('{"events":[]' + text[end:]), events)
    members = json.loads(text)
    return _checked(members, [*map(_columns, members["events"])])


def _checked(members: dict[str, Any], events: list[Any]) -> dict[str, Any] | None:
    if {*map(type, events)} - {tuple}:
        return None
    columns = [*zip(*events)]
    if any({*map(type, column)} != types for column, types in zip(columns, _TYPES)):
        return None
    if columns and ("" in columns[0] or not _is_encodable("".join(columns[0]))):
        return None
    if columns and not 0 <= min(columns[2]) <= max(columns[2]) <= LATEST_MS:
        return None
    return {**members, "events": events, "unreadable": ()}


def _one_by_one(text: str) -> dict[str, Any]:
    """A page with events that are not complete. Raises ValueError where the text is no object."""
    members: dict[str, Any] = {}
    rows: list[Row] | None = None
    unreadable: list[Unreadable] = []
    for name, start, value, end in _of_object(text):
        if name != "events" or text[start] != "[":
            if _NOT_UTF_8.search(text, start, end):
                raise ValueError("not UTF-8 outside of the events")
            members[name] = value
            continue
        rows, unreadable = [], []
        for first, event, last in _of_list(text, start):
            row, flaw = _row(event, text[first:last])
            rows += [] if row is None else [row]
            unreadable += [] if flaw is None else [flaw]
    return members if rows is None else {**members, "events": rows, "unreadable": unreadable}


def _of_object(text: str) -> Iterator[tuple[str, int, Any, int]]:
    """Each member: its name, and where its value begins, the value, and where it ends."""
    at = _after(text, 0, "{")
    while text[at] != "}":
        name, at = _decode(text, at)
        start = _after(text, at, ":")
        value, end = _flat(text, start)
        yield name, start, value, end
        at = _next(text, end, "}")
    if _skip(text, at + 1) != len(text):
        raise ValueError("text after the object")


def _of_list(text: str, start: int) -> Iterator[tuple[int, Any, int]]:
    """Each item: where it begins, its value, and where it ends."""
    at = _after(text, start, "[")
    while text[at] != "]":
        value, end = _flat(text, at)
        if value == {}:
            value = {name: member for name, _, member, _ in _of_object(text[at:end])}
        yield at, value, end
        at = _next(text, end, "]")


def _flat(text: str, at: int) -> tuple[Any, int]:
    """A value and where it ends; one that is nested more deeply than Python reads is empty."""
    try:
        return _decode(text, at)
    except RecursionError:
        return ({} if text[at] == "{" else []), _end_of_nested(text, at)


def _end_of_nested(text: str, start: int) -> int:
    """Where an object or a list ends, however deep it is. Raises ValueError where it does not."""
    depth = 0
    for token in _BRACKETS_AND_TEXTS.finditer(text, start):
        sign = token.group()
        depth += (sign in "[{") - (sign in "]}")
        if not depth:
            return token.end()
    raise ValueError(f"no end of what begins at {start}")


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return at if blank is None else blank.end()


def _after(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at] != sign:
        raise ValueError(f"no {sign} at {at}")
    return _skip(text, at + 1)


def _next(text: str, at: int, closing: str) -> int:
    """Where the next member or item begins, or the closing sign is."""
    at = _skip(text, at)
    return at if text[at] == closing else _after(text, at, ",")


def _row(event: object, text: str) -> tuple[Row | None, Unreadable | None]:
    """What of an event can be delivered, and what is to be reported of it."""
    known = event if isinstance(event, dict) else {}
    event_id, stream, timestamp, message = map(known.get, _NAMES)
    at_ms = _milliseconds(timestamp)
    has_id = isinstance(event_id, str) and event_id != "" and _is_encodable(event_id)
    is_utf_8 = _NOT_UTF_8.search(text) is None
    is_whole = is_utf_8 and isinstance(stream, str) and isinstance(message, str)
    if is_whole and has_id and type(timestamp) is int and at_ms is not None:
        return (event_id, stream, at_ms, message), None  # type: ignore[return-value]  # is_whole
    content = text.encode(errors="surrogateescape")
    name = stream if isinstance(stream, str) and _NOT_UTF_8.search(stream) is None else None
    digest = hashlib.sha256((name or "").encode(errors="surrogatepass") + b"\0" + content)
    flaw = Unreadable(f"unreadable-{digest.hexdigest()}", name, at_ms, content)
    if not is_whole or at_ms is None:
        return None, flaw
    # Without an event ID, or with a time that is no integer, the record itself is intact.
    own = event_id if has_id else flaw.id
    return (own, stream, at_ms, message), flaw  # type: ignore[return-value]  # is_whole


_NAMES = ("eventId", "logStreamName", "timestamp", "message")


def _is_encodable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which no digest can be made of."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _milliseconds(timestamp: object) -> int | None:
    if isinstance(timestamp, bool) or not isinstance(timestamp, (int, float)):
        return None
    if isinstance(timestamp, float) and not math.isfinite(timestamp):
        return None
    if not 0 <= timestamp <= LATEST_MS:
        return None
    return int(timestamp)
