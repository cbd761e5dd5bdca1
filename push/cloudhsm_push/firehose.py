"""Putting records into the stream, and again what it refuses for the moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

# PutRecordBatch takes so much; a record as much as `MOST_RECORD_BYTES`.
# Source: Amazon Data Firehose API Reference, PutRecordBatch (500 records, 4 MiB, 1,000 KiB).
MOST_RECORD_BYTES = 1_000 * 1024
_MOST_RECORDS = 500
_MOST_BYTES = 4 * 1024 * 1024
_TRIES = 6


class StreamRefuses(Exception):
    """The stream did not take records; the message says which, why and what happens now."""


class Client(Protocol):
    """The one call of Firehose that is needed, as boto3 has it."""

    def put_record_batch(
        self, *, DeliveryStreamName: str, Records: Sequence[dict[str, bytes]]
    ) -> dict[str, Any]: ...


class Stream:
    """A stream that takes records, sooner or later."""

    def __init__(
        self, client: Client, name: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def put(self, records: Sequence[bytes]) -> None:
        """All of them. Raises StreamRefuses when some are still refused after some seconds."""
        for batch in _batches(records):
            self._put(batch)

    def _put(self, batch: list[bytes]) -> None:
        for number in range(_TRIES):
            answer = self._client.put_record_batch(
                DeliveryStreamName=self._name, Records=[{"Data": one} for one in batch]
            )
            answers = answer["RequestResponses"]
            batch = [one for one, said in zip(batch, answers) if said.get("ErrorCode")]
            if not batch:
                return
            codes = sorted({str(said["ErrorCode"]) for said in answers if said.get("ErrorCode")})
            if number + 1 < _TRIES:
                self._sleep(2**number * random.uniform(0.5, 1))  # noqa: S311  (no secret)
        raise StreamRefuses(
            f"{self._name} refused {len(batch)} records {_TRIES} times ({', '.join(codes)}). "
            "They are tried again; if this goes on, ask AWS for a higher quota of the stream"
        )


def _batches(records: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for one in records:
        if batch and (len(batch) == _MOST_RECORDS or size + len(one) > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one)
    if batch:
        yield batch
