"""Each class of the collector is about one idea, and kinds of windows decide for themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudhsm.trail import windows

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "bin").rglob("*.py"))
MOST_METHODS = 15
KINDS = {
    name
    for name, value in vars(windows).items()
    if isinstance(value, type) and issubclass(value, windows.Kind)
}


def classes(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each class in a file, however deep, with all its methods: private, properties, dunder."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            yield node.name, [item.name for item in node.body if isinstance(item, functions)]


def questions_of_kind(text: str) -> Iterator[str]:
    """Names of window kinds that the text asks for, by isinstance, type() or a match."""
    for node in ast.walk(ast.parse(text)):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            parts = [*node.args[1:]]
        elif isinstance(node, ast.Compare) and "type(" in ast.unparse(node.left):
            parts = [*node.comparators]
        elif isinstance(node, ast.MatchClass):
            parts = [node.cls]
        words = [ast.unparse(name) for part in parts for name in ast.walk(part)]
        yield from sorted({word.rpartition(".")[2] for word in words} & KINDS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_class_has_more_than_15_methods(path: Path) -> None:
    assert {name: len(own) for name, own in classes(path) if len(own) > MOST_METHODS} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_asks_of_which_kind_a_window_is(path: Path) -> None:
    assert [*questions_of_kind(path.read_text("utf-8"))] == []


def test_every_kind_of_window_is_known_here() -> None:
    kinds = {"Poll", "Sweep", "Backfill", "Reread", "Replay"}
    assert kinds | {"Kind", "Stretch"} == KINDS
    for name in kinds:
        assert {"fresh", "finish", "enter", "settled_before"} <= {*dir(getattr(windows, name))}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("isinstance(window.kind, (Replay, Reread))", ["Replay", "Reread"]),
        ("isinstance(kind, windows.Sweep)", ["Sweep"]),
        ("type(kind) is Poll", ["Poll"]),
        ("match kind:\n    case windows.Backfill():\n        pass", ["Backfill"]),
        ("isinstance(request, Request)", []),
    ],
)
def test_every_way_to_ask_for_a_kind_is_seen(text: str, asked: list[str]) -> None:
    assert [*questions_of_kind(text)] == asked
