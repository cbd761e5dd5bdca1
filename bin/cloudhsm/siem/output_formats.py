"""The forms in which a record can be printed: our fields, CIM's, or another schema's event."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cloudhsm.siem import ecs, ocsf
from cloudhsm.siem.evaluation import FieldValue
from cloudhsm.siem.json_values import instant

Form = Callable[[Mapping[str, FieldValue], "int | None"], Mapping[str, Any]]

_NAMES = Path(__file__).with_name("field_names.json")
_ENDS = ("_time", "_raw")


def form_called(name: str) -> Form:
    """What turns fields and time (microseconds since 1970, or None) into what is printed."""
    if name in _SCHEMAS:
        return _schema(_SCHEMAS[name])
    names = tuple(one for one in json.loads(_NAMES.read_text("utf-8"))[name] if one not in _ENDS)

    def chosen(fields: Mapping[str, FieldValue], usecs: int | None) -> dict[str, Any]:
        time = None if usecs is None else instant(usecs)
        found: dict[str, Any] = {} if time is None else {"_time": time}
        for one in names:
            if one in fields:
                found[one] = fields[one]
        found["_raw"] = fields["_raw"]
        return found

    return chosen


def _schema(event: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Form:
    def made(fields: Mapping[str, FieldValue], usecs: int | None) -> dict[str, Any]:
        return event(fields if usecs is None else {**fields, "_time": usecs})

    return made


_SCHEMAS = {"ecs": ecs.event, "ocsf": ocsf.event}
NAMES = ("fields", "cim", *sorted(_SCHEMAS, reverse=True))
