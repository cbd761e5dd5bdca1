"""Reads `mappings/fields.yaml`, the one definition of every field, strictly by schema.

Every fault names file and line, and all faults are told at once. Scalars keep their spelling, as in
`tools.content.mappings`. What the keys of the file mean stands at its top.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import yaml

from tools.content.mappings import (
    Check,
    Fault,
    MappingError,
    Value,
    compose,
    one_of,
    several_words,
    some_of,
    words,
)

FILE = "fields.yaml"
AUDIT, CERTIFICATE = "audit", "certificate"
SOURCETYPES = (AUDIT, CERTIFICATE, "collector")
LAYOUTS = ("older", "newer", "time_info", "flattened")
MODELS = ("Authentication", "Change")
_NUMBERS = {
    "hex": re.compile(r"0[xX][0-9a-fA-F]{1,16}"),
    "decimal": re.compile(r"-?\d{1,20}"),
    "epoch microseconds": re.compile(r"\d{16}"),
}
TYPES = (*_NUMBERS, "text", "name", "coded name", "word")

Example = Union[str, tuple[str, ...]]


@dataclass(frozen=True)
class Line:
    """A line of a record: what stands before its colon and, in the example, behind it."""

    key: str
    printed: str


@dataclass(frozen=True)
class Field:
    """One field; `line` is that of its definition. The attributes are explained in the file."""

    line: int
    name: str
    type: str
    origins: tuple[str, ...]
    sourcetypes: tuple[str, ...]
    meaning: str
    example: Example
    record_line: Line | None
    json_line: Line | None
    values: tuple[str, ...]
    unit: str
    layouts: tuple[str, ...]
    seen_in: str
    cim: tuple[str, ...]
    models: tuple[str, ...]
    ocsf: str
    ecs: str
    note: str
    internal: bool

    @property
    def multivalue(self) -> bool:
        """Whether a whole record gives several values."""
        return isinstance(self.example, tuple)


@dataclass(frozen=True)
class Group:
    """Fields that belong together, in the file's order."""

    title: str
    text: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class ExampleRecord:
    """A record that gives examples; `source` as Splunk has it, from which follow host and kind."""

    line: int
    name: str
    about: str
    source: str
    text: str

    @property
    def host(self) -> str:
        """The log stream: the HSM or, of certificate storage records, the cluster."""
        return self.source.rpartition(":")[2]

    @property
    def sourcetype(self) -> str:
        """`audit` or `certificate`."""
        return CERTIFICATE if self.text.startswith("{") else AUDIT


@dataclass(frozen=True)
class Unknowable:
    """When a record cannot give a field that these CIM models ask for, and why."""

    line: int
    field: str
    models: tuple[str, ...]
    when: str
    reason: str


@dataclass(frozen=True)
class Dictionary:
    """The whole file."""

    groups: tuple[Group, ...]
    records: tuple[ExampleRecord, ...]
    unknowable: tuple[Unknowable, ...]

    @property
    def fields(self) -> list[Field]:
        """All fields in the file's order."""
        return [field for group in self.groups for field in group.fields]

    @property
    def record_lines(self) -> list[Line]:
        """The lines that an audit record may have, in the order of a newer record, each once."""
        lines: dict[str, Line] = {}
        for field in self.fields:
            if field.record_line:
                lines.setdefault(field.record_line.key, field.record_line)
        return list(lines.values())


def record_keys(folder: Path) -> list[str]:
    """What stands before the colon of an audit record's lines, in the order of a newer record.

    Raises MappingError and OSError as `read_dictionary` does.
    """
    return [line.key for line in read_dictionary(folder).record_lines]


def read_dictionary(folder: Path) -> Dictionary:
    """The fields of `fields.yaml` in this folder.

    Raises MappingError for every departure from the schema, OSError if the file cannot be read.
    """
    reading = _Reading(folder / FILE)
    dictionary = _dictionary(reading, _composed(reading.path))
    if not reading.faults:
        reading.faults += [
            Fault(reading.path, line, what) for line, what in _contradictions(dictionary)
        ]
    if reading.faults:
        raise MappingError(reading.faults)
    return dictionary


