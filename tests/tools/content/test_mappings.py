"""The lists of `mappings/` are read strictly, and all of their faults are reported at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.content.mappings import (
    CodedName,
    OperationList,
    read_command_types,
    read_log_types,
    read_responses,
    read_user_types,
)
from tools.content.strict_yaml import MappingError

SHIPPED = Path(__file__).resolve().parents[3] / "mappings"
NONE = """\
- name: "(none)"
  code: null
  category: Unknown
  description: Nothing named.
  risk: medium
  risk_reason: Look.
  provenance: [addon]
  cim: {model: none, signature: Nothing, reason: None.}
  ocsf: {class: base_event, activity: Unknown, people: actor, reason: None.}
  ecs: {category: [], type: [], people: actor, reason: None.}
"""
LOGIN = """\
- name: CN_LOGIN
  code: "0xd"
  command_type: CN_MGMT_CMD
  category: User Login
  description: A user logs in.
  risk: low
  risk_reason: Routine.
  provenance: [aws_2018, log]
  cim: {model: Authentication, signature: Login, reason: An attempt.}
  ocsf: {class: authentication, activity: Logon, people: subject, reason: The class for it.}
  ecs: {category: [authentication], type: [start], people: actor, reason: The same.}
"""
OTHERS = NONE.replace('"(none)"', '"*"')
GOOD = NONE + LOGIN + OTHERS
SIZE = NONE.count("\n")
RESPONSE = """\
- text: Busy
  code: "187"
  class: busy
  meaning: Try later.
  provenance: [aws_tool]
- text: "*"
  code: null
  class: Unknown
  meaning: Not known.
  provenance: [addon]
