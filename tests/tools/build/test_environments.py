"""Environments are made once, made again when their recipe changes, and fail with words."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.build import environments
from tools.build.environments import ROOT, Environment, EnvironmentProblem, Recipe


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose development requirements are empty, with this checkout's uv on PATH."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("# nothing\n")
    uv = environments.installed_uv(ROOT)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
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
    assert not replace(made, interpreter=made.interpreter.with_name("python9.9")).is_current()
    assert not replace(made, folder=root / ".venv" / "moved").is_current()

    (root / "requirements" / "dev.txt").write_text("# nothing more\n")
    environments.prepare(["dev"], root)
    assert "setting up .venv/dev" in capsys.readouterr().out

    (root / "requirements" / "dev.txt").write_text("./no-such-package\n")
    with pytest.raises(
        EnvironmentProblem, match=r"^\.venv/dev: [^\n]*no-such-package[^\n]*$"
    ) as problem:
        environments.prepare(["dev"], root)
    assert "(all output: " in str(problem.value)
    assert "no-such-package" in (root / ".venv/dev.log").read_text()
    # What failed is not taken for done.
    with pytest.raises(EnvironmentProblem):
        environments.prepare(["dev"], root)


def test_an_environment_that_was_not_finished_is_made_again_from_the_start(root: Path) -> None:
    environments.prepare(["dev"], root)
    (root / ".venv/dev/.made-from").unlink()
    broken = root / ".venv/dev/left-behind"
    broken.touch()
    environments.prepare(["dev"], root)
    assert not broken.exists()
    assert (root / ".venv/dev/bin/python").exists()


def test_ctrl_c_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_names: list[str]) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(environments, "prepare", interrupted)
    assert environments.main(["dev"]) == 130
    assert capsys.readouterr().err.startswith("interrupted; the next run makes again")


def test_a_full_disk_is_named_as_the_reason(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(root)._replace(free=3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: full)
    (root / "requirements" / "dev.txt").write_text("./no-such-package\n")
    with pytest.raises(EnvironmentProblem, match=r"^\.venv/dev: the disk of .* 3 MB are free"):
        environments.prepare(["dev"], root)


def test_a_slow_installation_shows_what_is_pending(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environments, "_PROGRESS_EVERY_S", 0.01)
    environments.prepare(["dev"], root)
    assert ".venv/dev: installing (0 s)" in capsys.readouterr().out


def test_a_package_without_its_hash_is_refused(root: Path) -> None:
    (root / "requirements" / "dev.txt").write_text("six==1.17.0\n")
    with pytest.raises(EnvironmentProblem, match=r"(?i)hash"):
        environments.prepare(["dev"], root)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("#!/bin/sh\necho error: no such option >&2\nexit 2\n", "error: no such option"),
        ("#!/no/such/interpreter\n", "cannot be started"),
        ("#!/bin/sh\nprintf 'caf\\351'\nexit 1\n", "caf"),
        ("#!/bin/sh\nexit 0\n", "it made nothing"),
    ],
)
def test_where_uv_fails_pip_does_the_same_and_the_reason_is_shown(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    program: str,
    reason: str,
) -> None:
    filled: list[str] = []
    monkeypatch.setattr(Environment, "_fill_by_pip", _made_by_pip(filled))
    uv = tmp_path / "path" / "uv"
    uv.parent.mkdir()
    uv.write_text(program)
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    assert environments.prepare(["dev"], root) == []
    said = capsys.readouterr().out
    assert ".venv/dev: uv failed (" in said
    assert reason in said
    assert filled == ["dev"]


def _made_by_pip(filled: list[str]) -> Callable[[Environment], None]:
    def fill(environment: Environment) -> None:
        environment.folder.mkdir(parents=True, exist_ok=True)
        filled.append(environment.name)

    return fill


def test_a_signal_to_uv_is_no_reason_to_go_on_with_pip(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled: list[str] = []
    monkeypatch.setattr(Environment, "_fill_by_pip", _made_by_pip(filled))
    monkeypatch.setattr(environments, "ROOT", root)
    uv = tmp_path / "path" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\nkill -TERM $$\n")  # SIGINT may be ignored here
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    prepare = environments.prepare
    monkeypatch.setattr(environments, "prepare", lambda names: prepare(names, root))
    assert environments.main(["dev"]) == 130
    assert capsys.readouterr().err.startswith("interrupted; the next run")
    assert filled == []


def test_what_a_lock_no_longer_has_is_removed(root: Path) -> None:
    lock = root / "requirements" / "dev.txt"
    lock.write_text(
        "six==1.17.0 \\\n"
        "    --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n"
    )
    environments.prepare(["dev"], root)
    (package,) = (root / ".venv/dev").glob("lib/python*/site-packages/six.py")
    lock.write_text("# nothing\n")
    environments.prepare(["dev"], root)
    assert not package.exists()


def test_a_folder_that_cannot_be_written_is_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / ".venv").touch()
    prepare = environments.prepare
    monkeypatch.setattr(environments, "prepare", lambda names: prepare(names, root))
    assert environments.main(["dev"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_where_uv_cannot_be_installed_pip_does_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    (root / "requirements" / "uv.txt").write_text("./no-such-package\n")
    assert environments.prepare(["dev"], root) == []
    assert "uv cannot be installed (" in capsys.readouterr().out
    assert (root / ".venv/dev/bin/pip").exists()


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
