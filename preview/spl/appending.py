"""append: the rows of another search behind those that are there."""

from __future__ import annotations

from collections.abc import Callable

from preview.errors import SearchError
from preview.spl.context import Context, Results, Run
from preview.spl.syntax import replace_subsearches

# Search Reference, "append", maxout: what comes behind is dropped, silently.
_MOST = 50_000


def append(arguments: str, answer: Callable[[str], Results]) -> Run:
    """Search Reference, "append"; `answer` runs the search in the brackets, in the same time range.

    Raises SearchError for options, which are not modelled.
    """
    found: list[str] = []

    def taken(inner: str) -> str:
        found.append(inner)
        return ""

    if replace_subsearches(arguments, taken).strip() or len(found) != 1:
        raise SearchError("append is modelled as append [search ...] without options")
    added = answer(found[0])
    if len(added.rows) > _MOST:
        raise SearchError(f"append: Splunk drops what is more than {_MOST} rows, without a word")

    def run(results: Results, _context: Context) -> Results:
        columns = results.columns
        if columns is not None:
            columns = (*columns, *(n for n in added.columns or () if n not in columns))
        return Results([*results.rows, *(dict(row) for row in added.rows)], columns)

    return run
