"""Reads `mappings/fields.yaml`, the one definition of every field, strictly by schema.

Every fault has file and line, and all faults are reported at once. The keys of the file are
explained at its top.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Union

from pydantic import AfterValidator, BeforeValidator, model_validator
from pydantic import Field as Key

from tools.content.strict_yaml import (
    Fault,
    MappingError,
    Strict,
    Text,
    form,
    line_in,
    read,
    some_of,
    word_of,
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


def _json(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"must be JSON: {error}") from error
    return text


def _lines(text: str) -> str:
    if not text or text != text.strip("\n"):
        raise ValueError("must be a text, not empty, without line ends around it")
    return text


def _list(value: object) -> object:
    return value if isinstance(value, list) else [value]


_WORD = "[a-z]+(_[a-z]+)*"
Name = Annotated[str, form("_?[a-z][a-z0-9_]*", "lower_snake_case")]
Origin = Annotated[
    str,
    form(
        f"record|source|computed|splunk|(lookup|customer):{_WORD}",
        "record, source, computed, splunk, lookup:<name> or customer:<collection>",
    ),
]
Attribute = Annotated[str, form(rf"{_WORD}(\.{_WORD})*", "an attribute's path")]
EcsField = Annotated[str, form(rf"@timestamp|{_WORD}(\.{_WORD})*", "a field's path")]
Models = Annotated[list[str], some_of(MODELS)]


class Line(NamedTuple):
    """A line of a record: what is before its colon and, in the example, after it."""

    key: str
    printed: str


class Field(Strict):
    """One field. Its keys are explained in the file."""

    name: Name
    key: Text = ""
    printed: Text = ""
    json_key: Name = ""
    json_printed: Annotated[str, AfterValidator(_json)] = ""
    type: Annotated[str, word_of(TYPES)]
    values: list[Text] = Key(default=[], min_length=1)
    unit: Text = ""
    multivalue: bool = False
    origins: Annotated[list[Origin], BeforeValidator(_list)] = Key(alias="origin", min_length=1)
    listed_in: Annotated[list[str], some_of(SOURCETYPES)] = Key(default=[], alias="sourcetypes")
    layouts: Annotated[list[str], some_of(LAYOUTS)] = Key(default=[])
    meaning: Text
    examples: Annotated[list[Text], BeforeValidator(_list)] = Key(alias="example", min_length=1)
    seen_in: Name = ""
    cim: list[Text] = Key(default=[], min_length=1)
    models: Models = Key(default=[])
    ocsf: Attribute = ""
    ecs: EcsField = ""
    note: Text = ""
    internal: bool = False

    @property
    def example(self) -> Example:
        """Its value in the record that it is seen in; several where a record gives several."""
        return tuple(self.examples) if self.multivalue else self.examples[0]

    @property
    def record_line(self) -> Line | None:
        """The line of an audit record that has it."""
        return Line(self.key, self.printed) if self.key else None

    @property
    def json_line(self) -> Line | None:
        """The member of a certificate record that has it."""
        return Line(self.json_key, self.json_printed) if self.json_key else None

    @property
    def sourcetypes(self) -> tuple[str, ...]:
        """Where it is: `audit`, `certificate`, `collector`."""
        lines = ((AUDIT, self.key), (CERTIFICATE, self.json_key))
        return tuple(kind for kind, key in lines if key) or tuple(self.listed_in)

    @model_validator(mode="before")
    @classmethod
    def _example_is_as_many_as_a_record_gives(cls, data: Any) -> Any:  # noqa: ANN401  (YAML)
        if isinstance(data, dict) and isinstance(data.get("example"), list) is not bool(
            data.get("multivalue")
        ):
            raise ValueError(
                f"{data.get('name')}: a field that is multivalue, and no other, has a list as its "
                "example"
            )
        return data

    def _contradictions(self) -> Iterator[str]:
        if faults := [*_field_faults(self)]:
            yield f"{self.name}: {'; '.join(faults)}"


# A line of a record decides these, so that no default of a group counts there.
_DECIDED_BY_A_LINE = ("seen_in", "sourcetypes")


class Group(Strict):
    """Fields that belong together, in the file's order, and what they have unless they differ."""

    title: Text
    text: Text
    defaults: dict[str, Any] = Key(default={})
    fields: list[Field]

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, data: Any) -> Any:  # noqa: ANN401  (YAML)
        if not isinstance(data, dict) or not isinstance(data.get("fields"), list):
            return data
        defaults = data.get("defaults")
        if not isinstance(defaults, dict):
            return data
        return {**data, "fields": [_merged(defaults, field) for field in data["fields"]]}


def _merged(defaults: dict[str, Any], field: object) -> object:
    if not isinstance(field, dict):
        return field
    has_line = "key" in field or "json_key" in field
    dropped = (*(_DECIDED_BY_A_LINE if has_line else ()), *(() if "key" in field else ("layouts",)))
    return {**{key: defaults[key] for key in defaults if key not in dropped}, **field}