# --- schema


def _pattern(expression: str, meaning: str) -> Check:
    compiled = re.compile(expression)

    def check(value: Value) -> str | None:
        fits = isinstance(value, str) and compiled.fullmatch(value)
        return None if fits else f"must be {meaning}; found {value!r}"

    return check


def _one_or_several(check: Check) -> Check:
    def checked(value: Value) -> str | None:
        if not isinstance(value, tuple):
            return check(value)
        return several_words(value) or next(filter(None, map(check, value)), None)

    return checked


def _lines(value: Value) -> str | None:
    fits = isinstance(value, str) and value and value == value.strip("\n")
    return None if fits else "must be a text, not empty, without line ends around it"


def _json(value: Value) -> str | None:
    try:
        json.loads(value if isinstance(value, str) else "")
    except json.JSONDecodeError as error:
        return f"must be JSON: {error}"
    return None


_NAME = _pattern("_?[a-z][a-z0-9_]*", "lower_snake_case")
_LOWER_WORD = "[a-z]+(_[a-z]+)*"
_ORIGIN = _pattern(
    f"record|source|computed|splunk|(lookup|customer):{_LOWER_WORD}",
    "record, source, computed, splunk, lookup:<name> or customer:<collection>",
)
_FIELD: Mapping[str, Check] = {
    "name": _NAME,
    "key": words,
    "printed": words,
    "json_key": _NAME,
    "json_printed": _json,
    "type": one_of(TYPES),
    "values": several_words,
    "unit": words,
    "multivalue": one_of(("true",)),
    "origin": _one_or_several(_ORIGIN),
    "sourcetypes": some_of(SOURCETYPES),
    "layouts": some_of(LAYOUTS),
    "meaning": words,
    "example": _one_or_several(words),
    "seen_in": _NAME,
    "cim": several_words,
    "models": some_of(MODELS),
    "ocsf": _pattern(rf"{_LOWER_WORD}(\.{_LOWER_WORD})*", "an attribute's path"),
    "ecs": _pattern(rf"@timestamp|{_LOWER_WORD}(\.{_LOWER_WORD})*", "a field's path"),
    "note": words,
    "internal": one_of(("true",)),
}
_NEEDED = ("name", "type", "origin", "meaning", "example")
_RECORD: Mapping[str, Check] = {"name": _NAME, "about": words, "source": words, "text": _lines}
_UNKNOWABLE: Mapping[str, Check] = {
    "field": _NAME,
    "models": some_of(MODELS),
    "when": words,
    "reason": words,
}


# --- from nodes


