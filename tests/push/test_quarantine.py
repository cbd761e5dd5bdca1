"""What is not passed on stays readable in the backup bucket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloudhsm_push.quarantine import S3Quarantine
from cloudhsm_push.redrive import undelivered


class Client:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        self.objects[f"{Bucket}/{Key}"] = Body
        return {}


def test_data_is_kept_once_with_its_reason_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    client = Client()
    quarantine = S3Quarantine(client, "backup", lambda: 1_790_000_000.0)
    for _ in range(2):  # the batch came again
        quarantine.keep(b"data\xff", "the account is 4")
    ((key, body),) = client.objects.items()
    assert key.startswith("backup/foreign/2026/09/21/14/")
    assert json.loads(body)["errorMessage"] == "the account is 4"
    assert [*undelivered(body)] == [b"data\xff"]
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (line["event"], f"backup/{line['object']}") == ("foreign_data", key)
    assert "the account is 4" in line["message"]
