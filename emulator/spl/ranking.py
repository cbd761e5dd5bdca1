"""top and rare: the most and the least common values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from emulator.errors import SearchError
from emulator.spl.aggregates import Aggregation, GroupKey
from emulator.spl.context import Command, Context, ResultRow, Results, command
from emulator.spl.syntax import boolean, options_anywhere, words

_OPTIONS = frozenset({"limit", "showcount", "showperc", "countfield", "percentfield"})


@dataclass(frozen=True)
class _Ranking:
    fields: tuple[str, ...]
    by: tuple[str, ...]
    most: int | None
    count_name: str | None
    percent_name: str | None

    def columns(self) -> tuple[str, ...]:
        shown = (self.count_name, self.percent_name)
        return (*self.by, *self.fields, *(name for name in shown if name))


@command("top")
def _top(arguments: str) -> Command:
    """Search Reference, "top": of values as common as each other, the last in the alphabet."""
    return _ranked(_parsed(arguments, "top"), most_common=True)


@command("rare")
def _rare(arguments: str) -> Command:
    """Search Reference, "rare"."""
    return _ranked(_parsed(arguments, "rare"), most_common=False)


def _parsed(arguments: str, name: str) -> _Ranking:
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
    if malformed or not limit.isdigit() or any("*" in word for word in named):
        raise SearchError(f"{name} is modelled as {name} [<number>] <fields> [by <fields>]")
    counted = boolean(settings.get("showcount", "true"), "showcount")
    shared = boolean(settings.get("showperc", "true"), "showperc")
    return _Ranking(
        fields,
        by,
        int(limit) or None,
        settings.get("countfield", "count") if counted else None,
        settings.get("percentfield", "percent") if shared else None,
    )


def _ranked(ranking: _Ranking, *, most_common: bool) -> Command:
    by, values = Aggregation((), ranking.by), Aggregation((), ranking.fields)

    def run(results: Results, _context: Context) -> Results:
        groups: dict[GroupKey, Counter[GroupKey]] = {}
        for row in results.rows:
            groups.setdefault(by.key(row), Counter())[values.key(row)] += 1
        rows: list[ResultRow] = []
        for key, counts in sorted(groups.items()):
            order = sorted(counts.items(), key=lambda item: (item[1], item[0]), reverse=most_common)
            for value, count in order[: ranking.most]:
                named: ResultRow = dict(zip((*ranking.by, *ranking.fields), (*key, *value)))
                rows.append({**named, **_counted(ranking, count, counts.total())})
        return Results(rows, ranking.columns())

    return run


def _counted(ranking: _Ranking, count: int, total: int) -> ResultRow:
    counted: ResultRow = {}
    if ranking.count_name:
        counted[ranking.count_name] = str(count)
    if ranking.percent_name:
        counted[ranking.percent_name] = f"{100 * count / total:.6f}"
    return counted
