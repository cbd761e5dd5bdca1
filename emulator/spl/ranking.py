"""top and rare: the most and the least common values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from emulator.errors import SearchError
from emulator.spl.aggregates import Aggregation, Key
from emulator.spl.context import Context, Results, Row, Run, command
from emulator.spl.syntax import boolean, options_anywhere, words

_OPTIONS = frozenset({"limit", "showcount", "showperc", "countfield", "percentfield"})


@dataclass(frozen=True)
class _Wanted:
    fields: tuple[str, ...]
    by: tuple[str, ...]
    most: int | None
    count_name: str | None
    percent_name: str | None

    def columns(self) -> tuple[str, ...]:
        shown = (self.count_name, self.percent_name)
        return (*self.by, *self.fields, *(name for name in shown if name))


@command("top")
def _top(arguments: str) -> Run:
    """Search Reference, "top": of values as common as each other, the last in the alphabet."""
    return _ranked(_wanted(arguments, "top"), most_common=True)


@command("rare")
def _rare(arguments: str) -> Run:
    """Search Reference, "rare"."""
    return _ranked(_wanted(arguments, "rare"), most_common=False)


def _wanted(arguments: str, name: str) -> _Wanted:
    settings, rest = options_anywhere(arguments, name, _OPTIONS)
    named = words(rest)
    limit = settings.get("limit", "10")
    if named and named[0].isdigit():
        limit = named.pop(0)
    cut = next((at for at, word in enumerate(named) if word.lower() == "by"), len(named))
    fields, by = tuple(named[:cut]), tuple(named[cut + 1 :])
    malformed = (
        not fields or (cut < len(named) and not by) or len({*fields, *by}) < len(fields + by)
    )
    if malformed or not limit.isdigit() or any("*" in one for one in named):
        raise SearchError(f"{name} is modelled as {name} [<number>] <fields> [by <fields>]")
    counted = boolean(settings.get("showcount", "true"), "showcount")
    shared = boolean(settings.get("showperc", "true"), "showperc")
    return _Wanted(
        fields,
        by,
        int(limit) or None,
        settings.get("countfield", "count") if counted else None,
        settings.get("percentfield", "percent") if shared else None,
    )


def _ranked(wanted: _Wanted, *, most_common: bool) -> Run:
    by, values = Aggregation((), wanted.by), Aggregation((), wanted.fields)

    def run(results: Results, _context: Context) -> Results:
        groups: dict[Key, Counter[Key]] = {}
        for one in results.rows:
            groups.setdefault(by.key(one), Counter())[values.key(one)] += 1
        rows: list[Row] = []
        for key, counts in sorted(groups.items()):
            ranked = sorted(counts.items(), key=lambda one: (one[1], one[0]), reverse=most_common)
            for found, count in ranked[: wanted.most]:
                named: Row = dict(zip((*wanted.by, *wanted.fields), (*key, *found)))
                rows.append({**named, **_counted(wanted, count, counts.total())})
        return Results(rows, wanted.columns())

    return run


def _counted(wanted: _Wanted, count: int, total: int) -> Row:
    counted: Row = {}
    if wanted.count_name:
        counted[wanted.count_name] = str(count)
    if wanted.percent_name:
        counted[wanted.percent_name] = f"{100 * count / total:.6f}"
    return counted
