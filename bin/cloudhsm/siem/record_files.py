"""Records out of files: text, gzip, what CloudWatch Logs exports, sends on and answers.

- text as an HSM writes it, records one behind the other, broken as the add-on's props.conf says;
- the same as an export to S3 has it, an ISO 8601 time before each record (CreateExportTask);
- certificate storage records, JSON;
- JSON of log events: what `aws logs filter-log-events` and `get-log-events` print, what a
  subscription delivers (one payload behind the other), or one event a line.

Whatever is none of these is a record too, a damaged one: nothing is left out but blank lines.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, BinaryIO, NamedTuple, Union, cast

from cloudhsm.base.errors import CloudHsmError, Place

_CHUNK = 1 << 18  # characters that are read at once
MOST_RECORD = 10_000_000  # characters; props.conf's TRUNCATE
_GZIP = b"\x1f\x8b"
_FIRST_LINE = r"Time:[ \t]?\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{1,6}, ?usecs:\d"
_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
_STAMPED = re.compile(rf"({_STAMP})(?={_FIRST_LINE}|\{{)")
_ENVELOPE = re.compile(r'\s*\{\s*"events"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


class _Breaks:
    """Where texts are broken: at line ends before which none stands, if `beginning` follows."""

    def __init__(self, beginning: str) -> None:
        self._any = re.compile(rf"(?<![\r\n])([\r\n]+)(?={beginning})")
        self._plain = re.compile(rf"(\n)(?={beginning})")  # a quarter of the time

    def split(self, text: str) -> list[str]:
        """Texts and, between them, line ends."""
        is_plain = "\r" not in text and "\n\n" not in text
        return (self._plain if is_plain else self._any).split(text)


_TEXT = _Breaks(_FIRST_LINE)
_JSON = _Breaks(r"\{")
_EXPORTED = _Breaks(rf"(?:{_STAMP})?(?:{_FIRST_LINE}|\{{)")
# What can be opened for reading bytes, however it is wrapped.
Bytes = Union[BinaryIO, io.RawIOBase]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class DamagedFile(CloudHsmError):
    """A file that ends, or turns into nonsense, before its end."""


@dataclass(frozen=True)
class Origin:
    """Where records come from, as far as it is known; "" where it is not.

    file: what Splunk would call their source if nothing else is known.
    """

    file: str = ""
    account: str = ""
    region: str = ""
    group: str = ""
    stream: str = ""

    def names(self) -> tuple[str, str]:
        """Splunk's source and host: <account>:<Region>:<log group>:<log stream>, and the stream."""
        if not self.stream:
            return self.file, ""
        known = (self.account, self.region, self.group, self.stream)
        return ":".join(one for one in known if one), self.stream


class Found(NamedTuple):
    """A record's text as it is.

    place: the line on which it starts or, of JSON, the how manieth event it is; both from 1.
    arrived: CloudWatch's time in microseconds since 1970, where the file tells it.
    """

    text: str
    origin: tuple[str, str]
    place: int
    arrived: int | None = None


def records(file: Bytes, origin: Origin) -> Iterator[Found]:
    """The records of a file, opened for reading bytes, at constant memory.

    Raises DamagedFile behind the last record that could be read, and OSError.
    """
    try:
        yield from _records(_chunks(file), origin)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedFile(
            f"the compressed file is damaged: {error}",
            place=Place(file=origin.file),
            next_step="Fetch it again; what stands before the damage has been printed",
        ) from error


def _chunks(file: Bytes) -> Iterator[str]:
    """Its text, gunzipped where it begins as gzip does; bytes that are no UTF-8 become `\\xNN`."""
    buffered = io.BufferedReader(cast(io.RawIOBase, file), _CHUNK)
    is_gzip = buffered.peek(2)[:2] == _GZIP
    binary = cast(BinaryIO, gzip.GzipFile(fileobj=buffered) if is_gzip else buffered)
    text = io.TextIOWrapper(binary, "utf-8", "backslashreplace", newline="")
    while chunk := text.read(_CHUNK):
        yield chunk


def _records(chunks: Iterator[str], origin: Origin) -> Iterator[Found]:
    first = next(chunks, "").lstrip("\ufeff")
    begin = first.lstrip()
    if _ENVELOPE.match(begin):
        yield from _answered(first, chunks, origin)
    elif begin.startswith("{"):
        yield from _json(_pieces(first, chunks, _JSON), origin)
    elif _STAMPED.match(begin):
        yield from _exported(_pieces(first, chunks, _EXPORTED), origin)
    else:
        names = origin.names()
        for text, line in _pieces(first, chunks, _TEXT):
            yield Found(text, names, line)


