"""A view in YAML as a definition of Dashboard Studio."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tools.content.dashboards.__main__ import main
from tools.content.dashboards.pages import NAVIGATION, file_of, pages


@pytest.fixture
def definition(root: Path) -> dict[str, Any]:
    text = ET.fromstring(pages(root)[file_of("doors")]).findtext("definition")
    found: dict[str, Any] = json.loads(text or "")
    return found


def test_panels_fill_a_grid_of_1200_without_overlap(definition: dict[str, Any]) -> None:
    assert [
        (one["item"], *one["position"].values()) for one in definition["layout"]["structure"]
    ] == [
        ("viz_failed", 0, 0, 300, 100),
        ("viz_note", 300, 0, 900, 100),
        ("viz_who", 0, 100, 600, 300),
        ("viz_by_outcome", 600, 100, 600, 300),
    ]


def test_all_inputs_stand_above_the_panels(definition: dict[str, Any]) -> None:
    names = ["input_time", "input_cluster", "input_hsm", "input_door", "input_way"]

    assert definition["layout"]["globalInputs"] == names
    assert list(definition["inputs"]) == names
    door, way = definition["inputs"]["input_door"], definition["inputs"]["input_way"]
    assert (door["type"], door["options"]["token"]) == ("input.text", "door")
    assert [one["value"] for one in way["options"]["items"]] == ["*", "in", "out"]
    assert "door=$door|s$" in definition["dataSources"]["ds_logins"]["options"]["query"]


def test_a_chain_extends_its_base_and_a_table_has_a_row_of_advice(
    definition: dict[str, Any],
) -> None:
    sources = definition["dataSources"]

    assert sources["ds_failed"]["type"] == "ds.chain"
    assert sources["ds_failed"]["options"]["extend"] == "ds_logins"
    shown = sources["ds_who_shown"]["options"]
    assert shown["extend"] == "ds_logins"
    assert 'eval user="Nobody came in' in shown["query"]
    assert definition["visualizations"]["viz_who"]["dataSources"]["primary"] == "ds_who_shown"


def test_choices_share_one_search(definition: dict[str, Any]) -> None:
    sources = definition["dataSources"]
    bases = {name for name, one in sources.items() if one["type"] == "ds.search"}

    assert bases == {"ds_logins", "ds_choices"}
    assert sources["ds_choices_hsm"]["options"]["extend"] == "ds_choices"


def test_drilldowns_say_where_they_go(definition: dict[str, Any]) -> None:
    panels = definition["visualizations"]
    records, view, sets = (
        panels[name]["eventHandlers"][0] for name in ("viz_failed", "viz_who", "viz_by_outcome")
    )

    assert records["type"] == view["type"] == "drilldown.customUrl"
    assert records["options"]["newTab"] is True
    assert records["options"]["url"].startswith("/app/TA-aws-cloudhsm/search?q=search%20%60cloud")
    assert records["options"]["url"].endswith(
        "&earliest=$global_time.earliest|u$&latest=$global_time.latest|u$"
    )
    assert view["options"]["url"] == (
        "/app/TA-aws-cloudhsm/cloudhsm_doors?form.global_time.earliest=$global_time.earliest|u$"
        "&form.global_time.latest=$global_time.latest|u$&form.hsm=$row.hsm_id.value|u$"
    )
    assert sets["options"]["tokens"] == [{"token": "door", "key": "row.user.value"}]


def test_colours_are_those_of_the_palette(definition: dict[str, Any]) -> None:
    chart = definition["visualizations"]["viz_by_outcome"]["options"]
    table = definition["visualizations"]["viz_who"]

    assert chart["seriesColorsByField"]["failure"] == "#C8322B"
    assert {"match": "failure", "value": "#C8322B"} in table["context"]["outcome_colours"]
    assert {"match": "failure", "value": "#FFFFFF"} in table["context"]["outcome_texts"]
    assert table["options"]["columnFormat"]["user"] == {"width": 200}
    assert "outcome_colours" in table["options"]["columnFormat"]["outcome"]["rowBackgroundColors"]


def test_a_number_that_should_be_0_turns_red(definition: dict[str, Any]) -> None:
    levels = definition["visualizations"]["viz_failed"]["context"]["levels"]

    assert levels == [{"from": 1, "value": "#C8322B"}]  # 0 is no colour: it may be 0 of nothing


def test_the_end_of_a_cdata_section_in_a_text_is_no_end(root: Path) -> None:
    path = root / "dashboards" / "doors.yml"
    path.write_text(path.read_text().replace("Logins of HSMs", "a ]]> b"))

    text = ET.fromstring(pages(root)[file_of("doors")]).findtext("definition")

    assert json.loads(text or "")["visualizations"]["viz_note"]["options"]["markdown"] == "a ]]> b"


def test_the_navigation_opens_with_the_first_view(root: Path) -> None:
    names = [
        (one.get("name"), one.get("default")) for one in ET.fromstring(pages(root)[NAVIGATION])
    ]

    assert names[:2] == [("cloudhsm_setup", None), ("cloudhsm_doors", "true")]
    assert ("search", None) in names


def test_the_command_writes_what_it_is_asked_for(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doors", "--root", str(root)]) == 0

    assert (root / file_of("doors")).is_file()
    assert not (root / NAVIGATION).exists()
    assert main(["windows", "--root", str(root)]) == 1
    assert "windows.yml" in capsys.readouterr().err
