from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.seen import Boundary, Seen

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
