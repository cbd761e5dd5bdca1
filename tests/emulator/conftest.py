"""Tiny apps, written file by file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from emulator.app import App
from emulator.event import IndexedEvent


@pytest.fixture
def app_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes an app's files: `props` becomes default/props.conf, `x_csv` lookups/x.csv."""

    def write(**files: str) -> Path:
        (tmp_path / "default").mkdir(exist_ok=True)
        (tmp_path / "lookups").mkdir(exist_ok=True)
        for name, text in files.items():
            is_table = name.endswith("_csv")
            path = f"lookups/{name[:-4]}.csv" if is_table else f"default/{name}.conf"
            (tmp_path / path).write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def app(app_folder: Callable[..., Path]) -> Callable[..., App]:
    """Loads an app from texts, as `app_folder` writes them."""
    return lambda **files: App.load(app_folder(**files))


@pytest.fixture
def search(app: Callable[..., App]) -> Callable[..., dict[str, object]]:
    """The search-time fields of one event of source type `st` under the props that are given."""

    def fields(raw: str, *, host: str = "h", source: str = "s", **files: str) -> dict[str, object]:
        event = IndexedEvent(raw, 0, host, source, "st", "main")
        return dict(app(**files).search_time(event))

    return fields
