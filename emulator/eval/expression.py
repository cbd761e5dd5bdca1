"""Eval expressions: `compile_eval(text)` parses once, the result evaluates per event.

Expressions are compiled to closures: an event costs a few function calls and no parsing.

Semantics: Splunk Search Reference ("eval", "Evaluation functions") and Search Manual ("Types of
expressions", "Predicate expressions"). What is not documented there is refused, not guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from emulator.errors import EvalError
from emulator.eval.functions import build_call
from emulator.eval.tokens import Token, tokens
from emulator.eval.values import (
    Eval,
    Expr,
    Fields,
    Value,
    number_of,
    ordered,
    require_boolean,
    text_of,
)

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | "(?P<string>(?:[^"\\]|\\.)*)"
    | '(?P<field>(?:[^'\\]|\\.)*)'
    | (?P<symbol>==|!=|<=|>=|[-+*/%.,()=<>])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}
_WORDS = frozenset({"AND", "OR", "XOR", "NOT", "IN", "LIKE"})


@lru_cache(maxsize=4096)
def compile_eval(text: str) -> Expr:
    """Compile an expression. Raises EvalError for bad syntax and for what is not modelled."""
    return _Parser(text).expression()


def compile_calculated_field(text: str) -> Expr:
    """Compile the value of `EVAL-x =` or `eval x=`: its result must not be a Boolean."""
    expr = compile_eval(text)
    if expr.kind == "bool":
        raise EvalError(
            "Fields cannot be assigned a boolean result. Instead, try"
            " if([bool expr], [expr], [expr])."
        )
    return expr


_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
}


class _Parser:
    """Recursive descent, a method per level: XOR, OR, AND, NOT, comparison, sum, product, sign."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._index = 0

    def expression(self) -> Expr:
        expr = self._logic()
        if self._peek()[0] != "end":
            raise self._unexpected()
        return expr

    # --- tokens

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._index]

    def _word(self) -> str:
        kind, value = self._peek()
        return value.upper() if kind == "name" and value.upper() in _WORDS else ""

    def _take(self) -> tuple[str, str]:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _accept(self, *symbols: str) -> str:
        kind, value = self._peek()
        if kind == "symbol" and value in symbols:
            self._index += 1
            return value
        return ""

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            raise self._unexpected(f"expected '{symbol}'")

    def _unexpected(self, expected: str = "") -> EvalError:
        kind, value = self._peek()
        shown = "the end" if kind == "end" else repr(value)
        why = f"{expected}, found {shown}" if expected else f"unexpected {shown}"
        return EvalError(f"The expression is malformed: {why} in: {self._text}")

    # --- logic

    def _logic(self) -> Expr:
        return self._chain("XOR", self._or, _xor)

    def _or(self) -> Expr:
        return self._chain("OR", self._and, _or)

    def _and(self) -> Expr:
        return self._chain("AND", self._not, _and)

    def _chain(
        self, word: str, operand: Callable[[], Expr], combine: Callable[[Eval, Eval], Eval]
    ) -> Expr:
        left = operand()
        while self._word() == word:
            self._take()
            right = operand()
            for side in (left, right):
                require_boolean(side, f"'{word}'")
            left = Expr("bool", combine(left.run, right.run), left.fields | right.fields)
        return left

    def _not(self) -> Expr:
        if self._word() != "NOT":
            return self._comparison()
        self._take()
        operand = self._not()
        require_boolean(operand, "'NOT'")
        return Expr("bool", _not(operand.run), operand.fields)

    # --- comparison

    def _comparison(self) -> Expr:
        left = self._sum()
        if operator := self._accept(*_COMPARISONS):
            left = _compare(left, self._sum(), operator)
        elif self._word() == "LIKE":
            self._take()
            left = build_call("like", [left, self._sum()])
        elif self._word() == "IN":
            self._take()
            self._expect("(")
            left = build_call("in", [left, *self._arguments()])
        if self._accept(*_COMPARISONS):
            raise EvalError(f"comparisons cannot be chained: {self._text}")
        return left

    # --- arithmetic

    def _sum(self) -> Expr:
        left = self._product()
        while operator := self._accept("+", "-", "."):
            right = self._product()
            self._check_mix(operator, left, right)
            left = _binary(operator, left, right)
        return left

    def _check_mix(self, operator: str, left: Expr, right: Expr) -> None:
        """The order of '.' among arithmetic is not documented: it needs parentheses."""
        inner = {left.operator, right.operator} - {""}
        if (operator == "." and inner - {"."}) or (operator != "." and "." in inner):
            raise EvalError(f"'.' next to arithmetic is ambiguous: use parentheses: {self._text}")

    def _product(self) -> Expr:
        left = self._sign()
        while operator := self._accept("*", "/", "%"):
            left = _binary(operator, left, self._sign())
        return left

    def _sign(self) -> Expr:
        sign = self._accept("-", "+")
        if not sign:
            return self._primary()
        operand = self._sign()
        return Expr("number", _signed(sign, operand.run), operand.fields)

    # --- operands

    def _primary(self) -> Expr:
        if self._accept("("):
            inner = self._logic()
            self._expect(")")
            return replace(inner, operator="")
        kind, value = self._peek()
        is_call = self._tokens[self._index + 1 : self._index + 2] == [("symbol", "(")]
        if kind not in {"number", "string", "field", "name"} or (
            self._word() and not (is_call and self._word() in {"IN", "LIKE"})
        ):
            raise self._unexpected()
        self._take()
        if kind == "number":
            number = float(value) if not value.isdigit() else int(value)
            return Expr("number", lambda _fields: number)
        if kind == "string":
            return Expr("text", lambda _fields: value, literal=value)
        if kind == "name" and self._accept("("):
            return build_call(value, self._arguments())
        if kind == "name" and value.lower() in {"true", "false", "null"}:
            raise EvalError(f"{value}: write {value}() for the constant, '{value}' for the field")
        return Expr(
            "any",
            lambda fields: fields.get(value),
            frozenset({value}),
            field_name=value,
        )

    def _arguments(self) -> list[Expr]:
        """The arguments up to the closing parenthesis; the opening one is read already."""
        arguments: list[Expr] = []
        if self._accept(")"):
            return arguments
        arguments.append(self._logic())
        while self._accept(","):
            arguments.append(self._logic())
        self._expect(")")
        return arguments


