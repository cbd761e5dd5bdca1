"""The official definitions of the Common Information Model, from pytest-splunk-addon's data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Dataset:
    """One dataset of a model: what puts an event into it, and what it then asks for."""

    name: str
    tags: frozenset[str]
    required: frozenset[str]
    expected: dict[str, frozenset[str]]


def datasets(model: str) -> dict[str, Dataset]:
    """The datasets of a model by name, each with what it inherits from those above it."""
    folders = list((ROOT / ".venv" / "cim").glob("lib/*/site-packages/pytest_splunk_addon"))
    assert folders, "the definitions are missing: run make setup"
    text = (folders[0] / "data_models" / f"{model}.json").read_text(encoding="utf-8")
    nothing = Dataset("", frozenset(), frozenset(), {})
    roots = json.loads(text)["objects"]
    return {dataset.name: dataset for root in roots for dataset in _with_children(root, nothing)}


def _with_children(node: dict[str, Any], above: Dataset) -> Iterator[Dataset]:
    fields = node.get("fields", [])
    required = {field["name"] for field in fields if field["type"] == "required"}
    expected = {
        field["name"]: frozenset(field["expected_values"])
        for field in fields
        if field.get("expected_values")
    }
    tags = frozenset(tag for tags in node["tags"] for tag in tags)
    dataset = Dataset(node["name"], tags, above.required | required, {**above.expected, **expected})
    yield dataset
    for child in node.get("child_dataset", []):
        yield from _with_children(child, dataset)
