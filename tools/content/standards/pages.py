"""Everything that the mappings into OCSF and ECS generate: rows for shipped code, and pages."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.content.fields import Dictionary
from tools.content.standards import ecs, ecs_page, ocsf, ocsf_page
from tools.content.standards.example import FIELDS

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bin"))

from cloudhsm.siem import ecs as ecs_events
from cloudhsm.siem import ocsf as ocsf_events


def pages(
    ocsf_mapping: ocsf.OcsfMapping, ecs_mapping: ecs.EcsMapping, dictionary: Dictionary
) -> dict[str, str]:
    """The text of each file by its path from the root of the source.

    The examples are made with the new rows.
    """
    ocsf_rows, ecs_rows = ocsf.rows(ocsf_mapping), ecs.rows(ecs_mapping, ocsf_mapping)
    ocsf_example = ocsf_events.event_by(ocsf_events.tables(json.loads(ocsf_rows)), FIELDS)
    ecs_example = ecs_events.event_by(ecs_events.tables(json.loads(ecs_rows)), FIELDS)
    return {
        ocsf.ROWS: ocsf_rows,
        ecs.ROWS: ecs_rows,
        "docs/ocsf.md": ocsf_page.page(ocsf_mapping, dictionary, ocsf_example),
        "docs/ecs.md": ecs_page.page(ecs_mapping, ocsf_mapping, dictionary, ecs_example),
    }
