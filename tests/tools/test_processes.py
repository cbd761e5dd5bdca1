"""What a tool starts ends with the tool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.processes import ROOT, finished

# Starts a program that starts another one, which writes its process ID and stays.
_TOOL = """
import sys
from concurrent.futures import ThreadPoolExecutor
from tools import processes
stays = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {stays!r}, sys.argv[1]])"
command = [sys.executable, "-c", starts, sys.argv[1]]
with processes.stoppable():
    if sys.argv[2] == "pool":
        with ThreadPoolExecutor(1) as pool:
            [*pool.map(processes.finished, [command] * 3)]
    else:
        processes.finished(command)
"""


def _is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("waiting", ["main", "pool"])
def test_a_signal_ends_also_what_the_program_has_started(
    tmp_path: Path, number: signal.Signals, waiting: str
) -> None:
    note = tmp_path / "process"
    # A shell that runs pytest in the background leaves SIGINT ignored.
    tool = subprocess.Popen(
        [sys.executable, "-c", _TOOL, str(note), waiting],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    until = time.monotonic() + 30
    while not (note.exists() and note.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(tool.pid, number)
    _, errors = tool.communicate(timeout=30)
    assert errors == "interrupted; run the same command to start again\n"
    assert tool.returncode != 0
    until = time.monotonic() + 10
    while _is_running(int(note.read_text())) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_running(int(note.read_text()))


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        finished([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.2)


@pytest.mark.parametrize(
    ("fault", "step"),
    [("ENOSPC", "free some disk space"), ("EROFS", "copy the checkout to a folder")],
)
def test_a_fault_of_the_machine_is_one_line(fault: str, step: str) -> None:
    program = f"import errno, tools; raise OSError(errno.{fault}, 'Reason', 'build/lib')"
    outcome = finished([sys.executable, "-c", program], ROOT)
    assert outcome.returncode == 1
    assert outcome.stdout.count("\n") == 1
    assert step in outcome.stdout


def test_any_other_error_keeps_its_traceback() -> None:
    outcome = finished([sys.executable, "-c", "import tools; raise ValueError('x')"], ROOT)
    assert "Traceback" in outcome.stdout
