"""OCSF events, checked by the pinned facts of tools/content/standards/ocsf_facts.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.content.standards.ocsf_facts import EventClass, OcsfFacts, Shape, type_uid

LARGEST = 2**53  # above it, readers of JSON lose digits; OCSF names no limit


def faults(event: Mapping[str, Any], facts: OcsfFacts) -> list[str]:
    """What keeps the event from being one of its class, each with the attribute's path."""
    named = {item.uid: item for item in facts.classes.values()}
    shape = named.get(event.get("class_uid", -1))
    if shape is None:
        return [f"class_uid: no class of ours has {event.get('class_uid')!r}"]
    return [*_of_shape("event", "", event, shape, facts), *_of_class(event, shape, facts)]


def _of_class(event: Mapping[str, Any], shape: EventClass, facts: OcsfFacts) -> Iterator[str]:
    activity = event.get("activity_id", -1)
    if activity not in shape.activities:
        yield f"activity_id: {shape.caption} has no {activity!r}"
        return
    wanted: dict[str, object] = {
        "category_uid": shape.category_uid,
        "category_name": shape.category,
        "class_name": shape.caption,
        "type_uid": type_uid(shape, activity),
        "type_name": f"{shape.caption}: {shape.activities[activity]}",
    }
    if shape.activities[activity] != "Other":
        wanted["activity_name"] = shape.activities[activity]
    for name, value in wanted.items():
        if event.get(name) != value:
            yield f"{name}: must be {value!r}, is {event.get(name)!r}"
    if event["metadata"].get("version") != facts.version:
        yield f"metadata.version: must be {facts.version}"


def _of_shape(
    kind: str, path: str, value: Mapping[str, Any], shape: Shape, facts: OcsfFacts
) -> Iterator[str]:
    for name in shape.requires:
        if name not in value:
            yield f"{path}{name}: is required"
    if shape.one_of and not set(shape.one_of) & set(value):
        yield f"{path}: needs one of {', '.join(shape.one_of)}"
    for name, item in value.items():
        if name not in shape.attributes:
            yield f"{path}{name}: is no attribute that we know"
            continue
        yield from _of_type(f"{path}{name}", item, shape.attributes[name], facts)
        allowed = facts.enumerations.get(f"{kind}.{name}")
        if allowed is not None:
            yield from _of_enumeration(f"{path}{name}", name, value, allowed)


def _of_enumeration(
    path: str, name: str, value: Mapping[str, Any], allowed: Mapping[int, str]
) -> Iterator[str]:
    """A number of the list, and in words what that number means; Other has the source's words."""
    number, sibling = value[name], name.removesuffix("_id")
    if number not in allowed:
        yield f"{path}: no {number!r} in the enumeration"
    elif allowed[number] != "Other" and value.get(sibling, allowed[number]) != allowed[number]:
        yield f"{path}: {number} is {allowed[number]}, not {value[sibling]!r}"


def _of_type(path: str, value: object, wanted: str, facts: OcsfFacts) -> Iterator[str]:
    if wanted.startswith("["):
        if not isinstance(value, list) or not value:
            yield f"{path}: must be a list and not empty"
            return
        for number, item in enumerate(value):
            yield from _of_type(f"{path}.{number}", item, wanted[1:-1], facts)
    elif wanted.startswith("<"):
        if not isinstance(value, Mapping):
            yield f"{path}: must be an object"
        elif wanted != "<object>":  # which may hold anything
            name = wanted[1:-1]
            yield from _of_shape(name, f"{path}.", value, facts.objects[name], facts)
    elif not _is_primitive(value, wanted):
        yield f"{path}: must be of type {wanted}, is {value!r}"


def _is_primitive(value: object, wanted: str) -> bool:
    if wanted == "json":
        return True
    if wanted in ("integer", "long"):
        return type(value) is int and -LARGEST <= value <= LARGEST
    return type(value) is {"string": str, "boolean": bool}[wanted]
