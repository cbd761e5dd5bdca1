"""addtotals and convert: a field computed from others."""

from __future__ import annotations

import re

from emulator.errors import SearchError
from emulator.eval.time_format import write_time
from emulator.eval.values import number_of, number_text
from emulator.spl.context import Command, ResultRow, command, single
from emulator.spl.syntax import options, options_anywhere, words

_CTIME = re.compile(r"\s*ctime\((?P<field>\w+)\)(?:\s+as\s+(?P<name>\w+))?\s*,?", re.IGNORECASE)
_TIME_FORMAT = "%m/%d/%Y %H:%M:%S"


@command("addtotals")
def _addtotals(arguments: str) -> Command:
    """Search Reference, "addtotals": the sum of the named fields of each row."""
    settings, rest = options_anywhere(arguments, "addtotals", frozenset({"fieldname"}))
    names, total = words(rest), settings.get("fieldname", "Total")
    if not names or any("*" in name for name in names):
        raise SearchError("addtotals is modelled with plain field names only")

    def summed(row: ResultRow) -> ResultRow:
        numbers = [number_of(single(row, name, "addtotals")) for name in names]
        if all(number is None for number in numbers):
            raise SearchError(f"addtotals: a row without a number in {', '.join(names)}")
        return {**row, total: number_text(float(sum(number or 0 for number in numbers)))}

    return lambda results, _context: results.with_rows([summed(row) for row in results.rows])


@command("convert")
def _convert(arguments: str) -> Command:
    """Search Reference, "convert", with ctime: a time as text, in UTC; in place, unless AS."""
    settings, rest = options(arguments, "convert", frozenset({"timeformat"}))
    form, position, pairs = settings.get("timeformat", _TIME_FORMAT), 0, []
    while match := _CTIME.match(rest, position):
        pairs.append((match["field"], match["name"] or match["field"]))
        position = match.end()
    if not pairs or position < len(rest):
        raise SearchError(f"convert is modelled with ctime(<field>) [AS <name>] only: {arguments}")
    write_time(0, form)  # raises for a format that is not modelled

    def converted(row: ResultRow) -> ResultRow:
        return {**row, **{new: _written(row, old, form) for old, new in pairs if old in row}}

    return lambda results, _context: results.with_rows([converted(row) for row in results.rows])


def _written(row: ResultRow, name: str, form: str) -> str:
    number = number_of(single(row, name, "convert"))
    if number is None:
        raise SearchError(f"convert: {name} is no time: {row[name]!r}")
    return write_time(round(number * 1_000_000), form)
