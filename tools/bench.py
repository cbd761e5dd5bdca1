"""Throughput of the collector beside a bare botocore loop: same server, same run, as a ratio.

    python -m tools.bench [--records 200000] [--rounds 5]

Both are whole processes, started in turn, with their output read and thrown away. The bare loop
follows FilterLogEvents and prints the messages; the collector also identifies every record, keeps
the ledger, writes Splunk's XML and saves its state after every page. Absolute figures depend on the
machine; the ratio of the pairs is what to compare.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools import interpreters, local_aws, splunkd
from tools.bench_server import GROUP

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ROOT / "build" / "lib"
BARE_LOOP = """
import sys
sys.path[:0] = sys.argv[3:]
import botocore.session
client = botocore.session.Session().create_client("logs", "us-east-1", endpoint_url=sys.argv[1])
request = {"logGroupName": sys.argv[2], "startTime": 0}
while True:
    page = client.filter_log_events(**request)
    for event in page["events"]:
        print(event["message"])
    if "nextToken" not in page:
        break
    request["nextToken"] = page["nextToken"]
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line per interpreter; returns 1 if a program failed or lost a record."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(arguments)
    pythons = {"3.11 or newer (ours)": sys.executable}
    for version in ("3.9", "3.13"):
        found = interpreters.find(version)
        if found is None:
            print(f"Python {version}: not found, not measured")
        else:
            pythons[version] = str(found)
    with _server(asked.records) as url:
        for name, python in pythons.items():
            _measure(name, python, url, asked.records, asked.rounds)
    return 0


@contextmanager
def _server(records: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tools.bench_server", str(records)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101  (asked for just above)
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def _measure(name: str, python: str, url: str, records: int, rounds: int) -> None:
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(_seconds_of_bare_loop(python, url, records))
        ours.append(_seconds_of_collector(python, url, records))
    ratios = [theirs / mine for theirs, mine in zip(bare, ours, strict=True)]
    print(
        f"Python {name}: collector {records / statistics.median(ours):,.0f} events/s, "
        f"bare botocore loop {records / statistics.median(bare):,.0f} events/s, "
        f"ratio {statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]",
        flush=True,
    )


def _libraries(python: str) -> list[str]:
    code = "import sys; print('py39' if sys.version_info < (3, 10) else 'py313')"
    own = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return [str(LIBRARIES / own.stdout.strip()), str(LIBRARIES / "common")]


def _seconds_of_bare_loop(python: str, url: str, records: int) -> float:
    command = [python, "-c", BARE_LOOP, url, GROUP, *_libraries(python)]
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, env=local_aws.environment(), check=True)
    seconds = time.perf_counter() - begun
    _expect(done.stdout.count(b"Sequence No"), records, "the bare loop")
    return seconds


def _seconds_of_collector(python: str, url: str, records: int) -> float:
    with tempfile.TemporaryDirectory(prefix="cloudhsm-bench-") as folder:
        app = Path(folder) / "TA-aws-cloudhsm"
        app.mkdir()
        (app / "bin").mkdir()
        for path in (ROOT / "bin").rglob("*.py"):
            target = app / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        (app / "lib").symlink_to(LIBRARIES)
        parameters = {
            "aws_region": "us-east-1",
            "endpoint_url": url,
            "start_time": "all",
            "interval": "86400",
        }
        document = splunkd.configuration("aws_cloudhsm://bench", parameters, Path(folder) / "cp")
        begun = time.perf_counter()
        run = splunkd.run_input(app, document, local_aws.environment(), python=python)
        seconds = time.perf_counter() - begun
    _expect(run.events_xml.count(b"Sequence No"), records, f"the collector ({run.log[-500:]})")
    return seconds


def _expect(found: int, records: int, who: str) -> None:
    if found != records:
        sys.exit(f"bench: {who} delivered {found} of {records} records")


if __name__ == "__main__":
    sys.exit(main())
