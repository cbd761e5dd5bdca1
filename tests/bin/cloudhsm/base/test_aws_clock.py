"""AWS's time counts where it is confirmed: by this host's clock, or by a second response."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.aws_clock import APART_MS, LIMIT_MS, AwsClock

HOST = 1_790_000_000_000
HOUR = 3_600_000
YEAR = 365 * 24 * HOUR


def next_run(clock: AwsClock) -> AwsClock:
    """The clock as the run after this one reads it."""
    return AwsClock(**clock.to_json())


def test_a_clock_without_a_response_is_the_hosts() -> None:
    assert AwsClock().now_ms(HOST) == AwsClock().latest_ms(HOST) == HOST


def test_a_small_difference_counts_at_once() -> None:
    clock = AwsClock()
    clock.observe(HOST + LIMIT_MS, HOST)
    assert clock.now_ms(HOST) == HOST + LIMIT_MS
    assert clock.is_confirmed


def test_one_response_that_is_far_ahead_moves_only_how_far_is_read() -> None:
    clock = AwsClock()
    for _ in range(100):
        clock.observe(HOST + 72 * HOUR, HOST)
    assert clock.now_ms(HOST) == HOST
    assert clock.latest_ms(HOST) == HOST + 72 * HOUR
    assert not clock.is_confirmed
    clock.observe(HOST, HOST)
    assert clock.is_confirmed
    clock.observe(HOST + 72 * HOUR + APART_MS, HOST + APART_MS)  # no second witness of the first
    assert clock.now_ms(HOST) == HOST


def test_several_wrong_dates_of_one_run_confirm_nothing() -> None:
    clock = AwsClock()
    for minutes in range(60):
        clock.observe(HOST + YEAR + minutes * APART_MS, HOST)
    assert clock.now_ms(HOST) == HOST
    assert not clock.is_confirmed


def test_a_response_of_the_next_run_confirms_a_time_that_is_far_ahead() -> None:
    clock = AwsClock()
    clock.observe(HOST + YEAR, HOST)
    clock = next_run(clock)
    clock.observe(HOST + YEAR + APART_MS - 1, HOST + APART_MS - 1)
    assert clock.now_ms(HOST) == HOST
    clock.observe(HOST + YEAR + APART_MS, HOST + APART_MS)
    assert clock.now_ms(HOST) == HOST + YEAR
    assert clock.is_confirmed


def test_a_time_that_goes_on_from_run_to_run_is_confirmed_one_response_later() -> None:
    clock = AwsClock()
    for hours in (6, 12, 18):
        clock.observe(HOST + hours * HOUR, HOST)
        clock = next_run(clock)
    assert clock.now_ms(HOST) == HOST + 12 * HOUR


def test_a_time_that_is_too_early_counts_at_once_and_is_left_in_the_next_run() -> None:
    clock = AwsClock()
    clock.observe(HOST, HOST)
    clock.observe(HOST - 72 * HOUR, HOST)
    assert clock.now_ms(HOST) == HOST - 72 * HOUR
    for minutes in (0, 1):
        clock.observe(HOST + minutes * APART_MS, HOST + minutes * APART_MS)
        clock = next_run(clock)
    assert clock.now_ms(HOST) == HOST


def test_what_is_kept_between_runs_is_read_back() -> None:
    clock = AwsClock()
    clock.observe(HOST + YEAR, HOST)
    assert next_run(clock) == clock


@given(st.lists(st.tuples(st.integers(0, YEAR), st.integers(-YEAR, YEAR)), max_size=30))
def test_now_is_never_ahead_of_the_last_response_nor_of_what_two_confirm(
    responses: list[tuple[int, int]],
) -> None:
    clock, dates = AwsClock(), []
    for host_ms, off_ms in responses:
        clock.observe(host_ms + off_ms, host_ms)
        dates.append(off_ms)
        confirmed = sorted(dates)[-2] if len(dates) > 1 else 0
        assert clock.now_ms(0) <= off_ms
        clock = next_run(clock)
        assert clock.now_ms(0) <= max(confirmed, 0) + LIMIT_MS
        assert clock.latest_ms(0) >= clock.now_ms(0)


def test_one_response_that_is_far_too_early_makes_no_mark_wrong() -> None:
    clock = AwsClock()
    clock.observe(HOST - 72 * HOUR, HOST)
    clock.observe(HOST - 72 * HOUR + 5_000, HOST + 5_000)
    assert (clock.is_confirmed, clock.is_trusted) == (True, False)
    clock.observe(HOST - 72 * HOUR + APART_MS, HOST + APART_MS)
    assert not clock.is_trusted  # both may be of one fault
    clock = next_run(clock)
    clock.observe(HOST - 72 * HOUR + APART_MS, HOST + APART_MS)
    assert clock.is_trusted