class _Reading:
    """One file being read and the faults found so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[Fault] = []

    def fault(self, node: yaml.Node, what: str) -> None:
        self.faults.append(Fault(self.path, int(node.start_mark.line) + 1, what))

    def parts(self, node: yaml.Node, allowed: Collection[str]) -> dict[str, yaml.Node]:
        """The values of a mapping by their keys, of which it must have no others."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"must be an entry with the keys {', '.join(allowed)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = str(key_node.value)
            if key not in allowed:
                self.fault(key_node, f"unknown key {key!r}; allowed: {', '.join(allowed)}")
            elif key in found:
                self.fault(key_node, f"{key} is given twice in one entry; keep one")
            else:
                found[key] = value
        return found

    def items(self, node: yaml.Node | None) -> list[yaml.Node]:
        """The entries of a list."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if node is not None:
            self.fault(node, "must be a list of entries, each starting with '- '")
        return []

    def values(self, node: yaml.Node, schema: Mapping[str, Check]) -> dict[str, Value]:
        """The checked values of a mapping of scalars and lists of scalars."""
        found: dict[str, Value] = {}
        for key, value_node in self.parts(node, schema).items():
            found[key] = _value(value_node)
            complaint = schema[key](found[key])
            if complaint:
                self.fault(value_node, f"{key} {complaint}")
        return found

    def require(self, node: yaml.Node, found: Collection[str], needed: Iterable[str]) -> bool:
        """Whether all needed keys are there; tells which are not."""
        missing = [key for key in needed if key not in found]
        if missing and isinstance(node, yaml.MappingNode):
            self.fault(node, f"lacks {', '.join(missing)}")
        return not missing


def _value(node: yaml.Node) -> Value:
    """A scalar as written, a list of scalars, or None, which no check takes."""
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
    if isinstance(node, yaml.SequenceNode) and all(
        isinstance(item, yaml.ScalarNode) for item in node.value
    ):
        return tuple(str(item.value) for item in node.value)
    return None


def _composed(path: Path) -> yaml.Node:
    root = compose(path)
    if root is None:
        raise MappingError([Fault(path, 1, "is empty")])
    return root


def _dictionary(reading: _Reading, root: yaml.Node) -> Dictionary:
    sections = ("groups", "records", "unknowable")
    parts = reading.parts(root, sections)
    reading.require(root, parts, sections)
    groups = [_group(reading, node) for node in reading.items(parts.get("groups"))]
    records = [_record(reading, node) for node in reading.items(parts.get("records"))]
    unknowable = [_unknowable(reading, node) for node in reading.items(parts.get("unknowable"))]
    return Dictionary(
        tuple(groups),
        tuple(filter(None, records)),
        tuple(filter(None, unknowable)),
    )


def _group(reading: _Reading, node: yaml.Node) -> Group:
    parts = reading.parts(node, ("title", "text", "defaults", "fields"))
    reading.require(node, parts, ("title", "text", "fields"))
    told: dict[str, str] = {}
    for key in ("title", "text"):
        value = _value(parts[key]) if key in parts else "-"
        complaint = words(value)
        if complaint:
            reading.fault(parts[key], f"{key} {complaint}")
        told[key] = _text(value)
    common = {key: check for key, check in _FIELD.items() if key != "name"}
    defaults = reading.values(parts["defaults"], common) if "defaults" in parts else {}
    fields = [_field(reading, entry, defaults) for entry in reading.items(parts.get("fields"))]
    return Group(told["title"], told["text"], tuple(filter(None, fields)))


def _field(reading: _Reading, node: yaml.Node, defaults: Mapping[str, Value]) -> Field | None:
    own = reading.values(node, _FIELD)
    values = {**defaults, **own}
    if not reading.require(node, values, _NEEDED):
        return None
    line = int(node.start_mark.line) + 1
    for what in _field_faults(values, own):
        reading.faults.append(Fault(reading.path, line, f"{_text(values['name'])}: {what}"))
    record_line, json_line = (
        _line(values, "key", "printed"),
        _line(values, "json_key", "json_printed"),
    )
    lines = [(AUDIT, record_line), (CERTIFICATE, json_line)]
    sourcetypes = tuple(kind for kind, held in lines if held) or _list(values, "sourcetypes")
    example = values["example"]
    return Field(
        line=line,
        name=_text(values["name"]),
        type=_text(values["type"]),
        origins=_list(values, "origin"),
        sourcetypes=sourcetypes,
        meaning=_text(values["meaning"]),
        example=example if isinstance(example, tuple) else _text(example),
        record_line=record_line,
        json_line=json_line,
        values=_list(values, "values"),
        unit=_text(values.get("unit")),
        layouts=_list(values, "layouts") if record_line else (),
        seen_in="" if record_line or json_line else _text(values.get("seen_in")),
        cim=_list(values, "cim"),
        models=_list(values, "models"),
        ocsf=_text(values.get("ocsf")),
        ecs=_text(values.get("ecs")),
        note=_text(values.get("note")),
        internal="internal" in values,
    )


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _list(values: Mapping[str, Value], key: str) -> tuple[str, ...]:
    value = values.get(key)
    return value if isinstance(value, tuple) else (value,) if value else ()


def _line(values: Mapping[str, Value], key: str, printed: str) -> Line | None:
    return Line(_text(values[key]), _text(values.get(printed))) if key in values else None


def _record(reading: _Reading, node: yaml.Node) -> ExampleRecord | None:
    values = reading.values(node, _RECORD)
    if not reading.require(node, values, _RECORD):
        return None
    told = {key: _text(value) for key, value in values.items()}
    return ExampleRecord(int(node.start_mark.line) + 1, **told)


def _unknowable(reading: _Reading, node: yaml.Node) -> Unknowable | None:
    values = reading.values(node, _UNKNOWABLE)
    if not reading.require(node, values, _UNKNOWABLE):
        return None
    told = {key: _text(values[key]) for key in ("field", "when", "reason")}
    line = int(node.start_mark.line) + 1
    return Unknowable(line, models=_list(values, "models"), **told)


# --- what no single value shows


def _field_faults(values: Mapping[str, Value], own: Mapping[str, Value]) -> Iterator[str]:
    """What the values of one field say against each other."""
    printed = "key" in values or "json_key" in values
    if ("record" in _list(values, "origin")) != printed:
        yield "a field whose origin is record, and no other, has a key or a json_key"
    if printed == ("sourcetypes" in values):
        yield "give either a key (which tells the sourcetype) or sourcetypes"
    if "key" in values and "layouts" not in values:
        yield "say in which layouts the key occurs"
    if "layouts" in own and "key" not in values:
        yield "has layouts and no key"
    if "printed" in values and "key" not in values:
        yield "has printed and no key"
    if ("json_key" in values) != ("json_printed" in values):
        yield "give json_key and json_printed together"
    if not printed and "seen_in" not in values:
        yield "say with seen_in which record gives the example"
    yield from _example_faults(values)


def _example_faults(values: Mapping[str, Value]) -> Iterator[str]:
    examples, allowed = _list(values, "example"), _list(values, "values")
    if ("multivalue" in values) != isinstance(values["example"], tuple):
        yield "a field that is multivalue, and no other, has a list as its example"
    if (values["type"] == "word") != bool(allowed):
        yield "a word, and nothing else, lists its values"
    if allowed and not set(examples) <= set(allowed):
        yield f"the example is none of {', '.join(allowed)}"
    form = _NUMBERS.get(_text(values["type"]))
    if form and not all(form.fullmatch(example) for example in examples):
        yield f"the example is not {_text(values['type'])}"


def _contradictions(dictionary: Dictionary) -> Iterator[tuple[int, str]]:
    """What one entry says against another, by line."""
    fields = dictionary.fields
    named = [(field.line, field.name) for field in fields]
    yield from _repeats(named)
    yield from _repeats((record.line, record.name) for record in dictionary.records)
    yield from _line_faults(fields)
    records = {record.name: record for record in dictionary.records}
    in_cim = {field.name for field in fields if field.models}
    for field in fields:
        if field.seen_in and field.seen_in not in records:
            yield field.line, f"{field.name}: there is no record {field.seen_in!r}"
        strange = [name for name in field.cim if name not in in_cim]
        if strange:
            yield field.line, f"{field.name}: no field with models is named {', '.join(strange)}"
    used = {field.seen_in for field in fields}
    for name, record in records.items():
        if name not in used:
            yield record.line, f"no field takes its example from the record {name!r}; remove it"


def _repeats(named: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    first: dict[str, int] = {}
    for line, name in named:
        if name in first:
            yield line, f"{name} is defined on line {first[name]} already"
        first.setdefault(name, line)


def _line_faults(fields: Iterable[Field]) -> Iterator[tuple[int, str]]:
    """The fields of one line follow each other; the first, and only that one, tells the value."""
    previous, seen = "", set()
    for field in fields:
        if field.record_line is None:
            continue
        key, printed = field.record_line.key, field.record_line.printed
        if key != previous and key in seen:
            yield field.line, f"{field.name}: put it below the other fields of the key {key!r}"
        elif (key == previous) == bool(printed):
            yield field.line, f"{field.name}: the first field of a key, and no other, has printed"
        previous = key
        seen.add(key)
