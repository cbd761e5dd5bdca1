"""Puts records into the stream, and retries those that it refuses for the moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

# Limits of PutRecordBatch, and of a record: `MOST_RECORD_BYTES`.
# Source: Amazon Data Firehose API Reference, PutRecordBatch (500 records, 4 MiB, 1,000 KiB).
MOST_RECORD_BYTES = 1_000 * 1024
_MOST_RECORDS = 500
_MOST_BYTES = 4 * 1024 * 1024
_TRIES = 6


class RefusedRecords(Exception):
    """The stream refused records; the message has their number, the reason and the next step."""


class FirehoseClient(Protocol):
    """The Firehose call that is needed, as in boto3."""

    def put_record_batch(
        self, *, DeliveryStreamName: str, Records: Sequence[dict[str, bytes]]
    ) -> dict[str, Any]: ...


class RecordSink(Protocol):
    def put(self, records: Sequence[bytes]) -> None: ...


class Stream:
    """A Firehose stream, with retries for refused records."""

    def __init__(
        self, client: FirehoseClient, name: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def put(self, records: Sequence[bytes]) -> None:
        """Put all records. Raises RefusedRecords if the last retry is refused too."""
        for batch in _batches(records):
            self._put(batch)

    def _put(self, batch: list[bytes]) -> None:
        for number in range(_TRIES):
            response = self._client.put_record_batch(
                DeliveryStreamName=self._name, Records=[{"Data": record} for record in batch]
            )
            results = response["RequestResponses"]
            batch = [record for record, result in zip(batch, results) if result.get("ErrorCode")]
            if not batch:
                return
            codes = sorted({str(r["ErrorCode"]) for r in results if r.get("ErrorCode")})
            if number + 1 < _TRIES:
                self._sleep(2**number * random.uniform(0.5, 1))  # noqa: S311  (no secret)
        raise RefusedRecords(
            f"{self._name} refused {len(batch)} records {_TRIES} times ({', '.join(codes)}). "
            "They are tried again. If this continues, request a higher AWS quota for the stream"
        )


def _batches(records: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and (len(batch) == _MOST_RECORDS or size + len(record) > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch
