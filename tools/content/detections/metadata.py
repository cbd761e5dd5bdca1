"""What Enterprise Security and a reader know of a detection beyond its search.

Data sources, references and how to implement it follow from the search, so that they stay true.
Format of analyticstories.conf: that of Splunk's own security content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from tools.content import strict_yaml
from tools.content.detections.schema import Detection
from tools.content.strict_yaml import Fault, MappingError, Strict, Text, line_in

STORIES = "analytic_stories.yaml"
_GUIDE = "https://docs.aws.amazon.com/cloudhsm/latest/userguide"
# A macro of a search, its data source, and where AWS describes that.
_SOURCES = {
    "`cloudhsm_audit`": ("AWS CloudHSM audit log", "cloudhsm-audit-log-reference.html"),
    "`cloudhsm_records`": ("AWS CloudHSM audit log", "cloudhsm-audit-log-reference.html"),
    "`cloudhsm_index`": ("AWS CloudHSM audit log", "cloudhsm-audit-log-reference.html"),
    "`cloudhsm_alert_events`": (
        "Alerts of this add-on's detections",
        "cloudhsm-audit-log-reference.html",
    ),
    "`cloudhsm_cloudtrail`": ("AWS CloudTrail", "get-api-logs-using-cloudtrail.html"),
    "`cloudhsm_collector`": (
        "Collector events of this add-on",
        "get-hsm-audit-logs-using-cloudwatch.html",
    ),
}
# What a macro of a search needs.
_NEEDS = {
    "`cloudhsm_who`": "Turn on AWS CloudHSM - Sessions, users and keys seen.",
    "`cloudhsm_usual`": "Turn on AWS CloudHSM - Usual operations and run it once over 30 days.",
    "`cloudhsm_context`": "Fill in the tables of business hours and known users.",
    "`cloudhsm_trust`": "Confirm your clusters in the table of clusters.",
    "`cloudhsm_cloudtrail`": "Collect AWS CloudTrail and set the macro cloudhsm_cloudtrail_index.",
}


class Story(Strict):
    """An analytic story."""

    description: Text
    narrative: Text


class _Stories(Strict):
    """The file of analytic stories."""

    stories: dict[str, Story]


def read_stories(root: Path, detections: Sequence[Detection]) -> dict[str, Story]:
    """The analytic stories by name. Raises MappingError for one that a detection names and that is
    not defined.
    """
    path = root / "mappings" / STORIES
    manual = "docs/writing-detections.md"
    stories = strict_yaml.read(path, _Stories, "list of analytic stories", manual).stories
    for detection in detections:
        if detection.story not in stories:
            place = root / "detections" / f"{detection.stem}.yml"
            what = f"story: {detection.story} is not in mappings/{STORIES}"
            raise MappingError([Fault(place, line_in(place, "story"), what)])
    return stories


def data_sources(detection: Detection) -> list[str]:
    """The names of the data that its search reads."""
    return sorted({name for macro, (name, _page) in _SOURCES.items() if macro in detection.search})


def references(detection: Detection) -> list[str]:
    """Web pages: AWS's about the data, ATT&CK's about each technique."""
    pages = {
        f"{_GUIDE}/{page}" for macro, (_, page) in _SOURCES.items() if macro in detection.search
    }
    attack = "https://attack.mitre.org/techniques"
    return [*sorted(pages), *(f"{attack}/{t.replace('.', '/')}" for t in detection.attack)]


def how_to_implement(detection: Detection) -> str:
    """What must be there before it can find anything."""
    needs = ["Collect the audit log with this add-on and set the macro cloudhsm_index."]
    needs += [text for macro, text in _NEEDS.items() if macro in detection.search]
    return " ".join([*needs, "See docs/detections.md."])


def metadata(detection: Detection) -> dict[str, str]:
    """What content versioning of Enterprise Security reads; times in epoch seconds, UTC."""
    published = datetime.fromisoformat(detection.date).replace(tzinfo=timezone.utc)
    return {
        "deprecated": "1" if detection.status == "deprecated" else "0",
        "detection_id": detection.id,
        "detection_version": str(detection.version),
        "publish_time": str(int(published.timestamp())),
    }


def analytic_stories(detections: Sequence[Detection], stories: Mapping[str, Story]) -> str:
    """`default/analyticstories.conf`."""
    used = {detection.story for detection in detections}
    parts = [
        "# Generated from detections/*.yml and mappings/analytic_stories.yaml: change those, then",
        "# run `make generate`.",
        *(line for name in sorted(used) for line in _story(name, stories[name], detections)),
        *(line for detection in detections for line in _detection(detection)),
    ]
    return "\n".join(parts) + "\n"


def _story(name: str, story: Story, detections: Sequence[Detection]) -> Iterator[str]:
    members = [detection for detection in detections if detection.story == name]
    pages = sorted({page for detection in members for page in references(detection)})
    yield ""
    yield f"[analytic_story://{name}]"
    yield "category = Cloud Security"
    yield f"last_updated = {max(detection.date for detection in members)}"
    yield "version = 1"
    yield f"references = {json.dumps(pages)}"
    yield 'maintainers = [{"company": "-", "email": "-", "name": "TA-aws-cloudhsm"}]'
    yield "spec_version = 3"
    yield f"searches = {json.dumps([detection.title for detection in members])}"
    yield f"description = {story.description}"
    yield f"narrative = {story.narrative}"


def _detection(detection: Detection) -> Iterator[str]:
    yield ""
    yield f"[savedsearch://{detection.title}]"
    yield "type = detection"
    yield "asset_type = AWS CloudHSM"
    yield "confidence = medium"
    yield f"explanation = {detection.about} {detection.why}"
    yield f"how_to_implement = {how_to_implement(detection)}"
    yield f"annotations = {json.dumps({'mitre_attack': list(detection.attack)})}"
    yield f"known_false_positives = {' '.join(detection.false_positives)}"
    yield f"providing_technologies = {json.dumps(data_sources(detection))}"
