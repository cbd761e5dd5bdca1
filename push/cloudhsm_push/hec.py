"""Events as the event endpoint of Splunk's HTTP Event Collector takes them: a JSON object a line.

They have the same time, host, source, sourcetype and text as those of the add-on's input, so that
the same search-time rules, searches and `record_key` hold for both.

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
    """One line for each log event that has a text; HEC refuses a request with an empty one.

    index: where they go; empty for the index of the token.
    """
    group = GroupId(partition, envelope.owner, region, envelope.log_group)
    for one in envelope.events:
        if one.message:
            yield _line(group, envelope.log_stream, one.timestamp_ms, one.message, index)


def are_events(data: bytes) -> bool:
    """Whether the data is lines of `events` already: what S3 keeps of a failed delivery."""
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
    said = {"host": host, "source": source, "sourcetype": sourcetype, "event": _carried(text)}
    if index:
        said["index"] = index
    # By hand: a float would lose digits of the microseconds.
    time = f"{usecs // _SECOND_USECS}.{usecs % _SECOND_USECS:06d}"
    return f'{{"time": {time}, {json.dumps(said, ensure_ascii=False)[1:]}\n'.encode()


def _carried(text: str) -> str:
    """As it is. UTF-8 cannot carry a lone surrogate, which becomes visible as in the input."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return visible(text)
    return text


def _is_ours(said: object) -> bool:
    if not isinstance(said, dict) or not said.keys() >= _KEYS:
        return False
    return isinstance(said["sourcetype"], str) and said["sourcetype"] in _OURS
