"""The pinned facts of the Open Cybersecurity Schema Framework (OCSF), and events checked by them.

`mappings/standards/ocsf-<version>.yaml` has the classes, objects and enumerations that our events
use: names, numbers, what is required. `python -m tools.content.standards.ocsf_facts` writes it from
the released schema of `.venv/ocsf`, with the same choice of attributes; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.content.standards.pinning import dumped
from tools.content.strict_yaml import Strict, Text, read

ROOT = Path(__file__).resolve().parents[3]
VERSION = "1.8.0"
FILE = f"ocsf-{VERSION}.yaml"
PROFILES = ("cloud", "host")  # add cloud, api, device and actor to every class
LARGEST = 2**53  # above it, readers of JSON lose digits; OCSF names no limit

# The name of a type in the schema -> how JSON writes it.
_PRIMITIVES = {
    "string_t": "string",
    "username_t": "string",
    "resource_uid_t": "string",
    "integer_t": "integer",
    "long_t": "long",
    "timestamp_t": "long",
    "boolean_t": "boolean",
    "json_t": "json",
}


class Shape(Strict):
    """A class or an object: what it must have, and the types of the attributes that we use.

    An attribute's type is a primitive (`string`, `integer`, `long`, `boolean`, `json`), an object's
    name in angle brackets (`<user>`), or one of these in square brackets where it is a list.
    """

    requires: list[str]
    one_of: list[str]
    attributes: dict[str, str]


class EventClass(Shape):
    """A class of events: its numbers and the activities that it knows."""

    uid: int
    caption: Text
    category_uid: int
    category: Text
    activities: dict[int, str]


class OcsfFacts(Strict):
    """The complete file. An enumeration is named by its object, or `event`, and its attribute."""

    version: Text
    source: Text
    profiles: list[str]
    classes: dict[str, EventClass]
    objects: dict[str, Shape]
    enumerations: dict[str, dict[int, str]]

    def number(self, enumeration: str, caption: str) -> int:
        """The number of a caption; raises KeyError where there is none."""
        numbers = {name: number for number, name in self.enumerations[enumeration].items()}
        return numbers[caption]


def read_facts(folder: Path) -> OcsfFacts:
    """The pinned facts of this folder of mappings; raises MappingError and OSError."""
    path = folder / "standards" / FILE
    return read(path, OcsfFacts, "pinned standard", "tools/content/standards/ocsf_facts.py")


def type_uid(event_class: EventClass, activity: int) -> int:
    """OCSF's number of a class and an activity together."""
    return event_class.uid * 100 + activity


# --- events against the facts


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


# --- facts from the released schema


def published(root: Path = ROOT) -> dict[str, Any]:
    """The released schema as `.venv/ocsf` has it; FileNotFoundError states how to get it."""
    pattern = f"lib/*/site-packages/ocsf_json_schema/ocsf/{VERSION}.json"
    for path in (root / ".venv" / "ocsf").glob(pattern):
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return schema
    raise FileNotFoundError(
        f"{root / '.venv' / 'ocsf'} has no OCSF {VERSION}: "
        "run `python3 -m tools.build.environments ocsf`"
    )


def facts_from(schema: Mapping[str, Any], chosen: OcsfFacts) -> dict[str, Any]:
    """The schema's facts about the classes, attributes and enumerations of `chosen`."""
    return {
        "version": schema["version"],
        "source": chosen.source,
        "profiles": [name for name in chosen.profiles if name in schema["profiles"]],
        "classes": {
            name: _class_facts(schema["classes"][name], shape.attributes)
            for name, shape in chosen.classes.items()
        },
        "objects": {
            name: _shape_facts(schema["objects"][name], shape.attributes)
            for name, shape in chosen.objects.items()
        },
        "enumerations": {name: _enumeration(schema, name) for name in chosen.enumerations},
    }


def _class_facts(document: Mapping[str, Any], attributes: Iterable[str]) -> dict[str, Any]:
    category = document["attributes"]["category_uid"]["enum"]
    (category_uid,) = category
    return {
        "uid": document["uid"],
        "caption": document["caption"],
        "category_uid": int(category_uid),
        "category": category[category_uid]["caption"],
        "activities": _captions(document["attributes"]["activity_id"]),
        **_shape_facts(document, attributes),
    }


def _shape_facts(document: Mapping[str, Any], attributes: Iterable[str]) -> dict[str, Any]:
    ours = {
        name: attribute
        for name, attribute in document["attributes"].items()
        if not attribute.get("profiles") or set(attribute["profiles"]) & set(PROFILES)
    }
    return {
        "requires": sorted(name for name in ours if ours[name]["requirement"] == "required"),
        "one_of": sorted((document.get("constraints") or {}).get("at_least_one", [])),
        "attributes": {name: _type(ours[name]) for name in attributes if name in ours},
    }


def _type(attribute: Mapping[str, Any]) -> str:
    kind = str(attribute["type"])
    plain = f"<{attribute['object_type']}>" if kind == "object_t" else _PRIMITIVES[kind]
    return f"[{plain}]" if attribute.get("is_array") else plain


def _enumeration(schema: Mapping[str, Any], name: str) -> dict[int, str]:
    holder, attribute = name.split(".")
    if holder == "event":
        holder_facts = schema["classes"]["base_event"]
    else:
        holder_facts = schema["objects"].get(holder) or schema["classes"][holder]
    return _captions(holder_facts["attributes"][attribute])


def _captions(attribute: Mapping[str, Any]) -> dict[int, str]:
    numbers = sorted(attribute["enum"], key=int)
    return {int(number): attribute["enum"][number]["caption"] for number in numbers}


def main() -> int:
    """Writes the file again; returns 1 where the released schema is not there."""
    folder = ROOT / "mappings"
    try:
        facts = facts_from(published(), read_facts(folder))
    except FileNotFoundError as problem:
        print(problem, file=sys.stderr)
        return 1
    (folder / "standards" / FILE).write_text(dumped(facts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
