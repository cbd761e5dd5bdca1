"""The pinned facts of the Open Cybersecurity Schema Framework (OCSF).

`mappings/standards/ocsf-<version>.yaml` has the classes, objects and enumerations that our events
use: names, numbers, what is required. `python -m tools.content.standards.ocsf_facts` writes it from
the released schema of `.venv/ocsf`, with the same choice of attributes; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.content.standards.pinning import dumped
from tools.content.strict_yaml import Strict, Text, read

ROOT = Path(__file__).resolve().parents[3]
VERSION = "1.8.0"
FILE = f"ocsf-{VERSION}.yaml"
PROFILES = ("cloud", "host")  # add cloud, api, device and actor to every class

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
