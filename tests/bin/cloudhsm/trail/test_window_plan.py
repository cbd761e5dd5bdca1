from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.trail import window_plan
from cloudhsm.trail.windows import Backfill, End, Progress, Replay, Sweep, Window

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_790_000_000_000
TIMES = st.integers(0, NOW + DAY)
HORIZONS = st.integers(HOUR, 30 * DAY)


def finish(progress: Progress, window: Window, now_ms: int) -> End:
    return window.kind.finish(progress, window, now_ms)


def give_up_for_now(window: Window) -> bool:
    return window.kind.give_up_for_now(window)


@given(TIMES, HORIZONS)
def test_a_first_run_plans_to_read_everything_from_the_start_on(
    start_ms: int, horizon_ms: int
) -> None:
    progress = window_plan.begin(start_ms, NOW, horizon_ms)
    sweep = window_plan.sweep(progress, NOW, DAY)
    stretches = [(s.start_ms, s.end_ms) for s in progress.backfills] + [
        (sweep.start_ms, sweep.end_ms)
    ]
    assert stretches[0][0] == min(start_ms, NOW)
    assert stretches[-1][1] == NOW + window_plan.AHEAD_MS
    assert all(left[1] + 1 == right[0] for left, right in zip(stretches, stretches[1:]))


def test_history_behind_the_horizon_is_a_backfill() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    assert progress.settled_ms == NOW - DAY
    assert [(s.start_ms, s.end_ms) for s in progress.backfills] == [(NOW - 3 * DAY, NOW - DAY - 1)]


def test_a_complete_sweep_settles_what_is_older_than_the_horizon() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    window = window_plan.sweep(progress, NOW, DAY)
    assert finish(progress, window, NOW + HOUR).covered == (NOW - DAY, NOW)
    assert progress.settled_ms == NOW - DAY
    later = window_plan.sweep(progress, NOW + 6 * HOUR, DAY)
    finish(progress, later, NOW + 6 * HOUR)
    assert progress.settled_ms == NOW - 18 * HOUR


def test_the_settled_mark_never_moves_backwards() -> None:
    progress = window_plan.begin(NOW - HOUR, NOW, DAY)
    finish(progress, window_plan.sweep(progress, NOW, DAY), NOW)
    assert progress.settled_ms == NOW - HOUR


def test_only_a_sweep_settles() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    settled_ms = progress.settled_ms
    finish(progress, window_plan.poll(progress, NOW + 2 * DAY, DAY), NOW + 2 * DAY)
    (window,) = window_plan.unfinished(progress)
    assert isinstance(window.kind, Backfill)
    assert finish(progress, window, NOW + 2 * DAY).covered == (NOW - 3 * DAY, NOW - DAY - 1)
    assert progress.settled_ms == settled_ms
    assert progress.backfills == []


def test_an_interrupted_sweep_goes_on_where_its_last_page_ended() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    window_plan.sweep(progress, NOW, DAY).kind.advance(NOW - HOUR)
    assert window_plan.sweep_is_due(progress, NOW, DAY)
    window = window_plan.sweep(progress, NOW + HOUR, DAY)
    assert (window.start_ms, window.end_ms) == (NOW - HOUR, NOW + window_plan.AHEAD_MS)
    assert window_plan.unfinished(progress) == [window]
    assert finish(progress, window, NOW + HOUR).covered == (NOW - DAY, NOW)


def test_a_position_never_moves_backwards() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    (window,) = window_plan.unfinished(progress)
    window.kind.advance(NOW - 2 * DAY)
    window.kind.advance(NOW - 3 * DAY)
    (backfill,) = progress.backfills
    assert backfill.position_ms == NOW - 2 * DAY


def test_a_sweep_under_way_comes_before_history_and_history_before_nothing() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    window_plan.sweep(progress, NOW, DAY)
    kinds = []
    while windows := window_plan.unfinished(progress):
        kinds.append(type(windows[0].kind))
        finish(progress, windows[0], NOW)
    assert kinds == [Sweep, Backfill]


