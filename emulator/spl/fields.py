"""Commands that change fields: eval, fields, table, rename, fillnull, mvexpand, addinfo."""

from __future__ import annotations

import re
from functools import cache

from emulator.errors import SearchError
from emulator.eval.expression import compile_calculated_field
from emulator.eval.values import field_value, values_of
from emulator.search_time.search_expression import wildcard_pattern
from emulator.spl.context import Command, Context, ResultRow, Results, command
from emulator.spl.syntax import options, split_top, words

_ASSIGNMENT = re.compile(r"\s*(?P<name>\w+)\s*=(?!=)(?P<expression>.*)\Z", re.DOTALL)


@command("eval")
def _eval(arguments: str) -> Command:
    """Search Reference, "eval": assignments from left to right; NULL removes the field."""
    assigned = []
    for part in split_top(arguments, ","):
        match = _ASSIGNMENT.match(part)
        if not match:
            raise SearchError(f"eval: {part.strip()!r} is no assignment to a plain field name")
        assigned.append((match["name"], compile_calculated_field(match["expression"]).run))

    def changed(row: ResultRow) -> ResultRow:
        row = dict(row)
        for name, value_of in assigned:
            value = field_value(value_of(row))
            if value is None:
                row.pop(name, None)
            else:
                row[name] = value
        return row

    return lambda results, _context: results.with_rows([changed(row) for row in results.rows])


@command("fields")
def _fields(arguments: str) -> Command:
    """Search Reference, "fields": keeps the named ones and internal ones, or removes the named."""
    removes = arguments.startswith("-")
    patterns = [wildcard_pattern(name) for name in words(arguments.lstrip("+-"))]
    if not patterns:
        raise SearchError("fields names no field")

    @cache  # few names, many rows
    def is_kept(name: str) -> bool:
        named = any(pattern.fullmatch(name) for pattern in patterns)
        return not named if removes else named or name.startswith("_")

    def run(results: Results, _context: Context) -> Results:
        columns = results.columns and tuple(name for name in results.columns if is_kept(name))
        rows = [
            {name: value for name, value in row.items() if is_kept(name)} for row in results.rows
        ]
        return Results(rows, columns)

    return run


@command("table")
def _table(arguments: str) -> Command:
    """Search Reference, "table": only these fields, in this order."""
    names = tuple(words(arguments))
    if not names or any("*" in name for name in names):
        raise SearchError("table is modelled with plain field names only")
    return lambda results, _context: Results(
        [{name: row[name] for name in names if name in row} for row in results.rows], names
    )


@command("rename")
def _rename(arguments: str) -> Command:
    """Search Reference, "rename"."""
    pairs = []
    for part in split_top(arguments, ","):
        named = words(part)
        if len(named) != 3 or named[1].upper() != "AS" or "*" in part:
            raise SearchError(f"rename is modelled as a AS b, with commas between: {part!r}")
        pairs.append((named[0], named[2]))
    new_names = dict(pairs)
    if len(new_names) < len(pairs) or set(new_names) & set(new_names.values()):
        raise SearchError("rename: a chain or a field named twice is not modelled")

    def renamed(row: ResultRow) -> ResultRow:
        if any(new in row for old, new in pairs if old in row):
            raise SearchError("rename onto a field that exists is not modelled")
        return {new_names.get(name, name): value for name, value in row.items()}

    def run(results: Results, _context: Context) -> Results:
        columns = results.columns and tuple(new_names.get(name, name) for name in results.columns)
        return Results([renamed(row) for row in results.rows], columns)

    return run


@command("fillnull")
def _fillnull(arguments: str) -> Command:
    """Search Reference, "fillnull": 0 or value=, in the named fields."""
    settings, rest = options(arguments, "fillnull", frozenset({"value"}))
    names = words(rest)
    if not names:
        raise SearchError("fillnull without field names is not modelled")
    filling = dict.fromkeys(names, settings.get("value", "0"))
    return lambda results, _context: results.with_rows([{**filling, **row} for row in results.rows])


@command("mvexpand")
def _mvexpand(arguments: str) -> Command:
    """Search Reference, "mvexpand": a row per value."""
    named = words(arguments)
    if len(named) != 1 or named[0].startswith("_"):
        raise SearchError("mvexpand is modelled with the name of one field that is not internal")

    def expanded(row: ResultRow) -> list[ResultRow]:
        values = values_of(row, named[0])
        if not values:
            raise SearchError(f"mvexpand: a row without {named[0]} is not modelled")
        return [{**row, named[0]: value} for value in values]

    return lambda results, _context: results.with_rows(
        [new for row in results.rows for new in expanded(row)]
    )


@command("addinfo")
def _addinfo(arguments: str) -> Command:
    """Search Reference, "addinfo": the search's time range and when it was run."""
    if arguments:
        raise SearchError(f"addinfo takes no arguments: {arguments}")

    def run(results: Results, context: Context) -> Results:
        latest = "+Infinity" if context.latest is None else f"{context.latest:.3f}"
        info: ResultRow = {
            "info_min_time": f"{context.earliest:.3f}",
            "info_max_time": latest,
            "info_search_time": f"{context.now:.6f}",
            "info_sid": f"{context.now:.0f}.1",
        }
        return results.with_rows([{**row, **info} for row in results.rows])

    return run
