"""Small fleets, collected for real: the model foretells their calls, the oracle sees each fault."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.bench.capacity import model, schema, simulation
from tools.bench.capacity.model import Workload
from tools.bench.capacity.process_usage import WatchedProcess, watch
from tools.bench.capacity.simulation import (
    Poll,
    SimulationError,
    SimulationOptions,
    SimulationResult,
    simulate,
)
from tools.build import package

ROOT = Path(__file__).resolve().parents[4]
FACTS = schema.read(ROOT)
SMALL = SimulationOptions(
    clusters=3,
    hsms=4,
    quiet=1,
    busy=2,
    backlog=20,
    records_per_day=14_400,
    calls_per_second=100,
    region_calls_per_second=100,
    latency_ms=0,
)
DENSE = replace(SMALL, clusters=1, hsms=1, busy=0, backlog=12_000)


@pytest.fixture(scope="module")
def built() -> Path:
    return package.build_without_page()


@pytest.fixture(scope="module")
def small(built: Path) -> SimulationResult:
    return simulate(SMALL, built=built)


@pytest.fixture(scope="module")
def dense(built: Path) -> SimulationResult:
    return simulate(DENSE, built=built)


def polls(outcome: SimulationResult, kind: str) -> list[Poll]:
    return [poll for poll in outcome.polls if poll.kind == kind]


def test_every_record_of_every_hsm_is_handed_over(small: SimulationResult) -> None:
    assert small.records == sum(poll.records for poll in small.polls)
    assert small.records == SMALL.clusters * SMALL.hsms * (20 + 2 * 10)
    assert polls(small, "first")[0].records == SMALL.clusters * SMALL.hsms * 20


def test_each_poll_asks_every_group_as_the_model_says(small: SimulationResult) -> None:
    work = Workload(SMALL.clusters, SMALL.hsms, SMALL.records_per_day, SMALL.region)
    read = model.reading(work, FACTS)
    for poll in (*polls(small, "quiet"), *polls(small, "busy"), *polls(small, "still")):
        assert poll.calls["FilterLogEvents"] == read.poll_calls
        assert poll.groups_read == SMALL.clusters
        assert poll.calls.get("DescribeLogGroups", 1) == 1
    # A sweep of each group beside its poll, a page each.
    assert polls(small, "sweep")[0].calls["FilterLogEvents"] == 2 * read.poll_calls
    assert not any(poll.refused for poll in small.polls)


def test_of_a_busy_group_the_model_foretells_no_fewer_calls_and_not_twice_as_many(
    dense: SimulationResult,
) -> None:
    each = dense.record_bytes / dense.records
    work = Workload(1, 1, 24 * DENSE.backlog, DENSE.region, record_bytes=each)
    foretold = model.reading(work, FACTS).pages
    counted = polls(dense, "quiet")[0].calls["FilterLogEvents"]
    assert counted <= foretold <= 2 * counted


def test_records_met_again_are_counted_and_not_handed_over(dense: SimulationResult) -> None:
    quiet, sweep = polls(dense, "quiet")[0], polls(dense, "sweep")[0]
    assert quiet.records == sweep.records == 0
    assert DENSE.backlog / 5 < quiet.repeats < DENSE.backlog / 3  # a quarter of an hour of it
    assert sweep.repeats >= DENSE.backlog


def test_lag_and_costs_are_told(small: SimulationResult) -> None:
    for poll in polls(small, "busy"):
        assert poll.lag_s is not None
        assert 0 < poll.lag_s[0] <= poll.lag_s[1] <= poll.lag_s[2]
        # A record waits for an interval at most, then for the run.
        assert poll.lag_s[2] < SMALL.interval_s + poll.seconds
    assert all(poll.cpu_s > 0 and poll.state_bytes > 0 for poll in small.polls)
    assert all(poll.peak_mb is None or 10 < poll.peak_mb < 500 for poll in small.polls)
    assert sum(poll.heartbeats for poll in small.polls) == 2  # at the start, and six hours later


def test_a_record_that_comes_twice_ends_the_simulation(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(python: str, script: Path, document: str) -> WatchedProcess:
        seen = watch(python, script, document)
        seen.take(bytes(seen.printed[seen.printed.find(b"<event") :]))
        return seen

    monkeypatch.setattr(simulation, "watch", twice)
    with pytest.raises(SimulationError, match="delivered twice, or not as it was written"):
        simulate(replace(SMALL, clusters=1, hsms=1), built=built)


def test_a_record_that_never_comes_ends_the_simulation(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(python: str, script: Path, document: str) -> WatchedProcess:
        seen = watch(python, script, document)
        return WatchedProcess(log=seen.log)

    monkeypatch.setattr(simulation, "watch", nothing)
    monkeypatch.setattr(simulation, "MOST_RUNS", 2)
    with pytest.raises(SimulationError, match="2 runs did not catch up: 20 records are waiting"):
        simulate(replace(SMALL, clusters=1, hsms=1), built=built)


def test_what_is_no_python_is_told() -> None:
    with pytest.raises(SimulationError, match="/no/python does not run as a Python interpreter"):
        simulate(replace(SMALL, python="/no/python"))


def test_a_run_that_fails_ends_the_simulation_with_its_log(
    built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; print('no space', file=sys.stderr); sys.exit(3)")
    monkeypatch.setattr(simulation, "watch", lambda python, _, text: watch(python, broken, text))
    with pytest.raises(SimulationError, match="a run ended with 3: no space"):
        simulate(SMALL, built=built)


def test_events_are_timed_by_their_last_byte(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(
        "import sys, time\n"
        "def say(text): sys.stdout.write(text); sys.stdout.flush(); time.sleep(0.2)\n"
        "say('<stream><event><source>a</source><data>one &amp;</data></event><event>')\n"
        "say('<source>b</source><sourcetype>t</sourcetype><data>two')\n"
        "say('</data></event></stream>')\n"
    )
    seen = watch(sys.executable, script, "")
    first, second = seen.events()
    assert (first.source, first.text) == ("a", "one &")
    assert (second.source, second.sourcetype, second.text) == ("b", "t", "two")
    assert second.at_s - first.at_s > 0.3
    assert seen.seconds > 0.5
    assert seen.exit_status == 0
