"""The command is timed beside a regex that really reads the same records."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tools.bench import command
from tools.bench.parts import Extent
from tools.bench.programs import BenchProblem, Measured, Python

OWN = Python(f"{sys.version_info[0]}.{sys.version_info[1]}", Path(sys.executable))


def test_every_form_is_told_beside_one_regex() -> None:
    lines = [*command.command(OWN, Extent(records=300, rounds=1))]
    assert [line.partition(":")[0] for line in lines] == list(command.FORMATS)
    for line in lines:
        assert re.search(
            r": [\d,]+ records/s, [\d.]+ \[[\d.]+-[\d.]+\] times as fast as one regex", line
        )


def test_a_program_that_prints_too_little_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run", lambda *_, **__: Measured(1.0, 1.0, 7, "a log"))
    with pytest.raises(BenchProblem, match=r"the regex printed 7 of 300 records: a log"):
        [*command.command(OWN, Extent(records=300, rounds=1))]
