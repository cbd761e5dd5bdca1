"""Assumptions 9 and 10; props.conf.spec, "[<spec>] stanza precedence" and what follows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.conf.conf_file import parse_conf
from emulator.conf.props import Props
from emulator.errors import ConfError


def _winner(text: str, *, sourcetype: str = "st", host: str = "h", source: str = "s") -> str | None:
    """The value of EVAL-x for an event."""
    props = Props(parse_conf(text, "default/props.conf"))
    setting = props.rules(props.matching(sourcetype, host, source)).get("EVAL-x")
    return setting.value if setting else None


_ALL = "[default]\nEVAL-x = 0\n[st]\nEVAL-x = 1\n[host::h]\nEVAL-x = 2\n[source::s]\nEVAL-x = 3\n"


@pytest.mark.parametrize(
    ("sourcetype", "host", "source", "value"),
    [
        ("st", "h", "s", "3"),
        ("st", "h", "z", "2"),
        ("st", "z", "z", "1"),
        ("z", "z", "z", "0"),
        ("z", "z", "s", "3"),
    ],
)
def test_source_beats_host_beats_sourcetype_beats_default(
    sourcetype: str, host: str, source: str, value: str
) -> None:
    assert _winner(_ALL, sourcetype=sourcetype, host=host, source=source) == value


def test_settings_of_all_matching_stanzas_are_merged() -> None:
    props = Props(parse_conf("[st]\nEVAL-a = 1\nTZ = UTC\n[source::s]\nEVAL-b = 2\n", "p"))

    assert set(props.rules(props.matching("st", "h", "s"))) == {"EVAL-a", "EVAL-b", "TZ"}
    assert props.matching("st", "h", "s") == ("source::s", "st")


@pytest.mark.parametrize(
    ("pattern", "source", "matches"),
    [
        ("...:/aws/cloudhsm/*:hsm-*", "1:eu-west-1:/aws/cloudhsm/cluster-x:hsm-y", True),
        ("...:/aws/cloudhsm/*:hsm-*", "1:eu-west-1:/aws/cloudhsm/a/cluster-x:hsm-y", False),
        ("...:/aws/cloudhsm/*:hsm-*", "1:eu-west-1:/aws/cloudhsm/cluster-x:cluster-x", False),
        ("/var/log/*.log", "/var/log/a.log", True),
        ("/var/log/*.log", "/var/log/sub/a.log", False),
        ("/var/log/*.log", "/var/log/axlog", False),
        ("/var/log/...log", "/var/log/sub/a.log", True),
        ("....(?<!tar.)(gz|bz2)", "/a/b.gz", True),
        ("....(?<!tar.)(gz|bz2)", "/a/b.tar.gz", False),
        ("(|us-*:)/aws/cloudhsm/*:hsm-*", "/aws/cloudhsm/cluster-x:hsm-y", True),
        ("(|us-*:)/aws/cloudhsm/*:hsm-*", "us-east-1:/aws/cloudhsm/cluster-x:hsm-y", True),
        ("(|us-*:)/aws/cloudhsm/*:hsm-*", "eu-west-1:/aws/cloudhsm/cluster-x:hsm-y", False),
        ("(|us-*:)/aws/cloudhsm/*:hsm-*", "us-east-1:/aws/cloudhsm/cluster-x:cluster-x", False),
        ("(|us-*:)/aws/cloudhsm/*:hsm-*", "111122223333:/aws/cloudhsm/c:hsm-y", False),
        ("(|us-*:)/aws/cloudhsm/*:hsm-*", "111122223333:us-east-1:/aws/cloudhsm/c:hsm-y", False),
        ("(|us-*:)/aws/cloudhsm/*:hsm-*", "x/us-east-1:/aws/cloudhsm/c:hsm-y", False),
        ("(...us-*:)/aws/cloudhsm/*:hsm-*", "111122223333:us-east-1:/aws/cloudhsm/c:hsm-y", True),
        ("*a|b", "b", True),
        ("*a|b", "ab", False),
        ("/var/x", "/var/x", True),
        ("/var/x", "/VAR/x", False),
        ("/var/x", "/var/x.log", False),
        ("c:\\\\x\\\\*.txt", "c:\\x\\a.txt", True),
    ],
)
def test_patterns_of_sources(pattern: str, source: str, matches: bool) -> None:
    text = f"[source::{pattern}]\nEVAL-x = 1\n"

    assert (_winner(text, source=source) == "1") is matches


_REGIONS = ["af", "ap", "ca", "cn", "eu", "il", "me", "mx", "sa", "us"]
_FOREIGN = f"(|{'|'.join(f'{region}-*:' for region in _REGIONS)})/aws/cloudhsm/*:hsm-*"


@given(st.from_regex(r"\A[0-9]{12}.*\Z"), st.sampled_from(["", ":/aws/cloudhsm/c:hsm-y"]))
def test_alternatives_for_sources_without_an_account_match_none_with_one(
    start: str, rest: str
) -> None:
    text = f"[source::{_FOREIGN}]\nEVAL-x = 1\n"

    assert _winner(text, source="us-gov-west-1:/aws/cloudhsm/cluster-x:hsm-y") == "1"
    assert _winner(text, source=start + rest) is None


def test_hosts_match_without_case_by_default() -> None:
    assert _winner("[host::Foo]\nEVAL-x = 1\n", host="fOO") == "1"
    assert _winner("[host::(?-i)bar]\nEVAL-x = 1\n", host="BAR") is None
    assert _winner("[host::(?-i)bar]\nEVAL-x = 1\n", host="bar") == "1"


def test_of_two_patterns_the_first_in_ascii_order_wins_unless_priorities_differ() -> None:
    """props.conf.spec: [source::...a...] beats [source::...z...] for source az."""
    text = "[source::...z...]\nEVAL-x = z\n{}[source::...a...]\nEVAL-x = a\n{}"

    assert _winner(text.format("", ""), source="az") == "a"
    assert _winner(text.format("priority = 10\n", "priority = 5\n"), source="az") == "z"


def test_a_literal_beats_a_pattern_unless_the_pattern_has_more_than_100() -> None:
    text = "[source::...]\nEVAL-x = pattern\n{}[source::s]\nEVAL-x = literal\n"

    assert _winner(text.format("")) == "literal"
    assert _winner(text.format("priority = 100\n")) == "pattern"  # ties go by ASCII
    assert _winner(text.format("priority = 101\n")) == "pattern"
    assert _winner(text.format("priority = 99\n")) == "literal"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[st]\nTIME_FROMAT = x\n",
            r"p:2 \[st\]: the emulator does not model the setting TIME_FROMAT",
        ),
        ("[st]\nTRANSFORMS-a = b\n", "does not model the setting TRANSFORMS-a"),
        ("[st]\nEVAL- = b\n", "does not model the setting EVAL-"),
        ("[st]\nextract-a = b\n", "does not model the setting extract-a"),
        ("[default]\nrename = b\n", r"\[default\]: the emulator does not model the setting rename"),
        ("[st]\nCHARSET = LATIN-1\n", "only CHARSET = UTF-8"),
        ("[rule::x]\nMORE_THAN_1 = a\n", "does not model"),
        ("[rule::x]\n", r"p:1 \[rule::x\]: the emulator does not model this kind of stanza"),
        ("[aws:*]\n", "does not model this kind of stanza"),
        ("[(?::){0}aws:*]\n", "does not model this kind of stanza"),
        ("[source::*(]\n", "bad pattern in the stanza's name"),
        ("[source::a|b]\n", "a metacharacter is read as a regex only in or after"),
        ("[source::(/|us-*:/)aws/*]\n", "a metacharacter is read as a regex only in or after"),
        ("[source::a]\npriority = x\n", "write a whole number"),
    ],
)
def test_unknown_settings_and_stanzas_raise_with_file_stanza_and_line(
    text: str, message: str
) -> None:
    with pytest.raises(ConfError, match=message):
        Props(parse_conf(text, "p"))


def test_what_has_no_effect_here_is_taken_without_effect() -> None:
    props = Props(parse_conf("[st]\ncategory = x\nCHARSET = utf-8\nMAX_DIFF_SECS_AGO = 1\n", "p"))

    assert "category" in props.rules(("st",))
