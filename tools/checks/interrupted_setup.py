"""Interrupt a first `make demo` every 2 seconds of its start, and run it again each time.

    python -m tools.checks.interrupted_setup [--every SECONDS]

Each round clones the committed checkout into a folder whose path has spaces and non-ASCII letters,
sends SIGINT to the process group as a terminal does for Ctrl-C, and expects that nothing of the
run is left and that the same command then succeeds. The last round runs to its end. Packages come
from the caches of uv and pip where these have them, so that the rounds differ in nothing but time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from samples.command_parser import CommandParser
from tools.processes import ROOT, finished

COMMAND = ("make", "--no-print-directory", "demo")
LONGEST_S = 600
END_S = 15  # make waits for what it has started


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 with the output of the run that failed."""
    every_s = _options(arguments).every
    with tempfile.TemporaryDirectory(prefix="cloudhsm-") as folder:
        checkout = Path(folder, "späte Nächte", "checkout")
        for number in count(1):
            shutil.rmtree(checkout, ignore_errors=True)
            checkout.parent.mkdir(exist_ok=True)
            finished(["git", "clone", "--quiet", str(ROOT), str(checkout)])
            is_complete, problem = _round(checkout, number * every_s)
            print(f"after {number * every_s:g} s: {problem or 'works'}", flush=True)
            if problem or is_complete:
                return 1 if problem else 0
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = CommandParser("python -m tools.checks.interrupted_setup", __doc__)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    if options.every <= 0:
        parser.error("--every must be more than 0")
    return options


def _round(checkout: Path, after_s: float) -> tuple[bool, str]:
    """Whether the first run came to its end, and what failed."""
    with (checkout.parent / "output").open("w+") as output:
        run = subprocess.Popen(
            COMMAND,
            cwd=checkout,
            env=_environment(),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            run.wait(after_s)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGINT)
        is_complete = run.poll() is not None
        try:
            run.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            return False, f"it did not end within {END_S} s of Ctrl-C"
        output.seek(0)
        text = output.read()
    if "Traceback" in text:
        return False, f"Ctrl-C shows a traceback\n{text}"
    left = _running_in(checkout)
    if left:
        return False, f"it left running: {left}"
    if is_complete:
        return True, "" if run.returncode == 0 else text
    again = finished(COMMAND, checkout, _environment(), LONGEST_S)
    return False, "" if again.returncode == 0 else f"the second run failed\n{again.stdout}"


def _environment() -> dict[str, str]:
    """This process's variables without what a make that runs this passes to other makes."""
    return {name: value for name, value in os.environ.items() if "MAKE" not in name}


def _running_in(checkout: Path) -> str:
    """The command lines of programs that still name the checkout, a second later."""
    time.sleep(1)
    commands = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            commands.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "; ".join(command for command in commands if str(checkout) in command)


if __name__ == "__main__":
    sys.exit(main())
