"""`mappings/ocsf.yaml`, held against OCSF's pinned facts, and the rows that shipped code reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tools.content import mappings
from tools.content.mappings import CATCH_ALL, Fault, MappingError
from tools.content.standards.ocsf_facts import EventClass, Facts, read_facts, type_uid
from tools.content.standards.operations import OUTCOMES, order_faults
from tools.content.strict_yaml import Strict, Text, line_in, read

FILE = "ocsf.yaml"
ROWS = "bin/cloudhsm/siem/ocsf_rows.json"
FALLBACK = "base_event"
OTHER = "Other"


class OutcomeRule(Strict):
    """What an outcome makes of an operation."""

    status: Text
    severity_step: int
    reason: Text


class Entity(Strict):
    """A kind of thing that is managed."""

    type: Text
    named: Text
    uid: Text | None
    data: list[Text]


class Operation(Strict):
    """Where one opcode belongs."""

    opcode: Text
    event_class: Text = Field(alias="class")
    activity: Text
    named: Text | None = None
    people: Literal["subject", "account", "actor"]
    entity: Text | None = None
    log_name: Text | None = None
    severity_step: dict[str, int] = Field(default_factory=dict)
    reason: Text


class Mapping(Strict):
    """The whole file."""

    outcomes: dict[str, OutcomeRule]
    severities: dict[str, Text]
    user_types: dict[str, Text]
    entities: dict[str, Entity]
    unmapped: list[Text]
    operations: list[Operation]

    def severity(self, operation: Operation, risk: str, outcome: str) -> str:
        """OCSF's word for what this operation and this outcome mean together."""
        step = operation.severity_step.get(outcome, self.outcomes[outcome].severity_step)
        levels = list(self.severities.values())
        place = list(self.severities).index(risk) + step
        return levels[min(max(place, 0), len(levels) - 1)]


def read_mapping(folder: Path) -> tuple[Mapping, Facts]:
    """The mapping and the facts that it keeps to.

    Raises MappingError for every departure from either, OSError for a file that cannot be read.
    """
    path = folder / FILE
    facts = read_facts(folder)
    mapping = read(path, Mapping, "mapping into OCSF", "the head of the file")
    opcodes = mappings.read_table(folder, mappings.OPCODES)
    names = [one.opcode for one in mapping.operations]
    faults = [*order_faults(path, names, opcodes), *_faults(path, mapping, facts)]
    if faults:
        raise MappingError(faults)
    return mapping, facts


def _faults(path: Path, mapping: Mapping, facts: Facts) -> Iterator[Fault]:
    words = facts.enumerations
    asked = [
        ("outcomes", "event.status_id", [one.status for one in mapping.outcomes.values()]),
        ("severities", "event.severity_id", mapping.severities.values()),
        ("user_types", "user.type_id", mapping.user_types.values()),
        ("entities", "managed_entity.type_id", [one.type for one in mapping.entities.values()]),
    ]
    for key, enumeration, captions in asked:
        for caption in set(captions) - set(words[enumeration].values()):
            what = f"{key}: OCSF's {enumeration} has no {caption!r}"
            yield Fault(path, line_in(path, key), what)
    if set(mapping.outcomes) != set(OUTCOMES):
        what = f"outcomes: must be {', '.join(OUTCOMES)}"
        yield Fault(path, line_in(path, "outcomes"), what)
    if list(mapping.severities) != list(mappings.RISKS):
        what = f"severities: must be {', '.join(mappings.RISKS)}, in this order"
        yield Fault(path, line_in(path, "severities"), what)
    for number, operation in enumerate(mapping.operations):
        for what in _operation_faults(operation, mapping, facts):
            line = line_in(path, "operations", number)
            yield Fault(path, line, f"{operation.opcode}: {what}")


