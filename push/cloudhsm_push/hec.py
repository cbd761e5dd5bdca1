"""Events in the format of the HTTP Event Collector's event endpoint: a JSON object per line.

They have the same time, host, source, sourcetype and text as those of the add-on's input, so that
the same search-time rules, searches and `record_key` apply to both.

Source: Getting Data In, "Format events for HTTP Event Collector".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

from cloudhsm.splunk.event_writer import visible
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.record_identity import identify
from cloudhsm_push.envelope import Envelope
from cloudhsm_push.routing import Routing

_SECOND_USECS = 1_000_000
_LATEST_S = 10**12
_BEGINNING = b'{"time": '


def events(envelope: Envelope, routing: Routing) -> Iterator[bytes]:
    """One line for each log event with text; HEC refuses a request with an empty event."""
    group = GroupId(routing.partition, envelope.owner, routing.region, envelope.log_group)
    for event in envelope.events:
        if event.message:
            usecs = event.timestamp_ms * 1000
            yield _line(group, envelope.log_stream, usecs, event.message, routing.splunk_index)


def are_lines(data: bytes) -> bool:
    """Whether the data looks like output of `events`, as S3 has after a failed delivery."""
    return data.startswith(_BEGINNING)


def split(data: bytes, routing: Routing) -> tuple[bytes, bytes]:
    """The lines that `events` makes for this stack, and all others, which anybody else made.

    A line has nothing of its own: each is made again from its account, log group, log stream,
    time and text, and has to come out the same.
    """
    own: list[bytes] = []
    foreign: list[bytes] = []
    for line in data.splitlines(keepends=True):
        (own if _is_own(line, routing) else foreign).append(line)
    return b"".join(own), b"".join(foreign)


def _line(group: GroupId, stream: str, usecs: int, text: str, index: str) -> bytes:
    """usecs: when CloudWatch Logs received the text, for texts without a time of their own."""
    record = identify(text)
    usecs = usecs if record.usecs is None else record.usecs
    host, source, sourcetype = group.origin(stream, record.kind)
    fields = {"host": host, "source": source, "sourcetype": sourcetype, "event": _encodable(text)}
    if index:
        fields["index"] = index
    # Not a float, which would lose digits of the microseconds.
    time = f"{usecs // _SECOND_USECS}.{usecs % _SECOND_USECS:06d}"
    return f'{{"time": {time}, {json.dumps(fields, ensure_ascii=False)[1:]}\n'.encode()


def _encodable(text: str) -> str:
    """The text; UTF-8 cannot encode a lone surrogate, which becomes visible as in the input."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return visible(text)
    return text


def _is_own(line: bytes, routing: Routing) -> bool:
    try:
        fields = json.loads(line, parse_float=Decimal)
        account, region, source = str(fields["source"]).split(":", 2)
        log_group, _, stream = source.rpartition(":")
        is_elsewhere = routing.refusal(Envelope(account, log_group, stream, ()))
        # A number of a million digits would take longer than the function may run.
        if is_elsewhere or region != routing.region or not 0 <= fields["time"] < _LATEST_S:
            return False
        usecs = int(fields["time"] * _SECOND_USECS)
        group = GroupId(routing.partition, account, region, log_group)
        return _line(group, stream, usecs, fields["event"], routing.splunk_index) == line
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return False
