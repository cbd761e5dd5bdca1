"""What CloudWatch Logs sends to a subscription of Firehose: gzip of one JSON object.

``{"messageType": "DATA_MESSAGE", "owner": account, "logGroup", "logStream",
"subscriptionFilters": [...], "logEvents": [{"id", "timestamp" (ms), "message"}, ...]}``, or a
CONTROL_MESSAGE, by which CloudWatch Logs tries whether the stream can be reached.

Source: Amazon CloudWatch Logs User Guide, "Log group-level subscription filters".
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, NamedTuple

# A record of Firehose has at most 1,000 KiB, and audit records pack some ten times. What would take
# the memory of the function is no log.
_MOST_BYTES = 24 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class NotAnEnvelope(ValueError):
    """The bytes are not what CloudWatch Logs sends; the message says why."""


class LogEvent(NamedTuple):
    """One log event; `timestamp_ms` is CloudWatch's, not the record's own time."""

    id: str
    timestamp_ms: int
    message: str


class Envelope(NamedTuple):
    """Log events of one stream. `owner` is the account of the log group."""

    owner: str
    log_group: str
    log_stream: str
    events: tuple[LogEvent, ...]
    filters: tuple[str, ...] = ()


def read(data: bytes) -> Envelope | None:
    """None for a control message, which carries no log event. Raises NotAnEnvelope."""
    try:
        said = json.loads(_unpacked(data))
    except (ValueError, RecursionError) as error:
        raise NotAnEnvelope(f"not JSON: {error}") from error
    if not isinstance(said, dict):
        raise NotAnEnvelope("not a JSON object")
    kind = said.get("messageType")
    if kind == "CONTROL_MESSAGE":
        return None
    if kind != "DATA_MESSAGE":
        raise NotAnEnvelope(f"messageType is {str(kind)[:40]!r}, not DATA_MESSAGE")
    owner, group, stream = (_text(said, key) for key in ("owner", "logGroup", "logStream"))
    filters = said.get("subscriptionFilters")
    known = tuple(map(str, filters)) if isinstance(filters, list) else ()
    return Envelope(owner, group, stream, _events(said.get("logEvents")), known)


def packed(envelope: Envelope) -> bytes:
    """The envelope as CloudWatch Logs would send it."""
    said = {
        "messageType": "DATA_MESSAGE",
        "owner": envelope.owner,
        "logGroup": envelope.log_group,
        "logStream": envelope.log_stream,
        "subscriptionFilters": envelope.filters,
        "logEvents": [
            {"id": one.id, "timestamp": one.timestamp_ms, "message": one.message}
            for one in envelope.events
        ],
    }
    return gzip.compress(json.dumps(said).encode(), mtime=0)


def halves(envelope: Envelope) -> tuple[Envelope, Envelope]:
    """The same log events in two envelopes; there must be two at least."""
    middle = len(envelope.events) // 2
    first, second = envelope.events[:middle], envelope.events[middle:]
    return envelope._replace(events=first), envelope._replace(events=second)


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise NotAnEnvelope(f"not gzip: {error}") from error
    if unpacker.unconsumed_tail:
        raise NotAnEnvelope(f"more than {_MOST_BYTES} bytes when unpacked")
    if not unpacker.eof:
        raise NotAnEnvelope("gzip that was cut off")
    if unpacker.unused_data:
        raise NotAnEnvelope(f"{len(unpacker.unused_data)} bytes behind the gzip")
    return text


def _events(said: object) -> tuple[LogEvent, ...]:
    if not isinstance(said, list):
        raise NotAnEnvelope("logEvents is no list")
    return tuple(_event(number, one) for number, one in enumerate(said, start=1))


def _event(number: int, said: object) -> LogEvent:
    if not isinstance(said, dict):
        raise NotAnEnvelope(f"log event {number} is no object")
    at_ms = said.get("timestamp")
    if not isinstance(at_ms, int) or isinstance(at_ms, bool) or at_ms < 0:
        raise NotAnEnvelope(f"log event {number} has no timestamp in milliseconds")
    message = said.get("message")
    if not isinstance(message, str):
        raise NotAnEnvelope(f"log event {number} has no message")
    return LogEvent(str(said.get("id", "")), at_ms, message)


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    if not isinstance(value, str) or not value:
        raise NotAnEnvelope(f"{key} is missing")
    return value
