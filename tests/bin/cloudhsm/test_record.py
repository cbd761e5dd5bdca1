from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.record import Kind, Record, identify, identify_unusual, record_key

OLDER = """Time: 12/19/17 21:01:17.140812, usecs:1513717277140812
Sequence No{s}: 0x1
Reboot counter{s}: 0xe8
Command Type(hex){s}: CN_MGMT_CMD (0x0)
Opcode{s}: CN_GEN_PSWD_ENC_KEY (0x1d)
Session Handle{s}: 0x1004001
Response{s}: 0:HSM Return: SUCCESS
Log type{s}: MINIMAL_LOG_ENTRY (0)"""
NEWER = """Time: 04/22/22 20:13:18.189504, usecs:1650658398189504
Version No{s}: 1.0
Sequence No{s}: 0x1
Reboot counter{s}: 0xe8
Opcode{s}: CN_LOGIN (0xd)
Command Type(hex){s}: CN_MGMT_CMD (0x0)
User id{s}: 1"""


@pytest.mark.parametrize("layout", [OLDER, NEWER], ids=["older", "newer"])
@pytest.mark.parametrize("separator", ["", " ", "\t", "\t\t"])
def test_every_layout_and_separator_yields_the_identity(layout: str, separator: str) -> None:
    record = identify(layout.format(s=separator))
    assert (record.sequence, record.reboot_counter) == (1, "0xe8")
    assert record.command_type == "CN_MGMT_CMD"
    assert record.usecs in (1513717277140812, 1650658398189504)
    assert record.flaws == ()


@pytest.mark.parametrize("layout", [OLDER, NEWER], ids=["older", "newer"])
def test_a_copy_flattened_to_one_line_yields_the_same_identity(layout: str) -> None:
    text = layout.format(s=" ")
    assert identify(text.replace("\n", " ")) == identify(text)


def test_a_forged_head_inside_a_user_name_changes_nothing() -> None:
    genuine = OLDER.format(s=" ")
    forged = "x\nTime: 01/01/30 00:00:00.000000, usecs:1893456000000000\nSequence No : 0x999"
    assert identify(f"{genuine}\nUser Name : {forged}") == identify(genuine)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", "blank"),
        (" \n\t", "blank"),
        ("Time: 12/19/17", "no_time"),
        ("something else", "no_time"),
        ("Time: 12/19/17 21:01:17.140812, usecs:1513717277140812\nSequence", "no_sequence_no"),
        ("Time: 12/19/17 21:01:17.140812, usecs:7\nSequence No : 0x1", "implausible_time"),
        ('{"op_code": "CreateObject"', "not_json"),
        ('{"op_code": "CreateObject"}', "no_time"),
        ('{"timestamp": true}', "no_time"),
        ('{"timestamp": 99999999999999999}', "implausible_time"),
    ],
)
def test_an_incomplete_record_is_flagged(text: str, flaw: str) -> None:
    assert flaw in identify(text).flaws


def test_a_certificate_record_is_recognised_by_its_first_character() -> None:
    body = {"object_handle": 463180677312929947, "op_code": "CreateObject", "response": "OK"}
    body["timestamp"] = 1725482483671
    for text in (json.dumps(body), json.dumps(body, indent=4), "\n" + json.dumps(body)):
        assert identify(text) == Record(Kind.CERTIFICATE, 1725482483671000)


def test_sequence_numbers_have_64_bits() -> None:
    text = OLDER.format(s=" ").replace("0x1\n", "0xffffffffffffffff\n")
    assert identify(text).sequence == 2**64 - 1


def test_a_number_too_long_for_its_field_is_not_cut_to_fit() -> None:
    text = OLDER.format(s=" ")
    assert "no_reboot_counter" in identify(text.replace("0xe8", "0x123456789")).flaws
    assert identify(text.replace("0x1\n", "0x" + "1" * 17 + "\n")).sequence is None


def test_the_record_key_keeps_the_printed_form() -> None:
    record = identify(OLDER.format(s=" "))
    assert record_key(record, "hsm-x") == "hsm-x|0xe8|0x1|1513717277140812"


@pytest.mark.parametrize(
    "text", ["", "{}", "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812"]
)
def test_a_record_without_all_parts_has_no_key(text: str) -> None:
    assert record_key(identify(text), "hsm-x") is None


