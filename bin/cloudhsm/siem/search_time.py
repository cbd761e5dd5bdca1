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

from cloudhsm.base.conf_file import Stanza, stanzas
from cloudhsm.siem.evaluation import Expression, Fields, FieldValue, compiled, field_value
from cloudhsm.siem.pcre import Regex

AUDIT, CERTIFICATE = "aws:cloudhsm:audit", "aws:cloudhsm:certificate"
_IN_FIELD = re.compile(r"(?P<regex>.*)\s+in\s+(?P<field>\w+)", re.DOTALL)
_FIELD_NAME = re.compile(r"([\w:]+)=")
_SEARCH_TOKEN = re.compile(r'\(|\)|[\w:]+="[^"]*"|[\w:]+=[^\s()]+|\w+')

_OPERATION = re.compile(r"Opcode[ \t]*:")

EventFields = dict[str, FieldValue]
Step = Callable[[EventFields], None]
Condition = Callable[[Fields], bool]


class Meaning:
    """The search-time knowledge of the add-on in the folder `root`.

    is_strict: a text with several operations never has the outcome success, whichever comes first.
    Raises OSError where a file of it cannot be read.
    """

    def __init__(self, root: Path, is_strict: bool = False) -> None:
        self._is_strict = is_strict
        conf = {name: _conf(root / "default" / f"{name}.conf") for name in _FILES}
        self._props, self._transforms = conf["props"], conf["transforms"]
        self._lookups = _lookups(root / "lookups", self._transforms)
        self._sources = [*_source_patterns(self._props)]
        self._stanzas = lru_cache(maxsize=1024)(self._stanza_names)
        self._steps = lru_cache(maxsize=64)(self._compiled)
        self._tagged = _Tagging(conf["eventtypes"], conf["tags"]).tagged

    def of(self, fields: EventFields) -> EventFields:
        """The fields, and all that follow from them.

        fields: `_raw`, `source`, `host`, `sourcetype` and, where it is known, `_time`, as
        `epoch_seconds` has it. A field with several values is a list.
        """
        complete = dict(fields)
        stanza_names = self._stanzas(str(fields["sourcetype"]), str(fields.get("source", "")))
        for step in self._steps(stanza_names):
            step(complete)
        self._tagged(complete)
        return complete

    def _stanza_names(self, sourcetype: str, source: str) -> tuple[str, ...]:
        """The stanzas of props.conf that apply, the strongest last: those of the source win."""
        patterns = [name for name, pattern in self._sources if pattern.fullmatch(source)]
        return (sourcetype, *patterns)

    def _compiled(self, stanza_names: tuple[str, ...]) -> list[Step]:
        settings: Stanza = {}
        for name in stanza_names:
            settings.update(self._props[name])
        return [
            *_extractions(settings),
            *_reports(settings, self._transforms),
            _calculation(settings),
            *((_distrust,) if self._is_strict else ()),
            *_looking_up(settings, self._lookups),
        ]


def epoch_seconds(usecs: int) -> str:
    """Microseconds since 1970 as Splunk gives `_time`: seconds, with six decimals or none."""
    seconds, rest = divmod(abs(usecs), 1_000_000)
    return f"{'-' * (usecs < 0)}{seconds}" + (f".{rest:06d}" if rest else "")


_FILES = ("props", "transforms", "eventtypes", "tags")
_WILDCARDS = {"...": ".*", "*": "[^/]*", ".": r"\."}


def _conf(path: Path) -> dict[str, Stanza]:
    text = path.read_text(encoding="utf-8")
    return {name: dict(settings) for name, settings in stanzas(text) if settings}


def _source_patterns(props: dict[str, Stanza]) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Name and pattern of each `[source::...]`, the strongest, which is the first by name, last."""
    for name in sorted(props, reverse=True):
        if name.startswith("source::"):
            text = re.sub(r"\.\.\.|[*.]", lambda sign: _WILDCARDS[sign[0]], name[len("source::") :])
            yield name, re.compile(text, re.DOTALL)


def _of_kind(settings: Stanza, kind: str) -> Iterator[tuple[str, str]]:
    """(class, value) of the settings `<kind>-<class>`, in Splunk's order: ASCII, by class."""
    for key in sorted(settings):
        if key.startswith(f"{kind}-"):
            yield key[len(kind) + 1 :], settings[key]


# --- EXTRACT and REPORT


def _extractions(props: Stanza) -> Iterator[Step]:
    for _name, value in _of_kind(props, "EXTRACT"):
        inside = _IN_FIELD.fullmatch(value)
        text, source = (inside["regex"], inside["field"]) if inside else (value, "_raw")
        yield _extraction(Regex(text, "(?ms)"), source)


