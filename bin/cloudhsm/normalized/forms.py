"""The forms in which a record can be printed: our fields, CIM's, or another schema's event."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cloudhsm.normalized import ecs, ocsf
from cloudhsm.normalized.evaluation import FieldValue

Form = Callable[[Mapping[str, FieldValue], "int | None"], Mapping[str, Any]]

_NAMES = Path(__file__).with_name("field_names.json")
_EPOCH = datetime(1970, 1, 1)
_ENDS = ("_time", "_raw")


def form_called(name: str) -> Form:
    """What turns fields and time (microseconds since 1970, or None) into what is printed."""
    if name in _SCHEMAS:
        return _schema(_SCHEMAS[name])
    names = tuple(one for one in json.loads(_NAMES.read_text("utf-8"))[name] if one not in _ENDS)

    def chosen(fields: Mapping[str, FieldValue], usecs: int | None) -> dict[str, Any]:
        found: dict[str, Any] = {} if usecs is None else {"_time": instant(usecs)}
        for one in names:
            if one in fields:
                found[one] = fields[one]
        found["_raw"] = fields["_raw"]
        return found

    return chosen


def instant(usecs: int) -> str:
    """ISO 8601 in UTC with microseconds; of what no calendar has, the number itself."""
    try:
        moment = _EPOCH + timedelta(microseconds=usecs)
    except OverflowError:
        return str(usecs)
    return moment.isoformat(timespec="microseconds") + "Z"


def _schema(event: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Form:
    def made(fields: Mapping[str, FieldValue], usecs: int | None) -> dict[str, Any]:
        return event(fields if usecs is None else {**fields, "_time": usecs})

    return made


_SCHEMAS = {"ecs": ecs.event, "ocsf": ocsf.event}
NAMES = ("fields", "cim", *sorted(_SCHEMAS, reverse=True))
