"""Lookup tables (CSV) and how transforms.conf says to match in them.

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

from preview.conf import Setting, Stanza
from preview.errors import ConfError, LookupTableError
from preview.search import wildcard_pattern

SETTINGS = frozenset(
    {
        "filename",
        "case_sensitive_match",
        "match_type",
        "max_matches",
        "min_matches",
        "default_match",
    }
)
IGNORED = frozenset({"batch_index_query", "allow_caching"})  # speed only
MAX_MATCHES = 100
_REMEMBERED = 10_000
_MATCH_TYPE = re.compile(r"(?P<type>WILDCARD|CIDR|EXACT)\((?P<field>[^()]+)\)")

Row = Mapping[str, str]
Fits = Callable[[str], bool]


@dataclass(frozen=True)
class Table:
    """A CSV file: its columns, and its rows in file order."""

    shown_as: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, shown_as: str) -> Table:
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
    return Table(shown_as, columns, tuple(rows))


def _check_columns(columns: Sequence[str], shown_as: str) -> None:
    if not columns or "" in columns:
        raise LookupTableError(f"{shown_as}:1: the first line must name every column")
    if len(set(columns)) != len(columns):
        raise LookupTableError(f"{shown_as}:1: a column is named twice: {', '.join(columns)}")


class Lookup:
    """A lookup definition over its table. `find` gives the rows that match, in file order."""

    def __init__(self, stanza: Stanza, folder: Path, shown_folder: str) -> None:
        settings = stanza.settings
        for key, setting in settings.items():
            if key not in SETTINGS | IGNORED:
                raise ConfError(f"preview does not model {key} in a lookup", setting.location)
        filename = settings["filename"]
        if not filename.value.endswith(".csv") or "/" in filename.value:
            raise ConfError("only a .csv file in lookups/ is modelled", filename.location)
        self.name = stanza.name
        self.table = _table(filename, folder, shown_folder)
        self.columns = self.table.columns
        self._exact_case = "case_sensitive_match" not in settings or (
            settings["case_sensitive_match"].boolean()
        )
        self._types = _match_types(settings.get("match_type"), self.columns)
        self._most = _number(settings, "max_matches", MAX_MATCHES, least=1)
        self._least = _number(settings, "min_matches", 0, least=0)
        default = settings.get("default_match")
        self._default = dict.fromkeys(self.columns, default.value if default else "")
        self._indexes: dict[tuple[str, ...], _Index] = {}

    def find(self, columns: tuple[str, ...], values: tuple[str, ...]) -> Sequence[Row]:
        """The rows whose `columns` match `values`, at most max_matches; completed with rows of
        default_match up to min_matches.
        """
        index = self._indexes.get(columns)
        if index is None:
            index = self._indexes[columns] = _Index(
                self.table, columns, self._types, self._exact_case, self._most
            )
        rows = index.find(values)
        missing = self._least - len(rows)
        return rows if missing <= 0 else [*rows, *[self._default] * missing]


class _Index:
    """The table's rows, prepared for being matched by some of its columns."""

    def __init__(
        self,
        table: Table,
        columns: tuple[str, ...],
        types: Mapping[str, str],
        exact_case: bool,
        most: int,
    ) -> None:
        self._exact_case = exact_case
        self._most = most
        self._keyed: dict[tuple[str, ...], list[Row]] = {}
        self._scanned: list[tuple[list[Fits], Row]] = []
        self._exact = all(types.get(column, "EXACT") == "EXACT" for column in columns)
        for row in table.rows:
            if self._exact:
                self._keyed.setdefault(self._key(row[name] for name in columns), []).append(row)
            else:
                fits = [self._fits(types.get(name, "EXACT"), row[name]) for name in columns]
                self._scanned.append((fits, row))

    def find(self, values: tuple[str, ...]) -> Sequence[Row]:
        key = self._key(values)
        known = self._keyed.get(key)
        if known is None and self._exact:
            return ()
        if known is None:
            known = self._scan(key)
            if len(self._keyed) < _REMEMBERED:
                self._keyed[key] = known
        return known[: self._most]

    def _scan(self, key: tuple[str, ...]) -> list[Row]:
        found = []
        for fits, row in self._scanned:
            if all(fit(value) for fit, value in zip(fits, key)):
                found.append(row)
                if len(found) == self._most:
                    break
        return found

    def _key(self, values: Iterable[str]) -> tuple[str, ...]:
        return tuple(value if self._exact_case else value.casefold() for value in values)

    def _fits(self, kind: str, cell: str) -> Fits:
        (cell,) = self._key([cell])
        if kind == "WILDCARD" and "*" in cell:
            fullmatch = wildcard_pattern(cell, ignore_case=False).fullmatch
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


def _table(filename: Setting, folder: Path, shown_folder: str) -> Table:
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
        found = _MATCH_TYPE.fullmatch(part)
        if not found:
            raise ConfError(f"match_type {part!r}: write WILDCARD(x), CIDR(x)", setting.location)
        if found["field"] not in columns:
            raise ConfError(f"match_type names no column: {found['field']}", setting.location)
        types[found["field"]] = found["type"]
    return types
