"""A folder of dashboards that can be spoilt: the common of the repository, and one small view."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
VIEW = """\
label: Doors
question: Who comes in?
inputs: [time, cluster, hsm]
own_inputs:
  door:
    title: Door
    condition: ($door|s$="*" OR door=$door|s$)
  way: {title: Way, choices: [in, out]}
searches:
  logins:
    query: |
      `cloudhsm_audit` opcode=CN_LOGIN | {{chosen}}
      | stats count by user, outcome
      | table outcome, user, count
  failed:
    extends: logins
    query: |
      | where outcome="failure" | stats sum(count) as failed
rows:
  - height: 100
    panels:
      - id: failed
        show: number
        title: Failed logins
        search: failed
        alarm: bad
        width: 3
        opens:
          records: |
            `cloudhsm_audit` opcode=CN_LOGIN | {{chosen}} | where user="$row.hsm_id.value$"
      - id: note
        show: text
        text: |
          Logins of HSMs
        width: 9
  - height: 300
    panels:
      - id: who
        show: table
        title: Who
        about: Everybody
        search: logins
        colours: {outcome: outcome}
        widths: {user: 200}
        empty: Nobody came in. Say "so".
        width: 6
        opens: {view: doors, with: {hsm: row.hsm_id.value}}
      - id: by_outcome
        show: columns
        search: logins
        colours: outcome
        width: 6
        opens: {sets: {door: row.user.value}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with `dashboards/doors.yml`, which is well."""
    shutil.copytree(ROOT / "dashboards" / "common", tmp_path / "dashboards" / "common")
    navigation = tmp_path / "dashboards" / "common" / "navigation.yml"
    navigation.write_text("label: AWS CloudHSM\nviews: [doors]\n")
    (tmp_path / "dashboards" / "doors.yml").write_text(VIEW)
    return tmp_path
