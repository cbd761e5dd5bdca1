"""Assumption 21; Search Manual, "Boolean expressions with logical operators", and "search"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import SearchError
from emulator.eval.values import FieldValue
from emulator.search_time.search_expression import compile_search, wildcard_pattern

_EVENT: dict[str, FieldValue] = {
    "_raw": "Opcode : CN_LOGIN (0xd)\nUser Name : Admin",
    "sourcetype": "aws:cloudhsm:audit",
    "source": "1:us-east-1:/aws/cloudhsm/cluster-x:hsm-y",
    "opcode": "CN_LOGIN",
    "code": "13",
    "a b": "c",
    "handles": ["7", "8"],
}


def _found(text: str, event: dict[str, FieldValue] = _EVENT) -> bool:
    return compile_search(text)(event)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("opcode=CN_LOGIN", True),
        ("opcode=cn_login", True),
        ("opcode==CN_LOGIN", True),
        ('opcode="CN_LOGIN"', True),
        ("opcode = CN_LOGIN", True),
        ("opcode=CN_LOG", False),
        ("opcode=CN_LOG*", True),
        ('opcode="*login"', True),
        ("opcode=*", True),
        ("none=*", False),
        ("sourcetype=aws:cloudhsm:audit", True),
        ('source="*:/aws/cloudhsm/*:hsm-*"', True),
        ('"a b"=c', True),
        ("code>9", True),
        ("code<9", False),
        ("code>=13 code<=13", True),
        ("opcode>1", False),
        ("handles=8", True),
        ("handles=9", False),
        ("handles>7", True),
        ("opcode IN (CN_LOGOUT, CN_LOGIN)", True),
        ('opcode IN ("cn_log*")', True),
        ("opcode IN (CN_LOGOUT)", False),
    ],
)
def test_field_value_pairs_match_without_case_and_with_wildcards(text: str, expected: bool) -> None:
    assert _found(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("code!=14", True),
        ("code!=13", False),
        ("none!=13", False),
        ("NOT none=13", True),
        ("NOT code=13", False),
    ],
)
def test_unequal_needs_the_field_and_not_does_not(text: str, expected: bool) -> None:
    """Search Manual, "NOT versus !="."""
    assert _found(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a OR b AND c", False),
        ("a OR (b AND c)", True),
        ("a AND b OR c", False),
        ("a b OR a c OR a", True),
        ("NOT a OR a", True),
        ("NOT (a OR b)", False),
        ("NOT b a", True),
        ("a AND NOT b", True),
        ("NOT NOT a", True),
        ("(a)", True),
    ],
)
def test_or_comes_before_and_written_or_not(text: str, expected: bool) -> None:
    """Only term a occurs."""
    assert _found(text, {"_raw": "a"}) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cn_login", True),
        ("login", True),
        ("logi", False),
        ("logi*", True),
        ("*ogin", True),
        ("CN_LOGIN", True),
        ("0xd", True),
        ('"user name : admin"', True),
        ('"User Name : Adm"', False),
        ("admin opcode", True),
        ("Opcode*Admin", False),
        ("*", True),
        ("nowhere", False),
    ],
)
def test_terms_and_phrases_match_between_breakers(text: str, expected: bool) -> None:
    """segmenters.conf.spec: major and minor breakers."""
    assert _found(text) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unexpected the end"),
        ("a OR", "unexpected the end"),
        ("OR a", "unexpected 'OR'"),
        ("(a", "unexpected the end"),
        ("a )", r"unexpected '\)'"),
        ("f=", "unexpected the end"),
        ("f IN (a", "unexpected the end"),
        ("f IN a", "unexpected 'a'"),
        ("f IN (a b)", "unexpected 'b'"),
        ("a or b", "'or' in lower case is a search term: write OR"),
        ("not a", "write NOT"),
        ("a XOR b", "does not model XOR"),
        ("TERM(a)", "does not model TERM"),
        ("earliest=-1d", "does not model earliest"),
        ("a | stats count", r"malformed at '\| stats count'"),
        ("[search a]", r"malformed at '\[search a\]'"),
        ("`m`", "malformed at '`m`'"),
        ('"open', "malformed at '\"open'"),
        (r'f="a\*b"', "only"),
        ("f>x", "only numbers are modelled"),
        ("f*=1", "wildcard in a field name"),
        ("tag=web", "must not depend on tag"),
        ("eventtype=x", "must not depend on eventtype"),
        ("ip=192.0.2.0/24", "address blocks"),
    ],
)
def test_what_is_malformed_or_not_modelled_raises(text: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        compile_search(text)


def test_letters_match_without_case_one_by_one() -> None:
    assert compile_search("f=OFFICER")({"f": "oFFicer"})
    assert not compile_search("f=OFFICER")({"f": "O\ufb03CER"})
    assert not compile_search("f=OFF*")({"f": "O\ufb00ICER"})


def test_unequal_on_several_values_is_refused_as_undocumented() -> None:
    with pytest.raises(SearchError, match="use NOT handles="):
        _found("handles!=9")


@given(st.text(alphabet="ab*\n.", max_size=8), st.text(alphabet="ab\n.", max_size=8))
def test_a_wildcard_stands_for_any_text_and_only_it(pattern: str, text: str) -> None:
    """Compared with a matcher that works on lists of pieces."""
    assert (wildcard_pattern(pattern).fullmatch(text) is not None) == _fits(pattern, text)


def _fits(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_fits(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and _fits(pattern[1:], text[1:])
