"""The log events in a decoded JSON value, at any depth and under anybody's keys. Pure.

A text that begins as a record does is one, whatever its key is. Other texts are events only under a
key that shippers use for them. Numbers are texts here, so that none loses a digit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, Union

from cloudhsm.siem.containers import base64_data
from cloudhsm.siem.containers.event_names import (
    NO_NAMES,
    Names,
    RepeatedKey,
    as_pairs,
    named,
    names_in,
    role,
)
from cloudhsm.siem.containers.record_heads import begins_record, is_certificate_object

# Keys of a log event's text, by their letters and digits; the first that is there counts.
TEXTS = (
    *("message", "raw", "event", "log", "line", "msg", "body", "original", "fullmessage"),
    *("rawdata", "rawmessage", "rawlog", "textpayload", "logmessage", "shortmessage"),
)
_TIMES = ("timestamp", "time", "timeunixnano", "ts", "datetime", "timegenerated", "date")
# Never a record, nor a name.
_OTHERS = {
    *("eventid", "id", "ingestiontime", "ptr", "sourcetype", "requestid", "index", "version"),
    *("messagetype", "sequencenumber", "partitionkey", "recordid", "offset", "preview"),
}
# Lists of events: an element without any is a damaged event.
_LISTS = {
    *("events", "logevents", "records", "results", "hits", "messages", "logs", "rows", "entries"),
    *("sessionresults", "logrecords"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DIGITS = re.compile(r"(\d{9,19})(?:\.(\d{1,9}))?", re.ASCII)
_JSON_BEGIN = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
_HAS_EVENTS = re.compile(r"Time:|op_code|logEvents|H4sI")
_NUMERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?:(Z| ?UTC)|([+-]\d\d):?(\d\d))?",
    re.ASCII,
)
_MOST_DEPTH = 60


class Number(str):
    """A number as it is printed."""

    __slots__ = ()


class Event(NamedTuple):
    """A log event. arrived: microseconds since 1970, or None. line: where it is, or 0."""

    text: str
    names: Names
    arrived: int | None = None
    line: int = 0


class Payload(NamedTuple):
    """A container inside a string, with the names around it."""

    data: str | bytes
    names: Names


class Control(NamedTuple):
    """A control message of a subscription."""


class Unread(NamedTuple):
    """What had no log event, and is too large to become a damaged one. what: for the report."""

    what: str


Item = Union[Event, Payload, Control, Unread]


class Inexact(Exception):
    """Parts of the value become records as they are: decode it with `Number` for numbers."""


class _Layout(NamedTuple):
    """Keys of an object. simple: every one of them is known, and none can have objects below it.

    values: what takes the values of the names from the object; roles: what they stand for.
    """

    simple: bool
    text: str | None
    texts: tuple[str, ...]
    time: str | None
    roles: tuple[str, ...]
    values: Callable[[Mapping[str, Any]], Any] | None


@lru_cache(maxsize=2048)
def _letters(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def is_text_key(key: str) -> bool:
    """Whether shippers use a key, or a column's name, for the text of an event."""
    return _letters(key.rsplit(".", 1)[-1]) in TEXTS


@lru_cache(maxsize=2048)
def _layout(keys: tuple[str, ...]) -> _Layout:
    letters = {key: _letters(key.rsplit(".", 1)[-1]) for key in keys}
    texts = tuple(key for kind in TEXTS for key in keys if letters[key] == kind)
    times = [key for kind in _TIMES for key in keys if letters[key] == kind]
    named_keys = [key for key in keys if key not in times and not isinstance(key, RepeatedKey)]
    roles = {key: kind for key in named_keys if (kind := role(key))}
    rest = {*keys} - {*texts} - {*times} - {*roles}
    direct = all(kind in ("group", "stream", "account", "region") for kind in roles.values())
    simple = len(texts) == 1 and direct and all(letters[key] in _OTHERS for key in rest)
    values = itemgetter(*roles) if roles else None
    time = times[0] if times else None
    return _Layout(simple, texts[0] if texts else None, texts, time, tuple(roles.values()), values)


