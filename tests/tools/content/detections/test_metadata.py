"""The metadata of detections, as Enterprise Security and its content versioning read it."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from emulator.conf.conf_file import read_conf
from tests.detections.conftest import DETECTIONS, ROOT
from tests.tools.content.detections.conftest import Build, Told
from tools.content.detections import metadata
from tools.content.detections.schema import Detection

CONF = read_conf(ROOT / "default" / "savedsearches.conf").stanzas
STORIES = read_conf(ROOT / "default" / "analyticstories.conf").stanzas
# The bands of severity in Splunk's own security content.
BANDS = [(20, "informational"), (40, "low"), (60, "medium"), (80, "high"), (100, "critical")]

each = pytest.mark.parametrize("detection", DETECTIONS, ids=[d.stem for d in DETECTIONS])


def settings(detection: Detection) -> dict[str, str]:
    return {key: item.value for key, item in CONF[detection.title].settings.items()}


@each
def test_content_versioning_reads_id_version_and_date(detection: Detection) -> None:
    values = settings(detection)
    assert values["action.correlationsearch.detection_type"] == "ebd"
    read = json.loads(values["action.correlationsearch.metadata"])
    published = datetime.fromtimestamp(int(read["publish_time"]), timezone.utc)
    assert published.date().isoformat() == detection.date
    assert (read["detection_id"], read["detection_version"], read["deprecated"]) == (
        detection.id,
        str(detection.version),
        "0",
    )


@each
def test_the_severity_follows_the_highest_score(detection: Detection) -> None:
    top = max(item.score for item in detection.risk.objects)
    assert detection.severity == next(name for limit, name in BANDS if top <= limit)


@each
def test_a_finding_names_its_entities(detection: Detection) -> None:
    values = settings(detection)
    entities = values.get("action.notable.param._entities")
    assert (entities is not None) is detection.finding
    if entities:
        listed = json.loads(entities)
        fields = [item["risk_object_field"] for item in listed if "risk_object_field" in item]
        assert fields == [item.field for item in detection.risk.objects]


@each
def test_its_story_lists_it_with_how_to_implement_and_false_positives(detection: Detection) -> None:
    story = STORIES[f"analytic_story://{detection.story}"].settings
    assert detection.title in json.loads(story["searches"].value)
    stanza = STORIES[f"savedsearch://{detection.title}"].settings
    assert stanza["how_to_implement"].value == metadata.how_to_implement(detection)
    assert stanza["known_false_positives"].value == " ".join(detection.false_positives)
    assert json.loads(stanza["providing_technologies"].value)


def test_what_a_detection_needs_follows_from_its_search() -> None:
    stems = {detection.stem: detection for detection in DETECTIONS}
    needs = metadata.how_to_implement(stems["hsm_deleted"])
    assert "cloudhsm_cloudtrail_index" in needs
    assert "Usual operations" in needs
    assert metadata.data_sources(stems["hsm_deleted"]) == ["AWS CloudTrail"]
    assert "CloudTrail" not in metadata.how_to_implement(stems["user_deleted"])


def test_annotations_name_the_older_id_of_a_technique_too() -> None:
    stems = {detection.stem: detection for detection in DETECTIONS}
    values = settings(stems["audit_log_group_changed_or_deleted"])
    annotations = json.loads(values["action.correlationsearch.annotations"])
    assert {"T1685.002", "T1562.008"} <= set(annotations["mitre_attack"])


def test_search_heads_of_a_cluster_share_the_stories() -> None:
    server = read_conf(ROOT / "default" / "server.conf").stanzas["shclustering"].settings
    assert server["conf_replication_include.analyticstories"].value == "true"


def test_a_story_that_is_not_defined_is_refused(build: Build, told: Told) -> None:
    build.change("story: AWS CloudHSM users and quorum", "story: Users")
    assert build.generate() == 2
    assert "story: Users is not in mappings/analytic_stories.yaml" in told()


def test_a_severity_that_does_not_follow_from_the_score_is_refused(
    build: Build, told: Told
) -> None:
    build.change("severity: high", "severity: low")
    assert build.generate() == 2
    assert "severity: a score of 70 is of another severity" in told()
