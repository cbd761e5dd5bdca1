"""The shipped configuration is timed beside one regex, on records that both really read."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from emulator.regex import compile_regex
from tools.bench import __main__ as bench
from tools.bench import normalization
from tools.bench.normalization import HsmFile
from tools.bench.parts import Extent
from tools.bench.programs import ROOT, BenchProblem, Python
from tools.content.installed_app import installed_app

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"
EXTENT = Extent(records=60, rounds=2)
FILE = HsmFile("s", "hsm-nwbbiqbj4jk", normalization.sampled(3)[0].records)


def test_the_cost_of_an_event_is_told_beside_that_of_one_regex() -> None:
    (line,) = normalization.normalization(Python(OWN, Path()), EXTENT)
    found = re.fullmatch(
        r"([\d,]+) microseconds per event from text to tags, ([\d.]+) for one regex: "
        r"([\d.]+) \[[\d.]+-[\d.]+\] times as long; 60 records of \d+ HSMs",
        line,
    )
    assert found
    whole, single, times = (float(one.replace(",", "")) for one in found.groups())
    assert times > 1
    assert whole / single == pytest.approx(times, rel=0.5)


def test_it_is_measured_once_in_the_interpreter_that_has_preview() -> None:
    assert [*normalization.normalization(Python("3.9", Path()), EXTENT)] == []
    assert "normalization" in bench.QUICK


def test_the_sample_is_the_same_each_time_and_mixed() -> None:
    files = normalization.sampled(normalization.MOST_RECORDS)
    assert files == normalization.sampled(normalization.MOST_RECORDS)
    records = [record for file in files for record in file.records]
    assert len(records) == normalization.MOST_RECORDS
    assert len({found[1] for one in records if (found := re.search(r"Opcode\s*: (\w+)", one))}) > 8
    assert {"Version No" in one for one in records} == {True, False}


def test_the_one_regex_finds_the_lines_of_both_generations() -> None:
    older = "Time: 1, usecs:7\nSequence No : 0x1\nReboot counter : 0x2\nCommand Type(hex) : C (0x0)"
    older += "\nOpcode : O (0x1)\nSession Handle : 0x3\nResponse : 0:HSM Return: SUCCESS\nmore"
    newer = older.replace("\nOpcode : O (0x1)", "").replace("\nCom", "\nOpcode : N (0x1)\nCom")
    regex, second = normalization.one_regex(), "line_5"
    found, other = regex.named(older), regex.named(newer)
    assert found is not None
    assert other is not None
    assert (found["usecs"], found[second], found["rest"]) == ("7", "O (0x1)", "\nmore")
    assert (other["line_3"], other[second]) == ("N (0x1)", None)


def test_a_regex_that_matches_too_little_is_not_timed() -> None:
    with pytest.raises(BenchProblem, match="matches 0 of "):
        normalization.cut(compile_regex("(?<a>nothing of that)"), [FILE])


def test_a_lost_record_stops_the_measuring() -> None:
    torn = HsmFile(FILE.source, FILE.host, [FILE.records[0], "no record of its own"])
    with pytest.raises(BenchProblem, match="2 records of hsm-nwbbiqbj4jk became 1 events"):
        normalization.normalize(installed_app(ROOT), [torn])
