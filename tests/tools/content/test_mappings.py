from __future__ import annotations

from pathlib import Path

import pytest

from tools.content.mappings import (
    COMMAND_TYPES,
    LOG_TYPES,
    OPCODES,
    RESPONSES,
    USER_TYPES,
    MappingError,
    Table,
    check_command_types,
    read_table,
)

SHIPPED = Path(__file__).resolve().parents[3] / "mappings"
NONE = """\
- name: "(none)"
  code: null
  command_type: null
  category: Unknown
  description: Nothing named.
  risk: medium
  risk_reason: Look.
  provenance: [addon]
"""
LOGIN = """\
- name: CN_LOGIN
  code: 0xd
  command_type: CN_MGMT_CMD
  category: User Login
  description: A user logs in.
  risk: low
  risk_reason: Routine.
  provenance: [aws_2018, log]
"""
OTHERS = NONE.replace('"(none)"', '"*"')
GOOD = NONE + LOGIN + OTHERS
RESPONSE = """\
- text: Busy
  code: 187
  class: busy
  meaning: Try later.
  provenance: [aws_tool]
- text: "*"
  code: null
  class: Unknown
  meaning: Not known.
  provenance: [addon]
"""


def faults(tmp_path: Path, text: str, table: Table = OPCODES) -> list[str]:
    """What read_table says about this text, as `line: what`."""
    (tmp_path / table.file).write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_table(tmp_path, table)
    prefix = f"{tmp_path / table.file}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in lines)
    return [line[len(prefix) :] for line in lines]


def test_rows_keep_their_order_spelling_and_line(tmp_path: Path) -> None:
    (tmp_path / "opcodes.yaml").write_text(GOOD, encoding="utf-8")
    rows = read_table(tmp_path, OPCODES)
    assert [(row.line, row.text("name"), row.values["code"]) for row in rows] == [
        (1, "(none)", None),
        (9, "CN_LOGIN", "0xd"),
        (17, "*", None),
    ]
    assert rows[1].values["provenance"] == ("aws_2018", "log")


def test_rows_give_empty_text_for_null_and_blanks_between_list_items(tmp_path: Path) -> None:
    (tmp_path / "opcodes.yaml").write_text(GOOD, encoding="utf-8")
    none, login, _ = read_table(tmp_path, OPCODES)
    assert (none.text("code"), login.text("provenance")) == ("", "aws_2018 log")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  risk: low", "  colour: red\n  risk: low", "14: unknown key 'colour'; allowed: name,"),
        ("  code: 0xd\n", "", "9: lacks code"),
        ("  code: 0xd\n", "  code: 0xd\n  code: 0xe\n", "11: code is given twice"),
        ("0xd", "0xD", "10: code must be lower-case hex such as 0x1d, or null if it is not public"),
        ("0xd", "13", "10: code must be lower-case hex"),
        ("0xd", "0x0d", "10: code must be lower-case hex"),
        ("0xd", "[0xd]", "10: code must be lower-case hex"),
        ("0xd", "{a: b}", "10: code must be a plain value"),
        ("User Login", "User login", "12: category must be one of User Login, User Management"),
        ("risk: low", "risk: severe", "14: risk must be one of informational, low, medium"),
        ("A user logs in.", '""', "13: description must be a text and not empty"),
        ("A user logs in.", "null", "13: description must be a text and not empty"),
        ("A user logs in.", '" in."', "13: description must be one line without blanks"),
        ("A user logs in.", '"a\\nb"', "13: description must be one line without blanks"),
        ("[aws_2018, log]", "[]", "16: provenance must be a list of at least one"),
        ("[aws_2018, log]", "log", "16: provenance must be a list of at least one"),
        ("[aws_2018, log]", "[rumour]", "16: provenance knows no rumour"),
        ("[aws_2018, log]", "[log, aws_2018]", "16: provenance must be written [aws_2018, log]"),
        ("CN_LOGIN", "CN_*", "9: name must not hold an asterisk"),
        ("CN_LOGIN", "null", "9: name must be a text and not empty"),
        ("CN_MGMT_CMD", "mgmt", "11: command_type must be the name of a command type"),
    ],
)
def test_a_departure_from_the_schema_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    found = faults(tmp_path, NONE + LOGIN.replace(old, new, 1) + OTHERS)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_all_faults_of_a_file_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = GOOD.replace("low", "none").replace("0xd", "d").replace("Nothing named.", '""', 1)
    assert [fault.split(" ")[:2] for fault in faults(tmp_path, text)] == [
        ["5:", "description"],
        ["10:", "code"],
        ["14:", "risk"],
    ]


