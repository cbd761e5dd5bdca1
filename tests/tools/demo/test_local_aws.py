from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.demo import local_aws
from tools.demo.local_aws import LocalAwsError

NOW_MS = time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Event:
    log_group: str
    log_stream: str
    timestamp_ms: int
    message: str


def held(url: str, group: str) -> list[tuple[str, str]]:
    body = json.dumps({"logGroupName": group, "interleaved": True}).encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "Logs_20140328.FilterLogEvents",
        "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/logs/aws4_request",
    }
    request = urllib.request.Request(url, body, headers)  # noqa: S310  (loopback)
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        events = json.loads(answer.read())["events"]
    return [(event["logStreamName"], event["message"]) for event in events]


def test_what_is_loaded_can_be_read_back_from_its_group_and_stream(tmp_path: Path) -> None:
    events = [
        Event("/aws/cloudhsm/a", "hsm-1", NOW_MS - 2, "two"),
        Event("/aws/cloudhsm/a", "hsm-2", NOW_MS - 3, "one"),
        Event("/aws/cloudhsm/a", "hsm-1", NOW_MS - 1, "x" * 700_000),
        Event("/aws/cloudhsm/a", "hsm-1", NOW_MS, "y" * 700_000),
        Event("/aws/cloudhsm/b", "hsm-1", NOW_MS, "other"),
    ]
    loaded: list[int] = []
    with local_aws.running(tmp_path / "log") as url:
        local_aws.load(url, events, loaded.append)
        in_a = held(url, "/aws/cloudhsm/a")
        assert [(stream, text[:3]) for stream, text in in_a] == [
            ("hsm-2", "one"),
            ("hsm-1", "two"),
            ("hsm-1", "xxx"),
            ("hsm-1", "yyy"),
        ]
        assert held(url, "/aws/cloudhsm/b") == [("hsm-1", "other")]
        assert loaded == [2, 1, 1, 1], "a batch must stay below AWS's limit of 1 MB"
        too_old = Event("/aws/cloudhsm/c", "hsm-1", NOW_MS - 20 * 86_400_000, "old")
        with pytest.raises(LocalAwsError, match="too old or too new"):
            local_aws.load(url, [too_old], loaded.append)
        with pytest.raises(LocalAwsError, match="CreateLogGroup was refused"):
            local_aws.load(url, events[:1], loaded.append)


def test_a_server_that_was_never_installed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_aws, "MOTO_SERVER", tmp_path / "missing")
    with (
        pytest.raises(LocalAwsError, match="run this through make"),
        local_aws.running(tmp_path / "log"),
    ):
        pass


def test_a_server_that_dies_at_once_shows_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "server"
    script.write_text("#!/bin/sh\necho no such port\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(local_aws, "MOTO_SERVER", script)
    with (
        pytest.raises(LocalAwsError, match="no such port"),
        local_aws.running(tmp_path / "log"),
    ):
        pass


def test_the_account_profile_and_proxy_of_the_person_at_the_keyboard_stay_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    kept = local_aws.environment()
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "http_proxy", "HTTPS_PROXY"} & set(kept)
    with local_aws.running(tmp_path / "log") as url:
        local_aws.load(url, [Event("/aws/cloudhsm/a", "hsm-1", NOW_MS, "x")], lambda _: None)
