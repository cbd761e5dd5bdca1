"""The real collector over a fleet of clusters, poll by poll, against a fake CloudWatch Logs.

The package is built, and its modular input started as splunkd would start it: one process for each
poll, one input for all log groups, its state in files. Only CloudWatch Logs is ours: a process that
refuses calls beyond the Region's quota and whose time is the real one, except that the rest of an
interval, and the six hours before the sweeps, are skipped. Records go on coming while it runs.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.fake_aws.control import Control
from tools.bench.capacity.fleet import Fleet
from tools.bench.capacity.process_usage import WatchedProcess, watch
from tools.build import package
from tools.demo import splunkd
from tools.processes import serving

SERVICE = "tools.bench.capacity.service"
STANZA = "aws_cloudhsm://capacity"
COLLECTOR = "aws:cloudhsm:collector"
SWEEP_MS = 6 * 3_600_000
# Runs that may be needed until a backlog is read, before this is called a failure.
MOST_RUNS = 200
HOUR_MS = 3_600_000
# After the sweeps, with nothing to read again. The first of these polls still begins where the
# clock of this host was before six hours were skipped.
STILL = 2
_REPEATS = re.compile(r"\brepeats=(\d+)")


class SimulationError(Exception):
    """The collector did not do what it promises, or did not start; the message states what."""


@dataclass(frozen=True)
class SimulationOptions:
    """What to simulate.

    python: the interpreter that runs the collector. records_per_day: of each HSM, while it is busy.
    backlog: records of each HSM before the first poll, over an hour. quiet, busy: polls of a kind.
    region_calls_per_second: the quota of FilterLogEvents. calls_per_second: the input's own
    setting; None for its default.
    """

    clusters: int = 100
    hsms: int = 28
    quiet: int = 3
    busy: int = 5
    backlog: int = 60
    records_per_day: float = 1_440
    interval_s: int = 60
    region: str = "eu-west-1"
    region_calls_per_second: float = 10
    calls_per_second: float | None = None
    latency_ms: float = 30
    python: str = sys.executable

    @property
    def records_per_poll(self) -> float:
        """Of each HSM."""
        return self.records_per_day * self.interval_s / 86_400


@dataclass
class Poll:
    """What one run did.

    repeats:     records that it read again and did not deliver again.
    lag_s:       of its records, from becoming visible to being delivered: median, 95 % and most.
    calls:       by operation; refused: those of them that were beyond the quota.
    groups_read: how many log groups it asked for. written_bytes: to disk, its states mostly.
    own:         the collector's own events, and their bytes; heartbeats among them.
    """

    kind: str
    calls: dict[str, int]
    refused: int
    groups_read: int
    records: int
    repeats: int
    lag_s: tuple[float, float, float] | None
    seconds: float
    cpu_s: float
    peak_mb: float | None
    written_bytes: int
    state_bytes: int
    own: int
    own_bytes: int
    heartbeats: int


@dataclass
class SimulationResult:
    """All polls, and what became of the records."""

    options: SimulationOptions
    python: str
    polls: list[Poll] = field(default_factory=list)
    records: int = 0
    record_bytes: int = 0

    def document(self) -> dict[str, object]:
        """As it is kept in a file; without the path of an interpreter."""
        options = {name: value for name, value in asdict(self.options).items() if name != "python"}
        return {
            "asked": options,
            "python": self.python,
            "records": self.records,
            "record_bytes": self.record_bytes,
            "polls": [asdict(poll) for poll in self.polls],
        }


class Simulation:
    """A fleet, its CloudWatch Logs, and the collector between it and splunkd."""

    def __init__(
        self, options: SimulationOptions, control: Control, url: str, folder: Path
    ) -> None:
        self._options = options
        self._control = control
        self._script = folder / package.APP_ID / "bin" / "aws_cloudhsm.py"
        self._checkpoints = folder / "checkpoints"
        parameters = {
            "aws_region": options.region,
            "endpoint_url": url,
            "interval": str(options.interval_s),
        }
        if options.calls_per_second is not None:
            parameters["calls_per_second"] = f"{options.calls_per_second:g}"
        self._document = splunkd.configuration(STANZA, parameters, self._checkpoints)
        self.fleet = Fleet(options.clusters, options.hsms, options.region)
        self._due_ms = control.now_ms()
        self._requests = 0
        self._caught_up = False

    def polls(self) -> Iterator[Poll]:
        """Every run in its order.

        Raises SimulationError for a run that fails, and for a record that is lost, altered or
        delivered twice.
        """
        options, now_ms = self._options, self._control.now_ms()
        self._write(options.backlog, now_ms - HOUR_MS, now_ms)
        yield from self._until_caught_up("first")
        for kind, count, per_hsm in (
            ("quiet", options.quiet, 0.0),
            ("busy", options.busy, options.records_per_poll),
        ):
            for _ in range(count):
                yield self._next(kind, per_hsm)
        yield from self._until_caught_up("rest")
        self._due_ms = self._control.advance(SWEEP_MS)
        # A time that is far ahead counts once a second response, a minute later, confirms it.
        self._poll("unconfirmed")
        yield self._next("sweep", 0.0)
        yield from self._until_caught_up("sweep")
        for _ in range(STILL):
            yield self._next("still", 0.0)
        if self.fleet.waiting:
            missing = next(iter(self.fleet.waiting))
            raise SimulationError(
                f"{len(self.fleet.waiting)} records were not delivered, among them {missing}"
            )

    def _until_caught_up(self, kind: str) -> Iterator[Poll]:
        """At least one run where something is waiting."""
        for _ in range(MOST_RUNS):
            if not self.fleet.waiting and self._caught_up:
                return
            yield self._next(kind, 0.0)
        raise SimulationError(
            f"{MOST_RUNS} runs did not catch up: {len(self.fleet.waiting)} records are waiting"
        )

    def _next(self, kind: str, per_hsm: float) -> Poll:
        """Records of one interval, then the run at its end."""
        from_ms, self._due_ms = self._due_ms, self._due_ms + self._options.interval_s * 1000
        self._write(per_hsm, from_ms, self._due_ms)
        early_ms = self._due_ms - self._control.now_ms()
        if early_ms > 0:
            self._control.advance(early_ms)
        else:  # splunkd starts an input again only when its last run has ended
            self._due_ms -= early_ms
        return self._poll(kind)

    def _write(self, per_hsm: float, from_ms: int, to_ms: int) -> None:
        for arrivals in self.fleet.write(per_hsm, from_ms, to_ms):
            self._control.put(arrivals)

    def _poll(self, kind: str) -> Poll:
        virtual_ms, real_s = self._control.now_ms(), time.monotonic()
        run = watch(self._options.python, self._script, self._document)
        if run.exit_status:
            raise SimulationError(f"a run ended with {run.exit_status}: {run.log[-800:]}")
        self._caught_up = "caught_up=yes" in run.log
        return self._judged(kind, run, lambda at_s: virtual_ms + (at_s - real_s) * 1000)

    def _judged(self, kind: str, run: WatchedProcess, clock: Callable[[float], float]) -> Poll:
        lags: list[float] = []
        own: list[str] = []
        for event in run.events():
            if event.sourcetype == COLLECTOR:
                own.append(event.text)
                continue
            visible_ms = self.fleet.delivered(event.source, event.text)
            if visible_ms is None:
                raise SimulationError(
                    f"delivered twice, or not as it was written: {event.source} {event.text}"
                )
            lags.append((clock(event.at_s) - visible_ms) / 1000)
        requests = self._control.requests(self._requests)
        self._requests += len(requests)
        read = {request["body"].get("logGroupName") for request in requests} - {None}
        state = sum(
            request.stat().st_size for request in self._checkpoints.rglob("*") if request.is_file()
        )
        return Poll(
            kind,
            calls=dict(sorted(Counter(request["operation"] for request in requests).items())),
            refused=sum(request["outcome"] != "ok" for request in requests),
            groups_read=len(read),
            records=len(lags),
            repeats=sum(map(int, _REPEATS.findall(run.log))),
            lag_s=_spread(lags),
            seconds=round(run.seconds, 2),
            cpu_s=round(run.cpu_s, 2),
            peak_mb=None if run.peak_kb is None else round(run.peak_kb / 1024, 1),
            written_bytes=run.written,
            state_bytes=state,
            own=len(own),
            own_bytes=sum(len(text.encode()) for text in own),
            heartbeats=sum(json.loads(text)["event"] == "heartbeat" for text in own),
        )


def _spread(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Median, 95 % and the most."""
    if not values:
        return None
    ordered = sorted(values)
    positions = (len(ordered) // 2, len(ordered) * 95 // 100, len(ordered) - 1)
    first, second, third = (round(ordered[position], 1) for position in positions)
    return first, second, third


def simulate(
    options: SimulationOptions,
    report: Callable[[Poll], None] = lambda _: None,
    built: Path | None = None,
) -> SimulationResult:
    """Every poll; `report` is called with each. built: the package, where it was built already.

    Raises SimulationError, NotServing, and what building the package raises.
    """
    outcome = SimulationResult(options, _version(options.python))
    with tempfile.TemporaryDirectory(prefix="cloudhsm-capacity-") as name:
        folder = Path(name)
        package.unpacked(built or package.build_without_page(), folder)
        limits = (options.region, options.region_calls_per_second, options.latency_ms)
        with serving(SERVICE, *limits, log=folder / "service.log") as url:
            simulation = Simulation(options, Control(url), url, folder)
            for poll in simulation.polls():
                outcome.polls.append(poll)
                report(poll)
    outcome.records = simulation.fleet.written
    outcome.record_bytes = simulation.fleet.written_bytes
    return outcome


def _version(python: str) -> str:
    """Raises SimulationError for what is no Python."""
    code = "import platform; print(platform.python_version())"
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SimulationError(f"{python} does not run as a Python interpreter: {error}") from error
    return done.stdout.strip() or platform.python_version()