"""


Reader = Callable[[Path], object]


def operations_of(folder: Path) -> object:
    return OperationList(folder).checked()


def faults(
    tmp_path: Path, text: str, file: str = OperationList.FILE, read: Reader = operations_of
) -> list[str]:
    """What is wrong with this text, as `line: what`."""
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read(tmp_path)
    prefix = f"{tmp_path / file}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in lines)
    return [line[len(prefix) :] for line in lines]


def test_operations_keep_their_order_and_spelling(tmp_path: Path) -> None:
    (tmp_path / OperationList.FILE).write_text(GOOD, encoding="utf-8")
    operations = OperationList(tmp_path).checked()
    assert [(one.name, one.code) for one in operations] == [
        ("(none)", None),
        ("CN_LOGIN", "0xd"),
        ("*", None),
    ]
    assert operations[1].provenance == ["aws_2018", "log"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  risk: low", "  colour: red\n  risk: low", "5: CN_LOGIN: colour: is no key of a"),
        ('  code: "0xd"\n', "", "0: CN_LOGIN: code: is missing; write the code as AWS prints it"),
        ('  code: "0xd"\n', '  code: "0xd"\n  code: "0xe"\n', "2: code is given twice"),
        ('"0xd"', '"0xD"', "1: CN_LOGIN: code: must be lower-case hex such as 0x1d; found '0xD'"),
        ('"0xd"', '"13"', "1: CN_LOGIN: code: must be lower-case hex"),
        ('"0xd"', '"0x0d"', "1: CN_LOGIN: code: must be lower-case hex"),
        ('"0xd"', "0xd", "1: CN_LOGIN: code: must be a text; put it in quotes; write the code"),
        ('"0xd"', "[a]", "1: CN_LOGIN: code: must be a text; write the code"),
        ('"0xd"', "2026-12-01", "1: CN_LOGIN: code: must be a text; put it in quotes"),
        ('"0xd"', "2026-99-01", "0: cannot be read as YAML: "),
        ("User Login", "User login", "3: CN_LOGIN: category: must be one of User Login, User Mana"),
        ("risk: low", "risk: severe", "5: CN_LOGIN: risk: must be one of informational, low"),
        ("risk: low", "risk: no", "5: CN_LOGIN: risk: must be a text; put it in quotes; write one"),
        ("  risk: low\n", "", "0: CN_LOGIN: risk: is missing; write one of informational, low,"),
        ("A user logs in.", '""', "4: CN_LOGIN: description: must be a text of one paragraph"),
        ("A user logs in.", "null", "4: CN_LOGIN: description: Input should be a valid string"),
        ("A user logs in.", '"a\\nb"', "4: CN_LOGIN: description: must be a text of one paragraph"),
        ("[aws_2018, log]", "[]", "7: CN_LOGIN: provenance: must be a list of at least one"),
        ("[aws_2018, log]", "log", "7: CN_LOGIN: provenance: Input should be a valid list; write"),
        ("[aws_2018, log]", "[rumour]", "7: CN_LOGIN: provenance: must be a list of at least one"),
        ("[aws_2018, log]", "[log, aws_2018]", "7: CN_LOGIN: provenance: must be written [aws_20"),
        ("CN_LOGIN", '"CN_*"', "0: CN_*: name: must have no asterisk"),
        ("CN_LOGIN", "null", "0: None: name: Input should be a valid string; write the name"),
        ("CN_MGMT_CMD", "mgmt", "2: CN_LOGIN: command_type: must be the name of a command type"),
        (", signature: Login", "", "8: CN_LOGIN: cim.signature: is missing; write the operation"),
        ("model: Auth", "model: Wrong", "8: CN_LOGIN: cim.model: must be one of Authentication"),
        ("model: Authentication", "model: Change", "8: CN_LOGIN: a Change, and nothing else,"),
        ("people: subject", "people: boss", "9: CN_LOGIN: ocsf.people: Input should be 'subject'"),
        ("type: [start], ", "", "10: CN_LOGIN: ecs.type: is missing; write a list of ECS types"),
    ],
)
def test_a_departure_from_the_schema_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    (fault,) = faults(tmp_path, NONE + LOGIN.replace(old, new, 1) + OTHERS)
    line, _, what = fault.partition(": ")
    distance, _, told = expected.partition(": ")
    assert what.startswith(told)
    at_file = told.startswith("cannot be read")
    assert int(line) == (1 if at_file else SIZE + 1 + int(distance))


def test_all_faults_are_reported_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = GOOD.replace("low", "none").replace('"0xd"', '"d"').replace("Nothing named.", '""', 1)
    text = text.replace("  ecs: {category: [authentication]", "  esc: {category: [authentication]")
    found = [fault.split(": ")[1:3] for fault in faults(tmp_path, text)]
    assert found == [
        ["(none)", "description"],
        ["CN_LOGIN", "ecs"],
        ["CN_LOGIN", "code"],
        ["CN_LOGIN", "risk"],
        ["CN_LOGIN", "esc"],
    ]


def test_a_name_that_is_there_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    twice = LOGIN + LOGIN.replace("0xd", "0xe")
    assert faults(tmp_path, NONE + twice + OTHERS) == ["22: name CN_LOGIN is on line 11 already"]


@pytest.mark.parametrize("command_type", ["CN_MGMT_CMD", "null"])
def test_a_code_that_is_there_twice_within_a_command_type_is_refused(
    tmp_path: Path, command_type: str
) -> None:
    login = LOGIN.replace("CN_MGMT_CMD", command_type)
    twice = login + login.replace("CN_LOGIN", "CN_OTHER")
    assert faults(tmp_path, NONE + twice + OTHERS) == [
        f"23: command_type {command_type}, code 0xd is on line 11 already"
    ]


def test_a_code_may_repeat_in_another_command_type(tmp_path: Path) -> None:
    other = LOGIN.replace("CN_LOGIN", "CN_OTHER").replace("CN_MGMT_CMD", "SPECIAL")
    (tmp_path / OperationList.FILE).write_text(NONE + LOGIN + other + OTHERS, encoding="utf-8")
    assert len(OperationList(tmp_path).checked()) == 4


VARIANT = """\
- name: CN_LOGIN2
  variant_of: CN_LOGIN
  code: null
  description: Another way to log in.
  provenance: [tool]
