"""The eval functions that are modelled, each by the Search Reference's page of its group.

A *plain* function gets evaluated arguments and yields NULL when one of them is NULL; single values
only, unless it is declared for multivalues. A *special* one gets the expressions themselves.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from urllib.parse import unquote

from emulator.errors import EvalError
from emulator.eval.json_fields import is_json, json_at
from emulator.eval.printf import PrintFormat
from emulator.eval.relative_time import relative_time
from emulator.eval.time_format import compile_time_format, write_time, zone_of
from emulator.eval.values import (
    Eval,
    Expr,
    Fields,
    Value,
    collapse,
    equal,
    number_of,
    number_text,
    require_boolean,
    text_of,
)
from emulator.regex import Expand, Regex, compile_regex

Build = Callable[[str, Sequence[Expr]], Expr]
MANY = 1_000

# Splunk has these; the emulator does not model them (yet). Anything else does not exist.
_UNMODELLED = """
acos acosh asin asinh atan atan2 atanh avg bit_and bit_not bit_or bit_shift_left bit_shift_right
bit_xor cluster commands cos cosh getfields hypot ipmask isarray isdouble ismv isobject json_append
json_array json_array_to_mv json_delete json_entries json_exists json_extend json_extract_exact
json_has_key_exact json_keys json_object json_set json_set_exact lookup mv_to_json_array mvreverse
now object_to_array random searchmatch sigfig sin sinh sum tan tanh time toarray
tobool todouble toint tomv toobject
"""


@dataclass(frozen=True)
class _Function:
    least: int
    most: int
    build: Build


_FUNCTIONS: dict[str, _Function] = {}


def build_call(name: str, arguments: Sequence[Expr]) -> Expr:
    """The expression for a call. Raises EvalError: unknown function, wrong arguments."""
    function = _FUNCTIONS.get(name.lower())
    if function is None:
        if name.lower() in _UNMODELLED.split():
            raise EvalError(f"the emulator does not model the '{name}' function")
        raise EvalError(f"The '{name}' function is unsupported or undefined.")
    if not function.least <= len(arguments) <= function.most:
        raise EvalError(f"The arguments to the '{name}' function are invalid.")
    return function.build(name.lower(), arguments)


def function_names() -> frozenset[str]:
    """The names of all functions that are modelled."""
    return frozenset(_FUNCTIONS)


# --- declaring functions


def _special(name: str, least: int, most: int) -> Callable[[Build], Build]:
    def declare(build: Build) -> Build:
        _FUNCTIONS[name] = _Function(least, most, build)
        return build

    return declare


def _plain(
    *names: str, args: tuple[int, int], kind: str, multivalue: bool = False
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Declare a function of evaluated arguments under one or more names."""

    def declare(function: Callable[..., Value]) -> Callable[..., Value]:
        def build(name: str, arguments: Sequence[Expr]) -> Expr:
            _refuse_booleans(name, arguments)
            runs = [argument.run for argument in arguments]
            run = _calling(name, function, runs, multivalue)
            return Expr(kind, run, _fields_of(arguments))

        for name in names:
            _FUNCTIONS[name] = _Function(*args, build)
        return function

    return declare


def _calling(name: str, function: Callable[..., Value], runs: list[Eval], multivalue: bool) -> Eval:
    def run(fields: Fields) -> Value:
        values = []
        for argument in runs:
            value = argument(fields)
            if value is None:
                return None
            if isinstance(value, list) and not multivalue:
                text_of(value, f"{name}()")  # raises
            values.append(value)
        return function(*values)

    return run


def _refuse_booleans(name: str, arguments: Sequence[Expr]) -> None:
    if any(argument.kind == "bool" for argument in arguments):
        raise EvalError(f"Type checking failed. '{name}' does not take boolean arguments.")


def _fields_of(arguments: Sequence[Expr]) -> frozenset[str]:
    return frozenset().union(*(argument.fields for argument in arguments))


def _joint_kind(branches: Sequence[Expr]) -> str:
    kinds = {branch.kind for branch in branches if branch.kind != "null"}
    if "bool" in kinds and len(kinds) > 1:
        raise EvalError("Type checking failed. A branch is boolean and another one is not.")
    return kinds.pop() if len(kinds) == 1 else "any" if kinds else "null"


