"""streamstats: statistics of the rows so far, of a window of them, or since a reset."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from emulator.errors import SearchError
from emulator.eval.expression import compile_eval
from emulator.eval.values import Eval, require_boolean
from emulator.spl.aggregates import Aggregation, GroupKey, parse_aggregation
from emulator.spl.aggregation import replaced
from emulator.spl.context import Command, Context, ResultRow, Results, command
from emulator.spl.spans import seconds_of
from emulator.spl.stats_functions import Accumulator, time_of
from emulator.spl.syntax import boolean, options_anywhere

_OPTIONS = frozenset({"current", "window", "global", "time_window", "reset_on_change"})
# As in the examples of the page: reset_after="("count==3")", with \" for quotes in it.
_RESET = re.compile(
    r'(?<!\S)reset_(?P<when>before|after)\s*=\s*"\("(?P<expression>(?:\\.|[^"\\])*)"\)"(?!\S)',
    re.DOTALL,
)
_LARGEST = 10_000  # limits.conf.spec, max_stream_window


@dataclass(frozen=True)
class _StreamOptions:
    """window, span: 0 for none; rows and seconds."""

    aggregation: Aggregation
    current: bool
    window: int
    span: int
    shares_window: bool
    resets_on_change: bool
    resets_before: Eval | None
    resets_after: Eval | None

    def memory(self) -> _Totals | _Window:
        """The state before the first row."""
        return _Window(self) if self.window or self.span else _Totals(self.aggregation)


@command("streamstats")
def _streamstats(arguments: str) -> Command:
    """Search Reference, "streamstats": options can be anywhere; rows are taken as they come."""
    options = _parsed(arguments)

    def run(results: Results, _context: Context) -> Results:
        memory = options.memory()
        previous: GroupKey | None = None
        rows: list[ResultRow] = []
        for row in results.rows:
            key = options.aggregation.key(row)
            changes = options.resets_on_change and previous != key
            if changes or _is_true(options.resets_before, row):
                memory = options.memory()
            if options.current:
                memory.add(key, row)
            rows.append(replaced(row, options.aggregation, memory.results(key, row)))
            if not options.current:
                memory.add(key, row)
            if _is_true(options.resets_after, rows[-1]):
                memory = options.memory()
            previous = key
        return results.with_rows(rows)

    return run


def _is_true(condition: Eval | None, row: ResultRow) -> bool:
    return condition is not None and condition(row) is True


def _parsed(arguments: str) -> _StreamOptions:
    resets: dict[str, Eval] = {}

    def taken(match: re.Match[str]) -> str:
        expr = compile_eval(re.sub(r"\\(.)", r"\1", match["expression"]))
        require_boolean(expr, f"'reset_{match['when']}'")
        resets[match["when"]] = expr.run
        return ""

    settings, rest = options_anywhere(_RESET.sub(taken, arguments), "streamstats", _OPTIONS)
    window = settings.get("window", "0")
    if not window.isdigit() or int(window) > _LARGEST:
        raise SearchError(f"streamstats: window={window}: write a number up to {_LARGEST}")
    time_window = settings.get("time_window")
    if "global" in settings and not int(window):
        raise SearchError("streamstats: global has an effect with window only")
    return _StreamOptions(
        parse_aggregation(rest, "streamstats"),
        boolean(settings.get("current", "true"), "current"),
        int(window),
        seconds_of(time_window, "streamstats") if time_window else 0,
        boolean(settings.get("global", "true"), "global"),
        boolean(settings.get("reset_on_change", "false"), "reset_on_change"),
        resets.get("before"),
        resets.get("after"),
    )


class _Totals:
    """Of all rows so far, group by group."""

    def __init__(self, aggregation: Aggregation) -> None:
        self._aggregation = aggregation
        self._groups: dict[GroupKey, list[Accumulator]] = {}

    def add(self, key: GroupKey, row: ResultRow) -> None:
        if key not in self._groups:
            self._groups[key] = self._aggregation.started()
        self._aggregation.feed(self._groups[key], row)

    def results(self, key: GroupKey, _row: ResultRow) -> ResultRow:
        accumulators = self._groups.get(key)
        return self._aggregation.results(accumulators or self._aggregation.started())


class _Window:
    """The last rows, in one window for all groups or in one for each; or those not too far away."""

    def __init__(self, options: _StreamOptions) -> None:
        self._options = options
        self._windows: dict[GroupKey, deque[tuple[GroupKey, ResultRow]]] = {}
        self._direction = 0.0
        self._latest: float | None = None

    def add(self, key: GroupKey, row: ResultRow) -> None:
        window = self._window_of(key)
        window.append((key, row))
        if self._options.window and len(window) > self._options.window:
            window.popleft()

    def results(self, key: GroupKey, row: ResultRow) -> ResultRow:
        window = self._window_of(key)
        if self._options.span:
            self._forget_far(window, time_of(row))
        if len(window) > _LARGEST:
            raise SearchError(f"streamstats: Splunk sees at most {_LARGEST} rows in a window")
        accumulators = self._options.aggregation.started()
        for other, seen in window:
            if other == key:
                self._options.aggregation.feed(accumulators, seen)
        return self._options.aggregation.results(accumulators)

    def _window_of(self, key: GroupKey) -> deque[tuple[GroupKey, ResultRow]]:
        return self._windows.setdefault(() if self._options.shares_window else key, deque())

    def _forget_far(self, window: deque[tuple[GroupKey, ResultRow]], time: float) -> None:
        self._check_order(time)
        while window and abs(time - time_of(window[0][1])) > self._options.span:
            window.popleft()
        if window and abs(time - time_of(window[0][1])) == self._options.span:
            raise SearchError("streamstats: a row on the edge of time_window is not modelled")

    def _check_order(self, time: float) -> None:
        step = 0.0 if self._latest is None else time - self._latest
        if step * self._direction < 0:
            raise SearchError("streamstats: time_window needs rows in the order of _time")
        self._direction = step or self._direction
        self._latest = time
