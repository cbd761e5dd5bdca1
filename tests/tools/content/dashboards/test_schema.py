"""Views are read strictly: each fault with its file, its line and what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.content.dashboards.pages import pages
from tools.content.dashboards.schema import read_common, read_views
from tools.content.strict_yaml import MappingError


def test_a_view_is_read_with_its_panels_in_order(root: Path) -> None:
    common = read_common(root)

    view = read_views(root, common)["doors"]

    assert [panel.id for panel in view.panels] == ["failed", "note", "who", "by_outcome"]
    assert view.searches["failed"].extends == "logins"


FAULTS = {
    "a misspelt key": ("label: Doors", "lable: Doors", r"lable: is no key of a view"),
    "an input that nobody has": ("cluster, hsm]", "cluster, hms]", r":3: inputs: hms is not in"),
    "a search that is not there": ("search: failed", "search: faild", r"failed shows faild"),
    "a chain to nowhere": ("extends: logins", "extends: login", r"failed extends login"),
    "a chain without a pipe": ('| where outcome="failure" |', "", r"begins with \|"),
    "a chain with times of its own": (
        "extends: logins",
        "extends: logins\n    earliest: -1d",
        r"the other search has the times",
    ),
    "a table without an order of its columns": (
        "| table outcome, user, count\n",
        "\n",
        r"who is a table, so logins ends with table",
    ),
    "widths that do not fill a row": ("width: 9", "width: 8", r"add up to 11, not 12"),
    "an unknown kind": ("show: columns", "show: gauge", r"show: Input should be 'number'"),
    "a table without advice": ('empty: Nobody came in. Say "so".', "", r"empty: states what to do"),
    "advice for what is no table": (
        "alarm: bad",
        "alarm: bad\n        empty: x",
        r"empty: states what to do",
    ),
    "an alarm of a table": (
        "about: Everybody",
        "about: Everybody\n        alarm: bad",
        r"only a number turns red",
    ),
    "widths of what has no columns": (
        "alarm: bad",
        "alarm: bad\n        widths: {a: 1}",
        r"only a table has them",
    ),
    "a text without text": ("text: |\n          Logins of HSMs", "", r"text: is what a panel"),
    "a palette that nobody has": ("{outcome: outcome}", "{outcome: rainbow}", r"who wants rainbow"),
    "one palette for a table": ("{outcome: outcome}", "outcome", r"colours: columns and their"),
    "two panels of one name": ("id: by_outcome", "id: who", r"two panels are called who"),
    "a drilldown to two places": (
        "view: doors,",
        "view: doors, sets: {door: hsm},",
        r"one of them",
    ),
    "tokens without a view": ("view: doors, with:", "sets: {door: hsm}, with:", r"needs a view"),
    "a hand over of text": ("row.hsm_id.value}}", "$row$}}", r"String should match"),
    "a key twice": ("label: Doors", "label: Doors\nlabel: D", r":2: label is given twice"),
    "a list": ("label: Doors", "- label: Doors\n", r"is not YAML"),
    "a placeholder that nobody knows": ("{{chosen}} | where", "{{chose}} | where", r"placeholder"),
    "what was chosen of another view": ("{{chosen}}\n", "{{chosen: user}}\n", r"no input user"),
}


@pytest.mark.parametrize(("old", "new", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_of_a_view_is_told(root: Path, old: str, new: str, message: str) -> None:
    path = root / "dashboards" / "doors.yml"
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new))

    with pytest.raises(MappingError, match=message) as error:
        pages(root)

    assert str(error.value).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("navigation.yml", "[doors]", "[doors, windows]", r"windows must be listed here and have"),
        ("navigation.yml", "[doors]", "[]", r"at least 1"),
        ("palettes.yml", '"#2E8540"', "green", r"String should match"),
        ("inputs.yml", "title: HSM", "titel: HSM", r"titel: is no key"),
    ],
)
def test_a_fault_of_the_house_is_told(
    root: Path, file: str, old: str, new: str, message: str
) -> None:
    path = root / "dashboards" / "common" / file
    path.write_text(path.read_text().replace(old, new, 1))

    with pytest.raises(MappingError, match=message) as error:
        pages(root)

    assert str(error.value).startswith(f"{path}:")


def test_a_view_that_the_navigation_does_not_know_is_told(root: Path) -> None:
    (root / "dashboards" / "lost.yml").write_text("label: Lost\n")

    with pytest.raises(MappingError, match="lost must be listed here"):
        pages(root)
