"""The same meaning however a record came: our input, the Splunk Add-on for AWS, HEC, a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Union

import pytest

from cloudhsm.splunk.event_writer import Event
from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session
from tests.default.conftest import CLUSTER, HSM, SOURCE
from tests.default.trails import MARCH, handed_over, record
from tools.content.installed_app import installed_app

Fields = dict[str, Union[str, list[str]]]

ROOT = Path(__file__).resolve().parents[2]
OTHERS_SOURCE = SOURCE.split(":", 1)[1]  # Region, log group and stream, as that add-on writes it
ORIGIN = {"source", "sourcetype", "host", "aws_account_id", "vendor_account", "index"}
RECORD = record(29, MARCH)
STORED = json.dumps(
    {
        "object_handle": 463180677312929947,
        "op_code": "CreateObject",
        "response": "OK",
        "attributes": ["Label"],
        "timestamp": MARCH * 1000,
    }
)
# A stand-in for that add-on's stanzas: rules of every kind on names that are ours too.
ITS_PROPS = """[aws:cloudwatchlogs]
SHOULD_LINEMERGE = false
KV_MODE = auto
EXTRACT-all = ^(?<version>\\S+)\\s+(?<account_id>\\S+)
FIELDALIAS-dest = account_id AS dest
EVAL-vendor_account = "theirs"
EVAL-user = "theirs"
EVAL-outcome = "theirs"
"""


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The shipped configuration on a search head that has the other add-on too."""
    other = tmp_path_factory.mktemp("apps") / "Splunk_TA_aws"
    (other / "default").mkdir(parents=True)
    (other / "metadata").mkdir()
    (other / "default" / "props.conf").write_text(ITS_PROPS)
    (other / "metadata" / "default.meta").write_text("[]\nexport = system\n")
    return installed_app(ROOT, neighbours=[other])


def from_our_input(app: App) -> IndexedEvent:
    (event,) = handed_over(app, [RECORD])
    return event


def from_that_add_on(_app: App, sourcetype: str = "aws:cloudwatchlogs") -> IndexedEvent:
    usecs = round(MARCH * 1e6)
    return IndexedEvent(RECORD.text, usecs, "forwarder", OTHERS_SOURCE, sourcetype, "main")


def from_hec(app: App) -> IndexedEvent:
    body = {"event": RECORD.text, "time": MARCH, "host": HSM, "source": SOURCE}
    text = json.dumps(body)
    (event,) = app.index_hec(text, sourcetype="aws:cloudhsm:audit", source="hec", host="hec")
    return event


def from_hec_with_a_type_of_its_own(app: App) -> IndexedEvent:
    body = {"event": RECORD.text, "time": MARCH, "source": OTHERS_SOURCE}
    text = json.dumps(body)
    (event,) = app.index_hec(text, sourcetype="httpevent", source="hec", host="hec")
    return event


def from_a_file(app: App) -> IndexedEvent:
    path = f"/var/log/{CLUSTER}/{HSM}.log"
    (event,) = app.index_text(
        RECORD.text, sourcetype="aws:cloudhsm:audit", source=path, host="forwarder"
    )
    return event


def meaning(app: App, event: IndexedEvent) -> Fields:
    fields = app.search_time(event)
    return {name: value for name, value in fields.items() if name not in ORIGIN | UNNAMED}


# Internal fields about where the cluster was named, and the Region, which a path does not have.
UNNAMED = {"hsm_in_host", "aws_region", "vendor_region"}


@pytest.mark.parametrize(
    "way", [from_that_add_on, from_hec, from_hec_with_a_type_of_its_own, from_a_file]
)
def test_a_record_means_the_same_on_every_ingest_path(
    app: App, beside: App, way: Callable[[App], IndexedEvent]
) -> None:
    expected = meaning(app, from_our_input(app))
    assert expected["outcome"] == "success"
    for knowledge in (app, beside):
        fields = meaning(knowledge, way(knowledge))
        left_over = {"version", "account_id"} if knowledge is beside else set()
        assert {key: fields[key] for key in fields if key not in left_over} == expected


def test_rules_of_the_other_add_on_do_not_reach_a_record(app: App, beside: App) -> None:
    event = from_that_add_on(beside)
    text = event.raw.replace("crypto_user", "src=1.2.3.4 action=failure tag=x")
    fields = beside.search_time(
        IndexedEvent(text, event.time_usecs, event.host, event.source, event.sourcetype, "main")
    )
    assert fields["user"] == "src=1.2.3.4 action=failure tag=x"
    assert (fields["action"], fields["dest"]) == ("success", HSM)
    assert "src" not in fields


def test_a_certificate_record_means_the_same(app: App) -> None:
    ours = SOURCE.replace(HSM, CLUSTER)
    usecs = MARCH * 1_000_000
    mine = IndexedEvent(STORED, usecs, CLUSTER, ours, "aws:cloudhsm:certificate", "main")
    other = IndexedEvent(STORED, usecs, "fwd", ours.split(":", 1)[1], "aws:cloudwatchlogs", "main")
    unnamed = {"cluster_in_host"}
    fields, expected = (
        {k: v for k, v in meaning(app, e).items() if k not in unnamed} for e in (other, mine)
    )
    assert fields == expected
    assert expected["cim_model"] == "Change"


def test_searches_find_what_others_collected(app: App) -> None:
    session = Session(app, now=MARCH + 9999)
    session.index([from_our_input(app), from_that_add_on(app), from_that_add_on(app, "x:y")])
    for macro in ("cloudhsm_audit", "cloudhsm_records"):
        rows = session.search(f"`{macro}` opcode=CN_LOGIN").rows
        assert len(rows) == 3
        assert all("aws_cloudhsm_authentication" in row["eventtype"] for row in rows)
    assert len(session.search("`cloudhsm_audit` | `cloudhsm_dedup`").rows) == 3


def test_the_collectors_own_events_are_no_records(app: App) -> None:
    text = '{"time":1772323200.0,"event":"gap_opened","missing":3}'
    (event,) = handed_over(
        app, [Event(MARCH * 1_000_000, text, HSM, SOURCE, "aws:cloudhsm:collector")]
    )
    fields = app.search_time(event)
    assert (fields["event"], fields["missing"], fields["hsm_id"]) == ("gap_opened", "3", HSM)
    assert not {"outcome", "category", "cim_model", "record_key", "activity"} & set(fields)


def test_stanzas_for_sources_hold_the_search_time_rules_of_their_source_type(app: App) -> None:
    for kind, stream in (("audit", "hsm"), ("certificate", "cluster")):
        (stanza,) = [s for s in app.props.patterns if s.name.endswith(f":{stream}-*")]
        own = app.props.sourcetypes[f"aws:cloudhsm:{kind}"].settings
        rules = ("EXTRACT-", "REPORT-", "EVAL-", "LOOKUP-", "KV_MODE")
        assert {name: setting.value for name, setting in stanza.settings.items()} == {
            name: setting.value for name, setting in own.items() if name.startswith(rules)
        }
