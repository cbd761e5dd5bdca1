"""The parts of the benchmark: each measures one promise and reports the result."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.bench.programs import Measured, Python, Server, installed, serving
from tools.bench.server import Trail

LATENCY_MS, CALLS_PER_SECOND = 80, 10
# A start costs little, so it is measured more often.
STARTS_PER_ROUND = 4
GROWTH = 50


@dataclass(frozen=True)
class Extent:
    """Records in CloudWatch Logs, and how often each pair of programs runs."""

    records: int
    rounds: int


@dataclass(frozen=True)
class Ratio:
    """How many times as long one program takes as another, from pairs of runs side by side."""

    pairs: list[float]

    def __str__(self) -> str:
        median = statistics.median(self.pairs)
        return f"{median:.2f} [{min(self.pairs):.2f}-{max(self.pairs):.2f}]"


def ratio(theirs: list[Measured], ours: list[Measured]) -> Ratio:
    """Round by round: a machine that is busy for a while slows both."""
    return Ratio([their.seconds / our.seconds for their, our in zip(theirs, ours, strict=True)])


def cpu_seconds(work: Callable[[], object]) -> float:
    """What it takes of one core, in this process."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def speed(python: Python, extent: Extent) -> Iterator[str]:
    """From CloudWatch Logs to Splunk's pipe, compared with the loops that people usually write.

    One window in flight, as theirs: this server has no latency that more of them could hide.
    """
    count = extent.records
    runs: dict[str, list[Measured]] = {"splunklib": [], "print": [], "collector": []}
    with serving(count) as server, installed(python) as collector:
        for _ in range(extent.rounds):
            for way in ("splunklib", "print"):
                done = python.usual_input(way, server.url)
                runs[way].append(done.expect(count, f"the boto3 loop ({way})"))
            done = collector.collect(server.url, windows_in_flight="1")
            runs["collector"].append(done.expect(count, "the collector"))
    ours = runs["collector"]
    seconds = statistics.median(done.seconds for done in ours)
    yield (
        f"{count / seconds:,.0f} records/s, {max(done.peak_mb for done in ours):.0f} MB; "
        f"{ratio(runs['splunklib'], ours)} times as fast as boto3 and splunklib's EventWriter, "
        f"{ratio(runs['print'], ours)} times as fast as boto3 that only prints"
    )


def scheme(python: Python, extent: Extent) -> Iterator[str]:
    """What splunkd pays for each scheme when it starts."""
    ours, theirs = [], []
    with installed(python) as collector:
        for _ in range(STARTS_PER_ROUND * extent.rounds):
            theirs.append(python.import_splunklib())
            ours.append(collector.scheme())
    yield f"--scheme takes {ratio(ours, theirs)} times as long as importing splunklib.modularinput"


def requests(python: Python, extent: Extent) -> Iterator[str]:
    """Calls are what AWS limits: those for a backlog, and those when nothing is new."""
    least = -(-extent.records // Trail(extent.records, 0).page_events)
    with (
        serving(extent.records) as server,
        installed(python) as collector,
        tempfile.TemporaryDirectory() as checkpoints,
    ):
        collector.collect(server.url, Path(checkpoints)).expect(extent.records, "the collector")
        backlog = server.calls()
        collector.collect(server.url, Path(checkpoints)).expect(0, "the collector")
        quiet = server.calls()
    calls = sum(backlog.values())
    yield (
        f"{calls} calls for a backlog of {least} pages ({calls / least:.3f}): {summary(backlog)}; "
        f"then, with nothing new: {summary(quiet)}"
    )


def latency(python: Python, extent: Extent) -> Iterator[str]:
    """How much of what the quota allows is used where every answer takes its time."""
    reachable = CALLS_PER_SECOND * Trail(extent.records, 0).page_events
    options = (f"--latency-ms={LATENCY_MS}", f"--calls-per-second={CALLS_PER_SECOND}")
    with serving(extent.records, *options) as server, installed(python) as collector:
        done = collector.collect(server.url, calls_per_second=str(CALLS_PER_SECOND))
        done.expect(extent.records, "the collector")
        calls = server.calls()
    yield (
        f"{extent.records / done.seconds / reachable:.2f} of what {CALLS_PER_SECOND} calls/s allow "
        f"at {LATENCY_MS} ms each, start-up included; {calls.get('throttled', 0)} calls refused"
    )


def memory(python: Python, extent: Extent) -> Iterator[str]:
    """Peak memory and state, for few records and for many."""
    for count in (extent.records, GROWTH * extent.records):
        with serving(count) as server, installed(python) as collector:
            for windows in (1, 4):
                yield _footprint(collector.collect, server, count, windows)


def _footprint(collect: Callable[..., Measured], server: Server, count: int, windows: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        done = collect(server.url, Path(folder), windows_in_flight=str(windows))
        state = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    done.expect(count, "the collector")
    return (
        f"{count:,} records, {windows} in flight: {done.peak_mb:.1f} MB at most, "
        f"{state / 1024:.1f} kB of state, {done.seconds:.0f} s"
    )


def summary(calls: dict[str, int]) -> str:
    """Calls by operation."""
    return ", ".join(f"{count} {name}" for name, count in sorted(calls.items())) or "no call"
