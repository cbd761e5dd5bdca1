from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples.details import Provenance
from samples.layout import Generation, Separator
from samples.simulator import Simulation, Trail, TrailEvent, simulate
from tests.samples.reading import Parsed, by_stream, is_text, matching, missing, text_records

MONDAY = datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc)
# Changes only when the content of trails is meant to change; then add it to the change log.
PINNED_SHA256 = "04f0a1b3802afc9ed8ba91e8dab777addda8ec6ad9af2f12e65c1e3580a05484"


def sha256(events: list[TrailEvent]) -> str:
    return hashlib.sha256("".join(event.to_json() + "\n" for event in events).encode()).hexdigest()


def test_a_trail_is_byte_identical_on_every_python(trail: Trail) -> None:
    assert sha256(trail.events) == PINNED_SHA256


def test_reading_a_simulation_twice_gives_the_same_trail_and_facts(trail: Trail) -> None:
    simulation = Simulation(7, MONDAY, 0.5)
    first, facts = list(simulation.stream()), simulation.facts
    assert list(simulation.stream()) == first
    assert simulation.facts == facts


@pytest.mark.parametrize("seed", [-7, 8])
def test_another_seed_is_another_organisation(seed: int) -> None:
    ids = [{hsm.hsm_id for hsm in simulate(s, MONDAY, 1 / 24).facts.hsms()} for s in (7, seed)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    "shift", [timedelta(days=400, hours=5, milliseconds=123), timedelta(days=-9000)]
)
def test_another_end_shifts_all_times_and_changes_nothing_else(shift: timedelta) -> None:
    here, there = simulate(7, MONDAY, 0.5), simulate(7, MONDAY + shift, 0.5)
    usecs = shift // timedelta(microseconds=1)
    assert len(here.events) == len(there.events)
    for event, shifted in zip(here.events, there.events):
        assert shifted.timestamp_ms - event.timestamp_ms == usecs // 1000
        assert without_times(shifted.message, usecs) == without_times(event.message, 0)


def without_times(message: str, shift: int) -> str:
    if message.startswith("{"):
        content = json.loads(message)
        content["timestamp"] -= shift // 1000
        return json.dumps(content)
    readable = r"(Time: |(?:local|host) time[ \t]*: )\d\d/\d\d/\d\d [\d:.]{15}"
    unread = re.sub(readable, r"\1", message, count=3)
    moved = re.sub(r"(usecs?:)(\d{9,})", lambda m: m[1] + str(int(m[2]) - shift), unread)
    return moved.replace("01/02/30 03:04:05.6789", "")


def test_the_end_is_taken_to_the_millisecond_so_that_content_cannot_depend_on_it() -> None:
    exact = simulate(7, MONDAY, 1 / 24).events
    assert simulate(7, MONDAY + timedelta(microseconds=999), 1 / 24).events == exact


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_usual_week_has_three_to_six_thousand_events(seed: int) -> None:
    assert 3_000 <= len(simulate(seed, MONDAY, 7).events) <= 6_000


def test_volume_and_days_scale_the_number_of_events() -> None:
    week, fourfold = simulate(7, MONDAY, 7), simulate(7, MONDAY, 7, volume=4)
    month = simulate(7, MONDAY, 28)
    assert 3.3 < len(fourfold.events) / len(week.events) < 4.3
    assert 3.5 < len(month.events) / len(week.events) < 4.3


def test_a_long_trail_is_made_as_it_is_read() -> None:
    stream = Simulation(7, MONDAY, days=10_000, volume=100).stream()
    assert len(list(itertools.islice(stream, 500))) == 500


def test_facts_are_not_known_before_the_stream_has_been_read() -> None:
    simulation = Simulation(7, MONDAY, 1)
    next(simulation.stream())
    with pytest.raises(RuntimeError, match="read to its end"):
        _ = simulation.facts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"days": 0}, "days must be a number above 0: got 0"),
        ({"days": -1}, "days must be a number above 0: got -1"),
        ({"days": float("nan")}, "days must be a number above 0: got nan"),
        ({"days": float("inf")}, "days must be a number above 0: got inf"),
        ({"days": 0.04}, "days must be at least 1/24"),
        ({"days": 1e6}, "would start before 1970"),
        ({"end": datetime(1970, 1, 2, tzinfo=timezone.utc)}, "would start before 1970"),
        ({"end": datetime(2026, 3, 2)}, "end needs a time zone"),
        ({"volume": 0}, "volume must be above 0 and at most 1000"),
        ({"volume": 1001}, "volume must be above 0 and at most 1000"),
        ({"volume": float("nan")}, "volume must be above 0 and at most 1000"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments: dict[str, object], message: str) -> None:
    given_arguments: dict[str, object] = {"seed": 7, "end": MONDAY, "days": 7, **arguments}
    with pytest.raises(ValueError, match=re.escape(message)):
        Simulation(**given_arguments)  # type: ignore[arg-type]  # wrong values are the point


# What must hold for every trail, however short and for every seed.

LENGTHS = st.sampled_from([1 / 24, 0.1, 0.5, 1.0, 2.0])


@settings(max_examples=20, deadline=None)
@given(st.integers(), LENGTHS, st.sampled_from([0.2, 1.0, 5.0]))
def test_every_trail_keeps_its_promises(seed: int, days: float, volume: float) -> None:
    trail = simulate(seed, MONDAY, days, volume)
    records = text_records(trail)
    check_order_and_bounds(trail)
    check_sequences(trail, records)
    check_end_markers(trail, records)
    assert {record.opcode for record in records} >= {
        "CN_INIT_TOKEN",
        "CN_RESTORE_BEGIN",
        "CN_SET_M_VALUE",
        "END_MARKER_OPCODE",
        "UNKNOWN_OPCODE",
        "CN_BACKUP_BEGIN",
        trail.facts.unlisted_opcode,
    }
    assert {record.response for record in records} >= {157, 163, 168, 179, 187, 198, 206, 219}