def test_a_poll_advances_nothing_that_survives() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    before = repr(progress)
    window_plan.poll(progress, NOW, DAY).kind.advance(NOW)
    assert repr(progress) == before


def test_what_lies_ahead_of_the_clock_is_not_covered() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    poll = window_plan.poll(progress, NOW, DAY)
    assert finish(progress, poll, NOW).covered == (poll.start_ms, NOW)
    sweep = window_plan.sweep(progress, NOW, DAY)
    assert finish(progress, sweep, NOW + HOUR).covered == (NOW - DAY, NOW)


def test_a_poll_that_was_cut_makes_a_sweep_due() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    finish(progress, window_plan.sweep(progress, NOW, DAY), NOW)
    assert not window_plan.sweep_is_due(progress, NOW, DAY)
    window_plan.demand_sweep(progress)
    assert window_plan.sweep_is_due(progress, NOW, DAY)


def test_four_sweeps_fit_into_a_horizon() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    assert window_plan.sweep_is_due(progress, NOW, DAY)
    finish(progress, window_plan.sweep(progress, NOW, DAY), NOW)
    assert not window_plan.sweep_is_due(progress, NOW + 6 * HOUR - 1, DAY)
    assert window_plan.sweep_is_due(progress, NOW + 6 * HOUR, DAY)


@given(TIMES)
def test_a_poll_reads_the_last_minutes_and_what_AWS_dates_ahead(start_ms: int) -> None:
    window = window_plan.poll(window_plan.begin(start_ms, NOW, DAY), NOW, DAY)
    assert min(start_ms, NOW) <= window.start_ms <= NOW
    assert window.start_ms >= NOW - window_plan.POLL_OVERLAP_MS
    assert window.end_ms == NOW + window_plan.AHEAD_MS


def test_an_earlier_start_behind_the_horizon_adds_history_and_a_later_one_nothing() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    settled_ms = progress.settled_ms
    assert window_plan.extend_back(progress, NOW - 5 * DAY, NOW, DAY)
    assert not window_plan.extend_back(progress, NOW - 4 * DAY, NOW, DAY)
    assert [(s.start_ms, s.end_ms) for s in progress.backfills] == [
        (NOW - 3 * DAY, NOW - DAY - 1),
        (NOW - 5 * DAY, NOW - 3 * DAY - 1),
    ]
    assert progress.settled_ms == settled_ms


@given(st.integers(0, DAY - 1), st.integers(1, 40 * DAY))
def test_what_an_earlier_start_adds_inside_the_horizon_is_swept_not_only_read_once(
    age: int, more: int
) -> None:
    progress = window_plan.begin(NOW - age, NOW, DAY)
    finish(progress, window_plan.sweep(progress, NOW, DAY), NOW)
    new_start = NOW - age - more
    assert window_plan.extend_back(progress, new_start, NOW, DAY)
    assert window_plan.sweep_is_due(progress, NOW, DAY)
    sweep = window_plan.sweep(progress, NOW, DAY)
    assert sweep.start_ms == max(new_start, NOW - DAY)
    history = [(s.start_ms, s.end_ms) for s in progress.backfills]
    assert history == ([(new_start, NOW - DAY - 1)] if new_start < NOW - DAY else [])


def test_after_an_outage_the_next_sweep_reads_from_the_old_mark() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    finish(progress, window_plan.sweep(progress, NOW, DAY), NOW)
    week_later = NOW + 7 * DAY
    assert window_plan.sweep(progress, week_later, DAY).start_ms == NOW - DAY
    assert window_plan.oldest_needed(progress, week_later, DAY) == NOW - DAY


def test_a_sweep_that_AWS_clock_runs_behind_still_has_a_start_before_its_end() -> None:
    progress = window_plan.begin(NOW, NOW, DAY)
    window = window_plan.sweep(progress, NOW - DAY, DAY)
    assert window.start_ms <= window.end_ms
    assert progress.sweep == Sweep(
        NOW, NOW + window_plan.AHEAD_MS, NOW, started_ms=NOW - DAY, horizon_ms=DAY
    )


