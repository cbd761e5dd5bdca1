"""make: wrong settings and targets are one line, and `make clean` removes what it names."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tools.processes import ROOT, finished


def make(*arguments: str, folder: Path = ROOT) -> tuple[int, str]:
    """The status and output of make, without its own last line."""
    outcome = finished(
        ["make", "--no-print-directory", "-C", str(folder), f"PYTHON={sys.executable}", *arguments],
        env={"PATH": "/usr/bin:/bin"},
    )
    lines = [line for line in outcome.stdout.splitlines() if ": *** [" not in line]
    return outcome.returncode, "\n".join(lines)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["demo", "REGON=us-east-1"], "No target has a setting REGON; there are PYTHON T AWS"),
        (["demmo"], "there is no target 'demmo'; `make help` lists all"),
        (["demo", "PYTHON=/no/python3"], "/no/python3 was not found; install Python 3.11"),
    ],
)
def test_what_make_does_not_know_is_one_line_with_the_correct_form(
    arguments: list[str], text: str
) -> None:
    status, output = make(*arguments)
    assert status == 2
    assert text in output
    assert output.count("\n") == 0


def test_a_setting_of_several_words_is_accepted() -> None:
    assert make("help", "PARTS=speed command")[0] == 0


def test_clean_removes_what_was_built_and_keeps_the_environments(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    built = ["build/lib/x", "dist/x", ".mypy_cache/x", "bin/a/__pycache__/x", "tools/__pycache__/x"]
    kept = [".venv/dev/x", "web/node_modules/x", "emulator/node_modules/__pycache__/x", "bin/a/x"]
    for path in (*built, *kept, "push/x", "samples/x", "tests/x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    status, output = make("clean", folder=tmp_path)
    assert status == 0, output
    assert [path for path in built if (tmp_path / path).exists()] == []
    assert [path for path in kept if not (tmp_path / path).exists()] == []
