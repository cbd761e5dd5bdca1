"""Puts records that Firehose could not deliver, and left in S3, into the stream again.

Called by a person with ``{"prefix": "splunk-failed/2026/11/23/"}``; see docs/push.md. Objects are
not moved. Duplicate records have the same `record_key`.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from cloudhsm_push import envelope, hec
from cloudhsm_push.firehose import MOST_RECORD_BYTES, RecordSink, Stream
from cloudhsm_push.routing import Routing, routing_from
from cloudhsm_push.structured_log import log

_LEFT_MS = 60_000
_GZIP = b"\x1f\x8b"
_BLANK = " \t\r\n"


class InvalidBackup(ValueError):
    """An object does not have the format of Firehose's undelivered records."""


class Bucket(Protocol):
    """The backup bucket."""

    def keys(self, prefix: str, after: str) -> Iterator[str]: ...
    def read(self, key: str) -> bytes: ...


class LambdaContext(Protocol):
    """Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int: ...


class Paginator(Protocol):
    """boto3's paginator."""

    def paginate(self, **request: str) -> Iterable[dict[str, Any]]: ...


class S3Client(Protocol):
    """The two S3 calls that are needed, as in boto3."""

    def get_paginator(self, operation_name: str) -> Paginator: ...
    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]: ...


class S3:
    """A bucket, through boto3's S3 client."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client = client
        self._name = name

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        """Keys in S3's order, which is the order of time."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._name, Prefix=prefix, StartAfter=after):
            yield from (str(entry["Key"]) for entry in page.get("Contents", ()))

    def read(self, key: str) -> bytes:
        """A complete object; Firehose writes some megabytes at most."""
        return bytes(self._client.get_object(Bucket=self._name, Key=key)["Body"].read())


class Redriven(NamedTuple):
    """after: key after which the next call continues; empty if all objects are done.

    faults: objects that cannot be read, and what is not of this stack, which stays in S3.
    """

    objects: int
    records: int
    after: str
    faults: list[str]


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler. Raises ValueError, with an example, for an event without a prefix."""
    import boto3

    bucket = S3(boto3.client("s3"), os.environ["BUCKET"])
    arn = os.environ["STREAM_ARN"]
    stream = Stream(boto3.client("firehose"), arn.rpartition("/")[2])
    routing = routing_from(arn, os.environ)
    return redriven(event, bucket, stream, routing, context.get_remaining_time_in_millis)._asdict()


def redriven(
    event: dict[str, Any],
    bucket: Bucket,
    stream: RecordSink,
    routing: Routing,
    left_ms: Callable[[], int],
) -> Redriven:
    """Put the records of all objects below the prefix into the stream, while there is time."""
    prefix = event.get("prefix")
    if not isinstance(prefix, str) or not prefix:
        raise ValueError(
            'No prefix. Send {"prefix": "splunk-failed/2026/11/23/"}: the beginning of the keys '
            "of the objects in the backup bucket"
        )
    done, records, faults = 0, 0, list[str]()
    last = str(event.get("after", ""))
    for key in bucket.keys(prefix, last):
        if left_ms() < _LEFT_MS:
            return _logged(Redriven(done, records, last, faults))
        try:
            batch, refusals = _own(undelivered(bucket.read(key)), routing)
            faults += [f"{key}: {refusal}" for refusal in refusals]
        except Exception as error:  # noqa: BLE001  (one object must not stop those after it)
            faults.append(f"{key}: {error}")
            batch = []
        try:
            stream.put(batch)
        except Exception as error:  # noqa: BLE001  (the caller needs the key to continue)
            return _logged(Redriven(done, records, last, [*faults, f"{key}: {error}"]))
        done, records, last = done + 1, records + len(batch), key
    if not done and not event.get("after"):
        faults.append(f"No object key begins with {prefix}. Check the keys in the bucket")
    return _logged(Redriven(done, records, "", faults))


def _own(records: Iterable[bytes], routing: Routing) -> tuple[list[bytes], list[str]]:
    """The records of this stack, and why the others are left in S3."""
    own, refusals = [], []
    for record in records:
        kept, refusal = _checked(record, routing)
        own += [kept] if kept else []
        refusals += [f"not put into the stream: {refusal}"] if refusal else []
    return own, refusals


def _checked(record: bytes, routing: Routing) -> tuple[bytes, str]:
    if hec.are_lines(record):
        kept, foreign = hec.split(record, routing)
        lines = len(foreign.splitlines())
        return kept, f"lines that this stack did not make: {lines}" if lines else ""
    try:
        batch = envelope.read(record)
    except envelope.InvalidEnvelope:
        return record, ""  # the transformation reports it
    refusal = "" if batch is None else routing.refusal(batch)
    return (b"" if refusal else record), refusal


def undelivered(data: bytes) -> Iterator[bytes]:
    """The records in an object: JSON objects with `rawData`, one after the other.

    Each fits into a stream: the output of the transformation is cut at the ends of its lines.
    Raises InvalidBackup.
    """
    try:
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InvalidBackup(f"cannot be read: {error}") from error
    decoder, at, end = json.JSONDecoder(), 0, len(text)
    while at < end:
        if text[at] in _BLANK:
            at += 1
            continue
        try:
            entry, at = decoder.raw_decode(text, at)
            raw = base64.b64decode(entry["rawData"], validate=True)
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
            raise InvalidBackup(f"no record with rawData at character {at}: {error!r}") from error
        yield from _pieces(raw)


def _pieces(raw: bytes) -> Iterator[bytes]:
    if len(raw) <= MOST_RECORD_BYTES:
        yield raw
        return
    piece = b""
    for line in raw.splitlines(keepends=True):
        if piece and len(piece) + len(line) > MOST_RECORD_BYTES:
            yield piece
            piece = b""
        piece += line
        if len(piece) > MOST_RECORD_BYTES:
            raise InvalidBackup("an event exceeds Firehose's record size. Send it to HEC manually")
    yield piece


def _logged(result: Redriven) -> Redriven:
    log("redriven", "Put records of the backup into the stream again", **result._asdict())
    return result
