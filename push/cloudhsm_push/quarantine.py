"""Keeps what a stack does not pass on, under foreign/ in its backup bucket."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from cloudhsm_push.structured_log import log

FOLDER = "foreign/"


class S3Writer(Protocol):
    """The S3 call that is needed, as in boto3."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]: ...


class Quarantine(Protocol):
    """Where foreign data is kept."""

    def keep(self, data: bytes, reason: str) -> None: ...


class S3Quarantine:
    """Objects of the backup bucket, one for each content and hour, in Firehose's own format."""

    def __init__(
        self, client: S3Writer, bucket: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._clock = clock

    def keep(self, data: bytes, reason: str) -> None:
        """Write an object and a line of the function's log. Raises errors of S3."""
        hour = time.strftime("%Y/%m/%d/%H", time.gmtime(self._clock()))
        key = f"{FOLDER}{hour}/{hashlib.sha256(data).hexdigest()}"
        body = {
            "errorCode": "Foreign",
            "errorMessage": reason,
            "rawData": base64.b64encode(data).decode(),
        }
        self._client.put_object(Bucket=self._bucket, Key=key, Body=json.dumps(body).encode())
        log(
            "foreign_data",
            f"Data that this stack did not send is not passed on: {reason}",
            bytes=len(data),
            object=key,
            next_step="Find out who writes to this stream (CloudTrail: PutRecord, "
            "PutSubscriptionFilter). The data is kept in the backup bucket",
        )
