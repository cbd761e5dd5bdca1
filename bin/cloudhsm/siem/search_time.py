"""What Splunk makes of a record, without Splunk: the fields of its text, lookups, types and tags.

Nothing of this is written down twice. `default/*.conf` and `lookups/*.csv`, which Splunk reads, are
read here too, and followed in Splunk's order: EXTRACT, REPORT, EVAL, LOOKUP, event types, tags
(Knowledge Manager Manual, "The sequence of search-time operations"). The tables that a customer
keeps in Splunk (docs/enrichment.md) are taken for empty.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from cloudhsm.siem.conf import Stanza, of_kind, read_conf
from cloudhsm.siem.evaluation import Expression, Fields, FieldValue, compiled, field_value
from cloudhsm.siem.pcre import Regex

AUDIT, CERTIFICATE = "aws:cloudhsm:audit", "aws:cloudhsm:certificate"
_IN_FIELD = re.compile(r"(?P<regex>.*)\s+in\s+(?P<field>\w+)", re.DOTALL)
_ASKED = re.compile(r"([\w:]+)=")
_SEARCH_TOKEN = re.compile(r'\(|\)|[\w:]+="[^"]*"|[\w:]+=[^\s()]+|\w+')

EventFields = dict[str, FieldValue]
Step = Callable[[EventFields], None]
Condition = Callable[[Fields], bool]


class Meaning:
    """The search-time knowledge of the add-on whose folder is `root`.

    Raises OSError where a file of it cannot be read.
    """

    def __init__(self, root: Path) -> None:
        conf = {name: read_conf(root / "default" / f"{name}.conf") for name in _FILES}
        lookups = _lookups(root / "lookups", conf["transforms"])
        self._steps = {
            sourcetype: [
                *_extractions(conf["props"][sourcetype]),
                *_reports(conf["props"][sourcetype], conf["transforms"]),
                _calculation(conf["props"][sourcetype]),
                *_looking_up(conf["props"][sourcetype], lookups),
            ]
            for sourcetype in (AUDIT, CERTIFICATE)
        }
        self._tagged = _Tagging(conf["eventtypes"], conf["tags"]).tagged

    def of(self, fields: EventFields) -> EventFields:
        """The fields, and all that follow from them.

        fields: `_raw`, `source`, `host`, `sourcetype` and, where it is known, `_time` (seconds
        since 1970 as text). A field with several values is a list.
        """
        found = dict(fields)
        for step in self._steps[str(fields["sourcetype"])]:
            step(found)
        self._tagged(found)
        return found


_FILES = ("props", "transforms", "eventtypes", "tags")

# --- EXTRACT and REPORT


def _extractions(props: Stanza) -> Iterator[Step]:
    for _name, value in of_kind(props, "EXTRACT"):
        inside = _IN_FIELD.fullmatch(value)
        text, source = (inside["regex"], inside["field"]) if inside else (value, "_raw")
        yield _extraction(Regex(text, "(?ms)"), source)


def _extraction(regex: Regex, source: str) -> Step:
    def step(fields: EventFields) -> None:
        text = fields.get(source)
        found = regex.named(text) if isinstance(text, str) else None
        for name, value in (found or {}).items():
            if value and name not in fields:
                fields[name] = value

    return step


def _reports(props: Stanza, transforms: dict[str, Stanza]) -> Iterator[Step]:
    for _name, value in of_kind(props, "REPORT"):
        for name in re.split(r"\s*,\s*", value):
            stanza = transforms[name]
            yield _report(Regex(stanza["REGEX"]), stanza["SOURCE_KEY"])


def _report(regex: Regex, source: str) -> Step:
    """Every match adds its values behind those that are there (MV_ADD)."""

    def step(fields: EventFields) -> None:
        text = fields.get(source)
        for found in regex.each(text) if isinstance(text, str) else ():
            for name, value in found.items():
                if value:
                    held = fields.get(name, [])
                    values = [*(held if isinstance(held, list) else [held]), value]
                    fields[name] = values if len(values) > 1 else value

    return step


# --- EVAL


def _calculation(props: Stanza) -> Step:
    """All at once: none sees another's result."""
    expressions: list[tuple[str, Expression]] = [
        (name, compiled(value)) for name, value in of_kind(props, "EVAL")
    ]

    def step(fields: EventFields) -> None:
        found = [(name, field_value(run(fields))) for name, run in expressions]
        for name, value in found:
            _set(fields, name, value)

    return step


def _set(fields: EventFields, name: str, value: FieldValue | None) -> None:
    if value is None:
        fields.pop(name, None)
    else:
        fields[name] = value


# --- LOOKUP


class Lookup:
    """A table; of its rows the first that fits counts. A `*` in a WILDCARD column fits any text."""

    def __init__(self, rows: Sequence[dict[str, str]], wildcard: str, default: str) -> None:
        self._rows = rows
        self._wildcard = wildcard
        self._default = default
        self.row = lru_cache(maxsize=4096)(self._row)

    def _row(self, asked: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
        """Column to cell of the row with these cells; "" where there is none."""
        for row in self._rows:
            if all(self._fits(column, row[column], value) for column, value in asked):
                return lambda column: row[column]
        return lambda _column: self._default

    def _fits(self, column: str, cell: str, value: str) -> bool:
        if column == self._wildcard and "*" in cell:
            return _wildcard(cell).fullmatch(value) is not None
        return cell == value


@lru_cache(maxsize=1024)
def _wildcard(cell: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, cell.split("*"))), re.DOTALL)


def _lookups(folder: Path, transforms: dict[str, Stanza]) -> dict[str, Lookup]:
    found = {}
    for name, stanza in transforms.items():
        if "filename" in stanza or "collection" in stanza:
            rows = _table(folder / stanza["filename"]) if "filename" in stanza else []
            match_type = stanza.get("match_type", "")
            wildcard = match_type[len("WILDCARD(") : -1] if match_type else ""
            found[name] = Lookup(rows, wildcard, stanza.get("default_match", ""))
    return found


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def _looking_up(props: Stanza, lookups: dict[str, Lookup]) -> Iterator[Step]:
    for _name, value in of_kind(props, "LOOKUP"):
        lookup, *words = value.split()
        place = words.index("OUTPUT")
        asked, given = _renamed(words[:place]), _renamed(words[place + 1 :])
        yield _look_up(lookups[lookup], asked, given)


def _renamed(words: Sequence[str]) -> list[tuple[str, str]]:
    """(column, field) of `column AS field`, or of `column` alone."""
    pairs: list[tuple[str, str]] = []
    rest = [*words]
    while rest:
        column = rest.pop(0)
        is_renamed = rest[:1] == ["AS"]
        pairs.append((column, rest[1] if is_renamed else column))
        rest = rest[2:] if is_renamed else rest
    return pairs


def _look_up(
    lookup: Lookup, asked: Sequence[tuple[str, str]], given: Sequence[tuple[str, str]]
) -> Step:
    """Sets or clears the fields; nothing where one that is asked for is missing."""

    def step(fields: EventFields) -> None:
        values = [(column, fields.get(name)) for column, name in asked]
        keys = tuple((column, value) for column, value in values if isinstance(value, str))
        if len(keys) < len(values):
            return
        cell_of = lookup.row(keys)
        for column, name in given:
            _set(fields, name, cell_of(column) or None)

    return step


# --- event types and tags


class _Tagging:
    """What eventtypes.conf and tags.conf say; remembered for the values that they ask for."""

    def __init__(self, eventtypes: dict[str, Stanza], tags: dict[str, Stanza]) -> None:
        searches = {name: stanza["search"] for name, stanza in eventtypes.items()}
        self._conditions = {name: _condition(search) for name, search in searches.items()}
        self._tags = {name[len("eventtype=") :]: [*stanza] for name, stanza in tags.items()}
        self._asked = sorted({*_ASKED.findall(" ".join(searches.values()))})
        self._known = lru_cache(maxsize=4096)(self._found)

    def tagged(self, fields: EventFields) -> None:
        """Sets `eventtype` and `tag`."""
        values = [fields.get(name) for name in self._asked]
        asked = tuple(tuple(one) if isinstance(one, list) else one for one in values)
        for name, found in zip(("eventtype", "tag"), self._known(asked)):
            _set(fields, name, field_value([*found]))

    def _found(
        self, values: tuple[str | tuple[str, ...] | None, ...]
    ) -> tuple[Sequence[str], Sequence[str]]:
        held = [[*one] if isinstance(one, tuple) else one for one in values]
        fields = {name: one for name, one in zip(self._asked, held) if one is not None}
        types = sorted(name for name, holds in self._conditions.items() if holds(fields))
        return types, sorted({tag for name in types for tag in self._tags.get(name, ())})


def _condition(search: str) -> Condition:
    """A search of eventtypes.conf: field=value with wildcards, AND (implied), OR, NOT, ( )."""
    tokens = _SEARCH_TOKEN.findall(search)
    holds = _either(tokens)
    if tokens:
        raise ValueError(f"{tokens[0]!r} is not understood in the search {search}")
    return holds


def _either(tokens: list[str]) -> Condition:
    sides = [_together(tokens)]
    while tokens[:1] == ["OR"]:
        tokens.pop(0)
        sides.append(_together(tokens))
    return lambda fields: any(holds(fields) for holds in sides)


def _together(tokens: list[str]) -> Condition:
    sides = [_single(tokens)]
    while tokens and tokens[0] not in (")", "OR"):
        if tokens[0] == "AND":
            tokens.pop(0)
        sides.append(_single(tokens))
    return lambda fields: all(holds(fields) for holds in sides)


def _single(tokens: list[str]) -> Condition:
    term = tokens.pop(0)
    if term == "NOT":
        inner = _single(tokens)
        return lambda fields: not inner(fields)
    if term == "(":
        inner = _either(tokens)
        tokens.pop(0)
        return inner
    name, _equals, value = term.partition("=")
    return _compared(name, value.strip('"').lower())


def _compared(name: str, wanted: str) -> Condition:
    """Values are compared as a search does, without regard to case; any of several will do."""

    def holds(fields: Fields) -> bool:
        value = fields.get(name, [])
        values = value if isinstance(value, list) else [value]
        return any(_wildcard(wanted).fullmatch(one.lower()) for one in values)

    return holds
