"""Commands that begin a search: search, makeresults, rest, savedsearch."""

from __future__ import annotations

from preview.errors import SearchError
from preview.eval_values import Fields
from preview.search import compile_search
from preview.spl.context import Chooses, Context, Results, Run, command
from preview.spl.syntax import options, words

_WHO = "/services/authentication/current-context"


@command("search-events", generating=True)
def _search_events(arguments: str) -> Run:
    """Search Reference, "search": events of the time range, newest first."""
    matches = compile_search(arguments)

    def run(_results: Results, context: Context) -> Results:
        events = context.events
        if isinstance(events, Chooses):
            events = events.chosen(arguments, matches)
        else:
            events = filter(matches, events)
        return Results([dict(event) for event in events if _is_within(event, context)])

    return run


def _is_within(event: Fields, context: Context) -> bool:
    """Search Manual, "Specify time modifiers": earliest is inside the range, latest is not."""
    time = float(str(event["_time"]))
    return context.earliest <= time and (context.latest is None or time < context.latest)


@command("makeresults", generating=True)
def _makeresults(arguments: str) -> Run:
    """Search Reference, "makeresults": rows with nothing but the time of the search."""
    settings, rest = options(arguments, "makeresults", frozenset({"count"}))
    count = settings.get("count", "1")
    if rest or not count.isdigit():
        raise SearchError(f"makeresults is modelled with count=<number> only: {arguments}")
    return lambda _results, context: Results(
        [{"_time": f"{context.now:.0f}"} for _ in range(int(count))]
    )


@command("rest", generating=True)
def _rest(arguments: str) -> Run:
    """Search Reference, "rest"; REST API Reference Manual, "authentication/current-context"."""
    if words(arguments) != [_WHO, "splunk_server=local"]:
        raise SearchError(f"rest is modelled as | rest {_WHO} splunk_server=local only")
    return lambda _results, context: Results([{"title": "context", "username": context.user}])


@command("savedsearch", generating=True)
def _savedsearch(arguments: str) -> Run:
    """Search Reference, "savedsearch": runs it anew, by name, in the time range of this search."""
    named = words(arguments)
    if len(named) != 1:
        raise SearchError("savedsearch is modelled with a name and without replacements")

    def run(_results: Results, context: Context) -> Results:
        from preview.spl.pipeline import run as run_search  # pipeline knows this module

        if named[0] not in context.saved_searches:
            raise SearchError(f"Unable to find saved search named '{named[0]}'.")
        return run_search(context.saved_searches[named[0]], context)

    return run
