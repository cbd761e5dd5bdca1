"""The shipped detections: what they cover, and what each shows on its samples."""

from __future__ import annotations

import csv
import io
import re

import pytest

from emulator.app import App
from emulator.conf.conf_file import parse_conf, read_conf
from emulator.conf.macros import Macros
from tests.detections.conftest import DETECTIONS, ROOT
from tools.content.detections.expected_alerts import sample_faults
from tools.content.detections.lint import faults
from tools.content.detections.schema import Detection, techniques
from tools.content.generated import build

STEMS = {d.stem for d in DETECTIONS}
MUST_HAVE = {
    "password_guessing_against_one_user",
    "password_guessing_against_many_users",
    "successful_login_after_failed_logins",
    "user_locked_by_failed_logins",
    "crypto_officer_created",
    "user_created",
    "user_deleted",
    "password_changed",
    "key_export_outside_the_usual_pattern",
    "key_deleted",
    "mass_key_deletion",
    "quorum_value_set",
    "quorum_token_deleted",
    "audit_records_missing_at_the_source",
}
# AWS's guidance "Security monitoring for AWS CloudHSM": its alarms, and who has them here.
AWS_ALARMS = {
    "CN_CREATE_CO": "crypto_officer_created",
    "CN_CREATE_USER": "user_created",
    "CN_DELETE_USER": "user_deleted",
    "unknown user": "login_with_an_unknown_user_name",
    "wrong password": "password_guessing_against_one_user",
    "DeleteHsm": "hsm_deleted",
    "CopyBackupToRegion": "backup_copied_or_deleted",
    "ModifyCluster": "cluster_modified",
}


def test_on_its_samples_each_fires_only_where_it_must(app: App, detection: Detection) -> None:
    """Also: every field that message, risk, throttling and drilldown name is there, and the
    drilldown of each alert finds records.
    """
    assert [str(fault) for fault in sample_faults(ROOT, app, detection)] == []


def test_no_search_is_costly_or_begins_without_index_and_words(app: App) -> None:
    assert [str(fault) for fault in faults(ROOT, DETECTIONS, app.knowledge.macros)] == []


def test_what_a_key_custodian_must_hear_of_is_there() -> None:
    assert len(DETECTIONS) >= 40
    assert STEMS >= MUST_HAVE


def test_they_are_a_superset_of_what_aws_recommends() -> None:
    assert set(AWS_ALARMS.values()) <= STEMS
    searches = {detection.stem: detection.search for detection in DETECTIONS}
    for word in ("CN_CREATE_CO", "CN_CREATE_USER", "CN_DELETE_USER", "DeleteHsm", "ModifyCluster"):
        assert word in searches[AWS_ALARMS[word]]


def test_no_detection_of_exports_looks_at_synchronisation() -> None:
    for detection in DETECTIONS:
        assert "MASKED_OBJECT" not in detection.search


def test_an_inference_is_named_where_records_are_put_together() -> None:
    """By time, order or session: the record itself does not show it."""
    for detection in DETECTIONS:
        if re.search(r"cloudhsm_bursts|streamstats|cloudhsm_at_work", detection.search):
            reasoned = detection.inference or detection.stem in {
                # Counting within a time means no more than it counts.
                "password_guessing_against_one_user",
                "login_with_an_unknown_user_name",
                "user_created",
                "certificate_stored_or_removed",
                "collector_failing",
                "user_id_reused",
            }
            assert reasoned, detection.stem


def test_all_are_shipped_disabled_and_scheduled_without_gaps() -> None:
    conf = read_conf(ROOT / "default" / "savedsearches.conf").stanzas
    for detection in DETECTIONS:
        values = {key: setting.value for key, setting in conf[detection.title].settings.items()}
        assert values["disabled"] == "1"
        assert (values["enableSched"], values["realtime_schedule"]) == ("1", "0")
        assert values["action.correlationsearch.enabled"] == "1"
        assert values["alert.track"] == "1"


@pytest.mark.parametrize("file", ["default/savedsearches.conf", "default/macros.conf"])
def test_the_shipped_files_follow_from_the_detections(file: str) -> None:
    assert (ROOT / file).read_text(encoding="utf-8") == build(ROOT)[file]


def test_every_threshold_and_filter_is_a_macro_of_its_own() -> None:
    for detection in DETECTIONS:
        assert expanded(detection.filter_macro) == "search *"
        for name, threshold in detection.thresholds.items():
            assert expanded(detection.threshold_macro(name)) == str(threshold.value)


def expanded(macro: str, changed: str = "", definition: str = "") -> str:
    """The definition of a macro after local/macros.conf changed one."""
    text = (ROOT / "default" / "macros.conf").read_text(encoding="utf-8")
    if changed:
        stanza = rf"(?m)^\[{changed}\]\ndefinition = .*$"
        text, changes = re.subn(stanza, f"[{changed}]\ndefinition = {definition}", text)
        assert changes == 1
    conf = parse_conf(text, "macros.conf")
    return Macros.from_conf(conf).with_placeholders().expand(f"`{macro}`")


RENAMED = [detection for detection in DETECTIONS if detection.formerly]


@pytest.mark.parametrize("renamed", RENAMED, ids=[d.stem for d in RENAMED])
def test_a_detection_that_was_turned_on_before_its_rename_runs_on(renamed: Detection) -> None:
    conf = read_conf(ROOT / "default" / "savedsearches.conf").stanzas
    present = {key: item.value for key, item in conf[renamed.title].settings.items()}
    for title in renamed.former_titles:
        former = {key: item.value for key, item in conf[title].settings.items()}
        differing = {key for key in present if present[key] != former[key]}
        assert differing == {"description", "action.correlationsearch.label"}
        assert former["disabled"] == "1"


@pytest.mark.parametrize("renamed", RENAMED, ids=[d.stem for d in RENAMED])
def test_a_filter_and_thresholds_that_were_changed_before_a_rename_stay(
    renamed: Detection,
) -> None:
    for name in ("filter", *renamed.thresholds):
        present, *former = renamed.macros_of(name)
        assert former
        assert expanded(present, former[-1], "4711") == "4711"
        assert f"`{former[0]}`" not in renamed.search


def test_the_map_of_former_titles_names_every_one_and_health_shows_it() -> None:
    text = (ROOT / "lookups" / "cloudhsm_former_titles.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(row["former_title"], row["title"]) for row in rows} == {
        (former, renamed.title) for renamed in RENAMED for former in renamed.former_titles
    }
    health = (ROOT / "default/data/ui/views/cloudhsm_health.xml").read_text(encoding="utf-8")
    assert "inputlookup cloudhsm_former_titles" in health


def test_a_detection_documents_its_alerts_on_a_quiet_month() -> None:
    for detection in DETECTIONS:
        assert (detection.quiet_month.alerts == 0) is (detection.quiet_month.because is None)


def test_every_technique_that_is_listed_is_named_by_a_detection() -> None:
    listed = techniques(ROOT)
    assert list(listed) == sorted(listed)
    assert set(listed) == {technique for d in DETECTIONS for technique in d.attack}