def test_long_history_is_divided_among_the_windows_that_may_be_in_flight() -> None:
    progress = window_plan.begin(NOW - 9 * DAY, NOW, DAY)
    windows = window_plan.unfinished(progress, at_once=4)
    assert len(windows) == 4
    assert windows[0].start_ms == NOW - 9 * DAY
    assert windows[-1].end_ms == NOW - DAY - 1
    assert all(left.end_ms + 1 == right.start_ms for left, right in zip(windows, windows[1:]))
    assert window_plan.unfinished(progress, at_once=4) == windows
    assert len(window_plan.unfinished(progress)) == 1


def test_short_history_is_not_worth_several_windows() -> None:
    progress = window_plan.begin(NOW - DAY - HOUR, NOW, DAY)
    assert len(window_plan.unfinished(progress, at_once=8)) == 1


@given(st.integers(1, 8), st.lists(st.integers(0, 9 * DAY), max_size=5))
def test_division_loses_and_repeats_nothing_of_what_is_left(at_once: int, steps: list[int]) -> None:
    progress = window_plan.begin(NOW - 9 * DAY, NOW, DAY)
    for step in steps:
        first = window_plan.unfinished(progress, at_once)[0]
        first.kind.advance(min(first.end_ms, first.start_ms + step))
    window_plan.unfinished(progress, at_once)
    rests = sorted((one.start_ms, one.end_ms) for one in progress.backfills)
    assert (rests[0][0], rests[-1][1]) == (NOW - 9 * DAY, NOW - DAY - 1)
    assert all(left[1] + 1 == right[0] for left, right in zip(rests, rests[1:]))
    assert all(one.start_ms <= one.position_ms <= one.end_ms for one in progress.backfills)


def test_a_window_that_gave_no_position_is_asked_for_in_smaller_parts() -> None:
    """Empty pages with tokens, for longer than a run lasts (amazonka#296, boto3#4258)."""
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    (whole,) = window_plan.unfinished(progress)
    assert give_up_for_now(whole)
    (half,) = window_plan.unfinished(progress)
    assert (half.start_ms, half.end_ms) == (NOW - 3 * DAY, NOW - 2 * DAY - 1)
    assert finish(progress, half, NOW).covered is None
    (rest,) = window_plan.unfinished(progress)
    assert (rest.start_ms, rest.end_ms) == (NOW - 2 * DAY, NOW - DAY - 1)
    assert finish(progress, rest, NOW).covered == (NOW - 3 * DAY, NOW - DAY - 1)


def test_a_window_that_moved_goes_on_as_it_is() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    (window,) = window_plan.unfinished(progress)
    window.kind.advance(NOW - 2 * DAY)
    assert not give_up_for_now(window)
    (rest,) = window_plan.unfinished(progress)
    assert (rest.start_ms, rest.end_ms) == (NOW - 2 * DAY, NOW - DAY - 1)


def test_an_unfinished_sweep_settles_nothing_until_its_last_part() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    assert give_up_for_now(window_plan.sweep(progress, NOW, DAY))
    (part,) = window_plan.unfinished(progress)
    assert finish(progress, part, NOW).covered is None
    assert progress.sweep is not None
    assert progress.last_sweep_ms is None


def test_a_gap_is_looked_for_inside_what_is_collected_and_up_to_what_aws_dates_ahead() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    window_plan.look_for(progress, "hsm-a", (NOW - 2 * DAY, NOW + DAY), NOW)
    (window,) = window_plan.rereads(progress)
    assert (window.start_ms, window.end_ms) == (NOW - DAY, NOW + window_plan.AHEAD_MS)
    assert window.kind.stream == "hsm-a"
    assert finish(progress, window, NOW).covered is None
    assert progress.rereads == []


def test_a_look_that_a_run_had_no_time_for_goes_on_where_it_stopped() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    window_plan.look_for(progress, "hsm-a", (NOW - HOUR, NOW), NOW)
    window_plan.rereads(progress)[0].kind.advance(NOW - 1000)
    assert window_plan.rereads(progress)[0].start_ms == NOW - 1000


