"""Blocks of a page are replaced between their markers only."""

from __future__ import annotations

import pytest

from tools.content.conf_blocks import BlockProblem
from tools.content.page_blocks import replaced

PAGE = "before\n<!-- rows: written by `make x` -->\nold\n<!-- end of rows -->\nafter\n"


def test_only_the_lines_between_the_markers_change() -> None:
    page = replaced(PAGE, "rows", "make x", ["new"])
    assert page == PAGE.replace("old\n", "\nnew\n\n")
    assert replaced(page, "rows", "make x", ["new"]) == page


@pytest.mark.parametrize("marker", PAGE.splitlines()[1:4:2])
def test_a_page_without_a_marker_is_refused(marker: str) -> None:
    with pytest.raises(BlockProblem, match="needs the lines"):
        replaced(PAGE.replace(marker, ""), "rows", "make x", [])
