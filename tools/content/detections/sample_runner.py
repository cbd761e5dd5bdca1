"""Runs a detection over one of its samples, as its saved search runs: by schedule, throttled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.app import App
from emulator.eval.values import FieldValue, values_of
from emulator.event import IndexedEvent
from emulator.scheduler import Fired, Index, Scheduler
from emulator.search_time.kv_store import by_collection
from samples.layout import Generation
from samples.scene import Scene, cluster_id, duration, from_mapping, hsm_id
from tools.content.detections import correlated, ingest
from tools.content.detections.schema import (
    Detection,
    Sample,
    read_detections,
    seconds,
    tokens,
)

ROOT = Path(__file__).resolve().parents[3]
# 2026-03-03 10:00 UTC, a Tuesday.
START = 1_772_532_000
# The last slice of index time, and the throttling of everything before, have passed by then.
_AFTERWARDS_S = 900


@dataclass(frozen=True)
class SampleRun:
    """The alerts on a sample, and how many rows the drilldown of each has."""

    alerts: list[Fired]
    drilldown_rows: list[int]


def run_sample(
    app: App,
    detection: Detection,
    sample: Sample,
    generation: Generation = Generation.OLDER,
    arriving: Callable[[IndexedEvent], IndexedEvent] = lambda event: event,
) -> SampleRun:
    """Runs the alert while the sample lasts, and a little longer; then each alert's drilldown.

    `arriving` may give an event another host or source on its way into the index. Raises ValueError
    for a line of the sample that cannot be written, naming what is wrong.
    """
    known = by_collection(sample.tables, app.collection_names)
    index = Index(
        [
            *(
                (second, app.search_time(arriving(event), known))
                for second, event in _events(app, sample, generation)
            ),
            *_alerts(sample),
        ]
    )
    scheduler = Scheduler(app, index, sample.tables)
    until = START + seconds(sample.lasts) + seconds(detection.schedule.every) + _AFTERWARDS_S
    alerts = scheduler.fired(app.knowledge.alerts[detection.title], START, until)
    return SampleRun(alerts, [_drilldown_rows(scheduler, detection, alert) for alert in alerts])


def filled(text: str, alert: Fired) -> str:
    """A message or a drilldown with the alert's values in place of its tokens."""
    for name in tokens(text):
        text = text.replace(f"${name}$", "".join(values_of(alert.row, name)[:1]))
    return text


def _drilldown_rows(scheduler: Scheduler, detection: Detection, alert: Fired) -> int:
    """Rows of the drilldown with the alert's values in place of its tokens."""
    text = filled(detection.drilldown.search, alert)
    earliest, latest = (float(str(alert.row.get(name, 0))) for name in ("drill_from", "drill_to"))
    return len(scheduler.search(text, earliest, latest).rows)


def _alerts(sample: Sample) -> Iterator[correlated.Kept]:
    """The alerts of other detections that a sample lists."""
    detections = {item.stem: item for item in read_detections(ROOT)} if sample.alerts else {}
    for line in sample.alerts:
        if line.detection not in detections:
            raise ValueError(f"alerts: there is no detections/{line.detection}.yml")
        detection, cluster = detections[line.detection], cluster_id(line.cluster)
        row: dict[str, FieldValue] = {"risk_cluster": cluster, "alert_title": detection.name}
        if line.actor:
            row["risk_actor"] = f"{line.actor}@{cluster}"
        for number in range(line.repeat):
            at = START + duration("at", line.at) + number * duration("every", line.every)
            fired = Fired(int(at), {**row, "_time": str(at), "hsm_id": hsm_id(line.cluster, "a")})
            yield from correlated.kept([detection], {detection.stem: [fired]}, line.variant)


def _events(app: App, sample: Sample, generation: Generation) -> Iterator[ingest.Indexed]:
    scene = Scene(generation, START * 1_000_000)
    lines = [from_mapping(line) for line in sample.records]
    yield from ingest.records(app, scene.arrivals(lines))
    events = [
        ingest.collector_event(
            {key: value for key, value in line.items() if key not in {"cluster", "hsm"}},
            START,
            cluster_id(line.get("cluster", "payments")),
            hsm_id(line.get("cluster", "payments"), line.get("hsm", "a")),
        )
        for line in sample.collector
        for line in repeated(line)
    ]
    yield from ingest.collector_events(app, events)
    calls = [ingest.api_call(line, START) for line in sample.cloudtrail for line in repeated(line)]
    yield from ingest.cloudtrail(calls)


def repeated(line: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`repeat` copies, `every` between them."""
    rest = {key: value for key, value in line.items() if key not in {"repeat", "every"}}
    step = duration("every", line.get("every", 0))
    for number in range(int(line.get("repeat", 1))):
        yield {**rest, "at": duration("at", line.get("at", 0)) + number * step}


def differences(alerts: Sequence[Fired], expected: Sequence[Mapping[str, object]]) -> list[str]:
    """How the alerts, in the order of their runs, differ from the rows that a sample expects."""
    if len(alerts) != len(expected):
        shown = "; ".join(_shown(alert) for alert in alerts[:5]) or "none"
        return [f"{len(alerts)} alerts instead of {len(expected)}: {shown}"]
    problems = []
    for number, (alert, wanted) in enumerate(zip(alerts, expected), 1):
        for name, value in wanted.items():
            have = values_of(alert.row, name)
            want = [str(item) for item in value] if isinstance(value, list) else [str(value)]
            if have != want:
                problems.append(f"alert {number}: {name} is {have}, not {want}")
    return problems


def _shown(alert: Fired) -> str:
    names = ("cluster_id", "hsm_id", "user", "opcode", "first_time")
    return " ".join(f"{name}={alert.row[name]}" for name in names if name in alert.row)