def test_no_gap_is_looked_for_where_something_is_still_to_be_read_anyway() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    window_plan.look_for(progress, "old", (NOW - 2 * DAY, NOW - 2 * DAY), NOW)
    window_plan.look_for(progress, "young", (NOW - HOUR, NOW), NOW)
    assert [window.kind.stream for window in window_plan.rereads(progress)] == ["young"]
    window_plan.sweep(progress, NOW, DAY)
    assert window_plan.rereads(progress) == []


def test_a_sweep_keeps_the_horizon_that_it_began_with() -> None:
    """The ids that it did not keep are not there for a longer one."""
    progress = window_plan.begin(NOW - 9 * DAY, NOW, HOUR)
    window = window_plan.sweep(progress, NOW, HOUR)
    assert window_plan.sweep(progress, NOW + HOUR, DAY) == window
    assert window.kind.settled_before == NOW - HOUR
    finish(progress, window, NOW)
    assert progress.settled_ms == NOW - HOUR


def test_an_earlier_start_never_moves_a_mark_that_left_its_beginning() -> None:
    progress = window_plan.begin(NOW - 2 * HOUR, NOW, HOUR)
    finish(progress, window_plan.sweep(progress, NOW + HOUR, HOUR), NOW + HOUR)
    settled_ms = progress.settled_ms
    assert window_plan.extend_back(progress, NOW - 9 * HOUR, NOW + HOUR, DAY)
    assert progress.settled_ms == settled_ms
    assert [(one.start_ms, one.end_ms) for one in progress.backfills][-1] == (
        NOW - 9 * HOUR,
        NOW - 2 * HOUR - 1,
    )


def test_ids_of_what_was_settled_when_it_was_read_are_not_kept() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    (history,) = window_plan.unfinished(progress)
    assert history.kind.settled_before == NOW - DAY
    assert window_plan.sweep(progress, NOW + DAY, DAY).kind.settled_before == NOW
    assert window_plan.poll(progress, NOW, DAY).kind.settled_before == 0


def test_a_replay_comes_last_and_covers_nothing() -> None:
    progress = window_plan.begin(NOW - DAY, NOW, DAY)
    replay = Replay(NOW - 9 * DAY, NOW - 8 * DAY, NOW - 9 * DAY, id="r", stream="hsm-a")
    progress.replays.append(replay)
    assert window_plan.unfinished(progress, at_once=4) == []
    window = replay.window()
    assert (window.kind, window.kind.stream) == (replay, "hsm-a")
    assert finish(progress, window, NOW).covered is None
    assert progress.replays == []


def test_a_poll_joins_the_last_one_that_was_read_to_its_end() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    finish(progress, window_plan.sweep(progress, NOW, DAY), NOW)
    finish(progress, window_plan.poll(progress, NOW, DAY), NOW)
    later = window_plan.poll(progress, NOW + 2 * HOUR, DAY)
    assert later.start_ms == NOW - window_plan.POLL_OVERLAP_MS
    finish(progress, later, NOW + 2 * HOUR)
    assert (
        window_plan.poll(progress, NOW + 2 * HOUR, DAY).start_ms
        == NOW + 2 * HOUR - window_plan.POLL_OVERLAP_MS
    )


def test_a_poll_reaches_back_only_as_far_as_ids_are_remembered() -> None:
    progress = window_plan.begin(NOW - 3 * DAY, NOW, DAY)
    finish(progress, window_plan.sweep(progress, NOW, DAY), NOW)
    finish(progress, window_plan.poll(progress, NOW, DAY), NOW)
    assert window_plan.poll(progress, NOW + 9 * DAY, DAY).start_ms == NOW + 8 * DAY


def test_a_poll_never_reaches_into_what_a_sweep_under_way_kept_no_ids_of() -> None:
    progress = window_plan.begin(NOW - 9 * DAY, NOW - 5 * DAY, DAY)
    progress.polled_ms = NOW - 5 * DAY
    window_plan.sweep(progress, NOW, DAY)
    assert window_plan.poll(progress, NOW - 900, DAY).start_ms == NOW - DAY
