"""The parts that were asked for run on every interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bench import __main__ as bench
from tools.bench.parts import Extent
from tools.bench.programs import BenchProblem, Python


def part(python: Python, extent: Extent) -> Iterator[str]:
    yield f"{extent.records} records, {extent.rounds} rounds"
    if python.version == "4.0":
        raise BenchProblem("it broke")


@pytest.fixture(autouse=True)
def two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Python(version, Path()) for version in ("3.9", "3.13")]
    monkeypatch.setattr(bench, "PARTS", {"quick": part, "slow": part})
    monkeypatch.setattr(bench, "QUICK", ("quick",))
    monkeypatch.setattr(bench, "pythons", lambda: iter(found))


def test_without_names_the_quick_parts_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "quick, Python 3.9: 200000 records, 5 rounds",
        "quick, Python 3.13: 200000 records, 5 rounds",
    ]


def test_a_named_part_runs_as_far_as_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["slow", "--records", "7", "--rounds", "1"]) == 0
    assert "slow, Python 3.9: 7 records, 1 rounds\n" in capsys.readouterr().out


def test_a_part_that_nobody_knows_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        bench.main(["fast"])
    assert "no part is called 'fast'; there are quick, slow" in capsys.readouterr().err


def test_a_figure_that_would_mean_nothing_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "pythons", lambda: iter([Python("4.0", Path())]))
    assert bench.main([]) == 1
    assert capsys.readouterr().err == "error: it broke\n"
