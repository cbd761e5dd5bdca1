"""Splunk's eval expressions, as far as this add-on's EVAL settings use them.

Semantics: Splunk's Search Reference, "Evaluation functions". A missing field is NULL (None); what
is computed from NULL is NULL. A whole multivalue is a list, one value a text.
"""

from __future__ import annotations

import hashlib
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Union

from cloudhsm.siem.pcre import Regex

FieldValue = Union[str, list[str]]
Value = Union[None, bool, int, float, str, list[str]]
Fields = Mapping[str, FieldValue]
Expression = Callable[[Fields], Value]

_TOKEN = re.compile(
    r'\s*(?:(?P<number>\d+)|(?P<name>[A-Za-z_]\w*)|"(?P<text>(?:[^"\\]|\\.)*)"'
    r"|(?P<symbol>!=|[-+*/%.,()=])|(?P<end>\Z))",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DIGITS = re.compile(r"-?[0-9A-Za-z]+")
_WORDS = ("AND", "OR", "NOT")


class BadExpression(ValueError):
    """An expression that is not one, or uses what is not known here."""


def compiled(text: str) -> Expression:
    """The expression, ready to run on the fields of many records. Raises BadExpression."""
    return _Parser(text).whole()


def field_value(value: Value) -> FieldValue | None:
    """What a field holds after `value` is assigned to it; None where there is no such field."""
    if isinstance(value, list):
        return value if len(value) > 1 else (value[0] if value else None)
    if isinstance(value, bool):
        raise BadExpression("a field cannot hold a Boolean")
    return _text(value)


class _Parser:
    """Recursive descent: OR, AND, NOT, comparison, sum, product, operand."""

    def __init__(self, text: str) -> None:
        self._source = text
        self._tokens = [*_tokens(text)]
        self._at = 0

    def whole(self) -> Expression:
        expression = self._or()
        self._expect("end", "")
        return expression

    def _take(self, kind: str, *values: str) -> str | None:
        own, value = self._tokens[self._at]
        if own != kind or (values and value not in values):
            return None
        self._at += 1
        return value

    def _expect(self, kind: str, value: str) -> None:
        if self._take(kind, value) is None:
            token = self._tokens[self._at][1] or "the end"
            raise BadExpression(f"{token!r} where {value or kind!r} belongs: {self._source}")

    def _or(self) -> Expression:
        sides = [self._and()]
        while self._take("name", "OR"):
            sides.append(self._and())
        return _logic(sides, True)

    def _and(self) -> Expression:
        sides = [self._not()]
        while self._take("name", "AND"):
            sides.append(self._not())
        return _logic(sides, False)

    def _not(self) -> Expression:
        if self._take("name", "NOT") is None:
            return self._comparison()
        operand = self._not()
        return lambda fields: None if (value := operand(fields)) is None else not value

    def _comparison(self) -> Expression:
        left = self._sum()
        symbol = self._take("symbol", "=", "!=")
        if symbol is None:
            return left
        right, wanted = self._sum(), symbol == "="
        return lambda fields: _equals(left(fields), right(fields), wanted)

    def _sum(self) -> Expression:
        left = self._product()
        while symbol := self._take("symbol", ".", "+", "-"):
            left = _binary(symbol, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._operand()
        while symbol := self._take("symbol", "*", "/", "%"):
            left = _binary(symbol, left, self._operand())
        return left

    def _operand(self) -> Expression:
        if self._take("symbol", "("):
            inner = self._or()
            self._expect("symbol", ")")
            return inner
        kind, value = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            number = int(value)
            return lambda _fields: number
        if kind == "text":
            return lambda _fields: value
        if kind != "name" or value in _WORDS:
            raise BadExpression(f"{value or 'the end'!r} where a value belongs: {self._source}")
        if self._take("symbol", "("):
            return _call(value, self._arguments(), self._source)
        return lambda fields: fields.get(value)

    def _arguments(self) -> list[Expression]:
        arguments: list[Expression] = []
        while not self._take("symbol", ")"):
            if arguments:
                self._expect("symbol", ",")
            arguments.append(self._or())
        return arguments


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while not tokens or tokens[-1][0] != "end":
        token = _TOKEN.match(text, at)
        if token is None:
            raise BadExpression(f"{text[at : at + 20]!r} is no part of an expression: {text}")
        kind = str(token.lastgroup)
        tokens.append((kind, _unescaped(token[kind]) if kind == "text" else token[kind]))
        at = token.end()
    return tokens


def _unescaped(text: str) -> str:
    """An escape that is none, as `\\d` of a regular expression, keeps its backslash."""
    return re.sub(
        r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), text, flags=re.DOTALL
    )


# --- operators


def _logic(sides: Sequence[Expression], decisive: bool) -> Expression:
    """OR, for which one true side is decisive, or AND, for which one false side is."""
    if len(sides) == 1:
        return sides[0]

    def run(fields: Fields) -> Value:
        unknown = False
        for side in sides:
            value = side(fields)
            if value is decisive:
                return decisive
            unknown = unknown or value is None
        return None if unknown else not decisive

    return run


def _equals(left: Value, right: Value, wanted: bool) -> Value:
    """Two numbers are compared as such, everything else as text; NULL equals nothing."""
    if left is None or right is None:
        return None
    a, b = _number(left), _number(right)
    same = a == b if a is not None and b is not None else _text(left) == _text(right)
    return same is wanted


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
}


