"""The benchmark's CloudWatch Logs: whole, cut as AWS cuts it, and counting."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cloudhsm.trail.record_identity import identify
from tools.bench import server
from tools.bench.server import PAGE_BYTES, STREAMS, Load, Pages, Trail

NOW_MS = 1_790_000_000_000


def filtered(pages: Pages, **asked: int | str) -> Iterator[dict[str, Any]]:
    """The pages of a window, following the token."""
    while True:
        page = json.loads(pages.filter_log_events(asked))
        yield page
        if "nextToken" not in page:
            return
        asked["nextToken"] = page["nextToken"]


def events(pages: Pages, **asked: int | str) -> list[dict[str, Any]]:
    return [event for page in filtered(pages, **asked) for event in page["events"]]


def of_stream(pages: Pages, stream: str) -> list[dict[str, Any]]:
    """All events of a stream, until the token comes a second time."""
    found, token = [], None
    while True:
        asked = {"logStreamName": stream} | ({} if token is None else {"nextToken": token})
        page = json.loads(pages.get_log_events(asked))
        found += page["events"]
        if page["nextForwardToken"] == token:
            return found
        token = page["nextForwardToken"]


def test_a_window_holds_every_record_once_in_order_on_pages_below_a_megabyte() -> None:
    pages = Pages(Trail(7_000, NOW_MS))
    answers = [*filtered(pages)]
    assert [len(answer["events"]) for answer in answers][:2] == [
        Trail(7_000, NOW_MS).page_events
    ] * 2
    found = events(pages)
    assert len({event["eventId"] for event in found}) == len(found) == 7_000
    assert [one["timestamp"] for one in found] == sorted(one["timestamp"] for one in found)
    for answer in answers:
        assert sum(len(event["message"]) + 26 for event in answer["events"]) <= PAGE_BYTES


def test_both_ends_of_a_window_are_inclusive() -> None:
    trail = Trail(1_000, NOW_MS)
    pages = Pages(trail)
    first, last = trail.at_ms(10), trail.at_ms(20)
    inside = events(pages, startTime=first, endTime=last)
    assert [event["timestamp"] for event in inside] == [trail.at_ms(n) for n in range(10, 21)]
    assert events(pages, startTime=last + 1, endTime=trail.at_ms(21) - 1) == []
    before, after = events(pages, endTime=first - 1), events(pages, startTime=last + 1)
    assert before + inside + after == events(pages)


def test_the_streams_together_hold_what_the_window_holds() -> None:
    pages = Pages(Trail(12_001, NOW_MS))
    apart = [one["message"] for stream in STREAMS for one in of_stream(pages, stream)]
    assert sorted(apart) == sorted(event["message"] for event in events(pages))


def test_the_records_are_whole_and_number_on_within_their_stream() -> None:
    pages = Pages(Trail(40, NOW_MS))
    for stream in STREAMS:
        own = [identify(event["message"]) for event in of_stream(pages, stream)]
        assert [record.sequence for record in own] == list(range(10))
        assert all(not record.flaws for record in own)


def test_what_does_not_fit_into_memory_is_rendered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    trail = Trail(3_500, NOW_MS)
    kept = Pages(trail)
    monkeypatch.setattr(server, "MOST_KEPT", 10)
    rendered = Pages(trail)
    assert events(rendered) == events(kept)
    assert of_stream(rendered, STREAMS[1]) == of_stream(kept, STREAMS[1])


def test_a_record_has_about_the_size_of_a_real_one() -> None:
    assert all(300 <= len(event["message"]) <= 400 for event in events(Pages(Trail(100, NOW_MS))))


def test_a_quota_refuses_what_exceeds_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    load = Load(calls_per_second=2)
    assert [load.admit("FilterLogEvents") for _ in range(3)] == [True, True, False]
    now = 100.5
    assert [load.admit("FilterLogEvents") for _ in range(2)] == [True, False]
    now = 200.0
    assert [load.admit("GetLogEvents") for _ in range(3)] == [True, True, False]
    assert load.take_counts() == {"FilterLogEvents": 3, "GetLogEvents": 2, "throttled": 3}
    assert load.take_counts() == {}
