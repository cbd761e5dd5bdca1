"""The arguments of `LOOKUP-x =` and `| lookup`.

Source: props.conf.spec, LOOKUP-<class>; Search Reference, "lookup".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from emulator.errors import LookupTableError
from emulator.eval.values import FieldValue, collapse
from emulator.search_time.lookups import AnyLookup, Stores

# (column of the table, field of the event)
ColumnPairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LookupUse:
    """A lookup with its columns and event fields, for matching and for output."""

    lookup: AnyLookup
    match: ColumnPairs
    output: ColumnPairs
    only_new: bool

    def compiled(self) -> Callable[[dict[str, FieldValue], Stores], None]:
        """The function that sets or clears the output fields; it does nothing if a match field
        is missing, and raises LookupTableError for one with several values.
        """
        columns = tuple(column for column, _field in self.match)
        inputs = tuple(name for _column, name in self.match)
        output, only_new, find = self.output, self.only_new, self.lookup.find

        def apply(fields: dict[str, FieldValue], stores: Stores) -> None:
            values = []
            for name in inputs:
                value = fields.get(name)
                if value is None:
                    return
                if isinstance(value, list):
                    raise LookupTableError(
                        f"looking up the multivalue field {name} is not modelled"
                    )
                values.append(value)
            rows = find(columns, tuple(values), stores)
            for column, name in output:
                if only_new and name in fields:
                    continue
                result = collapse([row[column] for row in rows if row.get(column)])
                if result is not None:
                    fields[name] = result
                else:
                    fields.pop(name, None)

        return apply


def lookup_use(words: Sequence[str], lookups: Mapping[str, AnyLookup]) -> LookupUse:
    """From `name column [AS field]... [OUTPUT|OUTPUTNEW column [AS field]...]`.

    Raises LookupTableError for what is malformed, and for an unknown lookup or column.
    """
    lookup = lookups.get(words[0]) if words else None
    if lookup is None:
        name = words[0] if words else ""
        raise LookupTableError(f"transforms.conf has no lookup [{name}] for LOOKUP")
    keyword = next((at for at, word in enumerate(words) if word in {"OUTPUT", "OUTPUTNEW"}), None)
    match = _renamed(words[1:keyword])
    output = _renamed(words[keyword + 1 :]) if keyword is not None else ()
    if not match:
        raise LookupTableError("LOOKUP needs at least one field to match")
    if keyword is not None and not output:
        raise LookupTableError(f"{words[keyword]} names no field")
    for column, _field in (*match, *output):
        if column not in lookup.columns:
            raise LookupTableError(
                f"{lookup.shown_as} has no column {column}, only {', '.join(lookup.columns)}"
            )
    matched = {column for column, _field in match}
    rest = tuple((column, column) for column in lookup.columns if column not in matched)
    only_new = keyword is not None and words[keyword] == "OUTPUTNEW"
    return LookupUse(lookup, match, output or rest, only_new)


def _renamed(words: Sequence[str]) -> ColumnPairs:
    """`column AS field` or just `column`, several of them."""
    pairs, at = [], 0
    while at < len(words):
        renamed = at + 1 < len(words) and words[at + 1].upper() == "AS"
        if renamed and at + 2 >= len(words):
            raise LookupTableError("a field is missing after AS")
        pairs.append((words[at], words[at + 2] if renamed else words[at]))
        at += 3 if renamed else 1
    return tuple(pairs)
