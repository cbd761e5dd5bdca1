"""KV store collections and the lookups that name them: their fields, and matching their records.

Source: collections.conf.spec; transforms.conf.spec, "external_type", "collection", "fields_list",
"case_sensitive_match"; Knowledge Manager Manual, "Configure KV Store lookups".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from emulator.conf.conf_file import Conf, Setting, Stanza
from emulator.errors import ConfError, LookupTableError
from emulator.search_time.lookups import COUNT_SETTINGS, IGNORED, LookupRow, MatchCount, Stores

_FLAGS = frozenset({"enforceTypes", "replicate"})
_FIELD_TYPES = frozenset({"number", "bool", "string", "time"})
_SETTINGS = COUNT_SETTINGS | {"external_type", "collection", "fields_list", "case_sensitive_match"}
_IGNORED = IGNORED | {"max_ext_batch"}


@dataclass(frozen=True)
class Collection:
    """A stanza of collections.conf; `types` by field, for the fields that it declares."""

    name: str
    types: Mapping[str, str]
    replicated: bool


def collections(conf: Conf) -> dict[str, Collection]:
    """The collections by name. Raises ConfError for what is not modelled."""
    return {stanza.name: _collection(stanza) for stanza in conf.with_defaults()}


def _collection(stanza: Stanza) -> Collection:
    types = {}
    flags = {}
    for key, setting in stanza.settings.items():
        if key.startswith("field."):
            if setting.value not in _FIELD_TYPES:
                raise ConfError(f"{key}: write number, bool, string or time", setting.location)
            types[key[len("field.") :]] = setting.value
        elif key in _FLAGS:
            flags[key] = setting.boolean()
        else:
            raise ConfError(f"the emulator does not model {key} in a collection", setting.location)
    return Collection(stanza.name, types, flags.get("replicate", False))


class StoreRecords(list[LookupRow]):
    """The records of a collection, found by their fields without reading all of them."""

    def __init__(self, records: Iterable[LookupRow] = ()) -> None:
        super().__init__(records)
        self._by_columns: dict[tuple[str, ...], dict[tuple[str | None, ...], list[LookupRow]]] = {}
        self._places: dict[str, int] | None = None

    def matching(self, columns: tuple[str, ...], values: tuple[str, ...]) -> Sequence[LookupRow]:
        """The records whose `columns` are `values`, in the order of writing."""
        if columns not in self._by_columns:
            by_values: dict[tuple[str | None, ...], list[LookupRow]] = {}
            for record in self:
                by_values.setdefault(tuple(map(record.get, columns)), []).append(record)
            self._by_columns[columns] = by_values
        return self._by_columns[columns].get(values, ())

    def replace(self, records: Iterable[LookupRow]) -> None:
        """These records instead of all that there are."""
        self.clear()
        self._by_columns.clear()
        self._places = None
        for record in records:
            self.put(record)

    def put(self, record: LookupRow) -> None:
        """Add a record, or replace the one with the same key."""
        if self._places is None:
            self._places = {item["_key"]: at for at, item in enumerate(self) if "_key" in item}
        place = self._places.get(record.get("_key", ""))
        if place is None:
            if "_key" in record:
                self._places[record["_key"]] = len(self)
            self.append(record)
        else:
            previous, self[place] = self[place], record
        for columns, by_values in list(self._by_columns.items()):
            values = tuple(map(record.get, columns))
            same = by_values.setdefault(values, [])
            if place is None:
                same.append(record)
            elif tuple(map(previous.get, columns)) == values:
                same[next(at for at, item in enumerate(same) if item is previous)] = record
            else:
                del self._by_columns[columns]


class RecordHistory:
    """The records of a collection that searches add to: each version, with its run."""

    def __init__(self, records: Iterable[LookupRow] = ()) -> None:
        self._versions: dict[str, list[tuple[int, LookupRow]]] = {}
        self._by_columns: dict[tuple[str, ...], dict[tuple[str | None, ...], set[str]]] = {}
        for record in records:
            self.add(0, record)

    def add(self, run: int, record: LookupRow) -> None:
        """A record as a run wrote it; runs come in order. Without a key it is never replaced."""
        key = record.get("_key", f" {len(self._versions)}")
        self._versions.setdefault(key, []).append((run, record))
        for columns, keys in self._by_columns.items():
            keys.setdefault(tuple(map(record.get, columns)), set()).add(key)

    def version(self, key: str, run: int) -> LookupRow | None:
        """The record as runs before `run` left it."""
        versions = self._versions[key]
        place = bisect_left(versions, run, key=itemgetter(0))
        return versions[place - 1][1] if place else None

    def all_keys(self) -> Iterable[str]:
        """The keys of all records, in the order of writing."""
        return self._versions

    def keys_with(self, columns: tuple[str, ...], values: tuple[str, ...]) -> Iterable[str]:
        """The keys of records that once had these values."""
        if columns not in self._by_columns:
            by_values: dict[tuple[str | None, ...], set[str]] = {}
            for key, versions in self._versions.items():
                for _run, record in versions:
                    by_values.setdefault(tuple(map(record.get, columns)), set()).add(key)
            self._by_columns[columns] = by_values
        return sorted(self._by_columns[columns].get(values, ()))


class RecordsAt(StoreRecords):
    """The records of a collection as an alert's run sees them. Read only."""

    def __init__(self, history: RecordHistory, run: int) -> None:
        super().__init__()
        self._history = history
        self._run = run

    def __iter__(self) -> Iterator[LookupRow]:
        versions = (self._history.version(key, self._run) for key in self._history.all_keys())
        return (record for record in versions if record is not None)

    def matching(self, columns: tuple[str, ...], values: tuple[str, ...]) -> Sequence[LookupRow]:
        """As in StoreRecords."""
        keys = self._history.keys_with(columns, values)
        records = (self._history.version(key, self._run) for key in keys)
        return [
            record
            for record in records
            if record is not None and tuple(map(record.get, columns)) == values
        ]


