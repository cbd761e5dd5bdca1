"""Commands that begin a search: search, makeresults, rest."""

from __future__ import annotations

from emulator.errors import SearchError
from emulator.eval.values import Fields
from emulator.search_time.search_expression import compile_search
from emulator.spl.context import Command, Context, Results, SelectableEvents, command
from emulator.spl.syntax import options, words

_WHO = "/services/authentication/current-context"


@command("search-events", generating=True)
def _search_events(arguments: str) -> Command:
    """Search Reference, "search": events of the time range, newest first."""
    matches = compile_search(arguments)

    def run(_results: Results, context: Context) -> Results:
        events = context.events
        if isinstance(events, SelectableEvents):
            events = events.selected(arguments, matches)
        else:
            events = filter(matches, events)
        return Results([dict(event) for event in events if _is_within(event, context)])

    return run


def _is_within(event: Fields, context: Context) -> bool:
    """Search Manual, "Specify time modifiers": earliest is inside the range, latest is not."""
    time = float(str(event["_time"]))
    return context.earliest <= time and (context.latest is None or time < context.latest)


@command("makeresults", generating=True)
def _makeresults(arguments: str) -> Command:
    """Search Reference, "makeresults": rows with nothing but the time of the search."""
    settings, rest = options(arguments, "makeresults", frozenset({"count"}))
    count = settings.get("count", "1")
    if rest or not count.isdigit():
        raise SearchError(f"makeresults is modelled with count=<number> only: {arguments}")
    return lambda _results, context: Results(
        [{"_time": f"{context.now:.0f}"} for _ in range(int(count))]
    )


@command("rest", generating=True)
def _rest(arguments: str) -> Command:
    """Search Reference, "rest"; REST API Reference Manual, "authentication/current-context"."""
    if words(arguments) != [_WHO, "splunk_server=local"]:
        raise SearchError(f"rest is modelled as | rest {_WHO} splunk_server=local only")
    return lambda _results, context: Results([{"title": "context", "username": context.user}])
