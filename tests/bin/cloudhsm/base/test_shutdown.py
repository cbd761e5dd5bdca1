from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudhsm.base import shutdown
from cloudhsm.base.shutdown import NetworkTimeOver, Stop, StopRequested

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)


@pytest.fixture
def stop() -> Iterator[Stop]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    listening = Stop()
    listening.listen()
    yield listening
    signal.setitimer(signal.ITIMER_REAL, 0)
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


def test_a_request_ends_a_wait_for_splunkd_after_the_grace(
    stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "GRACE_S", 0.3)
    begun = time.monotonic()
    with pytest.raises(StopRequested), stop.patient():
        _interrupted_by(signal.SIGTERM)
    assert 0.3 <= time.monotonic() - begun < 2


def test_a_wait_for_splunkd_that_begins_after_a_request_ends_after_the_grace(
    stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "GRACE_S", 0.3)
    os.kill(os.getpid(), signal.SIGTERM)
    with stop.patient():
        time.sleep(0.05)
    with pytest.raises(StopRequested), stop.patient():
        time.sleep(5)


def test_calls_to_aws_end_at_the_deadline_and_waits_for_splunkd_do_not(stop: Stop) -> None:
    stop.end_network_in(0.2)
    with stop.reader_wait():
        time.sleep(0.4)
    assert not stop.is_network_over  # that was splunkd's time
    time.sleep(0.3)
    assert stop.is_network_over
    with pytest.raises(NetworkTimeOver), stop.interruptible():
        pytest.fail("no call may begin any more")


def test_a_call_to_aws_that_goes_on_is_interrupted_at_the_deadline(stop: Stop) -> None:
    stop.end_network_in(0.2)
    begun = time.monotonic()
    with pytest.raises(NetworkTimeOver), stop.interruptible():
        time.sleep(5)
    assert time.monotonic() - begun < 2
    assert not stop.requested


STUCK = """
import sys, threading, time
sys.path.insert(0, {path!r})
from cloudhsm.base import shutdown
shutdown.FORCED_S = 0.5
stop = shutdown.Stop()
stop.listen()
stop.enforce()
print("ready", flush=True)
lock = threading.Lock()
lock.acquire()
{stuck}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "stuck",
    ["lock.acquire()", "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"],
    ids=["lock", "C code"],
)
def test_a_process_that_is_stuck_ends_all_the_same(number: signal.Signals, stuck: str) -> None:
    code = STUCK.format(path=str(Path(shutdown.__file__).parents[2]), stuck=stuck)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "what=stop_forced" in errors


def test_a_process_that_ends_in_time_is_left_alone() -> None:
    code = STUCK.format(path=str(Path(shutdown.__file__).parents[2]), stuck="sys.exit(3)")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20)
    assert (ended.returncode, ended.stderr) == (3, b"")
