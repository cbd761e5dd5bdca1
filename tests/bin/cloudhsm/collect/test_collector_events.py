from __future__ import annotations

import base64
import json
from typing import Any

from cloudhsm.collect.collector_events import Reporter
from cloudhsm.splunk.event_writer import Event
from cloudhsm.trail.gap_ledger import Anomaly, GapChange, Mark, Verdict
from cloudhsm.trail.log_group import GroupId

REPORTER = Reporter(
    "aws_cloudhsm://x", GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-a")
)
NOW = 1_790_000_000_000_000


def body(event: Event) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(event.text)
    return parsed


def test_every_event_says_when_what_and_where() -> None:
    event = REPORTER.anomaly(NOW, "hsm-a", Anomaly.SEQUENCE_CONFLICT, 2, "key")
    assert event.text.startswith('{"time":1790000000.000000,')
    assert (event.time_usecs, event.host, event.sourcetype) == (
        NOW,
        "hsm-a",
        "aws:cloudhsm:collector",
    )
    assert event.source == "111122223333:us-east-1:/aws/cloudhsm/cluster-a:hsm-a"
    found = body(event)
    assert found.pop("message")
    assert found == {
        "time": 1790000000.0,
        "event": "sequence_conflict",
        "input": "aws_cloudhsm://x",
        "aws_account_id": "111122223333",
        "aws_region": "us-east-1",
        "log_group": "/aws/cloudhsm/cluster-a",
        "log_stream": "hsm-a",
        "records": 2,
        "first_record_key": "key",
    }


def test_an_altered_record_can_be_restored_from_its_event() -> None:
    original = "name \x00\ud800\U0001f511\r\n"
    found = body(REPORTER.record_altered(NOW, "hsm-a", "id", None, original))
    restored = base64.b64decode(found["original_base64"]).decode("utf-8", "surrogatepass")
    assert restored == original
    assert "record_key" not in found


def test_a_gap_names_its_numbers_verdict_and_neighbours() -> None:
    change = GapChange(
        "hsm-a", "0xe8", 16, 18, Verdict.ABSENT_AT_SOURCE, Mark(15, 1, 0), Mark(19, 9, 0)
    )
    found = body(REPORTER.gap(NOW, change))
    assert (found["event"], found["verdict"], found["missing"]) == (
        "gap_closed",
        "absent_at_source",
        3,
    )
    assert (found["first_sequence"], found["last_sequence"]) == (16, 18)
    assert (found["last_usecs_before"], found["first_usecs_after"]) == (1, 9)
    assert "0x10 to 0x12" in found["message"]


def test_a_pending_gap_is_opened() -> None:
    found = body(REPORTER.gap(NOW, GapChange("hsm-a", "0xe8", 0, 0, Verdict.PENDING)))
    assert found["event"] == "gap_opened"


def test_the_message_stands_where_splunk_still_reads_it() -> None:
    """KV_MODE=json reads the first 5,000 bytes of an event only."""
    event = REPORTER.record_altered(NOW, "hsm-a", "id", "key", "\x00" * 10_000)
    for name in ("message", "event", "log_stream", "record_key", "sha256"):
        assert 0 < event.text.index(f'"{name}"') < 2_000


def test_every_verdict_and_anomaly_has_its_words() -> None:
    for verdict in Verdict:
        assert body(REPORTER.gap(NOW, GapChange("h", "0x1", 0, 0, verdict)))["message"]
    for anomaly in Anomaly:
        assert body(REPORTER.anomaly(NOW, "h", anomaly, 1, None))["message"]


def test_what_concerns_the_group_has_the_cluster_as_host() -> None:
    assert REPORTER.remark(NOW, "state_recovered", reason="why").host == "cluster-a"
