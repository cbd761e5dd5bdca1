"""An operation is added with one entry of mappings/operations.yaml; all that follows is generated.

In a copy of the source, by the commands that a person runs.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    *("bin", "dashboards", "default", "detections", "docs", "emulator", "lookups", "mappings"),
    *("samples", "tests", "tools"),
)
ENTRY = """\
- name: CN_REVOKE_OBJECT
  code: "0x7e"
  category: Key Management
  description: Revoke an object.
  risk: high
  risk_reason: A key stops working.
  provenance: [log]
  cim:
    model: Change
    action: modified
    change_type: key
    object_category: key
    object: key_handle
    signature: Key revoked
    reason: Changes a key.
  ocsf:
    class: entity_management
    activity: Update
    people: actor
    entity: key
    reason: Changes a key.
  ecs:
    category: [configuration]
    type: [change]
    people: actor
    reason: Changes a key.

"""
BEFORE = "- name: CN_SET_M_VALUE\n"
NAME = "CN_REVOKE_OBJECT"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "app.manifest", tmp_path)
    return tmp_path


def add(source: Path, entry: str) -> Path:
    path = source / "mappings" / "operations.yaml"
    text = path.read_text(encoding="utf-8")
    assert BEFORE in text
    path.write_text(text.replace(BEFORE, f"{entry}{BEFORE}"), encoding="utf-8")
    return path


def run(source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(source / "bin"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def rows(source: Path, name: str) -> list[dict[str, str]]:
    with (source / "lookups" / name).open(encoding="utf-8", newline="") as lookup:
        return [row for row in csv.DictReader(lookup) if row["opcode_key"] == NAME]


def test_one_entry_is_enough_for_tables_rules_pages_and_goldens(source: Path) -> None:
    add(source, ENTRY)
    generated = run(source, "tools.generate")
    assert (generated.returncode, generated.stderr) == (0, "")
    (row,) = rows(source, "cloudhsm_opcodes.csv")
    assert (row["opcode_code"], row["category"], row["risk"]) == ("0x7e", "Key Management", "high")
    assert [row["status"] for row in rows(source, "cloudhsm_cim.csv")] == ["failure", "success", ""]
    assert NAME in (source / "default" / "props.conf").read_text(encoding="utf-8")
    for page in ("cim", "ocsf", "ecs"):
        assert f"| `{NAME}` |" in (source / "docs" / f"{page}.md").read_text(encoding="utf-8")
    for standard in ("ocsf", "ecs"):
        path = source / "bin" / "cloudhsm" / "siem" / f"{standard}_rows.json"
        assert NAME in json.loads(path.read_text(encoding="utf-8"))["operations"]

    assert run(source, "tools.content.goldens").returncode == 0
    golden = source / "tests" / "default" / "golden" / "inferred" / "opcodes_newer.expected.jsonl"
    records = [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]
    records = [fields for fields in records if fields.get("opcode") == NAME]
    assert {(fields["category"], fields["outcome"]) for fields in records} == {
        ("Key Management", "success"),
        ("Key Management", "failure"),
    }
    again = run(source, "tools.generate", "--check")
    assert (again.returncode, again.stderr) == (0, "")


def test_one_run_reports_everything_that_is_missing_and_what_to_write(source: Path) -> None:
    path = add(source, f"- name: {NAME}\n  risk: hihg\n  categroy: Key Management\n\n")
    first = path.read_text(encoding="utf-8").split(f"- name: {NAME}")[0].count("\n") + 1
    types = source / "mappings" / "user_types.yaml"
    types.write_text(types.read_text(encoding="utf-8").replace('"5"', "5"), encoding="utf-8")
    (source / "mappings" / "ecs.yaml").write_text("custom: []\nodd: 1\n", encoding="utf-8")
    generated = run(source, "tools.generate")
    assert generated.returncode == 2
    lines = generated.stderr.splitlines()
    needed = ["code", "category", "description", "risk_reason", "provenance", "cim", "ocsf", "ecs"]
    for key in needed:
        start = f"{path}:{first}: {NAME}: {key}: is missing; write "
        assert any(line.startswith(start) for line in lines), key
    assert any(
        f":{first + 1}: {NAME}: risk: must be one of informational, low," in line for line in lines
    )
    assert any(f":{first + 2}: {NAME}: categroy: is no key of a" in line for line in lines)
    assert any("user_types.yaml:" in line and "put it in quotes" in line for line in lines)
    assert any("ecs.yaml:2: odd: is no key of a" in line for line in lines)
    assert len(lines) == len(needed) + 4
