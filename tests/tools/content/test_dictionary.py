from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.content.dictionary import NAMES, PAGE, pages
from tools.content.fields import Dictionary, read_dictionary
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "mappings"
GOOD = """\
groups:
  - title: What was done
    text: The <head> of it.
    defaults: {origin: record, layouts: [older, newer]}
    fields:
      - name: opcode
        type: coded name
        key: Opcode
        printed: CN_LOGIN (0xd)
        json_key: op_code
        json_printed: '"CreateObject"'
        meaning: The operation.
        example: CN_LOGIN
        cim: [command]
        ocsf: api.operation
      - name: opcode_code
        type: hex
        key: Opcode
        meaning: Its number, a * of sorts.
        example: "0xd"
      - name: user_id
        type: decimal
        key: User id
        printed: "3"
        layouts: [newer]
        meaning: Who.
        example: "3"
  - title: Made of it
    text: More.
    defaults: {sourcetypes: [audit], seen_in: login}
    fields:
      - name: command
        type: name
        origin: computed
        models: [Change]
        meaning: The operation's name.
        example: CN_LOGIN
      - name: outcome
        type: word
        values: [success, failure]
        origin: [computed, "lookup:some_table"]
        meaning: Whether it `did_work`.
        example: success
        unit: words
        note: Mind this.
      - name: handles
        type: text
        origin: "customer:your_keys"
        multivalue: true
        meaning: Keys.
        example: [a|b, c]
        internal: true
records:
  - name: login
    about: A login.
    source: 1:/aws/cloudhsm/cluster-a:hsm-b
    text: |-
      Time: 1
      Opcode : CN_LOGIN (0xd)
unknowable:
  - field: src
    models: [Authentication, Change]
    when: always
    reason: A record has no address.
  - field: command
    models: [Change]
    when: there is no operation
    reason: Then nobody knows.
"""


def read(tmp_path: Path, text: str) -> Dictionary:
    (tmp_path / "fields.yaml").write_text(text, encoding="utf-8")
    return read_dictionary(tmp_path)


def faults(tmp_path: Path, text: str) -> list[str]:
    """What the reader says about this text, as `line: what`."""
    path = tmp_path / "fields.yaml"
    with pytest.raises(MappingError) as caught:
        read(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line[len(f"{path}:") :] for line in lines]


def page(tmp_path: Path) -> str:
    return pages(read(tmp_path, GOOD))[PAGE]


# --- reading


def test_a_field_has_what_it_says_over_what_its_group_says(tmp_path: Path) -> None:
    fields = {field.name: field for field in read(tmp_path, GOOD).fields}
    assert list(fields) == ["opcode", "opcode_code", "user_id", "command", "outcome", "handles"]
    assert fields["opcode"].layouts == ["older", "newer"]
    assert fields["user_id"].layouts == ["newer"]
    assert fields["opcode"].sourcetypes == ("audit", "certificate")
    assert fields["user_id"].sourcetypes == fields["outcome"].sourcetypes == ("audit",)
    assert fields["outcome"].origins == ["computed", "lookup:some_table"]
    assert (fields["handles"].multivalue, fields["handles"].internal) == (True, True)
    assert (fields["outcome"].multivalue, fields["outcome"].internal) == (False, False)


def test_a_text_that_yaml_takes_for_a_number_must_be_quoted(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, GOOD.replace('"0xd"', "0xd"))
    assert fault.startswith("20: groups.0.fields.1.example")
    assert "put it in quotes" in fault


def test_each_key_of_a_record_is_listed_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).record_keys == ["Opcode", "User id"]


