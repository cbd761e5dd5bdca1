"""ECS documents, checked by the pinned facts of tools/content/standards/ecs_facts.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.content.standards.ecs_facts import CUSTOM, EcsFacts, category_faults

LARGEST = 2**53  # above it, readers of JSON lose digits
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def faults(document: Mapping[str, Any], facts: EcsFacts) -> list[str]:
    """What keeps the document from being one of ECS, each with the field."""
    problems = []
    for name, value in flat(document):
        if not name.startswith(f"{CUSTOM}."):
            problems += list(_field_faults(name, value, facts))
    event = document.get("event", {})
    problems += category_faults(event.get("category", []), event.get("type", []), facts)
    for name, allowed in (("kind", facts.kinds), ("outcome", facts.outcomes)):
        if event.get(name) not in allowed:
            problems.append(f"event.{name}: {event.get(name)!r} is none of {', '.join(allowed)}")
    if document["ecs"]["version"] != facts.version:
        problems.append(f"ecs.version: must be {facts.version}")
    return problems


def flat(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The document's fields by their dotted names."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _field_faults(name: str, value: object, facts: EcsFacts) -> Iterator[str]:
    wanted = facts.fields.get(name)
    if wanted is None:
        yield f"{name}: is no field of ECS that we know"
        return
    if wanted.startswith("[") != isinstance(value, list):
        yield f"{name}: must {'' if wanted.startswith('[') else 'not '}be a list"
        return
    for item in value if isinstance(value, list) else [value]:
        if not _is_of_type(item, wanted.strip("[]")):
            yield f"{name}: must be of type {wanted.strip('[]')}, is {item!r}"


def _is_of_type(value: object, wanted: str) -> bool:
    if wanted == "long":
        return type(value) is int and -LARGEST <= value <= LARGEST
    if wanted == "date":
        return isinstance(value, str) and _ISO.fullmatch(value) is not None
    return type(value) is str