def _text(value: Value) -> str:
    return text_of(value, "the function") or ""


def _values(value: Value) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [_text(value)]


# --- Comparison and Conditional functions


@_special("if", 3, 3)
def _if(_name: str, arguments: Sequence[Expr]) -> Expr:
    condition, then, otherwise = arguments
    require_boolean(condition, "'if'")

    def run(fields: Fields) -> Value:
        return then.run(fields) if condition.run(fields) is True else otherwise.run(fields)

    return Expr(_joint_kind([then, otherwise]), run, _fields_of(arguments))


def _pairs(name: str, arguments: Sequence[Expr]) -> list[tuple[Eval, Eval]]:
    if len(arguments) % 2:
        raise EvalError(f"The arguments to the '{name}' function are invalid.")
    for condition in arguments[::2]:
        require_boolean(condition, f"'{name}'")
    return [(condition.run, value.run) for condition, value in zip(arguments[::2], arguments[1::2])]


@_special("case", 2, MANY)
def _case(name: str, arguments: Sequence[Expr]) -> Expr:
    """The value after the first condition that is true, else NULL."""
    pairs = _pairs(name, arguments)

    def run(fields: Fields) -> Value:
        return next((value(fields) for test, value in pairs if test(fields) is True), None)

    return Expr(_joint_kind(arguments[1::2]), run, _fields_of(arguments))


@_special("validate", 2, MANY)
def _validate(name: str, arguments: Sequence[Expr]) -> Expr:
    """The value after the first condition that is false, else NULL."""
    pairs = _pairs(name, arguments)

    def run(fields: Fields) -> Value:
        return next((value(fields) for test, value in pairs if test(fields) is False), None)

    return Expr(_joint_kind(arguments[1::2]), run, _fields_of(arguments))


@_special("coalesce", 1, MANY)
def _coalesce(_name: str, arguments: Sequence[Expr]) -> Expr:
    runs = [argument.run for argument in arguments]

    def run(fields: Fields) -> Value:
        for argument in runs:
            value = argument(fields)
            if value is not None:
                return value
        return None

    return Expr(_joint_kind(arguments), run, _fields_of(arguments))


@_special("in", 2, MANY)
def _in(name: str, arguments: Sequence[Expr]) -> Expr:
    _refuse_booleans(name, arguments)
    subject, *listed = [argument.run for argument in arguments]

    def run(fields: Fields) -> Value:
        value = subject(fields)
        if value is None:
            return None
        return any(equal(value, candidate(fields)) for candidate in listed)

    return Expr("bool", run, _fields_of(arguments))


@_special("nullif", 2, 2)
def _nullif(name: str, arguments: Sequence[Expr]) -> Expr:
    _refuse_booleans(name, arguments)
    first, second = (argument.run for argument in arguments)

    def run(fields: Fields) -> Value:
        value = first(fields)
        return None if equal(value, second(fields)) else value

    return Expr(arguments[0].kind, run, _fields_of(arguments))


@_special("null", 0, 0)
def _null(_name: str, _arguments: Sequence[Expr]) -> Expr:
    return Expr("null", lambda _fields: None)


@_special("true", 0, 0)
def _true(_name: str, _arguments: Sequence[Expr]) -> Expr:
    return Expr("bool", lambda _fields: True)


@_special("false", 0, 0)
def _false(_name: str, _arguments: Sequence[Expr]) -> Expr:
    return Expr("bool", lambda _fields: False)


