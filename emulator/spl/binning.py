"""bin, also called bucket: numbers and times put into bins of one size."""

from __future__ import annotations

from collections.abc import Callable

from emulator.errors import SearchError
from emulator.eval.values import number_of
from emulator.spl.context import Command, ResultRow, command, single
from emulator.spl.spans import bin_start, seconds_of
from emulator.spl.syntax import options_anywhere, words

_Bin = Callable[[float], str]


@command("bin")
@command("bucket")
def _bin(arguments: str) -> Command:
    """Search Reference, "bin", with a span: _time becomes a bin's start, a number its range."""
    settings, rest = options_anywhere(arguments, "bin", frozenset({"span"}))
    named = words(rest)
    renamed = len(named) == 3 and named[1].lower() == "as"
    if "span" not in settings or not (len(named) == 1 or renamed):
        raise SearchError(f"bin is modelled as bin <field> span=<size> [AS <name>]: {arguments}")
    name, new_name = named[0], named[-1]
    bin_of = _bin_of(name, settings["span"])

    def binned(row: ResultRow) -> ResultRow:
        value = single(row, name, "bin")
        if value is None:
            return row
        number = number_of(value)
        if number is None:
            raise SearchError(f"bin: {name} is no number: {value!r}")
        return {**row, new_name: bin_of(float(number))}

    return lambda results, _context: results.with_rows([binned(row) for row in results.rows])


def _bin_of(name: str, span: str) -> _Bin:
    if name == "_time":
        seconds = seconds_of(f"{span}s" if span.isdigit() else span, "bin")
        return lambda time: str(bin_start(time, seconds))
    if not span.isdigit() or int(span) == 0:
        raise SearchError(f"bin: span={span} of {name}: only whole numbers are modelled, or _time")
    size = int(span)
    return lambda number: f"{bin_start(number, size)}-{bin_start(number, size) + size}"
