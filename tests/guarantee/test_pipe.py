"""What splunkd never read is not remembered: it is delivered again, and nothing else.

The installed input as a process, with a pipe that is read late, slowly, or never.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bin.conftest import app
from tests.bin.fakes import ScriptedAws, described, event, holding
from tests.bin.test_aws_cloudhsm import (
    GROUP,
    aws,
    configuration,
    data,
    environment,
    start,
    started,
)

__all__ = ["app", "aws"]  # fixtures

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes and signals")
# Ten records fit into the pipe of the kernel (64 KiB), a thousand large ones do not.
FEW, MANY = 10, 1_000


@pytest.fixture
def trail(aws: ScriptedAws, request: pytest.FixtureRequest) -> list[str]:
    """What CloudWatch Logs has: the texts of its records."""
    count = int(getattr(request, "param", FEW))
    now_ms = time.time_ns() // 1_000_000
    texts = [f"record {number} " + "x" * (500 if count == MANY else 0) for number in range(count)]
    records = [event(n, now_ms - 60_000 + n, message=text) for n, text in enumerate(texts)]
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = holding(records, 100)
    return texts


@pytest.fixture
def stdin(aws: ScriptedAws, tmp_path: Path) -> str:
    return configuration(tmp_path, endpoint_url=aws.url)


@pytest.fixture
def run(app: Path, trail: list[str], stdin: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose output is read by the test, or not."""
    process = started(app, stdin)
    yield process
    process.kill()
    process.wait()


def ended_within(run: subprocess.Popen[bytes], seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        run.wait(seconds)
    return run.returncode is not None


def output_of(run: subprocess.Popen[bytes]) -> str:
    """What is in the pipe, until its end."""
    assert run.stdout is not None
    return run.stdout.read().decode()


def wait_for_page(aws: ScriptedAws) -> None:
    """Until the first page with records is certainly written."""
    end = time.monotonic() + 20
    while not aws.asked("FilterLogEvents") and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1)


def delivered(text: str) -> list[str]:
    return [one for one in data(text) if one.startswith("record ")]


both = pytest.mark.parametrize("trail", [FEW, MANY], indirect=True)


@both
def test_a_splunkd_that_dies_before_it_reads_loses_nothing(
    app: Path, aws: ScriptedAws, run: subprocess.Popen[bytes], trail: list[str], stdin: str
) -> None:
    wait_for_page(aws)
    assert run.poll() is None  # it waits for splunkd
    run.stdout.close()  # type: ignore[union-attr]
    assert ended_within(run, 5)
    assert delivered(start(app, stdin=stdin).stdout) == trail


@both
def test_a_stop_ends_a_run_whose_pipe_is_not_read_and_loses_nothing(
    app: Path, aws: ScriptedAws, run: subprocess.Popen[bytes], trail: list[str], stdin: str
) -> None:
    wait_for_page(aws)
    run.send_signal(signal.SIGTERM)
    assert ended_within(run, 5)
    assert delivered(start(app, stdin=stdin).stdout) == trail


@both
def test_a_splunkd_that_reads_late_gets_everything_once(
    app: Path, aws: ScriptedAws, run: subprocess.Popen[bytes], trail: list[str], stdin: str
) -> None:
    wait_for_page(aws)
    time.sleep(1)
    output = output_of(run)
    assert delivered(output) == trail
    assert delivered(start(app, stdin=stdin).stdout) == []


def test_a_splunkd_that_reads_slowly_when_it_stops_an_input_gets_complete_events(
    app: Path, aws: ScriptedAws, run: subprocess.Popen[bytes], trail: list[str], stdin: str
) -> None:
    wait_for_page(aws)
    run.send_signal(signal.SIGTERM)
    time.sleep(1)
    output = output_of(run)
    assert delivered(output) == trail
    assert output.endswith("</stream>\n")
    assert delivered(start(app, stdin=stdin).stdout) == []


@both
def test_output_that_is_a_file_is_not_waited_for(
    app: Path, trail: list[str], stdin: str, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("wb") as output:
        subprocess.run(
            [sys.executable, "-B", str(app / "bin" / "aws_cloudhsm.py")],
            env=environment(),
            input=stdin.encode(),
            stdout=output,
            timeout=60,
            check=True,
        )
    assert delivered((tmp_path / "out").read_text()) == trail


def test_a_standard_output_that_is_closed_is_one_clear_line(
    app: Path, trail: list[str], stdin: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-B", str(app / "bin" / "aws_cloudhsm.py")],
        env=environment(),
        input=stdin.encode(),
        stderr=subprocess.PIPE,
        timeout=60,
        preexec_fn=lambda: os.close(1),
    )
    assert run.returncode != 0
    (line,) = run.stderr.decode().splitlines()
    assert "error=OutputClosed" in line
    assert "Standard output is closed" in line