@_plain("cidrmatch", args=(2, 2), kind="bool")
def _cidrmatch(block: Value, address: Value) -> Value:
    try:
        network = _network(_text(block))
        return ipaddress.ip_address(_text(address)) in network
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _network(block: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(block, strict=False)


@_plain("like", args=(2, 2), kind="bool")
def _like(text: Value, pattern: Value) -> Value:
    return _like_pattern(_text(pattern)).fullmatch(_text(text)) is not None


@lru_cache(maxsize=256)
def _like_pattern(pattern: str) -> re.Pattern[str]:
    """`%` matches any text, `_` one character."""
    if "\\" in pattern:
        raise EvalError(f"like(): a backslash in the pattern is not modelled: {pattern!r}")
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


@_special("match", 2, 2)
def _match(name: str, arguments: Sequence[Expr]) -> Expr:
    _refuse_booleans(name, arguments)
    subject, regex_of = arguments[0].run, _regex_of(arguments[1])

    def run(fields: Fields) -> Value:
        text, regex = text_of(subject(fields), "match()"), regex_of(fields)
        return None if text is None or regex is None else regex.matches(text)

    return Expr("bool", run, _fields_of(arguments))


def _regex_of(argument: Expr) -> Callable[[Fields], Regex | None]:
    """Yields the regex that an argument is; a quoted one is compiled, and so checked, at once."""
    if argument.literal is not None:
        fixed = compile_regex(argument.literal)
        return lambda _fields: fixed

    def compiled(fields: Fields) -> Regex | None:
        text = text_of(argument.run(fields), "a regex")
        return None if text is None else compile_regex(text)

    return compiled


# --- Informational functions


def _information(name: str, kind: str, judge: Callable[[Expr, Value], Value]) -> None:
    @_special(name, 1, 1)
    def _build(_name: str, arguments: Sequence[Expr]) -> Expr:
        argument = arguments[0]
        return Expr(kind, lambda fields: judge(argument, argument.run(fields)), argument.fields)


def _type_name(argument: Expr, value: Value) -> str:
    if value is None:
        return "Invalid"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, list):
        return "Multivalue"
    if argument.kind == "text":
        return "String"
    return "String" if number_of(value) is None else "Number"


def _is_integer(argument: Expr, value: Value) -> bool:
    number = number_of(value) if _type_name(argument, value) == "Number" else None
    return number is not None and float(number).is_integer()


_information("isnull", "bool", lambda _argument, value: value is None)
_information("isnotnull", "bool", lambda _argument, value: value is not None)
_information("isnum", "bool", lambda argument, value: _type_name(argument, value) == "Number")
_information("isstr", "bool", lambda argument, value: _type_name(argument, value) == "String")
_information("isbool", "bool", lambda _argument, value: isinstance(value, bool))
_information("isint", "bool", _is_integer)
_information("typeof", "text", _type_name)


# --- Text functions


@_plain("lower", args=(1, 1), kind="text", multivalue=True)
def _lower(text: Value) -> Value:
    return [value.lower() for value in text] if isinstance(text, list) else _text(text).lower()


@_plain("upper", args=(1, 1), kind="text", multivalue=True)
def _upper(text: Value) -> Value:
    return [value.upper() for value in text] if isinstance(text, list) else _text(text).upper()


@_plain("len", args=(1, 1), kind="number")
def _len(text: Value) -> Value:
    return len(_text(text))


@_plain("trim", args=(1, 2), kind="text")
def _trim(text: Value, characters: Value = " \t") -> Value:
    return _text(text).strip(_text(characters))


@_plain("ltrim", args=(1, 2), kind="text")
def _ltrim(text: Value, characters: Value = " \t") -> Value:
    return _text(text).lstrip(_text(characters))


@_plain("rtrim", args=(1, 2), kind="text")
def _rtrim(text: Value, characters: Value = " \t") -> Value:
    return _text(text).rstrip(_text(characters))


@_plain("substr", args=(2, 3), kind="text")
def _substr(text: Value, start: Value, length: Value = None) -> Value:
    """Counts from 1; a negative start counts from the end."""
    first = number_of(start)
    if first is None or first == 0:
        raise EvalError("substr(): the start counts from 1, or is negative to count from the end")
    subject = _text(text)
    begin = int(first) - 1 if first > 0 else max(len(subject) + int(first), 0)
    if length is None:
        return subject[begin:]
    size = number_of(length)
    if size is None or size < 0:
        raise EvalError("substr(): the length must be a number of 0 or more")
    return subject[begin : begin + int(size)]


@_special("replace", 3, 3)
def _replace(name: str, arguments: Sequence[Expr]) -> Expr:
    _refuse_booleans(name, arguments)
    subject, written = arguments[0].run, arguments[2].run
    regex_of = _regex_of(arguments[1])

    def run(fields: Fields) -> Value:
        text, regex = text_of(subject(fields), "replace()"), regex_of(fields)
        replacement = text_of(written(fields), "replace()")
        if text is None or regex is None or replacement is None:
            return None
        return regex.substitute(text, _expansion(replacement))

    return Expr("text", run, _fields_of(arguments))


