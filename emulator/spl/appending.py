"""append and appendpipe: the rows of another search, added after the existing ones."""

from __future__ import annotations

from collections.abc import Callable

from emulator.errors import SearchError
from emulator.spl.context import Command, Context, Results
from emulator.spl.syntax import replace_subsearches

# Search Reference, "append", maxout: further rows are dropped silently.
_MOST = 50_000


def append(arguments: str, answer: Callable[[str], Results]) -> Command:
    """Search Reference, "append"; `answer` runs the search in the brackets, in the same time range.

    Raises SearchError for options, which are not modelled.
    """
    added = answer(_in_brackets(arguments, "append"))
    if len(added.rows) > _MOST:
        raise SearchError(f"append: Splunk silently drops the rows after the first {_MOST}")
    return lambda results, _context: _joined(results, added)


def appendpipe(arguments: str, answer: Callable[[str, Results], Results]) -> Command:
    """Search Reference, "appendpipe"; `answer` runs the pipeline in the brackets on the rows."""
    inner = _in_brackets(arguments, "appendpipe")
    if inner.lstrip().startswith("|"):
        raise SearchError("appendpipe: the pipeline in the brackets begins without a pipe")

    def run(results: Results, _context: Context) -> Results:
        return _joined(results, answer(inner, results))

    return run


def _in_brackets(arguments: str, name: str) -> str:
    searches: list[str] = []

    def taken(inner: str) -> str:
        searches.append(inner)
        return ""

    if replace_subsearches(arguments, taken).strip() or len(searches) != 1:
        raise SearchError(f"{name} is modelled as {name} [search ...] without options")
    return searches[0]


def _joined(results: Results, added: Results) -> Results:
    columns = results.columns
    if columns is not None:
        columns = (*columns, *(name for name in added.columns or () if name not in columns))
    return Results([*results.rows, *added.rows], columns)
