"""Events in the format of the HTTP Event Collector's event endpoint: a JSON object per line.

They have the same time, host, source, sourcetype and text as those of the add-on's input, so that
the same search-time rules, searches and `record_key` apply to both.

Source: Getting Data In, "Format events for HTTP Event Collector".
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cloudhsm.splunk.event_writer import visible
from cloudhsm.trail.log_group import SOURCETYPES, GroupId
from cloudhsm.trail.record_identity import identify
from cloudhsm_push.envelope import Envelope

_SECOND_USECS = 1_000_000
_KEYS = frozenset({"time", "host", "source", "sourcetype", "event"})
_OURS = frozenset(SOURCETYPES.values())


def events(envelope: Envelope, partition: str, region: str, index: str) -> Iterator[bytes]:
    """One line for each log event with text; HEC refuses a request with an empty event.

    index: the Splunk index; empty for the index of the token.
    """
    group = GroupId(partition, envelope.owner, region, envelope.log_group)
    for event in envelope.events:
        if event.message:
            yield _line(group, envelope.log_stream, event.timestamp_ms, event.message, index)


def are_events(data: bytes) -> bool:
    """Whether the data is output of `events` already, as S3 has after a failed delivery."""
    if not data.startswith(b'{"time": '):
        return False
    try:
        return all(_is_ours(json.loads(line)) for line in data.splitlines())
    except (ValueError, RecursionError):
        return False


def _line(group: GroupId, stream: str, at_ms: int, text: str, index: str) -> bytes:
    record = identify(text)
    usecs = at_ms * 1000 if record.usecs is None else record.usecs
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


def _is_ours(line: object) -> bool:
    if not isinstance(line, dict) or not line.keys() >= _KEYS:
        return False
    return isinstance(line["sourcetype"], str) and line["sourcetype"] in _OURS