@lru_cache(maxsize=256)
def _expansion(replacement: str) -> Expand:
    """`\\1` to `\\9` are groups."""
    pieces = re.split(r"\\(\d)", replacement)
    if any("\\" in piece for piece in pieces[::2]):
        raise EvalError(f"replace(): only \\1 to \\9 are modelled in {replacement!r}")

    def expand(groups: Sequence[str | None]) -> str:
        return "".join(
            piece if index % 2 == 0 else _group(groups, int(piece))
            for index, piece in enumerate(pieces)
        )

    return expand


@_plain("urldecode", args=(1, 1), kind="text")
def _urldecode(text: Value) -> Value:
    return unquote(_text(text))


@_plain("spath", args=(2, 2), kind="any")
def _spath(text: Value, path: Value) -> Value:
    return collapse(json_at(_text(text), _text(path)) or [])


def _group(groups: Sequence[str | None], number: int) -> str:
    if not 1 <= number <= len(groups):
        raise EvalError(f"replace(): \\{number} has no group, the regex has {len(groups)}")
    return groups[number - 1] or ""


# --- JSON functions


@_plain("json_extract", args=(2, 2), kind="any")
def _json_extract(text: Value, path: Value) -> Value:
    return collapse(json_at(_text(text), _text(path)) or [])


@_plain("json_valid", args=(1, 1), kind="bool")
def _json_valid(text: Value) -> Value:
    return is_json(_text(text))


# --- Conversion functions


@_plain("tonumber", args=(1, 2), kind="number")
def _tonumber(text: Value, base: Value = 10) -> Value:
    """NULL when the text is no number in that base (2 to 36)."""
    radix = number_of(base)
    if radix is None or not 2 <= radix <= 36:
        raise EvalError("tonumber(): the base is a number from 2 to 36")
    if radix == 10:
        return number_of(text)
    digits = _text(text)
    if digits.lower().startswith("0x") and radix == 16:
        raise EvalError("tonumber(): '0x' before base 16 is not documented: cut it off first")
    if not re.fullmatch(r"-?[0-9A-Za-z]+", digits):
        return None
    try:
        return int(digits, int(radix))
    except ValueError:
        return None


@_special("tostring", 1, 2)
def _tostring(_name: str, arguments: Sequence[Expr]) -> Expr:
    """A Boolean becomes True or False; the second argument is hex, commas or duration."""
    style = arguments[1].literal if len(arguments) > 1 else ""
    if style not in _STYLES:
        raise EvalError('tostring(): the second argument is "hex", "commas" or "duration"')
    written, argument = _STYLES[style], arguments[0].run

    def run(fields: Fields) -> Value:
        value = argument(fields)
        if isinstance(value, bool):
            return str(value)
        if value is None or style == "":
            return text_of(value, "tostring()")
        number = number_of(text_of(value, "tostring()"))
        return _text(value) if number is None else written(number)

    return Expr("text", run, arguments[0].fields)


def _hexadecimal(number: float) -> str:
    if number < 0:
        raise EvalError("tostring(): a negative number in hex is not modelled")
    return f"0x{int(number):X}"


def _with_commas(number: float) -> str:
    """Two decimals at most: 12345.6789 becomes 12,345.68."""
    if float(number).is_integer():
        return f"{int(number):,}"
    return f"{_rounded(number, 2):,}"


def _as_duration(number: float) -> str:
    if not float(number).is_integer() or number < 0:
        raise EvalError("tostring(): a duration is modelled for whole seconds of 0 or more only")
    days, seconds = divmod(int(number), 86_400)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{days}+{clock}" if days else clock


_STYLES: dict[str | None, Callable[[float], str]] = {
    "": number_text,
    "hex": _hexadecimal,
    "binary": lambda number: f"{int(number):b}",
    "commas": _with_commas,
    "duration": _as_duration,
}