class StoreLookup:
    """A lookup definition over a collection. `find` gives the records that match."""

    def __init__(self, stanza: Stanza, known: Mapping[str, Collection]) -> None:
        settings = stanza.settings
        _check_settings(stanza)
        self.name = stanza.name
        self.collection = _collection_of(stanza, known)
        self.columns: tuple[str, ...] = _listed_fields(settings["fields_list"], self.collection)
        self.shown_as = f"the KV store lookup [{stanza.name}]"
        self._count = MatchCount.from_settings(settings, self.columns)

    def check_automatic(self, setting: Setting, columns: Iterable[str]) -> None:
        """Refuse a LOOKUP- that Splunk would not run, or whose values are not modelled.

        Knowledge Manager Manual, "Enable replication for a KV Store collection": automatic lookups
        run on the indexers, which see no other collection.
        """
        if not self.collection.replicated:
            raise ConfError(
                f"an automatic lookup needs replicate = true for [{self.collection.name}] in"
                " collections.conf",
                setting.location,
            )
        for column in columns:
            kind = self.collection.types.get(column, "string")
            if kind != "string":
                raise ConfError(
                    f"how a lookup writes and matches the {kind} {column} is not modelled:"
                    " declare it as string",
                    setting.location,
                )

    def find(
        self, columns: tuple[str, ...], values: tuple[str, ...], stores: Stores
    ) -> Sequence[LookupRow]:
        """The records whose `columns` are `values`, in the order of writing, as in AnyLookup."""
        records = stores.get(self.collection.name, ())
        if isinstance(records, StoreRecords):
            return self._count.completed(records.matching(columns, values))
        for column, value in zip(columns, values):
            records = [record for record in records if record.get(column) == value]
        return self._count.completed(records)


def _check_settings(stanza: Stanza) -> None:
    settings = stanza.settings
    for key, setting in settings.items():
        if key not in _SETTINGS | _IGNORED:
            raise ConfError(
                f"the emulator does not model {key} in a KV store lookup", setting.location
            )
    external = settings["external_type"]
    if external.value != "kvstore":
        raise ConfError("external_type: only kvstore is modelled", external.location)
    for key in ("collection", "fields_list"):
        if key not in settings:
            raise ConfError(f"a KV store lookup needs {key}", stanza.location)
    case = settings.get("case_sensitive_match")
    if case is not None and not case.boolean():
        raise ConfError("matching without case is not modelled in a KV store lookup", case.location)


def _collection_of(stanza: Stanza, known: Mapping[str, Collection]) -> Collection:
    setting = stanza.settings["collection"]
    if setting.value not in known:
        raise ConfError(f"collections.conf has no [{setting.value}]", setting.location)
    return known[setting.value]


def _listed_fields(setting: Setting, collection: Collection) -> tuple[str, ...]:
    fields = tuple(re.split(r"[,\s]+", setting.value))
    unknown = set(fields) - set(collection.types) - {"_key"}
    if unknown:
        raise ConfError(
            f"collections.conf: [{collection.name}] declares no {', '.join(sorted(unknown))}",
            setting.location,
        )
    return fields


def collection_names(lookups: Iterable[StoreLookup]) -> dict[str, str]:
    """The collection's name, by that name and by the names of the lookups on it."""
    listed = list(lookups)
    names = {lookup.name: lookup.collection.name for lookup in listed}
    return {**names, **{lookup.collection.name: lookup.collection.name for lookup in listed}}


def by_collection(named: Stores, names: Mapping[str, str]) -> Stores:
    """Records under any of `names`, by the collection's name.

    Raises LookupTableError for an unknown name, and for records of one collection that differ.
    """
    stores: dict[str, Sequence[LookupRow]] = {}
    for name, records in named.items():
        collection = names.get(name)
        if collection is None:
            raise LookupTableError(f"no KV store lookup or its collection is called {name}")
        first = stores.setdefault(collection, records)
        if first is not records and first != records:
            raise LookupTableError(f"two different lists of records for [{collection}]")
    return stores
