"""The files that ship: a view's XML and the navigation of the app."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tools.content.dashboards.dashboard_studio import definition
from tools.content.dashboards.manual_page import PAGE, manual
from tools.content.dashboards.schema import (
    PREFIX,
    Common,
    Navigation,
    View,
    path_of,
    read_common,
    read_view,
    read_views,
)
from tools.content.dashboards.spl import Unfilled
from tools.content.strict_yaml import Fault, MappingError

VIEWS = "default/data/ui/views"
# The setup page, which is written by hand: a panel that a script fills.
SETUP = "cloudhsm_setup"
NAVIGATION = "default/data/ui/nav/default.xml"


def pages(root: Path, names: Sequence[str] = ()) -> dict[str, str]:
    """Every file's text by its path below `root`; with `names` only those of these views.

    Raises MappingError for what is wrong in dashboards/, OSError for what cannot be read.
    """
    common = read_common(root)
    if names:
        chosen = {name: read_view(root, name, common) for name in names}
        return {file_of(name): _page(root, name, view, common) for name, view in chosen.items()}
    views = read_views(root, common)
    texts = {file_of(name): _page(root, name, view, common) for name, view in views.items()}
    navigation = navigation_xml(common.navigation)
    return {**texts, NAVIGATION: navigation, PAGE: manual(views, common)}


def file_of(name: str) -> str:
    """Where the XML of a view is, below the root."""
    return f"{VIEWS}/{PREFIX}{name}.xml"


def _page(root: Path, name: str, view: View, common: Common) -> str:
    try:
        return view_xml(name, view, common)
    except Unfilled as error:
        raise MappingError([Fault(path_of(root, name), 1, str(error))]) from error


def view_xml(name: str, view: View, common: Common) -> str:
    """Version 2 of a dashboard: the definition is JSON in a CDATA section."""
    text = json.dumps(definition(view, common), indent=2, ensure_ascii=False)
    safe = text.replace("]]>", "]]\\u003e")  # within JSON the same; in CDATA it would be the end
    return (
        '<dashboard version="2">\n'
        f"  <!-- generated from dashboards/{name}.yml by make generate -->\n"
        f"  <label>{escape(view.label)}</label>\n"
        f"  <description>{escape(view.question)}</description>\n"
        f"  <definition><![CDATA[\n{safe}\n]]></definition>\n"
        "</dashboard>\n"
    )


def navigation_xml(navigation: Navigation) -> str:
    """The setup page, views in order, then what every app's navigation ends with."""
    first, *others = navigation.views
    lines = [
        f'  <view name="{SETUP}" />',
        f'  <view name="{PREFIX}{first}" default="true" />',
        *(f'  <view name="{PREFIX}{name}" />' for name in others),
        '  <view name="search" />',
        '  <view name="reports" />',
        '  <view name="alerts" />',
        '  <view name="dashboards" />',
    ]
    head = "<!-- generated from dashboards/common/navigation.yml by make generate -->"
    return "\n".join([head, '<nav search_view="search">', *lines, "</nav>", ""])
