"""The pinned facts of the Elastic Common Schema (ECS).

`mappings/standards/ecs-<version>.yaml` has the categories with the types that go with them, the
other enumerations and the fields that we fill. The published package is npm's `@elastic/ecs`;
unpacked, it gives the facts again, for the same fields:

    node -p "JSON.stringify(require('./build/commonjs/ecs_flat.js').EcsFlat)" > ecs_flat.json
    python -m tools.content.standards.ecs_facts ecs_flat.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from samples.command_parser import CommandParser
from tools.content.standards.pinning import dumped
from tools.content.strict_yaml import Strict, Text, read

ROOT = Path(__file__).resolve().parents[3]
VERSION = "9.4.0"
FILE = f"ecs-{VERSION}.yaml"
CUSTOM = "cloudhsm"  # the name below which ECS leaves room for what it does not know


class EcsFacts(Strict):
    """The complete file.

    categories: the types that go with each. fields: the type of each, in square brackets where the
    field is always a list.
    """

    version: Text
    source: Text
    kinds: list[str]
    categories: dict[str, list[str]]
    types: list[str]
    outcomes: list[str]
    fields: dict[str, str]


def read_facts(folder: Path) -> EcsFacts:
    """The pinned facts of this folder of mappings; raises MappingError and OSError."""
    path = folder / "standards" / FILE
    return read(path, EcsFacts, "pinned standard", "tools/content/standards/ecs_facts.py")


def category_faults(
    categories: Sequence[str], types: Sequence[str], facts: EcsFacts
) -> Iterator[str]:
    """Why these do not go together, if they do not."""
    for name in categories:
        if name not in facts.categories:
            yield f"ECS has no category {name!r}"
        elif not set(facts.categories[name]) & set(types):
            yield f"category {name} goes with {', '.join(facts.categories[name])}"
    allowed = {kind for name in categories for kind in facts.categories.get(name, [])}
    for name in types:
        if name not in facts.types:
            yield f"ECS has no type {name!r}"
        elif name not in allowed:
            yield f"type {name} does not go with {', '.join(categories) or 'no category'}"


# --- facts from the published package


def facts_from(published: Mapping[str, Any], chosen: EcsFacts) -> dict[str, Any]:
    """The facts of the package's flat form about the fields of `chosen`."""

    def names(field: str) -> list[str]:
        return sorted(value["name"] for value in published[field]["allowed_values"])

    return {
        "version": chosen.version,
        "source": chosen.source,
        "kinds": names("event.kind"),
        "categories": {
            category["name"]: sorted(category["expected_event_types"])
            for category in published["event.category"]["allowed_values"]
        },
        "types": names("event.type"),
        "outcomes": names("event.outcome"),
        "fields": {name: _type(published[name]) for name in chosen.fields},
    }


def _type(field: Mapping[str, Any]) -> str:
    kind = str(field["type"])
    return f"[{kind}]" if "array" in field.get("normalize", []) else kind


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file again."""
    parser = CommandParser(prog="python -m tools.content.standards.ecs_facts")
    parser.add_argument("flat", type=Path, help="the package's flat form as JSON")
    published = json.loads(parser.parse_args(arguments).flat.read_text(encoding="utf-8"))
    folder = ROOT / "mappings"
    text = dumped(facts_from(published, read_facts(folder)))
    (folder / "standards" / FILE).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
