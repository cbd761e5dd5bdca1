"""The quick way prints exactly what the complete way does, whatever varies."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.siem import output_formats
from cloudhsm.siem.json_values import instant
from cloudhsm.siem.search_time import Meaning
from cloudhsm.siem.templates import Printer
from tests.bin.cloudhsm.siem.goldens import Golden, goldens
from tests.bin.conftest import ROOT

MEANING = Meaning(ROOT)
GOLDENS = [*goldens()]
ORIGIN = (
    "111122223333:us-east-1:/aws/cloudhsm/cluster-likphkxygsn:hsm-nwbbiqbj4jk",
    "hsm-nwbbiqbj4jk",
)
# As an HSM prints them; what stands between < and > varies.
LAYOUTS = (
    "Time: 12/19/17 21:01:17.140812, usecs:<usecs>\nSequence No : <hex>\nReboot counter : <hex>\n"
    "Command Type(hex) : CN_MGMT_CMD (0x0)\nOpcode : CN_LOGIN (0xd)\nSession Handle : <hex>\n"
    "Response : 0:HSM Return: SUCCESS\nLog type : MGMT_USER_DETAILS_LOG (2)\nUser Name : <name>\n"
    "User Type : CN_CRYPTO_USER (1)",
    "Time: 12/19/17 21:01:17.140812, usecs:<usecs>\nVersion No\t\t: 1.0\nSequence No\t\t: <hex>\n"
    "Reboot counter\t\t: <hex>\nOpcode\t\t\t: CN_CREATE_USER (0x3)\n"
    "Command Type(hex)\t: CN_MGMT_CMD (0x0)\nUser id\t\t\t: <id>\nSession Handle\t\t: <hex>\n"
    "Response\t\t: 0:HSM Return: SUCCESS\nLog type\t\t: MGMT_USER_DETAILS_LOG (2)\n"
    "User Name\t\t: <name>\nUser Type\t\t: CN_CRYPTO_OFFICER (2)\nTarget User Name\t: <name>\n"
    "Target User Type\t: CN_CRYPTO_USER (1)\nTarget User id\t\t: <id>",
    "Time: 12/19/17 21:01:17.140812, usecs:<usecs>\nSequence No: <hex>\nReboot counter: <hex>\n"
    "Command Type(hex): CN_CERT_AUTH_CMD (0x3)\nOpcode: CN_GENERATE_KEY_PAIR (0x19)\n"
    "Session Handle: <hex>\nResponse: 0:HSM Return: SUCCESS\nLog type: MGMT_KEY_DETAILS_LOG (1)\n"
    "Priv/Secret Key Handle: <key>\nPublic Key Handle: <key>",
    "Time: 12/19/17 21:01:17.140812, usecs:<usecs>\nVersion No : 1.0\nSequence No : <hex>\n"
    "Reboot counter : <hex>\nOpcode : CN_TIME (0x9)\nCommand Type(hex) : CN_MGMT_CMD (0x0)\n"
    "Session Handle : <hex>\nResponse : 0:HSM Return: SUCCESS\nLog type : TIME_INFO_LOG (9)\n"
    "local time : 04/22/22 20:13:18.189504, usec:<usecs>\n"
    "host time : 04/22/22 20:13:18.191729 usec:<usecs>\npropagation delay : usec:<id>",
)
VARYING = {
    "usecs": st.integers(10**15, 4 * 10**15 - 1).map(str),
    "hex": st.integers(0, 2**63).map(hex) | st.sampled_from(["0X1F", "0x00", "0xdeadBEEF"]),
    "id": st.sampled_from(["0", "3", "7", "007", "123456789", "4294967296"]),
    "key": st.sampled_from(["0", "7", "262152", "9007199254740993", "12", "00", "05"]),
    "name": st.sampled_from(["alice", "bob", "7", "A%s", "a b", "%(x)s", "x%", "Alice", 'q"'])
    | st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=20),
}
INNER = re.compile("_key$|_in_|^(response_label|one_line|repeating|ambiguous_at|known_user|hour_)")
FORMS = pytest.mark.parametrize("form", output_formats.NAMES)


@st.composite
def several_of_a_layout(draw: st.DrawFn) -> list[str]:
    """Records that differ in what varies, often in a single place."""
    layout = draw(st.sampled_from(LAYOUTS))
    return [_filled(layout, draw) for _ in range(6)]


def _filled(layout: str, draw: st.DrawFn) -> str:
    return re.sub("<([a-z]+)>", lambda found: draw(VARYING[found[1]]), layout)


def _plain(layout: str, number: int) -> str:
    """The layout with names and numbers as in most records."""
    values = {"usecs": 1651887534014615, "id": 5, "key": 262152}
    filled = re.sub(
        "<(usecs|id|key)>", lambda found: str(values[found[1]] + number + found.start()), layout
    )
    named = re.sub("<name>", lambda found: f"user_{found.start()}_{number}", filled)
    return named.replace("<hex>", hex(0x9507 + number))


@cache
def _experienced(form: str) -> Printer:
    """A printer that has seen every layout before."""
    printer = Printer(MEANING, output_formats.form_called(form))
    for layout in LAYOUTS:
        for number in range(4):
            printer.line(_plain(layout, number), ORIGIN)
    return printer


@FORMS
@given(texts=several_of_a_layout())
@settings(max_examples=60)
def test_both_ways_print_the_same_of_records_that_look_alike(form: str, texts: list[str]) -> None:
    printer = _experienced(form)
    for text in texts:
        assert printer.line(text, ORIGIN) == printer.complete(text, ORIGIN)


@FORMS
def test_both_ways_print_the_same_of_every_golden(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudhsm.siem.templates._PATIENCE", 1)
    printer = Printer(MEANING, output_formats.form_called(form))
    complete = [printer.line(one.text, one.origin, one.usecs) for one in GOLDENS]
    assert [printer.line(one.text, one.origin, one.usecs) for one in GOLDENS] == complete


@FORMS
@pytest.mark.parametrize("layout", range(len(LAYOUTS)))
def test_a_common_layout_goes_the_quick_way(
    form: str, layout: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = _experienced(form)
    monkeypatch.setattr(Printer, "complete", None)
    assert json.loads(printer.line(_plain(LAYOUTS[layout], 9), ORIGIN).line)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_the_form_fields_has_splunks_values_and_leaves_out_its_inner_workings(
    golden: Golden,
) -> None:
    wanted = {**golden.fields, "_time": instant(golden.usecs)}
    line = _experienced("fields").complete(golden.text, golden.origin, golden.usecs).line
    printed = json.loads(line)
    assert {name: wanted.get(name) for name in printed} == printed
    assert all(INNER.search(name) for name in set(wanted) - set(printed))


def test_a_line_is_ascii_and_one_line_whatever_the_text() -> None:
    printer = Printer(MEANING, output_formats.form_called("fields"))
    text = "no record \u2028 \x1b[31m \r\n \udcff end"
    printed = printer.line(text, ("", ""))
    assert printed.status == "unrecognized"
    assert printed.line.isascii()
    assert printed.line.isprintable()
    assert json.loads(printed.line)["_raw"] == text


def test_a_record_without_a_time_gets_that_of_its_arrival() -> None:
    printer = Printer(MEANING, output_formats.form_called("fields"))
    assert json.loads(printer.line("x", ORIGIN, 1_000_001).line)["_time"] == (
        "1970-01-01T00:00:01.000001Z"
    )
    assert "_time" not in json.loads(printer.line("x", ORIGIN).line)


def test_a_time_that_no_calendar_has_is_left_out() -> None:
    printer = Printer(MEANING, output_formats.form_called("fields"))
    assert "_time" not in json.loads(printer.line("x", ORIGIN, 10**400).line)


def test_memory_is_bounded_however_many_shapes_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudhsm.siem.templates._MOST_SHAPES", 10)
    printer = Printer(MEANING, output_formats.form_called("fields"))
    for number in range(40):
        text = _plain(LAYOUTS[0], number).replace("SUCCESS", f"S{number // 4}")
        printer.line(text, ORIGIN)
    assert len(printer._seen) <= 11
    assert len(printer._templates) <= 11
