"""Each fault that the official validator lets pass is found: planted one by one in a good view."""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.app import App
from tools.content.dashboards.lint import LintContext, faults, tokens_of
from tools.content.dashboards.pages import file_of, pages
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[4]
Definition = dict[str, Any]
Plant = Callable[[Definition], object]


@pytest.fixture
def good(root: Path) -> Definition:
    text = ET.fromstring(pages(root)[file_of("doors")]).findtext("definition")
    found: Definition = json.loads(text or "")
    return found


@pytest.fixture(scope="module")
def app() -> App:
    return installed_app(ROOT)


def _told(definition: Definition, good: Definition, app: App) -> list[str]:
    around = LintContext(
        app.knowledge.macros,
        frozenset(app.knowledge.saved_searches),
        {"cloudhsm_doors": tokens_of(good)},
    )
    return faults("doors", definition, around)


def test_the_view_itself_is_well(good: Definition, app: App) -> None:
    assert _told(good, good, app) == []


def _source(name: str, **options: object) -> Plant:
    return lambda one: one["dataSources"][name]["options"].update(options)


def _panel(name: str, **keys: object) -> Plant:
    return lambda one: one["visualizations"][name].update(keys)


def _url(name: str, old: str, new: str) -> Plant:
    def plant(one: Definition) -> None:
        options = one["visualizations"][name]["eventHandlers"][0]["options"]
        assert old in options["url"]
        options["url"] = options["url"].replace(old, new)

    return plant


def _at(place: int, **position: object) -> Plant:
    return lambda one: one["layout"]["structure"][place]["position"].update(position)


PLANTED: dict[str, tuple[Plant, str]] = {
    "an unknown key": (lambda one: one.update(tabs={}), "tabs is no key of a definition"),
    "a panel on nothing": (
        _panel("viz_failed", dataSources={"primary": "ds_no"}),
        "viz_failed wants ds_no, which is no data source",
    ),
    "a chain on nothing": (_source("ds_failed", extend="ds_no"), "ds_failed extends ds_no"),
    "a chain on itself": (_source("ds_failed", extend="ds_failed"), "extends itself in the end"),
    "an unused search": (
        lambda one: one["dataSources"].update(ds_x=one["dataSources"]["ds_logins"]),
        "ds_x is shown by no panel",
    ),
    "a base that is cut": (
        _source("ds_logins", query="`cloudhsm_audit` | table outcome, user"),
        "ds_logins is extended, so it must transform",
    ),
    "a misspelt option": (
        lambda one: one["visualizations"]["viz_who"]["options"].update(cuont=5),
        "viz_who has the option cuont",
    ),
    "a misspelt option of a search": (_source("ds_logins", qurey="x"), "the option qurey"),
    "an unknown type": (_panel("viz_note", type="splunk.map"), "is a splunk.map"),
    "a text for a number": (_at(0, x="0"), "x, y, w and h must be whole numbers"),
    "an overlap": (_at(1, x=200, w=1000), "viz_failed lies over viz_note"),
    "a hole in a row": (_at(1, w=800), "the row at 0 is 1100 wide, not 1200"),
    "a panel without a place": (
        lambda one: one["layout"]["structure"].pop(0),
        "viz_failed must be a panel and have one place",
    ),
    "an input without a place": (
        lambda one: one["layout"]["globalInputs"].pop(0),
        "input_time must be an input and be above",
    ),
    "a token that nobody sets": (
        _source("ds_logins", query="`cloudhsm_audit` | stats count by user | where user=$who|s$"),
        "ds_logins uses $who$, which no input sets",
    ),
    "a token without quotes": (
        _source("ds_logins", query="`cloudhsm_audit` | stats count by user | where user=$door$"),
        "write $door|s$",
    ),
    "a token in a title": (_panel("viz_failed", title="$who$"), "viz_failed shows $who$"),
    "an unknown macro": (_source("ds_logins", query="`cloudhsm_no` | stats count"), "cannot run"),
    "an unknown command": (_source("ds_failed", query="| statz count"), "ds_failed cannot run"),
    "a saved search that is not there": (
        _source("ds_logins", query='| savedsearch "No" | stats count'),
        "runs the saved search No, which is not there",
    ),
    "an empty table that says nothing": (
        _panel("viz_who", dataSources={"primary": "ds_logins"}),
        "viz_who shows nothing at all where it is empty",
    ),
    "a number that leads nowhere": (_panel("viz_failed", eventHandlers=[]), "opens nothing"),
    "a long title": (_panel("viz_failed", title="x" * 50), "a title has at most"),
    "a long description": (_panel("viz_failed", description="x" * 500), "a description has at"),
    "a click that sets nothing": (
        lambda one: one["visualizations"]["viz_by_outcome"]["eventHandlers"][0]["options"].update(
            tokens=[{"token": "no", "key": "row.user.value"}]
        ),
        "viz_by_outcome sets $no$, which no input has",
    ),
    "a click to no view": (_url("viz_who", "cloudhsm_doors", "cloudhsm_no"), "which is no view"),
    "a click with a token that is not there": (
        _url("viz_who", "form.hsm", "form.machine"),
        "hands machine to cloudhsm_doors, which has no such input",
    ),
    "a click with a token of nobody": (
        _url("viz_who", "$row.hsm_id.value|u$", "$who|u$"),
        "passes $who$, which no input sets",
    ),
    "a click with text as it is": (
        _url("viz_who", "$row.hsm_id.value|u$", "$row.user.value$"),
        "write $row.user.value|u$",
    ),
    "a click with text in a search": (
        _url("viz_failed", "$row.hsm_id.value$", "$row.user.value|s$"),
        "puts user of a row into a search",
    ),
    "a click on a search that cannot run": (
        _url("viz_failed", "cloudhsm_audit", "cloudhsm_no"),
        "opens a search that cannot run",
    ),
}


@pytest.mark.parametrize(("plant", "says"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_fault_is_told(good: Definition, app: App, plant: Plant, says: str) -> None:
    spoilt = copy.deepcopy(good)
    plant(spoilt)

    assert any(says in one for one in _told(spoilt, good, app)), _told(spoilt, good, app)
