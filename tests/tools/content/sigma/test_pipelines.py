"""Every field that a rule looks at has a place in every schema, and none is there for nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.tools.content.sigma.shipped import DETECTIONS
from tools.build.environments import ROOT
from tools.content.sigma.pipelines import FILE, FieldMappings, pipelines, read_mappings
from tools.content.strict_yaml import MappingError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mappings").mkdir()
    shutil.copy(ROOT / FILE, tmp_path / FILE)
    return tmp_path


def test_a_field_without_a_place_is_named_with_the_detection(root: Path) -> None:
    path = root / FILE
    kept = [line for line in path.read_text("utf-8").splitlines() if "  hsm_id:" not in line]
    path.write_text("\n".join(kept), "utf-8")
    with pytest.raises(MappingError, match=r"sigma\.yaml:\d+: fields: hsm_id, which detections/"):
        read_mappings(root, DETECTIONS)


def test_no_field_has_a_place_that_nobody_asks_for(places: FieldMappings) -> None:
    ours = [one.sigma for one in DETECTIONS if one.sigma.service == "cloudhsm"]
    assert set(places.fields) == {name for one in ours for name in one.fields}


def test_a_pipeline_is_for_our_records_only(places: FieldMappings) -> None:
    for made in pipelines(places).values():
        for step in yaml.safe_load(made)["transformations"]:
            assert step["rule_conditions"] == [
                {"type": "logsource", "product": "aws", "service": "cloudhsm"}
            ]


def test_a_field_that_is_not_of_our_records_keeps_its_name(places: FieldMappings) -> None:
    assert places.name_in("ecs", "eventName") == "eventName"
    assert places.name_in("ecs", "opcode_family") == "cloudhsm.opcode_family"
    assert places.name_in("fields", "opcode_family") == "opcode_family"
