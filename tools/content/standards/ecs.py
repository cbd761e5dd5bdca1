"""`mappings/ecs.yaml`, held against ECS's pinned facts, and the rows that shipped code reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from tools.content import mappings
from tools.content.mappings import Fault, MappingError
from tools.content.standards import ocsf
from tools.content.standards.ecs_facts import CUSTOM, Facts, category_faults, read_facts
from tools.content.standards.operations import OUTCOMES, order_faults
from tools.content.strict_yaml import Strict, Text, line_in, read

FILE = "ecs.yaml"
ROWS = "bin/cloudhsm/siem/ecs_rows.json"


class Operation(Strict):
    """Where one opcode belongs."""

    opcode: Text
    category: list[Text]
    type: list[Text]
    people: Literal["account", "actor"]
    reason: Text


class Mapping(Strict):
    """The whole file."""

    custom: list[Text]
    operations: list[Operation]


def read_mapping(folder: Path) -> tuple[Mapping, Facts]:
    """The mapping and the facts that it keeps to.

    Raises MappingError for every departure from either, OSError for a file that cannot be read.
    """
    path = folder / FILE
    facts = read_facts(folder)
    mapping = read(path, Mapping, "mapping into ECS", "the head of the file")
    opcodes = mappings.read_table(folder, mappings.OPCODES)
    names = [one.opcode for one in mapping.operations]
    faults = [*order_faults(path, names, opcodes), *_faults(path, mapping, facts)]
    if faults:
        raise MappingError(faults)
    return mapping, facts


def _faults(path: Path, mapping: Mapping, facts: Facts) -> Iterator[Fault]:
    for number, one in enumerate(mapping.operations):
        for what in category_faults(one.category, one.type, facts):
            yield Fault(path, line_in(path, "operations", number), f"{one.opcode}: {what}")
        if one.category != sorted(one.category) or one.type != sorted(one.type):
            what = f"{one.opcode}: sort category and type"
            yield Fault(path, line_in(path, "operations", number), what)


def severities(folder: Path) -> dict[str, dict[str, int]]:
    """event.severity by opcode and outcome: the same numbers as OCSF's severity_id."""
    mapping, facts = ocsf.read_mapping(folder)
    risks = ocsf.risks(folder)
    return {
        one.opcode: {
            outcome: facts.number(
                "event.severity_id", mapping.severity(one, risks[one.opcode], outcome)
            )
            for outcome in OUTCOMES
        }
        for one in mapping.operations
    }


def rows(folder: Path) -> str:
    """The text of `ROWS`: everything that depends on opcode and outcome only."""
    mapping, facts = read_mapping(folder)
    severity = severities(folder)
    told: dict[str, Any] = {
        "generated": f"from mappings/{FILE} by tools/content/standards/ecs.py: run `make generate`",
        "version": facts.version,
        "namespace": CUSTOM,
        "custom": mapping.custom,
        "operations": {
            one.opcode: {
                "category": one.category,
                "type": one.type,
                "people": one.people,
                "severity": severity[one.opcode],
            }
            for one in mapping.operations
        },
    }
    return json.dumps(told, indent=1) + "\n"
