"""Draws a topology as SVG: boxes on a grid, arrows between neighbours, a legend.

The same topology gives the same bytes. Colours follow the reader's light or dark scheme; the card
behind it all keeps the picture legible where a page has another scheme than its reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape

from tools.content.deployment.schema import Arrow, Box, Frame, Topology

BOX_WIDTH, BOX_HEIGHT = 200, 116
ACROSS, DOWN = 164, 70  # between boxes
MARGIN = 44
HEAD, FOOT = 84, 62  # the title, the legend
FRAME_PAD, FRAME_HEAD = 22, 42
TWINS = 46  # between arrows that join the same boxes

STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
.card { fill: #ffffff; stroke: #d0d7de; }
.title { font-size: 19px; font-weight: 600; fill: #1f2328; }
.name { font-size: 14.5px; font-weight: 600; fill: #1f2328; }
.line, .note { font-size: 12.5px; fill: #57606a; }
.aws { fill: #fff5e8; stroke: #c77414; }
.splunk { fill: #eef7ee; stroke: #3a8a40; }
.way { fill: #eef2f8; stroke: #64799a; }
.frame { fill: none; stroke: #8c959f; stroke-dasharray: 6 5; }
.records { stroke: #0b62bd; stroke-width: 2.4; fill: none; }
.other { stroke: #6e7781; stroke-width: 1.6; fill: none; }
.records-head { fill: #0b62bd; }
.other-head { fill: #6e7781; }
.says { font-size: 12px; fill: #1f2328; }
.pill { fill: #3a8a40; }
.pill-input { fill: #0b62bd; }
.pill-text { font-size: 11.5px; font-weight: 600; fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  .card { fill: #0d1117; stroke: #30363d; }
  .title, .name, .says { fill: #e6edf3; }
  .line, .note { fill: #9da7b3; }
  .aws { fill: #33240f; stroke: #e09b43; }
  .splunk { fill: #13281a; stroke: #56b35e; }
  .way { fill: #1b2432; stroke: #8aa1c6; }
  .frame { stroke: #6e7681; }
  .records { stroke: #58a6ff; }
  .other { stroke: #8b949e; }
  .records-head { fill: #58a6ff; }
  .other-head { fill: #8b949e; }
  .pill { fill: #2c7a35; }
  .pill-input { fill: #1f6feb; }
}
""".strip()

_Place = tuple[int, int]


def svg(topology: Topology) -> str:
    """The picture's text; its description for screen readers is what the topology says."""
    columns = max(box.column for box in topology.boxes) + 1
    rows = max(box.row for box in topology.boxes) + 1
    framed = FRAME_HEAD if topology.frames else 0
    width = max(2 * MARGIN + columns * BOX_WIDTH + (columns - 1) * ACROSS, _LEGEND_WIDTH)
    left = (width - columns * BOX_WIDTH - (columns - 1) * ACROSS) // 2
    top = HEAD + framed
    bottom = top + rows * BOX_HEIGHT + (rows - 1) * DOWN
    height = bottom + (FRAME_PAD if framed else 0) + FOOT
    places = {box.name: _place(box, left, top) for box in topology.boxes}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="title desc">',
        "<!-- Generated from tools/content/deployment/deployment.yaml: make generate -->",
        f'<title id="title">{escape(topology.title)}</title>',
        f'<desc id="desc">{escape(topology.says)}</desc>',
        f"<style>\n{STYLE}\n</style>",
        "<defs>",
        *_heads(),
        "</defs>",
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10"/>',
        f'<text class="title" x="{MARGIN}" y="42">{escape(topology.title)}</text>',
        *(line for frame in topology.frames for line in _frame(frame, places)),
        *(line for box in topology.boxes for line in _box(box, places[box.name])),
        *_arrows(topology.arrows, places),
        *_legend(width, height - FOOT),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _place(box: Box, left: int, top: int) -> _Place:
    return left + box.column * (BOX_WIDTH + ACROSS), top + box.row * (BOX_HEIGHT + DOWN)


def _heads() -> Iterator[str]:
    for kind in ("records", "other"):
        yield (
            f'<marker id="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="10" '
            f'markerHeight="10" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path class="{kind}-head" d="M0,0 L10,5 L0,10 z"/></marker>'
        )


def _frame(frame: Frame, places: dict[str, _Place]) -> Iterator[str]:
    xs, ys = zip(*(places[name] for name in frame.boxes), strict=True)
    x, y = min(xs) - FRAME_PAD, min(ys) - FRAME_HEAD
    width = max(xs) + BOX_WIDTH + FRAME_PAD - x
    height = max(ys) + BOX_HEIGHT + FRAME_PAD - y
    yield f'<rect class="frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>'
    yield f'<text class="note" x="{x + 14}" y="{y + 18}">{escape(frame.title)}</text>'


