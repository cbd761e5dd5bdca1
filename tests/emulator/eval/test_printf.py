"""printf of eval, by the table in the Search Reference, "Conversion functions"."""

from __future__ import annotations

import math

import pytest

from emulator.errors import EvalError
from emulator.eval.printf import PrintFormat
from emulator.eval.values import Value


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        ("%c,%c", [65, "Foo"], "A,F"),
        ("%d,%i,%d", [-2, 4, 30], "-2,4,30"),
        ("%.2e", [5139], "5.14e+03"),
        ("%.2f", [math.pi], "3.14"),
        ("%.2g,%.2g", [math.pi, 123], "3.1,1.2e+02"),
        ("%o", [255], "377"),
        ("%s%z", ["foo", "bar"], "foobar"),
        ("%u", [99], "99"),
        ("%x,%X,%p", [10, 10, 10], "a,A,A"),
        ("100%%", [], "100%"),
        ("%'d", [12345], "12,345"),
        ("%'.2f", [12345.678], "12,345.68"),
        ("%'-8d|", [12345], "12,345  |"),
        ("%'8d", [12345], "  12,345"),
        ("%-4d|", [1], "1   |"),
        ("%04d", [1], "0001"),
        ("%+d", [1], "+1"),
        ("%#x", [1], "0x1"),
        ("%-6s|%.2s", ["ab", "abc"], "ab    |ab"),
        ("%s %d", [5, "7"], "5 7"),
        ("%s", [None], None),
        ("%d", ["x"], None),
    ],
)
def test_conversions(form: str, values: list[Value], expected: str | None) -> None:
    assert PrintFormat(form).write(values) == expected


@pytest.mark.parametrize("form", ["%*d", "%n", "%1$d", "%a", "%", "%'s", "%'x"])
def test_what_is_not_modelled_is_refused(form: str) -> None:
    with pytest.raises(EvalError, match="is not modelled"):
        PrintFormat(form)
