"""The values that eval works on, and the compiled expression that yields them.

Values are None (NULL), bool, int or float, str, and list[str] (multivalue, two values or more).
Fields hold str or list[str]; a field's text counts as a number when it looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Union

from emulator.errors import EvalError

FieldValue = Union[str, list[str]]
Fields = Mapping[str, FieldValue]
Value = Union[None, bool, int, float, str, list[str]]
Eval = Callable[[Fields], Value]

NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Expr:
    """A compiled expression.

    `kind` is the type of its values, if its text determines it: "bool", "number", "text" or "any".
    `fields` are the names it reads; `literal` is a quoted string's text.
    """

    kind: str
    run: Eval
    fields: frozenset[str] = frozenset()
    literal: str | None = None
    field_name: str | None = None
    operator: str = ""


def field_value(value: Value) -> FieldValue | None:
    """A field's value after `value` is assigned to it; None when the field is removed."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return collapse(value)
    if isinstance(value, bool):
        raise EvalError("Fields cannot be assigned a boolean result. Use if() or tostring().")
    return number_text(value)


def collapse(values: list[str]) -> FieldValue | None:
    """A multivalue of one is a plain value, of none is NULL."""
    if len(values) > 1:
        return values
    return values[0] if values else None


def values_of(fields: Fields, name: str) -> list[str]:
    """The values of a field, none if it is not there."""
    value = fields.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def number_of(value: Value) -> float | int | None:
    """The number that a value is or looks like, or None."""
    if isinstance(value, str):
        return _number_in(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return None


@lru_cache(maxsize=1 << 16)  # the same few texts are compared for every row
def _number_in(text: str) -> float | None:
    return float(text) if NUMBER.fullmatch(text) else None


def number_text(value: float) -> str:
    """A number as text: no decimals for an integer, else the shortest exact form."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e17):
        return str(int(value))
    return repr(value)


def text_of(value: Value, what: str) -> str | None:
    """A single value as text; raises EvalError for multivalues and Booleans."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        raise EvalError(f"{what} got a Boolean: turn it into text with tostring()")
    if isinstance(value, list):
        raise EvalError(
            f"{what} got a multivalue field, which is not modelled: use mvjoin, mvindex or mvmap"
        )
    return number_text(value)


def equal(left: Value, right: Value) -> bool | None:
    """`==`: numbers when both look numeric, else text, case-sensitive. NULL when one is NULL."""
    if left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str) and left == right:
        return True
    return ordered(left, right, "=") == 0


def ordered(left: Value, right: Value, operator: str) -> int:
    """Below 0, 0 or above 0, as `left` sorts before, with or after `right`."""
    first, second = number_of(left), number_of(right)
    if first is not None and second is not None:
        return (first > second) - (first < second)
    texts = [text_of(value, f"'{operator}'") or "" for value in (left, right)]
    return (texts[0] > texts[1]) - (texts[0] < texts[1])


def require_boolean(expr: Expr, where: str) -> None:
    """Refuse an operand that cannot be a Boolean, as Splunk's type check does."""
    if expr.kind != "bool":
        raise EvalError(f"Type checking failed. {where} only takes boolean arguments.")
