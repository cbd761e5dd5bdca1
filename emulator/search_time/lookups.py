"""Lookup tables (CSV) and how transforms.conf matches in them.

Source: transforms.conf.spec, "Lookup tables"; Knowledge Manager Manual, "Add field matching rules
to your lookup configuration".
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emulator.conf.conf_file import Setting, Stanza
from emulator.errors import ConfError, LookupTableError
from emulator.search_time.search_expression import wildcard_pattern

COUNT_SETTINGS = frozenset({"max_matches", "min_matches", "default_match"})
SETTINGS = COUNT_SETTINGS | {"filename", "case_sensitive_match", "match_type"}
IGNORED = frozenset({"batch_index_query", "allow_caching"})  # speed only
MAX_MATCHES = 100
_REMEMBERED = 10_000
_NO_STORES: Mapping[str, Sequence[Mapping[str, str]]] = {}
_MATCH_TYPE = re.compile(r"(?P<type>WILDCARD|CIDR|EXACT)\((?P<field>[^()]+)\)")

LookupRow = Mapping[str, str]
# The records of each KV store collection, in the order of writing, by the collection's name.
Stores = Mapping[str, Sequence[LookupRow]]
Fits = Callable[[str], bool]


@dataclass(frozen=True)
class LookupTable:
    """A CSV file: its columns, and its rows in file order."""

    shown_as: str
    columns: tuple[str, ...]
    rows: tuple[LookupRow, ...]


def read_table(path: Path, shown_as: str) -> LookupTable:
    """Raises LookupTableError with file and line for what is no rectangular UTF-8 CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = tuple(next(reader, ()))
            _check_columns(columns, shown_as)
            rows = []
            for cells in reader:
                if len(cells) != len(columns):
                    raise LookupTableError(
                        f"{shown_as}:{reader.line_num}: {len(cells)} cells, {len(columns)} columns"
                    )
                rows.append(dict(zip(columns, cells)))
    except FileNotFoundError as error:
        raise LookupTableError(f"{shown_as} does not exist: create it, or fix filename") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LookupTableError(f"{shown_as} is no UTF-8 CSV: {error}") from error
    return LookupTable(shown_as, columns, tuple(rows))


def _check_columns(columns: Sequence[str], shown_as: str) -> None:
    if not columns or "" in columns:
        raise LookupTableError(f"{shown_as}:1: the first line must name every column")
    if len(set(columns)) != len(columns):
        raise LookupTableError(f"{shown_as}:1: a column is named twice: {', '.join(columns)}")


@dataclass(frozen=True)
class MatchCount:
    """max_matches, min_matches and default_match; `default` is a row of the latter."""

    most: int
    least: int
    default: LookupRow

    @classmethod
    def from_settings(cls, settings: Mapping[str, Setting], columns: Iterable[str]) -> MatchCount:
        """Raises ConfError for what is no number."""
        default = settings.get("default_match")
        return cls(
            _number(settings, "max_matches", MAX_MATCHES, least=1),
            _number(settings, "min_matches", 0, least=0),
            dict.fromkeys(columns, default.value if default else ""),
        )

    def completed(self, rows: Sequence[LookupRow]) -> Sequence[LookupRow]:
        """At most max_matches of the rows, and rows of default_match up to min_matches."""
        if self.least <= len(rows) <= self.most:
            return rows
        kept = rows[: self.most]
        return [*kept, *[self.default] * (self.least - len(kept))]


class AnyLookup(Protocol):
    """A lookup definition over a file or a collection."""

    name: str
    shown_as: str
    columns: tuple[str, ...]

    def find(
        self, columns: tuple[str, ...], values: tuple[str, ...], stores: Stores
    ) -> Sequence[LookupRow]:
        """The rows whose `columns` match `values`, in order; at most max_matches, completed with
        rows of default_match up to min_matches.
        """

    def check_automatic(self, setting: Setting, columns: Iterable[str]) -> None:
        """Raise ConfError at `setting` if a LOOKUP- cannot use this lookup and these columns."""


