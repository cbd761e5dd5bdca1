"""The quiet month: what is in it, and what is not."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import datetime, timezone

import pytest

from samples.quiet_month import QuietMonth
from samples.trail import TrailEvent

END = datetime(2026, 4, 1, 8, 30, tzinfo=timezone.utc)
SMALL = 0.05


@pytest.fixture(scope="module")
def month() -> tuple[QuietMonth, list[TrailEvent]]:
    quiet = QuietMonth(7, END, SMALL)
    return quiet, list(quiet.stream())


def number(message: str) -> int:
    match = re.search(r"Sequence No\s*:\s*0x([0-9a-f]+)", message)
    assert match
    return int(match[1], 16)


def operation(message: str) -> str:
    match = re.search(r"Opcode\s*:\s*(\w+)", message) or re.search(r'"op_code": "(\w+)"', message)
    assert match
    return match[1]


def test_a_seed_gives_the_same_bytes_each_time(month: tuple[QuietMonth, list[TrailEvent]]) -> None:
    quiet, events = month
    assert list(quiet.stream()) == events
    assert list(QuietMonth(7, END, SMALL).stream()) == events
    assert list(QuietMonth(8, END, SMALL).stream()) != events


def test_events_come_by_timestamp_within_the_month(
    month: tuple[QuietMonth, list[TrailEvent]],
) -> None:
    quiet, events = month
    times = [event.timestamp_ms for event in events]
    assert times == sorted(times)
    assert quiet.facts.start_ms <= times[0]
    assert times[-1] <= quiet.facts.end_ms


def test_no_number_is_missing_and_only_the_new_hsm_begins_at_zero(
    month: tuple[QuietMonth, list[TrailEvent]],
) -> None:
    quiet, events = month
    numbers = defaultdict(list)
    for event in events:
        if event.log_stream.startswith("hsm-"):
            numbers[event.log_stream].append(number(event.message))
    for stream, own in numbers.items():
        assert sorted(own) == list(range(own[0], own[0] + len(own)))
        assert (own[0] == 0) is (stream == quiet.facts.joined[1])
        assert own[0] == 0 or own[0] >= 40_000
    assert len(numbers) == 8


def test_the_facts_count_what_an_independent_reader_counts(
    month: tuple[QuietMonth, list[TrailEvent]],
) -> None:
    quiet, events = month
    assert dict(Counter(operation(event.message) for event in events)) == quiet.facts.operations
    assert quiet.facts.events == len(events)


def test_there_is_no_incident(month: tuple[QuietMonth, list[TrailEvent]]) -> None:
    quiet, events = month
    assert not quiet.facts.operations.keys() & {
        "CN_INIT_TOKEN",
        "CN_ZEROIZE",
        "END_MARKER_OPCODE",
        "CN_CREATE_CO",
        "CN_SET_M_VALUE",
        "CN_SAMPLE_UNLISTED_COMMAND",
    }
    refused = [event.message for event in events if "HSM Error" in event.message]
    assert refused
    assert all("RET_USER_LOGIN_FAILURE" in message for message in refused)


def test_the_control_plane_reads_each_day_and_makes_the_new_hsm(
    month: tuple[QuietMonth, list[TrailEvent]],
) -> None:
    quiet, events = month
    names = Counter(
        match[1]
        for call in quiet.control_plane()
        if (match := re.search(r'"eventName": "(\w+)"', call.text))
    )
    assert names == {"DescribeClusters": 30, "DescribeBackups": 30, "CreateHsm": 1}
    made = next(call.at for call in quiet.control_plane() if "CreateHsm" in call.text)
    first = next(event for event in events if event.log_stream == quiet.facts.joined[1])
    assert 0 < first.timestamp_ms / 1000 - made < 3600


def test_an_end_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        QuietMonth(7, datetime(2026, 4, 1, 8, 30))


def test_facts_wait_for_the_stream() -> None:
    with pytest.raises(RuntimeError, match="read to its end"):
        _ = QuietMonth(7, END, SMALL).facts
