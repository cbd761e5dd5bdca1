"""The repair command that error messages name, started as its help says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cloudhsm import plan
from cloudhsm.state import GroupState
from cloudhsm.state_store import FileStateStore
from tests.bin.conftest import ROOT
from tests.bin.fakes import DAY_MS, GROUP, NOW_MS


@pytest.fixture
def state(tmp_path: Path) -> Path:
    store = FileStateStore(tmp_path)
    document = GroupState(GROUP, "aws_cloudhsm://prod", "all", plan.begin(0, NOW_MS, DAY_MS))
    with store.open(GROUP, "aws_cloudhsm://prod") as file:
        file.save(document)
        file.save(document)
    return store.path(GROUP)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "bin" / "aws_cloudhsm_state.py")
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True
    )


def test_show_tells_whose_state_it_is_and_how_far_it_came(state: Path) -> None:
    said = command("show", state)
    assert said.returncode == 0
    assert "/aws/cloudhsm/cluster-likphkxygsn (111122223333, us-east-1)" in said.stdout
    assert "settled up to         2026-09-20T14:13:20+00:00" in said.stdout


def test_set_aside_keeps_both_generations_under_other_names(state: Path) -> None:
    content = state.read_bytes()
    said = command("set-aside", "--force", state)
    assert said.returncode == 0
    left = sorted(path.name for path in state.parent.iterdir() if "set-aside" in path.name)
    assert len(left) == 2
    assert not state.exists()
    assert (state.parent / left[1]).read_bytes() == content
    assert command("show", state).returncode == 1


def test_a_whole_state_is_set_aside_only_by_force(state: Path) -> None:
    said = command("set-aside", state)
    assert said.returncode == 1
    assert "this state is whole" in said.stderr
    assert state.exists()


def test_a_damaged_state_is_set_aside(state: Path) -> None:
    for generation in (state, state.with_suffix(".previous")):
        generation.write_bytes(b"x")
    assert command("set-aside", state).returncode == 0
    assert not state.exists()


@pytest.mark.parametrize("name", ["show", "set-aside"])
def test_a_glob_takes_no_other_files_for_states(state: Path, name: str) -> None:
    said = command(name, state.with_suffix(".previous"))
    assert said.returncode == 1
    assert "they are called *.state" in said.stderr


def test_a_damaged_state_is_shown_from_its_previous_generation(state: Path) -> None:
    state.write_bytes(b"x")
    said = command("show", state)
    assert said.returncode == 0
    assert "previous generation used" in said.stdout


@pytest.mark.parametrize("name", ["show", "set-aside"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    said = command(name, tmp_path / "missing.state")
    assert said.returncode == 1
    assert "missing.state: there is no state here" in said.stderr
    assert "Traceback" not in said.stderr
