"""Everything that must hold of the detections: schema, search, and what their samples show.

A fault of any kind names file, line and what to do; the samples run in both generations of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from emulator.app import App
from emulator.errors import EmulatorError
from emulator.scheduler import Fired
from samples.layout import Generation
from tools.content.detections.lint import faults
from tools.content.detections.sample_runner import differences, rehearse
from tools.content.detections.schema import FOLDER, Detection, Firing, Sample, tokens
from tools.content.strict_yaml import Fault, line_in


def review(root: Path, app: App, detections: Sequence[Detection]) -> Iterator[Fault]:
    """The faults of all detections, file by file; none of samples while a search is at fault."""
    found = list(faults(root, detections, app.knowledge.macros))
    yield from found
    if not found:
        for detection in detections:
            yield from sample_faults(root, app, detection)


def sample_faults(root: Path, app: App, detection: Detection) -> Iterator[Fault]:
    """Where a detection does not tell of its samples what they expect, or tells it incompletely."""
    path = root / FOLDER / f"{detection.stem}.yml"
    samples: list[tuple[str, int, Sample]] = [
        *(("fires", place, one) for place, one in enumerate(detection.fires)),
        *(("silent", place, one) for place, one in enumerate(detection.silent)),
    ]
    for kind, place, sample in samples:
        for generation in sample.generations:
            line = line_in(path, kind, place, "because")
            for what in _played(app, detection, sample, Generation(generation)):
                yield Fault(path, line, f"{kind}.{place} ({generation} records): {what}")


def _played(
    app: App, detection: Detection, sample: Sample, generation: Generation
) -> Iterator[str]:
    try:
        rehearsal = rehearse(app, detection, sample, generation)
    except (ValueError, EmulatorError) as error:
        yield str(error)
        return
    expected = sample.rows if isinstance(sample, Firing) else []
    yield from differences(rehearsal.told, expected)
    yield from absent_fields(detection, rehearsal.told)
    if not all(rehearsal.behind):
        yield "drilldown.search: finds nothing behind this alert"


def absent_fields(detection: Detection, told: Iterable[Fired]) -> Iterator[str]:
    """Fields that messages, risk, throttling or the drilldown name, and an alert does not have."""
    wanted = {
        "risk.message": tokens(detection.risk.message),
        "risk.objects": [one.field for one in detection.risk.objects],
        "throttle.by": detection.throttle.by if detection.throttle else [],
        "drilldown.search": tokens(detection.drilldown.search),
        "every alert": ["_time", "drill_from", "drill_to"],
    }
    rows = [one.row for one in told]
    for where, names in wanted.items():
        for name in names:
            if any(name not in row for row in rows):
                yield f"{where}: the results have no field {name}; the search must give it"
