"""JSON of any size, decoded value by value.

A value that fits into the window is decoded at once. A larger object or list is entered, and its
members and elements are read one after the other, so that memory stays constant. A damaged value is
entered as well: what can be decoded of it is read, and the rest, up to where JSON goes on, becomes
a damaged piece.

Names may come after the events. A first pass over an object that was entered finds them (`Survey`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from cloudhsm.siem.containers.event_names import NO_NAMES, Names, names_in
from cloudhsm.siem.containers.json_events import (
    Event,
    Inexact,
    Item,
    Number,
    Unread,
    is_empty_answer,
    is_event_list,
    items_in,
    object_of,
    put,
)
from cloudhsm.siem.containers.record_heads import (
    HEAD,
    MOST_RECORD,
    begins_record,
    is_certificate_object,
)
from cloudhsm.siem.containers.text_buffer import TextBuffer

# (value, end of it) of a text from a place on; raises StopIteration and ValueError.
Scan = Callable[[str, int], tuple[Any, int]]
WINDOW = 1 << 20  # characters of a value that is decoded at once
MOST_DEPTH = 64  # objects and lists that are entered inside one another
_MOST_MEMBERS = 1000  # of an object that was entered; kept for its names
_FAST: Scan = json.JSONDecoder(
    object_pairs_hook=object_of, parse_int=str, parse_float=str, parse_constant=str
).scan_once  # type: ignore[attr-defined]
_EXACT: Scan = json.JSONDecoder(
    object_pairs_hook=object_of, parse_int=Number, parse_float=Number, parse_constant=Number
).scan_once  # type: ignore[attr-defined]
_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,]*")
# Where JSON, or something else, may go on after damage.
_RESUMED = re.compile(
    r'[\r\n]+(?=[\[{]|(?:[^\r\n]{0,300}[^\w\r\n"])?Time:|[^\r\n"{]{0,300}"Time:|(?:events|results):\s)'
    r'|[\[,}\]\r\n][ \t\r\n]*(?=\{[ \t\r\n]*["}])'
)
_RECORD_LINE = re.compile(rf"[\r\n][^\r\n]{{0,300}}{HEAD.pattern}")
_OBJECT_BEGINS = re.compile(r"[\r\n]\s*[\[{]\s*[\"{\[]")
_STRING_END = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL)

Pieces = Iterator[Item]


class Survey:
    """The names of each object that was entered, by its position in the text."""

    def __init__(self) -> None:
        self._names: dict[int, Names] = {}

    def note(self, position: int, names: Names) -> None:
        if names != NO_NAMES:
            self._names[position] = names

    def names(self, position: int) -> Names:
        return self._names.get(position, NO_NAMES)


class JsonReader:
    """Reads the JSON value at a buffer's position.

    enter: called before an object or list is entered; returns the survey that has its names, or
    None while the survey itself is being made.
    """

    def __init__(
        self, buffer: TextBuffer, enter: Callable[[], Survey | None], survey: Survey | None = None
    ) -> None:
        self._buffer = buffer
        self._enter = enter
        self._noted = survey
        self._start = 0  # where the value that was decoded last begins in the buffer's text
        self._is_lost = False  # after damage: what follows is no part of the value
        self._is_cut = False  # the text ends inside the value

    def value(self, around: Names, is_event: bool) -> Pieces:
        """The items of one value; is_event: without any, it becomes a damaged event itself."""
        value = self._decoded()
        if value is not _NONE:
            yield from self._items(value, around, is_event) if self._noted is None else ()
            return
        start, has_items = self._buffer.position, False
        for item in self._entered(around, None, 0):
            has_items = True
            yield item
        if not has_items and self._noted is None:
            count = self._buffer.position - start
            yield Unread(f"JSON without a log event: {count:,} characters")

    def _items(self, value: object, around: Names, is_event: bool) -> list[Item]:
        """The items of the value that was decoded last; itself, as it is, if it is a record."""
        buffer = self._buffer
        if not is_certificate_object(value):
            try:
                items = items_in(value, around)
            except Inexact:
                exact, _end = _EXACT(buffer.text, self._start)
                items = items_in(exact, around, True)
            if items or not is_event or is_empty_answer(value):
                return items
        names = names_in(value).over(around) if isinstance(value, dict) else around
        return [Event(buffer.text[self._start : buffer.at], names)]

    def _decoded(self) -> object:
        """The value at the position, which moves after it; _NONE if it is damaged or too large."""
        buffer = self._buffer
        while True:
            self._start = buffer.at
            try:
                value, end = _FAST(buffer.text, buffer.at)
            except (StopIteration, ValueError, RecursionError):
                if len(buffer.text) - buffer.at >= WINDOW or not buffer.more():
                    return (
                        self._unclean() if buffer.text[buffer.at : buffer.at + 1] == '"' else _NONE
                    )
                continue
            if end == len(buffer.text) and buffer.text[-1] not in '}]"' and buffer.more():
                continue  # a number may go on
            buffer.at = end
            return value

    def _unclean(self) -> object:
        """A string with line ends or invalid escapes in it, if JSON goes on after it."""
        buffer = self._buffer
        end = _STRING_END.match(buffer.text, buffer.at + 1)
        if end is None:
            return _NONE
        raw = buffer.text[buffer.at : end.end()]
        after = _SPACE.match(buffer.text, end.end())
        follows = buffer.text[after.end() : after.end() + 1] if after else ""
        is_other = _RECORD_LINE.search(raw) or _OBJECT_BEGINS.search(raw)
        if follows not in (",", "}", "]") or is_other:
            return _NONE
        buffer.at = end.end()
        return _lenient(raw)

    def damage(self, around: Names) -> Pieces:
        """A part of a value whose beginning is lost."""
        yield from self._damage(around)

    # --- values that are entered

    def _entered(self, around: Names, key: str | None, depth: int) -> Pieces:
        """An object, list or string that is too large or damaged."""
        begin = self._buffer.text[self._buffer.at : self._buffer.at + 1]
        if depth >= MOST_DEPTH:
            yield from self._damage(around)
        elif begin == "{":
            yield from self._object(around, depth)
        elif begin == "[":
            yield from self._array(around, key, depth)
        else:
            yield from self._damage(around)

    def _object(self, around: Names, depth: int) -> Pieces:
        is_large = len(self._buffer.text) - self._buffer.at >= WINDOW
        survey = self._enter() if is_large else None
        position = self._buffer.position
        names = (survey.names(position) if survey else NO_NAMES).over(around)
        members: dict[str, Any] = {}
        texts: set[str] = set()  # of its items
        has_items = False
        self._buffer.at += 1
        while not self._is_lost:
            mark = self._next()
            if mark in ("}", ""):
                self._buffer.at += 1 if mark else 0
                yield from () if mark else self._cut()
                break
            key = self._key() if mark == '"' else None
            if key is None:
                if mark == "]":  # belongs to a list around
                    yield from _damaged(self._noted, "a list ends inside an object")
                    break
                yield from _members_event(self._noted, members, names, texts)
                if not members and not has_items:  # the brace is damaged too
                    self._buffer.at = position - self._buffer.offset
                members = {}
                yield from self._damage(names)
                break
            for item in self._member(key, members, names, depth):
                has_items = True
                if isinstance(item, Event):
                    texts.add(item.text)
                yield item
        if self._noted is not None:
            self._noted.note(position, names_in(members))
        elif members and (not has_items or _has_record(members)):
            yield from _members_event(self._noted, members, names, texts)

    def _member(self, key: str, members: dict[str, Any], names: Names, depth: int) -> Pieces:
        """A member's items; one without any is kept, since it may have names or the text."""
        value = self._decoded()
        if value is _NONE:
            yield from self._entered(names_in(members).over(names), key, depth + 1)
            return
        if isinstance(value, (dict, list)):
            items = self._wrapped(key, value, names_in(members).over(names))
            if items:
                yield from items if self._noted is None else ()
                return
        if len(members) < _MOST_MEMBERS:
            put(members, key, value)
        elif self._noted is None:
            yield from self._wrapped(key, value, names_in(members).over(names))

    def _wrapped(self, key: str, value: object, names: Names) -> list[Item]:
        try:
            return items_in({key: value}, names)
        except Inexact:
            exact, _end = _EXACT(self._buffer.text, self._start)
            return items_in({key: exact}, names, True)

    def _cut(self) -> Pieces:
        """The report that the text ends inside this value; once, for the innermost."""
        if not self._is_cut:
            self._is_cut = True
            yield from _damaged(self._noted, "the text ends before its last bracket")

    def _array(self, around: Names, key: str | None, depth: int) -> Pieces:
        buffer = self._buffer
        buffer.at += 1
        is_event = is_event_list(key)
        while not self._is_lost:
            mark = self._next()
            if mark in ("]", ""):
                buffer.at += 1 if mark else 0
                yield from () if mark else self._cut()
                return
            if mark == "}":  # belongs to an object around
                yield from _damaged(self._noted, "an object ends inside a list")
                return
            value = self._decoded()
            if value is _NONE:
                yield from self._entered(around, None, depth + 1)
            elif self._noted is None:
                yield from self._items(value, around, is_event)

    def _next(self) -> str:
        """The character after blanks and commas; "" at the end of the text."""
        buffer = self._buffer
        while True:
            between = _BETWEEN.match(buffer.text, buffer.at)
            buffer.at = between.end() if between else buffer.at
            if buffer.at < len(buffer.text):
                return buffer.text[buffer.at]
            if not buffer.more():
                return ""

    def _key(self) -> str | None:
        """A key and its colon; None, at the same place, if they are damaged."""
        buffer = self._buffer
        buffer.ensure(1 << 14)
        try:
            key, end = _FAST(buffer.text, buffer.at)
        except (StopIteration, ValueError):
            return None
        space = _SPACE.match(buffer.text, end)
        end = space.end() if space else end
        if buffer.text[end : end + 1] != ":":
            return None
        space = _SPACE.match(buffer.text, end + 1)
        buffer.at = space.end() if space else end + 1
        return str(key)

    # --- damage

    def _damage(self, around: Names) -> Pieces:
        """A damaged piece up to where JSON, or a record, may go on; at least one character."""
        buffer = self._buffer
        while True:
            buffer.ensure(1 << 16)
            resumed = _RESUMED.search(buffer.text, buffer.at + 1)
            if resumed is not None or buffer.is_ended or len(buffer.text) - buffer.at > MOST_RECORD:
                break
            buffer.more()
        rest = len(buffer.text) - buffer.at
        end = resumed.end() if resumed else buffer.at + min(rest, MOST_RECORD)
        piece = buffer.text[buffer.at : end]
        buffer.at = end
        is_inside = buffer.text[end : end + 1] in ("{", "[") and piece[-1:] not in ("\r", "\n")
        self._is_lost = not is_inside
        if piece.strip(" \t\r\n,}]"):
            yield from _salvaged(piece, around) if self._noted is None else ()
        elif end == len(buffer.text) and buffer.is_ended:
            yield from self._cut()


