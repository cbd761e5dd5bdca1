"""Pipelines over rows that a test writes down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from emulator.eval.values import FieldValue
from emulator.spl.context import Context, ResultRow
from emulator.spl.pipeline import run

Rows = Sequence[Mapping[str, FieldValue]]


@pytest.fixture
def piped() -> Callable[..., list[ResultRow]]:
    """The rows that come out of `| command` when `rows` go in, in the order given."""

    def rows_of(text: str, rows: Rows, context: Context | None = None) -> list[ResultRow]:
        events = [{"_time": "0", **row} for row in rows]
        results = run(f"* | {text}", replace(context or Context(), events=events))
        return [
            {name: value for name, value in row.items() if (name, value) != ("_time", "0")}
            for row in results.rows
        ]

    return rows_of
