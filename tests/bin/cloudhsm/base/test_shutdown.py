from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from cloudhsm.base.shutdown import Stop, StopRequested


@pytest.fixture
def stop() -> Iterator[Stop]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    listening = Stop()
    listening.listen()
    yield listening
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_interrupts_a_wait(stop: Stop, number: signal.Signals) -> None:
    with pytest.raises(StopRequested), stop.interruptible():
        _interrupted_by(number)
    assert stop.requested


def _interrupted_by(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)


def test_a_request_during_a_write_is_only_noted(stop: Stop) -> None:
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
    assert stop.requested


def test_no_wait_begins_after_a_request_and_writing_stays_safe(stop: Stop) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopRequested), stop.interruptible():
        pytest.fail("nothing may be awaited any more")
    os.kill(os.getpid(), signal.SIGTERM)  # would raise if the block had left itself open


def test_no_library_takes_a_request_for_a_failure_of_its_own() -> None:
    assert not issubclass(StopRequested, Exception)