def test_a_record_tells_its_host_and_its_kind(tmp_path: Path) -> None:
    (record,) = read(tmp_path, GOOD).records
    assert (record.host, record.sourcetype) == ("hsm-b", "audit")
    (record,) = read(tmp_path, GOOD.replace("Time: 1", '{"a": 1}')).records
    assert record.sourcetype == "certificate"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("meaning: The operation.", "meaning: ''", "12: groups.0.fields.0.meaning: must be a text"),
        (
            "type: coded name",
            "type: number",
            "7: groups.0.fields.0.type: must be one of hex, decimal,",
        ),
        (
            "name: opcode_code",
            "name: OpcodeCode",
            "16: groups.0.fields.1.name: must be lower_snake_case; found",
        ),
        (
            "ocsf: api.operation",
            "ocsf: API",
            "15: groups.0.fields.0.ocsf: must be an attribute's path",
        ),
        ("'\"CreateObject\"'", "CreateObject", "11: groups.0.fields.0.json_printed: must be JSON:"),
        (
            "models: [Change]\n        m",
            "models: [Web]\n        m",
            "35: groups.1.fields.0.models: must be a list of",
        ),
        ("internal: true", "internal: maybe", "52: groups.1.fields.2.internal: Input should be a"),
        (
            "        ocsf:",
            "        odd: 1\n        ocsf:",
            "15: groups.0.fields.0.odd: is no key of a dictionary here",
        ),
        ("        cim:", "        key: X\n        cim:", "14: key is given twice"),
        (
            "        example: CN_LOGIN\n        cim",
            "        cim",
            "6: groups.0.fields.0.example: is missing",
        ),
        ("defaults: {s", "defaults: {odd: x, s", "32: groups.1.fields.0.odd: is no key"),
        (
            'origin: "customer:your_keys"',
            "origin: nowhere",
            "48: groups.1.fields.2.origin.0: must be record, source,",
        ),
        (
            "origin: computed\n",
            "origin: record\n",
            "32: groups.1.fields.0: command: a field whose origin is record",
        ),
        (
            "origin: computed\n",
            "key: X\n        origin: computed\n",
            "32: groups.1.fields.0: command: a field whose",
        ),
        (
            "{sourcetypes: [audit], ",
            "{",
            "32: groups.1.fields.0: command: give either a key (which decides",
        ),
        (
            "layouts: [older, newer]",
            "note: x",
            "6: groups.0.fields.0: opcode: give the layouts in which the",
        ),
        (
            "models: [Change]\n        m",
            "layouts: [newer]\n        m",
            "32: groups.1.fields.0: command: has layouts and no key",
        ),
        (
            "models: [Change]\n        m",
            "printed: x\n        m",
            "32: groups.1.fields.0: command: has printed and no key",
        ),
        (
            "json_key: op_code\n",
            "note: x\n",
            "6: groups.0.fields.0: opcode: give json_key and json_printed together",
        ),
        (", seen_in: login", "", "32: groups.1.fields.0: command: give with seen_in the record"),
        (
            "multivalue: true",
            "note: x",
            "46: groups.1.fields.2: handles: a field that is multivalue, and no other,",
        ),
        (
            "values: [success, failure]",
            "cim: [command]",
            "38: groups.1.fields.1: outcome: a word, and nothing else, lists",
        ),
        (
            "[success, failure]",
            "[failure]",
            "38: groups.1.fields.1: outcome: the example is none of failure",
        ),
        ('"0xd"', '"d"', "16: groups.0.fields.1: opcode_code: the example is not hex"),
        ("name: opcode_code", "name: opcode", "16: opcode is defined twice"),
        ("seen_in: login", "seen_in: logout", "32: command: there is no record 'logout'"),
        ("cim: [command]", "cim: [cmd]", "6: opcode: no field with models is named cmd"),
        (
            "        key: Opcode\n        meaning: Its",
            "        key: Code\n        meaning: Its",
            "16: opcode_code: the first field of a key, and no other, has printed",
        ),
        ("key: User id", "key: Opcode", "21: user_id: the first field of a key, and no other,"),
        (
            "source: 1:/aws",
            "origin: 1:/aws",
            "56: records.0.origin: is no key of a dictionary here",
        ),
        ("    when: always\n", "", "61: unknowable.0.when: is missing"),
        ("unknowable:\n", "unknown:\n", "60: unknown: is no key of a dictionary here"),
        ("    text: More.\n", "", "28: groups.1.text: is missing"),
        ("text: More.", "text: [a, b]", "29: groups.1.text: must be a text"),
        (
            "fields:\n      - name: command",
            "fields: x\n    odd:\n      - name: c",
            "31: groups.1.fields: Input should be a valid list",
        ),
    ],
)
def test_every_departure_from_the_schema_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    assert any(line.startswith(fault) for line in found), found


def test_fields_of_one_key_stand_together(tmp_path: Path) -> None:
    again = '      - {name: c, type: hex, key: Opcode, meaning: M, example: "0x1"}\n'
    text = GOOD.replace("  - title: Made of it", f"{again}  - title: Made of it")
    assert faults(tmp_path, text) == ["28: c: put it below the other fields of the key 'Opcode'"]


