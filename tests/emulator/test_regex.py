from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import RegexError
from emulator.regex import compile_regex


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"(?<n>a)", "xa"),
        (r"\Qa.b\E", "a.b"),
        (r"(?|(a)|(b))\1", "bb"),
        (r"a\h++b", "a \tb"),
        (r"\R", "\r\n"),
    ],
)
def test_patterns_of_pcre2_that_python_lacks_work(source: str, text: str) -> None:
    """Assumption 13."""
    assert compile_regex(source).matches(text)


def test_classes_are_ascii_unless_the_pattern_asks_for_unicode() -> None:
    """Assumption 13."""
    assert not compile_regex(r"^\w$").matches("é")
    assert compile_regex(r"(*UCP)^\w$").matches("é")


def test_a_dot_is_one_character_not_one_byte() -> None:
    """Assumption 13."""
    assert compile_regex(r"\A.\z").matches("é")


def test_options_go_before_the_pattern_and_after_its_verbs() -> None:
    assert compile_regex(r"(*UCP)^b.\w$", options="(?ms)").matches("a\nb\né\nc")


def test_named_groups_of_the_first_match_come_with_none_for_the_unset() -> None:
    regex = compile_regex(r"(?<a>x)(?<b>y)?")

    assert regex.named("zxz") == {"a": "x", "b": None}
    assert regex.named("z") is None
    assert (regex.names, regex.groups) == (("a", "b"), 2)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("(", r"bad regex \(compilation failed at position 1; missing closing parenthesis\): \("),
        ("(?<n>a)(?<n>b)", "two named subpatterns have the same name"),
        ("(?J)(?<n>a)|(?<n>b)", "duplicate group names, is not modelled"),
    ],
)
def test_a_bad_regex_raises_with_its_text_and_position(source: str, message: str) -> None:
    with pytest.raises(RegexError, match=message):
        compile_regex(source, options="(?ms)")


def test_a_runaway_regex_raises_instead_of_matching_nothing() -> None:
    """Assumption 12."""
    with pytest.raises(RegexError, match=r"match limit exceeded.*on a text of 41 characters"):
        compile_regex(r"(a+)+$").matches("a" * 40 + "b")


def test_limits_can_be_set_per_pattern() -> None:
    text = "a" * 12 + "b"

    assert not compile_regex(r"(a+)+$").matches(text)
    with pytest.raises(RegexError, match="match limit"):
        compile_regex(r"(a+)+$", match_limit=100).matches(text)


def test_the_depth_limit_counts() -> None:
    with pytest.raises(RegexError, match="limit exceeded"):
        compile_regex(r"(?:(a)|b)*c", depth_limit=10).matches("ab" * 50 + "c")


def test_every_method_reports_a_limit() -> None:
    regex, text = compile_regex(r"(?<n>a+)+$"), "a" * 40 + "b"

    for call in (regex.named, regex.first, lambda text: list(regex.each(text))):
        with pytest.raises(RegexError, match="match limit"):
            call(text)
    with pytest.raises(RegexError, match="match limit"):
        regex.substitute(text, lambda _groups: "")


@given(st.text(alphabet="ab é", max_size=40), st.booleans())
def test_substitution_is_the_same_in_small_and_in_big_texts(text: str, ascii_only: bool) -> None:
    regex = compile_regex(r"(a+)(b)?")
    filling = ("-" if ascii_only else "ö") * 5000

    def swap(groups: object) -> str:
        return repr(groups)

    assert regex.substitute(filling + text, swap) == filling + regex.substitute(text, swap)


def test_many_matches_in_a_megabyte_of_ascii_take_no_quadratic_time() -> None:
    started = time.perf_counter()

    assert compile_regex("x").substitute("x\n" * 500_000, lambda _groups: "") == "\n" * 500_000
    assert time.perf_counter() - started < 5
