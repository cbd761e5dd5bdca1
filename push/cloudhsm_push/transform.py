"""Firehose's transformation: records of the subscriptions become events for HEC.

A record of Firehose contains log events of one stream; they become as many events, in their
order. Firehose takes a response of 6 MiB, and events are several times as large as their record.
So records that do not fit are put into the stream again, unchanged or, where a single record is too
large, in two halves. Records that cannot be read go to S3, unchanged. Dropped are only records that
were put into the stream again, CloudWatch Logs' control messages, and log events without text. What
is not of the stack's account, log groups and index is kept in S3, under foreign/.

Sources: Amazon Data Firehose Developer Guide, "Transform source data" and "Required parameters for
data transformation".
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from cloudhsm_push import envelope, hec
from cloudhsm_push.firehose import RecordSink, Stream
from cloudhsm_push.quarantine import Quarantine, S3Quarantine
from cloudhsm_push.routing import Routing, routing_from
from cloudhsm_push.structured_log import log

# Of the 6 MiB of Lambda's largest response; the rest is for the frame of the response.
MOST_BYTES = 6_000_000
_FRAME = 64  # of one record in the response, in bytes, without its id and data

TURN_OFF = (
    "Turn off decompression and message extraction of the stream, as the template has it: they "
    "drop log group and log stream. Records that could not be read are in the backup bucket, under "
    "processing-failed/; have an input collect the log groups from this time on"
)

Answer = dict[str, str]


class Destinations(NamedTuple):
    """Where data goes that does not become events in this call."""

    stream: RecordSink
    quarantine: Quarantine


def handler(event: dict[str, Any], _context: object = None) -> dict[str, list[Answer]]:
    """The Lambda handler, called with Firehose's batch."""
    import boto3

    stream_arn = str(event["deliveryStreamArn"])
    destinations = Destinations(
        Stream(boto3.client("firehose"), stream_arn.rpartition("/")[2]),
        S3Quarantine(boto3.client("s3"), os.environ["BUCKET"]),
    )
    routing = routing_from(stream_arn, os.environ)
    return {"records": transformed(event["records"], routing, destinations)}


def transformed(
    records: Iterable[Answer], routing: Routing, destinations: Destinations
) -> list[Answer]:
    """A result for each record.

    Raises errors of the destinations: then Firehose sends the batch again.
    """
    answers: list[Answer] = []
    requeued: list[bytes] = []
    left = MOST_BYTES
    for record in records:
        answer, parts = _answer(record, routing, destinations.quarantine, left)
        left -= _size(answer)
        answers.append(answer)
        requeued += parts
    if requeued:
        destinations.stream.put(requeued)
        log("put_again", "Put records beyond the response limit again", records=len(requeued))
    return answers


def _answer(
    record: Answer, routing: Routing, quarantine: Quarantine, left: int
) -> tuple[Answer, list[bytes]]:
    """The result of one record, and the records to put into the stream instead of it."""
    raw = base64.b64decode(record["data"])
    if left < len(record["data"]):  # events are larger than their record
        return _dropped(record), [raw]
    try:
        lines, foreign, reason = _events(raw, routing)
    except envelope.InvalidEnvelope as error:
        return _failed(record, raw, str(error), left)
    except Exception as error:  # noqa: BLE001  (one record must not take the others to S3 with it)
        return _failed(record, raw, repr(error), left)
    answer = _ok(record, lines) if lines else _dropped(record)
    if _size(answer) <= left:
        if foreign:
            quarantine.keep(foreign, reason)
        return answer, []
    if _size(answer) <= MOST_BYTES:
        return _dropped(record), [raw]
    return _halved(record, raw, left)


def _halved(record: Answer, raw: bytes, left: int) -> tuple[Answer, list[bytes]]:
    batch = envelope.read(raw)
    if batch is None or len(batch.events) < 2:
        return _failed(record, raw, "one log event exceeds Lambda's response limit", left)
    return _dropped(record), [envelope.packed(half) for half in envelope.halves(batch)]


def _events(raw: bytes, routing: Routing) -> tuple[bytes, bytes, str]:
    """Lines for HEC; then what is not passed on, and why. Raises InvalidEnvelope."""
    if hec.are_lines(raw):
        return *hec.split(raw, routing), "lines for HEC that differ from what this stack makes"
    batch = envelope.read(raw)
    if batch is None:  # a control message
        return b"", b"", ""
    if reason := routing.refusal(batch):
        return b"", raw, reason
    if envelope.is_plain(raw):
        log("stream_misconfigured", "Firehose decompresses records", next_step=TURN_OFF)
    empty = sum(not event.message for event in batch.events)
    if empty:
        log("empty_log_events", "Dropped log events without text", log_events=empty)
    return b"".join(hec.events(batch, routing)), b"", ""


def _failed(record: Answer, raw: bytes, why: str, left: int) -> tuple[Answer, list[bytes]]:
    answer = _response(record, "ProcessingFailed", record["data"])
    if _size(answer) > left:  # sent again, in a smaller batch
        return _dropped(record), [raw]
    if envelope.is_message(raw):
        log("stream_misconfigured", "Firehose extracts messages", next_step=TURN_OFF)
    log(
        "record_failed",
        f"Cannot convert a record of the stream into events: {why}",
        record_id=record["recordId"],
        next_step="Find it under processing-failed/ in the backup bucket. If CloudWatch Logs did "
        "not send it, check what else writes to this stream",
    )
    return answer, []


def _ok(record: Answer, data: bytes) -> Answer:
    return _response(record, "Ok", base64.b64encode(data).decode())


def _dropped(record: Answer) -> Answer:
    return _response(record, "Dropped", "")


def _response(record: Answer, result: str, data: str) -> Answer:
    return {"recordId": record["recordId"], "result": result, "data": data}


def _size(answer: Answer) -> int:
    return len(answer["recordId"]) + len(answer["data"]) + _FRAME
