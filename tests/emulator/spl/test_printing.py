from __future__ import annotations

import pytest

pytest.importorskip("rich", reason="a development tool's table; not there where only tests run")

from emulator.spl.context import ResultRow, Results
from emulator.spl.printing import print_csv, print_table


def test_names_of_fields_are_as_hostile_as_values(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[ResultRow] = [{"[red]\x1b": "1"}]
    print_table(Results(rows), 5)
    print_csv(Results(rows))

    assert capsys.readouterr().out.count("[red]\\x1b") == 2
