"""Responses that AWS never documented cost what cannot be read, and nothing else.

The installed input as a process, against a scripted endpoint; run twice, as splunkd would.
"""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bin.conftest import app
from tests.bin.fakes import Answer, ScriptedAws, described, filtered
from tests.bin.test_aws_cloudhsm import GROUP, aws, configuration, events, start

__all__ = ["app", "aws"]  # fixtures

STREAM = "hsm-b3gkdmqvwxy"


def good(number: int, at_ms: int) -> dict[str, Any]:
    return {
        "eventId": f"{number:056d}",
        "logStreamName": STREAM,
        "timestamp": at_ms,
        "message": f"good {number}",
    }


def runs(app: Path, aws: ScriptedAws, tmp_path: Path, body: bytes, count: int = 2) -> list[str]:
    """What several runs print whose only page this is, with events of a minute ago."""
    now_ms = time.time_ns() // 1_000_000

    def page(asked: dict[str, Any]) -> Answer:
        is_recent = asked["startTime"] <= now_ms - 60_000 and now_ms <= asked["endTime"]
        return Answer(body) if is_recent else filtered()

    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = page
    stdin = configuration(tmp_path, endpoint_url=aws.url)
    done = [start(app, stdin=stdin) for _ in range(count)]
    assert [run.returncode for run in done] == [0] * count, done[-1].stderr
    return [event["data"] for run in done for event in events(run.stdout)]


def reported(texts: list[str], kind: str) -> list[dict[str, Any]]:
    own = [json.loads(text) for text in texts if text.startswith("{")]
    return [event for event in own if event["event"] == kind]


def unlike(at_ms: int) -> dict[str, object]:
    """Events that are not complete, by what is odd about them."""
    whole = good(9, at_ms)
    odd: dict[str, object] = {
        f"{name} missing": {key: value for key, value in whole.items() if key != name}
        for name in whole
    }
    odd |= {f"{name} null": {**whole, name: None} for name in whole}
    odd |= {f"{name} a list": {**whole, name: [1]} for name in whole}
    odd |= {"a float": {**whole, "timestamp": at_ms + 0.5}, "no object": 7, "null": None}
    odd |= {"no number": {**whole, "timestamp": float("nan")}, "outside": {**whole, "timestamp": 1}}
    return odd


@pytest.mark.parametrize("odd", unlike(0))
def test_one_bad_event_costs_one_event(
    app: Path, aws: ScriptedAws, tmp_path: Path, odd: str
) -> None:
    at_ms = time.time_ns() // 1_000_000 - 60_000
    bad = unlike(at_ms)[odd]
    body = json.dumps({"events": [good(1, at_ms), bad, good(2, at_ms)]}).encode()
    texts = runs(app, aws, tmp_path, body)
    assert [text for text in texts if text in ("good 1", "good 2")] == ["good 1", "good 2"]
    (event,) = reported(texts, "event_unreadable")
    kept = json.loads(base64.b64decode(event["original_base64"]))
    if odd != "outside":
        assert json.dumps(kept) == json.dumps(bad)
    assert texts.count("good 9") == (odd.startswith("eventId") or odd == "a float")


def test_bytes_that_are_not_utf_8_cost_one_event(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    at_ms = time.time_ns() // 1_000_000 - 60_000
    page = [good(1, at_ms), {**good(9, at_ms), "message": "x BYTES"}, good(2, at_ms)]
    body = json.dumps({"events": page}).encode().replace(b"BYTES", b"\xff\xc3\x28")
    texts = runs(app, aws, tmp_path, body)
    assert [text for text in texts if text.startswith("good")] == ["good 1", "good 2"]
    (event,) = reported(texts, "event_unreadable")
    assert b"x \xff\xc3\x28" in base64.b64decode(event["original_base64"])
    assert event["log_stream"] == STREAM


def test_members_of_a_future_format_change_nothing(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    at_ms = time.time_ns() // 1_000_000 - 60_000
    more = {"entity": {"eventId": {"a": [1, None]}, "attributes": [{"k": "v"}]}, "null": None}
    body = json.dumps({"events": [{**more, **good(1, at_ms)}, good(2, at_ms)], "more": more})
    texts = runs(app, aws, tmp_path, body.encode())
    assert [text for text in texts if text.startswith("good")] == ["good 1", "good 2"]
    assert reported(texts, "event_unreadable") == []
