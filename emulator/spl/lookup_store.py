"""lookup and inputlookup; outputlookup on lookups that are KV store collections."""

from __future__ import annotations

from emulator.errors import SearchError
from emulator.search_time.automatic_lookups import lookup_use
from emulator.search_time.kv_store import StoreLookup, StoreRecords
from emulator.search_time.lookups import Lookup
from emulator.spl.context import Command, Context, Records, ResultRow, Results, command, single
from emulator.spl.syntax import boolean, options, words


@command("lookup")
def _lookup(arguments: str) -> Command:
    """Search Reference, "lookup"; collections.conf.spec, "replicate": else only with local=true."""
    settings, rest = options(arguments, "lookup", frozenset({"local"}))
    local = boolean(settings.get("local", "false"), "local")
    named = words(rest)

    def run(results: Results, context: Context) -> Results:
        use = lookup_use(named, context.lookups)
        if isinstance(use.lookup, StoreLookup) and not (use.lookup.collection.replicated or local):
            raise SearchError(f"lookup {use.lookup.name}: set replicate = true, or local=true here")
        rows = [dict(row) for row in results.rows]
        apply = use.compiled()
        for row in rows:
            apply(row, context.stores)
        return results.with_rows(rows)

    return run


@command("inputlookup")
def _inputlookup(arguments: str) -> Command:
    """Search Reference, "inputlookup", with append=true: its records after the rows."""
    settings, name = _parsed(arguments, "inputlookup", frozenset({"append"}))
    if not boolean(settings.get("append", "false"), "append"):
        raise SearchError("inputlookup without append=true is modelled as the first command only")
    return _reading(name)


@command("inputlookup-first")
def _inputlookup_first(arguments: str) -> Command:
    """Search Reference, "inputlookup": its records are the rows."""
    _settings, name = _parsed(arguments, "inputlookup", frozenset({"append"}))
    return _reading(name)


def _reading(name: str) -> Command:
    return lambda results, context: results.with_rows([*results.rows, *_records(name, context)])


def _records(name: str, context: Context) -> list[ResultRow]:
    lookup = context.lookups.get(name)
    if isinstance(lookup, Lookup):
        return [{field: cell for field, cell in row.items() if cell} for row in lookup.table.rows]
    store = _store_lookup(name, context)
    return [
        {field: record[field] for field in store.columns if field in record}
        for record in context.stores[store.collection.name]
    ]


@command("outputlookup")
def _outputlookup(arguments: str) -> Command:
    """Search Reference, "outputlookup": replaces the collection, or adds records to it; passes the
    rows on.
    """
    settings, name = _parsed(arguments, "outputlookup", frozenset({"append", "key_field"}))
    key_field = settings.get("key_field")
    appends = boolean(settings.get("append", "true" if key_field else "false"), "append")

    def run(results: Results, context: Context) -> Results:
        lookup = _store_lookup(name, context)
        written = [_record(row, lookup, key_field) for row in results.rows]
        records = context.stores[lookup.collection.name]
        if isinstance(records, StoreRecords):
            if not appends:
                records.replace(())
            for record in written:
                records.put(record)
            return results
        if not appends:
            records.clear()
        _write(records, written)
        return results

    return run


def _record(row: ResultRow, lookup: StoreLookup, key_field: str | None) -> dict[str, str]:
    """What is kept of a row: internal fields that the lookup does not list are left out."""
    unknown = sorted(name for name in set(row) - set(lookup.columns) if not name.startswith("_"))
    if unknown:
        raise SearchError(f"the lookup {lookup.name} has no field {', '.join(unknown)}")
    values = {name: single(row, name, "outputlookup") for name in lookup.columns}
    record = {name: value for name, value in values.items() if value is not None}
    if key_field is not None:
        key = single(row, key_field, "outputlookup")
        if not key:
            raise SearchError(f"outputlookup: a row without the key field {key_field}")
        record["_key"] = key
    return record


def _write(records: Records, written: list[dict[str, str]]) -> None:
    """A record replaces the record with the same key; others are appended."""
    positions = {record["_key"]: index for index, record in enumerate(records) if "_key" in record}
    for record in written:
        index = positions.get(record.get("_key", ""))
        if index is not None:
            records[index] = record
            continue
        if "_key" in record:
            positions[record["_key"]] = len(records)
        records.append(record)


def _parsed(arguments: str, name: str, known: frozenset[str]) -> tuple[dict[str, str], str]:
    listed = words(arguments)
    settings, rest = options(" ".join(word for word in listed if "=" in word), name, known)
    named = [word for word in listed if "=" not in word]
    if rest or len(named) != 1:
        raise SearchError(
            f"{name} is modelled with {', '.join(sorted(known))} and the name of a lookup only"
        )
    return settings, named[0]


def _store_lookup(name: str, context: Context) -> StoreLookup:
    lookup = context.lookups.get(name)
    if not isinstance(lookup, StoreLookup):
        raise SearchError(f"transforms.conf has no KV store lookup [{name}]")
    return lookup
