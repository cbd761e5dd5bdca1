"""Assumption 57: makemv and nomv; Search Reference, pages of these names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.errors import SearchError
from emulator.spl.context import ResultRow

Piped = Callable[..., list[ResultRow]]


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ('makemv delim="," a', "x,,y", ["x", "y"]),
        ('makemv delim="," allowempty=true a', "x,,y", ["x", "", "y"]),
        ("makemv a", "x y", ["x", "y"]),
        ('makemv delim="::" a', "x::y:z", ["x", "y:z"]),
        ('makemv delim="," a', "x", "x"),
        ("nomv a", ["x", "y"], "x\ny"),
        ("nomv a", "x", "x"),
    ],
)
def test_values_are_divided_and_joined(
    piped: Piped, text: str, value: str, expected: list[str] | str
) -> None:
    assert piped(text, [{"a": value}, {}]) == [{"a": expected}, {}]


@pytest.mark.parametrize(
    "text",
    ['makemv tokenizer="(x)" a', "makemv setsv=t a", "makemv", "makemv a b", "makemv _raw",
     'makemv delim="" a', 'makemv delim="x" a', "makemv m", "nomv", "nomv a b"],
)  # fmt: skip
def test_what_is_malformed_or_not_modelled_is_refused(piped: Piped, text: str) -> None:
    with pytest.raises(SearchError):
        piped(text, [{"a": "xx", "m": ["1", "2"]}])