def check_order_and_bounds(trail: Trail) -> None:
    stamps = [event.timestamp_ms for event in trail.events]
    assert stamps == sorted(stamps)
    assert trail.facts.start_usecs <= stamps[0] * 1000
    assert stamps[-1] * 1000 <= trail.facts.end_usecs
    assert trail.facts.events == len(trail.events)


def check_sequences(trail: Trail, records: list[Parsed]) -> None:
    (gap,) = trail.facts.gaps
    assert 9 <= gap.last_missing - gap.first_missing + 1 <= 21
    streams = by_stream(records)
    for hsm in trail.facts.hsms():
        lost = missing(trail.facts, hsm.hsm_id)
        expected = [n for n in range(hsm.last_sequence + 1) if n not in lost]
        own = streams[hsm.hsm_id]
        assert [record.sequence for record in own] == expected
        assert len(own) == hsm.events
        assert {r.fields["Reboot counter"] for r in own} == {f"{hsm.reboot_counter:#x}"}
        assert all(record.usecs < following.usecs for record, following in zip(own, own[1:]))
        assert hsm.last_sequence > max(lost, default=-1)


def check_end_markers(trail: Trail, records: list[Parsed]) -> None:
    replacement = trail.facts.replacement
    streams = by_stream(records)
    ends = [stream for stream, of_it in streams.items() if of_it[-1].opcode == "END_MARKER_OPCODE"]
    assert ends == [replacement.old_hsm]
    assert sum(record.opcode == "END_MARKER_OPCODE" for record in records) == 1
    assert streams[replacement.new_hsm][0].sequence == 0
    assert streams[replacement.new_hsm][0].usecs > streams[replacement.old_hsm][-1].usecs


# What a week looks like.


def test_records_reach_cloudwatch_a_little_late(records: list[Parsed]) -> None:
    delays = [record.timestamp_ms - record.usecs / 1000 for record in records]
    assert min(delays) > 0
    assert max(delays) < 1_000


def test_streams_are_out_of_step_and_milliseconds_are_shared(records: list[Parsed]) -> None:
    times = [record.usecs for record in records]
    assert times != sorted(times)
    ties = Counter((record.log_stream, record.timestamp_ms) for record in records)
    assert sum(count > 1 for count in ties.values()) > 50


def test_nights_and_week_ends_are_quiet(records: list[Parsed]) -> None:
    hours = Counter(
        datetime.fromtimestamp(record.usecs / 1e6, timezone.utc).strftime("%a %H")
        for record in records
    )
    assert hours["Tue 03"] < hours["Tue 10"] / 2
    assert sum(n for hour, n in hours.items() if hour[:3] in ("Sat", "Sun")) < len(records) * 0.2


def test_both_generations_and_all_separators_occur_each_true_to_its_stream(
    trail: Trail, records: list[Parsed]
) -> None:
    pattern = {
        Separator.SPACE: r"Session Handle : ",
        Separator.NONE: r"Session Handle: ",
        Separator.TAB: r"Session Handle\t: ",
        Separator.PADDING_TABS: r"Session Handle\t\t: ",
    }
    hsms = {hsm.hsm_id: hsm for hsm in trail.facts.hsms()}
    assert {hsm.separator for hsm in hsms.values()} == set(Separator)
    for record in records:
        hsm = hsms[record.log_stream]
        assert re.search(pattern[hsm.separator], record.message)
        assert ("Version No" in record.fields) is (hsm.generation is Generation.NEWER)


def test_only_the_certificate_streams_hold_json(trail: Trail) -> None:
    for cluster in trail.facts.clusters:
        events = [event for event in trail.events if event.log_group == cluster.log_group]
        stream = [event for event in events if event.log_stream == cluster.certificate_stream]
        assert len(stream) == cluster.certificate_events > 0
        assert not any(is_text(event) for event in stream)
        assert all(is_text(event) for event in events if event not in stream)
        delays = [e.timestamp_ms - json.loads(e.message)["timestamp"] for e in stream]
        assert 0 < min(delays) <= max(delays) < 1_000


def test_every_layout_is_counted_and_marked(trail: Trail, records: list[Parsed]) -> None:
    shapes = trail.facts.shapes
    assert sum(counted.events for counted in shapes) == len(trail.events)
    published = {
        (counted.shape.generation, counted.shape.operation)
        for counted in shapes
        if counted.shape.provenance is Provenance.PUBLISHED
    }
    assert {generation for generation, _ in published} == {"older", "certificate"}
    assert ("older", "CN_LOGIN") in published
    logins = sum(record.opcode == "CN_LOGIN" for record in records)
    counts = {(c.shape.generation, c.shape.operation): c.events for c in shapes}
    assert counts["older", "CN_LOGIN"] + counts["newer", "CN_LOGIN"] == logins


def test_the_trail_is_rich_in_operations(records: list[Parsed]) -> None:
    assert len({record.opcode for record in records}) >= 38


def test_no_message_ends_with_a_newline(trail: Trail) -> None:
    assert not any(event.message.endswith("\n") for event in trail.events)


def test_the_unlisted_opcode_is_in_one_record(trail: Trail, records: list[Parsed]) -> None:
    name = trail.facts.unlisted_opcode
    assert len(list(matching(records, lambda record: record.opcode == name))) == 1


def test_facts_become_json(trail: Trail) -> None:
    facts = json.loads(trail.facts.to_json())
    assert facts["gaps"][0]["first_missing"] == trail.facts.gaps[0].first_missing
    assert facts["clusters"][0]["hsms"][0]["separator"] == "space"
