"""`make pictures`: what `make browser` saw, small enough to keep, into docs/dashboards.

Light at 1,280 of every view and step of the setup page, and Overview in dark. Look at them before
they are committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from tools.build.environments import ROOT
from tools.checks.browser import SHOTS
from tools.content.dashboards.schema import PREFIX

PICTURES = "docs/dashboards"
_COLOURS = 128
_DARK = ("overview",)


def main() -> int:
    """Writes the pictures; 1 where `make browser` has left none."""
    shots = sorted((ROOT / SHOTS).glob(f"{PREFIX}*-1280.png"))
    if not shots:
        print(f"there is nothing in {SHOTS}: run make browser first", file=sys.stderr)
        return 1
    for shot in shots:
        name, theme, _width = shot.stem.removeprefix(PREFIX).split("-")
        if theme == "light" or name in _DARK:
            kept = ROOT / PICTURES / f"{name}-{theme}.png"
            kept.parent.mkdir(exist_ok=True)
            _save(shot, kept)
            print(f"{kept.relative_to(ROOT)}: {kept.stat().st_size // 1000} kB")
    return 0


def _save(shot: Path, kept: Path) -> None:
    with Image.open(shot) as image:
        image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(kept, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