def _tokens(text: str) -> list[Token]:
    return tokens(
        _TOKEN,
        text,
        {"string": _unescape, "field": _unescape},
        lambda rest: EvalError(f"The expression is malformed at {rest!r} in: {text}"),
    )


def _unescape(text: str) -> str:
    """An unknown escape (as `\\d` in a regex) keeps its backslash."""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text, flags=re.DOTALL)


# --- operators


def _not(operand: Eval) -> Eval:
    def run(fields: Fields) -> Value:
        value = operand(fields)
        return None if value is None else not value

    return run


def _and(left: Eval, right: Eval) -> Eval:
    def run(fields: Fields) -> Value:
        first = left(fields)
        if first is False:
            return False
        second = right(fields)
        if second is False:
            return False
        return None if first is None or second is None else True

    return run


def _or(left: Eval, right: Eval) -> Eval:
    def run(fields: Fields) -> Value:
        first = left(fields)
        if first is True:
            return True
        second = right(fields)
        if second is True:
            return True
        return None if first is None or second is None else False

    return run


def _xor(left: Eval, right: Eval) -> Eval:
    def run(fields: Fields) -> Value:
        first, second = left(fields), right(fields)
        return None if first is None or second is None else first is not second

    return run


def _compare(left: Expr, right: Expr, operator: str) -> Expr:
    for side in (left, right):
        if side.kind == "bool":
            raise EvalError(f"Type checking failed. '{operator}' does not take boolean arguments.")
    accepts, first, second = _COMPARISONS[operator], left.run, right.run

    def run(fields: Fields) -> Value:
        left_value, right_value = first(fields), second(fields)
        if left_value is None or right_value is None:
            return None
        return accepts(ordered(left_value, right_value, operator))

    if left.literal is not None and right.literal is not None:
        always = run({})  # constants, such as a view's inputs, over many rows
        return Expr("bool", lambda _fields: always)
    return Expr("bool", run, left.fields | right.fields)


def _signed(sign: str, operand: Eval) -> Eval:
    def run(fields: Fields) -> Value:
        number = number_of(operand(fields))
        return -number if sign == "-" and number is not None else number

    return run


def _binary(operator: str, left: Expr, right: Expr) -> Expr:
    for side in (left, right):
        if side.kind == "bool":
            raise EvalError(f"Type checking failed. '{operator}' does not take boolean arguments.")
    if operator == ".":
        run, kind = _concatenation(left.run, right.run), "text"
    elif operator == "+":
        run, kind = _addition(left, right), _sum_kind(left, right)
    else:
        run, kind = _arithmetic(operator, left.run, right.run), "number"
    return Expr(kind, run, left.fields | right.fields, operator=operator)


def _concatenation(left: Eval, right: Eval) -> Eval:
    def run(fields: Fields) -> Value:
        first, second = text_of(left(fields), "'.'"), text_of(right(fields), "'.'")
        return None if first is None or second is None else first + second

    return run


def _sum_kind(left: Expr, right: Expr) -> str:
    kinds = {left.kind, right.kind}
    if kinds == {"text", "number"}:
        raise EvalError("Type checking failed. '+' only takes two strings or two numbers.")
    return kinds.pop() if len(kinds) == 1 else "any"


def _addition(left: Expr, right: Expr) -> Eval:
    """Two numbers are added, two texts joined; a number and a text give NULL."""

    def run(fields: Fields) -> Value:
        first, second = left.run(fields), right.run(fields)
        if first is None or second is None:
            return None
        left_number = None if left.kind == "text" else number_of(first)
        right_number = None if right.kind == "text" else number_of(second)
        if left_number is not None and right_number is not None:
            return left_number + right_number
        if left_number is not None or right_number is not None:
            return None
        return (text_of(first, "'+'") or "") + (text_of(second, "'+'") or "")

    return run


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": math.fmod,
}


def _arithmetic(operator: str, left: Eval, right: Eval) -> Eval:
    """Anything that is no number gives NULL; so does division by zero."""
    compute = _ARITHMETIC[operator]

    def run(fields: Fields) -> Value:
        left_number, right_number = number_of(left(fields)), number_of(right(fields))
        if left_number is None or right_number is None or (right_number == 0 and operator in "/%"):
            return None
        return compute(left_number, right_number)

    return run
