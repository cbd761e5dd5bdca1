from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudhsm import plan
from cloudhsm.plan import Backfill, Sweep

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_790_000_000_000
TIMES = st.integers(0, NOW + DAY)
HORIZONS = st.integers(HOUR, 30 * DAY)


@given(TIMES, HORIZONS)
def test_a_first_run_plans_to_read_everything_from_the_start_on(
    start_ms: int, horizon_ms: int
) -> None:
    progress = plan.begin(start_ms, NOW, horizon_ms)
    sweep = plan.sweep(progress, NOW)
    stretches = [(s.start_ms, s.end_ms) for s in progress.backfills] + [
        (sweep.start_ms, sweep.end_ms)
    ]
    assert stretches[0][0] == min(start_ms, NOW)
    assert stretches[-1][1] == NOW + plan.AHEAD_MS
    assert all(left[1] + 1 == right[0] for left, right in zip(stretches, stretches[1:]))


def test_history_behind_the_horizon_is_a_backfill() -> None:
    progress = plan.begin(NOW - 3 * DAY, NOW, DAY)
    assert progress.settled_ms == NOW - DAY
    assert [(s.start_ms, s.end_ms) for s in progress.backfills] == [(NOW - 3 * DAY, NOW - DAY - 1)]


def test_a_complete_sweep_settles_what_is_older_than_the_horizon() -> None:
    progress = plan.begin(NOW - DAY, NOW, DAY)
    window = plan.sweep(progress, NOW)
    assert plan.finish(progress, window, NOW + HOUR, DAY) == (NOW - DAY, NOW)
    assert progress.settled_ms == NOW - DAY
    later = plan.sweep(progress, NOW + 6 * HOUR)
    plan.finish(progress, later, NOW + 6 * HOUR, DAY)
    assert progress.settled_ms == NOW - 18 * HOUR


def test_the_settled_mark_never_moves_backwards() -> None:
    progress = plan.begin(NOW - HOUR, NOW, DAY)
    plan.finish(progress, plan.sweep(progress, NOW), NOW, DAY)
    assert progress.settled_ms == NOW - HOUR


def test_only_a_sweep_settles() -> None:
    progress = plan.begin(NOW - 3 * DAY, NOW, DAY)
    settled_ms = progress.settled_ms
    plan.finish(progress, plan.poll(progress, NOW + 2 * DAY), NOW + 2 * DAY, DAY)
    window = plan.unfinished(progress)
    assert window is not None
    assert isinstance(window.stretch, Backfill)
    assert plan.finish(progress, window, NOW + 2 * DAY, DAY) == (NOW - 3 * DAY, NOW - DAY - 1)
    assert progress.settled_ms == settled_ms
    assert progress.backfills == []


def test_an_interrupted_sweep_goes_on_where_its_last_page_ended() -> None:
    progress = plan.begin(NOW - DAY, NOW, DAY)
    plan.advance(plan.sweep(progress, NOW), NOW - HOUR)
    assert plan.sweep_is_due(progress, NOW, DAY)
    window = plan.sweep(progress, NOW + HOUR)
    assert (window.start_ms, window.end_ms) == (NOW - HOUR, NOW + plan.AHEAD_MS)
    assert plan.unfinished(progress) == window
    assert plan.finish(progress, window, NOW + HOUR, DAY) == (NOW - DAY, NOW)


def test_a_position_never_moves_backwards() -> None:
    progress = plan.begin(NOW - 3 * DAY, NOW, DAY)
    window = plan.unfinished(progress)
    assert window is not None
    plan.advance(window, NOW - 2 * DAY)
    plan.advance(window, NOW - 3 * DAY)
    (backfill,) = progress.backfills
    assert backfill.position_ms == NOW - 2 * DAY


def test_a_sweep_under_way_comes_before_history_and_history_before_nothing() -> None:
    progress = plan.begin(NOW - 3 * DAY, NOW, DAY)
    plan.sweep(progress, NOW)
    kinds = []
    while (window := plan.unfinished(progress)) is not None:
        kinds.append(type(window.stretch))
        plan.finish(progress, window, NOW, DAY)
    assert kinds == [Sweep, Backfill]


