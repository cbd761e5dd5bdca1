"""Every published record, from a file's text to the fields of a search. See golden/README.md."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Union

import pytest

from preview.app import App

Fields = dict[str, Union[str, list[str]]]

GOLDEN = Path(__file__).resolve().parent / "golden"
CLUSTER = "cluster-likphkxygsn"
HSM = "hsm-nwbbiqbj4jk"
# The same for every record, so the expected files do without them.
FIXED = {"_raw", "_time", "host", "source", "sourcetype", "index"}
RECORDS = {
    "activate_cluster": 1,
    "certificate_storage": 2,
    "create_and_delete_key_pair": 5,
    "create_and_delete_users": 3,
    "export_key": 3,
    "generate_and_synchronize_key": 5,
    "import_key": 3,
    "initialize_first_hsm": 4,
    "login_and_logout": 3,
}


def evaluated(app: App, name: str) -> list[Fields]:
    certificate = name == "certificate_storage"
    stream = CLUSTER if certificate else HSM
    events = app.index_text(
        (GOLDEN / f"{name}.log").read_text(encoding="utf-8"),
        sourcetype="aws:cloudhsm:certificate" if certificate else "aws:cloudhsm:audit",
        source=f"111122223333:us-east-1:/aws/cloudhsm/{CLUSTER}:{stream}",
        host=stream,
        clock=lambda: 1_795_374_000_000_000,  # a fixed day, 2026-11-22
    )
    return [
        {
            "time_usecs": str(event.time_usecs),
            **{key: value for key, value in app.search_time(event).items() if key not in FIXED},
        }
        for event in events
    ]


def test_every_golden_file_is_listed_here() -> None:
    assert {path.stem for path in GOLDEN.glob("*.log")} == set(RECORDS)
    assert sum(RECORDS.values()) == 29


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_published_record_gives_the_expected_fields(app: App, name: str) -> None:
    path = GOLDEN / f"{name}.expected.json"
    found = evaluated(app, name)
    assert len(found) == RECORDS[name]
    if os.environ.get("GOLDEN") == "write":
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_published_record_is_known_in_every_table_and_complete(app: App, name: str) -> None:
    for fields in evaluated(app, name):
        assert fields["record_status"] == "complete"
        assert "unparsed" not in fields
        assert "aws_cloudhsm_unknown" not in fields["eventtype"]
        assert fields["outcome"] in {"success", "failure"}