@lru_cache(maxsize=4096)
def _names(roles: tuple[str, ...], values: object, around: Names) -> Names:
    own = NO_NAMES
    for kind, value in zip(roles, values if isinstance(values, tuple) else (values,)):
        own = own.over(named(kind, value)) if isinstance(value, str) else own
    return own.over(around)


def put(members: dict[str, Any], key: str, value: object) -> None:
    """Adds a member. RFC 8259 leaves open which of several members with one key counts.

    Here the last has the key, and the others keep their values under a `RepeatedKey`.
    """
    if key in members:
        members[RepeatedKey(key)] = members.pop(key)
    members[key] = value


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of all its members, for a JSON decoder."""
    members = dict(pairs)
    if len(members) != len(pairs):
        members = {}
        for key, value in pairs:
            put(members, key, value)
    return members


def items_in(value: object, around: Names, is_exact: bool = False) -> list[Item]:
    """The events, payloads and control messages of a value; an empty list if it has none.

    around: what is known from the containers around it. Raises Inexact unless `is_exact`.
    """
    items: list[Item] = []
    try:
        _walk(value, around, items, is_exact, 0)
    except RecursionError:
        return []
    return items


def is_event_list(key: str | None) -> bool:
    """Whether the elements of the list with this key are events; None: a list on its own."""
    return key is None or _letters(key) in _LISTS


def is_empty_answer(value: object, depth: int = 0) -> bool:
    """Whether a value is an answer of AWS without events, such as an empty page, or several."""
    if depth > _MOST_DEPTH:
        return False
    if isinstance(value, list):
        return all(is_empty_answer(one, depth + 1) for one in value)
    return (
        isinstance(value, dict)
        and _is_barren(value, 0)
        and any(
            (one == [] and is_event_list(key))
            or (isinstance(one, (dict, list)) and bool(one) and is_empty_answer(one, depth + 1))
            for key, one in value.items()
        )
    )


def _walk(value: object, around: Names, items: list[Item], is_exact: bool, depth: int) -> bool:
    """Appends what is in the value; whether there was anything."""
    if isinstance(value, dict):
        return _object(value, around, items, is_exact, depth)
    if isinstance(value, list):
        return _list(value, None, around, items, is_exact, depth)
    return isinstance(value, str) and _string(value, around, items)


def _object(
    value: dict[str, Any], around: Names, items: list[Item], is_exact: bool, depth: int
) -> bool:
    layout = _layout(tuple(value))
    if layout.simple and layout.text is not None:
        text = value[layout.text]
        if type(text) is str and text[:5] == "Time:" and _is_only_record(text, value):
            try:
                names = (
                    _names(layout.roles, layout.values(value), around) if layout.values else around
                )
            except TypeError:  # a name that is a list or an object
                names = names_in(value).over(around)
            arrived = usecs_of(value[layout.time]) if layout.time else None
            items.append(Event(text, names, arrived))
            return True
    if depth > _MOST_DEPTH:
        return False
    return _any_object(value, layout, around, items, is_exact, depth)


def _is_only_record(text: str, value: dict[str, Any]) -> bool:
    """Whether no other member of an event can have a record, such as its log group."""
    for one in value.values():
        if one is text or one is None or one is True or one is False:
            continue
        if type(one) is str:
            if "usecs:" in one:
                return False
        elif one:
            return False
    return True


def _any_object(
    value: dict[str, Any],
    layout: _Layout,
    around: Names,
    items: list[Item],
    is_exact: bool,
    depth: int,
) -> bool:
    names = names_in({key: one for key, one in value.items() if _is_barren(one, 0)}).over(around)
    arrived = usecs_of(value[layout.time]) if layout.time else None
    if is_certificate_object(value):
        items.append(_as_it_is(value, names, is_exact, arrived))
        return True
    if "CONTROL_MESSAGE" in (value.get("messageType"), value.get("message_type")):
        return _control(value, names, items, is_exact, depth)
    texts = _records(value.values())
    own: list[Item] = [Event(text, names, arrived) for text in texts]
    for key, one in value.items():
        if isinstance(one, dict):
            if not own or not _is_barren(one, 0):
                _below(one, names, own, is_exact, depth + 1)
        elif isinstance(one, list):
            _list(one, key, names, own, is_exact, depth + 1)
        elif isinstance(one, str) and one not in texts:
            is_text = key in layout.texts
            if is_text or len(one) > 32:
                _payload(one, names, own, is_text)
    if not own and layout.text is not None:
        own = _other_text(value, layout.texts, names, arrived, is_exact)
    items += own
    return bool(own)


def _control(
    value: dict[str, Any], names: Names, items: list[Item], is_exact: bool, depth: int
) -> bool:
    """A control message has a text of its own; a record in one is printed nevertheless."""
    content = {key: one for key, one in value.items() if _letters(key) != "messagetype"}
    own: list[Item] = []
    _object(content, names, own, is_exact, depth + 1)
    records = [item for item in own if isinstance(item, Event) and begins_record(item.text)]
    items += records or [Control()]
    return True


def _records(values: Iterable[object]) -> list[str]:
    """The texts that begin as a record does, without copies and without beginnings of another."""
    texts = [*dict.fromkeys(one for one in values if isinstance(one, str) and begins_record(one))]
    return [
        text
        for text in texts
        if not any(other is not text and other.startswith(text) for other in texts)
    ]


def _below(
    value: dict[str, Any], names: Names, own: list[Item], is_exact: bool, depth: int
) -> None:
    """The items of an object in an event; some shippers keep the text twice."""
    below: list[Item] = []
    _object(value, names, below, is_exact, depth)
    texts = {item.text.rstrip("\r\n") for item in own if isinstance(item, Event)}
    own += [
        item
        for item in below
        if not (isinstance(item, Event) and len(below) == 1 and item.text.rstrip("\r\n") in texts)
    ]


def _other_text(
    value: dict[str, Any],
    keys: Sequence[str],
    names: Names,
    arrived: int | None,
    is_exact: bool,
) -> list[Item]:
    """The text of an event that does not begin as a record does."""
    events: list[Item] = []
    is_repeated = False
    for key in keys:
        text = value[key]
        if events and not is_repeated and not isinstance(key, RepeatedKey):
            continue
        if isinstance(text, str) and not _is_number(text, is_exact):
            events.append(Event(text, names, arrived))
            is_repeated = isinstance(key, RepeatedKey)
    return events


def _list(
    value: list[Any],
    key: str | None,
    around: Names,
    items: list[Item],
    is_exact: bool,
    depth: int,
) -> bool:
    if depth > _MOST_DEPTH:
        return False
    pairs = as_pairs(value)
    if pairs is not None and _object(pairs, around, items, is_exact, depth + 1):
        return True
    if all(not isinstance(one, (dict, list)) for one in value):
        has_row = _row(value, around, items, is_exact)
        if has_row or key is None or not is_event_list(key):
            return has_row
        items += [_as_it_is(one, around, is_exact) for one in value]
        return bool(value)
    has_any = False
    empty: list[tuple[int, object]] = []
    for one in value:
        if _walk(one, around, items, is_exact, depth + 1):
            has_any = True
        elif not is_empty_answer(one):
            empty.append((len(items), one))
    if empty and (has_any or (key is not None and is_event_list(key))):
        for place, one in reversed(empty):
            items.insert(place, _as_it_is(one, around, is_exact))
        return True
    return has_any


def _row(value: list[Any], around: Names, items: list[Item], is_exact: bool) -> bool:
    """Values side by side, as --query '[timestamp,message]' prints them, or texts of records."""
    texts = [one for one in value if isinstance(one, str)]
    records = [text for text in texts if begins_record(text)]
    names, arrived = NO_NAMES, None
    others: list[Item] = []
    for text in texts:
        if begins_record(text):
            continue
        known = named("host", text) if len(text) <= 1024 else NO_NAMES
        names = names.over(known)
        instant = usecs_of(text)
        arrived = instant if arrived is None else arrived
        is_unknown = known is NO_NAMES and instant is None and not _payload(text, around, others)
        if is_unknown and len(text) > 1 and records and not _is_number(text, is_exact):
            others.append(Event(text, around))
    names = names.over(around)
    items += [Event(text, names, arrived) for text in records]
    items += others
    return bool(records or others)


def _is_number(text: str, is_exact: bool) -> bool:
    """Raises Inexact where a decoder that gives numbers as texts would be mistaken for it."""
    if not is_exact and _NUMERAL.fullmatch(text):
        raise Inexact
    return isinstance(text, Number)


def _string(text: str, around: Names, items: list[Item]) -> bool:
    if begins_record(text):
        items.append(Event(text, around))
        return True
    return _payload(text, around, items)


def _payload(text: str, names: Names, items: list[Item], is_text: bool = True) -> bool:
    """A container inside a string. is_text: its key is one for the text of an event."""
    if _JSON_BEGIN.match(text):
        if not is_text and not _HAS_EVENTS.search(text):
            return False
        items.append(Event(text, names) if begins_record(text) else Payload(text, names))
        return True
    data = base64_data.payload(text)
    if data is not None:
        items.append(Payload(data, names))
    return data is not None


def _is_barren(value: object, depth: int) -> bool:
    """Whether a value has only names and numbers: no event can be in it."""
    if isinstance(value, str):
        return len(value) <= 1024 and value[:5] != "Time:"
    if isinstance(value, dict):
        return depth < 12 and all(_is_barren(one, depth + 1) for one in value.values())
    if isinstance(value, list):
        return len(value) <= 200 and all(_is_barren(one, depth + 1) for one in value)
    return True


def _as_it_is(value: object, names: Names, is_exact: bool, arrived: int | None = None) -> Event:
    if not is_exact:
        raise Inexact
    return Event(printed(value), names, arrived)


def printed(value: object) -> str:
    """A decoded value as JSON, with its numbers as they were."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}: {printed(one)}" for key, one in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(printed, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def usecs_of(value: object) -> int | None:
    """Microseconds since 1970 of a time as shippers print it; None of what is none.

    Seconds, milliseconds, microseconds or nanoseconds by the number of digits, or ISO 8601.
    """
    if not isinstance(value, str):
        return None
    if len(value) == 13 and value.isdecimal() and value.isascii():
        return int(value) * 1000
    digits = _DIGITS.fullmatch(value)
    if digits:
        return _from_digits(digits[1], digits[2] or "")
    iso = _ISO.fullmatch(value.strip()) if 19 <= len(value) <= 40 else None
    return _from_iso(iso) if iso else None


def _from_digits(whole: str, fraction: str) -> int | None:
    if len(whole) in (9, 10):
        return int(whole + fraction[:6].ljust(6, "0"))
    scale = {13: 1000, 16: 1}.get(len(whole))
    if scale is not None:
        return int(whole) * scale
    return int(whole) // 1000 if len(whole) == 19 else None


def _from_iso(iso: re.Match[str]) -> int | None:
    date, time, fraction, _zone, hours, minutes = iso.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}+00:00")
    except ValueError:  # the 30th of February
        return None
    usecs = (moment - _EPOCH) // timedelta(microseconds=1) + int((fraction or "")[:6].ljust(6, "0"))
    if hours is not None:
        minute = int(hours) * 60 + int(hours[0] + minutes)
        usecs -= minute * 60_000_000
    return usecs
