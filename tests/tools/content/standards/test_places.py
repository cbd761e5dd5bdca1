"""Every field of the dictionary has one place in OCSF and one in ECS, and is really there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cloudhsm.siem import ecs as ecs_events
from cloudhsm.siem import ocsf as ocsf_events
from tests.tools.content.standards.records import golden_records
from tools.content.fields import Field
from tools.content.sources import read_mappings

ROOT = Path(__file__).resolve().parents[4]
MAPPINGS = read_mappings(ROOT / "mappings")
GROUPS = MAPPINGS.dictionary.groups
# What says again what another field says, or what only Splunk or the customer has.
REPEATING = {"cim_model", "sequence"}
SPLUNK = {"host", "sourcetype", "source", "eventtype", "tag"}
# Told by a number or a word of the schema's own.
TRANSLATED = {
    "ocsf": {
        "record_key",
        "sequence_no",
        "user_type",
        "target_user_type",
        "mfa_enabled",
        "risk",
        "outcome",
    },
    "ecs": {"record_key", "sequence_no", "risk", "sourcetype"},
}


def is_told_elsewhere(field: Field, group: str) -> bool:
    return (
        field.internal
        or group == "Common Information Model"
        or field.name in REPEATING | SPLUNK
        or field.name.endswith("_label")
        or any(origin.startswith("customer:") for origin in field.origins)
    )


def at(event: Mapping[str, Any], path: str) -> object:
    """What stands at a dotted path, None if nothing does."""
    held: object = event
    for name in path.split("."):
        held = held.get(name) if isinstance(held, Mapping) else None
    return held


@pytest.mark.parametrize(
    ("schema", "rest"),
    [
        ("ocsf", {*MAPPINGS.ocsf.settings.unmapped}),
        ("ecs", {*MAPPINGS.ecs.settings.custom}),
    ],
)
def test_no_field_is_forgotten(schema: str, rest: set[str]) -> None:
    fields = [(one, group.title) for group in GROUPS for one in group.fields]
    forgotten = [
        one.name
        for one, group in fields
        if not getattr(one, schema) and one.name not in rest and not is_told_elsewhere(one, group)
    ]
    assert forgotten == []
    assert rest <= {one.name for one, _ in fields}


@pytest.mark.parametrize(
    ("schema", "event"), [("ocsf", ocsf_events.event), ("ecs", ecs_events.event)]
)
def test_each_field_is_where_the_dictionary_says(
    schema: str, event: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    records = golden_records()
    events = [event(fields) for fields in records]
    for field in (one for group in GROUPS for one in group.fields):
        path = getattr(field, schema)
        if not path:
            continue
        found = [
            (fields[field.name], at(made, path))
            for fields, made in zip(records, events)
            if field.name in fields and at(made, path) is not None
        ]
        assert found, f"{field.name}: no record has it at {path}"
        if field.name not in TRANSLATED[schema] and field.name != "_time":
            assert any(_same(one, two) for one, two in found), f"{field.name}: not at {path}"


@pytest.mark.parametrize(
    ("event", "namespace"),
    [(ocsf_events.event, "unmapped"), (ecs_events.event, "cloudhsm")],
)
def test_nothing_of_a_record_is_lost(
    event: Callable[[Mapping[str, Any]], dict[str, Any]], namespace: str
) -> None:
    """Each value of each line of each record stands somewhere, whole."""
    lines = [one.name for group in GROUPS for one in group.fields if one.record_line]
    numbers = {"sequence_no", "mfa_enabled"}
    for fields in golden_records():
        made = event(fields)
        kept = set(_texts(made))
        for name in lines:
            value = fields.get(name)
            if value is None or name in numbers:
                continue
            for text in value if isinstance(value, list) else [value]:
                assert text in kept, f"{name}={text!r} of {fields['_raw'][:200]!r}"


def _same(one: object, two: object) -> bool:
    return one == two or [one] == two or (isinstance(one, list) and one[0] == two)


def _texts(value: object, name: str = "") -> list[str]:
    """The texts of an event but the record's own."""
    if isinstance(value, Mapping):
        return [text for key, item in value.items() for text in _texts(item, key)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item, name)]
    return [value] if isinstance(value, str) and name not in ("raw_data", "original") else []
