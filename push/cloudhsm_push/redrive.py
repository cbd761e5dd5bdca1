"""What Firehose could not deliver and left in S3, into the stream again.

Called by a person with ``{"prefix": "splunk-failed/2026/11/23/"}``; see docs/push.md. Objects stay
where they are. Records that come twice are told by `record_key`.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from cloudhsm_push.firehose import MOST_RECORD_BYTES, Stream
from cloudhsm_push.structured_log import tell

_LEFT_MS = 60_000
_GZIP = b"\x1f\x8b"
_BLANK = " \t\r\n"


class NotABackup(ValueError):
    """An object is not what Firehose writes for records that it could not deliver."""


class Bucket(Protocol):
    """The backup bucket."""

    def keys(self, prefix: str, after: str) -> Iterator[str]: ...
    def read(self, key: str) -> bytes: ...


class Context(Protocol):
    """What Lambda tells a function of its call."""

    def get_remaining_time_in_millis(self) -> int: ...


class Takes(Protocol):
    """Where records are put again."""

    def put(self, records: Sequence[bytes]) -> None: ...


class Paginator(Protocol):
    """boto3's, of a call whose answers come in pages."""

    def paginate(self, **asked: str) -> Iterable[dict[str, Any]]: ...


class S3Client(Protocol):
    """The two calls of S3 that are needed, as boto3 has them."""

    def get_paginator(self, operation_name: str) -> Paginator: ...
    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]: ...


class S3:
    """A bucket by way of boto3's client of S3."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client = client
        self._name = name

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        """In the order of S3, which is that of time."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._name, Prefix=prefix, StartAfter=after):
            yield from (str(one["Key"]) for one in page.get("Contents", ()))

    def read(self, key: str) -> bytes:
        """A whole object; Firehose writes some megabytes at most."""
        return bytes(self._client.get_object(Bucket=self._name, Key=key)["Body"].read())


class Redriven(NamedTuple):
    """after: where the next call goes on, or empty if this one came to the end."""

    objects: int
    records: int
    after: str
    faults: list[str]


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """What Lambda calls. Raises ValueError, with what to send, for an event without a prefix."""
    import boto3

    bucket = S3(boto3.client("s3"), os.environ["BUCKET"])
    stream = Stream(boto3.client("firehose"), os.environ["STREAM"])
    return redriven(event, bucket, stream, context.get_remaining_time_in_millis)._asdict()


def redriven(
    event: dict[str, Any], bucket: Bucket, stream: Takes, left_ms: Callable[[], int]
) -> Redriven:
    """Put the records of all objects below the prefix into the stream, while there is time."""
    prefix = event.get("prefix")
    if not isinstance(prefix, str) or not prefix:
        raise ValueError(
            'Say which objects: {"prefix": "splunk-failed/2026/11/23/"}, the beginning of their '
            "keys in the backup bucket"
        )
    done, records, faults = 0, 0, list[str]()
    last = str(event.get("after", ""))
    for key in bucket.keys(prefix, last):
        if left_ms() < _LEFT_MS:
            return _told(Redriven(done, records, last, faults))
        try:
            found = [*undelivered(bucket.read(key))]
        except Exception as error:  # noqa: BLE001  (one object must not hold up all behind it)
            faults.append(f"{key}: {error}")
            found = []
        try:
            stream.put(found)
        except Exception as error:  # noqa: BLE001  (whoever called must learn where to go on)
            return _told(Redriven(done, records, last, [*faults, f"{key}: {error}"]))
        done, records, last = done + 1, records + len(found), key
    if not done and not event.get("after"):
        faults.append(f"No object's key begins with {prefix}: look into the backup bucket")
    return _told(Redriven(done, records, "", faults))


def undelivered(data: bytes) -> Iterator[bytes]:
    """The records in an object: JSON objects with `rawData`, one behind the other.

    Each as it can be put into a stream: what the transformation had made of it already is cut at
    the ends of its lines. Raises NotABackup.
    """
    try:
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise NotABackup(f"cannot be read: {error}") from error
    decoder, at, end = json.JSONDecoder(), 0, len(text)
    while at < end:
        if text[at] in _BLANK:
            at += 1
            continue
        try:
            said, at = decoder.raw_decode(text, at)
            raw = base64.b64decode(said["rawData"], validate=True)
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
            raise NotABackup(f"no record with rawData at character {at}: {error!r}") from error
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
            raise NotABackup("an event larger than a record may be: send it to HEC by hand")
    yield piece


def _told(outcome: Redriven) -> Redriven:
    tell("redriven", "Records of the backup were put into the stream again", **outcome._asdict())
    return outcome
