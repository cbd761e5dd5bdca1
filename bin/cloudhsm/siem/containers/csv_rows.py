"""Comma- or tab-separated values: the console's, Logs Insights' and Splunk's exports.

Rows without a header are read too, if the record is in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from cloudhsm.siem.containers.event_names import Names
from cloudhsm.siem.containers.json_events import Event, Inexact, Item, is_text_key, items_in
from cloudhsm.siem.containers.record_heads import HEAD, MOST_RECORD, begins_record
from cloudhsm.siem.containers.text_buffer import TextBuffer

_COLUMN = re.compile(r'"?[\w@#.:()/ -]{1,80}"?')
JSON_STRING = re.compile(r'"(?:[^"\\\r\n]|\\.)*"[ \t]*(?:,?[ \t]*(?:[\r\n]|\Z)|\])')
_LINE = re.compile(r"[^\r\n]*")
_RESUMED = re.compile(
    rf'[\r\n]+(?=[^\r\n]{{0,300}}{HEAD.pattern}|\{{[ \t]*[\r\n"]|\[[ \t]*[\r\n\[{{"])'
)
# More than a user name can contain.
_CONTAINER = re.compile(
    r'[\r\n](?:\{\s*"|\[\s*[\[{"])[^\r\n]{32}|[\r\n][{\[][\r\n]\s+["{\[][^\r\n]{28}'
)


def delimiter_of(line: str) -> str | None:
    """The delimiter of a header line; None if the line is no header."""
    if len(line) > 4000 or "Time:" in line:
        return None
    for delimiter in ",\t;|":
        columns = _columns(line, delimiter)
        if len(columns) > 1 and all(map(_COLUMN.fullmatch, line.split(delimiter))):
            return delimiter if any(map(is_text_key, columns)) else None
    return None


def _columns(line: str, delimiter: str) -> list[str]:
    return [column.strip().strip('"') for column in line.split(delimiter)]


class CsvReader:
    """Reads rows from a buffer's position on; without a delimiter, they have no header."""

    def __init__(self, buffer: TextBuffer, around: Names, delimiter: str | None) -> None:
        self._buffer = buffer
        self._around = around
        self._columns: Sequence[str] | None = None
        if delimiter:
            line = _LINE.match(buffer.text, buffer.at)
            self._columns = _columns(line[0], delimiter) if line else ()
            buffer.at = line.end() if line else buffer.at
        self._delimiter = delimiter or ","

    def items(self) -> Iterator[Item]:
        """The items of the rows, up to what is no row."""
        buffer = self._buffer
        while self._at_row():
            row = self._row()
            if row is None or _is_unclosed(row):
                yield from self._damage()
                continue
            head = HEAD.search(row)
            if head and row[head.start() - 1 : head.start()] != '"':
                return  # a record as text, after a prefix
            if head is None and delimiter_of(row.rstrip("\r\n")):
                return  # another header
            fields = _fields(self._delimiter, row)
            items = self._items(fields)
            if items is None:
                return
            buffer.at += len(row)
            yield from items

    def _at_row(self) -> bool:
        """Whether a row begins at the next line: not a record, nor JSON."""
        buffer = self._buffer
        if not buffer.skip_blank():
            return False
        buffer.ensure(1 << 16)
        text, at = buffer.text, buffer.at
        is_other = text[at] in "{[" or HEAD.match(text, at) or JSON_STRING.match(text, at)
        return not is_other

    def _row(self) -> str | None:
        """The next row with its line end; None if a quote is not closed."""
        buffer, pattern = self._buffer, _row_pattern(self._delimiter)
        while True:
            row = pattern.match(buffer.text, buffer.at)
            if row is not None and (row.end() < len(buffer.text) or buffer.is_ended):
                return row[0]
            if len(buffer.text) - buffer.at > MOST_RECORD or not buffer.more():
                row = pattern.match(buffer.text, buffer.at)
                return row[0] if row else None

    def _items(self, fields: Sequence[str]) -> list[Item] | None:
        """None if the row is none of this table."""
        try:
            if self._columns is not None:
                is_row = len(fields) == len(self._columns)
                return _exact(dict(zip(self._columns, fields)), self._around) if is_row else None
            items = items_in([*fields], self._around, True)
        except Inexact:
            return None
        is_row = any(isinstance(item, Event) and begins_record(item.text) for item in items)
        return items if is_row else None

    def _damage(self) -> Iterator[Item]:
        buffer = self._buffer
        resumed = _RESUMED.search(buffer.text, buffer.at + 1)
        end = resumed.end() if resumed else min(len(buffer.text), buffer.at + MOST_RECORD)
        yield Event(buffer.text[buffer.at : end].rstrip("\r\n"), self._around)
        buffer.at = end


def _exact(row: dict[str, str], around: Names) -> list[Item]:
    items = items_in(row, around, True)
    if items or not any(row.values()):
        return items
    return [Event(",".join(row.values()), around)]


def _is_unclosed(row: str) -> bool:
    """Whether a quote was not closed, so that another record or container is in the row."""
    return row.count("usecs:") > 1 or _CONTAINER.search(row) is not None


@lru_cache(maxsize=8)
def _row_pattern(delimiter: str) -> re.Pattern[str]:
    sign = re.escape(delimiter)
    field = rf'(?:"[^"]*(?:""[^"]*)*"|[^"{sign}\r\n][^{sign}\r\n]*|)'
    return re.compile(rf"{field}(?:{sign} ?{field})*(?:\r?\n|\r|\Z)")


@lru_cache(maxsize=8)
def _field_pattern(delimiter: str) -> re.Pattern[str]:
    sign = re.escape(delimiter)
    return re.compile(rf'(?:\A|{sign}) ?(?:"([^"]*(?:""[^"]*)*)"|([^"{sign}\r\n][^{sign}\r\n]*|))')


def _fields(delimiter: str, row: str) -> list[str]:
    return [
        quoted.replace('""', '"').rstrip("\r\n") if quoted else plain
        for quoted, plain in _field_pattern(delimiter).findall(row.rstrip("\r\n"))
    ]