def _extraction(regex: Regex, source: str) -> Step:
    def step(fields: EventFields) -> None:
        text = fields.get(source)
        groups = regex.named(text) if isinstance(text, str) else None
        for name, value in (groups or {}).items():
            if value and name not in fields:
                fields[name] = value

    return step


def _reports(props: Stanza, transforms: dict[str, Stanza]) -> Iterator[Step]:
    for _name, value in _of_kind(props, "REPORT"):
        for name in re.split(r"\s*,\s*", value):
            stanza = transforms[name]
            yield _report(Regex(stanza["REGEX"]), stanza["SOURCE_KEY"])


def _report(regex: Regex, source: str) -> Step:
    """Every match appends its values to those that the field has (MV_ADD)."""

    def step(fields: EventFields) -> None:
        text = fields.get(source)
        for groups in regex.each(text) if isinstance(text, str) else ():
            for name, value in groups.items():
                if value:
                    values = [*_values(fields, name), value]
                    fields[name] = values if len(values) > 1 else value

    return step


# --- EVAL


def _calculation(props: Stanza) -> Step:
    """All at once: none sees another's result."""
    expressions: list[tuple[str, Expression]] = [
        (name, compiled(value)) for name, value in _of_kind(props, "EVAL")
    ]

    def step(fields: EventFields) -> None:
        results = [(name, field_value(run(fields))) for name, run in expressions]
        for name, value in results:
            _set(fields, name, value)

    return step


def _distrust(fields: EventFields) -> None:
    """A text with several operations is not the record of one that succeeded."""
    if fields.get("outcome") == "success" and len(_OPERATION.findall(str(fields["_raw"]))) > 1:
        fields["outcome"] = "unknown"


def _values(fields: Fields, name: str) -> list[str]:
    value = fields.get(name, [])
    return value if isinstance(value, list) else [value]


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

    def _row(self, keys: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
        """Column to cell of the row with these cells; "" where there is none."""
        for row in self._rows:
            if all(self._fits(column, row[column], value) for column, value in keys):
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
    lookups = {}
    for name, stanza in transforms.items():
        if "filename" in stanza or "collection" in stanza:
            rows = _table(folder / stanza["filename"]) if "filename" in stanza else []
            match_type = stanza.get("match_type", "")
            wildcard = match_type[len("WILDCARD(") : -1] if match_type else ""
            lookups[name] = Lookup(rows, wildcard, stanza.get("default_match", ""))
    return lookups


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def _looking_up(props: Stanza, lookups: dict[str, Lookup]) -> Iterator[Step]:
    for _name, value in _of_kind(props, "LOOKUP"):
        lookup, *words = value.split()
        position = words.index("OUTPUT")
        inputs, outputs = _renamed(words[:position]), _renamed(words[position + 1 :])
        yield _look_up(lookups[lookup], inputs, outputs)


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
    lookup: Lookup, inputs: Sequence[tuple[str, str]], outputs: Sequence[tuple[str, str]]
) -> Step:
    """Sets or clears the outputs; does nothing where an input is missing."""

    def step(fields: EventFields) -> None:
        values = [(column, fields.get(name)) for column, name in inputs]
        keys = tuple((column, value) for column, value in values if isinstance(value, str))
        if len(keys) < len(values):
            return
        cell_of = lookup.row(keys)
        for column, name in outputs:
            _set(fields, name, cell_of(column) or None)

    return step


# --- event types and tags


class _Tagging:
    """eventtypes.conf and tags.conf; results are remembered for the values that they depend on."""

    def __init__(self, eventtypes: dict[str, Stanza], tags: dict[str, Stanza]) -> None:
        searches = {name: stanza["search"] for name, stanza in eventtypes.items()}
        self._conditions = {name: _condition(search) for name, search in searches.items()}
        self._tags = {name[len("eventtype=") :]: [*stanza] for name, stanza in tags.items()}
        self._inputs = sorted({*_FIELD_NAME.findall(" ".join(searches.values()))})
        self._known = lru_cache(maxsize=4096)(self._matching)

    def tagged(self, fields: EventFields) -> None:
        """Sets `eventtype`, `tag` and `tag::eventtype`."""
        values = (fields.get(name) for name in self._inputs)
        key = tuple(tuple(value) if isinstance(value, list) else value for value in values)
        types, tags = self._known(key)
        for name, names in (("eventtype", types), ("tag", tags), ("tag::eventtype", tags)):
            _set(fields, name, field_value([*names]))

    def _matching(
        self, key: tuple[str | tuple[str, ...] | None, ...]
    ) -> tuple[Sequence[str], Sequence[str]]:
        values = [[*value] if isinstance(value, tuple) else value for value in key]
        fields = {name: value for name, value in zip(self._inputs, values) if value is not None}
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
    fits = _wildcard(wanted).fullmatch
    return lambda fields: any(fits(value.lower()) for value in _values(fields, name))
