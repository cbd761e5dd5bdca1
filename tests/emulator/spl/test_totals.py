"""Assumption 57: addtotals and convert; Search Reference, pages of these names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import EmulatorError
from emulator.spl.context import ResultRow

Piped = Callable[..., list[ResultRow]]


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("addtotals a b", {"Total": "4.5"}),
        ("addtotals a, t fieldname=sum", {"sum": "1"}),
        ("addtotals fieldname=b a b none", {"b": "4.5"}),
        ("convert ctime(a)", {"a": "01/01/1970 00:00:01"}),
        (
            'convert timeformat="%H:%M:%S" ctime(a) AS x, ctime(b) as y',
            {"x": "00:00:01", "y": "00:00:03"},
        ),
        ("convert ctime(none)", {}),
    ],
)
def test_a_field_is_computed(piped: Piped, text: str, added: ResultRow) -> None:
    row: ResultRow = {"a": "1", "b": "3.5", "t": "x"}

    assert piped(text, [row]) == [{**row, **added}]


@pytest.mark.parametrize(
    "text",
    ["addtotals", "addtotals a*", "addtotals col=t a", "addtotals t", "addtotals m",
     "convert", "convert num(a)", "convert ctime(a*)", "convert ctime(t)", "convert ctime(a) b",
     'convert timeformat="%Q%x" ctime(a)'],
)  # fmt: skip
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(EmulatorError):
        piped(text, [{"a": "1", "t": "x", "m": ["1", "2"]}])
