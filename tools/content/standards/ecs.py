"""Where operations belong in ECS, checked against its pinned facts, and the rows that ship."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.content.mappings import OUTCOMES, Operation, OperationList
from tools.content.standards import ocsf
from tools.content.standards.ecs_facts import CUSTOM, EcsFacts, category_faults, read_facts
from tools.content.strict_yaml import Strict, Text, read

FILE = "ecs.yaml"
ROWS = "bin/cloudhsm/siem/ecs_rows.json"


class EcsSettings(Strict):
    """What is the same for all operations: ecs.yaml."""

    custom: list[Text]


@dataclass(frozen=True)
class EcsMapping:
    """Operations in ECS, and the facts that they keep to."""

    operations: list[Operation]
    settings: EcsSettings
    facts: EcsFacts


def read_mapping(folder: Path, operations: OperationList) -> EcsMapping:
    """The mapping; `operations` gets what departs from the facts.

    Raises MappingError for what is wrong in ecs.yaml, OSError for a file that cannot be read.
    """
    facts = read_facts(folder)
    settings = read(folder / FILE, EcsSettings, "mapping into ECS", "the top of the file")
    for position, operation in operations.valid.items():
        for what in _operation_faults(operation, facts):
            operations.fault(position, what, "ecs")
    return EcsMapping([*operations.valid.values()], settings, facts)


def _operation_faults(operation: Operation, facts: EcsFacts) -> Iterator[str]:
    ecs = operation.ecs
    yield from category_faults(ecs.category, ecs.type, facts)
    if ecs.category != sorted(ecs.category) or ecs.type != sorted(ecs.type):
        yield "sort category and type"


def rows(mapping: EcsMapping, severities: ocsf.OcsfMapping) -> str:
    """The text of `ROWS`: everything that depends on opcode and outcome only.

    event.severity is the number of OCSF's severity.
    """
    content: dict[str, Any] = {
        "generated": f"from mappings/{OperationList.FILE} and {FILE}: run `make generate`",
        "version": mapping.facts.version,
        "namespace": CUSTOM,
        "custom": mapping.settings.custom,
        "operations": {
            operation.name: {
                "category": operation.ecs.category,
                "type": operation.ecs.type,
                "people": operation.ecs.people,
                "severity": {
                    outcome: severities.severity_id(operation, outcome) for outcome in OUTCOMES
                },
            }
            for operation in mapping.operations
        },
    }
    return json.dumps(content, indent=1) + "\n"
