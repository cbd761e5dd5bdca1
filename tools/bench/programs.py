"""Programs as whole processes, measured: wall time, peak memory, records printed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import processes
from tools.bench.server import GROUP, STREAMS
from tools.build import environments
from tools.demo import local_aws, splunkd

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARIES = ROOT / "build" / "lib"
USUAL_INPUT = Path(__file__).with_name("usual_input.py")
MARK = b"Sequence No"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


class BenchProblem(Exception):
    """A figure would mean nothing: the message states which program did what."""


@dataclass(frozen=True)
class Measured:
    """One run of a program: seconds of wall time, the peak of its resident memory, its records."""

    seconds: float
    peak_mb: float
    records: int
    log: str

    def expect(self, records: int, who: str) -> Measured:
        """Itself; raises BenchProblem where the program lost or repeated a record."""
        if self.records != records:
            raise BenchProblem(f"{who} delivered {self.records} of {records} records: {self.log}")
        return self


def run(command: list[str], stdin: str = "", mark: bytes = MARK) -> Measured:
    """Run to the end, reading and counting what is printed, as splunkd would.

    mark: what each record that is printed has once.

    The caller's settings for Python do not apply: unbuffered output, for example, costs a program
    that prints much more than one that writes whole pages.
    Raises BenchProblem where the program fails. The peak is the kernel's (`ru_maxrss`), which
    begins at that of this process: small, as long as it keeps nothing of what it reads.
    """
    with tempfile.TemporaryFile() as stderr:
        begun = time.perf_counter()
        with splunkd.started(command, stdin, stderr, local_aws.environment()) as (process, stdout):
            records = _count(stdout, mark)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
        stderr.seek(0)
        log = stderr.read().decode(errors="replace")[-1000:]
    if process.returncode:
        raise BenchProblem(f"{' '.join(command[:3])} ended with {process.returncode}: {log}")
    return Measured(seconds, usage.ru_maxrss / 1024, records, log)


def _count(pipe: int, mark: bytes) -> int:
    """How many records come out of a pipe; a mark may be cut between two reads."""
    records, tail = 0, b""
    while chunk := os.read(pipe, 1 << 16):
        chunk = tail + chunk
        records += chunk.count(mark)
        tail = chunk[len(chunk) - len(mark) + 1 :]
    return records


@dataclass(frozen=True)
class Server:
    """The CloudWatch Logs of a benchmark."""

    url: str

    def calls(self) -> dict[str, int]:
        """The calls since the last time, by operation; those refused as `throttled`."""
        with _DIRECT.open(self.url, timeout=10) as answer:
            return dict(json.loads(answer.read()))


@contextmanager
def serving(records: int, *options: str) -> Iterator[Server]:
    """A server in a process of its own, stopped at the end."""
    log = Path(os.devnull)
    with processes.serving("tools.bench.server", records, *options, log=log) as url:
        yield Server(url)


@dataclass(frozen=True)
class Python:
    """An interpreter, in whose environment boto3 and splunklib are installed as published.

    The programs to measure against need them there. The collector brings its own and starts there
    all the same: what a machine lets its own interpreters do at every start would be measured too.
    """

    version: str
    executable: Path

    @property
    def libraries(self) -> list[str]:
        """The folders of shipped libraries that this interpreter uses."""
        own = "py39" if self.version == "3.9" else "py313"
        return [str(LIBRARIES / own), str(LIBRARIES / "common")]

    def usual_input(self, way: str, url: str) -> Measured:
        """Run the usual program: `way` is print or splunklib."""
        command = [str(self.executable), str(USUAL_INPUT), way, url, GROUP, *STREAMS]
        return run(command)

    def import_splunklib(self) -> Measured:
        """Start and import what any modular input written with splunklib imports."""
        code = f"import sys; sys.path[:0] = {self.libraries}; import splunklib.modularinput"
        return run([str(self.executable), "-c", code])


class Collector:
    """The collector as it ships, installed in a folder of its own with its bytecode compiled."""

    def __init__(self, folder: Path, python: Python) -> None:
        self._folder = folder
        self._python = str(python.executable)
        app = folder / "TA-aws-cloudhsm"
        no_bytecode = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "bin", app / "bin", ignore=no_bytecode)
        (app / "lib").symlink_to(LIBRARIES)
        compiled = [self._python, "-m", "compileall", "-q", str(app / "bin"), *python.libraries]
        subprocess.run(compiled, check=True, stdout=subprocess.DEVNULL)
        self._script = str(app / "bin" / "aws_cloudhsm.py")

    def scheme(self) -> Measured:
        """Show splunkd the arguments."""
        return run([self._python, self._script, "--scheme"])

    def collect(self, url: str, checkpoints: Path | None = None, **parameters: str) -> Measured:
        """One run of the input; without a folder of checkpoints it begins from nothing."""
        settings = {
            "aws_region": "us-east-1",
            "endpoint_url": url,
            "start_time": "-103d",
            "interval": "86400",
            "calls_per_second": "100",
            **parameters,
        }
        with tempfile.TemporaryDirectory(dir=self._folder) as own:
            document = splunkd.configuration(
                "aws_cloudhsm://bench", settings, checkpoints or Path(own)
            )
            return run([self._python, self._script], document)


@contextmanager
def installed(python: Python) -> Iterator[Collector]:
    """The collector, installed for as long as this lasts."""
    with tempfile.TemporaryDirectory(prefix="cloudhsm-bench-") as folder:
        yield Collector(Path(folder), python)


def pythons() -> Iterator[Python]:
    """Our own Python and those that Splunk runs; one that this machine lacks is named."""
    for name, version in (("bench", None), ("bench39", "3.9"), ("bench313", "3.13")):
        environment = environments.plan(name)
        if environment is None:
            print(f"Python {version}: not found, not measured")
        elif not environment.python.exists():
            raise BenchProblem(f".venv/{name} is missing: run this through `make bench`")
        else:
            own = f"{sys.version_info[0]}.{sys.version_info[1]}"
            yield Python(version or own, environment.python)