def test_a_record_that_gives_no_example_is_not_kept(tmp_path: Path) -> None:
    text = GOOD.replace("unknowable:", "  - {name: x, about: A, source: s, text: t}\nunknowable:")
    assert faults(tmp_path, text) == [
        "60: no field takes its example from the record 'x'; remove it"
    ]


def test_all_faults_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = GOOD.replace("type: hex", "type: odd").replace("type: name", "type: odd")
    assert [line.partition(":")[0] for line in faults(tmp_path, text)] == ["17", "33"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1: must be one dictionary: keys and values"),
        ("- a\n", "1: must be one dictionary: keys and values"),
        ("groups: [\n", "2: is not YAML: "),
        ("a: 1\nb: \x07\n", "2: is not YAML: "),
    ],
)
def test_a_file_that_is_no_dictionary_is_told_as_such(
    tmp_path: Path, text: str, fault: str
) -> None:
    assert faults(tmp_path, text)[0].startswith(fault)


def test_a_file_that_is_not_utf_8_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "fields.yaml").write_bytes(b"groups: \xff\n")
    with pytest.raises(MappingError, match=r"fields\.yaml:1: is not UTF-8"):
        read_dictionary(tmp_path)


# --- the page


def test_the_first_line_says_from_what_and_how(tmp_path: Path) -> None:
    first = page(tmp_path).splitlines()[0]
    assert "Generated from mappings/fields.yaml by tools/content/dictionary.py" in first
    assert "make generate" in first


@pytest.mark.parametrize(
    "row",
    [
        "| `opcode` | The operation. | `CN_LOGIN` | coded name | `Opcode`, `op_code` "
        "| older, newer, certificate | `command` | `api.operation` |",
        r"| `opcode_code` | Its number, a \* of sorts. | `0xd` | hex | `Opcode` "
        "| older, newer |  |  |",
        "| `outcome` | Whether it `did_work`. In words. One of `success`, `failure`. *Mind this.* "
        "| `success` | word | computed, lookup `some_table` | audit |  |  |",
        r"| `handles` | Keys. | `a\|b`, `c` | text, several | your table `your_keys` "
        "| audit |  |  |",
        "| `command` | `opcode` | The operation's name. "
        "| There is no operation: Then nobody knows. |",
        "| `src` | nothing |  | Always: A record has no address. |",
    ],
)
def test_a_field_is_a_row_that_says_all_of_it(tmp_path: Path, row: str) -> None:
    assert row in page(tmp_path).splitlines()


def test_a_group_has_its_heading_its_text_and_its_table(tmp_path: Path) -> None:
    assert "\n## What was done\n\nThe &lt;head> of it.\n\n| field |" in page(tmp_path)


def test_what_a_model_lacks_stands_with_every_model_that_wants_it(tmp_path: Path) -> None:
    authentication, change = page(tmp_path).split("### Authentication")[1].split("### Change")
    assert "`src`" in authentication
    assert "`src`" in change
    assert "`command`" not in authentication


def test_the_records_of_the_examples_are_shown_whole(tmp_path: Path) -> None:
    assert "**login**: A login.\n\n```\nTime: 1\nOpcode : CN_LOGIN (0xd)\n```\n" in page(tmp_path)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    cells = 0
    for line in pages(read_dictionary(SHIPPED))[PAGE].splitlines():
        if line.startswith("| field") or line.startswith("| CIM field"):
            cells = len(re.split(r"(?<!\\)\|", line))
        if line.startswith("|"):
            assert len(re.split(r"(?<!\\)\|", line)) == cells, line
    assert cells


def test_the_shipped_page_is_what_the_definitions_give() -> None:
    for path, text in pages(read_dictionary(SHIPPED)).items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, "run: make generate"


def test_what_the_command_prints_is_named_by_the_definitions(tmp_path: Path) -> None:
    names = json.loads(pages(read(tmp_path, GOOD))[NAMES])
    assert names["fields"] == ["opcode", "opcode_code", "user_id", "command", "outcome"]
    assert names["cim"] == ["command"]
    shipped = json.loads(pages(read_dictionary(SHIPPED))[NAMES])
    assert set(shipped["cim"]) < set(shipped["fields"])
    assert {"action", "user", "user_type", "tag", "_raw"} < set(shipped["cim"])
    assert "mechanism" not in shipped["cim"]
