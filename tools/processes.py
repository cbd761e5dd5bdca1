"""Programs that tools start, and how they end with the tool.

Uses only the standard library: environments are made with it.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_STATES_ERROR = re.compile(r"(?i)(npm )?(error|cause|caused by)\b")
_running: set[int] = set()  # process groups of `finished`
_interrupted = threading.Event()


class NotServing(Exception):
    """A server did not start; the message has the end of its log."""


def finished(
    command: Sequence[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """The program, run to its end without input: all that it printed is `stdout`.

    It runs in a process group of its own, which is killed if the wait for it is interrupted: what
    it has started would otherwise still write into a folder that the next run fills again.
    Raises OSError for a program that cannot be started, subprocess.TimeoutExpired.
    """
    if _interrupted.is_set():
        raise KeyboardInterrupt
    program = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    _running.add(program.pid)
    try:
        output, _ = program.communicate(timeout=timeout_s)
    except BaseException:
        _kill_group(program.pid)
        program.communicate()
        raise
    finally:
        _running.discard(program.pid)
    return subprocess.CompletedProcess(command, program.returncode, output)


def failure(outcome: subprocess.CompletedProcess[str], log: Path) -> str:
    """Why a program failed, on one line; the command and its output are written to `log`."""
    log.write_text(f"{shlex.join(outcome.args)}\n{outcome.stdout}", encoding="utf-8")
    lines = [line.strip() for line in outcome.stdout.splitlines() if line.strip()]
    stated = [line for line in lines if _STATES_ERROR.match(line)]
    return f"{(stated or lines or ['no output'])[0 if stated else -1]} (all output: {log})"


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP interrupt the block as Ctrl-C does; an interruption ends its programs.

    Also those that `finished` runs in other threads, which start no further ones. Only for the
    main thread.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, _interrupt) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, previous, strict=True):
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> None:
    _interrupted.set()
    for group in tuple(_running):
        _kill_group(group)
    raise KeyboardInterrupt


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextmanager
def serving(module: str, *options: object, log: Path) -> Iterator[str]:
    """A module that prints its URL and serves, started here and killed at the end: its URL.

    Raises NotServing.
    """
    command = [sys.executable, "-m", module, *map(str, options)]
    with log.open("w") as errors:
        server = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        url = server.stdout.readline().strip() if server.stdout else ""
        if not url:
            raise NotServing(f"{module} did not start: {log.read_text()[-600:]}")
        yield url
    finally:
        server.kill()
        server.communicate()
