"""Every picture is well-formed, complete, and nothing in it runs into anything else."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.content.deployment import schema, topology_pictures
from tools.content.deployment.schema import Arrow, Box, Frame, Topology

ROOT = Path(__file__).resolve().parents[4]
TOPOLOGIES = schema.read(ROOT).topologies
NAMES = [topology.name for topology in TOPOLOGIES]
SVG = "{http://www.w3.org/2000/svg}"
BOXES = {"aws", "splunk", "way"}

SIZES = {
    name: float(size)
    for names, size in re.findall(
        r"(?m)^([^{@]+) \{[^}]*font-size: ([\d.]+)px", topology_pictures.STYLE
    )
    for name in re.findall(r"\.([\w-]+)", names)
}
WIDEST = 0.63  # of a font's size: a letter of DejaVu Sans on average, the widest of usual fonts


@dataclass(frozen=True)
class Area:
    what: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Area) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


def text_area(one: ET.Element) -> Area:
    size = SIZES[one.attrib["class"]]
    text = one.text or ""
    width = len(text) * size * WIDEST
    x, y = float(one.attrib["x"]), float(one.attrib["y"])
    shift = {"start": 0.0, "middle": width / 2, "end": width}[one.get("text-anchor", "start")]
    return Area(text, x - shift, y - size * 0.8, x - shift + width, y + size * 0.25)


def rect_area(one: ET.Element) -> Area:
    x, y, width, height = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
    return Area(one.attrib["class"], x, y, x + width, y + height)


def drawn(topology: Topology) -> ET.Element:
    return ET.fromstring(topology_pictures.svg(topology))


def texts(root: ET.Element) -> list[Area]:
    return [text_area(one) for one in root.iter(f"{SVG}text")]


def rects(root: ET.Element, *looks: str) -> list[Area]:
    return [rect_area(one) for one in root.iter(f"{SVG}rect") if one.attrib["class"] in looks]


def box(name: str, column: int, row: int = 0, **more: object) -> Box:
    return Box.model_validate(
        {"name": name, "title": name, "look": "splunk", "column": column, "row": row, **more}
    )


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=NAMES)
def test_no_text_runs_into_another_or_out_of_the_card(topology: Topology) -> None:
    root = drawn(topology)
    (card,) = rects(root, "card")
    found = texts(root)
    for one, other in itertools.combinations(found, 2):
        assert not one.meets(other), f"{one.what} / {other.what}"
    for one in found:
        assert one.within(card), one.what


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=NAMES)
def test_text_lies_in_its_box_or_outside_of_all(topology: Topology) -> None:
    root = drawn(topology)
    around = rects(root, *BOXES)
    for one in texts(root):
        inside = [area for area in around if one.meets(area)]
        assert not inside or any(one.within(area) for area in inside), one.what


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=NAMES)
def test_boxes_lie_in_the_card_and_apart_and_those_of_a_frame_in_it(topology: Topology) -> None:
    root = drawn(topology)
    (card,) = rects(root, "card")
    stacks = rects(root, *BOXES)
    assert all(area.within(card) for area in stacks + rects(root, "frame"))
    fronts = [area for area in stacks if (area.left, area.top) in _corners(root)]
    assert len(fronts) == len(topology.boxes)
    for one, other in itertools.combinations(fronts, 2):
        assert not one.meets(other)
    for frame, area in zip(topology.frames, rects(root, "frame"), strict=True):
        assert sum(one.within(area) for one in fronts) == len(frame.boxes)


def _corners(root: ET.Element) -> set[tuple[float, float]]:
    """Where boxes begin, from their names, which stand at a fixed place in each."""
    names = [one for one in root.iter(f"{SVG}text") if one.attrib["class"] == "name"]
    return {(float(one.attrib["x"]) - 14, float(one.attrib["y"]) - 28) for one in names}


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=NAMES)
def test_a_picture_shows_all_that_the_topology_has(topology: Topology) -> None:
    root = drawn(topology)
    shown = [area.what for area in texts(root)]
    for one in topology.boxes:
        assert {one.title, *one.lines} <= set(shown)
    assert {line for arrow in topology.arrows for line in arrow.says} <= set(shown)
    assert {frame.title for frame in topology.frames} <= set(shown)
    # one of each stands in the legend
    assert shown.count("add-on") == 1 + sum(one.installed for one in topology.boxes)
    assert shown.count("input") == 1 + sum(one.collects for one in topology.boxes)
    lines = [one for one in root.iter(f"{SVG}path") if "marker-end" in one.attrib]
    assert len(lines) == 2 + len(topology.arrows)
    said = {one.tag.removeprefix(SVG): one.text for one in root if one.get("id")}
    assert said == {"title": topology.title, "desc": topology.says}


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=NAMES)
def test_records_are_collected_only_where_the_add_on_is(topology: Topology) -> None:
    collecting = {one.name for one in topology.boxes if one.collects}
    installed = {one.name for one in topology.boxes if one.installed}
    assert collecting <= installed
    assert len(collecting) <= 1


@pytest.mark.parametrize(
    ("start", "end", "points"),
    [
        ((0, 0), (1, 0), "right"),
        ((1, 0), (0, 0), "left"),
        ((0, 0), (0, 1), "down"),
        ((0, 1), (0, 0), "up"),
    ],
)
def test_an_arrow_runs_from_who_opens_the_connection(
    start: tuple[int, int], end: tuple[int, int], points: str
) -> None:
    topology = Topology(
        name="t",
        title="t",
        says="t",
        boxes=[box("a", *start), box("b", *end)],
        arrows=[Arrow(opens="a", to="b", says=["x"], carries="records")],
    )
    (path,) = [
        one.attrib["d"] for one in drawn(topology).iter(f"{SVG}path") if "marker-end" in one.attrib
    ][:1]
    x1, y1, x2, y2 = (int(number) for number in re.findall(r"\d+", path))
    told = {"right": x2 - x1, "left": x1 - x2, "down": y2 - y1, "up": y1 - y2}
    assert told[points] > 20
    assert (y1 == y2) is (points in ("left", "right"))


def test_text_is_text_whatever_it_holds() -> None:
    topology = Topology(
        name="t",
        title="<script>",
        says='"&',
        boxes=[box("a", 0, title="<b>"), box("b", 1, lines=["&amp;"])],
        arrows=[Arrow(opens="a", to="b", says=["<i>"], carries="other")],
        frames=[Frame(title="<u>", boxes=["a"])],
    )
    shown = {area.what for area in texts(drawn(topology))}
    assert {"<script>", "<b>", "&amp;", "<i>", "<u>"} <= shown


def test_both_schemes_colour_the_same_things() -> None:
    light, dark = topology_pictures.STYLE.split("@media (prefers-color-scheme: dark)")
    coloured = {
        name
        for names, rules in re.findall(r"(?m)^([^{@]+) \{([^}]*)\}", light)
        if re.search(r"(?:fill|stroke): #", rules)
        for name in re.findall(r"\.([\w-]+)", names)
    }
    anew = set(re.findall(r"\.([a-z][\w-]*)(?=[,\s{])", dark))
    assert coloured - anew == {"pill-text"}  # white on both
