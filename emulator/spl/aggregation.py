"""stats and eventstats."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from emulator.errors import SearchError
from emulator.spl.aggregates import Aggregation, GroupKey, parse_aggregation
from emulator.spl.context import Command, Context, ResultRow, Results, command
from emulator.spl.stats_functions import Accumulator
from emulator.spl.syntax import options


@command("stats")
def _stats(arguments: str) -> Command:
    """Search Reference, "stats": a row per group, sorted by the group; without BY, one row."""
    aggregation = _without_options(arguments, "stats")
    return lambda results, _context: rows_by_group(aggregation, results.rows)


def rows_by_group(aggregation: Aggregation, rows: Iterable[ResultRow]) -> Results:
    """A row per group, sorted by the group; without BY, one row, even of nothing."""
    groups = grouped(aggregation, rows, aggregation.keys)
    if not aggregation.by and not groups:
        groups[()] = aggregation.started()
    return Results(
        [
            {**dict(zip(aggregation.by, key)), **aggregation.results(accumulators)}
            for key, accumulators in sorted(groups.items(), key=lambda item: item[0])
        ],
        (*aggregation.by, *(aggregate.name for aggregate in aggregation.aggregates)),
    )


@command("eventstats")
def _eventstats(arguments: str) -> Command:
    """Search Reference, "eventstats": every row gets the results of its group."""
    aggregation = _without_options(arguments, "eventstats")

    def run(results: Results, _context: Context) -> Results:
        groups = grouped(aggregation, results.rows, lambda row: [aggregation.key(row)])
        by_group = {key: aggregation.results(accumulators) for key, accumulators in groups.items()}
        return results.with_rows(
            [replaced(row, aggregation, by_group[aggregation.key(row)]) for row in results.rows]
        )

    return run


def grouped(
    aggregation: Aggregation, rows: Iterable[ResultRow], keys: Callable[[ResultRow], list[GroupKey]]
) -> dict[GroupKey, list[Accumulator]]:
    """The accumulators of each group, over its rows."""
    groups: dict[GroupKey, list[Accumulator]] = {}
    for row in rows:
        for key in keys(row):
            if key not in groups:
                groups[key] = aggregation.started()
            aggregation.feed(groups[key], row)
    return groups


def replaced(row: ResultRow, aggregation: Aggregation, values: ResultRow) -> ResultRow:
    """A NULL result removes the field of that name."""
    new = {**row, **values}
    for aggregate in aggregation.aggregates:
        if aggregate.name not in values:
            new.pop(aggregate.name, None)
    return new


def _without_options(arguments: str, name: str) -> Aggregation:
    settings, rest = options(arguments, name, frozenset())
    if settings:
        raise SearchError(f"the emulator does not model options of {name}")
    return parse_aggregation(rest, name)
