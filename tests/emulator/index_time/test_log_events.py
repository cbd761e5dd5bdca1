from __future__ import annotations

import pytest

from emulator.errors import StreamError
from emulator.index_time.log_events import from_json_lines, log_event

_RECORD = "Time: 03/01/26 00:00:00.000001, usecs:1772323200000001\nSequence No : 0x1"
_GROUP = "/aws/cloudhsm/cluster-likphkxygsn"


@pytest.mark.parametrize(
    ("stream", "message", "sourcetype", "usecs"),
    [
        ("hsm-a", _RECORD, "aws:cloudhsm:audit", 1_772_323_200_000_001),
        ("hsm-a", "no clock", "aws:cloudhsm:audit", 5_000_000),
        ("hsm-a", f"User Name : x\n{_RECORD}", "aws:cloudhsm:audit", 5_000_000),
        ("cluster-a", '{"usecs:1772323200000001": 1}', "aws:cloudhsm:certificate", 5_000_000),
    ],
)  # fmt: skip
def test_a_record_is_indexed_as_the_collector_sends_it(
    stream: str, message: str, sourcetype: str, usecs: int
) -> None:
    """The HSM's own clock counts, where the record begins with it; else CloudWatch's."""
    event = log_event(_GROUP, stream, 5_000, message)

    assert (event.raw, event.time_usecs, event.sourcetype) == (message, usecs, sourcetype)
    assert (event.host, event.index) == (stream, "main")
    assert event.source == f"111122223333:us-east-1:{_GROUP}:{stream}"


def test_lines_of_json_are_events_and_empty_lines_are_not() -> None:
    line = b'{"logGroup": "/g", "logStream": "hsm-a", "timestamp": 7, "message": "m"}'

    events = from_json_lines([line, b" \n", line])
    records = [(event.raw, event.time_usecs, event.host) for event in events]
    assert records == [("m", 7_000, "hsm-a")] * 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "line 2 is no JSON"),
        (b"\xff", "line 2 is no JSON"),
        (b"[]", "line 2 needs logGroup, logStream, timestamp, message"),
        (
            b'{"logGroup": "/g", "logStream": "s", "timestamp": true, "message": 1}',
            "line 2 needs timestamp, message",
        ),
    ],
)
def test_a_bad_line_is_named(line: bytes, message: str) -> None:
    with pytest.raises(StreamError, match=message):
        list(from_json_lines([b"", line]))