@_special("printf", 1, MANY)
def _printf(name: str, arguments: Sequence[Expr]) -> Expr:
    _refuse_booleans(name, arguments)
    if arguments[0].literal is None:
        raise EvalError("printf(): the format must be a quoted string")
    form = PrintFormat(arguments[0].literal)
    if form.value_count != len(arguments) - 1:
        raise EvalError("The arguments to the 'printf' function are invalid.")
    runs = [argument.run for argument in arguments[1:]]
    return Expr(
        "text", lambda fields: form.write([run(fields) for run in runs]), _fields_of(arguments)
    )


# --- Cryptographic functions


def _digest(name: str) -> None:
    @_plain(name, args=(1, 1), kind="text")
    def _hash(text: Value) -> Value:
        return hashlib.new(name, _text(text).encode(), usedforsecurity=False).hexdigest()


for _algorithm in ("md5", "sha1", "sha256", "sha512"):
    _digest(_algorithm)


# --- Mathematical functions


def _numeric(name: str, compute: Callable[..., float], args: tuple[int, int] = (1, 1)) -> None:
    """NULL for what is no number and outside the function's domain."""

    @_plain(name, args=args, kind="number")
    def _call(*values: Value) -> Value:
        numbers = [number_of(value) for value in values]
        if None in numbers:
            return None
        try:
            return compute(*numbers)
        except (ValueError, ZeroDivisionError, OverflowError):
            return None


def _rounded(number: float, digits: float = 0) -> Decimal:
    """Half away from zero, on the decimal spelling."""
    step = Decimal(1).scaleb(-int(digits))
    return Decimal(repr(number)).quantize(step, rounding=ROUND_HALF_UP)


_numeric("abs", abs)
_numeric("ceil", math.ceil)
_numeric("ceiling", math.ceil)
_numeric("exact", float)
_numeric("exp", math.exp)
_numeric("floor", math.floor)
_numeric("ln", math.log)
_numeric(
    "log",
    lambda number, base=10: math.log(number, base) if base != 10 else math.log10(number),
    (1, 2),
)
_numeric("pi", lambda: math.pi, (0, 0))
_numeric("pow", math.pow, (2, 2))
_numeric("round", lambda number, digits=0: float(_rounded(float(number), digits)), (1, 2))
_numeric("sqrt", math.sqrt)


# --- Statistical eval functions: numbers sort before texts, NULL is left out


def _extreme(name: str, pick: Callable[..., Value]) -> None:
    @_special(name, 1, MANY)
    def _build(_name: str, arguments: Sequence[Expr]) -> Expr:
        _refuse_booleans(name, arguments)

        def run(fields: Fields) -> Value:
            values = [value for argument in arguments for value in _singles(argument.run(fields))]
            return pick(values, key=_sort_key) if values else None

        return Expr("any", run, _fields_of(arguments))


def _singles(value: Value) -> list[Value]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _sort_key(value: Value) -> tuple[int, float, str]:
    number = number_of(value)
    return (1, 0.0, _text(value)) if number is None else (0, float(number), "")


_extreme("max", max)
_extreme("min", min)


# --- Multivalue eval functions


@_special("mvappend", 1, MANY)
def _mvappend(name: str, arguments: Sequence[Expr]) -> Expr:
    _refuse_booleans(name, arguments)
    runs = [argument.run for argument in arguments]

    def run(fields: Fields) -> Value:
        return collapse([value for argument in runs for value in _values(argument(fields))])

    return Expr("any", run, _fields_of(arguments))


@_plain("mvcount", args=(1, 1), kind="number", multivalue=True)
def _mvcount(values: Value) -> Value:
    return len(_values(values))


@_plain("mvdedup", args=(1, 1), kind="any", multivalue=True)
def _mvdedup(values: Value) -> Value:
    return collapse(list(dict.fromkeys(_values(values))))


@_plain("mvsort", args=(1, 1), kind="any", multivalue=True)
def _mvsort(values: Value) -> Value:
    return collapse(sorted(_values(values)))


@_plain("mvjoin", args=(2, 2), kind="text", multivalue=True)
def _mvjoin(values: Value, delimiter: Value) -> Value:
    return _text(delimiter).join(_values(values))


