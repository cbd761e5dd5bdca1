"""Starts a modular input as splunkd does: stanza on stdin, events on stdout, log on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, quoteattr

_EVENT_END = b"</event>"


@dataclass(frozen=True)
class InputRun:
    """What one run printed, and how it ended."""

    events_xml: bytes
    log: str
    exit_status: int


def configuration(
    stanza: str,
    parameters: Mapping[str, str],
    checkpoints: Path,
    server_uri: str = "https://127.0.0.1:8089",
    session_key: str = "none",
) -> str:
    """The document that a streaming modular input finds on its stdin."""
    items = "".join(
        f"<param name={quoteattr(name)}>{escape(value)}</param>"
        for name, value in parameters.items()
    )
    return (
        "<input><server_host>localhost</server_host>"
        f"<server_uri>{escape(server_uri)}</server_uri>"
        f"<session_key>{escape(session_key)}</session_key>"
        f"<checkpoint_dir>{escape(str(checkpoints))}</checkpoint_dir><configuration>"
        f"<stanza name={quoteattr(stanza)}>{items}</stanza></configuration></input>"
    )


@contextmanager
def started(
    command: Sequence[str], document: str, log: IO[bytes], variables: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A program with a document on its stdin, and the descriptor of its stdout.

    Without the caller's settings for Python. It does not outlive the block.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(document.encode())
        stdin.seek(0)
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=log,
            env={name: value for name, value in variables.items() if not name.startswith("PYTHON")},
        )
    assert process.stdout is not None  # noqa: S101  (requested just above)
    with process.stdout as stdout:
        try:
            yield process, stdout.fileno()
        finally:
            process.kill()
            process.wait()


def run_input(
    app: Path,
    document: str,
    environment: Mapping[str, str] | None = None,
    delivered: Callable[[int], None] = lambda _: None,
    python: str = sys.executable,
) -> InputRun:
    """Run `bin/aws_cloudhsm.py` of an installed app once.

    environment: the process's variables; None for those of this one. delivered: called with the
    number of events so far.
    """
    command = [python, str(app / "bin" / "aws_cloudhsm.py")]
    variables = os.environ if environment is None else environment
    printed, events = bytearray(), 0
    with tempfile.TemporaryFile() as stderr:
        with started(command, document, stderr, variables) as (process, stdout):
            while chunk := os.read(stdout, 1 << 16):
                # From a little before the chunk: an end may be cut between two reads.
                tail = max(0, len(printed) - len(_EVENT_END) + 1)
                printed += chunk
                events += printed.count(_EVENT_END, tail)
                delivered(events)
            exit_status = process.wait()
        stderr.seek(0)
        return InputRun(bytes(printed), stderr.read().decode(errors="replace"), exit_status)
