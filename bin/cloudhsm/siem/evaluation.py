"""Splunk's eval expressions, as far as this add-on's EVAL settings use them.

Semantics: Splunk's Search Reference, "Evaluation functions". A missing field is NULL (None); what
is computed from NULL is NULL. A whole multivalue is a list, one value a text.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Union, cast

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
        found, value = self._tokens[self._at]
        if found != kind or (values and value not in values):
            return None
        self._at += 1
        return value

    def _expect(self, kind: str, value: str) -> None:
        if self._take(kind, value) is None:
            found = self._tokens[self._at][1] or "the end"
            raise BadExpression(f"{found!r} where {value or kind!r} belongs: {self._source}")

    def _or(self) -> Expression:
        sides = [self._and()]
        while self._take("name", "OR"):
            sides.append(self._and())
        return sides[0] if len(sides) == 1 else _any(sides)

    def _and(self) -> Expression:
        sides = [self._not()]
        while self._take("name", "AND"):
            sides.append(self._not())
        return sides[0] if len(sides) == 1 else _all(sides)

    def _not(self) -> Expression:
        if self._take("name", "NOT") is None:
            return self._comparison()
        operand = self._not()
        return lambda fields: None if (value := operand(fields)) is None else not value

    def _comparison(self) -> Expression:
        left = self._sum()
        operator = self._take("symbol", "=", "!=")
        if operator is None:
            return left
        right, wanted = self._sum(), operator == "="
        return lambda fields: _equals(left(fields), right(fields), wanted)

    def _sum(self) -> Expression:
        left = self._product()
        while operator := self._take("symbol", ".", "+", "-"):
            left = _binary(operator, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._operand()
        while operator := self._take("symbol", "*", "/", "%"):
            left = _binary(operator, left, self._operand())
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
        found: list[Expression] = []
        while not self._take("symbol", ")"):
            if found:
                self._expect("symbol", ",")
            found.append(self._or())
        return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while not found or found[-1][0] != "end":
        token = _TOKEN.match(text, at)
        if token is None:
            raise BadExpression(f"{text[at : at + 20]!r} is no part of an expression: {text}")
        kind = str(token.lastgroup)
        found.append((kind, _unescaped(token[kind]) if kind == "text" else token[kind]))
        at = token.end()
    return found


def _unescaped(text: str) -> str:
    """An escape that is none, as `\\d` of a regular expression, keeps its backslash."""
    return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[0]), text, flags=re.DOTALL)


# --- operators


def _any(sides: Sequence[Expression]) -> Expression:
    def run(fields: Fields) -> Value:
        unknown = False
        for side in sides:
            value = side(fields)
            if value is True:
                return True
            unknown = unknown or value is None
        return None if unknown else False

    return run


def _all(sides: Sequence[Expression]) -> Expression:
    def run(fields: Fields) -> Value:
        unknown = False
        for side in sides:
            value = side(fields)
            if value is False:
                return False
            unknown = unknown or value is None
        return None if unknown else True

    return run


def _equals(left: Value, right: Value, wanted: bool) -> Value:
    """Two numbers are compared as such, everything else as text; NULL equals nothing."""
    if left is None or right is None:
        return None
    one, two = _number(left), _number(right)
    same = one == two if one is not None and two is not None else _text(left) == _text(right)
    return same is wanted


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, two: one + two,
    "-": lambda one, two: one - two,
    "*": lambda one, two: one * two,
    "/": lambda one, two: one / two,
    "%": math.fmod,
}


def _binary(operator: str, left: Expression, right: Expression) -> Expression:
    if operator == ".":
        return lambda fields: _joined(_text(left(fields)), _text(right(fields)))
    compute = _ARITHMETIC[operator]

    def run(fields: Fields) -> Value:
        one, two = _number(left(fields)), _number(right(fields))
        return None if one is None or two is None else compute(one, two)

    return run


def _joined(one: str | None, two: str | None) -> str | None:
    return None if one is None or two is None else one + two


# --- functions


def _call(name: str, arguments: Sequence[Expression], source: str) -> Expression:
    if name in _LAZY:
        return _LAZY[name](arguments)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise BadExpression(f"{name}() is not known here: {source}")
    return lambda fields: function(*[one(fields) for one in arguments])


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


def _matches(text: Value, regex: Value) -> Value:
    subject = _text(text)
    return None if subject is None else _regex(cast(str, regex)).matches(subject)


def _replaced(text: Value, regex: Value, by: Value) -> Value:
    subject = _text(text)
    if subject is None:
        return None
    return _regex(cast(str, regex)).replaced(subject, cast(str, by))


def _substring(text: Value, start: Value, length: Value) -> Value:
    subject, first = _text(text), cast(int, start) - 1
    return None if subject is None else subject[first : first + cast(int, length)]


def _item(values: Value, place: Value) -> Value:
    if not isinstance(values, list):
        return values if place == 0 else None
    return values[cast(int, place)] if cast(int, place) < len(values) else None


def _appended(*values: Value) -> Value:
    found: list[str] = []
    for value in values:
        found += value if isinstance(value, list) else [] if value is None else [str(_text(value))]
    return found or None


def _parsed(value: Value, base: Value) -> Value:
    text = _text(value)
    if text is None or not _DIGITS.fullmatch(text):
        return None
    try:
        return int(text, cast(int, base))
    except ValueError:
        return None


def _lower(value: Value) -> Value:
    text = _text(value)
    return None if text is None else text.lower()


def _split(value: Value, separator: Value) -> Value:
    text = _text(value)
    return None if text is None else text.split(cast(str, separator))


def _hashed(value: Value) -> Value:
    text = _text(value)
    return None if text is None else hashlib.sha256(_encoded(text)).hexdigest()


def _encoded(text: str) -> bytes:
    """UTF-8; "?" for a lone surrogate, as `record_digest` has for its visible form in an index."""
    return text.encode("utf-8", "replace")


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
    "lower": _lower,
    "match": _matches,
    "mvappend": _appended,
    "mvdedup": _distinct,
    "mvindex": _item,
    "null": lambda: None,
    "nullif": lambda one, two: None if _equals(one, two, True) else one,
    "replace": _replaced,
    "sha256": _hashed,
    "split": _split,
    "substr": _substring,
    "tonumber": _parsed,
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