def test_a_nested_bomb_is_only_a_flawed_certificate_record() -> None:
    assert identify('{"a":' + "[" * 200_000).flaws == ("not_json",)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    for message in (text, "Time: " + text, "{" + text, OLDER.format(s=text)):
        assert isinstance(identify(message), Record)


# What the heads of records are made of: mostly as HSMs print it, now and then not.
def mostly(usual: st.SearchStrategy[str], odd: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 29).flatmap(lambda drawn: odd if drawn == 7 else usual)


def line(label: str, value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    space = mostly(st.sampled_from(["", " "]), st.sampled_from(["\t", "\n", "  "]))
    end = mostly(st.just("\n"), st.sampled_from([" ", "", "\r\n", "\n\n", "\n "]))
    after = mostly(st.just(" "), st.sampled_from(["", "\t", "\n", "  "]))
    return st.tuples(st.just(label), space, st.just(":"), after, value, end).map("".join)


def hexadecimal(digits: int) -> st.SearchStrategy[str]:
    right = st.integers(0, 16**digits - 1).map(hex)
    odd = st.tuples(right, st.text("0fFg\u0661", min_size=1, max_size=digits)).map("".join)
    return mostly(right, odd)


TIME = st.tuples(
    mostly(st.just("Time: 12/19/17 21:01:17."), st.sampled_from(["Time:12/19/17 21:01:17.", "x"])),
    mostly(st.just("140812, usecs:"), st.sampled_from(["1, usecs:", "1408123, usecs:", ",usecs:"])),
    mostly(
        st.integers(9 * 10**14, 5 * 10**15).map(str),
        st.one_of(st.text("0123456789", max_size=20), st.sampled_from(["0151371727714081", "-1"])),
    ),
    mostly(st.just("\n"), st.sampled_from([" ", "", "\r\n", "\n\n"])),
).map("".join)
NAME = mostly(st.just("CN_MGMT_CMD"), st.text("CN_4\u0661", min_size=1, max_size=66))
VERSIONS = st.sampled_from(["", "1 Sequence No: 0x7", "x", "1" * 17])
VERSION = line("Version No", mostly(st.just("1.0"), VERSIONS))
SEQUENCE = line("Sequence No", hexadecimal(16))
REBOOT = line("Reboot counter", hexadecimal(8))
OPCODES = st.sampled_from(["", "X Command Type(hex): Y (0x1)", "X", "C" * 121, "CN_\u0661 (0x1)"])
OPCODE = line("Opcode", mostly(st.just("CN_LOGIN (0xd)"), OPCODES))
COMMAND = line(
    "Command Type(hex)",
    st.tuples(NAME, mostly(st.just(" (0x0)"), st.sampled_from(["", " ", "(0x0)", "\n"]))).map(
        "".join
    ),
)


def heads() -> st.SearchStrategy[str]:
    """Both layouts, and the lines of both in any order."""
    older = st.tuples(TIME, SEQUENCE, REBOOT, COMMAND, OPCODE)
    newer = st.tuples(TIME, VERSION, SEQUENCE, REBOOT, OPCODE, COMMAND)
    lines = st.one_of(TIME, VERSION, SEQUENCE, REBOOT, OPCODE, COMMAND)
    return st.one_of(older, newer, st.lists(lines, max_size=7)).map("".join)


@settings(max_examples=400)
@given(heads())
def test_the_short_way_reads_what_the_complete_way_reads(text: str) -> None:
    assert identify(text) == identify_unusual(text)


@pytest.mark.parametrize("layout", [OLDER, NEWER], ids=["older", "newer"])
@given(st.data())
def test_a_usual_record_changed_in_one_place_is_read_alike(
    layout: str, data: st.DataObject
) -> None:
    text = layout.format(s=" ")
    start = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 3))
    added = data.draw(st.one_of(st.text("0123456789abfx", max_size=70), st.text(max_size=3)))
    changed = text[:start] + added + text[start + removed :]
    assert identify(changed) == identify_unusual(changed)


@given(st.integers(0, 2**64 - 1), st.integers(946684800_000000, 4102444799_999999))
def test_what_an_hsm_prints_is_read_back(sequence: int, usecs: int) -> None:
    text = OLDER.format(s=" ").replace("0x1\n", f"{sequence:#x}\n")
    record = identify(text.replace("usecs:1513717277140812", f"usecs:{usecs}"))
    assert (record.sequence, record.usecs) == (sequence, usecs)
