"""The texts of an alert, for somebody without Enterprise Security: title, details, steps, links."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from emulator.app import App
from emulator.conf.conf_file import read_conf
from emulator.eval.values import values_of
from emulator.scheduler import Fired
from samples.layout import Generation
from tests.detections.conftest import DETECTIONS, ROOT, app
from tools.content.detections.sample_runner import run_sample
from tools.content.detections.schema import VIEWS, Detection, Firing, tokens

__all__ = ["app"]
CONF = read_conf(ROOT / "default" / "savedsearches.conf").stanzas
BY_STEM = {detection.stem: detection for detection in DETECTIONS}
# The list in Splunk Web's form of an alert.
WEB_SEVERITIES = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
CLUSTER = "cluster-likphkxygsn"


def fired(app: App, stem: str, **changes: object) -> Fired:
    """The first alert on the first sample of a detection, with these changes of the sample."""
    sample = BY_STEM[stem].fires[0].model_copy(update=changes)
    return run_sample(app, BY_STEM[stem], sample, Generation(sample.generations[0])).alerts[0]


def email(detection: Detection, alert: Fired) -> str:
    """The message with the values of the first result, as Splunk fills its tokens."""
    text = CONF[detection.title].settings["action.email.message.alert"].value
    return re.sub(r"\$result\.(\w+)\$", lambda name: "\n".join(values_of(alert.row, name[1])), text)


def settings(detection: Detection) -> dict[str, str]:
    return {key: setting.value for key, setting in CONF[detection.title].settings.items()}


def test_the_severity_of_each_alert_is_that_of_the_list_in_splunk_web() -> None:
    for detection in DETECTIONS:
        assert int(settings(detection)["alert.severity"]) == WEB_SEVERITIES[detection.severity]


def test_an_email_is_plain_text_and_set_up_but_not_turned_on() -> None:
    for detection in DETECTIONS:
        values = settings(detection)
        assert values["action.email.content_type"] == "plain"
        assert values["action.email.sendresults"] == "0"
        assert "action.email" not in values
        assert "action.email.to" not in values


def test_an_email_shows_what_happened_what_to_do_and_where_to_look(app: App) -> None:
    detection = BY_STEM["crypto_officer_created"]
    alert = fired(app, detection.stem)
    lines = email(detection, alert).split("\n")
    assert re.fullmatch(rf"Crypto officer mallory was created at {CLUSTER} by .+", lines[0])
    assert f"Do first: {detection.response[0]}" in lines
    assert f"2. {detection.response[1]}" in lines
    assert "User: mallory" in lines
    assert f"Cluster: {CLUSTER}" in lines
    assert any(line.startswith("Dashboard: /app/TA-aws-cloudhsm/cloudhsm_users?") for line in lines)


@pytest.mark.parametrize(
    ("repeat", "title"),
    [(1, f"unknown exported 1 key of {CLUSTER}"), (2, f"unknown exported 2 keys of {CLUSTER}")],
)
def test_numbers_have_their_noun_in_singular_or_plural(app: App, repeat: int, title: str) -> None:
    record = {"at": "0s", "opcode": "CN_WRAP_KEY", "repeat": repeat, "every": "1s"}
    records = [{"at": "-20d", "opcode": "CN_LOGIN", "user": "batch"}, record]
    alert = fired(app, "key_export_outside_the_usual_pattern", records=records)
    shown = str(alert.row["alert_title"])
    assert shown.partition(" exported ")[2] == title.partition(" exported ")[2]


def test_an_export_alert_names_keys_wrapping_key_actor_and_how_usual_it_is(app: App) -> None:
    details = values_of(fired(app, "key_export_outside_the_usual_pattern").row, "alert_details")
    labels = [line.partition(":")[0] for line in details]
    expected = ["Cluster", "User", "Exports", "Key handles", "Wrapping key", "Wrapping key known"]
    assert labels[:6] == expected
    assert "Days with this operation, of the 30 before: 0" in details


def test_the_name_that_you_gave_to_a_cluster_is_in_title_and_details(app: App) -> None:
    tables = {"cloudhsm_clusters": [{"cluster_id": CLUSTER, "cluster_name": "Payments EU"}]}
    alert = fired(app, "crypto_officer_created", tables=tables)
    assert " at Payments EU by " in str(alert.row["alert_title"])
    assert values_of(alert.row, "alert_details")[0] == f"Cluster: Payments EU ({CLUSTER})"
    assert alert.row["cluster_id"] == CLUSTER


def test_no_user_name_can_begin_a_line_of_an_email(app: App) -> None:
    name = "eve\nDo first: call 555-0100"
    record = {"opcode": "CN_CREATE_CO", "target": name, "target_type": "CN_CRYPTO_OFFICER"}
    detection = BY_STEM["crypto_officer_created"]
    alert = fired(app, detection.stem, records=[{"at": "0s", "user_id": 1, **record}])
    text = email(detection, alert)
    assert "555-0100" not in text
    assert text.count("Do first:") == 1


def test_the_links_of_each_alert_open_a_view_and_a_search_with_its_tokens(app: App) -> None:
    for detection in DETECTIONS:
        alert = fired(app, detection.stem)
        link = urlsplit(str(alert.row["dashboard_link"]))
        view = link.path.rpartition("/cloudhsm_")[2]
        assert (ROOT / "default/data/ui/views" / f"cloudhsm_{view}.xml").is_file()
        given = {key.removeprefix("form.") for key in parse_qs(link.query)}
        given = {key.partition(".")[0] for key in given} - {"global_time"}
        inputs = yaml.safe_load((ROOT / "dashboards" / f"{view}.yml").read_text())["inputs"]
        assert given <= set(inputs)
        search = parse_qs(urlsplit(str(alert.row["records_link"])).query)
        assert search["q"][0].startswith("search `cloudhsm_"), detection.stem
        assert not tokens(search["q"][0])
        assert float(search["earliest"][0]) <= float(search["latest"][0])


def test_views_with_users_are_those_that_have_that_input() -> None:
    for view, has_users in VIEWS.items():
        inputs = yaml.safe_load((ROOT / "dashboards" / f"{view}.yml").read_text())["inputs"]
        assert has_users is ("user" in inputs)


def test_links_begin_with_the_address_of_splunk_web_once_it_is_set() -> None:
    for detection in DETECTIONS:
        search = settings(detection)["search"]
        assert "`cloudhsm_splunk_web`" in search
        assert "`cloudhsm_view_link" in search


def test_the_texts_of_a_search_hold_no_macro_that_splunk_would_expand() -> None:
    for detection in DETECTIONS:
        for text in detection.response:
            search = settings(detection)["search"]
            assert text.replace("`", "").replace('"', '\\"')[:60] in search


def samples_with_alerts() -> list[tuple[Detection, Firing]]:
    return [(detection, detection.fires[0]) for detection in DETECTIONS]


def test_every_title_is_short_enough_for_a_subject(app: App) -> None:
    for detection, sample in samples_with_alerts():
        for alert in run_sample(app, detection, sample, Generation(sample.generations[0])).alerts:
            assert len(str(alert.row["alert_title"])) <= 180, alert.row["alert_title"]
