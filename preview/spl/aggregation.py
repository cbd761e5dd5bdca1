"""stats, eventstats and streamstats."""

from __future__ import annotations

from collections.abc import Iterable

from preview.errors import SearchError
from preview.spl.aggregates import Aggregation, Running, parse_aggregation, results_of
from preview.spl.context import Context, Results, Row, Run, command
from preview.spl.syntax import boolean, options

_Groups = dict[tuple[str, ...], list[Running]]


@command("stats")
def _stats(arguments: str) -> Run:
    """Search Reference, "stats": a row per group, sorted by the group; without BY, one row."""
    wanted = parse_aggregation(_refuse_options(arguments, "stats"), "stats")
    return lambda results, _context: rows_by_group(wanted, results.rows)


def rows_by_group(wanted: Aggregation, rows: Iterable[Row]) -> Results:
    """A row per group, sorted by the group; without BY, one row, even of nothing."""
    groups = _grouped(wanted, rows)
    if not wanted.by and not groups:
        groups[()] = [one.start() for one in wanted.aggregates]
    return Results(
        [
            {**dict(zip(wanted.by, key)), **results_of(wanted.aggregates, running)}
            for key, running in sorted(groups.items(), key=lambda item: item[0])
        ],
        (*wanted.by, *(one.name for one in wanted.aggregates)),
    )


@command("eventstats")
def _eventstats(arguments: str) -> Run:
    """Search Reference, "eventstats": every row gets the results of its group."""
    wanted = parse_aggregation(_refuse_options(arguments, "eventstats"), "eventstats")

    def run(results: Results, _context: Context) -> Results:
        groups = _grouped(wanted, results.rows)
        found = {key: results_of(wanted.aggregates, group) for key, group in groups.items()}
        return results.with_rows(
            [_replaced(row, wanted, found[wanted.key(row)]) for row in results.rows]
        )

    return run


@command("streamstats")
def _streamstats(arguments: str) -> Run:
    """Search Reference, "streamstats": every row gets the results over the rows so far."""
    settings, rest = options(arguments, "streamstats", frozenset({"current"}))
    current = boolean(settings.get("current", "true"), "current")
    wanted = parse_aggregation(_refuse_options(rest, "streamstats"), "streamstats")

    def run(results: Results, _context: Context) -> Results:
        groups: _Groups = {}
        rows = []
        for row in results.rows:
            running = _group(groups, wanted, row)
            if current:
                _feed(wanted, running, row)
            rows.append(_replaced(row, wanted, results_of(wanted.aggregates, running)))
            if not current:
                _feed(wanted, running, row)
        return results.with_rows(rows)

    return run


def _grouped(wanted: Aggregation, rows: Iterable[Row]) -> _Groups:
    groups: _Groups = {}
    for row in rows:
        _feed(wanted, _group(groups, wanted, row), row)
    return groups


def _group(groups: _Groups, wanted: Aggregation, row: Row) -> list[Running]:
    key = wanted.key(row)
    if key not in groups:
        groups[key] = [one.start() for one in wanted.aggregates]
    return groups[key]


def _feed(wanted: Aggregation, running: list[Running], row: Row) -> None:
    for one, at_work in zip(wanted.aggregates, running):
        one.feed(at_work, row)


def _replaced(row: Row, wanted: Aggregation, found: Row) -> Row:
    """A result that is NULL removes what a field of that name held before."""
    names = {one.name for one in wanted.aggregates}
    return {**{name: value for name, value in row.items() if name not in names}, **found}


def _refuse_options(arguments: str, name: str) -> str:
    found, rest = options(arguments, name, frozenset())
    if found:
        raise SearchError(f"preview does not model options of {name}")
    return rest
