"""Assumptions 18 and 19; transforms.conf.spec, "Lookup tables"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.conf.conf_file import parse_conf
from emulator.errors import EmulatorError
from emulator.search_time.lookups import Lookup, read_table

_Find = Callable[..., list[str]]
_TABLE = "name,net,label\nCN_LOGIN,10.0.0.0/8,login\nCN_*,10.1.0.0/16,any\nCN_LOGIN,::/0,again\n"


@pytest.fixture
def find(tmp_path: Path) -> _Find:
    """The labels of the rows that match, under the settings given."""
    (tmp_path / "t.csv").write_text(_TABLE, encoding="utf-8")

    def labels(settings: str = "", **values: str) -> list[str]:
        conf = parse_conf(f"[t]\nfilename = t.csv\n{settings}\n", "default/transforms.conf")
        lookup = Lookup(conf.stanzas["t"], tmp_path, "lookups")
        return [row["label"] for row in lookup.find(tuple(values), tuple(values.values()))]

    return labels


@pytest.mark.parametrize(
    ("settings", "name", "labels"),
    [
        ("", "CN_LOGIN", ["login", "again"]),
        ("", "cn_login", []),
        ("", "CN_*", ["any"]),
        ("case_sensitive_match = false", "cn_login", ["login", "again"]),
        ("max_matches = 1", "CN_LOGIN", ["login"]),
        ("match_type = WILDCARD(name)", "CN_LOGIN", ["login", "any", "again"]),
        ("match_type = WILDCARD(name)", "CN_LOGOUT", ["any"]),
        ("match_type = WILDCARD(name)", "cn_logout", []),
        ("match_type = WILDCARD(name)\ncase_sensitive_match = 0", "cn_logout", ["any"]),
        ("match_type = WILDCARD(name)\nmax_matches = 2", "CN_LOGIN", ["login", "any"]),
        ("match_type = EXACT(name)", "CN_LOGOUT", []),
        ("min_matches = 1\ndefault_match = none", "X", ["none"]),
        ("min_matches = 3\ndefault_match = none", "CN_LOGIN", ["login", "again", "none"]),
        ("min_matches = 1", "X", [""]),
        ("default_match = none", "X", []),
    ],
)
def test_rows_match_in_file_order(find: _Find, settings: str, name: str, labels: list[str]) -> None:
    assert find(settings, name=name) == labels


def test_addresses_match_blocks(find: _Find) -> None:
    settings = "match_type = CIDR(net)"

    assert find(settings, net="10.1.2.3") == ["login", "any"]
    assert find(settings, net="2001:db8::1") == ["again"]
    assert find(settings, net="no address") == []


def test_all_columns_must_match(find: _Find) -> None:
    settings = "match_type = WILDCARD(name), CIDR(net)"

    assert find(settings, name="CN_LOGIN", net="10.1.2.3") == ["login", "any"]
    assert find(settings, name="CN_LOGOUT", net="10.1.2.3") == ["any"]
    assert find(settings, name="CN_LOGOUT", net="11.0.0.1") == []


def test_an_answer_that_is_asked_again_is_the_same(find: _Find, tmp_path: Path) -> None:
    conf = parse_conf(
        "[t]\nfilename = t.csv\nmatch_type = WILDCARD(name)\nmax_matches = 1\n", "t.conf"
    )
    lookup = Lookup(conf.stanzas["t"], tmp_path, "lookups")

    assert [lookup.find(("name",), ("CN_X",)) for _ in range(2)] == [
        [{"name": "CN_*", "net": "10.1.0.0/16", "label": "any"}]
    ] * 2


@pytest.mark.parametrize("settings", ["max_matches = 0", "max_matches = x", "min_matches = -1"])
def test_limits_must_be_whole_numbers(find: _Find, settings: str) -> None:
    with pytest.raises(EmulatorError, match=r"transforms\.conf:3 \[t\]: .*write a whole number"):
        find(settings, name="a")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("match_type = WILDCARD(nope)", r":3 \[t\]: match_type names no column: nope"),
        ("match_type = FUZZY(name)", r":3 \[t\]: match_type 'FUZZY\(name\)'"),
        ("time_field = t", r":3 \[t\]: the emulator does not model time_field in a lookup"),
    ],
)
def test_settings_that_are_wrong_or_not_modelled_raise_with_their_place(
    find: _Find, settings: str, message: str
) -> None:
    with pytest.raises(EmulatorError, match=message):
        find(settings, name="a")


@pytest.mark.parametrize("filename", ["none.csv", "../t.csv", "t.kmz"])
def test_a_table_that_is_not_in_lookups_raises(tmp_path: Path, filename: str) -> None:
    conf = parse_conf(f"[t]\nfilename = {filename}\n", "default/transforms.conf")

    with pytest.raises(EmulatorError, match=r"default/transforms\.conf:2 \[t\]: "):
        Lookup(conf.stanzas["t"], tmp_path, "lookups")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1\n", "x.csv:2: 1 cells, 2 columns"),
        (b"a,a\n", "x.csv:1: a column is named twice"),
        (b"a,\n", "x.csv:1: the first line must name every column"),
        (b"", "x.csv:1: the first line must name every column"),
        (b"a\n\xff\n", "x.csv is no UTF-8 CSV"),
        (b'a\n"b\n', "x.csv is no UTF-8 CSV"),
    ],
)
def test_a_faulty_table_raises_with_file_and_line(
    tmp_path: Path, data: bytes, message: str
) -> None:
    (tmp_path / "x.csv").write_bytes(data)

    with pytest.raises(EmulatorError, match=message):
        read_table(tmp_path / "x.csv", "x.csv")


def test_a_byte_order_mark_and_quoted_line_breaks_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b'\xef\xbb\xbfa,b\n1,"x\ny"\n')

    assert read_table(tmp_path / "x.csv", "x.csv").rows == ({"a": "1", "b": "x\ny"},)
