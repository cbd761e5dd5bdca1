"""Finding interpreters among stubs, wrong versions and places off the PATH."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.build import interpreters

VERSION = "9.9"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any Python 9.9."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def sound(path: Path, version: str = VERSION) -> Path:
    return program(path, f"echo {version} {path}")


def test_none_is_found_where_there_is_none() -> None:
    assert interpreters.find(VERSION) is None


def test_one_on_the_path_is_found(tmp_path: Path) -> None:
    assert interpreters.find(VERSION) is None
    there = sound(tmp_path / "path" / "python9.9")
    assert interpreters.find(VERSION) == there


@pytest.mark.parametrize(
    "stub",
    [
        "echo 'pyenv: python9.9: command not found' >&2; exit 127",
        "echo 9.8 /x",
        "echo 9.9 /x; exit 1",
    ],
)
def test_a_stub_that_refuses_is_passed_over_for_one_that_runs(tmp_path: Path, stub: str) -> None:
    program(tmp_path / "path" / "python9.9", stub)
    assert interpreters.find(VERSION) is None
    there = sound(tmp_path / "pyenv" / "versions" / "9.9.1" / "bin" / "python9.9")
    assert interpreters.find(VERSION) == there


def test_a_file_that_is_no_program_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "path" / "python9.9"
    broken.parent.mkdir()
    broken.write_bytes(b"\x00\x01")
    broken.chmod(0o755)
    assert interpreters.find(VERSION) is None


def test_the_newest_patch_release_wins(tmp_path: Path) -> None:
    for release in ("9.9.2", "9.9.18", "9.9.3"):
        sound(tmp_path / "pyenv" / "versions" / release / "bin" / "python9.9")
    found = interpreters.find(VERSION)
    assert found is not None
    assert found.parent.parent.name == "9.9.18"


def test_one_that_was_installed_by_uv_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".local/share/uv/python/cpython-9.9.4-linux-x86_64-gnu"
    there = sound(folder / "bin" / "python9.9")
    assert interpreters.find(VERSION) == there


def test_this_very_interpreter_identifies_itself() -> None:
    version = "{}.{}".format(*sys.version_info[:2])
    assert interpreters.identify(Path(sys.executable), version) == Path(sys.executable)
    assert interpreters.identify(Path(sys.executable), VERSION) is None
