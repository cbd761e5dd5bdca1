"""Firehose's input of the transformation, and its output for HEC."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from cloudhsm_push.envelope import Envelope, PushedEvent, packed
from cloudhsm_push.firehose import RecordSink
from cloudhsm_push.routing import Routing
from cloudhsm_push.transform import Answer, Destinations, transformed

ACCOUNT = "111122223333"
REGION = "us-east-1"
CLUSTER = "cluster-likphkxygsn"
HSM = "hsm-nwbbiqbj4jk"
ROUTING = Routing("aws", REGION, ACCOUNT)


class Sink:
    """A stream that takes all records."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def put(self, records: Sequence[bytes]) -> None:
        self.taken += records


class Kept:
    """A quarantine in memory: what was kept, with the reason."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, str]] = []

    def keep(self, data: bytes, reason: str) -> None:
        self.kept.append((data, reason))


def transform(
    records: Iterable[Answer],
    routing: Routing = ROUTING,
    stream: RecordSink | None = None,
    kept: Kept | None = None,
) -> list[Answer]:
    """The transformation's answers."""
    return transformed(records, routing, Destinations(stream or Sink(), kept or Kept()))


def envelope(*messages: str, stream: str = HSM, at_ms: int = 1_790_000_000_000) -> Envelope:
    """A log event for each message, one per millisecond."""
    events = tuple(PushedEvent(f"{n:056d}", at_ms + n, text) for n, text in enumerate(messages))
    return Envelope(ACCOUNT, f"/aws/cloudhsm/{CLUSTER}", stream, events, ("cloudhsm-push",))


def sent(events: Iterable[object], each: int = 50) -> list[Envelope]:
    """The log events of a sample trail as CloudWatch Logs sends them: some of one stream at a time.

    events: with log_group, log_stream, timestamp_ms and message.
    """
    made = []
    by_stream = sorted(events, key=attrgetter("log_group", "log_stream", "timestamp_ms"))
    for (group, stream), logged in groupby(by_stream, key=attrgetter("log_group", "log_stream")):
        pushed_events = [
            PushedEvent(f"{n:056d}", event.timestamp_ms, event.message)  # type: ignore[attr-defined]
            for n, event in enumerate(logged)
        ]
        made += [
            Envelope(ACCOUNT, group, stream, tuple(pushed_events[first : first + each]))
            for first in range(0, len(pushed_events), each)
        ]
    return made


def batch(*data: bytes) -> list[Answer]:
    """Records of Firehose."""
    return [
        {"recordId": f"{n:056d}000000", "data": base64.b64encode(record).decode()}
        for n, record in enumerate(data)
    ]


def body(answers: Iterable[Answer]) -> str:
    """What Firehose sends to HEC: the data of the results that are Ok, joined."""
    data = (base64.b64decode(answer["data"]) for answer in answers if answer["result"] == "Ok")
    return b"".join(data).decode()


def pushed(envelopes: Iterable[Envelope], routing: Routing = ROUTING) -> str:
    """What HEC gets of these, after all necessary calls of the transformation."""
    waiting = [packed(envelope) for envelope in envelopes]
    bodies = []
    while waiting:
        again = Sink()
        bodies.append(body(transform(batch(*waiting[:20]), routing, again)))
        waiting = waiting[20:] + again.taken
    return "".join(bodies)
