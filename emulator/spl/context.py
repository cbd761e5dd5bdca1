"""What a running search knows in addition to its rows, and how commands are declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from emulator.conf.macros import Macros
from emulator.errors import SearchError
from emulator.eval.values import FieldValue
from emulator.search_time.lookups import AnyLookup

ResultRow = dict[str, FieldValue]
Records = list[Mapping[str, str]]


@dataclass(frozen=True)
class Results:
    """Rows in order; `columns` once a command has set the columns and their order."""

    rows: list[ResultRow]
    columns: tuple[str, ...] | None = None

    def with_rows(self, rows: list[ResultRow]) -> Results:
        """Other rows, the same columns."""
        return replace(self, rows=rows)


@dataclass(frozen=True)
class Context:
    """One search.

    events: search-time fields of what is in the index, newest first. earliest, latest: epoch
    seconds, the latter exclusive and None for no limit. now: when the search began. lookups: the
    lookup definitions by name. stores: the records of KV store collections, by collection.
    """

    events: Iterable[Mapping[str, FieldValue]] = ()
    earliest: float = 0
    latest: float | None = None
    now: float = 0
    user: str = "nobody"
    macros: Macros = field(default_factory=lambda: Macros({}))
    saved_searches: Mapping[str, str] = field(default_factory=dict)
    lookups: Mapping[str, AnyLookup] = field(default_factory=dict)
    stores: Mapping[str, Records] = field(default_factory=dict)


@runtime_checkable
class SelectableEvents(Protocol):
    """Events that cache which of them a search expression selects."""

    def selected(
        self, expression: str, matches: Callable[[Mapping[str, FieldValue]], bool]
    ) -> Iterable[Mapping[str, FieldValue]]:
        """Those that match, in order; `expression` is what `matches` was compiled from."""
        ...


Command = Callable[[Results, Context], Results]
Compile = Callable[[str], Command]

_COMMANDS: dict[str, Compile] = {}
GENERATING: set[str] = set()


def command(name: str, *, generating: bool = False) -> Callable[[Compile], Compile]:
    """Declare how a command's arguments are compiled; a generating one comes first."""

    def declare(compile_it: Compile) -> Compile:
        _COMMANDS[name] = compile_it
        if generating:
            GENERATING.add(name)
        return compile_it

    return declare


def compiled(name: str, arguments: str) -> Command:
    """A command ready to run. Raises SearchError for one that is not modelled."""
    compile_it = _COMMANDS.get(name)
    if compile_it is None:
        raise SearchError(f"Unknown search command '{name}', or the emulator does not model it.")
    return compile_it(arguments)


def single(row: Mapping[str, FieldValue], name: str, what: str) -> str | None:
    """The one value of a field. Raises SearchError for several."""
    value = row.get(name)
    if isinstance(value, list):
        raise SearchError(f"{what}: the multivalue field {name} is not modelled here")
    return value
