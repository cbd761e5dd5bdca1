from __future__ import annotations

import json

from cloudhsm.record import identify
from tools.bench_server import PAGE_BYTES, STREAMS, pages

NOW_MS = 1_790_000_000_000


def test_the_pages_hold_every_record_once_in_order_and_stay_below_a_megabyte() -> None:
    answers = [json.loads(page) for page in pages(7_000, NOW_MS)]
    assert [answer.get("nextToken") for answer in answers] == ["1", "2", None]
    events = [event for answer in answers for event in answer["events"]]
    assert len({event["eventId"] for event in events}) == len(events) == 7_000
    assert [e["timestamp"] for e in events] == sorted(e["timestamp"] for e in events)
    for answer in answers:
        assert sum(len(event["message"]) for event in answer["events"]) <= PAGE_BYTES


def test_the_records_are_whole_and_number_on_within_their_stream() -> None:
    (answer,) = (json.loads(page) for page in pages(40, NOW_MS))
    for stream in STREAMS:
        own = [identify(e["message"]) for e in answer["events"] if e["logStreamName"] == stream]
        assert [record.sequence for record in own] == list(range(10))
        assert all(not record.flaws for record in own)


def test_a_record_has_about_the_size_of_a_real_one() -> None:
    (answer,) = (json.loads(page) for page in pages(100, NOW_MS))
    sizes = [len(event["message"]) for event in answer["events"]]
    assert all(300 <= size <= 400 for size in sizes)
