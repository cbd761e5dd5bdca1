"""`make browser` finds or installs Chromium, serves both indexes to the tests, or says why not."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from shlex import quote
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from emulator.dashboards.dashboard_studio import ViewSearches
from emulator.dashboards.server import HOST
from emulator.session import Session
from tools.build import node
from tools.build.environments import EnvironmentProblem
from tools.checks import browser
from tools.content.installed_app import installed_app
from tools.demo import setup_preview

ROOT = Path(__file__).resolve().parents[3]
# Stands in for Node: looks at both servers, notes what it found, and fails as tests do.
_TESTS = """
import json, os, sys, urllib.request
if sys.argv[1:] == ["--version"]:
    print("v20.19.0")
    sys.exit()
def page(base):
    return urllib.request.urlopen(f"{base}/app/TA-aws-cloudhsm/any").read().decode()
ours = ("PREVIEW_", "SETUP_")
told = {name: value for name, value in os.environ.items() if name.startswith(ours)}
told["pages"] = [page(told["PREVIEW_SAMPLE"]), page(told["PREVIEW_EMPTY"])]
told["arguments"] = sys.argv[1:]
with open(os.path.join(told["PREVIEW_SHOTS"], "told.json"), "w") as file:
    json.dump(told, file)
sys.exit(7)
"""


def as_node(checkout: Path) -> str:
    """A script that runs _TESTS; the path of the interpreter may have spaces."""
    program = checkout.parent / "tests.py"
    program.write_text(_TESTS)
    return f'#!/bin/sh\nexec {quote(sys.executable)} {quote(str(program))} "$@"\n'


Program = Callable[[str, str], Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A machine without any program; `machine(name, text)` gives it one. We may install."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("os.geteuid", lambda: 0)

    def given(name: str, text: str) -> Path:
        path = programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    return given


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two browser tests and old pictures, whose page is built."""
    root = tmp_path / "checkout"
    page = root / "build" / "page"
    tests = root / "tests" / "browser"
    shots = root / browser.SHOTS
    for folder in (page, tests, shots):
        folder.mkdir(parents=True)
    (page / "index.html").write_text("the page")
    (shots / "old.png").write_text("")
    for name in ("b.test.mjs", "a.test.mjs", "no_test.mjs"):
        (tests / name).write_text("")
    monkeypatch.setattr(browser, "ROOT", root)
    monkeypatch.setattr(browser, "build", lambda _root: page)
    monkeypatch.setattr(node, "packages", lambda *_: page)
    setup = SimpleNamespace(url="http://127.0.0.1:1/setup")
    monkeypatch.setattr(setup_preview, "served", lambda: nullcontext((setup, "aws")))
    return root


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each index that was asked for is the empty one."""
    asked: list[bool] = []

    def answers(_root: Path, *, is_empty: bool) -> ViewSearches:
        asked.append(is_empty)
        return ViewSearches(Session(installed_app(ROOT), now=0))

    monkeypatch.setattr(browser, "answers", answers)
    return asked


def test_a_chromium_that_is_there_is_used(machine: Program) -> None:
    there = machine("chromium-browser", "")

    assert browser.browser() == there


def test_a_missing_chromium_is_installed(machine: Program, tmp_path: Path) -> None:
    chromium = tmp_path / "programs" / "chromium"
    apt = f'[ "$1" = update ] || {{ : > {chromium}; /bin/chmod +x {chromium}; }}'
    machine("apt-get", f'#!/bin/sh\necho "$@" >> {tmp_path}/runs\n{apt}\n')

    assert browser.browser() == chromium
    assert (tmp_path / "runs").read_text().splitlines() == [
        "update -qq",
        "install -y -qq chromium fonts-liberation",
    ]


def test_where_we_may_not_install_the_command_is_told(
    machine: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("apt-get", "#!/bin/sh\n")
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(EnvironmentProblem, match="as root: apt-get update && apt-get install -y"):
        browser.browser()


@pytest.mark.usefixtures("machine")
def test_without_apt_the_command_is_told() -> None:
    with pytest.raises(EnvironmentProblem, match="there is no Chromium; as root: apt-get update"):
        browser.browser()


def test_an_install_that_fails_gives_its_reason(machine: Program) -> None:
    machine("apt-get", "#!/bin/sh\necho E: Unable to locate package chromium >&2; exit 100\n")

    with pytest.raises(EnvironmentProblem, match="apt-get update failed: E: Unable to locate pack"):
        browser.browser()


def test_an_install_that_brings_none_is_no_success(machine: Program) -> None:
    machine("apt-get", "#!/bin/sh\n")

    with pytest.raises(EnvironmentProblem, match="there is no Chromium after apt-get update"):
        browser.browser()


def _told(checkout: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((checkout / browser.SHOTS / "told.json").read_text())
    return found


def test_the_tests_get_both_indexes_and_their_failure_is_ours(
    machine: Program, checkout: Path, indexes: list[bool]
) -> None:
    chromium = machine("chromium", "")
    machine("npm", "")
    machine("node", as_node(checkout))

    assert browser.main([]) == 7

    told = _told(checkout)
    assert told["pages"] == ["the page", "the page"]
    assert told["PREVIEW_SAMPLE"] != told["PREVIEW_EMPTY"]
    assert indexes == [False, True]
    assert told["SETUP_PAGE"] == "http://127.0.0.1:1/setup"
    assert told["PREVIEW_CHROMIUM"] == str(chromium)
    program, *files = [Path(one).name for one in told["arguments"]]
    assert program == "run.mjs"
    assert files == ["a.test.mjs", "b.test.mjs"]


@pytest.mark.usefixtures("indexes")
def test_afterwards_old_pictures_and_the_servers_are_gone(machine: Program, checkout: Path) -> None:
    machine("chromium", "")
    machine("npm", "")
    machine("node", as_node(checkout))

    browser.main(["a.test.mjs"])

    assert not (checkout / browser.SHOTS / "old.png").exists()
    port = urlsplit(_told(checkout)["PREVIEW_SAMPLE"]).port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=5)


def test_where_the_page_cannot_be_built_it_fails_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def packages(_root: Path) -> Path:
        raise EnvironmentProblem("npm ci failed: ECONNREFUSED")

    monkeypatch.setattr(node, "packages", packages)

    assert browser.main([]) == 1
    assert capsys.readouterr().err == "browser: npm ci failed: ECONNREFUSED\n"
