"""A rule says what its detection says, under the detection's own id."""

from __future__ import annotations

import uuid

import yaml

from tests.tools.content.sigma.shipped import DETECTIONS, SAID, detection
from tools.content.sigma.rules import documents, text


def test_a_rule_has_what_the_detection_says_of_itself() -> None:
    ours = detection("crypto_officer_created")
    (rule,) = yaml.safe_load_all(text(ours))
    assert rule["title"] == ours.name
    assert rule["id"] == ours.id
    assert rule["description"] == ours.about
    assert rule["logsource"] == {"product": "aws", "service": "cloudhsm"}
    assert rule["level"] == ours.severity
    assert rule["falsepositives"] == ours.false_positives
    assert rule["tags"] == [f"attack.{one.lower()}" for one in ours.attack]


def test_what_differs_from_splunks_search_stands_in_the_description() -> None:
    ours = detection("key_export_outside_the_usual_pattern")
    (rule,) = documents(ours)
    assert rule["description"] == f"{ours.about} {ours.sigma.note}"


def test_the_parts_of_a_correlation_come_first_and_alert_nobody() -> None:
    ours = detection("successful_login_after_failed_logins")
    *parts, whole = documents(ours)
    assert [one["name"] for one in parts] == [
        "successful_login_after_failed_logins_failed_login",
        "successful_login_after_failed_logins_login",
        "successful_login_after_failed_logins_failed_logins",
    ]
    assert {one["level"] for one in parts} == {"informational"}
    assert whole["correlation"]["rules"] == [parts[2]["name"], parts[1]["name"]]
    assert whole["id"] == ours.id
    assert whole["level"] == ours.severity


def test_ids_and_names_are_those_of_one_document_only() -> None:
    made = [one for each in SAID for one in documents(each)]
    ids = [one["id"] for one in made]
    names = [one["name"] for one in made if "name" in one]
    assert len({*ids}) == len(ids)
    assert len({*names}) == len(names)
    assert all(str(uuid.UUID(one)) == one for one in ids)


def test_every_detection_is_a_rule_or_says_why_it_is_none() -> None:
    assert len(DETECTIONS) == 59
    assert len(SAID) == 30
    assert all(one.sigma.cannot for one in DETECTIONS if one not in SAID)
