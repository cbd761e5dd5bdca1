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
from tools.content.detections.sample_runner import differences, run_sample
from tools.content.detections.schema import FOLDER, Detection, Firing, Sample, tokens
from tools.content.strict_yaml import Fault, line_in


def review(root: Path, app: App, detections: Sequence[Detection]) -> Iterator[Fault]:
    """The faults of all detections, file by file; none of samples while a search is at fault."""
    problems = list(faults(root, detections, app.knowledge.macros))
    yield from problems
    if not problems:
        for detection in detections:
            yield from sample_faults(root, app, detection)


def sample_faults(root: Path, app: App, detection: Detection) -> Iterator[Fault]:
    """Where a detection's alerts on its samples are not the expected ones, or lack fields."""
    path = root / FOLDER / f"{detection.stem}.yml"
    shown: set[str] = set()
    samples: list[tuple[str, int, Sample]] = [
        *(("fires", number, sample) for number, sample in enumerate(detection.fires)),
        *(("silent", number, sample) for number, sample in enumerate(detection.silent)),
    ]
    for kind, number, sample in samples:
        for generation in sample.generations:
            line = line_in(path, kind, number, "because")
            for what in _played(app, detection, sample, Generation(generation), shown):
                yield Fault(path, line, f"{kind}.{number} ({generation} records): {what}")
    wanted = [("shows", name) for name in detection.shows]
    wanted += [("risk", item.field) for item in detection.risk.objects]
    wanted += [("risk", name) for name in (detection.risk.actor, detection.risk.victim) if name]
    for key, name in wanted:
        if name not in shown:
            what = f"{key}: no alert on a sample has the field {name}"
            yield Fault(path, line_in(path, key), what)


def _played(
    app: App, detection: Detection, sample: Sample, generation: Generation, shown: set[str]
) -> Iterator[str]:
    """What is wrong with the alerts on one sample; their fields are added to `shown`."""
    try:
        result = run_sample(app, detection, sample, generation)
    except (ValueError, EmulatorError) as error:
        yield str(error)
        return
    shown.update(name for alert in result.alerts for name, value in alert.row.items() if value)
    expected = sample.rows if isinstance(sample, Firing) else []
    yield from differences(result.alerts, expected)
    yield from absent_fields(detection, result.alerts)
    if not all(result.drilldown_rows):
        yield "drilldown.search: finds nothing for this alert"


def absent_fields(detection: Detection, alerts: Iterable[Fired]) -> Iterator[str]:
    """Fields that messages, throttling or the drilldown name, and an alert does not have."""
    wanted = {
        "risk.message": tokens(detection.risk.message),
        "throttle.by": detection.throttle.by if detection.throttle else [],
        "drilldown.search": tokens(detection.drilldown.search),
        "every alert": ["_time", "drill_from", "drill_to"],
    }
    rows = [alert.row for alert in alerts]
    for where, names in wanted.items():
        for name in names:
            if any(name not in row for row in rows):
                yield f"{where}: the results have no field {name}; the search must give it"
