"""What CloudWatch Logs sends to a subscription, and what is not that."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm_push.envelope import Envelope, InvalidEnvelope, PushedEvent, halves, packed, read
from tests.push.batches import envelope

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
EVENTS = st.builds(PushedEvent, TEXT, st.integers(0, 2**53), TEXT)


def spelled(**changed: object) -> bytes:
    content: dict[str, Any] = {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "/aws/cloudhsm/cluster-likphkxygsn",
        "logStream": "hsm-nwbbiqbj4jk",
        "subscriptionFilters": ["cloudhsm-push"],
        "logEvents": [{"id": "1", "timestamp": 1_790_000_000_000, "message": "Time: x\nSequence"}],
    }
    return gzip.compress(json.dumps({**content, **changed}).encode())


def test_a_data_message_is_its_log_events_and_where_they_are_from() -> None:
    assert read(spelled()) == Envelope(
        "111122223333",
        "/aws/cloudhsm/cluster-likphkxygsn",
        "hsm-nwbbiqbj4jk",
        (PushedEvent("1", 1_790_000_000_000, "Time: x\nSequence"),),
        ("cloudhsm-push",),
    )


def test_a_control_message_has_no_log_events() -> None:
    control = spelled(
        messageType="CONTROL_MESSAGE",
        owner="CloudwatchLogs",
        logGroup="",
        logStream="",
        subscriptionFilters=[],
    )
    assert read(control) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (b"not gzip", "not gzip"),
        (spelled()[:-9], "cut off"),
        (spelled() + b"more", "4 bytes after"),
        (gzip.compress(b'{"messageType": '), "not JSON"),
        (gzip.compress(b"\xff\xfe\xfa"), "not JSON"),
        (gzip.compress(b"[" * 200_000), "not JSON"),
        (gzip.compress(b"[]"), "not a JSON object"),
        (gzip.compress(b"\x00" * 25 * 1024 * 1024), "when unpacked"),
        (spelled(messageType="OTHER"), "messageType is 'OTHER'"),
        (spelled(messageType=None), "messageType is 'None'"),
        (spelled(owner=1), "owner is missing"),
        (spelled(logGroup=""), "logGroup is missing"),
        (spelled(logStream=None), "logStream is missing"),
        (spelled(logEvents=None), "logEvents is not a list"),
        (spelled(logEvents=["x"]), "log event 1 is not an object"),
        (spelled(logEvents=[{"id": "1", "timestamp": "1", "message": ""}]), "no timestamp"),
        (spelled(logEvents=[{"id": "1", "timestamp": True, "message": ""}]), "no timestamp"),
        (spelled(logEvents=[{"id": "1", "timestamp": -1, "message": ""}]), "no timestamp"),
        (spelled(logEvents=[{"id": "1", "timestamp": 1}]), "log event 1 has no message"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(InvalidEnvelope, match=why):
        read(data)


@given(st.binary(max_size=200))
def test_no_bytes_end_it_otherwise(data: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        read(data)


@given(st.lists(EVENTS, max_size=8))
def test_what_is_packed_is_read_again(events: list[PushedEvent]) -> None:
    whole = envelope()._replace(events=tuple(events))
    assert read(packed(whole)) == whole


@given(st.lists(EVENTS, min_size=2, max_size=9))
def test_two_halves_have_every_log_event_once_and_are_smaller(events: list[PushedEvent]) -> None:
    whole = envelope()._replace(events=tuple(events))
    first, second = halves(whole)
    assert first.events + second.events == whole.events
    assert max(len(first.events), len(second.events)) < len(events)
    assert first._replace(events=()) == second._replace(events=()) == whole._replace(events=())
