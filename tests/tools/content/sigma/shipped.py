"""The shipped detections, and those of them that are Sigma rules too."""

from __future__ import annotations

from tools.build.environments import ROOT
from tools.content.detections.schema import Detection, read_detections
from tools.content.sigma.pipelines import FieldMappings, read_mappings

DETECTIONS = read_detections(ROOT)
SAID = [one for one in DETECTIONS if one.sigma.rules]


def shipped_places() -> FieldMappings:
    return read_mappings(ROOT, DETECTIONS)


def detection(stem: str) -> Detection:
    (found,) = [one for one in DETECTIONS if one.stem == stem]
    return found
