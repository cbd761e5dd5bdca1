"""The facts of AWS and the assumptions are complete; faults have a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.yaml_faults import faults, line_of
from tools.bench.capacity import schema
from tools.bench.capacity.schema import UnknownName

ROOT = Path(__file__).resolve().parents[4]
TEXT = (ROOT / schema.FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "at", "fault"),
    [
        ("value: 0.15", "value: -0.15", "value: 0.15", "greater than or equal to 0"),
        ("value: 0.15", "value: half", "value: 0.15", "valid number"),
        ("value: 0.15", "value: .nan", "value: 0.15", "finite"),
        ("value: 0.15", "price: 0.15", "- name: stored_share", "value: is missing"),
        ("value: 186", "value: 0", "value: 186", "greater than 0"),
        ("checked: 2026-11-23", "checked: 2999-01-01", "checked: 2026-11-23", "is yet to come"),
        ("checked: 2026-11-23", "checked: lately", "checked: 2026-11-23", "valid date"),
        (
            "name: page_bytes",
            "name: page",
            "sizes:\n",
            "page_bytes is missing, and the",
        ),
        ("name: page_bytes", "name: page_records", "- name: page_records", "is there twice"),
        ("name: page_bytes", "name: siren", "- name: page_bytes", "nothing computes with siren"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, old: str, new: str, at: str, fault: str) -> None:
    assert old in TEXT
    text = faults(tmp_path, schema.FILE, TEXT.replace(old, new, 1), schema.read)
    lines = [line for line in text.splitlines() if fault in line]
    assert f"{schema.FILE}:{line_of(TEXT, at)}:" in lines[0]


def test_an_assumption_can_be_replaced_and_an_unknown_name_is_refused() -> None:
    facts = schema.read(ROOT)
    assert facts.changed({"stored_share": 0.2}).assumption("stored_share") == 0.2
    with pytest.raises(UnknownName, match="no assumption is called 'share'; there are"):
        facts.changed({"share": 1})
