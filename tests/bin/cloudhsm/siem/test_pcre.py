"""Splunk's regular expressions mean the same in Python, on the oldest one too."""

from __future__ import annotations

import re
import sys

import pytest

from cloudhsm.siem.pcre import Regex, UnknownSyntax

WAYS = pytest.mark.parametrize(
    "native",
    [
        False,
        pytest.param(
            True, marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="3.11 began it")
        ),
    ],
)


@WAYS
def test_a_possessive_quantifier_gives_nothing_back(native: bool) -> None:
    assert Regex(r"a*b", native=native).matches("aab")
    assert not Regex(r"\Aa*+ab", native=native).matches("aab")
    assert not Regex(r"\A[ab]{1,3}+b\z", native=native).matches("aab")
    assert not Regex(r"\Aa?+a\z", native=native).matches("a")


@WAYS
def test_an_atomic_group_gives_nothing_back(native: bool) -> None:
    assert not Regex(r"\A(?>a|ab)c", native=native).matches("abc")
    assert Regex(r"\A(?>ab|a)c", native=native).matches("abc")


@WAYS
def test_references_count_the_groups_of_the_source(native: bool) -> None:
    regex = Regex(r"(?<first>x++)(y*+)(z)\2\3", native=native)
    assert regex.named("xxyyzyyz") == {"first": "xx"}
    assert not regex.matches("xxyyzyz")


@WAYS
def test_a_choice_of_several_widths_may_stand_behind(native: bool) -> None:
    regex = Regex(r"(?<!Target|Public) Name", native=native)
    assert regex.matches("User Name")
    assert not regex.matches("Target Name")
    assert not regex.matches("Public Name")


@WAYS
def test_each_match_may_begin_where_the_one_before_it_ended(native: bool) -> None:
    regex = Regex(r"(?:\Ax=|(?!\A)\G)(?<value>\d),", native=native)
    assert [one["value"] for one in regex.each("x=1,2,3,;4,")] == ["1", "2", "3"]
    assert [*regex.each("y=1,2,")] == []


@WAYS
def test_words_and_digits_are_ascii_and_the_end_is_the_very_end(native: bool) -> None:
    assert not Regex(r"\w", native=native).matches("é")
    assert not Regex(r"\d", native=native).matches("\u0664")
    assert not Regex(r"a\z", native=native).matches("a\n")
    assert Regex(r"[[\]]", native=native).matches("[")


@WAYS
def test_letters_without_case_are_those_of_unicode(native: bool) -> None:
    """The long s and the Kelvin sign, as PCRE has it."""
    regex = Regex(r"(?i:HSM key)=S", native=native)
    assert regex.matches("h\u017fm \u212aEY=S")
    assert not regex.matches("HSM key=s")


@WAYS
def test_what_is_put_in_may_name_the_first_group(native: bool) -> None:
    regex = Regex(r"(?:\d{2}:)?([a-z]+):\w++", native=native)
    assert regex.replaced("12:abc:rest", "<\\1>") == "<abc>"


@pytest.mark.parametrize("source", [r"\Kx", r"(?|a)", r"(?R)", r"a)b"])
def test_what_is_not_translated_is_refused(source: str) -> None:
    with pytest.raises(UnknownSyntax, match=re.escape(source)):
        Regex(source)
