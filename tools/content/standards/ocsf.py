"""Where operations belong in OCSF, checked against its pinned facts, and the rows that ship."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.content import mappings
from tools.content.mappings import CATCH_ALL, OUTCOMES, Operation, OperationList
from tools.content.standards.ocsf_facts import EventClass, OcsfFacts, read_facts, type_uid
from tools.content.strict_yaml import Fault, MappingError, Strict, Text, line_in, read

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


class OcsfSettings(Strict):
    """What is the same for all operations: ocsf.yaml."""

    outcomes: dict[str, OutcomeRule]
    severities: dict[str, Text]
    user_types: dict[str, Text]
    entities: dict[str, Entity]
    unmapped: list[Text]


@dataclass(frozen=True)
class OcsfMapping:
    """Operations in OCSF, and the facts that they keep to."""

    operations: list[Operation]
    settings: OcsfSettings
    facts: OcsfFacts

    def severity(self, operation: Operation, outcome: str) -> str:
        """OCSF's word for what this operation and this outcome mean together."""
        settings = self.settings
        usual = settings.outcomes[outcome].severity_step
        step = operation.ocsf.severity_step.get(outcome, usual)
        levels = list(settings.severities.values())
        position = list(settings.severities).index(operation.risk) + step
        return levels[min(max(position, 0), len(levels) - 1)]

    def severity_id(self, operation: Operation, outcome: str) -> int:
        """The number of `severity`."""
        return self.facts.number("event.severity_id", self.severity(operation, outcome))


def read_mapping(folder: Path, operations: OperationList) -> OcsfMapping:
    """The mapping; `operations` gets what departs from the facts.

    Raises MappingError for what is wrong in ocsf.yaml, OSError for a file that cannot be read.
    """
    path = folder / FILE
    facts = read_facts(folder)
    settings = read(path, OcsfSettings, "mapping into OCSF", "the top of the file")
    if faults := [*_faults(path, settings, facts)]:
        raise MappingError(faults)
    for position, operation in operations.valid.items():
        for what in _operation_faults(operation, settings, facts):
            operations.fault(position, what, "ocsf")
    return OcsfMapping([*operations.valid.values()], settings, facts)


def _faults(path: Path, settings: OcsfSettings, facts: OcsfFacts) -> Iterator[Fault]:
    words = facts.enumerations
    captions_of = [
        ("outcomes", "event.status_id", [rule.status for rule in settings.outcomes.values()]),
        ("severities", "event.severity_id", settings.severities.values()),
        ("user_types", "user.type_id", settings.user_types.values()),
        ("entities", "managed_entity.type_id", [kind.type for kind in settings.entities.values()]),
    ]
    for key, enumeration, captions in captions_of:
        for caption in set(captions) - set(words[enumeration].values()):
            what = f"{key}: OCSF's {enumeration} has no {caption!r}"
            yield Fault(path, line_in(path, key), what)
    if set(settings.outcomes) != set(OUTCOMES):
        what = f"outcomes: must be {', '.join(OUTCOMES)}"
        yield Fault(path, line_in(path, "outcomes"), what)
    if list(settings.severities) != list(mappings.RISKS):
        what = f"severities: must be {', '.join(mappings.RISKS)}, in this order"
        yield Fault(path, line_in(path, "severities"), what)


def _operation_faults(
    operation: Operation, settings: OcsfSettings, facts: OcsfFacts
) -> Iterator[str]:
    ocsf = operation.ocsf
    event_class = facts.classes.get(ocsf.event_class)
    if event_class is None:
        yield f"class {ocsf.event_class!r} is none of {', '.join(facts.classes)}"
        return
    if ocsf.activity not in event_class.activities.values():
        allowed = ", ".join(event_class.activities.values())
        yield f"{event_class.caption} has no activity {ocsf.activity!r}; it has {allowed}"
    if (ocsf.named is not None) != (ocsf.activity == OTHER) and not _by_record(operation):
        yield f"give named exactly with the activity {OTHER}"
    if ("user" in event_class.requires) != (ocsf.people != "actor"):
        yield "people is subject or account exactly in a class that asks for a user"
    if (ocsf.entity is not None) != ("entity" in event_class.requires):
        yield "give an entity exactly in a class that asks for one"
    if ocsf.entity is not None and ocsf.entity not in settings.entities:
        yield f"entity {ocsf.entity!r} is none of {', '.join(settings.entities)}"
    if (ocsf.log_name is not None) != ("log_name" in event_class.one_of):
        yield "give log_name exactly in a class about logs"
    unknown = set(ocsf.severity_step) - set(OUTCOMES)
    if unknown:
        yield f"severity_step knows no {', '.join(sorted(unknown))}"
    if "src_endpoint" in event_class.requires:
        yield f"{event_class.caption} asks for the caller's address, which no record has"


def _by_record(operation: Operation) -> bool:
    """Whether the record's opcode names the activity."""
    return operation.name == CATCH_ALL and operation.ocsf.named is None


# --- what shipped code reads


def rows(mapping: OcsfMapping) -> str:
    """The text of `ROWS`: everything that depends on opcode and outcome only."""
    settings, facts = mapping.settings, mapping.facts
    number = facts.number
    content = {
        "generated": f"from mappings/{OperationList.FILE} and {FILE}: run `make generate`",
        "version": facts.version,
        "profiles": facts.profiles,
        "user_types": {
            name: _pair(number, "user.type_id", caption)
            for name, caption in settings.user_types.items()
        },
        "unmapped": settings.unmapped,
        "entities": {name: _entity(number, kind) for name, kind in settings.entities.items()},
        "operations": {
            operation.name: _row(operation, mapping) for operation in mapping.operations
        },
    }
    return json.dumps(content, indent=1) + "\n"


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


def _row(operation: Operation, mapping: OcsfMapping) -> dict[str, Any]:
    facts, position = mapping.facts, operation.ocsf
    event_class = facts.classes[position.event_class]
    row: dict[str, Any] = {
        "place": activity_of(event_class, position.activity, position.named),
        "people": position.people,
        "entity": position.entity,
        "outcomes": {outcome: _graded(mapping, operation, outcome) for outcome in OUTCOMES},
    }
    if position.log_name:
        row["place"]["log_name"] = position.log_name
    if "user" in event_class.requires:
        fallback = facts.classes[FALLBACK]
        row["nobody"] = activity_of(fallback, OTHER, position.named or position.activity)
    return row


def activity_of(event_class: EventClass, activity: str, named: str | None) -> dict[str, Any]:
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


def _graded(mapping: OcsfMapping, operation: Operation, outcome: str) -> dict[str, Any]:
    status = mapping.settings.outcomes[outcome].status
    return {
        "status_id": mapping.facts.number("event.status_id", status),
        "status": status,
        "severity_id": mapping.severity_id(operation, outcome),
        "severity": mapping.severity(operation, outcome),
    }
