"""Each part runs the real programs, with few records, and says its figure."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

import pytest

from tools.bench import parts
from tools.bench.parts import Extent, Ratio
from tools.bench.programs import LIBRARIES, ROOT, BenchProblem, Python

# Has boto3, but not splunklib.
WITH_BOTO3 = ROOT / ".venv" / "moto" / "bin" / "python"
EXTENT = Extent(records=4_000, rounds=1)


@pytest.fixture
def python(tmp_path: Path) -> Python:
    with_both = tmp_path / "python"
    path, program = quote(f"{LIBRARIES}/common"), quote(str(WITH_BOTO3))
    with_both.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {program} "$@"\n')
    with_both.chmod(0o755)
    return Python("3.11", with_both)


def test_a_ratio_is_the_median_of_its_pairs() -> None:
    assert str(Ratio([1.0, 4.0, 2.0])) == "2.00 [1.00-4.00]"


def test_speed_is_told_beside_both_usual_programs(python: Python) -> None:
    (line,) = parts.speed(python, EXTENT)
    assert re.search(
        r"records/s, \d+ MB; [\d.]+ \[.*splunklib's EventWriter, [\d.]+ \[.*prints", line
    )


def test_a_usual_program_that_loses_records_stops_the_measuring(
    python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.bench.programs.STREAMS", ("hsm-bench234567a",))
    with pytest.raises(BenchProblem, match=r"loop \(splunklib\) delivered 1000 of 4000"):
        [*parts.speed(python, EXTENT)]


def test_a_scheme_is_compared_with_the_import_of_splunklib(python: Python) -> None:
    (line,) = parts.scheme(python, EXTENT)
    assert re.match(r"--scheme takes [\d.]+ \[", line)


def test_calls_are_counted_for_a_backlog_and_for_a_quiet_group(python: Python) -> None:
    (line,) = parts.requests(python, EXTENT)
    assert re.match(r"\d+ calls for a backlog of 2 pages", line)
    assert line.endswith("then, with nothing new: 1 FilterLogEvents")


def test_what_the_quota_allows_is_told_with_the_calls_it_refused(python: Python) -> None:
    (line,) = parts.latency(python, EXTENT)
    assert re.match(r"0\.\d\d of what 10 calls/s allow at 80 ms each, .*; \d+ calls refused", line)


def test_memory_is_told_for_few_and_many_records_and_windows(
    python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "GROWTH", 2)
    lines = [*parts.memory(python, EXTENT)]
    assert [line.partition(":")[0] for line in lines] == [
        "4,000 records, 1 in flight",
        "4,000 records, 4 in flight",
        "8,000 records, 1 in flight",
        "8,000 records, 4 in flight",
    ]
    assert all(
        re.search(r": [\d.]+ MB at most, [\d.]+ kB of state, \d+ s$", line) for line in lines
    )
