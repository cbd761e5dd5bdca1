"""Programs that tools start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class NotServing(Exception):
    """A server did not start; the message has the end of its log."""


def finished(
    command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The program, run to its end without input: all that it printed is `stdout`.

    Raises OSError for a program that cannot be started.
    """
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


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
