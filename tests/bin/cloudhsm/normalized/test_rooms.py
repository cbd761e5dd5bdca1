"""The rooms of normalized records: imports run only downwards in the list of the docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from cloudhsm import normalized

PACKAGE = Path(normalized.__file__).parent
ROOMS = re.findall(r"(?m)^(\w+) {2,}\S", normalized.__doc__ or "")
OUTSIDE = {"errors", "record"}  # rooms of the house around


def imported(room: str) -> set[str]:
    """What a room imports of the project."""
    tree = ast.parse((PACKAGE / f"{room}.py").read_text("utf-8"))
    modules = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    found: set[str] = set()
    for node in modules:
        if node.module == "cloudhsm.normalized":
            found |= {alias.name for alias in node.names}
        elif str(node.module).startswith("cloudhsm"):
            found.add(str(node.module).rpartition(".")[2])
    return found


def test_every_room_is_in_the_list() -> None:
    assert sorted(ROOMS) == sorted(
        path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    assert imported(room) <= {*ROOMS[ROOMS.index(room) + 1 :], *OUTSIDE}
