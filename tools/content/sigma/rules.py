"""A detection becomes the text of its Sigma rules."""

from __future__ import annotations

import uuid
from typing import Any

import yaml

from tools.content.detections.schema import Detection
from tools.content.detections.sigma_schema import Correlation, Rule

AUTHOR = "TA-aws-cloudhsm"
DATE = "2026-11-23"
FOLDER = "dist/sigma"
Json = dict[str, Any]


def text(detection: Detection) -> str:
    """The documents of one file, in the order in which they build upon each other."""
    return yaml.dump_all(
        documents(detection), sort_keys=False, allow_unicode=True, width=100, explicit_start=False
    )


def documents(detection: Detection) -> list[Json]:
    """The last document is the detection itself and has its id; the others are parts of it."""
    sigma = detection.sigma
    correlations = sigma.correlations
    made = [_rule(detection, rule) for rule in sigma.rules]
    made += [_correlation(detection, rule) for rule in correlations]
    made[-1] = {**made[-1], "title": detection.name, "id": detection.id, **_judged(detection)}
    return made


def _rule(detection: Detection, rule: Rule) -> Json:
    made = _head(detection, rule.name)
    made["logsource"] = {"product": "aws", "service": detection.sigma.service}
    return {**made, "detection": rule.detection, "level": "informational"}


def _correlation(detection: Detection, correlation: Correlation) -> Json:
    made = _head(detection, correlation.name)
    document = correlation.model_dump(by_alias=True, exclude={"name"}, exclude_none=True)
    document["rules"] = [_full(detection, name) for name in document["rules"]]
    return {**made, "correlation": document, "level": "informational"}


def _head(detection: Detection, name: str | None) -> Json:
    """Names are those of the complete collection: those of a detection begin with its own."""
    made: Json = {"title": detection.name}
    if name is not None:
        made["title"] = f"{detection.name}: {name.replace('_', ' ')}"
        made["name"] = _full(detection, name)
    made["id"] = str(uuid.uuid5(uuid.UUID(detection.id), name or ""))
    note = detection.sigma.note
    made["status"] = "test"
    made["description"] = f"{detection.about} {note}" if note else detection.about
    return {**made, "author": AUTHOR, "date": DATE}


def _full(detection: Detection, name: str) -> str:
    return f"{detection.stem}_{name}"


def _judged(detection: Detection) -> Json:
    return {
        "falsepositives": list(detection.false_positives),
        "level": detection.severity,
        "tags": [f"attack.{technique.lower()}" for technique in detection.attack],
    }