def _binary(symbol: str, left: Expression, right: Expression) -> Expression:
    if symbol == ".":
        return lambda fields: _joined(_text(left(fields)), _text(right(fields)))
    compute = _ARITHMETIC[symbol]

    def run(fields: Fields) -> Value:
        a, b = _number(left(fields)), _number(right(fields))
        return None if a is None or b is None else compute(a, b)

    return run


def _joined(left: str | None, right: str | None) -> str | None:
    return None if left is None or right is None else left + right


# --- functions


def _call(name: str, arguments: Sequence[Expression], source: str) -> Expression:
    if name in _LAZY:
        return _LAZY[name](arguments)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise BadExpression(f"{name}() is not known here: {source}")
    return lambda fields: function(*[argument(fields) for argument in arguments])


def _case(arguments: Sequence[Expression]) -> Expression:
    pairs = [*zip(arguments[::2], arguments[1::2])]

    def run(fields: Fields) -> Value:
        for condition, value in pairs:
            if condition(fields) is True:
                return value(fields)
        return None

    return run


def _if(arguments: Sequence[Expression]) -> Expression:
    condition, then, otherwise = arguments
    return lambda fields: then(fields) if condition(fields) is True else otherwise(fields)


def _coalesce(arguments: Sequence[Expression]) -> Expression:
    def run(fields: Fields) -> Value:
        for argument in arguments:
            value = argument(fields)
            if value is not None:
                return value
        return None

    return run


def _of_text(function: Callable[..., Value]) -> Callable[..., Value]:
    """The function of a text, and of more arguments; NULL where the text is."""

    def run(value: Value, *rest: Value) -> Value:
        text = _text(value)
        return None if text is None else function(text, *rest)

    return run


def _matches(text: str, regex: str) -> bool:
    return _regex(regex).matches(text)


def _replaced(text: str, regex: str, by: str) -> str:
    return _regex(regex).replaced(text, by)


def _substring(text: str, start: int, length: int) -> str:
    return text[start - 1 : start - 1 + length]


def _item(values: Value, index: int) -> Value:
    if not isinstance(values, list):
        return values if index == 0 else None
    return values[index] if index < len(values) else None


def _appended(*values: Value) -> Value:
    items: list[str] = []
    for value in values:
        items += value if isinstance(value, list) else [] if value is None else [str(_text(value))]
    return items or None


def _parsed(text: str, base: int) -> Value:
    try:
        return int(text, base) if _DIGITS.fullmatch(text) else None
    except ValueError:
        return None


def _hashed(text: str) -> str:
    """Of UTF-8; a lone surrogate counts as "?", which `record_digest` has for its visible form."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _distinct(values: Value) -> Value:
    return [*dict.fromkeys(values)] if isinstance(values, list) else values


def _floored(value: Value) -> Value:
    number = _number(value)
    return math.floor(number) if number is not None and math.isfinite(number) else None


_LAZY: dict[str, Callable[[Sequence[Expression]], Expression]] = {
    "case": _case,
    "coalesce": _coalesce,
    "if": _if,
}
_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "floor": _floored,
    "isnotnull": lambda value: value is not None,
    "isnull": lambda value: value is None,
    "lower": _of_text(str.lower),
    "match": _of_text(_matches),
    "mvappend": _appended,
    "mvdedup": _distinct,
    "mvindex": _item,
    "null": lambda: None,
    "nullif": lambda value, other: None if _equals(value, other, True) else value,
    "replace": _of_text(_replaced),
    "sha256": _of_text(_hashed),
    "split": _of_text(str.split),
    "substr": _of_text(_substring),
    "tonumber": _of_text(_parsed),
    "true": lambda: True,
}


@lru_cache(maxsize=1024)
def _regex(source: str) -> Regex:
    return Regex(source)


def _number(value: Value) -> int | float | None:
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, bool)):
        raise BadExpression(f"{value!r} where one text belongs")
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e17):
        return repr(value)
    return str(int(value))
