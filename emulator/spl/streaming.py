"""streamstats: statistics of the rows so far, of a window of them, or since a reset."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from emulator.errors import SearchError
from emulator.eval.expression import compile_eval
from emulator.eval.values import Run as Evaluate
from emulator.eval.values import require_boolean
from emulator.spl.aggregates import Aggregation, Key, parse_aggregation
from emulator.spl.aggregation import replaced
from emulator.spl.context import Context, Results, Row, Run, command
from emulator.spl.spans import seconds_of
from emulator.spl.stats_functions import Running, time_of
from emulator.spl.syntax import boolean, options_anywhere

_OPTIONS = frozenset({"current", "window", "global", "time_window", "reset_on_change"})
# As in the examples of the page: reset_after="("count==3")", with \" for quotes in it.
_RESET = re.compile(
    r'(?<!\S)reset_(?P<when>before|after)\s*=\s*"\("(?P<expression>(?:\\.|[^"\\])*)"\)"(?!\S)',
    re.DOTALL,
)
_LARGEST = 10_000  # limits.conf.spec, max_stream_window


@dataclass(frozen=True)
class _Wanted:
    """window, span: 0 for none; rows and seconds."""

    aggregation: Aggregation
    current: bool
    window: int
    span: int
    shares_window: bool
    resets_on_change: bool
    resets_before: Evaluate | None
    resets_after: Evaluate | None

    def memory(self) -> _Totals | _Window:
        """What nothing has been seen by."""
        return _Window(self) if self.window or self.span else _Totals(self.aggregation)


@command("streamstats")
def _streamstats(arguments: str) -> Run:
    """Search Reference, "streamstats": options may stand anywhere; rows are taken as they come."""
    wanted = _wanted(arguments)

    def run(results: Results, _context: Context) -> Results:
        memory = wanted.memory()
        before: Key | None = None
        rows: list[Row] = []
        for row in results.rows:
            key = wanted.aggregation.key(row)
            changes = wanted.resets_on_change and before != key
            if changes or _holds(wanted.resets_before, row):
                memory = wanted.memory()
            if wanted.current:
                memory.add(key, row)
            rows.append(replaced(row, wanted.aggregation, memory.results(key, row)))
            if not wanted.current:
                memory.add(key, row)
            if _holds(wanted.resets_after, rows[-1]):
                memory = wanted.memory()
            before = key
        return results.with_rows(rows)

    return run


def _holds(condition: Evaluate | None, row: Row) -> bool:
    return condition is not None and condition(row) is True


def _wanted(arguments: str) -> _Wanted:
    resets: dict[str, Evaluate] = {}

    def taken(found: re.Match[str]) -> str:
        expr = compile_eval(re.sub(r"\\(.)", r"\1", found["expression"]))
        require_boolean(expr, f"'reset_{found['when']}'")
        resets[found["when"]] = expr.run
        return ""

    settings, rest = options_anywhere(_RESET.sub(taken, arguments), "streamstats", _OPTIONS)
    window = settings.get("window", "0")
    if not window.isdigit() or int(window) > _LARGEST:
        raise SearchError(f"streamstats: window={window}: write a number up to {_LARGEST}")
    time_window = settings.get("time_window")
    if "global" in settings and not int(window):
        raise SearchError("streamstats: global counts only beside window")
    return _Wanted(
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
        self._groups: dict[Key, list[Running]] = {}

    def add(self, key: Key, row: Row) -> None:
        if key not in self._groups:
            self._groups[key] = self._aggregation.started()
        self._aggregation.feed(self._groups[key], row)

    def results(self, key: Key, _row: Row) -> Row:
        running = self._groups.get(key)
        return self._aggregation.results(running or self._aggregation.started())


class _Window:
    """The last rows, in one window for all groups or in one for each; or those not too far away."""

    def __init__(self, wanted: _Wanted) -> None:
        self._wanted = wanted
        self._held: dict[Key, deque[tuple[Key, Row]]] = {}
        self._direction = 0.0
        self._latest: float | None = None

    def add(self, key: Key, row: Row) -> None:
        held = self._window_of(key)
        held.append((key, row))
        if self._wanted.window and len(held) > self._wanted.window:
            held.popleft()

    def results(self, key: Key, row: Row) -> Row:
        held = self._window_of(key)
        if self._wanted.span:
            self._forget_far(held, time_of(row))
        if len(held) > _LARGEST:
            raise SearchError(f"streamstats: Splunk sees at most {_LARGEST} rows in a window")
        running = self._wanted.aggregation.started()
        for other, seen in held:
            if other == key:
                self._wanted.aggregation.feed(running, seen)
        return self._wanted.aggregation.results(running)

    def _window_of(self, key: Key) -> deque[tuple[Key, Row]]:
        return self._held.setdefault(() if self._wanted.shares_window else key, deque())

    def _forget_far(self, held: deque[tuple[Key, Row]], time: float) -> None:
        self._check_order(time)
        while held and abs(time - time_of(held[0][1])) > self._wanted.span:
            held.popleft()
        if held and abs(time - time_of(held[0][1])) == self._wanted.span:
            raise SearchError("streamstats: a row on the edge of time_window is not modelled")

    def _check_order(self, time: float) -> None:
        step = 0.0 if self._latest is None else time - self._latest
        if step * self._direction < 0:
            raise SearchError("streamstats: time_window needs rows in the order of _time")
        self._direction = step or self._direction
        self._latest = time