def test_a_name_that_stands_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    twice = LOGIN + LOGIN.replace("0xd", "0xe")
    assert faults(tmp_path, NONE + twice + OTHERS) == ["17: name CN_LOGIN is on line 9 already"]


def test_a_code_that_stands_twice_within_a_command_type_is_refused(tmp_path: Path) -> None:
    twice = LOGIN + LOGIN.replace("CN_LOGIN", "CN_OTHER")
    assert faults(tmp_path, NONE + twice + OTHERS) == [
        "17: command_type CN_MGMT_CMD, code 0xd is on line 9 already"
    ]


def test_a_code_that_stands_twice_where_no_command_type_is_known_is_refused(tmp_path: Path) -> None:
    lone = LOGIN.replace("CN_MGMT_CMD", "null")
    twice = lone + lone.replace("CN_LOGIN", "CN_OTHER")
    assert faults(tmp_path, NONE + twice + OTHERS) == [
        "17: command_type null, code 0xd is on line 9 already"
    ]


def test_a_code_may_repeat_in_another_command_type(tmp_path: Path) -> None:
    other = LOGIN.replace("CN_LOGIN", "CN_OTHER").replace("CN_MGMT_CMD", "SPECIAL")
    (tmp_path / "opcodes.yaml").write_text(NONE + LOGIN + other + OTHERS, encoding="utf-8")
    assert len(read_table(tmp_path, OPCODES)) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LOGIN + NONE + OTHERS, "9: '(none)' must come before 'CN_LOGIN' (ASCII order, '*' last)"),
        (NONE + OTHERS + LOGIN, "17: 'CN_LOGIN' must come before '*' (ASCII order, '*' last)"),
        (NONE + LOGIN, "9: has no entry '*'; every record needs a row to fall on"),
        (LOGIN + OTHERS, "9: has no entry '(none)'; every record needs a row to fall on"),
    ],
)
def test_rows_out_of_order_or_a_missing_fallback_are_refused(
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
        ("name: CN_LOGIN\n", "1: must hold one list of entries"),
        ("", "1: must hold one list of entries"),
        (GOOD + "- CN_LOGIN\n", "25: must be an entry with the keys name, code"),
        ("- name: 'CN\n- x: [\n", "3: is not YAML: found unexpected end of stream"),
        ("- name: CN\n- name: \x07\n", "2: is not YAML: special characters are not allowed"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert faults(tmp_path, text)[0].startswith(expected)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "opcodes.yaml").write_bytes(b"- name: \xff\n")
    with pytest.raises(MappingError, match=r"opcodes\.yaml:1: is not UTF-8"):
        read_table(tmp_path, OPCODES)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("187", "0xbb", "2: code must be a decimal number"),
        ("187", "0187", "2: code must be a decimal number"),
        ("class: busy", "class: Busy Now", "3: class must be lower_snake_case or Unknown"),
        ("- text: Busy", "- text: Bu*y", "1: text must not hold an asterisk"),
    ],
)
def test_responses_have_a_schema_of_their_own(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert faults(tmp_path, RESPONSE.replace(old, new, 1), RESPONSES)[0].startswith(expected)


def test_a_response_code_that_stands_twice_is_refused(tmp_path: Path) -> None:
    twice = RESPONSE.split('- text: "*"', maxsplit=1)[0]
    text = twice.replace("Busy", "Also busy") + RESPONSE
    assert faults(tmp_path, text, RESPONSES) == ["6: code 187 is on line 1 already"]


def test_an_opcode_of_a_command_type_without_a_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / "opcodes.yaml").write_text(GOOD.replace("CN_MGMT_CMD", "CN_NEW"), encoding="utf-8")
    opcodes = read_table(tmp_path, OPCODES)
    with pytest.raises(
        MappingError, match=r"opcodes\.yaml:9: CN_LOGIN: add CN_NEW to command_types"
    ):
        check_command_types(tmp_path, opcodes, read_table(SHIPPED, COMMAND_TYPES))


@pytest.mark.parametrize("table", [OPCODES, RESPONSES, USER_TYPES, LOG_TYPES, COMMAND_TYPES])
def test_the_shipped_mapping_keeps_its_schema_and_marks_the_unknown(table: Table) -> None:
    last = read_table(SHIPPED, table)[-1]
    verdict = {"opcodes.yaml": "category", "responses.yaml": "class"}.get(table.file, "label")
    assert (last.values[table.key], last.values[verdict]) == ("*", "Unknown")
