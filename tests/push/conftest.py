"""The shipped configuration, as an evaluator of it has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from preview.app import App

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="package")
def app() -> App:
    return App.load(ROOT)
