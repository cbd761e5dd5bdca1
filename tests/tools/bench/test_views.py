"""Every dashboard is timed beside one search over the same records."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from emulator.dashboards.dashboard_studio import navigation
from tools.bench import views
from tools.bench.parts import Extent
from tools.bench.programs import ROOT, Python
from tools.content.detections import scenarios
from tools.content.detections.scenarios import Scenario, sample_trail

OWN = Python(f"{sys.version_info[0]}.{sys.version_info[1]}", Path())


def _an_hour(volume: float) -> Scenario:
    return sample_trail(1 / 24, volume)


def test_every_view_is_told_beside_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "sample_trail", _an_hour)
    lines = [*views.views(OWN, Extent(records=1, rounds=1))]
    assert [line.partition(":")[0] for line in lines] == navigation(ROOT)
    for line in lines:
        assert re.search(r"s over \d+ records, [\d.]+ \[[\d.]+-[\d.]+\] times as long", line)


def test_it_is_measured_once_in_the_interpreter_that_has_preview() -> None:
    assert [*views.views(Python("3.9", Path()), Extent(1, 1))] == []