def test_a_poll_advances_nothing_that_survives() -> None:
    progress = plan.begin(NOW - DAY, NOW, DAY)
    before = repr(progress)
    plan.advance(plan.poll(progress, NOW), NOW)
    assert repr(progress) == before


def test_what_lies_ahead_of_the_clock_is_not_covered() -> None:
    progress = plan.begin(NOW - DAY, NOW, DAY)
    poll = plan.poll(progress, NOW)
    assert plan.finish(progress, poll, NOW, DAY) == (poll.start_ms, NOW)
    sweep = plan.sweep(progress, NOW)
    assert plan.finish(progress, sweep, NOW + HOUR, DAY) == (NOW - DAY, NOW)


def test_a_poll_that_was_cut_makes_a_sweep_due() -> None:
    progress = plan.begin(NOW - DAY, NOW, DAY)
    plan.finish(progress, plan.sweep(progress, NOW), NOW, DAY)
    assert not plan.sweep_is_due(progress, NOW, DAY)
    plan.demand_sweep(progress)
    assert plan.sweep_is_due(progress, NOW, DAY)


def test_four_sweeps_fit_into_a_horizon() -> None:
    progress = plan.begin(NOW - DAY, NOW, DAY)
    assert plan.sweep_is_due(progress, NOW, DAY)
    plan.finish(progress, plan.sweep(progress, NOW), NOW, DAY)
    assert not plan.sweep_is_due(progress, NOW + 6 * HOUR - 1, DAY)
    assert plan.sweep_is_due(progress, NOW + 6 * HOUR, DAY)


@given(TIMES)
def test_a_poll_reads_the_last_minutes_and_what_AWS_dates_ahead(start_ms: int) -> None:
    window = plan.poll(plan.begin(start_ms, NOW, DAY), NOW)
    assert min(start_ms, NOW) <= window.start_ms <= NOW
    assert window.start_ms >= NOW - plan.POLL_OVERLAP_MS
    assert window.end_ms == NOW + plan.AHEAD_MS


def test_an_earlier_start_behind_the_horizon_adds_history_and_a_later_one_nothing() -> None:
    progress = plan.begin(NOW - 3 * DAY, NOW, DAY)
    settled_ms = progress.settled_ms
    assert plan.extend_back(progress, NOW - 5 * DAY, NOW, DAY)
    assert not plan.extend_back(progress, NOW - 4 * DAY, NOW, DAY)
    assert [(s.start_ms, s.end_ms) for s in progress.backfills] == [
        (NOW - 3 * DAY, NOW - DAY - 1),
        (NOW - 5 * DAY, NOW - 3 * DAY - 1),
    ]
    assert progress.settled_ms == settled_ms


@given(st.integers(0, DAY - 1), st.integers(1, 40 * DAY))
def test_what_an_earlier_start_adds_inside_the_horizon_is_swept_not_only_read_once(
    age: int, more: int
) -> None:
    progress = plan.begin(NOW - age, NOW, DAY)
    plan.finish(progress, plan.sweep(progress, NOW), NOW, DAY)
    new_start = NOW - age - more
    assert plan.extend_back(progress, new_start, NOW, DAY)
    assert plan.sweep_is_due(progress, NOW, DAY)
    sweep = plan.sweep(progress, NOW)
    assert sweep.start_ms == max(new_start, NOW - DAY)
    history = [(s.start_ms, s.end_ms) for s in progress.backfills]
    assert history == ([(new_start, NOW - DAY - 1)] if new_start < NOW - DAY else [])


def test_after_an_outage_the_next_sweep_reads_from_the_old_mark() -> None:
    progress = plan.begin(NOW - DAY, NOW, DAY)
    plan.finish(progress, plan.sweep(progress, NOW), NOW, DAY)
    week_later = NOW + 7 * DAY
    assert plan.sweep(progress, week_later).start_ms == NOW - DAY
    assert plan.oldest_needed(progress, week_later, DAY) == NOW - DAY


def test_a_sweep_that_AWS_clock_runs_behind_still_has_a_start_before_its_end() -> None:
    progress = plan.begin(NOW, NOW, DAY)
    window = plan.sweep(progress, NOW - DAY)
    assert window.start_ms <= window.end_ms
    assert progress.sweep == Sweep(NOW, NOW + plan.AHEAD_MS, NOW, NOW - DAY)
