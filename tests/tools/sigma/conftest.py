"""Every shipped rule, read and converted once."""

from __future__ import annotations

import pytest

from tools.detections.schema import Detection, read_detections
from tools.environments import ROOT
from tools.sigma.__main__ import BACKENDS
from tools.sigma.conversion import Answer, convert
from tools.sigma.pipelines import Places, pipelines, read_places
from tools.sigma.rules import text

DETECTIONS = read_detections(ROOT)
SAID = [one for one in DETECTIONS if one.sigma.rules]


@pytest.fixture(scope="session")
def places() -> Places:
    return read_places(ROOT, DETECTIONS)


@pytest.fixture(scope="session")
def answer(places: Places) -> Answer:
    return convert({one.stem: text(one) for one in SAID}, pipelines(places), BACKENDS)


def detection(stem: str) -> Detection:
    (found,) = [one for one in DETECTIONS if one.stem == stem]
    return found