class Lookup:
    """A lookup definition over its table. `find` gives the rows that match, in file order."""

    def __init__(self, stanza: Stanza, folder: Path, shown_folder: str) -> None:
        settings = stanza.settings
        for key, setting in settings.items():
            if key not in SETTINGS | IGNORED:
                raise ConfError(f"the emulator does not model {key} in a lookup", setting.location)
        filename = settings["filename"]
        if not filename.value.endswith(".csv") or "/" in filename.value:
            raise ConfError("only a .csv file in lookups/ is modelled", filename.location)
        self.name = stanza.name
        self.table = _table(filename, folder, shown_folder)
        self.columns: tuple[str, ...] = self.table.columns
        self._exact_case = "case_sensitive_match" not in settings or (
            settings["case_sensitive_match"].boolean()
        )
        self._types = _match_types(settings.get("match_type"), self.columns)
        self.shown_as = self.table.shown_as
        self._count = MatchCount.from_settings(settings, self.columns)
        self._indexes: dict[tuple[str, ...], _TableIndex] = {}

    def check_automatic(self, setting: Setting, columns: Iterable[str]) -> None:
        """A file can always be looked up."""

    def find(
        self, columns: tuple[str, ...], values: tuple[str, ...], _stores: Stores = _NO_STORES
    ) -> Sequence[LookupRow]:
        """The rows whose `columns` match `values`, as AnyLookup defines; files need no stores."""
        index = self._indexes.get(columns)
        if index is None:
            index = self._indexes[columns] = _TableIndex(
                self.table, columns, self._types, self._exact_case, self._count.most
            )
        return self._count.completed(index.find(values))


class _TableIndex:
    """The table's rows, prepared for being matched by some of its columns."""

    def __init__(
        self,
        table: LookupTable,
        columns: tuple[str, ...],
        types: Mapping[str, str],
        exact_case: bool,
        most: int,
    ) -> None:
        self._exact_case = exact_case
        self._most = most
        self._keyed: dict[tuple[str, ...], list[LookupRow]] = {}
        self._scanned: list[tuple[list[Fits], LookupRow]] = []
        self._exact = all(types.get(column, "EXACT") == "EXACT" for column in columns)
        for row in table.rows:
            if self._exact:
                self._keyed.setdefault(self._key(row[name] for name in columns), []).append(row)
            else:
                fits = [self._fits(types.get(name, "EXACT"), row[name]) for name in columns]
                self._scanned.append((fits, row))

    def find(self, values: tuple[str, ...]) -> Sequence[LookupRow]:
        key = self._key(values)
        known = self._keyed.get(key)
        if known is None and self._exact:
            return ()
        if known is None:
            known = self._scan(key)
            if len(self._keyed) < _REMEMBERED:
                self._keyed[key] = known
        return known

    def _scan(self, key: tuple[str, ...]) -> list[LookupRow]:
        rows = []
        for fits, row in self._scanned:
            if all(fit(value) for fit, value in zip(fits, key)):
                rows.append(row)
                if len(rows) == self._most:
                    break
        return rows

    def _key(self, values: Iterable[str]) -> tuple[str, ...]:
        return tuple(value if self._exact_case else value.casefold() for value in values)

    def _fits(self, kind: str, cell: str) -> Fits:
        (cell,) = self._key([cell])
        if kind == "WILDCARD" and "*" in cell:
            fullmatch = wildcard_pattern(cell).fullmatch
            return lambda value: fullmatch(value) is not None
        if kind == "CIDR":
            network = ipaddress.ip_network(cell, strict=False)
            return lambda value: _within(value, network)
        return lambda value: value == cell


def _within(value: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(value) in network
    except ValueError:
        return False


def _table(filename: Setting, folder: Path, shown_folder: str) -> LookupTable:
    try:
        return read_table(folder / filename.value, f"{shown_folder}/{filename.value}")
    except LookupTableError as error:
        raise error.at(filename.location) from error


def _number(settings: Mapping[str, Setting], key: str, otherwise: int, *, least: int) -> int:
    return settings[key].integer(least=least) if key in settings else otherwise


def _match_types(setting: Setting | None, columns: Sequence[str]) -> dict[str, str]:
    if setting is None:
        return {}
    types: dict[str, str] = {}
    for part in re.split(r"[,\s]+", setting.value):
        match = _MATCH_TYPE.fullmatch(part)
        if not match:
            raise ConfError(f"match_type {part!r}: write WILDCARD(x), CIDR(x)", setting.location)
        if match["field"] not in columns:
            raise ConfError(f"match_type names no column: {match['field']}", setting.location)
        types[match["field"]] = match["type"]
    return types
