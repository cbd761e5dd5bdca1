"""A shipped view over an index, for tests: rows as plain dictionaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emulator.dashboards.dashboard_studio import ShownView, ViewSearches, read_view
from emulator.session import Session
from emulator.spl.context import Results

ROOT = Path(__file__).resolve().parents[2]
PanelRow = dict[str, Any]


class Shown:
    """`cloudhsm_<name>` as it opens, but for the tokens that are given."""

    def __init__(self, name: str, session: Session, /, **tokens: str) -> None:
        view = read_view(ROOT, f"cloudhsm_{name}")
        self._view = ShownView(view, ViewSearches(session), **tokens)
        self.definition = view.definition
        self.session = session

    def search(self, name: str) -> list[PanelRow]:
        """The rows of the search that the YAML calls so."""
        return [dict(row) for row in self._view.search(name)]

    def value(self, name: str, column: str = "") -> str:
        """The value of `column` in the only row; of its first column if none is named."""
        return self._view.value(name, column)

    def panel(self, name: str) -> list[PanelRow]:
        """The rows that a panel is given."""
        return [dict(row) for row in self._view.panel(name)]

    def advice(self, name: str) -> str:
        """The message of an empty table; nothing if it is not empty."""
        rows = self.panel(name)
        return str(*rows[0].values()) if len(rows) == 1 and len(rows[0]) == 1 else ""

    def run_all(self) -> dict[str, Results]:
        """The results of every data source."""
        return {name: self._view.source(name) for name in self.definition["dataSources"]}

    def address(self, panel: str, **row: str) -> tuple[str, dict[str, str]]:
        """Where a click on a panel leads: path and parameters. row: fields of what is clicked."""
        return self._view.address(panel, **row)

    def records(self, panel: str, **row: str) -> list[PanelRow]:
        """The records that a click on a panel opens."""
        return [dict(row) for row in self._view.records(panel, **row)]
