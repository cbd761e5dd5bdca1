"""A fault in tools/content/deployment/deployment.yaml is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.yaml_faults import faults, line_of
from tools.content.deployment import schema

ROOT = Path(__file__).resolve().parents[4]
TEXT = (ROOT / schema.FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "at", "fault"),
    [
        (
            "{search_head: works, indexer: idle, heavy_forwarder: works,",
            "{search_head: works, heavy_forwarder: works,",
            "    works: {search_head: works, indexer: idle, heavy_forwarder: works",
            "input: give each role once; check indexer",
        ),
        ("indexer: idle,", "indexer: sometimes,", "works: {", "'works', 'bundle' or 'idle'"),
        ("name: states", "name: input", "kinds:", "input is given 2 times"),
        (
            "    files:\n      - default/collections.conf\n",
            "",
            "  - name: states",
            "states: names neither files nor settings",
        ),
        (
            "roles: [search_head]\n    slim: leaves_out\n    files: [default/inputs.conf",
            "roles: [cloud]\n    slim: leaves_out\n    files: [default/inputs.conf",
            "  - roles: [search_head]",
            "cloud: is no role that slim makes a part for",
        ),
        ("slim: leaves_out", "slim: forgets", "slim: leaves_out", "'keeps' or 'leaves_out'"),
        (
            "{opens: splunk, to: aws,",
            "{opens: splunk, to: azure,",
            "  - name: single",
            "single: an arrow from splunk to azure, and no such host",
        ),
        (
            "hosts: [search, indexers]}",
            "hosts: [search, peers]}",
            "  - name: cloud_victoria",
            "cloud_victoria: the frame Splunk Cloud Platform names peers, and no such host",
        ),
        ("{name: aws,", "{name: splunk,", "  - name: single", "single: two hosts have one name"),
        (
            "    does: runs the input",
            "    odes: runs the input",
            "    does: runs",
            "odes: is no key",
        ),
    ],
)
def test_faults_are_told_where_they_are(
    tmp_path: Path, old: str, new: str, at: str, fault: str
) -> None:
    assert old in TEXT
    text = faults(tmp_path, schema.FILE, TEXT.replace(old, new, 1), schema.read)
    assert f"{schema.FILE}:{line_of(TEXT, at)}: " in text
    assert fault in text


def test_the_settings_of_a_file_are_placed_one_by_one() -> None:
    assert schema.read(ROOT).split_files() == {
        "default/app.conf",
        "default/props.conf",
        "default/transforms.conf",
    }