@_plain("mvindex", args=(2, 3), kind="any", multivalue=True)
def _mvindex(values: Value, start: Value, end: Value = None) -> Value:
    """Counts from 0, the end is inside, negatives count from the end; outside it is NULL."""
    listed = _values(values)
    first, last = number_of(start), number_of(start if end is None else end)
    if first is None or last is None:
        return None
    begin, stop = (int(at) if at >= 0 else len(listed) + int(at) for at in (first, last))
    return collapse(listed[begin : stop + 1]) if 0 <= begin <= stop else None


@_plain("mvrange", args=(2, 3), kind="any")
def _mvrange(start: Value, end: Value, step: Value = 1) -> Value:
    """Whole numbers from the start up to, but without, the end."""
    numbers = [number_of(value) for value in (start, end, step)]
    if any(number is None or not float(number).is_integer() for number in numbers):
        raise EvalError("mvrange() is modelled for whole numbers only")
    first, last, by = (int(number or 0) for number in numbers)
    if by < 1:
        raise EvalError("mvrange(): the step must be 1 or more")
    return collapse([str(number) for number in range(first, last, by)])


@_plain("mvfind", args=(2, 2), kind="number", multivalue=True)
def _mvfind(values: Value, regex: Value) -> Value:
    pattern = compile_regex(_text(regex))
    return next((at for at, value in enumerate(_values(values)) if pattern.matches(value)), None)


@_plain("mvzip", args=(2, 3), kind="any", multivalue=True)
def _mvzip(left: Value, right: Value, delimiter: Value = ",") -> Value:
    between = _text(delimiter)
    return collapse([between.join(pair) for pair in zip(_values(left), _values(right))])


@_plain("split", args=(2, 2), kind="any")
def _split(text: Value, delimiter: Value) -> Value:
    between = _text(delimiter)
    return collapse(_text(text).split(between) if between else list(_text(text)))


@_special("mvfilter", 1, 1)
def _mvfilter(_name: str, arguments: Sequence[Expr]) -> Expr:
    """Keeps the values of the one field in the condition for which it is true."""
    condition = arguments[0]
    require_boolean(condition, "'mvfilter'")
    if len(condition.fields) != 1:
        raise EvalError("mvfilter(): the condition must name exactly one field")
    (name,) = condition.fields

    def run(fields: Fields) -> Value:
        listed = _values(fields.get(name))
        return collapse([text for text in listed if condition.run({**fields, name: text}) is True])

    return Expr("any", run, condition.fields)


@_special("mvmap", 2, 2)
def _mvmap(_name: str, arguments: Sequence[Expr]) -> Expr:
    """The expression for each value of the first argument; NULL results are left out."""
    listed, expression = arguments
    if len(listed.fields) != 1:
        raise EvalError("mvmap(): the first argument must name exactly one field")
    (name,) = listed.fields
    if expression.kind == "bool":
        raise EvalError("mvmap(): the expression must not be boolean")

    def run(fields: Fields) -> Value:
        results = [
            result
            for value in _values(listed.run(fields))
            for result in _values(expression.run({**fields, name: value}))
        ]
        return collapse(results)

    return Expr("any", run, _fields_of(arguments))


# --- Date and Time functions; UTC, whatever the user's time zone is


@_plain("strftime", args=(2, 2), kind="text")
def _strftime(time: Value, form: Value) -> Value:
    seconds = number_of(time)
    if seconds is None:
        return None
    try:
        return write_time(round(seconds * 1_000_000), _text(form))
    except OverflowError:
        return None


@_plain("strptime", args=(2, 2), kind="number")
def _strptime(text: Value, form: Value) -> Value:
    usecs = compile_time_format(_text(form)).read(_text(text), zone_of("UTC"), complete=True)
    return None if usecs is None else usecs / 1_000_000


@_special("relative_time", 2, 2)
def _relative_time(name: str, arguments: Sequence[Expr]) -> Expr:
    """A quoted modifier is checked at once."""
    _refuse_booleans(name, arguments)
    time, modifier = arguments[0].run, arguments[1].run
    if arguments[1].literal is not None:
        relative_time(0, arguments[1].literal)

    def run(fields: Fields) -> Value:
        seconds = number_of(text_of(time(fields), f"{name}()"))
        named = text_of(modifier(fields), f"{name}()")
        return None if seconds is None or named is None else relative_time(seconds, named)

    return Expr("number", run, _fields_of(arguments))
