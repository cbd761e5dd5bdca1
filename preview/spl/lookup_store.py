"""inputlookup and outputlookup on lookups that are KV store collections."""

from __future__ import annotations

from preview.errors import SearchError
from preview.spl.context import Context, Results, Row, Run, command, single
from preview.spl.syntax import boolean, options, words


@command("inputlookup")
def _inputlookup(arguments: str) -> Run:
    """Search Reference, "inputlookup", with append=true: its records behind the rows."""
    name, appends = _parsed(arguments, "inputlookup")
    if not appends:
        raise SearchError("inputlookup is modelled with append=true only")

    def run(results: Results, context: Context) -> Results:
        _check_known(name, context)
        records: list[Row] = [dict(record) for record in context.stores[name]]
        return results.with_rows([*results.rows, *records])

    return run


@command("outputlookup")
def _outputlookup(arguments: str) -> Run:
    """Search Reference, "outputlookup", with append=true: adds records, passes the rows on."""
    name, appends = _parsed(arguments, "outputlookup")
    if not appends:
        raise SearchError("outputlookup without append=true would replace the collection: refused")

    def run(results: Results, context: Context) -> Results:
        _check_known(name, context)
        for row in results.rows:
            unknown = sorted(set(row) - set(context.store_fields[name]))
            if unknown:
                raise SearchError(f"the lookup {name} has no field {', '.join(unknown)}")
            values = {field: single(row, field, "outputlookup") for field in row}
            context.stores[name].append({k: v for k, v in values.items() if v is not None})
        return results

    return run


def _parsed(arguments: str, command_name: str) -> tuple[str, bool]:
    settings, rest = options(arguments, command_name, frozenset({"append"}))
    named = words(rest)
    if len(named) != 1:
        raise SearchError(f"{command_name} is modelled with append and the name of a lookup only")
    return named[0], boolean(settings.get("append", "false"), "append")


def _check_known(name: str, context: Context) -> None:
    if name not in context.stores:
        raise SearchError(f"transforms.conf has no KV store lookup [{name}]")
