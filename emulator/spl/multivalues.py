"""makemv and nomv: from one value to several, and back."""

from __future__ import annotations

from emulator.errors import SearchError
from emulator.eval.values import collapse, values_of
from emulator.spl.context import Command, ResultRow, command, single
from emulator.spl.syntax import boolean, options_anywhere, words


@command("makemv")
def _makemv(arguments: str) -> Command:
    """Search Reference, "makemv": split at a delimiter; empty values only if they are allowed."""
    settings, rest = options_anywhere(arguments, "makemv", frozenset({"delim", "allowempty"}))
    delimiter = settings.get("delim", " ")
    keeps_empty = boolean(settings.get("allowempty", "false"), "allowempty")
    name = _one_field(rest, "makemv")
    if not delimiter or name.startswith("_"):
        raise SearchError("makemv needs a delimiter, and a field that is not internal")

    def split(row: ResultRow) -> ResultRow:
        text = single(row, name, "makemv")
        if text is None:
            return row
        values = [part for part in text.split(delimiter) if part or keeps_empty]
        value = collapse(values)
        if value is None:
            raise SearchError(f"makemv: what is left of {text!r} without values is not modelled")
        return {**row, name: value}

    return lambda results, _context: results.with_rows([split(row) for row in results.rows])


@command("nomv")
def _nomv(arguments: str) -> Command:
    """Search Reference, "nomv": one value, with a line break between what were several."""
    name = _one_field(arguments, "nomv")

    def joined(row: ResultRow) -> ResultRow:
        return {**row, name: "\n".join(values_of(row, name))} if name in row else row

    return lambda results, _context: results.with_rows([joined(row) for row in results.rows])


def _one_field(text: str, command_name: str) -> str:
    named = words(text)
    if len(named) != 1:
        raise SearchError(f"{command_name} is modelled with the name of one field: {text!r}")
    return named[0]
