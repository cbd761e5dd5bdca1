from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.seen import Seen

HOUR = 3_600_000
EVENTS = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.integers(0, 20 * HOUR)))


def reloaded(seen: Seen) -> Seen:
    document = json.loads(json.dumps(seen.to_json()))
    return Seen.from_json(document["hours"], document["boundary"])


@given(EVENTS, EVENTS)
def test_what_was_added_is_held_and_nothing_else_also_after_a_reload(
    added: list[tuple[str, int]], others: list[tuple[str, int]]
) -> None:
    seen = Seen()
    for event_id, at_ms in added:
        seen.add(event_id, at_ms)
    ids_by_hour = {(event_id, at_ms // HOUR) for event_id, at_ms in added}
    for memory in (seen, reloaded(seen)):
        assert all(memory.holds(*one) for one in added)
        assert all(
            memory.holds(event_id, at_ms) == ((event_id, at_ms // HOUR) in ids_by_hour)
            for event_id, at_ms in others
        )
        assert len(memory) == len(ids_by_hour)


@given(EVENTS, st.integers(0, 20 * HOUR))
def test_forgetting_drops_whole_hours_before_the_instant_only(
    added: list[tuple[str, int]], floor_ms: int
) -> None:
    seen = Seen()
    for one in added:
        seen.add(*one)
    seen.forget_before(floor_ms)
    assert all(seen.holds(*one) == (one[1] // HOUR >= floor_ms // HOUR) for one in added)


def test_a_backfill_remembers_the_events_of_its_last_millisecond_only() -> None:
    seen = Seen()
    seen.add_boundary("a", 1)
    seen.add_boundary("b", 2)
    seen.add_boundary("c", 2)
    for memory in (seen, reloaded(seen)):
        held = [memory.holds(*one) for one in (("a", 1), ("b", 2), ("c", 2), ("b", 3))]
        assert held == [False, True, True, False]
        assert len(memory) == 0
    seen.end_backfill()
    assert not seen.holds("b", 2)


def test_equal_memories_have_equal_documents_whatever_the_order() -> None:
    one, other = Seen(), Seen()
    for event_id in "abc":
        one.add(event_id, 5)
    for event_id in "cba":
        other.add(event_id, 5)
    assert one.to_json() == other.to_json()


@pytest.mark.parametrize("text", ["AAAA", "no base64!"])
def test_damaged_digests_raise(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Seen.from_json({"1": text}, (None, ""))
