"""Assumptions 24 to 30: operators, NULL, comparison, and what eval refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import EvalError
from emulator.eval.expression import compile_calculated_field, compile_eval
from emulator.eval.values import FieldValue, Value, field_value, number_text


def _eval(text: str, **fields: FieldValue) -> Value:
    return compile_eval(text).run(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("7%4", 3),
        ("7/2", 3.5),
        ("10-2-3", 5),
        ("-x", -4),
        ("+x*2", 8),
        ("2*-x", -8),
        ("x+1", 5),
        ('"a"."b".1', "ab1"),
        ('"x is ".x', "x is 4"),
        ("1.5 . x", "1.54"),
        ("'a b' . \"c\"", "ac"),
    ],
)
def test_arithmetic_and_concatenation(text: str, expected: Value) -> None:
    """Search Reference, "eval": operators."""
    assert _eval(text, x="4", **{"a b": "a"}) == expected


def test_plus_joins_two_texts_and_adds_two_numbers() -> None:
    """Search Reference, "Conversion functions": True 0xF 12,345.68 is put together with +."""
    joined = 'tostring(1==1) + " " + tostring(15,"hex") + " " + tostring(12345.6789,"commas")'

    assert _eval(joined) == "True 0xF 12,345.68"
    assert _eval('substr("string",1,3) + substr("string",-3)') == "string"
    assert _eval("x+y", x="1", y="2") == 3
    assert _eval("x+y", x="a", y="b") == "ab"


def test_a_number_plus_a_text_is_null_or_refused_when_it_can_be_seen() -> None:
    """Assumption 28."""
    assert _eval("x+y", x="1", y="b") is None
    assert _eval('x+"2"', x="1") is None
    with pytest.raises(EvalError, match="'\\+' only takes two strings or two numbers"):
        compile_eval('"1"+2')


@pytest.mark.parametrize("text", ["none+1", "none*1", '"a".none', "-none", "none=1", "none!=1"])
def test_anything_with_null_is_null(text: str) -> None:
    """Assumption 25; Search Reference, "eval": a missing field makes the result NULL."""
    assert _eval(text) is None


@pytest.mark.parametrize("text", ["1/0", "5%0", '"a"*2', 'x-"b"'])
def test_division_by_zero_and_arithmetic_on_text_are_null(text: str) -> None:
    """Search Reference, "eval": division by zero results in a null field."""
    assert _eval(text, x="a") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none=1 AND 1=2", False),
        ("none=1 AND 1=1", None),
        ("none=1 OR 1=1", True),
        ("none=1 OR 1=2", None),
        ("NOT none=1", None),
        ("none=1 XOR 1=1", None),
        ("1=1 XOR 1=2", True),
        ("1=1 XOR 1=1", False),
        ("1=2 AND none=1", False),
        ("1=1 OR none=1", True),
    ],
)
def test_logic_with_null_has_three_values(text: str, expected: Value) -> None:
    """Assumption 25."""
    assert _eval(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1=1 OR 1=2 AND 1=2", True),
        ("(1=1 OR 1=2) AND 1=2", False),
        ("NOT 1=2 AND 1=2", False),
        ("NOT (1=2 AND 1=2)", True),
        ("1=1 XOR 1=1 OR 1=1", False),
        ("NOT 1=2 OR 1=1", True),
        ("not 1=2 and 1=1", True),
    ],
)
def test_and_comes_before_or_and_xor_last(text: str, expected: bool) -> None:
    """Assumption 27; Search Manual, "Boolean expressions with logical operators"."""
    assert _eval(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=4", True),
        ("x==4.0", True),
        ('x="4"', True),
        ('x="04"', True),
        ("x<10", True),
        ('s<"B"', False),
        ('s="Big"', True),
        ('s="big"', False),
        ('s!="big"', True),
        ('s<"a"', True),
        ("x<s", True),
        ("h=x", False),
        ('"0x1"="1"', False),
        ("x>=4 AND x<=4", True),
        ('x IN ("1","4")', True),
        ("x in(1,4)", True),
        ('s IN ("big")', False),
        ('s LIKE "B%"', True),
        ('s LIKE "b_g"', False),
    ],
)
def test_values_compare_as_numbers_when_both_look_numeric_else_as_text(
    text: str, expected: bool
) -> None:
    """Assumption 26."""
    assert _eval(text, x="4", s="Big", h="0x4") is expected


def test_strings_know_escapes_and_keep_a_backslash_that_is_none() -> None:
    """Assumption 24; Search Manual, "Types of expressions": \\t is a tab, C:\\windows stays."""
    assert _eval(r'"C:\\windows"') == r"C:\windows"
    assert _eval(r'"C:\windows\temp"') == "C:\\windows\temp"
    assert _eval(r'"a \"quoted\" \d"') == r'a "quoted" \d'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1+", "unexpected the end"),
        ("(1", r"expected '\)', found the end"),
        ("if(1=1,2", r"expected '\)'"),
        ("1 2", "unexpected '2'"),
        ('"open', "malformed at '\"open'"),
        ("a ? b", "malformed at"),
        ("AND 1=1", "unexpected 'AND'"),
        ("foo(1)", "The 'foo' function is unsupported or undefined."),
        ("now()", "the emulator does not model the 'now' function"),
        ("lower()", "The arguments to the 'lower' function are invalid."),
        ("a AND b=1", "Type checking failed. 'AND' only takes boolean arguments."),
        ("NOT a", "'NOT' only takes boolean arguments"),
        ("if(a,1,2)", "'if' only takes boolean arguments"),
        ("(a=1)+1", "does not take boolean arguments"),
        ("(a=1)=1", "does not take boolean arguments"),
        ("lower(a=1)", "'lower' does not take boolean arguments"),
        ("if(a=1,b=1,2)", "a branch is boolean"),
        ("a<b<c", "comparisons cannot be chained"),
        ("a.b+1", "ambiguous: use parentheses"),
        ("1+a.b", "ambiguous: use parentheses"),
        ('"x".a*2', "ambiguous: use parentheses"),
        ("true", r"write true\(\) for the constant"),
    ],
)
def test_what_is_malformed_or_not_documented_is_refused(text: str, message: str) -> None:
    with pytest.raises(EvalError, match=f"(?i){message}"):
        compile_eval(text)


def test_parentheses_settle_what_is_ambiguous() -> None:
    assert _eval('"x".(a*2)', a="2") == "x4"
    assert _eval("(a.b)+a", a="1", b="2") is None  # a text and a number
    assert _eval("tonumber(a.b)+1", a="1", b="2") == 13


@pytest.mark.parametrize("text", ["a=1", "isnull(a)", 'match(a,"b")', "if(a=1,b=2,c=3)", "true()"])
def test_a_field_cannot_be_assigned_a_boolean(text: str) -> None:
    """Search Reference, "eval": the result of an eval expression cannot be a Boolean."""
    with pytest.raises(EvalError, match="Fields cannot be assigned a boolean result"):
        compile_calculated_field(text)


@pytest.mark.parametrize(
    "text", ["m=1", "m<1", "m.a", "m+m", "len(m)", 'match(m,"a")', 'm IN ("a")']
)
def test_multivalues_are_refused_where_nothing_is_documented(text: str) -> None:
    """Assumption 29."""
    with pytest.raises(EvalError, match="multivalue field, which is not modelled"):
        _eval(text, m=["a", "b"], a="x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("a", "a"),
        (3, "3"),
        (3.0, "3"),
        (0.1, "0.1"),
        (1513717277140812.0, "1513717277140812"),
        (1513717277.140812, "1513717277.140812"),
        ([], None),
        (["a"], "a"),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_a_field_has_text_and_a_whole_number_no_decimals(
    value: Value, expected: FieldValue | None
) -> None:
    """Assumption 30."""
    assert field_value(value) == expected


def test_a_boolean_that_shows_only_at_run_time_is_refused_too() -> None:
    with pytest.raises(EvalError, match="boolean"):
        field_value(True)


@given(st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53))
def test_comparisons_of_whole_numbers_agree_with_arithmetic(left: int, right: int) -> None:
    assert _eval("x<y", x=str(left), y=str(right)) is (left < right)
    assert _eval("x=y", x=str(left), y=str(right)) is (left == right)


@given(st.text(max_size=20))
def test_a_quoted_text_comes_back_as_it_was(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')

    assert _eval(f'"{quoted}"') == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_survives_being_written(number: float) -> None:
    assert float(number_text(number)) == number


@given(st.text(alphabet="ab1 .\"+-*/()=<>,'", max_size=15))
def test_any_text_compiles_or_raises_an_eval_error(text: str) -> None:
    try:
        expr = compile_eval(text)
    except EvalError:
        return
    assert expr.kind in {"any", "bool", "number", "text"}
