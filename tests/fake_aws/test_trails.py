"""A trail contains what it declares, in a form that the collector's parser reads."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_aws.service import Arrival, Service
from tests.fake_aws.store import EVENT_BYTES, EVENT_OVERHEAD
from tests.fake_aws.trails import (
    GROUP,
    HOSTILE_TEXTS,
    audit_trail,
    certificate_text,
    hsm_name,
    huge_text,
    many_streams,
    one_millisecond,
)

NOW = 1_790_000_000_000
HOUR_MS = 3_600_000


def numbers_of(arrival: Arrival) -> tuple[int, int]:
    """Reboot counter and sequence number."""
    counter = re.search(r"Reboot counter : (0x[0-9a-f]+)", arrival.message)
    sequence = re.search(r"Sequence No : (0x[0-9a-f]+)", arrival.message)
    assert counter is not None
    assert sequence is not None
    return int(counter[1], 16), int(sequence[1], 16)


def usecs_of(arrival: Arrival) -> int:
    match = re.search(r"usecs:(\d+)", arrival.message)
    assert match is not None
    return int(match[1])


@given(st.integers(0, 2**32), st.integers(1, 300), st.floats(0, 0.3), st.integers(0, 4))
def test_sequences_have_only_declared_gaps(
    seed: int, events: int, lost_share: float, reboots: int
) -> None:
    trail = audit_trail(
        seed, events, NOW, NOW + HOUR_MS, lost_share=lost_share, reboots=reboots, hsms=2
    )
    assert len(trail.arrivals) + len(trail.missing) == events
    runs: dict[tuple[str, int], list[int]] = defaultdict(list)
    for arrival in trail.arrivals:
        counter, sequence = numbers_of(arrival)
        runs[arrival.stream, counter].append(sequence)
    for missing in trail.missing:
        runs[missing.stream, missing.reboot_counter].append(missing.sequence)
    for (stream, counter), sequences in runs.items():
        first = min(sequences)
        assert sorted(sequences) == list(range(first, first + len(sequences))), (stream, counter)


def test_a_trail_follows_from_its_seed() -> None:
    assert audit_trail(1, 50, NOW, NOW + HOUR_MS) == audit_trail(1, 50, NOW, NOW + HOUR_MS)
    assert audit_trail(1, 50, NOW, NOW + HOUR_MS) != audit_trail(2, 50, NOW, NOW + HOUR_MS)


def test_events_lie_inside_the_window_and_many_share_a_millisecond() -> None:
    """L3."""
    arrivals = audit_trail(1, 500, NOW, NOW + HOUR_MS).arrivals
    assert all(NOW <= arrival.at_ms < NOW + HOUR_MS for arrival in arrivals)
    shared = Counter((arrival.stream, arrival.at_ms) for arrival in arrivals)
    assert sum(count > 1 for count in shared.values()) > 50


def test_records_have_a_time_of_their_own() -> None:
    arrivals = audit_trail(1, 500, NOW, NOW + HOUR_MS).arrivals
    off_ms = {arrival.stream: arrival.at_ms - usecs_of(arrival) // 1_000 for arrival in arrivals}
    assert len(off_ms) == 4
    assert max(map(abs, off_ms.values())) > 10_000


def test_some_records_are_ingested_twice() -> None:
    arrivals = audit_trail(1, 500, NOW, NOW + HOUR_MS, twice_share=0.1).arrivals
    assert len(arrivals) - len(set(arrivals)) in range(20, 100)
    service = Service(1, NOW)
    assert len(set(service.put_all(arrivals))) == len(arrivals)


def test_certificates_have_the_stream_of_the_cluster() -> None:
    arrivals = audit_trail(1, 10, NOW, NOW + HOUR_MS, certificates=6).arrivals
    certificates = [arrival for arrival in arrivals if arrival.stream == "cluster-likphkxygsn"]
    assert len(certificates) == 6
    assert {"\n" in arrival.message for arrival in certificates} == {True, False}
    assert '"object_handle": 9007199254740992' in certificate_text(0, NOW)


def test_a_burst_of_one_millisecond_counts_on() -> None:
    """L3."""
    burst = one_millisecond("a", NOW, 5, first=7)
    assert [numbers_of(arrival)[1] for arrival in burst] == [7, 8, 9, 10, 11]
    assert {arrival.at_ms for arrival in burst} == {NOW}
    assert len({usecs_of(arrival) for arrival in burst}) == 5


def test_there_are_as_many_streams_as_wanted() -> None:
    """L14."""
    names = {arrival.stream for arrival in many_streams(2_800, NOW)}
    assert len(names) == 2_800
    assert all(re.fullmatch("hsm-[2-7a-z]{11}", name) for name in names)
    assert hsm_name(0) < hsm_name(1) < hsm_name(31)


def test_a_huge_text_is_the_largest_that_can_be_put() -> None:
    """L20."""
    service = Service(1, NOW)
    assert len(huge_text()) == EVENT_BYTES - EVENT_OVERHEAD
    service.put(GROUP, "a", NOW, huge_text())
    with pytest.raises(ValueError, match="AWS takes no event"):
        service.put(GROUP, "a", NOW, huge_text() + "7")


def test_hostile_texts_can_be_put_and_are_all_different() -> None:
    service = Service(1, NOW)
    service.put_all(Arrival(GROUP, "a", NOW, text) for text in HOSTILE_TEXTS)
    assert [event.message for event in service.visible(GROUP)] == list(dict.fromkeys(HOSTILE_TEXTS))
