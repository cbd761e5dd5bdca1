"""Reads `dashboards/*.yml`, one view each, and `dashboards/common/`, what all views share.

`View` and the models below it are the schema; docs/writing-dashboards.md explains the keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from tools.content import strict_yaml
from tools.content.strict_yaml import Fault, MappingError, Strict, Text, line_in

FOLDER = "dashboards"
MANUAL = "docs/writing-dashboards.md"
PREFIX = "cloudhsm_"
COLUMNS = 12  # a row's widths add up to this

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-F]{6}$")]
Kind = Literal["number", "table", "columns", "bars", "line", "area", "pie", "text"]
# What a drilldown may pass: a token, or a field of the clicked row.
TokenSource = Annotated[str, StringConstraints(pattern=r"^(?:row\.\w+\.value|[a-z][a-z0-9_.]*)$")]


class Search(Strict):
    """A search, or what follows another one after its results. Times: null for the view's."""

    query: str
    extends: Name | None = None
    earliest: str | None = None
    latest: str | None = None

    def _contradictions(self) -> Iterator[str]:
        if self.extends and not self.query.lstrip().startswith("|"):
            yield "query: continues another search, so it begins with |"
        if self.extends and (self.earliest or self.latest):
            yield "extends: the other search has the times"


class ClickTarget(Strict):
    """What a click does: show records, open another view, or set tokens of this one."""

    records: str | None = None
    view: Name | None = None
    handed: dict[Name, TokenSource] = Field(default={}, alias="with")
    sets: dict[Name, TokenSource] = {}

    def _contradictions(self) -> Iterator[str]:
        if sum(map(bool, (self.records, self.view, self.sets))) != 1:
            yield "records, view or sets: give one of them"
        if self.handed and not self.view:
            yield "with: what is passed needs a view to go to"


class Panel(Strict):
    """One visualization. `options` and `context` are Studio's own, over the common's style."""

    id: Name
    show: Kind
    title: Text | None = None
    about: Text | None = None
    search: Name | None = None
    text: str | None = None
    width: int = Field(ge=1, le=COLUMNS)
    options: dict[str, Any] = {}
    context: dict[str, Any] = {}
    colours: Name | dict[str, Name] = {}
    widths: dict[str, int] = {}
    alarm: Literal["bad", "look"] | None = None
    empty: Text | None = None
    opens: ClickTarget | None = None

    def _contradictions(self) -> Iterator[str]:
        if (self.show == "text") != (self.text is not None):
            yield "text: is what a panel of the kind text shows, and only that"
        if (self.show == "text") == (self.search is not None):
            yield "search: every panel but a text shows one"
        if (self.show == "table") != (self.empty is not None):
            yield "empty: states what to do about an empty table, and only a table's"
        if self.alarm and self.show != "number":
            yield "alarm: only a number turns red (bad) or amber (look) above 0"
        if self.widths and self.show != "table":
            yield "widths: pixels of columns, so only a table has them"
        if isinstance(self.colours, str) == (self.show == "table") and self.colours:
            yield "colours: columns and their palettes for tables, else one palette"


class PanelRow(Strict):
    """Panels side by side; height in pixels of a grid that is 1,200 wide."""

    height: int = Field(ge=40, le=1200)
    panels: list[Panel] = Field(min_length=1)

    def _contradictions(self) -> Iterator[str]:
        width = sum(panel.width for panel in self.panels)
        if width != COLUMNS:
            yield f"panels: their widths add up to {width}, not {COLUMNS}"


class ViewInput(Strict):
    """An input of one view; its token has its name, and `*` is all. Text, unless it has choices."""

    title: Text
    condition: str | None = None
    choices: list[str] = []


class View(Strict):
    """One view: what it asks, what can be chosen, its searches and its panels."""

    label: Text
    question: Text
    inputs: list[Name]
    own_inputs: dict[Name, ViewInput] = {}
    searches: dict[Name, Search]
    rows: list[PanelRow] = Field(min_length=1)

    @property
    def panels(self) -> list[Panel]:
        """All panels, row by row."""
        return [panel for row in self.rows for panel in row.panels]

    @property
    def chosen(self) -> list[str]:
        """The names of all inputs, as {{chosen}} takes them."""
        return [*self.inputs, *self.own_inputs]

    def columns(self, search: str) -> list[str]:
        """What a search's last command, which is table, puts side by side; none if it is not."""
        last = self.searches[search].query.rpartition("|")[2].split(maxsplit=1)
        if len(last) < 2 or last[0] != "table":
            return []
        return re.findall(r"\w+", last[1])

    def _contradictions(self) -> Iterator[str]:
        for name, search in self.searches.items():
            if search.extends is not None and search.extends not in self.searches:
                yield f"searches: {name} extends {search.extends}, which is not there"
        for panel in self.panels:
            if panel.search is not None and panel.search not in self.searches:
                yield f"rows: {panel.id} shows {panel.search}, which is no search"
            if panel.show == "table" and not self.columns(str(panel.search)):
                yield f"rows: {panel.id} is a table, so {panel.search} ends with table"
        ids = [panel.id for panel in self.panels]
        if doubled := sorted({panel_id for panel_id in ids if ids.count(panel_id) > 1}):
            yield f"rows: two panels are called {doubled[0]}"


