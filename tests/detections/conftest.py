from __future__ import annotations

from pathlib import Path

import pytest

from emulator.app import App
from tools.content.detections import ingest
from tools.content.detections.schema import Detection, read_detections

ROOT = Path(__file__).resolve().parents[2]
DETECTIONS = read_detections(ROOT)


@pytest.fixture(scope="session")
def app() -> App:
    """The shipped configuration, with an add-on that collects CloudTrail."""
    return ingest.load(ROOT)


@pytest.fixture(params=DETECTIONS, ids=[d.stem for d in DETECTIONS])
def detection(request: pytest.FixtureRequest) -> Detection:
    """Each detection in turn."""
    detection_file: Detection = request.param
    return detection_file
