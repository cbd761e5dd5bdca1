from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.trail.record_identity import (
    Kind,
    Record,
    identify,
    identify_all,
    identify_unusual,
    record_key,
)

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


# The lines of a head: first as an HSM prints them, then other than that, in ways that matter.
_USECS = "Time: 12/19/17 21:01:17.140812, usecs:"
TIMES = [
    f"{_USECS}1513717277140812\n",
    *(f"{_USECS}{digits}\n" for digits in ("", "7", "946684799999999", "4102444800000000")),
    *(
        f"{_USECS}{digits}\n"
        for digits in ("0001513717277140812", "1" * 20, "151371727714081\u0662")
    ),
    *(f"{_USECS}1513717277140812{end}" for end in ("", " ", "\r\n", "\n\n", "x\n", " \n")),
    f" {_USECS}1513717277140812\n",
    "Time:12/19/17 21:01:17.1,usecs:1513717277140812\n",
    "Time: 12/19/17 21:01:17.1408123, usecs:1513717277140812\n",
    "Time: 12/19/17 21:01:17.14081\u0662, usecs:1513717277140812\n",
]
VERSIONS = [
    "Version No : 1.0\n",
    *(f"Version No : {version}\n" for version in ("", "x", "1" * 130, "1 Sequence No: 0x7")),
    "Version No\t: 1.0\n",
    "Version No : 1.0 ",
]
SEQUENCES = [
    "Sequence No : 0x1d\n",
    *(f"Sequence No : {number}\n" for number in ("", "0x", "1d", "0X1d", "0xF", "0x1g", "-0x1")),
    *(f"Sequence No : 0x{digits}\n" for digits in ("f" * 16, "f" * 17, "1\u0661", "1 1")),
    "Sequence No\t: 0x1d\n",
    "Sequence No :0x1d\n",
    "Sequence No : 0x1d ",
    "Sequence No : 0x1d\r\n",
]
REBOOTS = [one.replace("Sequence No", "Reboot counter") for one in SEQUENCES]
REBOOTS += [f"Reboot counter : 0x{'e' * digits}\n" for digits in (8, 9)]
OPCODES = [
    "Opcode : CN_LOGIN (0xd)\n",
    *(f"Opcode : {code}\n" for code in ("", "X", "C" * 130, "X Command Type(hex): Y (0x1)")),
    "Opcode : CN_\u0661 (0xd)\n",
    "Opcode : CN_LOGIN (0xd)",
]
COMMANDS = [
    "Command Type(hex) : CN_MGMT_CMD (0x0)\n",
    *(f"Command Type(hex) : {name} (0x0)\n" for name in ("", "C" * 64, "C" * 65, "CN_\u0661", "(")),
    "Command Type(hex) : CN_MGMT_CMD",
    "Command Type(hex)\t: CN_MGMT_CMD (0x0)\n",
]
LAYOUTS = [
    [TIMES, SEQUENCES, REBOOTS, COMMANDS],
    [TIMES, VERSIONS, SEQUENCES, REBOOTS, OPCODES, COMMANDS],
    [TIMES, VERSIONS, SEQUENCES, REBOOTS, COMMANDS],
    [TIMES, SEQUENCES, REBOOTS, OPCODES, COMMANDS],
]


def with_one_odd_line() -> Iterator[str]:
    for layout in LAYOUTS:
        for number, variants in enumerate(layout):
            for odd in variants:
                yield "".join(odd if n == number else one[0] for n, one in enumerate(layout))


@pytest.mark.parametrize("text", with_one_odd_line())
def test_the_short_way_reads_what_the_complete_way_reads(text: str) -> None:
    for one in (text, text[:-1]):
        assert identify(one) == identify_all([one]).of(0) == identify_unusual(one)


@given(st.lists(st.one_of([st.sampled_from(one) for one in LAYOUTS[1]]), max_size=8).map("".join))
def test_the_short_way_reads_alike_lines_in_any_order(text: str) -> None:
    assert identify(text) == identify_unusual(text)


# Usual, not plausible, incomplete, the other format.
MESSAGES = [
    OLDER.format(s=" "),
    NEWER.format(s=""),
    OLDER.format(s=" ").replace("usecs:1513717277140812", "usecs:1000000000000000000"),
    OLDER.format(s=" ").replace("usecs:1513717277140812", "usecs:4102444800000000"),
    OLDER.format(s=" ").replace("usecs:1513717277140812", "usecs:946684799999999"),
    "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812",
    '{"timestamp": 1725482483671}',
    "",
]


@given(st.lists(st.sampled_from(MESSAGES[:2]) | st.sampled_from(MESSAGES), max_size=4))
def test_a_page_is_read_as_its_records_are(texts: list[str]) -> None:
    page = identify_all(texts)
    assert [page.of(place) for place in range(len(texts))] == [*map(identify, texts)]
    assert all(len(column) == len(texts) for column in page)


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
    assert identify(changed) == identify_all([changed]).of(0) == identify_unusual(changed)


@given(st.integers(0, 2**64 - 1), st.integers(946684800_000000, 4102444799_999999))
def test_what_an_hsm_prints_is_read_back(sequence: int, usecs: int) -> None:
    text = OLDER.format(s=" ").replace("0x1\n", f"{sequence:#x}\n")
    record = identify(text.replace("usecs:1513717277140812", f"usecs:{usecs}"))
    assert (record.sequence, record.usecs) == (sequence, usecs)