def _operation_faults(operation: Operation, mapping: Mapping, facts: Facts) -> Iterator[str]:
    found = facts.classes.get(operation.event_class)
    if found is None:
        yield f"class {operation.event_class!r} is none of {', '.join(facts.classes)}"
        return
    if operation.activity not in found.activities.values():
        yield f"{found.caption} has no activity {operation.activity!r}"
    if (operation.named is not None) != (operation.activity == OTHER) and not _by_record(operation):
        yield f"give named exactly with the activity {OTHER}"
    if ("user" in found.requires) != (operation.people != "actor"):
        yield "people is subject or account exactly in a class that asks for a user"
    if (operation.entity is not None) != ("entity" in found.requires):
        yield "give an entity exactly in a class that asks for one"
    if operation.entity is not None and operation.entity not in mapping.entities:
        yield f"entity {operation.entity!r} is none of {', '.join(mapping.entities)}"
    if (operation.log_name is not None) != ("log_name" in found.one_of):
        yield "give log_name exactly in a class about logs"
    strange = set(operation.severity_step) - set(OUTCOMES)
    if strange:
        yield f"severity_step knows no {', '.join(sorted(strange))}"
    if "src_endpoint" in found.requires:
        yield f"{found.caption} asks for the caller's address, which no record has"


def _by_record(operation: Operation) -> bool:
    """Whether the record's opcode names the activity."""
    return operation.opcode == CATCH_ALL and operation.named is None


# --- what shipped code reads


def rows(folder: Path) -> str:
    """The text of `ROWS`: everything that depends on opcode and outcome only."""
    mapping, facts = read_mapping(folder)
    graded = risks(folder)
    number = facts.number
    told = {
        "generated": f"from mappings/{FILE} by tools/content/standards/ocsf.py: "
        "run `make generate`",
        "version": facts.version,
        "profiles": facts.profiles,
        "user_types": {
            name: _pair(number, "user.type_id", caption)
            for name, caption in mapping.user_types.items()
        },
        "unmapped": mapping.unmapped,
        "entities": {name: _entity(number, one) for name, one in mapping.entities.items()},
        "operations": {
            one.opcode: _row(one, mapping, facts, graded[one.opcode]) for one in mapping.operations
        },
    }
    return json.dumps(told, indent=1) + "\n"


def risks(folder: Path) -> dict[str, str]:
    """The risk of each operation."""
    table = mappings.read_table(folder, mappings.OPCODES)
    return {row.text("name"): row.text("risk") for row in table}


def _pair(number: Callable[[str, str], int], enumeration: str, caption: str) -> list[object]:
    return [number(enumeration, caption), caption]


def _entity(number: Callable[[str, str], int], entity: Entity) -> dict[str, Any]:
    return {
        "type_id": number("managed_entity.type_id", entity.type),
        "type": entity.named if entity.type == OTHER else entity.type,
        "named": entity.named,
        "uid": entity.uid,
        "data": entity.data,
        "holder": entity.type.lower() if entity.type in ("Device", "Policy") else None,
    }


def _row(operation: Operation, mapping: Mapping, facts: Facts, risk: str) -> dict[str, Any]:
    event_class = facts.classes[operation.event_class]
    row: dict[str, Any] = {
        "place": place(event_class, operation.activity, operation.named),
        "people": operation.people,
        "entity": operation.entity,
        "outcomes": {
            outcome: _graded(mapping, facts, operation, risk, outcome) for outcome in OUTCOMES
        },
    }
    if operation.log_name:
        row["place"]["log_name"] = operation.log_name
    if "user" in event_class.requires:
        fallback = facts.classes[FALLBACK]
        row["nobody"] = place(fallback, OTHER, operation.named or operation.activity)
    return row


def place(event_class: EventClass, activity: str, named: str | None) -> dict[str, Any]:
    """The attributes that class and activity decide."""
    activity_id = {name: number for number, name in event_class.activities.items()}[activity]
    return {
        "class_uid": event_class.uid,
        "class_name": event_class.caption,
        "category_uid": event_class.category_uid,
        "category_name": event_class.category,
        "activity_id": activity_id,
        "activity_name": named or activity,
        "type_uid": type_uid(event_class, activity_id),
        "type_name": f"{event_class.caption}: {activity}",
    }


def _graded(
    mapping: Mapping, facts: Facts, operation: Operation, risk: str, outcome: str
) -> dict[str, Any]:
    status = mapping.outcomes[outcome].status
    severity = mapping.severity(operation, risk, outcome)
    return {
        "status_id": facts.number("event.status_id", status),
        "status": status,
        "severity_id": facts.number("event.severity_id", severity),
        "severity": severity,
    }
