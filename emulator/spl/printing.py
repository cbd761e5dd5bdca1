"""Results on a terminal, as JSON lines and as CSV; text from logs never controls the terminal."""

from __future__ import annotations

import csv
import json
import re
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from emulator.eval.time_format import write_time
from emulator.eval.values import FieldValue, number_of, values_of
from emulator.spl.context import Results

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Events have more fields than a table has room for.
_MOST_COLUMNS = 12
_TIME_FORMAT, _SUBSECONDS = "%Y-%m-%d %H:%M:%S", ".%3N"


def escaped(text: str) -> str:
    """Control characters become visible, as \\x1b; tabs and line breaks stay."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def shown(text: str) -> Text:
    """The text as it is, without markup."""
    return Text(escaped(text))


def print_table(results: Results, most: int) -> None:
    """The first rows, `_time` in UTC. Events that are wide are shown by their time and text."""
    names = [name for name in column_names(results) if name != "_span"]  # for charts only
    if results.columns is None and len(names) > _MOST_COLUMNS:
        names = [name for name in ("_time", "host", "_raw") if name in names]
    console = Console()
    table = Table()
    for name in names:
        table.add_column(shown(name), overflow="fold")
    for row in results.rows[:most]:
        table.add_row(*(shown("\n".join(_cell(row, name))) for name in names))
    if names:
        console.print(table)
    if len(results.rows) > most:
        console.print(f"... {len(results.rows) - most} more")
    elif not results.rows:
        console.print("no results")


def print_json(results: Results) -> None:
    """All rows, one object a line, several values as a list."""
    for row in results.rows:
        print(json.dumps(row))


def print_csv(results: Results) -> None:
    """All rows and columns; several values of a cell are on separate lines."""
    names = column_names(results)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(escaped, names))
    for row in results.rows:
        writer.writerow(escaped("\n".join(values_of(row, name))) for name in names)


def column_names(results: Results) -> list[str]:
    """What a command decided, then the fields that came later."""
    named = dict.fromkeys(results.columns or ())
    names = dict.fromkeys(name for row in results.rows for name in row)
    internal = results.columns is not None
    later = [name for name in names if not (internal and name.startswith("_"))]
    return list({**named, **dict.fromkeys(later)})


def _cell(row: dict[str, FieldValue], name: str) -> list[str]:
    values = values_of(row, name)
    time = number_of(values[0]) if name == "_time" and values else None
    if time is None:
        return values
    form = _TIME_FORMAT if float(time).is_integer() else _TIME_FORMAT + _SUBSECONDS
    return [write_time(round(time * 1_000_000), form)]
