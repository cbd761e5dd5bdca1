"""The shipped views: nothing in them refers to nothing, and every search runs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from emulator.dashboards.dashboard_studio import NAVIGATION, View, navigation, read_view
from tools.content.dashboards.lint import LintContext, faults, tokens_of
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[2]
NAMES = navigation(ROOT)


@pytest.fixture(scope="module")
def views() -> dict[str, View]:
    return {name: read_view(ROOT, name) for name in NAMES}


@pytest.fixture(scope="module")
def around(views: dict[str, View]) -> LintContext:
    tokens = {name: tokens_of(view.definition) for name, view in views.items()}
    known = installed_app(ROOT).knowledge
    return LintContext(known.macros, frozenset(known.saved_searches), tokens)


def test_there_are_seven_views_and_the_navigation_has_all() -> None:
    assert len(NAMES) == 7
    files = {path.stem for path in (ROOT / "default/data/ui/views").iterdir()}
    assert files == {*NAMES, "cloudhsm_setup"}


def test_the_setup_page_is_first_in_the_navigation_and_the_overview_opens() -> None:
    views = [*ET.parse(ROOT / NAVIGATION).getroot().iter("view")]
    assert views[0].get("name") == "cloudhsm_setup"
    (default,) = [view.get("name") for view in views if view.get("default")]
    assert default == "cloudhsm_overview"


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_view_has_no_fault(
    name: str, views: dict[str, View], around: LintContext
) -> None:
    assert faults(name, views[name].definition, around) == []


@pytest.mark.parametrize("name", NAMES)
def test_other_views_link_with_tokens_that_a_view_keeps(name: str, views: dict[str, View]) -> None:
    """Bookmarks and alerts depend on them."""
    kept = {"global_time.earliest", "global_time.latest", "cluster"}
    if name == "cloudhsm_investigate":
        kept |= {"hsm", "user", "category", "key", "session", "outcome", "text"}

    assert kept <= tokens_of(views[name].definition)
