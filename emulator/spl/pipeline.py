"""From the text of a search to its results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from emulator.conf.macros import Macros
from emulator.errors import SearchError
from emulator.eval.values import values_of
from emulator.search_time.search_expression import Predicate, compile_search

# Each module declares its commands when it is imported.
from emulator.spl import (
    aggregation,
    binning,
    charting,
    fields,
    filtering,
    indexed,
    lookup_store,
    matching,
    multivalues,
    ordering,
    ranking,
    refused,
    sources,
    streaming,
    totals,
)
from emulator.spl.appending import append, appendpipe
from emulator.spl.context import (
    GENERATING,
    Command,
    Context,
    Results,
    command,
    compiled,
)
from emulator.spl.syntax import Call, calls, replace_subsearches, words

# Commands that do something else as the first command.
_AS_FIRST = {"search": "search-events", "inputlookup": "inputlookup-first"}
_NOW = re.compile(r'"(?:[^"\\]|\\.)*"|\b(now\(\s*\))', re.DOTALL)
MODULES = (
    *(aggregation, binning, charting, totals, filtering, indexed, lookup_store, matching),
    *(multivalues, ordering, ranking, fields, sources, streaming, refused),
)


@dataclass(frozen=True)
class Search:
    """A search with its macros expanded, to be run once or often."""

    text: str

    @cached_property
    def _calls(self) -> list[Call]:
        listed = calls(self.text)
        for position, call in enumerate(listed):
            _check_position(call.name, position)
        return listed

    @cached_property
    def selects(self) -> Predicate | None:
        """What chooses the events, if they are chosen by the search command and by nothing else."""
        first = self._calls[0]
        if first.name != "search" or _has_subsearch(first.arguments):
            return None
        return compile_search(first.arguments)

    @cached_property
    def _compiled(self) -> list[Command | None]:
        """None for a command that is compiled when it runs: it has a subsearch, or now()."""
        return [
            None if _depends(call.arguments) else _run_of(call, at)
            for at, call in enumerate(self._calls)
        ]

    def run(self, context: Context) -> Results:
        """The results. Raises EmulatorError for what is not modelled."""
        return self._from(0, Results([]), context)

    def after_first(self, results: Results, context: Context) -> Results:
        """The results of the commands after the first one, which returned `results`."""
        return self._from(1, results, context)

    def _from(self, start: int, results: Results, context: Context) -> Results:
        for position in range(start, len(self._calls)):
            ready = self._compiled[position] or self._answered(position, context)
            results = ready(results, context)
        return results

    def _answered(self, position: int, context: Context) -> Command:
        call = self._calls[position]
        if call.name == "append":
            return append(call.arguments, lambda inner: Search(inner).run(context))
        if call.name == "appendpipe":
            return appendpipe(
                call.arguments,
                lambda inner, results: Search(_prefixed(inner)).after_first(results, context),
            )
        arguments = replace_subsearches(
            call.arguments, lambda inner: _subsearch(Search(inner).run(context))
        )
        return _run_of(Call(call.name, _with_now(arguments, context.now)), position)


def _prefixed(inner: str) -> str:
    """A pipeline without a first command, after one that is not run."""
    return f"* | {inner}"


def _has_subsearch(arguments: str) -> bool:
    return replace_subsearches(arguments, lambda _inner: "") != arguments


def _depends(arguments: str) -> bool:
    return _has_subsearch(arguments) or _with_now(arguments, 0) != arguments


def _with_now(arguments: str, now: float) -> str:
    """Search Reference, "now": the time at which the search began, in whole seconds."""
    return _NOW.sub(lambda match: match[0] if match[1] is None else f"{now:.0f}", arguments)


def _run_of(call: Call, position: int) -> Command:
    name = call.name if position else _AS_FIRST.get(call.name, call.name)
    return compiled(name, call.arguments)


def compiled_search(text: str, macros: Macros) -> Search:
    """The search, ready to run. Raises EmulatorError where a macro cannot be expanded."""
    return Search(macros.expand(text))


def run(text: str, context: Context) -> Results:
    """Expand macros, then run command by command. Raises EmulatorError for what is not modelled."""
    return compiled_search(text, context.macros).run(context)


def run_chained(text: str, results: Results, context: Context) -> Results:
    """Continue with the results of another search: `text` begins with a pipe."""
    if not text.lstrip().startswith("|"):
        raise SearchError(f"a search that continues another one begins with a pipe: {text}")
    return compiled_search(f"* {text.lstrip()}", context.macros).after_first(results, context)


@command("savedsearch", generating=True)
def _savedsearch(arguments: str) -> Command:
    """Search Reference, "savedsearch": runs it again, by name, in the time range of this search."""
    named = words(arguments)
    if len(named) != 1:
        raise SearchError("savedsearch is modelled with a name and without replacements")

    def run_named(_results: Results, context: Context) -> Results:
        if named[0] not in context.saved_searches:
            raise SearchError(f"Unable to find saved search named '{named[0]}'.")
        return run(context.saved_searches[named[0]], context)

    return run_named


def check(text: str, macros: Macros) -> None:
    """Compile a complete search, subsearches too, without running it. Raises EmulatorError."""
    _check_expanded(macros.expand(text))


def _check_expanded(text: str) -> None:
    for position, call in enumerate(calls(text)):
        _check_position(call.name, position)
        if call.name == "append":
            append(call.arguments, _checked_rows)
        elif call.name == "appendpipe":
            appendpipe(call.arguments, lambda _inner, results: results)
            replace_subsearches(call.arguments, lambda inner: _checked_subsearch(_prefixed(inner)))
        else:
            arguments = replace_subsearches(call.arguments, _checked_subsearch)
            _run_of(Call(call.name, _with_now(arguments, 0)), position)


def _checked_subsearch(inner: str) -> str:
    _check_expanded(inner)
    return '""'


def _checked_rows(inner: str) -> Results:
    _check_expanded(inner)
    return Results([])


def _check_position(name: str, position: int) -> None:
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