class ExampleRecord(Strict):
    """A record that gives examples; `source` as Splunk has it, from which follow host and kind."""

    name: Name
    about: Text
    source: Text
    text: Annotated[str, AfterValidator(_lines)]

    @property
    def host(self) -> str:
        """The log stream: the HSM or, of certificate storage records, the cluster."""
        return self.source.rpartition(":")[2]

    @property
    def sourcetype(self) -> str:
        """`audit` or `certificate`."""
        return CERTIFICATE if self.text.startswith("{") else AUDIT


class Unknowable(Strict):
    """When a record cannot give a field that these CIM models ask for, and why."""

    field: Name
    models: Models
    when: Text
    reason: Text


class Dictionary(Strict):
    """All of the file."""

    groups: list[Group]
    records: list[ExampleRecord]
    unknowable: list[Unknowable]

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
                lines.setdefault(field.key, field.record_line)
        return list(lines.values())

    @property
    def record_keys(self) -> list[str]:
        """What is before the colon of these lines."""
        return [line.key for line in self.record_lines]


def read_dictionary(folder: Path) -> Dictionary:
    """The fields of `fields.yaml` in this folder.

    Raises MappingError for every departure from the schema, OSError if the file cannot be read.
    """
    path = folder / FILE
    dictionary = read(path, Dictionary, "dictionary", "the top of the file")
    faults = [Fault(path, line_in(path, *keys), what) for keys, what in _contradictions(dictionary)]
    if faults:
        raise MappingError(faults)
    return dictionary


def _field_faults(field: Field) -> Iterator[str]:
    """What the values of one field contradict in each other."""
    has_line = bool(field.key or field.json_key)
    if ("record" in field.origins) != has_line:
        yield "a field whose origin is record, and no other, has a key or a json_key"
    if has_line == bool(field.listed_in):
        yield "give either a key (which decides the sourcetype) or sourcetypes"
    if field.key and not field.layouts:
        yield "give the layouts in which the key occurs"
    if field.layouts and not field.key:
        yield "has layouts and no key"
    if field.printed and not field.key:
        yield "has printed and no key"
    if bool(field.json_key) != bool(field.json_printed):
        yield "give json_key and json_printed together"
    if not has_line and not field.seen_in:
        yield "give with seen_in the record that has the example"
    if (field.type == "word") != bool(field.values):
        yield "a word, and nothing else, lists its values"
    if field.values and not set(field.examples) <= set(field.values):
        yield f"the example is none of {', '.join(field.values)}"
    number = _NUMBERS.get(field.type)
    if number and not all(number.fullmatch(example) for example in field.examples):
        yield f"the example is not {field.type}"


Place = tuple[Union[str, int], ...]


def _contradictions(dictionary: Dictionary) -> Iterator[tuple[Place, str]]:
    """What entries contradict in each other, by the keys that lead to the later one."""
    fields: list[tuple[Place, Field]] = [
        (("groups", group_at, "fields", at), field)
        for group_at, group in enumerate(dictionary.groups)
        for at, field in enumerate(group.fields)
    ]
    records = {record.name: ("records", at) for at, record in enumerate(dictionary.records)}
    yield from _repeats((location, field.name) for location, field in fields)
    yield from _repeats(
        (("records", at), record.name) for at, record in enumerate(dictionary.records)
    )
    yield from _line_faults(fields)
    in_cim = {field.name for _, field in fields if field.models}
    for location, field in fields:
        if field.seen_in and field.seen_in not in records:
            yield location, f"{field.name}: there is no record {field.seen_in!r}"
        unknown = [name for name in field.cim if name not in in_cim]
        if unknown:
            yield location, f"{field.name}: no field with models is named {', '.join(unknown)}"
    used = {field.seen_in for _, field in fields}
    for name, location in records.items():
        if name not in used:
            yield location, f"no field takes its example from the record {name!r}; remove it"


def _repeats(named: Iterable[tuple[Place, str]]) -> Iterator[tuple[Place, str]]:
    seen: set[str] = set()
    for location, name in named:
        if name in seen:
            yield location, f"{name} is defined twice"
        seen.add(name)


def _line_faults(fields: Iterable[tuple[Place, Field]]) -> Iterator[tuple[Place, str]]:
    """The fields of one line follow each other; the first, and only that one, has the value."""
    previous, seen = "", set()
    for location, field in fields:
        if not field.key:
            continue
        if field.key != previous and field.key in seen:
            yield location, f"{field.name}: put it below the other fields of the key {field.key!r}"
        elif (field.key == previous) == bool(field.printed):
            yield location, f"{field.name}: the first field of a key, and no other, has printed"
        previous = field.key
        seen.add(field.key)
