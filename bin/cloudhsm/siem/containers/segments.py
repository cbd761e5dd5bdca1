"""Which container begins where in a text, and the records of each.

A text is read from its beginning to its end, segment by segment. The first characters of a segment
decide who reads it, and the reader ends where its container does.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cloudhsm.base.errors import CloudHsmError
from cloudhsm.siem.containers.byte_streams import decoded, unpacked
from cloudhsm.siem.containers.csv_rows import JSON_STRING, CsvReader, delimiter_of
from cloudhsm.siem.containers.event_names import Names
from cloudhsm.siem.containers.found import Report
from cloudhsm.siem.containers.json_events import Control, Event, Item, Payload, Unread
from cloudhsm.siem.containers.json_stream import JsonReader, Survey
from cloudhsm.siem.containers.record_heads import HEAD
from cloudhsm.siem.containers.text_buffer import TextBuffer
from cloudhsm.siem.containers.text_records import TextReader
from cloudhsm.siem.containers.yaml_events import YamlReader, begins_yaml

MOST_NESTED = 16  # payloads inside one another
_JSON = re.compile(r'\{|\[\s*(?:[\[{"\]]|-?\d+(?:\.\d+)?\s*[,\]]|null|true|false)|"')
# JSON whose beginning is lost: a key, or a record after one on this line.
_FRAGMENT = re.compile(
    r'[^\r\n"]{0,80}"[ \t]*:[ \t]*[\[{"\dtfn]|[^\r\n"]{0,80}"[^"\r\n]{1,80}"[ \t]*:'
    r'|[^\r\n]{0,2000}?"[ \t]*:[ \t]*"Time:|[^\r\n]{0,400}?[,\[][ \t]*"Time:[^"\r\n]{0,90}\\n'
)
_CLOSED = re.compile(r"[\]},\s]+")
_LINE = re.compile(r"[^\r\n]*")
_ROW = re.compile(rf'[^\r\n{{\[]{{0,400}}?"{HEAD.pattern}')
_COPIED = 1 << 18  # characters that are copied at once to and from a temporary file

Reopen = Callable[[], Iterator[str]]


@dataclass
class Reading:
    """One file: how to read it again, and what is reported. reopen: None for standard input."""

    name: str
    report: Report
    reopen: Reopen | None = None
    survey: Survey | None = field(default=None, init=False)


def items(chunks: Iterator[str], around: Names, reading: Reading) -> Iterator[Event]:
    """The log events of a text, whatever it is; control messages are counted in the report."""
    for item in _segments(TextBuffer(chunks), around, reading, None):
        yield from _resolved(item, reading, 0)


def _resolved(item: Item, reading: Reading, depth: int) -> Iterator[Event]:
    """The events of an item: payloads are texts of their own."""
    if isinstance(item, Event):
        yield item
    elif isinstance(item, Control):
        reading.report.control += 1
    elif isinstance(item, Unread):
        reading.report.piece(reading.name, item.what)
    else:
        yield from _payload(item, reading, depth)


def _payload(item: Payload, reading: Reading, depth: int) -> Iterator[Event]:
    if depth >= MOST_NESTED:
        data = item.data if isinstance(item.data, str) else item.data.decode("latin-1")
        yield Event(data, item.names)
        return

    def reopen() -> Iterator[str]:
        if isinstance(item.data, str):
            return iter([item.data])
        return decoded(unpacked(io.BytesIO(item.data), reading.name, Report()))

    inner = Reading(reading.name, reading.report, reopen)
    text = iter([item.data]) if isinstance(item.data, str) else _unpacked_text(item, inner)
    for one in _segments(TextBuffer(text), item.names, inner, None):
        yield from _resolved(one, inner, depth + 1)


def _unpacked_text(item: Payload, reading: Reading) -> Iterator[str]:
    data = item.data if isinstance(item.data, bytes) else item.data.encode()
    try:
        yield from decoded(unpacked(io.BytesIO(data), reading.name, reading.report))
    except CloudHsmError as error:
        reading.report.piece(reading.name, f"a payload of {len(data):,} bytes: {error.what}")


def _segments(
    buffer: TextBuffer, around: Names, reading: Reading, survey: Survey | None
) -> Iterator[Item]:
    """The items of all segments; survey: takes the names of large objects, nothing else."""

    def enter() -> Survey | None:
        if survey is not None:
            return None
        if reading.survey is None:
            reading.survey = _surveyed(buffer, around, reading)
        return reading.survey

    is_after_json, before = False, -1
    while buffer.skip_blank():
        if is_after_json and (closed := _CLOSED.match(buffer.text, buffer.at)):
            buffer.at = closed.end()
            continue
        if buffer.position == before:  # its reader would not take it
            yield Event(buffer.text[buffer.at : _line_end(buffer)], around)
            buffer.at = _line_end(buffer)
            continue
        before = buffer.position
        kind = _kind(buffer)
        is_after_json = kind in ("json", "fragment")
        if kind == "json":
            yield from JsonReader(buffer, enter, survey).value(around, True)
        elif kind == "fragment":
            yield from JsonReader(buffer, enter, survey).damage(around)
        elif kind == "yaml":
            yield from YamlReader(buffer, around).items()
        elif kind == "csv":
            line = buffer.text[buffer.at : _line_end(buffer)]
            yield from CsvReader(buffer, around, delimiter_of(line)).items()
        elif kind == "header":
            buffer.at = _line_end(buffer)
        else:
            yield from TextReader(buffer, around).events()


def _kind(buffer: TextBuffer) -> str:
    """What begins at the position."""
    buffer.ensure(1 << 14)
    text, at = buffer.text, buffer.at
    if HEAD.match(text, at):
        return "text"
    begin = _JSON.match(text, at)
    if begin and (text[at] != '"' or JSON_STRING.match(text, at)):
        return "json"
    if _FRAGMENT.match(text, at):
        return "fragment"
    if begins_yaml(text, at):
        return "yaml"
    line = _LINE.match(text, at)
    if line and delimiter_of(line[0]):
        return "csv" if _is_quoted_below(text, line.end()) else "header"
    return "csv" if _ROW.match(text, at) else "text"


def _line_end(buffer: TextBuffer) -> int:
    line = _LINE.match(buffer.text, buffer.at)
    return line.end() if line else len(buffer.text)


def _is_quoted_below(text: str, at: int) -> bool:
    """Whether the first record after a header, if there is one, is in quotes."""
    head = HEAD.search(text, at)
    return head is None or text[head.start() - 1] == '"'


def _surveyed(buffer: TextBuffer, around: Names, reading: Reading) -> Survey:
    """The names of all large objects, by a pass over the file or over a copy of what follows."""
    survey = Survey()
    if reading.reopen is not None:
        again = TextBuffer(reading.reopen())
    else:
        copy = _Copy(buffer.rest())
        again = TextBuffer(copy.written())
        again.offset = buffer.position
    for _item in _segments(again, around, reading, survey):
        pass
    if reading.reopen is None:
        for _chunk in again.rest():
            pass
        rest = copy.read()
        # What the buffer has already is the beginning of the copy.
        skipped = len(buffer.text) - buffer.at
        buffer.replace_rest(_without_first(rest, skipped))
    return survey


def _without_first(chunks: Iterator[str], count: int) -> Iterator[str]:
    for chunk in chunks:
        yield chunk[count:]
        count = max(0, count - len(chunk))


class _Copy:
    """A temporary file with a text; only its owner may read it, and it has no name."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed when its last reader ends)

    def written(self) -> Iterator[str]:
        """The text, which is copied while it is read."""
        for chunk in self._chunks:
            self._file.write(chunk.encode("utf-8", "surrogatepass"))
            yield chunk

    def read(self) -> Iterator[str]:
        """The text again; ends the copy."""
        self._file.seek(0)
        with io.TextIOWrapper(self._file, "utf-8", "surrogatepass", newline="") as text:
            while chunk := text.read(_COPIED):
                yield chunk