"""


def test_a_variant_has_what_it_does_not_have_itself_from_its_operation(tmp_path: Path) -> None:
    (tmp_path / OperationList.FILE).write_text(NONE + LOGIN + VARIANT + OTHERS, encoding="utf-8")
    login, variant = OperationList(tmp_path).checked()[1:3]
    assert (variant.name, variant.code, variant.provenance) == ("CN_LOGIN2", None, ["tool"])
    for name in ("category", "risk", "cim", "ocsf", "ecs"):
        assert getattr(variant, name) == getattr(login, name)


@pytest.mark.parametrize("of", ["CN_LOGOUT", "CN_LOGIN2", "[a]", '"(none)"'])
def test_a_variant_of_something_else_is_refused(tmp_path: Path, of: str) -> None:
    variant = VARIANT.replace("variant_of: CN_LOGIN", f"variant_of: {of}")
    found = faults(tmp_path, NONE + LOGIN + variant + OTHERS)
    assert any(
        fault.startswith("23: CN_LOGIN2: variant_of: must be an operation") for fault in found
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LOGIN + NONE + OTHERS, "12: '(none)' must come before 'CN_LOGIN' (ASCII order, '*' last)"),
        (NONE + OTHERS + LOGIN, "21: 'CN_LOGIN' must come before '*' (ASCII order, '*' last)"),
        (NONE + LOGIN, "11: has no entry '*'; every record needs an entry to fall on"),
        (LOGIN + OTHERS, "12: has no entry '(none)'; every record needs an entry to fall on"),
    ],
)
def test_entries_out_of_order_or_a_missing_fallback_are_refused(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert faults(tmp_path, text) == [expected]


def test_an_empty_list_lacks_its_fallbacks(tmp_path: Path) -> None:
    assert [fault[:20] for fault in faults(tmp_path, "[]")] == [
        "1: has no entry '(no",
        "1: has no entry '*';",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: CN_LOGIN\n", "1: must be one list of entries"),
        ("", "1: must be one list of entries"),
        (GOOD + "- CN_LOGIN\n", "32: Input should be a valid dictionary or instance of Operation"),
        ("- name: 'CN\n- x: [\n", "3: is not YAML: found unexpected end of stream"),
        ("- name: CN\n- name: \x07\n", "2: is not YAML: special characters are not allowed"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert faults(tmp_path, text)[0].startswith(expected)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / OperationList.FILE).write_bytes(b"- name: \xff\n")
    with pytest.raises(MappingError, match=r"operations\.yaml:1: is not UTF-8"):
        OperationList(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"187"', '"0xbb"', "2: code: must be a decimal number"),
        ('"187"', '"0187"', "2: code: must be a decimal number"),
        ('"187"', "187", "2: code: must be a text; put it in quotes"),
        ("class: busy", "class: Busy Now", "3: class: must be lower_snake_case or Unknown"),
        ("- text: Busy", "- text: Bu*y", "1: text: must have no asterisk"),
    ],
)
def test_responses_have_a_schema_of_their_own(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    text = RESPONSE.replace(old, new, 1)
    assert faults(tmp_path, text, "responses.yaml", read_responses)[0].startswith(expected)


def test_a_response_code_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    first = RESPONSE.split('- text: "*"', maxsplit=1)[0]
    text = first.replace("Busy", "Also busy") + RESPONSE
    assert faults(tmp_path, text, "responses.yaml", read_responses) == [
        "7: code 187 is on line 1 already"
    ]


def test_an_operation_of_a_command_type_without_a_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / OperationList.FILE).write_text(GOOD, encoding="utf-8")
    names = [row.name for row in read_command_types(SHIPPED)]
    assert OperationList(tmp_path, names).checked()
    with pytest.raises(MappingError, match=r":13: CN_LOGIN: add CN_MGMT_CMD to command_types"):
        OperationList(tmp_path, {*names} - {"CN_MGMT_CMD"}).checked()


def test_the_shipped_operations_mark_the_unknown() -> None:
    last = OperationList(SHIPPED).checked()[-1]
    assert (last.name, last.category) == ("*", "Unknown")
    assert read_responses(SHIPPED)[-1].kind == "Unknown"


@pytest.mark.parametrize("read", [read_user_types, read_log_types, read_command_types])
def test_the_shipped_types_mark_the_unknown(read: Callable[[Path], list[CodedName]]) -> None:
    last = read(SHIPPED)[-1]
    assert (last.name, last.label) == ("*", "Unknown")
