"""One run of the modular input as splunkd starts it: what it printed when, and what it took."""

from __future__ import annotations

import os
import re
import select
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tools.demo import local_aws, splunkd

_END = b"</event>"
_LOOK_S = 0.02
_BLOCK = 512  # bytes of a block in the kernel's accounts
_PEAK = re.compile(rb"^VmHWM:\s*(\d+) kB", re.MULTILINE)


class DeliveredEvent(NamedTuple):
    """An event as splunkd gets it, and when its last byte came (`time.monotonic`)."""

    at_s: float
    source: str
    sourcetype: str
    text: str


@dataclass
class WatchedProcess:
    """What one process did.

    seconds: of wall time. cpu_s: of user and system. written: bytes to disk, as the kernel counts
    them (none on a file system in memory). peak_kb: the most resident memory; None where
    there is no /proc. log: what it wrote to stderr, which splunkd logs. printed: the XML.
    """

    seconds: float = 0.0
    cpu_s: float = 0.0
    written: int = 0
    peak_kb: int | None = None
    exit_status: int = 0
    log: str = ""
    printed: bytearray = field(default_factory=bytearray)
    _chunks: list[tuple[int, float]] = field(default_factory=list)

    def take(self, chunk: bytes) -> None:
        """Keep what was printed, and when."""
        self.printed += chunk
        self._chunks.append((len(self.printed), time.monotonic()))

    def events(self) -> Iterator[DeliveredEvent]:
        """What was delivered, in its order."""
        chunks = iter(self._chunks)
        reached, at_s = next(chunks, (0, 0.0))
        start = 0
        while (end := self.printed.find(_END, start)) >= 0:
            start, end = self.printed.find(b"<event", start), end + len(_END)
            while reached < end:
                reached, at_s = next(chunks)
            event = ET.fromstring(bytes(self.printed[start:end]))  # noqa: S314  (our own output)
            fields = [event.findtext(name) or "" for name in ("source", "sourcetype", "data")]
            yield DeliveredEvent(at_s, *fields)
            start = end


def watch(python: str, script: Path, document: str) -> WatchedProcess:
    """Run `script` with a document on its stdin, to its end."""
    seen = WatchedProcess()
    with tempfile.TemporaryFile() as stderr:
        begun_s = time.monotonic()
        command, variables = [python, str(script)], local_aws.environment()
        with splunkd.started(command, document, stderr, variables) as (process, stdout):
            _read(process.pid, stdout, seen)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seen.seconds = time.monotonic() - begun_s
        seen.cpu_s = usage.ru_utime + usage.ru_stime
        seen.written = usage.ru_oublock * _BLOCK
        seen.exit_status = process.returncode
        stderr.seek(0)
        seen.log = stderr.read().decode(errors="replace")
    return seen


def _read(pid: int, stdout: int, seen: WatchedProcess) -> None:
    """Until the end of its output; during it, look at its memory.

    The kernel's own account of a child (`ru_maxrss`) begins at the size of this process, which
    keeps all records; the peak in /proc belongs to the program alone, but goes with it.
    """
    status = Path(f"/proc/{pid}/status")
    while True:
        ready, _, _ = select.select([stdout], [], [], _LOOK_S)
        with suppress(OSError):
            peak = _PEAK.search(status.read_bytes())
            seen.peak_kb = int(peak[1]) if peak else seen.peak_kb
        if not ready:
            continue
        chunk = os.read(stdout, 1 << 16)
        if not chunk:
            return
        seen.take(chunk)
