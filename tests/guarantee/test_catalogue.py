"""The ways in which readers of CloudWatch Logs are known to lose events: a test for each.

The numbers are those of `tests.fake_aws.faults`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cloudhsm.base.errors import StateCorrupt, StateLocked
from cloudhsm.state.file_store import StateFile
from tests.bin.fakes import audit_text
from tests.fake_aws.faults import Faults, Lateness, at, every
from tests.fake_aws.service import READ_ONLY, Arrival
from tests.fake_aws.trails import (
    GROUP,
    HOSTILE_TEXTS,
    Missing,
    huge_text,
    many_streams,
    one_millisecond,
    replacement,
)
from tests.guarantee.simulation import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS, SECOND_MS, Hsm, World

Worlds = Callable[..., World]
AHEAD_MS = 2 * HOUR_MS


@pytest.fixture
def worlds(tmp_path: Path) -> Worlds:
    def make(horizon_ms: int = 6 * HOUR_MS, windows: int = 2, **knobs: object) -> World:
        faults = Faults(**{"page_events": 3, **knobs})  # type: ignore[arg-type]
        return World(tmp_path, faults=faults, horizon_ms=horizon_ms, windows=windows)

    return make


@pytest.fixture
def world(worlds: Worlds) -> World:
    return worlds()


def history(world: World, count: int = 20) -> Hsm:
    """Records of three days, two of them in each millisecond that has any."""
    hsm = Hsm(world, 1)
    for number in range(count):
        hsm.write(NOW_MS - 3 * DAY_MS + number // 2 * (3 * DAY_MS // count))
    return hsm


def runs(world: World, *minutes: float, interval_s: float = 60) -> None:
    for each in minutes:
        world.pass_minutes(each)
        world.run(interval_s=interval_s)


def assert_all_is_handed_over(world: World) -> None:
    assert world.oracle.got() == world.oracle.wanted()


def assert_kept(world: World) -> None:
    """The guarantee, after everything has calmed down."""
    world.calm_down()
    assert world.complaints() == []
    assert_all_is_handed_over(world)


def windows(world: World, since: int = 0) -> list[tuple[int, int]]:
    """What was asked for, without pages behind the first."""
    return [
        (request.body["startTime"], request.body["endTime"])
        for request in world.service.calls("FilterLogEvents")
        if request.number > since and "nextToken" not in request.body
    ]


def test_l1_an_empty_page_is_not_the_end(worlds: Worlds) -> None:
    world = worlds(empty_page=every(2))
    history(world)
    world.run()
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l1_a_page_that_is_not_full_is_not_the_end(worlds: Worlds) -> None:
    world = worlds(partial_page=every(1), page_events=10_000)
    history(world)
    world.run()
    assert_all_is_handed_over(world)
    assert_kept(world)


@pytest.mark.parametrize("late_ms", [MINUTE_MS, 20 * MINUTE_MS, 3 * HOUR_MS, 6 * HOUR_MS - 2_000])
def test_l2_a_late_event_is_handed_over(world: World, late_ms: int) -> None:
    hsm = Hsm(world, 1)
    for number in range(3):
        hsm.write(NOW_MS - 10 * SECOND_MS + number, delay_ms=late_ms if number == 1 else 0)
    runs(world, 0, 1, 1, 15, 30, 90, 200, 60)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l3_events_of_one_millisecond_on_several_pages_are_all_handed_over(world: World) -> None:
    for age_ms in (3 * DAY_MS, MINUTE_MS):
        for arrival in one_millisecond(f"hsm-of{age_ms}", NOW_MS - age_ms, 8):
            world.put(arrival)
    world.run()
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l3_events_of_one_millisecond_in_several_polls_are_all_handed_over(world: World) -> None:
    hsm = Hsm(world, 1)
    for number in range(8):
        hsm.write(NOW_MS - SECOND_MS, delay_ms=number * MINUTE_MS)
    runs(world, *[1] * 9)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l3_a_run_that_ends_inside_a_millisecond_goes_on_there(world: World) -> None:
    for arrival in one_millisecond("hsm-2", NOW_MS - 3 * DAY_MS, 120):
        world.put(arrival)
    for arrival in one_millisecond("hsm-3", NOW_MS - 3 * DAY_MS + 1, 5):
        world.put(arrival)
    runs(world, 0, 1, 1, 1, interval_s=1)
    assert_kept(world)


def test_l4_after_an_empty_scan_older_events_are_still_looked_for(world: World) -> None:
    runs(world, 0, 1, 1)
    Hsm(world, 1).write(NOW_MS - HOUR_MS, delay_ms=HOUR_MS + 10 * MINUTE_MS)
    runs(world, 15, 90)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l5_a_failed_call_moves_no_position(worlds: Worlds) -> None:
    world = worlds(server_error=at(*range(7, 40)), in_a_row=100)
    history(world)
    world.run()
    assert world.failures
    assert len(world.oracle.delivered) < 20
    world.service.faults = Faults(page_events=3)
    runs(world, 6, 6)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l5_what_came_during_an_outage_is_handed_over_behind_it(worlds: Worlds) -> None:
    world = worlds(outages=((NOW_MS + MINUTE_MS, NOW_MS + 9 * HOUR_MS),))
    hsm = Hsm(world, 1)
    for number in range(12):
        hsm.write(NOW_MS + number * HOUR_MS, delay_ms=SECOND_MS)
    runs(world, *[29] * 26)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l5_a_body_that_ends_early_is_not_an_empty_page(worlds: Worlds) -> None:
    world = worlds(cut=every(2))
    history(world)
    runs(world, 0, 1)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l6_a_stream_may_lag_hours_behind_the_others(worlds: Worlds) -> None:
    world = worlds()
    prompt, lagging = Hsm(world, 1), Hsm(world, 2)
    for number in range(15):
        prompt.write(NOW_MS + number * 20 * MINUTE_MS)
        lagging.write(NOW_MS + number * 20 * MINUTE_MS + 1, delay_ms=5 * HOUR_MS)
    runs(world, *[20] * 15)
    assert_kept(world)


def test_l7_history_never_delays_what_is_fresh(worlds: Worlds) -> None:
    world = worlds(page_events=1)
    history(world, 200)
    fresh = Hsm(world, 2)
    for number in range(5):
        text = fresh.write(NOW_MS + number * MINUTE_MS - SECOND_MS)
        world.run(interval_s=2)
        assert world.oracle.got()[fresh.stream, text] == 1
        assert len(world.oracle.delivered) < 200
        world.pass_minutes(1)
    assert_kept(world)


def test_l8_the_listing_of_streams_decides_nothing(worlds: Worlds) -> None:
    world = worlds(stale_ms=30 * DAY_MS)
    history(world)
    world.run()
    assert_all_is_handed_over(world)
    assert world.service.calls("DescribeLogStreams") == []


def test_l9_positions_have_milliseconds(world: World) -> None:
    hsm = Hsm(world, 1)
    for number in range(40):
        hsm.write(NOW_MS - 3 * DAY_MS + 100 + number)
    runs(world, *[1] * 6, interval_s=0.5)
    assert_kept(world)


@pytest.mark.parametrize("knob", ["repeat_token", "refuse_token"])
def test_l10_l11_an_unusable_token_is_not_the_end(worlds: Worlds, knob: str) -> None:
    world = worlds(**{knob: every(3)})
    history(world)
    world.run()
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l11_no_token_outlives_a_run(worlds: Worlds) -> None:
    world = worlds(token_life_ms=30 * SECOND_MS)
    history(world, 60)
    runs(world, *[60] * 4, interval_s=1)
    first_asked = [
        next(request for request in world.service.calls("FilterLogEvents") if request.at_ms > at_ms)
        for at_ms in (NOW_MS, NOW_MS + 2 * HOUR_MS - MINUTE_MS)
    ]
    assert all("nextToken" not in request.body for request in first_asked)
    assert_kept(world)


def test_l12_no_millisecond_falls_between_two_windows(worlds: Worlds) -> None:
    world = worlds(windows=4)
    hsm = Hsm(world, 1)
    start_ms, settled_ms = world.start_ms, NOW_MS - world.horizon_ms
    edges = {start_ms + (settled_ms - start_ms) * quarter // 4 for quarter in range(5)}
    for edge_ms in sorted({edge + step for edge in edges for step in (-2, -1, 0, 1, 2)}):
        if edge_ms >= start_ms:
            hsm.write(edge_ms)
    runs(world, 0, 1)
    assert_all_is_handed_over(world)
    asked = windows(world)
    starts = {start for start, _ in asked}
    assert all(end >= NOW_MS or end + 1 in starts for _, end in asked)
    assert_kept(world)


def test_l13_every_window_has_an_end(world: World) -> None:
    history(world)
    runs(world, 0, 61, 400)
    assert all(0 <= start <= end for start, end in windows(world))
    assert max(end for _, end in windows(world)) <= world.service.now_ms + AHEAD_MS


def test_l14_no_stream_is_left_out_however_many_there_are(worlds: Worlds) -> None:
    world = worlds(page_events=10_000)
    for arrival in many_streams(250, NOW_MS - HOUR_MS):
        world.put(arrival)
    world.run()
    assert_all_is_handed_over(world)


def test_l15_a_throttled_call_is_not_an_empty_answer(worlds: Worlds) -> None:
    world = worlds(calls_per_second=0.02)
    history(world)
    runs(world, 0, 6)
    assert world.failures
    world.service.faults = Faults(page_events=3, throttle=every(2))
    runs(world, 6, 6)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l16_the_tail_of_a_replaced_hsm_is_handed_over(world: World) -> None:
    for arrival in replacement("hsm-old", "hsm-new", NOW_MS, tail=4, delay_ms=HOUR_MS):
        world.put(arrival)
    runs(world, 1, 1, 61, 61)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l17_what_retention_deleted_first_is_called_expired(worlds: Worlds) -> None:
    world = worlds()
    world.service.add_group(GROUP, retention_days=1)
    hsm = Hsm(world, 1)
    hsm.write(NOW_MS - SECOND_MS)
    world.run()
    for _ in range(3):
        hsm.write(NOW_MS + HOUR_MS)
    hsm.write(NOW_MS + 3 * DAY_MS)
    runs(world, 3 * 24 * 60 + 1, *[100] * 8)
    said = world.oracle.last_verdicts()
    assert said == {Missing(hsm.stream, 0xE8, n): "expired" for n in (1, 2, 3)}


def test_l18_a_second_input_on_a_group_is_refused(world: World) -> None:
    history(world)
    world.run()
    world.pass_minutes(1)
    world.stanza = "aws_cloudhsm://twin"
    world.run()
    assert [type(failure) for failure in world.failures] == [StateLocked]
    runs(world, 30)  # the first one has gone: a renamed input goes on where it stopped
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_l19_a_damaged_state_repeats_a_page_at_most(world: World) -> None:
    history(world, 7)
    world.run()
    world.damage_state()
    runs(world, 1)
    assert {"state_recovered"} <= {str(event["event"]) for event in world.told}
    world.calm_down()
    assert world.complaints() == []


def test_l19_without_any_whole_state_nothing_is_read(world: World, tmp_path: Path) -> None:
    history(world)
    world.run()
    for path in [*tmp_path.glob("*.state"), *tmp_path.glob("*.previous")]:
        path.write_bytes(b"{}\n")
    before = [*world.oracle.delivered]
    for _ in range(2):
        since = len(world.service.requests)
        runs(world, 1)
        assert [type(failure) for failure in world.failures] == [StateCorrupt]
        assert windows(world, since) == []
    assert world.oracle.delivered == before


def test_l20_every_text_arrives_as_it_is(worlds: Worlds) -> None:
    world = worlds(page_events=10_000)
    for number, text in enumerate([*HOSTILE_TEXTS, huge_text()]):
        world.put(Arrival(GROUP, "=odd", NOW_MS - number, text, NOW_MS - number))
    user = "\n\tx]]>&<\u2028  \r\n "
    Hsm(world, 1).write(NOW_MS - 1, user=user)
    world.run()
    assert_all_is_handed_over(world)
    altered = [event for event in world.told if event["event"] == "record_altered"]
    assert len(altered) >= 3
    assert_kept(world)


def test_l21_credentials_that_expire_in_mid_scan_cost_nothing(worlds: Worlds) -> None:
    world = worlds(expire_credentials=at(6))
    history(world)
    world.run()
    assert world.failures
    assert len(world.oracle.delivered) < 20
    runs(world, 1, 1)
    assert_all_is_handed_over(world)
    assert_kept(world)


@pytest.mark.parametrize("skew_ms", [-40 * DAY_MS, -3 * HOUR_MS, 3 * HOUR_MS, 40 * DAY_MS])
def test_l22_the_clock_of_this_host_decides_nothing(world: World, skew_ms: int) -> None:
    world.skew_ms = skew_ms
    hsm = history(world)
    for number in range(15):
        hsm.write(NOW_MS + number * 20 * MINUTE_MS)
    runs(world, *[20] * 15)
    assert_all_is_handed_over(world)
    assert max(end for _, end in windows(world)) <= world.service.now_ms + AHEAD_MS + SECOND_MS
    assert_kept(world)


def test_l23_nothing_is_asked_but_to_read(worlds: Worlds) -> None:
    world = worlds(late=Lateness(horizon_ms=HOUR_MS))
    history(world)
    runs(world, 0, 61, 400)
    assert {request.operation for request in world.service.requests} <= READ_ONLY


def test_a_number_that_comes_twice_is_handed_over_twice(world: World) -> None:
    hsm = Hsm(world, 1)
    for at_ms in (NOW_MS - DAY_MS, NOW_MS - MINUTE_MS):
        hsm.write(at_ms, copies=2)
    other = audit_text(0, (NOW_MS - DAY_MS) * 1000 - 1500, user="somebody else")
    world.put(Arrival(GROUP, hsm.stream, NOW_MS - DAY_MS, other, NOW_MS - DAY_MS))
    runs(world, 0, 1)
    assert_all_is_handed_over(world)
    assert_kept(world)


def test_no_gap_is_opened_in_what_is_not_read_yet(worlds: Worlds) -> None:
    world = worlds(page_events=1)
    hsm = history(world, 60)
    hsm.write(NOW_MS - 10 * SECOND_MS)
    runs(world, *[1] * 10, interval_s=2)
    assert world.oracle.last_verdicts() == {}
    assert_kept(world)


def test_a_gap_is_looked_at_once_more_before_it_is_called_absent(world: World) -> None:
    hsm = Hsm(world, 1)
    hsm.write(NOW_MS - 2 * SECOND_MS)
    hsm.lose()
    hsm.write(NOW_MS - SECOND_MS)
    missing = Missing(hsm.stream, 0xE8, 1)
    while world.oracle.last_verdicts().get(missing, "pending") == "pending":
        since = len(world.service.requests)
        runs(world, 90)
        assert world.service.now_ms < NOW_MS + 2 * DAY_MS
    last = [one.body for one in world.service.calls("FilterLogEvents") if one.number > since]
    assert any(body.get("logStreamNames") == [hsm.stream] for body in last)
    assert_kept(world)


def test_a_record_later_than_the_horizon_is_found_by_the_last_look_at_its_gap(
    world: World,
) -> None:
    hsm = Hsm(world, 1)
    for number in range(3):
        delay_ms = world.horizon_ms + MINUTE_MS if number == 1 else 0
        hsm.write(NOW_MS - 3 * SECOND_MS + number, delay_ms)
    runs(world, *[10] * 48)
    assert set(world.oracle.last_verdicts().values()) == {"recovered"}
    assert sum(world.oracle.got().values()) == 3


def test_a_missing_record_is_found_long_before_the_next_sweep(world: World) -> None:
    hsm = Hsm(world, 1)
    runs(world, 0)
    for number in range(3):
        delay_ms = 20 * MINUTE_MS if number == 1 else 0
        hsm.write(NOW_MS + number * SECOND_MS, delay_ms)
    runs(world, *[5] * 8)
    assert_all_is_handed_over(world)
    assert_kept(world)


@pytest.mark.parametrize("ahead_ms", [6 * HOUR_MS, 3 * DAY_MS, 400 * DAY_MS])
def test_l28_responses_of_one_moment_that_are_dated_far_ahead_settle_nothing(
    world: World, ahead_ms: int
) -> None:
    hsm = Hsm(world, 1)
    hsm.write(NOW_MS - MINUTE_MS)
    runs(world, 0, 100)
    world.service.faults = replace(world.service.faults, date_skew_ms=ahead_ms)
    runs(world, 0)  # a sweep and a poll, with several responses
    world.service.faults = replace(world.service.faults, date_skew_ms=0)
    for minutes in (1, 30, 90, 300):
        hsm.write(world.service.now_ms, delay_ms=20 * MINUTE_MS)
        runs(world, minutes, 30)
    assert_all_is_handed_over(world)
    differences = [one for one in world.told if one["event"] == "clock_difference"]
    assert [one["resolved"] for one in differences] == [False, True]


def test_l28_a_mark_in_the_future_is_reported_and_set_back(world: World) -> None:
    hsm = Hsm(world, 1)
    hsm.write(NOW_MS - MINUTE_MS)
    runs(world, 0)
    path = world._file
    state = StateFile(path).load().state
    assert state is not None
    state.progress.settled_ms = NOW_MS + 3 * DAY_MS
    StateFile(path).save(state)
    world._mark = None
    hsm.write(world.service.now_ms)
    runs(world, 1)
    (reset,) = [one for one in world.told if one["event"] == "mark_reset"]
    assert reset["was"] == (NOW_MS + 3 * DAY_MS) / 1000
    for minutes in (100, 100):
        hsm.write(world.service.now_ms)
        runs(world, minutes)
    got = world.oracle.got()
    assert len(got) == 4


def test_l28_a_host_whose_clock_is_years_slow_reads_and_judges(worlds: Worlds) -> None:
    world = worlds()
    world.skew_ms = -5 * 365 * DAY_MS
    hsm = Hsm(world, 1)
    hsm.write(NOW_MS - 2 * MINUTE_MS)
    hsm.lose()
    hsm.write(NOW_MS - MINUTE_MS)
    runs(world, 0)
    assert len(world.oracle.got()) == 2
    runs(world, 1, 2, 100, 100, 100, 100, 100, 16, 16)
    closed = [one["verdict"] for one in world.told if one["event"] == "gap_closed"]
    assert closed == ["absent_at_source"]


def test_l28_a_date_of_1970_in_one_run_breaks_nothing(world: World) -> None:
    hsm = Hsm(world, 1)
    hsm.write(NOW_MS - MINUTE_MS)
    runs(world, 0, 100)
    world.service.faults = replace(world.service.faults, date_skew_ms=-NOW_MS)
    runs(world, 0, 0)
    world.service.faults = replace(world.service.faults, date_skew_ms=0)
    for minutes in (1, 30, 90, 300):
        hsm.write(world.service.now_ms, delay_ms=20 * MINUTE_MS)
        runs(world, minutes, 30)
    assert_all_is_handed_over(world)
    assert world.failures == []
