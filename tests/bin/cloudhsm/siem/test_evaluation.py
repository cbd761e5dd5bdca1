"""Splunk's eval expressions, as far as the add-on's own use them."""

from __future__ import annotations

import pytest

from cloudhsm.siem.evaluation import BadExpression, FieldValue, Value, compiled, field_value

FIELDS: dict[str, FieldValue] = {
    "a": "1",
    "b": "two",
    "several": ["x", "y", "x"],
    "text": "one.two",
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('if(a=1, "yes", "no")', "yes"),
        ('if(missing=1, "yes", "no")', "no"),
        ('if(NOT missing=1, "yes", "no")', "no"),
        ('case(a=2, "two", true(), "other")', "other"),
        ('case(a=2, "two")', None),
        ('coalesce(missing, b, "x")', "two"),
        ("mvindex(several, 1)", "y"),
        ("mvindex(several, 7)", None),
        ("mvindex(b, 0)", "two"),
        ("mvdedup(several)", ["x", "y"]),
        ("mvappend(a, missing, several)", ["1", "x", "y", "x"]),
        ('a . "-" . b', "1-two"),
        ("a . missing", None),
        ("floor((10 - 3) / 2) % 2", 1),
        ("missing - 1", None),
        ('tonumber("ff", 16)', 255),
        ('tonumber("xyz", 16)', None),
        ('tonumber("1_0", 16)', None),
        ('floor("1e400")', None),
        ('if("\u0663"=3, "number", "text")', "text"),
        ('replace(text, "^(\\w+)\\.two", "\\1!")', "one!"),
        ('nullif(b, "two")', None),
        ("nullif(b, a)", "two"),
        ('split(text, ".")', ["one", "two"]),
        ("substr(text, 1, 3)", "one"),
        ('lower("ABC")', "abc"),
        (
            'sha256("a")',
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ),
        ('if(isnull(missing) AND isnotnull(a) OR a="2", "\\"q\\"", null())', '"q"'),
    ],
)
def test_an_expression_gives_what_splunk_documents(expression: str, value: Value) -> None:
    assert compiled(expression)(FIELDS) == value


@pytest.mark.parametrize(
    ("value", "held"),
    [(None, None), ([], None), (["x"], "x"), (["x", "y"], ["x", "y"]), (2.0, "2"), (0.5, "0.5")],
)
def test_a_field_holds_text(value: Value, held: object) -> None:
    assert field_value(value) == held


@pytest.mark.parametrize("expression", ["if(a", "a b", "strptime(a)", "a ? b", "AND a", ""])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        compiled(expression)({})


def test_a_field_cannot_hold_a_boolean() -> None:
    with pytest.raises(BadExpression, match="Boolean"):
        field_value(True)
