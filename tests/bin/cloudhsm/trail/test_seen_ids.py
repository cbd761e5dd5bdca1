from __future__ import annotations

import base64
import json
import random
import tracemalloc
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.aws.log_source import Page
from cloudhsm.trail.seen_ids import Boundary, Seen
from tests.bin.fakes import event

HOUR = 3_600_000
EVENTS = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.integers(0, 20 * HOUR)))


def reloaded(seen: Seen) -> Seen:
    return Seen.from_json(json.loads(json.dumps(seen.to_json())))


@given(EVENTS)
def test_an_event_is_new_once_in_its_hour_also_after_a_reload(added: list[tuple[str, int]]) -> None:
    seen = Seen()
    met: set[tuple[str, int]] = set()
    for event_id, at_ms in added:
        seen = reloaded(seen)
        assert seen.is_new(event_id, at_ms) == ((event_id, at_ms // HOUR) not in met)
        met.add((event_id, at_ms // HOUR))
    assert len(seen) == len(met)


@given(EVENTS, st.integers(0, 20 * HOUR))
def test_forgetting_drops_whole_hours_before_the_instant_only(
    added: list[tuple[str, int]], floor_ms: int
) -> None:
    seen = Seen()
    for one in added:
        seen.is_new(*one)
    seen.forget_before(floor_ms)
    for event_id, at_ms in dict.fromkeys((e, at // HOUR * HOUR) for e, at in added):
        assert seen.is_new(event_id, at_ms) == (at_ms // HOUR < floor_ms // HOUR)


@given(EVENTS, st.lists(st.booleans(), max_size=20))
def test_a_memory_that_rested_knows_what_it_knew(
    added: list[tuple[str, int]], rests: list[bool]
) -> None:
    steady, resting = Seen(), Seen()
    for one, does_rest in zip(added, [*rests, *[True] * len(added)]):
        assert resting.is_new(*one) == steady.is_new(*one)
        if does_rest:
            resting.compact()
    assert len(resting) == len(steady)
    assert resting.to_json() == steady.to_json()
    assert all(resting.knows(*one) for one in added)


def test_at_rest_an_id_takes_no_more_memory_than_its_text() -> None:
    hours = {
        str(hour): base64.b64encode(random.Random(hour).randbytes(8 * 2_000)).decode()
        for hour in range(30)
    }
    tracemalloc.start()
    try:
        seen = Seen.from_json(hours)
        assert not seen.knows("a", 5 * HOUR)
        asked = tracemalloc.get_traced_memory()[0]
        seen.is_new("b", 7 * HOUR)
        seen.compact()
        rested = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert asked < 2_000 * 150  # one hour of thirty was unpacked
    assert rested < 30_000  # the text of one hour is new; the others are those that were given


def test_a_boundary_remembers_the_events_of_its_last_millisecond_only() -> None:
    boundary = Boundary()
    assert [boundary.is_new(*one) for one in (("a", 1), ("b", 2), ("c", 2))] == [True] * 3
    boundary = Boundary(*json.loads(json.dumps(boundary.to_json())))
    assert [boundary.is_new(*one) for one in (("b", 2), ("c", 2), ("d", 2))] == [False, False, True]
    assert boundary.is_new("b", 3)
    assert boundary.is_new("b", 2)


def test_equal_memories_have_equal_documents_whatever_the_order() -> None:
    one, other = Seen(), Seen()
    for event_id in "abc":
        one.is_new(event_id, 5)
    for event_id in "cba":
        other.is_new(event_id, 5)
    assert one.to_json() == other.to_json()


@pytest.mark.parametrize("text", ["AAAA", "no base64!"])
def test_damaged_digests_raise(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Seen.from_json({"1": text})
    with pytest.raises(ValueError, match=r".+"):
        Boundary(1, text)


PAGES = st.lists(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 6)), max_size=6), max_size=6
)


@given(PAGES, st.none() | st.integers(0, 3))
def test_a_page_behind_a_boundary_is_told_as_its_events_one_by_one_would_be(
    pages: list[list[tuple[str, int]]], begun: int | None
) -> None:
    whole, single = Boundary(begun), Boundary(begun)
    for page in pages:
        events = [
            event(0, at_ms, event_id=f"{name}{at_ms}")
            for name, at_ms in sorted(page, key=itemgetter(1))
        ]
        expected = [one for one in events if single.is_new(one.event_id, one.timestamp_ms)]
        asked = Page.of(events)
        assert asked.only(whole.fresh(asked.ids, asked.times_ms)).events == expected
        assert whole.to_json() == single.to_json()


@given(PAGES)
def test_a_page_is_met_once_and_known_from_then_on(pages: list[list[tuple[str, int]]]) -> None:
    seen, met = Seen(), set()
    for page in pages:
        events = [event(0, at_ms, event_id=name) for name, at_ms in page]
        asked = Page.of(events)
        fresh = asked.only(seen.fresh(asked.ids, asked.times_ms))
        assert [*fresh.ids] == [
            name for name in dict.fromkeys(name for name, _ in page) if name not in met
        ]
        met |= {name for name, _ in page}
        assert all(seen.knows(one.event_id, one.timestamp_ms) for one in events)
    assert not seen.knows("never", 0)


def test_hours_without_events_are_not_known() -> None:
    seen = Seen()
    seen.is_new("a", 5 * HOUR)
    assert seen.knows_hours(0, 5 * HOUR)
    assert seen.knows_hours(6 * HOUR - 1, 9 * HOUR)
    assert not seen.knows_hours(0, 5 * HOUR - 1)
    assert not seen.knows_hours(6 * HOUR, 9 * HOUR)
