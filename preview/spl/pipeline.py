"""From the text of a search to its results."""

from __future__ import annotations

from preview.errors import SearchError
from preview.macros import Macros

# Each module declares its commands when it is imported.
from preview.spl import aggregation, filtering, lookup_store, ordering, shaping, sources
from preview.spl.context import GENERATING, Context, Results, compiled, values_of
from preview.spl.syntax import calls, replace_subsearches

# Commands that do something else where nothing stands before them.
_AS_FIRST = {"search": "search-events", "inputlookup": "inputlookup-first"}
MODULES = (aggregation, filtering, lookup_store, ordering, shaping, sources)


def run(text: str, context: Context) -> Results:
    """Expand macros, then run command by command. Raises PreviewError for what is not modelled."""
    return _run_expanded(context.macros.expand(text), context)


def _run_expanded(text: str, context: Context) -> Results:
    results = Results([])
    for position, call in enumerate(calls(text)):
        _check_place(call.name, position)
        name = call.name if position else _AS_FIRST.get(call.name, call.name)
        arguments = replace_subsearches(
            call.arguments, lambda inner: _subsearch(_run_expanded(inner, context))
        )
        results = compiled(name, arguments)(results, context)
    return results


def check(text: str, macros: Macros) -> None:
    """Compile a whole search, subsearches too, without running it. Raises PreviewError."""
    _check_expanded(macros.expand(text))


def _check_expanded(text: str) -> None:
    for position, call in enumerate(calls(text)):
        _check_place(call.name, position)
        name = call.name if position else _AS_FIRST.get(call.name, call.name)
        compiled(name, replace_subsearches(call.arguments, _checked_subsearch))


def _checked_subsearch(inner: str) -> str:
    _check_expanded(inner)
    return '""'


def _check_place(name: str, position: int) -> None:
    if (name in GENERATING) != (position == 0) and name not in _AS_FIRST:
        raise SearchError(
            f"'{name}' must be the first command" if position else f"'{name}' needs rows before it"
        )


def _subsearch(results: Results) -> str:
    """The text that replaces a subsearch: the value of `search`, in the format command's brackets.

    Search Manual, "Change the format of subsearch results".
    """
    if len(results.rows) != 1 or len(values_of(results.rows[0], "search")) != 1:
        raise SearchError("a subsearch is modelled if it yields one row with the field search")
    if {name for name in results.rows[0] if not name.startswith("_")} != {"search"}:
        raise SearchError("a subsearch is modelled if its only field is search")
    return f"( ( {values_of(results.rows[0], 'search')[0]} ) )"
