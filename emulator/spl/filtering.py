"""Commands that drop rows: search, where, dedup, head, tail."""

from __future__ import annotations

from emulator.errors import SearchError
from emulator.eval.expression import compile_eval
from emulator.eval.values import require_boolean
from emulator.search_time.search_expression import compile_search
from emulator.spl.context import Command, Context, ResultRow, Results, command, single
from emulator.spl.syntax import boolean, options, words


@command("search")
def _search(arguments: str) -> Command:
    """Search Reference, "search": after a pipe it filters rows."""
    matches = compile_search(arguments)
    return lambda results, _context: results.with_rows(
        [row for row in results.rows if matches(row)]
    )


@command("where")
def _where(arguments: str) -> Command:
    """Search Reference, "where": keeps the rows for which the expression is true."""
    expr = compile_eval(arguments)
    require_boolean(expr, "'where'")
    return lambda results, _context: results.with_rows(
        [row for row in results.rows if expr.run(row) is True]
    )


@command("dedup")
def _dedup(arguments: str) -> Command:
    """Search Reference, "dedup": the first row of each combination; without a value, none."""
    listed = words(arguments)
    settings, rest = options(
        " ".join(word for word in listed if "=" in word), "dedup", frozenset({"keepempty"})
    )
    names = [word for word in listed if "=" not in word]
    if rest or not names or names[0].isdigit() or "sortby" in names:
        raise SearchError(f"dedup is modelled with field names and keepempty only: {arguments}")
    keeps_empty = boolean(settings.get("keepempty", "false"), "keepempty")

    def run(results: Results, _context: Context) -> Results:
        seen: set[tuple[str, ...]] = set()
        kept: list[ResultRow] = []
        for row in results.rows:
            values = [single(row, name, "dedup") for name in names]
            key = tuple(value for value in values if value is not None)
            if len(key) < len(names):
                kept += [row] if keeps_empty else []
            elif key not in seen:
                seen.add(key)
                kept.append(row)
        return results.with_rows(kept)

    return run


@command("head")
def _head(arguments: str) -> Command:
    """Search Reference, "head": the first rows, by default 10."""
    most = _count(arguments, "head")
    return lambda results, _context: results.with_rows(results.rows[:most])


@command("tail")
def _tail(arguments: str) -> Command:
    """Search Reference, "tail": the last rows, by default 10, the last of them first."""
    most = _count(arguments, "tail")
    return lambda results, _context: results.with_rows(results.rows[::-1][:most])


def _count(arguments: str, name: str) -> int:
    if arguments and not arguments.isdigit():
        raise SearchError(f"{name} is modelled with a number only: {arguments}")
    return int(arguments or 10)
