"""Validates OCSF events against the released JSON Schema of their class.

    .venv/ocsf/bin/python tools/content/standards/ocsf_validate.py VERSION PROFILE... < events.jsonl

Runs in the environment `ocsf` only. Writes a line for each fault: the number of the event's line,
the attribute's path and what is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ocsf_json_schema import (  # type: ignore[import-not-found]
    OcsfJsonSchemaEmbedded,
    get_ocsf_schema,
)


def main(version: str, profiles: list[str], lines: Iterable[str]) -> int:
    """Returns the exit status: 1 if an event is not valid."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))

    @cache
    def validator(class_uid: int) -> Draft202012Validator:
        name = schema.lookup_class_name_from_uid(class_uid)
        return Draft202012Validator(schema.get_class_schema(name, profiles))

    problems = [
        f"{number}: {fault}"
        for number, line in enumerate(lines, 1)
        for fault in _faults(validator(json.loads(line)["class_uid"]), json.loads(line))
    ]
    sys.stdout.writelines(f"{fault}\n" for fault in problems)
    return 1 if problems else 0


def _faults(validator: Draft202012Validator, event: dict[str, Any]) -> Iterator[str]:
    for error in validator.iter_errors(event):
        yield f"{error.json_path}: {error.message[:200]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:], sys.stdin))
