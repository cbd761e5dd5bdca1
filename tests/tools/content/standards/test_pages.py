"""The pages and rows follow from the mappings, and the example is what shipped code makes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from cloudhsm.siem import ecs as ecs_events
from cloudhsm.siem import ocsf as ocsf_events
from tests.tools.content.standards.records import golden_records
from tools.content.sources import read_mappings
from tools.content.standards.example import FIELDS
from tools.content.standards.pages import pages

ROOT = Path(__file__).resolve().parents[4]


def made(folder: Path) -> dict[str, str]:
    mapping = read_mappings(folder)
    return pages(mapping.ocsf, mapping.ecs, mapping.dictionary)


MADE = made(ROOT / "mappings")


def test_the_files_of_the_repository_are_these() -> None:
    for name, text in MADE.items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name}: run `make generate`"


def test_every_operation_has_a_line_on_both_pages() -> None:
    opcodes = [f"`{name}`" for name in json.loads(_rows())["operations"]]
    for page in ("docs/ocsf.md", "docs/ecs.md"):
        lines = re.findall(r"^\| (`[^`]+`) \|(?:[^|\n]*\|){5,}$", MADE[page], re.MULTILINE)
        assert lines == opcodes


def _rows() -> str:
    return MADE["bin/cloudhsm/siem/ocsf_rows.json"]


def test_the_example_is_a_record_as_a_search_sees_it() -> None:
    alike = [
        fields
        for fields in golden_records()
        if fields.get("opcode") == "CN_LOGIN" and fields.get("response_code") == "163"
    ]
    same_in_each = {"opcode", "outcome", "category", "description", "risk", "response_class"}
    assert alike
    for fields in alike:
        assert {name: fields[name] for name in same_in_each} == {
            name: FIELDS[name] for name in same_in_each
        }


@pytest.mark.parametrize(
    ("page", "event"), [("docs/ocsf.md", ocsf_events.event), ("docs/ecs.md", ecs_events.event)]
)
def test_the_example_shown_is_what_the_code_makes(page: str, event: object) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", MADE[page], re.DOTALL)
    assert callable(event)
    assert json.loads(shown) == event(FIELDS)


def test_a_change_of_a_mapping_shows_at_once_in_rows_table_and_example(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "mappings", tmp_path / "mappings"))
    path = folder / "operations.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("severity_step: {failure: 1}", "severity_step: {failure: 3}"))
    changed = made(folder)
    assert '"severity": "Critical"' in changed["docs/ocsf.md"]
    assert '"severity": 5,' in changed["docs/ecs.md"]
    assert "Low, Critical, Low" in changed["docs/ocsf.md"]
