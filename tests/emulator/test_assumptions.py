"""docs/emulator-assumptions.md and the tests name the same assumptions."""

from __future__ import annotations

import re
from pathlib import Path

_TESTS = Path(__file__).parent
_PAGE = _TESTS.parents[1] / "docs" / "emulator-assumptions.md"


def _named_in_tests() -> set[int]:
    named: set[int] = set()
    for path in sorted(_TESTS.rglob("test_*.py")):
        for listed in re.findall(r"Assumptions? (\d[\d, toand]*)", path.read_text("utf-8")):
            for first, last in re.findall(r"(\d+)(?: to (\d+))?", listed):
                named.update(range(int(first), int(last or first) + 1))
    return named


def test_every_assumption_on_the_page_is_named_in_a_test_and_the_other_way_round() -> None:
    listed = [int(number) for number in re.findall(r"(?m)^(\d+)\. ", _PAGE.read_text("utf-8"))]

    assert listed == list(range(1, len(listed) + 1))
    assert set(listed) == _named_in_tests()
