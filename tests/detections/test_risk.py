"""Risk goes to the user who did it and to the cluster, never to a victim or to `unknown`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from emulator.app import App
from emulator.conf.conf_file import read_conf
from emulator.eval.values import values_of
from emulator.scheduler import Fired
from samples.layout import Generation
from tests.detections.conftest import DETECTIONS, ROOT
from tools.content.detections.sample_runner import run_sample
from tools.content.detections.schema import Detection, Firing

CONF = read_conf(ROOT / "default" / "savedsearches.conf").stanzas
BY_STEM = {detection.stem: detection for detection in DETECTIONS}
CLUSTER = "cluster-likphkxygsn"


def risk(detection: Detection) -> list[dict[str, str]]:
    """The risk and threat objects that Enterprise Security reads."""
    action = "notable.param._entities" if detection.finding else "risk.param._risk"
    setting = CONF[detection.title].settings[f"action.{action}"].value
    objects: list[dict[str, str]] = json.loads(setting)
    return objects


def alerts(app: App, detection: Detection) -> Iterator[Fired]:
    """The alerts on all samples that fire, in each of their generations."""
    for sample in detection.fires:
        for generation in sample.generations:
            yield from run_sample(app, detection, sample, Generation(generation)).alerts


def fired(app: App, stem: str, **changes: object) -> Fired:
    sample: Firing = BY_STEM[stem].fires[0].model_copy(update=changes)
    return run_sample(app, BY_STEM[stem], sample, Generation(sample.generations[0])).alerts[0]


def test_no_alert_gives_risk_to_the_unknown_or_to_its_victim(
    app: App, detection: Detection
) -> None:
    fields = [item["risk_object_field"] for item in risk(detection) if "risk_object_field" in item]
    for alert in alerts(app, detection):
        objects = [value for field in fields for value in values_of(alert.row, field)]
        assert not any("unknown" in value or value.startswith("session ") for value in objects)
        acting = set(values_of(alert.row, detection.risk.actor or ""))
        for victim in set(values_of(alert.row, "victim")) - acting:
            assert not any(value.partition("@")[0] == victim for value in objects)


def test_who_changes_a_password_gets_the_risk_and_the_user_is_shown(app: App) -> None:
    officer = {"opcode": "CN_LOGIN", "user": "alice", "user_type": "CN_CRYPTO_OFFICER"}
    change = {"opcode": "CN_CHANGE_PSWD", "target": "batch", "target_type": "CN_CRYPTO_USER"}
    records = [
        {"at": "-20d", "opcode": "CN_LOGIN", "user": "batch"},
        {"at": "-1h", "session": 9, **officer},
        {"at": "0s", "session": 9, **change},
    ]
    row = fired(app, "password_changed", records=records).row
    assert row["risk_actor"] == f"alice@{CLUSTER}"
    assert row["risk_cluster"] == CLUSTER
    assert row["victim"] == "batch"
    assert "Affected user: batch" in values_of(row, "alert_details")


def test_guessed_users_get_no_risk(app: App) -> None:
    for stem in ("password_guessing_against_one_user", "user_locked_by_failed_logins"):
        row = fired(app, stem).row
        assert "risk_actor" not in row
        assert values_of(row, "victim") == values_of(row, "user")


def test_where_the_records_name_no_one_only_the_cluster_gets_risk(app: App) -> None:
    record = {"at": "0s", "opcode": "CN_DESTROY_OBJECT", "repeat": 30, "every": "1s", "rising": 1}
    row = fired(app, "mass_key_deletion", records=[{"handle": 7, **record}]).row
    assert not values_of(row, "risk_actor")
    assert row["risk_cluster"] == CLUSTER


def test_a_call_has_its_role_as_actor_and_its_address_as_threat_object(app: App) -> None:
    detection = BY_STEM["hsm_deleted"]
    row = fired(app, detection.stem).row
    assert str(row["risk_actor"]).startswith("arn:aws:sts::111122223333:assumed-role/")
    assert row["threat_address"] == "198.51.100.7"
    threat = {"threat_object_field": "threat_address", "threat_object_type": "ip_address"}
    assert threat in risk(detection)


def test_a_service_of_aws_is_no_address(app: App) -> None:
    parameters = {"clusterId": CLUSTER, "hsmId": "hsm-lkkzg5zyhxp"}
    call = {"at": "0s", "eventName": "DeleteHsm", "requestParameters": parameters}
    service = {**call, "sourceIPAddress": "cloudhsm.amazonaws.com"}
    row = fired(app, "hsm_deleted", cloudtrail=[service]).row
    assert not values_of(row, "threat_address")


@pytest.mark.parametrize(("entered", "priority"), [("critical", ["critical"]), ("tier 1", [])])
def test_the_cluster_is_dest_and_the_hsm_dvc_with_the_priority_that_you_entered(
    app: App, entered: str, priority: list[str]
) -> None:
    tables = {"cloudhsm_clusters": [{"cluster_id": CLUSTER, "cluster_criticality": entered}]}
    row = fired(app, "hsm_zeroized", tables=tables).row
    assert (row["dest"], row["dvc"]) == (CLUSTER, "hsm-nwbbiqbj4jk")
    assert values_of(row, "dest_priority") == priority


def test_a_detection_makes_a_finding_or_an_intermediate_finding_and_is_kept() -> None:
    for detection in DETECTIONS:
        values = {key: item.value for key, item in CONF[detection.title].settings.items()}
        assert ("action.notable" in values) is detection.finding
        assert ("action.risk" in values) is not detection.finding
        assert (values.get("action.summary_index") == "1") is not detection.correlates


def test_only_actor_cluster_account_and_collecting_host_get_risk() -> None:
    for detection in DETECTIONS:
        assert {item.field for item in detection.risk.objects} <= {
            *("risk_actor", "risk_cluster", "account", "host")
        }
