"""Search expressions: the text before the first pipe, and the search of an event type.

Precedence here is parentheses, NOT, OR, then AND (written or not): other than in eval.
Values match without case and with `*`. Source: Search Manual ("Boolean expressions with logical
operators", "Use the search command", "Wildcards") and Search Reference ("search").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from emulator.errors import SearchError
from emulator.eval.tokens import Token, tokens
from emulator.eval.values import Fields, number_of, values_of

Predicate = Callable[[Fields], bool]

_TOKEN = re.compile(
    r"""\s*(?:
      "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<operator>!=|<=|>=|==|=|<|>)
    | (?P<symbol>[(),])
    | (?P<word>[^\s()"=!<>,|\[\]`\\]+)
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_CIDR = re.compile(r"[0-9a-fA-F.:]*[.:][0-9a-fA-F.:]*/\d{1,3}")
_OPERATORS = frozenset({"AND", "OR", "NOT", "IN"})
_TIME_WORDS = frozenset({"earliest", "latest", "_index_earliest", "_index_latest", "timeformat"})
_DIRECTIVES = frozenset({"TERM", "CASE"})
# segmenters.conf.spec: major breakers, and minor ones; a term in the text ends at either.
_MAJOR = r"""\[\]<>(){}|!;,'"*\n\r\s\t&?+"""
_BREAKER = rf"""[{_MAJOR}/:=@.\-$#%\\_]"""


@cache
def compile_search(text: str) -> Predicate:
    """Compile a search expression (macros expanded). Raises SearchError."""
    return _Parser(text).expression()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._index = 0

    def expression(self) -> Predicate:
        predicate = self._and()
        if self._peek()[0] != "end":
            raise self._unexpected()
        return predicate

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        return self._tokens[min(self._index + ahead, len(self._tokens) - 1)]

    def _accept(self, kind: str, value: str) -> bool:
        if self._peek() == (kind, value):
            self._index += 1
            return True
        return False

    def _unexpected(self) -> SearchError:
        kind, value = self._peek()
        shown = "the end" if kind == "end" else repr(value)
        return SearchError(f"unexpected {shown} in search: {self._text}")

    def _and(self) -> Predicate:
        parts = [self._or()]
        while self._accept("word", "AND") or not (
            self._peek()[0] == "end" or self._peek() == ("symbol", ")")
        ):
            parts.append(self._or())
        return parts[0] if len(parts) == 1 else lambda event: all(part(event) for part in parts)

    def _or(self) -> Predicate:
        parts = [self._not()]
        while self._accept("word", "OR"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda event: any(part(event) for part in parts)

    def _not(self) -> Predicate:
        if self._accept("word", "NOT"):
            operand = self._not()
            return lambda event: not operand(event)
        if self._accept("symbol", "("):
            inner = self._and()
            if not self._accept("symbol", ")"):
                raise self._unexpected()
            return inner
        return self._predicate()

    def _predicate(self) -> Predicate:
        kind, value = self._peek()
        if kind not in {"word", "quoted"} or (kind == "word" and value in _OPERATORS):
            raise self._unexpected()
        self._refuse(kind, value)
        self._index += 1
        if self._peek()[0] == "operator":
            operator = self._peek()[1]
            self._index += 1
            return _comparison(value, operator, self._value())
        if self._accept("word", "IN"):
            return self._listed(value)
        return _term(value)

    def _refuse(self, kind: str, value: str) -> None:
        if kind == "quoted":
            return
        if value.upper() in _OPERATORS and self._peek(1)[0] != "operator":
            raise SearchError(f"'{value}' in lower case is a search term: write {value.upper()}")
        if value == "XOR" or value in _DIRECTIVES or value in _TIME_WORDS:
            raise SearchError(f"the emulator does not model {value} in: {self._text}")

    def _value(self) -> str:
        kind, value = self._peek()
        if kind not in {"word", "quoted"}:
            raise self._unexpected()
        self._index += 1
        return value

    def _listed(self, field: str) -> Predicate:
        if not self._accept("symbol", "("):
            raise self._unexpected()
        matchers = [_comparison(field, "=", self._value())]
        while self._accept("symbol", ","):
            matchers.append(_comparison(field, "=", self._value()))
        if not self._accept("symbol", ")"):
            raise self._unexpected()
        return lambda event: any(matches(event) for matches in matchers)


def _tokens(text: str) -> list[Token]:
    return tokens(
        _TOKEN,
        text,
        {"quoted": _unescape},
        lambda rest: SearchError(f"not modelled or malformed at {rest!r} in search: {text}"),
    )


def _unescape(text: str) -> str:
    if re.search(r'\\[^"\\]', text):
        raise SearchError(f'only \\" and \\\\ are modelled in quotes: "{text}"')
    return re.sub(r"\\(.)", r"\1", text)


# --- predicates


def wildcard_pattern(value: str) -> re.Pattern[str]:
    """`*` matches any text, the rest itself; to be used with fullmatch."""
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", value))), re.DOTALL)


def _comparison(field: str, operator: str, value: str) -> Predicate:
    if field in {"tag", "eventtype"} or field.startswith("tag::"):
        raise SearchError(f"an event type must not depend on {field}: it is computed later")
    if field == "*" or "*" in field:
        raise SearchError(f"a wildcard in a field name is not modelled: {field}")
    if operator in {"<", ">", "<=", ">="}:
        return _inequality(field, operator, value)
    if _CIDR.fullmatch(value):
        raise SearchError(f"{field}={value}: matching address blocks is not modelled in a search")
    equal = _equality(field, value)
    if operator != "!=":
        return equal

    def differs(event: Fields) -> bool:
        existing = event.get(field)
        if isinstance(existing, list):
            raise SearchError(f"{field}!= on a multivalue field is not modelled: use NOT {field}=")
        return existing is not None and not equal(event)

    return differs


def _equality(field: str, value: str) -> Predicate:
    """Without case, letter by letter: no ligature equals the letters that it is made of."""
    lower = value.lower()
    if "*" in value:
        fits = wildcard_pattern(lower).fullmatch
        return lambda event: any(fits(text.lower()) is not None for text in values_of(event, field))
    return lambda event: any(text.lower() == lower for text in values_of(event, field))


def _inequality(field: str, operator: str, value: str) -> Predicate:
    limit = number_of(value)
    if limit is None:
        raise SearchError(f"{field}{operator}{value}: only numbers are modelled after {operator}")
    tests: dict[str, Callable[[float], bool]] = {
        "<": lambda number: number < limit,
        ">": lambda number: number > limit,
        "<=": lambda number: number <= limit,
        ">=": lambda number: number >= limit,
    }
    compare = tests[operator]

    def compares(event: Fields) -> bool:
        numbers = [number_of(actual) for actual in values_of(event, field)]
        return any(number is not None and compare(number) for number in numbers)

    return compares


def _term(text: str) -> Predicate:
    """A word or phrase in the raw text, without case, between breakers."""
    if not text.strip("*"):
        return lambda _event: True
    body = rf"[^{_MAJOR}]*".join(re.escape(part) for part in re.split(r"\*+", text))
    pattern = re.compile(rf"(?:(?<={_BREAKER})|\A){body}(?={_BREAKER}|\Z)", re.IGNORECASE)
    return lambda event: any(pattern.search(raw) is not None for raw in values_of(event, "_raw"))
