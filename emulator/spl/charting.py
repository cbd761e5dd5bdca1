"""chart and timechart: a row per value or per span of time, a column per series."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil

from emulator.errors import SearchError
from emulator.eval.values import number_of, values_of
from emulator.spl.aggregates import Aggregation, parse_aggregation
from emulator.spl.aggregation import rows_by_group
from emulator.spl.context import Command, Context, ResultRow, Results, command
from emulator.spl.spans import bin_start, chosen_span, seconds_of
from emulator.spl.stats_functions import Accumulator
from emulator.spl.syntax import boolean, options_anywhere, split_top

_SERIES = frozenset({"limit", "useother", "usenull"})
_SPANS = frozenset({"span", "bins", "minspan"})
_OTHER, _NULL = "OTHER", "NULL"
_MOST_BINS = 50_000  # limits.conf.spec, [discretize] maxbins
# Search Reference, "chart", "timechart": more numbers than bins= would be put into ranges.
_CHART_BINS, _TIMECHART_BINS = 300, 100

_Cells = dict[tuple[str, str], list[Accumulator]]  # by row and column
_Label = Callable[[str], "str | None"]


@dataclass(frozen=True)
class _Chart:
    """`down` names the field whose values are the rows, `split` that of the columns."""

    aggregation: Aggregation
    down: str
    split: str | None
    most: int | None
    uses_other: bool
    uses_null: bool
    most_numbers: int

    def columns(self, rows: list[ResultRow]) -> tuple[list[str], _Cells]:
        """The names of the series in order, and their accumulators."""
        if self.split is None:
            names = [aggregate.name for aggregate in self.aggregation.aggregates]
            return names, self._cells(rows, lambda value: value)
        cells = self._cells(rows, lambda value: value)
        values = {column for _row, column in cells} - {_NULL}
        _refuse_many_numbers(values, self.split, self.most_numbers)
        series = sorted(self._kept(values, cells))
        if len(series) < len(values):
            other = _OTHER if self.uses_other else None
            cells = self._cells(rows, lambda value: value if value in {*series, _NULL} else other)
        labels = {column for _row, column in cells} - set(series)
        return [*series, *(name for name in (_OTHER, _NULL) if name in labels)], cells

    def _cells(self, rows: Iterable[ResultRow], label: _Label) -> _Cells:
        cells: _Cells = {}
        for row in rows:
            down = row.get(self.down)
            if not isinstance(down, str):
                raise SearchError(f"a row without {self.down}, or with several, is not modelled")
            for value in self._series_of(row):
                column = label(value)
                if column is None:
                    continue
                if (down, column) not in cells:
                    cells[down, column] = self.aggregation.started()
                self.aggregation.feed(cells[down, column], row)
        return cells

    def _series_of(self, row: ResultRow) -> list[str]:
        if self.split is None:
            return [""]
        values = values_of(row, self.split)
        if {_OTHER, _NULL, self.down} & set(values):
            raise SearchError(f"{self.split}: a value named as a column of its own: {values}")
        return values or ([_NULL] if self.uses_null else [])

    def _kept(self, names: set[str], cells: _Cells) -> list[str]:
        """By the sum of a series; those with the same sum in the order of their names."""
        scores = dict.fromkeys(sorted(names), 0.0)
        for (_row, column), accumulators in cells.items():
            number = number_of(accumulators[0].result())
            if column in scores and number is not None:
                scores[column] += number
        return sorted(scores, key=lambda name: -scores[name])[: self.most]

    def row(self, down: str, names: list[str], cells: _Cells) -> ResultRow:
        """One row; a missing cell has the functions' result without rows."""
        row: ResultRow = {self.down: down}
        if self.split is None:
            return {**row, **self.aggregation.results(self._cell(cells, down, ""))}
        for name in names:
            value = self._cell(cells, down, name)[0].result()
            if value is not None:
                row[name] = value
        return row

    def _cell(self, cells: _Cells, down: str, column: str) -> list[Accumulator]:
        return cells.get((down, column)) or self.aggregation.started()


@command("chart")
def _chart(arguments: str) -> Command:
    """Search Reference, "chart": functions, then `by a`, `by a b`, `over a`, or `over a by b`."""
    settings, rest = options_anywhere(arguments, "chart", _SERIES)
    aggregation = parse_aggregation(_over_as_by(rest), "chart")
    if not aggregation.by:
        return lambda results, _context: rows_by_group(aggregation, results.rows)
    if len(aggregation.by) > 2:
        raise SearchError("chart takes one field for the rows and one for the columns")
    chart = _parsed("chart", aggregation, aggregation.by, settings, _CHART_BINS)

    def run(results: Results, _context: Context) -> Results:
        names, cells = chart.columns(results.rows)
        downs = {str(row[chart.down]) for row in results.rows}
        _refuse_many_numbers(downs, chart.down, _CHART_BINS)
        rows = [chart.row(down, names, cells) for down in _in_order(downs)]
        return Results(rows, (chart.down, *names))

    return run


