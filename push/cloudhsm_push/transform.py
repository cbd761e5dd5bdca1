"""Firehose's transformation: what subscriptions send becomes events for HEC.

A record of Firehose holds log events of one stream; what comes of it is as many events, in their
order. Firehose takes an answer of 6 MiB, and events are several times as large as they came. So
what has no room is put into the stream again as it came, or, where one record alone is too large,
in two halves. What cannot be understood goes to S3, untouched. Nothing is dropped but what was put
into the stream again, CloudWatch Logs' control messages, and log events without any text.

Sources: Amazon Data Firehose Developer Guide, "Transform source data" and "Required parameters for
data transformation".
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from cloudhsm_push import envelope, hec
from cloudhsm_push.firehose import Stream
from cloudhsm_push.structured_log import tell

# Of the 6 MiB that Lambda answers at most; the rest is for the frame of the answer.
ROOM = 6_000_000
_FRAME = 64  # of one record in the answer, in bytes, beside its id and data

Answer = dict[str, str]


class Takes(Protocol):
    """Where records are put again."""

    def put(self, records: Sequence[bytes]) -> None: ...


class Origin(NamedTuple):
    """What an envelope does not say. splunk_index: empty for the index of the token."""

    partition: str
    region: str
    splunk_index: str = ""


def handler(event: dict[str, Any], _context: object = None) -> dict[str, list[Answer]]:
    """What Lambda calls, with Firehose's batch."""
    import boto3

    stream_arn = str(event["deliveryStreamArn"])
    stream = Stream(boto3.client("firehose"), stream_arn.rpartition("/")[2])
    origin = Origin(stream_arn.split(":")[1], event["region"], os.environ.get("SPLUNK_INDEX", ""))
    return {"records": transformed(event["records"], origin, stream)}


def transformed(records: Iterable[Answer], origin: Origin, stream: Takes) -> list[Answer]:
    """An answer for each record. Raises what `stream` raises: then the whole batch comes again."""
    answers: list[Answer] = []
    again: list[bytes] = []
    room = ROOM
    for record in records:
        answer, put_again = _answer(record, origin, room)
        room -= _size(answer)
        answers.append(answer)
        again += put_again
    if again:
        stream.put(again)
        tell("put_again", "Records without room in this answer come again", records=len(again))
    return answers


def _answer(record: Answer, origin: Origin, room: int) -> tuple[Answer, list[bytes]]:
    """The answer for one record, and what is to be put into the stream instead of it."""
    raw = base64.b64decode(record["data"])
    if room < len(record["data"]):  # events are larger than what they came in
        return _dropped(record), [raw]
    try:
        made = _events(raw, origin)
    except envelope.NotAnEnvelope as error:
        return _failed(record, raw, str(error), room)
    except Exception as error:  # noqa: BLE001  (one record must not take the others to S3 with it)
        return _failed(record, raw, repr(error), room)
    answer = _ok(record, made) if made else _dropped(record)
    if _size(answer) <= room:
        return answer, []
    if _size(answer) <= ROOM:
        return _dropped(record), [raw]
    return _halved(record, raw, room)


def _halved(record: Answer, raw: bytes, room: int) -> tuple[Answer, list[bytes]]:
    whole = envelope.read(raw)
    if whole is None or len(whole.events) < 2:
        return _failed(record, raw, "one log event is larger than Lambda may answer", room)
    return _dropped(record), [envelope.packed(half) for half in envelope.halves(whole)]


def _events(raw: bytes, origin: Origin) -> bytes:
    """Lines for HEC; empty for a control message. Raises NotAnEnvelope."""
    if hec.are_events(raw):
        return raw
    said = envelope.read(raw)
    if said is None:
        return b""
    empty = sum(not one.message for one in said.events)
    if empty:
        tell("empty_log_events", "Log events without text, which HEC refuses", log_events=empty)
    return b"".join(hec.events(said, *origin))


def _failed(record: Answer, raw: bytes, why: str, room: int) -> tuple[Answer, list[bytes]]:
    answer = _said(record, "ProcessingFailed", record["data"])
    if _size(answer) > room:  # comes again, in a batch with more room
        return _dropped(record), [raw]
    tell(
        "record_failed",
        f"A record of the stream cannot be made into events: {why}",
        record_id=record["recordId"],
        next_step="It is kept under processing-failed/ in the backup bucket. Records that "
        "CloudWatch Logs did not send mean that something else writes to this stream",
    )
    return answer, []


def _ok(record: Answer, data: bytes) -> Answer:
    return _said(record, "Ok", base64.b64encode(data).decode())


def _dropped(record: Answer) -> Answer:
    return _said(record, "Dropped", "")


def _said(record: Answer, result: str, data: str) -> Answer:
    return {"recordId": record["recordId"], "result": result, "data": data}


def _size(answer: Answer) -> int:
    return len(answer["recordId"]) + len(answer["data"]) + _FRAME