def _pieces(first: str, chunks: Iterator[str], breaks: _Breaks) -> Iterator[tuple[str, int]]:
    """(text, line on which it starts); a text that is too long comes in several pieces."""
    line, rest = 1, first
    for chunk in chunks:
        *whole, rest = breaks.split(rest)
        for piece, between in zip(whole[::2], whole[1::2]):
            if piece.strip():
                yield piece, line
            line += _lines(piece) + _lines(between)
        while len(rest) > MOST_RECORD:
            yield rest[:MOST_RECORD], line
            line += _lines(rest[:MOST_RECORD])
            rest = rest[MOST_RECORD:]
        rest += chunk
    for number, piece in enumerate(breaks.split(rest.rstrip("\r\n"))):
        if number % 2 == 0 and piece.strip():
            yield piece, line
        line += _lines(piece)


def _lines(text: str) -> int:
    return text.count("\n") or text.count("\r")


def _exported(pieces: Iterator[tuple[str, int]], origin: Origin) -> Iterator[Found]:
    names = origin.names()
    for text, line in pieces:
        stamp = _STAMPED.match(text)
        if stamp:
            yield Found(text[stamp.end() :], names, line, _usecs(stamp[1]))
        else:
            yield Found(text, names, line)


def _usecs(stamp: str) -> int | None:
    try:
        moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ ").replace(tzinfo=timezone.utc)
    except ValueError:  # the 30th of February
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1)


# --- JSON


def _json(pieces: Iterator[tuple[str, int]], origin: Origin) -> Iterator[Found]:
    """Log events by what each piece says of itself; all other JSON is a certificate's record."""
    for text, line in pieces:
        values = _values_of(text)
        events = [event for value in values or () for event in _events(value, origin, line)]
        yield from events or [Found(text, origin.names(), line)]


def _values_of(text: str) -> list[Any] | None:
    """The JSON values that stand one behind the other; None where something else does too."""
    decoder, values, place = json.JSONDecoder(), [], 0
    text = text.strip()
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return None
        values.append(value)
        place = _end(_BETWEEN, text, place)
    return values


def _events(value: object, origin: Origin, place: int) -> Iterator[Found]:
    """The log events of a subscription's payload, or the one that `value` is itself."""
    if not isinstance(value, dict):
        return
    events = value.get("logEvents")
    its_origin = _origin_in(value, origin)
    for event in events if isinstance(events, list) else [value]:
        if found := _event(event, its_origin, place):
            yield found


def _event(event: object, origin: Origin, place: int) -> Found | None:
    if not isinstance(event, dict) or not isinstance(event.get("message"), str):
        return None
    told = event.get("timestamp")
    arrived = told * 1000 if isinstance(told, int) and not isinstance(told, bool) else None
    return Found(event["message"], _origin_in(event, origin).names(), place, arrived)


_TOLD = {"account": "owner", "group": "logGroup", "stream": "logStream"}


def _origin_in(told: Mapping[str, object], origin: Origin) -> Origin:
    """What is told of the origin, for what is not known yet."""
    found = {name: told.get(key) for name, key in _TOLD.items()}
    found["stream"] = found["stream"] or told.get("logStreamName")
    new = {
        name: value
        for name, value in found.items()
        if isinstance(value, str) and value and not getattr(origin, name)
    }
    return replace(origin, **new) if new else origin


def _answered(rest: str, chunks: Iterator[str], origin: Origin) -> Iterator[Found]:
    """The events of `{"events": [...` one by one, however many there are."""
    decoder, number = json.JSONDecoder(), 0
    place = _end(_ENVELOPE, rest, 0)
    while True:
        place = _end(_BETWEEN, rest, place)
        if rest[place : place + 1] == "]":
            return  # what follows are tokens for the next page
        try:
            value, end = decoder.raw_decode(rest, place)
        except (ValueError, RecursionError):
            rest, place = rest[place:], 0
            more = next(chunks, "") if len(rest) < 2 * MOST_RECORD else ""
            if not more:
                yield from _torn(rest, origin, number + 1)
                return
            rest += more
            continue
        number += 1
        yield _event(value, origin, number) or Found(rest[place:end], origin.names(), number)
        place = end


def _torn(rest: str, origin: Origin, number: int) -> Iterator[Found]:
    if rest.strip():
        yield Found(rest, origin.names(), number)
    raise DamagedFile(
        f"the JSON ends within event {number}, or is none from there on",
        place=Place(file=origin.file),
        next_step="Fetch it again; what stands before the damage has been printed",
    )


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place