@command("timechart")
def _timechart(arguments: str) -> Command:
    """Search Reference, "timechart": a row per bin, those without events too."""
    settings, rest = options_anywhere(arguments, "timechart", _SERIES | _SPANS)
    spans = _spans({name: settings.pop(name) for name in _SPANS & set(settings)})
    aggregation = parse_aggregation(rest, "timechart")
    if len(aggregation.by) > 1:
        raise SearchError("timechart takes one field for the columns")
    chart = _parsed("timechart", aggregation, ("_time", *aggregation.by), settings, _TIMECHART_BINS)

    def run(results: Results, context: Context) -> Results:
        times = [_time_of(row) for row in results.rows]
        span = spans(_range(times, context))
        pairs = zip(results.rows, times)
        rows = [{**row, "_time": str(bin_start(time, span))} for row, time in pairs]
        names, cells = chart.columns(rows)
        bins = _bins([int(str(row["_time"])) for row in rows], context, span)
        if chart.split is not None and not rows:
            bins = range(0)
        charted = [{**chart.row(str(at), names, cells), "_span": str(span)} for at in bins]
        return Results(charted, ("_time", *names, "_span"))

    return run


def _parsed(
    name: str,
    aggregation: Aggregation,
    by: tuple[str, ...],
    settings: dict[str, str],
    most_numbers: int,
) -> _Chart:
    down, split = by[0], by[1] if len(by) > 1 else None
    limit = settings.get("limit", "10")
    if not limit.isdigit():
        raise SearchError(f"{name}: limit={limit} is not modelled: write a number, 0 for all")
    if split is None and settings:
        raise SearchError(f"{name}: {', '.join(settings)} counts only with a field for the columns")
    if split is not None and len(aggregation.aggregates) > 1:
        raise SearchError(f"{name}: several functions with a field for the columns")
    if any(aggregate.argument == down for aggregate in aggregation.aggregates):
        raise SearchError(f"{name}: {down} cannot be both in a function and the rows")
    other = boolean(settings.get("useother", "true"), "useother")
    null = boolean(settings.get("usenull", "true"), "usenull")
    return _Chart(aggregation, down, split, int(limit) or None, other, null, most_numbers)


def _over_as_by(text: str) -> str:
    parts = [part for part in split_top(text, " \t\n\r") if part]
    at = next((at for at, part in enumerate(parts) if part.lower() == "over"), None)
    if at is None:
        return text
    down, rest = parts[at + 1 : at + 2], parts[at + 2 :]
    if not down or (rest and (rest[0].lower() != "by" or len(rest) != 2)):
        raise SearchError(f"chart is modelled as over <field> [by <field>]: {text}")
    return " ".join([*parts[:at], "by", *down, *rest[1:]])


def _spans(settings: dict[str, str]) -> Callable[[float], int]:
    """The span of a bin, given the seconds that are charted."""
    if "span" in settings:
        if len(settings) > 1:
            raise SearchError("timechart: with span= neither bins= nor minspan= has an effect")
        fixed = seconds_of(settings["span"], "timechart")
        return lambda _seconds: fixed
    bins = settings.get("bins", str(_TIMECHART_BINS))
    if not bins.isdigit() or int(bins) == 0:
        raise SearchError(f"timechart: bins={bins} is no number of bins")
    least = seconds_of(settings["minspan"], "timechart") if "minspan" in settings else 0
    return lambda seconds: chosen_span(seconds, int(bins), least)


def _time_of(row: ResultRow) -> float:
    time = number_of(row.get("_time"))
    if time is None:
        raise SearchError("timechart: a row without _time is not modelled")
    return time


def _range(times: list[float], context: Context) -> float:
    """The seconds of the search's time range; without one those from the first to the last row."""
    first = context.earliest or min(times, default=0)
    last = context.latest if context.latest is not None else max(times, default=first)
    return last - first


def _bins(starts: list[int], context: Context, span: int) -> range:
    """The bins of the search's time range; where that has no end, up to the last event."""
    first = bin_start(context.earliest, span) if context.earliest else min(starts, default=0)
    end = max(starts, default=first - span) + span
    if context.latest is not None:
        end = ceil(context.latest / span) * span
    if starts and (min(starts) < first or max(starts) >= end):
        raise SearchError("timechart: rows outside of the time range of the search")
    bins = range(first, end, span)
    if len(bins) > _MOST_BINS:
        raise SearchError(f"timechart: more than {_MOST_BINS} bins: take a longer span")
    return bins


def _refuse_many_numbers(values: set[str], name: str, most: int) -> None:
    if len(values) > most and all(number_of(value) is not None for value in values):
        raise SearchError(f"{name}: Splunk puts more than {most} numbers into ranges: not modelled")


def _in_order(values: set[str]) -> list[str]:
    """Numbers by size, if all are numbers, else by code point."""
    if all(number_of(value) is not None for value in values):
        return sorted(values, key=lambda value: (number_of(value) or 0, value))
    return sorted(values)