class Input(Strict):
    """An input that views share. Without choices it is the time range."""

    title: Text
    token: Name
    default: str
    condition: str | None = None
    choices: str | None = None


class Inputs(Strict):
    """`dashboards/common/inputs.yml`; base: what all choices follow, all: what follows them."""

    time: Input
    cluster: Input
    hsm: Input
    user: Input
    category: Input
    all: str
    base: str

    @property
    def by_name(self) -> dict[str, Input]:
        """All inputs."""
        return {name: item for name, item in self if isinstance(item, Input)}


class Palettes(Strict):
    """`dashboards/common/palettes.yml`: a colour for each value."""

    outcome: dict[str, Colour]
    trouble: dict[str, Colour]
    risk: dict[str, Colour]
    verdict: dict[str, Colour]
    agreement: dict[str, Colour]
    trust: dict[str, Colour]
    health: dict[str, Colour]
    category: dict[str, Colour]

    @property
    def by_name(self) -> dict[str, dict[str, str]]:
        """All palettes."""
        return dict(self)


class Navigation(Strict):
    """`dashboards/common/navigation.yml`."""

    label: Text
    views: list[Name] = Field(min_length=1)


@dataclass(frozen=True)
class Common:
    """What the views share."""

    inputs: Inputs
    palettes: Palettes
    navigation: Navigation


def read_common(root: Path) -> Common:
    """Raises MappingError for its faults, OSError for a file that cannot be read."""
    folder = root / FOLDER / "common"
    return Common(
        strict_yaml.read(folder / "inputs.yml", Inputs, "set of inputs", MANUAL),
        strict_yaml.read(folder / "palettes.yml", Palettes, "set of palettes", MANUAL),
        strict_yaml.read(folder / "navigation.yml", Navigation, "navigation", MANUAL),
    )


def path_of(root: Path, name: str) -> Path:
    """Where a view is written."""
    return root / FOLDER / f"{name}.yml"


def read_views(root: Path, common: Common) -> dict[str, View]:
    """All views in the order of the navigation.

    Raises MappingError for the faults of the first file that has some, and where files and
    navigation differ; OSError for a file that cannot be read.
    """
    there = {path.stem for path in (root / FOLDER).glob("*.yml")}
    listed = common.navigation.views
    if odd := sorted(there ^ set(listed)):
        path = root / FOLDER / "common" / "navigation.yml"
        what = f"views: {odd[0]} must be listed here and have its {FOLDER}/{odd[0]}.yml"
        raise MappingError([Fault(path, line_in(path, "views"), what)])
    return {name: read_view(root, name, common) for name in listed}


def read_view(root: Path, name: str, common: Common) -> View:
    """One view. Raises MappingError for its faults, OSError if it cannot be read."""
    path = path_of(root, name)
    view = strict_yaml.read(path, View, "view", MANUAL)
    for position, listed in enumerate(view.inputs):
        if listed not in common.inputs.by_name:
            line = line_in(path, "inputs", position)
            raise MappingError([Fault(path, line, f"inputs: {listed} is not in common/inputs.yml")])
    for panel in view.panels:
        for palette in _palettes(panel):
            if palette not in common.palettes.by_name:
                what = f"colours: {panel.id} wants {palette}, which is not in common/palettes.yml"
                raise MappingError([Fault(path, line_of_panel(path, view, panel.id), what)])
    return view


def line_of_panel(path: Path, view: View, panel_id: str) -> int:
    """Where a panel is in its file."""
    for at, row in enumerate(view.rows):
        for position, panel in enumerate(row.panels):
            if panel.id == panel_id:
                return line_in(path, "rows", at, "panels", position, "id")
    return 1


def _palettes(panel: Panel) -> list[str]:
    return [panel.colours] if isinstance(panel.colours, str) else list(panel.colours.values())
