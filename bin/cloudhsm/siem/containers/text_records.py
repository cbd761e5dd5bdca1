"""Records printed as text: plain, or each after a prefix of one form.

Plain records are broken as LINE_BREAKER of default/props.conf breaks them. After a prefix, a record
begins where a prefix of the same form does. Another container, or another form, may follow: what a
user name of 31 characters could contain is never taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import NamedTuple

from cloudhsm.siem.containers import prefixes
from cloudhsm.siem.containers.csv_rows import delimiter_of
from cloudhsm.siem.containers.event_names import Names
from cloudhsm.siem.containers.json_events import Event
from cloudhsm.siem.containers.record_heads import (
    FIRST_LINE,
    HEAD,
    MOST_NAME,
    MOST_RECORD,
    RECORD_LINE,
    is_complete,
    unescaped,
)
from cloudhsm.siem.containers.text_buffer import TextBuffer
from cloudhsm.siem.containers.yaml_events import begins_yaml, is_yaml

_LOOK = 1 << 16  # characters in which the first record is looked for
_LINE_END = re.compile(r"[\r\n]+")
_JSON_TOKENS = re.compile(
    r'(?:[\s{}\[\],:]|"(?:[^"\\\r\n]|\\.)*(?:"|\Z)|-?[\d.eE+-]{1,400}(?![\w-])|true|false|null)*'
)
_JSON_BEGINS = re.compile(r'[\r\n]\ufeff?(?=\{[ \t\r\n]*["}]|\[[ \t\r\n]*[\[{"\]])')
_PREFIXED_JSON = re.compile(r'([^\r\n{"]{10,400}?)(?=\{[ \t\r\n]*")')
# What the AWS CLI prints as text around the events.
_AFTER_EVENTS = re.compile(
    r"(?:(?:\A|[\r\n]+)(?:(?:SEARCHEDLOGSTREAMS|NEXTTOKEN|STATISTICS)\t[^\r\n]*"
    r"|[bf]/\d{10,}(?:/s)?(?:\t[bf]/\d{10,}(?:/s)?)?(?=[\r\n]|\Z)))+\Z"
)
_EVENTS_LINE = re.compile(r"[\w+/=-]{16,}[ \t]*[\r\n]+(?=EVENTS\t)")
_CSV_BEFORE = re.compile(r"[\r\n]([\w@#. ]{1,64}(?:[,;\t|][\w@#. \"]{1,64})+)[\r\n]+\Z")
_YAML_BEFORE = re.compile(r"[\r\n](?:---|- |\w+:[ \t]*[\r\n])")


class _Layout(NamedTuple):
    """How records of a text begin: `breaks` splits it, `begin` matches a prefix; None for plain."""

    breaks: re.Pattern[str]
    plain_breaks: re.Pattern[str]
    begin: re.Pattern[str] | None
    has_suffix: bool


@lru_cache(maxsize=256)
def _layout(prefix: str) -> _Layout:
    form = prefixes.form(prefix)
    uncaptured = re.sub(r"(?<!\\)\((?!\?)", "(?:", form)
    record = rf"(?:{FIRST_LINE}|\{{)" if prefixes.is_known(prefix) else FIRST_LINE
    beginning = f"{uncaptured}{record}"
    return _Layout(
        re.compile(rf"(?<![\r\n])([\r\n]+)(?=\ufeff?{beginning})"),
        re.compile(rf"(\n)(?={beginning})"),  # a quarter of the time
        re.compile(form) if prefix else None,
        "\t" in prefix or "," in prefix,
    )


class TextReader:
    """Reads the records from a buffer's position up to where another container begins."""

    def __init__(self, buffer: TextBuffer, around: Names) -> None:
        self._buffer = buffer
        self._around = around
        self._line = buffer.line
        self._layout = _layout("")

    def events(self) -> Iterator[Event]:
        """The records, and what is none, as events with their lines."""
        if not (yield from self._before_first()):
            return
        buffer = self._buffer
        while True:
            *parts, rest = self._split(buffer.text[buffer.at :])
            for piece, between in zip(parts[::2], parts[1::2]):
                end = self._end_of(piece)
                yield from self._event(piece if end is None else _until(piece, end))
                if end is not None:
                    buffer.at += end
                    return
                buffer.at += len(piece) + len(between)
                self._line += piece.count("\n") + between.count("\n")
            if buffer.is_ended or len(rest) > MOST_RECORD:
                end = self._end_of(rest)
                yield from self._event(rest[:MOST_RECORD] if end is None else _until(rest, end))
                buffer.at += min(len(rest), MOST_RECORD) if end is None else end
                return
            buffer.more()

    def _split(self, text: str) -> list[str]:
        is_plain = "\r" not in text and "\n\n" not in text and "\ufeff" not in text
        return (self._layout.plain_breaks if is_plain else self._layout.breaks).split(text)

    # --- where it begins

    def _before_first(self) -> Generator[Event, None, bool]:
        """What is before the first record; returns whether there is one, whose form is known."""
        buffer = self._buffer
        buffer.ensure(_LOOK)
        text, at = buffer.text, buffer.at
        first = _PREFIXED_JSON.match(text, at)
        if first and prefixes.is_known(first[1]) and not HEAD.search(first[1]):
            self._layout = _layout(first[1])
            return True
        head = HEAD.search(text, at)
        end = head.start() if head else len(text)
        start = max(text.rfind("\n", at, end), text.rfind("\r", at, end)) + 1 or at
        json_at = _JSON_BEGINS.search(text, at, end)
        if json_at and _is_json(text, json_at.end()):
            start = end = json_at.end()
            head = None
        elif head is None:
            start = self._cut(at)
        elif text[start:end].strip("\ufeff"):
            start, is_form = self._with_prefix(text, start, end)
            head = head if is_form else None
        junk = text[at:start].strip("\r\n\ufeff")
        if junk.strip():
            yield from self._junk(junk)
        self._line += text.count("\n", at, start)
        buffer.at = start
        return head is not None

    def _with_prefix(self, text: str, start: int, end: int) -> tuple[int, bool]:
        """Where the first record with its prefix begins, and whether a form was learned."""
        prefix = text[start:end]
        at = self._buffer.at
        if RECORD_LINE.match(text, start):  # the last line of a record whose beginning is lost
            return end, True
        if len(prefix) > prefixes.MOST or prefix.endswith(('"', "'")) or not prefix.strip():
            container = _container_before(text[at:end], start - at)
            if container:
                return container + at, False
            if start > at:
                return start, False
            return end, True
        self._layout = _layout(prefix)
        return start, True

    def _cut(self, at: int) -> int:
        """The end of a text without a record: a line end, if the text is long."""
        text = self._buffer.text
        if self._buffer.is_ended:
            return len(text)
        most = min(len(text), at + _LOOK)
        return max(text.rfind("\n", at, most), text.rfind("\r", at, most)) + 1 or most

    def _junk(self, text: str) -> Iterator[Event]:
        around = _AFTER_EVENTS.sub("", text).strip("\r\n")
        if not _EVENTS_LINE.fullmatch(f"{around}\nEVENTS\t"[:-7]) and around.strip():
            yield Event(around, self._around, None, self._line)

    # --- one record

    def _event(self, piece: str) -> Iterator[Event]:
        layout = self._layout
        text = piece.rstrip("\r\n") if piece[-1:] in ("\r", "\n") else piece
        if layout.begin is None:
            if text[-14:-13] in ("\t", ",") or "\n" not in text:
                yield from self._unusual(text, self._around, "")
            elif text.strip():
                yield Event(text, self._around, None, self._line)
            return
        begin = layout.begin.match(text, 1 if text[:1] == "\ufeff" else 0)
        if begin is None:
            yield from self._unusual(text, self._around, "")
        else:
            names = prefixes.names_of(begin.groups()).over(self._around)
            yield from self._unusual(text[begin.end() :], names, begin[0])

    def _unusual(self, text: str, names: Names, prefix: str) -> Iterator[Event]:
        """A record that may have something after it, or its line ends escaped."""
        if "\nSEARCHED" in text or "\nNEXTTOKEN" in text or "\nSTATISTICS" in text:
            text = _AFTER_EVENTS.sub("", text)
        suffix = ""
        last = text.rfind("\n") + 1
        if self._layout.begin and last and delimiter_of(text[last:]):
            text = text[:last].rstrip("\r\n")  # the header of another table
        if self._layout.has_suffix or text[-14:-13] in ("\t", ","):
            text, suffix = prefixes.without_suffix(text)
            names = _names_after(suffix).over(names) if suffix else names
        if "\n" not in text:
            text = unescaped(text).rstrip("\r\n")
        arrived = prefixes.arrival(prefix or suffix) if prefix or suffix else None
        if text.strip("\r\n\t ,;|\ufeff"):
            yield Event(text, names, arrived, self._line)

    # --- where another container begins

    def _end_of(self, piece: str) -> int | None:
        """Where in a piece another container, or a record of another form, begins."""
        has_json = "\n{" in piece or "\n[" in piece or "\n\ufeff" in piece
        if not has_json and piece.count("usecs:") < 2:
            return None
        places: list[int] = []
        if has_json:
            places += self._json_places(piece)
        for head in HEAD.finditer(piece, 1, min(places, default=len(piece))):
            place = self._other_form(piece, head.start())
            if place is not None and place > 0:
                places.append(place)
                break
        return min(places, default=None)

    def _json_places(self, piece: str) -> Iterator[int]:
        for begin in _JSON_BEGINS.finditer(piece):
            if _is_json(piece, begin.end()):
                yield begin.end()
                return

    def _other_form(self, piece: str, at: int) -> int | None:
        """Where a record whose first line is at `at` begins, if it is none of this form."""
        own = self._layout.begin.match(piece) if self._layout.begin else None
        if at == (own.end() if own else 0):
            return None
        start = max(piece.rfind("\n", 0, at), piece.rfind("\r", 0, at)) + 1
        prefix = piece[start:at].strip("\ufeff")
        if start == 0 or (
            prefix and RECORD_LINE.match(piece, start)
        ):  # after a record, on its last line
            is_apart = piece[at - 1] in "\t ,;|" and is_complete(piece[:at])
            return at if is_apart else None
        if not prefix:
            return start if is_complete(piece[:start]) else None
        container = _container_before(piece, start)
        if container is not None:
            return container
        is_known = len(prefix) <= prefixes.MOST and prefixes.is_known(prefix)
        return start if is_known or prefix.endswith(('"', "'")) else None


def _until(piece: str, end: int) -> str:
    """The part before what begins in the middle of a line, or at one."""
    return piece[:end] if piece[end - 1] in "\r\n\ufeff" else piece[:end].rstrip("\t ,;|")


def _names_after(suffix: str) -> Names:
    return prefixes.names_of(tuple(re.split(r"[\t,;| ]+", suffix)))


def _container_before(text: str, start: int) -> int | None:
    """Where CSV or YAML begins that has the line at `start`; None if it is that line."""
    header = _CSV_BEFORE.search(text, max(0, start - 2000), start)
    if header and delimiter_of(header[1]):
        return header.start(1)
    for begin in _YAML_BEFORE.finditer(text, max(0, start - 4000), start):
        if begins_yaml(text, begin.start() + 1) and is_yaml(text, begin.start() + 1, start):
            return begin.start() + 1
    return None


def _is_json(text: str, at: int) -> bool:
    """Whether JSON begins here, by more than a user name could contain."""
    tokens = _JSON_TOKENS.match(text, at, min(len(text), at + 400))
    end = tokens.end() if tokens else at
    return end - at > MOST_NAME or (end == len(text) and end > at)
