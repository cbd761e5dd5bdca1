"""Environments are made once, made again when their recipe changes, and fail with words."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.build import environments
from tools.build.environments import EnvironmentProblem, Recipe


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose development requirements are empty, so that nothing is fetched."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("# nothing\n")
    (tmp_path / "requirements" / "test.txt").write_text("# nothing\n")
    return tmp_path


def test_an_environment_is_made_once_and_again_when_its_requirements_change(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert environments.prepare(["dev"], root) == []
    assert (root / ".venv/dev/bin/python").exists()
    assert "setting up .venv/dev" in capsys.readouterr().out

    environments.prepare(["dev"], root)
    assert capsys.readouterr().out == ""
    made = environments.plan("dev", root)
    assert made is not None
    assert not replace(made, interpreter=Path("/usr/bin/python9.9")).is_current()

    (root / "requirements" / "dev.txt").write_text("-r test.txt\n")
    environments.prepare(["dev"], root)
    assert "setting up .venv/dev" in capsys.readouterr().out

    (root / "requirements" / "test.txt").write_text("./no-such-package\n")
    with pytest.raises(EnvironmentProblem, match=r"\.venv/dev: this failed: .*\n.*no-such-package"):
        environments.prepare(["dev"], root)
    # What failed is not taken for done.
    with pytest.raises(EnvironmentProblem):
        environments.prepare(["dev"], root)


def test_an_interpreter_that_the_machine_lacks_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(environments.RECIPES, "py99", Recipe("test.txt", "9.9"))
    monkeypatch.setattr(environments, "ROOT", root)
    assert environments.prepare(["py99"], root) == ["9.9"]
    assert environments.main(["py99"]) == 0
    assert capsys.readouterr().out == "Python 9.9: not found\n"


def test_an_unknown_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert environments.main(["dve"]) == 1
    assert "no environment is called 'dve'; known: dev, moto" in capsys.readouterr().err


def test_a_missing_requirements_file_is_named(root: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=r"moto\.txt: there is no such requirements file"):
        environments.prepare(["moto"], root)


def test_a_python_that_is_too_old_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(EnvironmentProblem, match=r"this is 3\.10\.4 .*make PYTHON="):
        environments.plan("dev")


def test_a_debian_without_venv_is_told_which_package_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentProblem, match="install the Debian package python3-venv"):
        environments.plan("dev")
