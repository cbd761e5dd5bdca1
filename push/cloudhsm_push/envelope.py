"""The records of a CloudWatch Logs subscription: gzip of one JSON object.

``{"messageType": "DATA_MESSAGE", "owner": account, "logGroup", "logStream",
"subscriptionFilters": [...], "logEvents": [{"id", "timestamp" (ms), "message"}, ...]}``, or a
CONTROL_MESSAGE, by which CloudWatch Logs checks that the stream can be reached.

Source: Amazon CloudWatch Logs User Guide, "Log group-level subscription filters".
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, NamedTuple

# A record of Firehose has at most 1,000 KiB, and gzip shrinks audit records some ten times. Larger
# content is not a log and could exhaust the function's memory.
_MOST_BYTES = 24 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class InvalidEnvelope(ValueError):
    """The bytes are not a record of a subscription; the message has the reason."""


class PushedEvent(NamedTuple):
    """One log event; `timestamp_ms` is CloudWatch's, not the record's own time."""

    id: str
    timestamp_ms: int
    message: str


class Envelope(NamedTuple):
    """Log events of one stream. `owner` is the account of the log group."""

    owner: str
    log_group: str
    log_stream: str
    events: tuple[PushedEvent, ...]
    filters: tuple[str, ...] = ()


def read(data: bytes) -> Envelope | None:
    """None for a control message, which has no log event. Raises InvalidEnvelope."""
    try:
        content = json.loads(data if is_plain(data) else _unpacked(data))
    except (ValueError, RecursionError) as error:
        raise InvalidEnvelope(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidEnvelope("not a JSON object")
    kind = content.get("messageType")
    if kind == "CONTROL_MESSAGE":
        return None
    if kind != "DATA_MESSAGE":
        raise InvalidEnvelope(f"messageType is {str(kind)[:40]!r}, not DATA_MESSAGE")
    owner, group, stream = (_text(content, key) for key in ("owner", "logGroup", "logStream"))
    filters = content.get("subscriptionFilters")
    known = tuple(map(str, filters)) if isinstance(filters, list) else ()
    return Envelope(owner, group, stream, _events(content.get("logEvents")), known)


def is_plain(data: bytes) -> bool:
    """Whether the data is an envelope that Firehose has decompressed."""
    return data.lstrip()[:1] == b"{"


def is_message(data: bytes) -> bool:
    """Whether the data begins as a log event of CloudHSM does, without an envelope."""
    return data.lstrip().startswith((b"Time:", b"{"))


def packed(envelope: Envelope) -> bytes:
    """The envelope as CloudWatch Logs would send it."""
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": envelope.owner,
        "logGroup": envelope.log_group,
        "logStream": envelope.log_stream,
        "subscriptionFilters": envelope.filters,
        "logEvents": [
            {"id": event.id, "timestamp": event.timestamp_ms, "message": event.message}
            for event in envelope.events
        ],
    }
    return gzip.compress(json.dumps(content).encode(), mtime=0)


def halves(envelope: Envelope) -> tuple[Envelope, Envelope]:
    """The same log events in two envelopes; there must be at least two."""
    middle = len(envelope.events) // 2
    first, second = envelope.events[:middle], envelope.events[middle:]
    return envelope._replace(events=first), envelope._replace(events=second)


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise InvalidEnvelope(f"not gzip: {error}") from error
    if unpacker.unconsumed_tail:
        raise InvalidEnvelope(f"more than {_MOST_BYTES} bytes when unpacked")
    if not unpacker.eof:
        raise InvalidEnvelope("gzip that was cut off")
    if unpacker.unused_data:
        raise InvalidEnvelope(f"{len(unpacker.unused_data)} bytes after the gzip")
    return text


def _events(items: object) -> tuple[PushedEvent, ...]:
    if not isinstance(items, list):
        raise InvalidEnvelope("logEvents is not a list")
    return tuple(_event(number, item) for number, item in enumerate(items, start=1))


def _event(number: int, item: object) -> PushedEvent:
    if not isinstance(item, dict):
        raise InvalidEnvelope(f"log event {number} is not an object")
    at_ms = item.get("timestamp")
    if not isinstance(at_ms, int) or isinstance(at_ms, bool) or at_ms < 0:
        raise InvalidEnvelope(f"log event {number} has no timestamp in milliseconds")
    message = item.get("message")
    if not isinstance(message, str):
        raise InvalidEnvelope(f"log event {number} has no message")
    return PushedEvent(str(item.get("id", "")), at_ms, message)


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidEnvelope(f"{key} is missing")
    return value
