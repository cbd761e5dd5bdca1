"""Programs are run whole, and a figure that would mean nothing is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.bench import programs
from tools.bench.programs import BenchProblem, Measured
from tools.build import environments


def test_records_are_counted_across_the_cuts_of_a_pipe() -> None:
    code = (
        "import sys, time\n"
        "for part in ('Sequ', 'ence No', ' Sequence No Seq', 'uence', ' No'):\n"
        "    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.01)\n"
    )
    assert programs.run([sys.executable, "-c", code]).records == 3


def test_a_program_gets_its_stdin_and_its_peak_is_measured() -> None:
    # Much more than this process has: the kernel's figure begins at that.
    code = "import sys; held = b'x' * 900_000_000; print(sys.stdin.read())"
    done = programs.run([sys.executable, "-c", code], stdin="Sequence No")
    assert done.records == 1
    assert 850 < done.peak_mb < 1000
    assert done.seconds > 0


def test_what_is_set_for_python_here_does_not_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    code = "import os; print('Sequence No' * all(n[:6] != 'PYTHON' for n in os.environ))"
    assert programs.run([sys.executable, "-c", code]).records == 1


def test_a_program_that_fails_is_shown_with_what_it_said() -> None:
    with pytest.raises(BenchProblem, match=r"ended with 3: .*why"):
        programs.run(
            [sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"]
        )


def test_a_program_that_loses_a_record_is_not_timed() -> None:
    done = Measured(1.0, 50.0, records=99, log="x")
    assert replace(done, records=100).expect(100, "it").seconds == 1.0
    with pytest.raises(BenchProblem, match="it delivered 99 of 100 records: x"):
        done.expect(100, "it")


def test_an_interpreter_that_this_machine_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environments, "plan", lambda _: None)
    assert [*programs.pythons()] == []
    assert "Python 3.9: not found, not measured" in capsys.readouterr().out


def test_an_environment_that_was_not_made_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = environments.Environment("bench", tmp_path, tmp_path, Path(sys.executable))
    monkeypatch.setattr(environments, "plan", lambda _: made)
    with pytest.raises(BenchProblem, match=r"\.venv/bench is missing: .*make bench"):
        next(programs.pythons())
