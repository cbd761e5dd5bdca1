"""The house: imports run only downwards in the list of rooms that the package's docstring gives."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import cloudhsm

PACKAGE = Path(cloudhsm.__file__).parent
ROOMS = re.findall(r"(?m)^(\w+) {2,}\S", cloudhsm.__doc__ or "")
PURE = (
    "plan",
    "ledger",
    "seen",
    "log_group",
    "record",
    "settings",
    "login",
    "state",
    "support_bundle",
    "errors",
)


def imported(room: str) -> set[str]:
    """Every module that a room imports, wherever in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{room}.py").read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "cloudhsm":
            found |= {f"cloudhsm.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_every_room_is_in_the_list() -> None:
    assert sorted(ROOMS) == sorted(
        path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    below = ROOMS[ROOMS.index(room) + 1 :]
    own = {name.partition(".")[2] for name in imported(room) if name.startswith("cloudhsm.")}
    assert own - {"__version__"} <= set(below)


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_touches_neither_clock_nor_network_nor_disk(room: str) -> None:
    outside = {"time", "socket", "os", "pathlib", "io", "subprocess", "botocore", "splunklib"}
    assert not {name.split(".")[0] for name in imported(room)} & outside


@pytest.mark.parametrize("room", ROOMS)
def test_only_the_shell_knows_aws_and_splunk(room: str) -> None:
    libraries = {name.split(".")[0] for name in imported(room)} & {"botocore", "splunklib"}
    allowed = {
        "answer_parser": {"botocore"},
        "cloudwatch": {"botocore"},
        "credentials": {"botocore"},
        "modular_input": {"splunklib"},
        "splunk_secrets": {"splunklib"},
        "splunk_server": {"splunklib"},
    }
    assert libraries == allowed.get(room, set())
