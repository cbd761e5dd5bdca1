"""Assumption 23; macros.conf.spec."""

from __future__ import annotations

import pytest

from emulator.conf.conf_file import parse_conf
from emulator.conf.macros import Macros, check
from emulator.errors import ConfError, EmulatorError, SearchError

_CONF = """
[base]
definition = sourcetype=st
description = for people

[two]
definition = (`base` OR `one(x)`)

[one(1)]
args = value
definition = field="$value$" $value$

[one(2)]
args = left, right
definition = $left$-$right$

[loop]
definition = `loop`
"""


def _macros(text: str = _CONF) -> Macros:
    return Macros.from_conf(parse_conf(text, "default/macros.conf"))


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("`base` error", "sourcetype=st error"),
        ("`two`", '(sourcetype=st OR field="x" x)'),
        ("`one(a b)`", 'field="a b" a b'),
        ('`one("a,b")`', 'field="a,b" a,b'),
        ("`one(a,b)`", "a-b"),
        ("`one(a, )`", "a-"),
        ('"in `base` quotes"', '"in `base` quotes"'),
        ("none at all", "none at all"),
    ],
)
def test_macros_expand_with_their_arguments_outside_quotes(text: str, expanded: str) -> None:
    assert _macros().expand(text) == expanded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("`nope`", r"The search macro 'nope' cannot be found\."),
        ("`base(1)`", r"The search macro 'base\(1\)' cannot be found\. It exists with \[0\]"),
        ("`loop`", "more than 100 deep"),
        ("`base", "unbalanced backtick"),
        ("``", "malformed macro call"),
        ('`one("a)`', "malformed macro arguments"),
        ("```note x", "malformed macro call"),
    ],
)
def test_what_cannot_be_expanded_raises(text: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        _macros().expand(text)


def test_a_comment_is_left_out_but_not_in_a_text_in_quotes() -> None:
    """Search Reference, "Add comments to searches"."""
    assert _macros().expand('a ```note: `nope` " |``` b') == "a   b"
    assert _macros().expand('"```a```"') == '"```a```"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]\ndescription = x\n", r"macros\.conf:1 \[a\]: a macro needs a definition"),
        ("[a(1)]\ndefinition = x\n", r":1 \[a\(1\)\]: the name has 1 arguments"),
        ("[a]\nargs = x\ndefinition = x\n", "the name has 0 arguments"),
        ("[a(2)]\nargs = x,x\ndefinition = x\n", "the name has 2 arguments"),
        ("[a]\ndefinition = x\niseval = 1\n", r":3 \[a\]: the emulator does not model iseval"),
        ("[a]\ndefinitoin = x\n", r":2 \[a\]: unknown setting definitoin"),
        ("[a(x)]\ndefinition = x\n", "a macro's stanza is its name"),
    ],
)
def test_a_faulty_definition_raises_with_its_location(text: str, message: str) -> None:
    with pytest.raises(ConfError, match=message):
        _macros(text)


def test_a_missing_macro_in_a_definition_is_found_where_it_is_written() -> None:
    conf = parse_conf("[a]\n\ndefinition = `b`\n", "default/macros.conf")

    with pytest.raises(EmulatorError, match=r"default/macros\.conf:3 \[a\]: The search macro 'b'"):
        check(Macros.from_conf(conf), conf)


def test_a_placeholder_is_an_error_with_its_name_until_an_administrator_sets_the_macro() -> None:
    text = "[idx]\ndefinition = `set_idx_in_settings`\n[all]\ndefinition = `idx` a=1\n"
    conf = parse_conf(text, "default/macros.conf")
    macros = Macros.from_conf(conf)
    check(macros, conf)
    with pytest.raises(SearchError, match="'set_idx_in_settings' cannot be found"):
        macros.expand("search `all`")
    assert macros.with_local({"idx": "index=hsm"}).expand("search `all`") == "search index=hsm a=1"


def test_a_call_of_a_missing_macro_is_no_placeholder_of_another_one() -> None:
    conf = parse_conf("[idx]\ndefinition = `set_index`\n", "default/macros.conf")
    with pytest.raises(EmulatorError, match="'set_index' cannot be found"):
        check(Macros.from_conf(conf), conf)
