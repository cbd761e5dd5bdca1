from __future__ import annotations

from pathlib import Path

import pytest

from emulator.conf.conf_file import Setting, parse_conf, read_conf
from emulator.errors import ConfError, Location


def test_settings_keep_file_stanza_and_line() -> None:
    conf = parse_conf("# top\n\n[a]\nx = 1\ny=2\n\n[b]\nx =\n", "default/x.conf")

    assert [(s.key, s.value, str(s.location)) for s in conf.stanzas["a"].settings.values()] == [
        ("x", "1", "default/x.conf:4 [a]"),
        ("y", "2", "default/x.conf:5 [a]"),
    ]
    assert conf.stanzas["b"].settings["x"].value == ""


def test_a_value_keeps_equals_signs_hashes_and_brackets() -> None:
    conf = parse_conf("[a]\nx = b = [c] # d\n", "x.conf")

    assert conf.stanzas["a"].settings["x"].value == "b = [c] # d"


def test_a_backslash_at_the_end_of_a_line_continues_the_value_with_a_line_break() -> None:
    """Assumption 1."""
    conf = parse_conf("[a]\nx = 1 \\\n  2\ny = 3\n", "x.conf")

    setting = conf.stanzas["a"].settings["x"]
    assert (setting.value, setting.continued) == ("1 \n  2", True)
    assert conf.stanzas["a"].settings["y"].location.line == 4


def test_a_hash_line_inside_a_continued_value_belongs_to_the_value() -> None:
    conf = parse_conf("[a]\nx = 1\\\n# 2\n", "x.conf")

    assert conf.stanzas["a"].settings["x"].value == "1\n# 2"


def test_windows_line_ends_are_line_ends() -> None:
    assert parse_conf("[a]\r\nx = 1\r\n", "x.conf").stanzas["a"].settings["x"].value == "1"


def test_default_fills_what_a_stanza_does_not_set() -> None:
    conf = parse_conf("[default]\nx = 1\ny = 1\n[a]\nx = 2\n", "x.conf")

    (stanza,) = conf.with_defaults()
    assert {key: setting.value for key, setting in stanza.settings.items()} == {"x": "2", "y": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "x.conf:1 []: a setting before the first stanza"),
        ("[a]\nx = 1\nx = 2\n", "x.conf:3 [a]: x is set twice (first in line 2)"),
        ("[a]\n[b]\n[a]\n", "x.conf:3 [a]: stanza is defined twice (first in line 1)"),
        ("[a]\nno equals\n", "x.conf:2 [a]: expected 'key = value'"),
        ("[a]\n= 1\n", "x.conf:2 [a]: expected 'key = value'"),
        ("[a]\n  # late\n", "x.conf:2 []: a comment must start"),
        ("[a]\nx = 1\\", "x.conf:2 []: the file ends in a continuation"),
        ("[a]\nx = 1\\ \ny = 2\n", "x.conf:2 []: blanks after a final"),
    ],
)
def test_a_malformed_file_raises_with_file_stanza_and_line(text: str, message: str) -> None:
    """Assumption 1: stricter than Splunk, which takes the last of two settings."""
    with pytest.raises(ConfError) as caught:
        parse_conf(text, "x.conf")

    assert str(caught.value).startswith(message)


def test_a_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    assert read_conf(tmp_path / "none.conf").stanzas == {}


def test_bytes_that_are_no_utf_8_raise_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_bytes(b"[a]\nx = \xff\n")

    with pytest.raises(ConfError, match=r"x\.conf:2 \[\]: not UTF-8"):
        read_conf(path, "x.conf")


def _setting(value: str, *, continued: bool = False) -> Setting:
    return Setting("k", value, Location("x.conf", "a", 7), continued)


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("T", True), ("0", False)])
def test_booleans_read_as_splunk_writes_them(value: str, expected: bool) -> None:
    assert _setting(value).boolean() is expected


def test_what_is_no_boolean_or_number_raises_with_its_location() -> None:
    with pytest.raises(ConfError, match=r"x\.conf:7 \[a\]: k = 'maybe' is not a boolean"):
        _setting("maybe").boolean()
    with pytest.raises(ConfError, match=r"x\.conf:7 \[a\]: k = '-1': write a whole number of 0"):
        _setting("-1").integer()
    with pytest.raises(ConfError, match=r"k = '1\.5': write a whole number"):
        _setting("1.5").integer()


def test_a_regex_over_several_lines_is_refused_as_ambiguous() -> None:
    with pytest.raises(ConfError, match="several lines is ambiguous"):
        _setting("a\nb", continued=True).regex_text()
