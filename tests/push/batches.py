"""What Firehose hands to the transformation, and what HEC gets of its answer."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from cloudhsm_push.envelope import Envelope, LogEvent, packed
from cloudhsm_push.transform import Answer, Origin, transformed

ACCOUNT = "111122223333"
REGION = "us-east-1"
CLUSTER = "cluster-likphkxygsn"
HSM = "hsm-nwbbiqbj4jk"
ORIGIN = Origin("aws", REGION)


class Taking:
    """A stream that takes everything, or the first `refuses` records of nothing."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def put(self, records: Sequence[bytes]) -> None:
        self.taken += records


def envelope(*messages: str, stream: str = HSM, at_ms: int = 1_790_000_000_000) -> Envelope:
    """A log event for each message, a millisecond apart."""
    events = tuple(LogEvent(f"{n:056d}", at_ms + n, text) for n, text in enumerate(messages))
    return Envelope(ACCOUNT, f"/aws/cloudhsm/{CLUSTER}", stream, events, ("cloudhsm-push",))


def sent(events: Iterable[object], each: int = 50) -> list[Envelope]:
    """The log events of a sample trail as CloudWatch Logs sends them: some of one stream at a time.

    events: with log_group, log_stream, timestamp_ms and message.
    """
    made = []
    by_stream = sorted(events, key=attrgetter("log_group", "log_stream", "timestamp_ms"))
    for (group, stream), found in groupby(by_stream, key=attrgetter("log_group", "log_stream")):
        said = [
            LogEvent(f"{n:056d}", one.timestamp_ms, one.message)  # type: ignore[attr-defined]
            for n, one in enumerate(found)
        ]
        made += [
            Envelope(ACCOUNT, group, stream, tuple(said[first : first + each]))
            for first in range(0, len(said), each)
        ]
    return made


def batch(*data: bytes) -> list[Answer]:
    """Records of Firehose."""
    return [
        {"recordId": f"{n:056d}000000", "data": base64.b64encode(one).decode()}
        for n, one in enumerate(data)
    ]


def body(answers: Iterable[Answer]) -> str:
    """What Firehose sends to HEC: the data of what is Ok, one behind the other."""
    data = (base64.b64decode(one["data"]) for one in answers if one["result"] == "Ok")
    return b"".join(data).decode()


def pushed(envelopes: Iterable[Envelope], origin: Origin = ORIGIN) -> str:
    """What HEC gets of these, after as many calls of the transformation as that takes."""
    waiting = [packed(one) for one in envelopes]
    bodies = []
    while waiting:
        again = Taking()
        bodies.append(body(transformed(batch(*waiting[:20]), origin, again)))
        waiting = waiting[20:] + again.taken
    return "".join(bodies)