def _damaged(survey: Survey | None, what: str) -> list[Item]:
    """A report, unless a survey is being made."""
    return [Unread(f"damaged JSON: {what}")] if survey is None else []


def _members_event(
    survey: Survey | None, members: dict[str, Any], names: Names, texts: set[str]
) -> list[Item]:
    """The event whose members these are, if they are an event's and no survey is being made.

    texts: of the items in other members; some shippers keep the text twice.
    """
    items = items_in(members, names, True) if members and survey is None else []
    return [item for item in items if not isinstance(item, Event) or item.text not in texts]


def _has_record(members: dict[str, Any]) -> bool:
    return any(isinstance(value, str) and begins_record(value) for value in members.values())


_NONE = object()
_RECORD_STRING = re.compile(r'"(?:[ \t]|\\[nrt])*Time:(?:[^"\\\r\n]|\\.)*"')
_BAD_ESCAPE = re.compile(r'\\(?![\\"/bfnrt]|u[0-9a-fA-F]{4})|(\\.)', re.DOTALL)
_PAIR = re.compile(r'"([\w.@ -]{1,80})"\s*:\s*"?([^"\\\r\n]{1,512})')


def _lenient(raw: str) -> str:
    """A JSON string with line ends, or escapes that are none, in it; these stay as they are."""
    fixed = _BAD_ESCAPE.sub(lambda escape: escape[1] or "\\\\", raw)
    try:
        return str(json.loads(fixed, strict=False))
    except ValueError:
        return raw[1:-1]


def _salvaged(piece: str, around: Names) -> Pieces:
    """The complete records in a damaged piece, and the piece without them."""
    at = 0
    rest: list[str] = []
    texts: list[str] = []
    for string in _RECORD_STRING.finditer(piece):
        text = _lenient(string[0])
        if begins_record(text):
            rest.append(piece[at : string.start()])
            at = string.end()
            texts.append(text)
    left = "".join([*rest, piece[at:]]).strip()
    own = names_in(dict(_PAIR.findall(left))) if len(texts) == 1 else NO_NAMES
    for text in texts:
        yield Event(text, own.over(around))
    if left.strip(" \t\r\n,}]"):
        yield Event(left, around)