def _box(box: Box, at: _Place) -> Iterator[str]:
    x, y = at
    for shift in (10, 5, 0) if box.many else (0,):
        yield (
            f'<rect class="{box.look}" x="{x + shift}" y="{y - shift}" width="{BOX_WIDTH}" '
            f'height="{BOX_HEIGHT}" rx="8"/>'
        )
    yield f'<text class="name" x="{x + 14}" y="{y + 28}">{escape(box.title)}</text>'
    for number, line in enumerate(box.lines):
        text = escape(line)
        yield f'<text class="line" x="{x + 14}" y="{y + 49 + 18 * number}">{text}</text>'
    pills = [("pill", "add-on")] * box.installed + [("pill-input", "input")] * box.collects
    for number, (look, text) in enumerate(pills):
        yield from _pill(look, text, x + 14 + number * (_PILL + 8), y + BOX_HEIGHT - 32)


_PILL = 58


def _pill(look: str, text: str, x: int, y: int) -> Iterator[str]:
    yield f'<rect class="{look}" x="{x}" y="{y}" width="{_PILL}" height="20" rx="10"/>'
    yield (
        f'<text class="pill-text" x="{x + _PILL // 2}" y="{y + 14}" '
        f'text-anchor="middle">{text}</text>'
    )


def _arrows(arrows: Sequence[Arrow], places: dict[str, _Place]) -> Iterator[str]:
    """Arrows that join the same two boxes run side by side."""
    joining: dict[frozenset[str], list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        joining[frozenset((arrow.opens, arrow.to))].append(arrow)
    for twins in joining.values():
        for number, arrow in enumerate(twins):
            shift = round((number - (len(twins) - 1) / 2) * TWINS)
            yield from _arrow(arrow, places[arrow.opens], places[arrow.to], shift)


def _arrow(arrow: Arrow, start: _Place, end: _Place, shift: int) -> Iterator[str]:
    gap = 12 if start[1] == end[1] else 14  # room for the shadows of a box that stands for many
    if start[1] == end[1]:
        y = start[1] + BOX_HEIGHT // 2 + shift + 6
        right = end[0] > start[0]
        x1, x2 = (start[0] + BOX_WIDTH + gap, end[0] - 4) if right else (start[0] - 4, end[0])
        x2 = x2 if right else end[0] + BOX_WIDTH + gap
        yield _line(arrow, (x1, y), (x2, y))
        middle, last = (min(start[0], end[0]) + BOX_WIDTH + ACROSS // 2 + 4), y - 8
        yield from _label(arrow, middle, last - 15 * (len(arrow.says) - 1), "middle")
        return
    x = start[0] + BOX_WIDTH // 2 + shift
    down = end[1] > start[1]
    upper, lower = (min(start[1], end[1]) + BOX_HEIGHT + 4), max(start[1], end[1]) - gap
    yield _line(arrow, (x, upper if down else lower), (x, lower if down else upper))
    first = (upper + lower) // 2 + 4 - 15 * (len(arrow.says) - 1) // 2
    yield from _label(arrow, x + 12, first, "start")


def _line(arrow: Arrow, start: _Place, end: _Place) -> str:
    return (
        f'<path class="{arrow.carries}" d="M{start[0]},{start[1]} L{end[0]},{end[1]}" '
        f'marker-end="url(#{arrow.carries})"/>'
    )


def _label(arrow: Arrow, x: int, y: int, anchor: str) -> Iterator[str]:
    for number, text in enumerate(arrow.says):
        yield (
            f'<text class="says" x="{x}" y="{y + 15 * number}" '
            f'text-anchor="{anchor}">{escape(text)}</text>'
        )


_LEGEND = (("pill", "add-on", "installed"), ("pill-input", "input", "collects"))
_LEGEND_WIDTH = 2 * MARGIN + 740


def _legend(width: int, top: int) -> Iterator[str]:
    y = top + 24
    x = MARGIN
    for look, text, means in _LEGEND:
        yield from _pill(look, text, x, y)
        yield f'<text class="note" x="{x + _PILL + 8}" y="{y + 14}">{means}</text>'
        x += _PILL + 78
    for kind, means in (("records", "records"), ("other", "other")):
        yield (
            f'<path class="{kind}" d="M{x},{y + 10} L{x + 34},{y + 10}" marker-end="url(#{kind})"/>'
        )
        yield f'<text class="note" x="{x + 42}" y="{y + 14}">{means}</text>'
        x += 42 + 64
    yield (
        f'<text class="note" x="{width - MARGIN}" y="{y + 14}" text-anchor="end">'
        "arrows: who opens the connection</text>"
    )
