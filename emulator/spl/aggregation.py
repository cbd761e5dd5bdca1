"""stats and eventstats."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from emulator.errors import SearchError
from emulator.spl.aggregates import Aggregation, Key, parse_aggregation
from emulator.spl.context import Context, Results, Row, Run, command
from emulator.spl.stats_functions import Running
from emulator.spl.syntax import options


@command("stats")
def _stats(arguments: str) -> Run:
    """Search Reference, "stats": a row per group, sorted by the group; without BY, one row."""
    wanted = _without_options(arguments, "stats")
    return lambda results, _context: rows_by_group(wanted, results.rows)


def rows_by_group(wanted: Aggregation, rows: Iterable[Row]) -> Results:
    """A row per group, sorted by the group; without BY, one row, even of nothing."""
    groups = grouped(wanted, rows, wanted.keys)
    if not wanted.by and not groups:
        groups[()] = wanted.started()
    return Results(
        [
            {**dict(zip(wanted.by, key)), **wanted.results(running)}
            for key, running in sorted(groups.items(), key=lambda item: item[0])
        ],
        (*wanted.by, *(one.name for one in wanted.aggregates)),
    )


@command("eventstats")
def _eventstats(arguments: str) -> Run:
    """Search Reference, "eventstats": every row gets the results of its group."""
    wanted = _without_options(arguments, "eventstats")

    def run(results: Results, _context: Context) -> Results:
        groups = grouped(wanted, results.rows, lambda row: [wanted.key(row)])
        found = {key: wanted.results(group) for key, group in groups.items()}
        return results.with_rows(
            [replaced(row, wanted, found[wanted.key(row)]) for row in results.rows]
        )

    return run


def grouped(
    wanted: Aggregation, rows: Iterable[Row], keys_of: Callable[[Row], Iterable[Key]]
) -> dict[Key, list[Running]]:
    """The functions of each group, having seen the rows of it."""
    groups: dict[Key, list[Running]] = {}
    for row in rows:
        for key in keys_of(row):
            if key not in groups:
                groups[key] = wanted.started()
            wanted.feed(groups[key], row)
    return groups


def replaced(row: Row, wanted: Aggregation, found: Row) -> Row:
    """A result that is NULL removes what a field of that name held before."""
    new = {**row, **found}
    for one in wanted.aggregates:
        if one.name not in found:
            new.pop(one.name, None)
    return new


def _without_options(arguments: str, name: str) -> Aggregation:
    found, rest = options(arguments, name, frozenset())
    if found:
        raise SearchError(f"the emulator does not model options of {name}")
    return parse_aggregation(rest, name)
