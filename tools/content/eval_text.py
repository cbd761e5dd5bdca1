"""Expressions of EVAL that several generated settings are made of."""

from __future__ import annotations

from collections.abc import Iterable

OPCODE = "mvindex(opcode, 0)"


def matches(value: str, alternatives: Iterable[str]) -> str:
    """Whether a value is one of these regular expressions, from its beginning to its end."""
    return f'match({value}, "^(?:{"|".join(alternatives)})$")'


def case(branches: Iterable[tuple[str, str]]) -> str:
    """The value of the first condition that is true."""
    return f"case({', '.join(f'{condition}, {value}' for condition, value in branches)})"
