from __future__ import annotations

import threading

import pytest

from cloudhsm.aws.rate_limit import RateLimiter, default_calls_per_second


class Clock:
    """Time that only passes where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def paced(calls_per_second: float) -> tuple[RateLimiter, Clock]:
    clock = Clock()
    return RateLimiter(calls_per_second, clock, clock.sleep), clock


def test_calls_are_evenly_spaced_and_the_first_one_does_not_wait() -> None:
    pace, clock = paced(5)
    moments = []
    for _ in range(4):
        pace.wait()
        moments.append(round(clock.now, 3))
    assert moments == [0.0, 0.2, 0.4, 0.6]
    assert pace.calls == 4


def test_time_that_passed_unused_is_not_made_up_for_in_a_burst() -> None:
    pace, clock = paced(5)
    pace.wait()
    clock.now = 60.0
    pace.wait()
    pace.wait()
    assert clock.now == pytest.approx(60.2)


def test_a_refused_call_halves_the_pace_and_good_calls_bring_it_back() -> None:
    pace, clock = paced(10)
    pace.wait()
    pace.was_throttled()
    pace.wait()
    pace.wait()
    assert clock.now == pytest.approx(0.1 + 0.2)
    for _ in range(100):
        pace.was_answered()
    begun = clock.now
    pace.wait()
    pace.wait()
    assert clock.now - begun == pytest.approx(0.2 + 0.1, abs=0.01)
    assert pace.throttled == 1


def test_however_often_it_is_refused_a_sixteenth_of_the_pace_is_left() -> None:
    pace, clock = paced(10)
    for _ in range(50):
        pace.was_throttled()
    pace.wait()
    pace.wait()
    pace.wait()
    assert clock.now == pytest.approx(2 * 1.6)


def test_a_limit_met_at_each_tenth_call_costs_no_more_than_half_of_the_pace() -> None:
    pace, clock = paced(10)
    for call in range(1000):
        pace.wait()
        if call % 10 == 9:
            pace.was_throttled()
        else:
            pace.was_answered()
    assert clock.now < 200


def test_threads_share_one_pace() -> None:
    pace, clock = paced(10)
    threads = [threading.Thread(target=pace.wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pace.calls == 8
    assert clock.now >= 0.7 - 1e-9


@pytest.mark.parametrize(
    ("region", "half_of_the_quota"),
    [("us-east-1", 12.5), ("eu-central-1", 2.5), ("eu-west-1", 5), ("xx-new-1", 5)],
)
def test_half_of_the_quota_is_left_to_others(region: str, half_of_the_quota: float) -> None:
    assert default_calls_per_second(region) == half_of_the_quota
