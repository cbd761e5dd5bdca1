"""The process that soaks and proofs start."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fake_aws import reference_reader
from tests.fake_aws.control import Control
from tests.fake_aws.trails import GROUP, audit_trail

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_790_000_000_000
DAY_MS = 86_400_000


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fake_aws", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """The URL of a process that ends in order when asked to."""
    process = start(*arguments)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_a_process_serves_a_trail_whose_future_arrives_when_time_is_moved() -> None:
    fixed = ["--seed", "3", "--now-ms", str(NOW), "--speed", "0"]
    with running(*fixed, "--events", "80", "--days", "1", "--ahead-days", "1") as url:
        control = Control(url)
        first = reference_reader.read_all(reference_reader.client(url))
        assert 10 < len(first) < 70
        assert len(control.events()) == len(first)
        control.advance(DAY_MS)
        events = reference_reader.read_all(reference_reader.client(url))
        assert len(control.requests()) == 2
    same = audit_trail(3, 80, NOW - DAY_MS, NOW + DAY_MS).arrivals
    assert sorted(event["message"] for event in events) == sorted(a.message for a in same)
    assert {a.group for a in same} == {GROUP}


def test_time_follows_the_wall_clock_by_default() -> None:
    with running("--events", "1") as url:
        assert abs(Control(url).now_ms() - time.time_ns() // 1_000_000) < 60_000


def test_a_fault_that_is_none_is_refused_with_those_that_are() -> None:
    process = start("--faults", "gremlins")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "'gremlins': choose from all, none, L1-empty-pages" in errors
