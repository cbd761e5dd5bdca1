"""Runs a detection over one of its samples, as its saved search runs: by schedule, throttled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.app import App
from emulator.eval.values import values_of
from emulator.event import IndexedEvent
from emulator.scheduler import Fired, Index, Scheduler
from emulator.search_time.kv_store import by_collection
from samples.layout import Generation
from samples.scene import Scene, cluster_id, duration, from_mapping, hsm_id
from tools.content.detections import ingest
from tools.content.detections.schema import Detection, Sample, seconds, tokens

# 2026-03-03 10:00 UTC, a Tuesday.
START = 1_772_532_000
# The last slice of index time, and the throttling of everything before, have passed by then.
_AFTERWARDS_S = 900


@dataclass(frozen=True)
class Rehearsal:
    """What an alert told of a sample, and how many rows the drilldown of each has."""

    told: list[Fired]
    behind: list[int]


def rehearse(
    app: App,
    detection: Detection,
    sample: Sample,
    generation: Generation = Generation.OLDER,
    arriving: Callable[[IndexedEvent], IndexedEvent] = lambda event: event,
) -> Rehearsal:
    """Runs the alert while the sample lasts, and a little longer; then each alert's drilldown.

    `arriving` may give an event another host or source on its way into the index. Raises ValueError
    for a line of the sample that cannot be written, naming what is wrong.
    """
    known = by_collection(sample.tables, app.collection_names)
    index = Index(
        (second, app.search_time(arriving(event), known))
        for second, event in _events(app, sample, generation)
    )
    scheduler = Scheduler(app, index, sample.tables)
    until = START + seconds(sample.lasts) + seconds(detection.schedule.every) + _AFTERWARDS_S
    told = scheduler.fired(app.knowledge.alerts[detection.title], START, until)
    return Rehearsal(told, [_behind(scheduler, detection, one) for one in told])


def filled(text: str, told: Fired) -> str:
    """A message or a drilldown with the alert's values in place of its tokens."""
    for name in tokens(text):
        text = text.replace(f"${name}$", "".join(values_of(told.row, name)[:1]))
    return text


def _behind(scheduler: Scheduler, detection: Detection, told: Fired) -> int:
    """Rows of the drilldown with the alert's values in place of its tokens."""
    text = filled(detection.drilldown.search, told)
    earliest, latest = (float(str(told.row.get(name, 0))) for name in ("drill_from", "drill_to"))
    return len(scheduler.search(text, earliest, latest).rows)


def _events(app: App, sample: Sample, generation: Generation) -> Iterator[ingest.Indexed]:
    scene = Scene(generation, START * 1_000_000)
    lines = [from_mapping(one) for one in sample.records]
    yield from ingest.records(app, scene.arrivals(lines))
    said = [
        ingest.collector_event(
            {key: value for key, value in line.items() if key not in {"cluster", "hsm"}},
            START,
            cluster_id(line.get("cluster", "payments")),
            hsm_id(line.get("cluster", "payments"), line.get("hsm", "a")),
        )
        for one in sample.collector
        for line in repeated(one)
    ]
    yield from ingest.said(app, said)
    calls = [ingest.api_call(line, START) for one in sample.cloudtrail for line in repeated(one)]
    yield from ingest.cloudtrail(calls)


def repeated(line: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`repeat` copies, `every` so long apart."""
    rest = {key: value for key, value in line.items() if key not in {"repeat", "every"}}
    step = duration("every", line.get("every", 0))
    for number in range(int(line.get("repeat", 1))):
        yield {**rest, "at": duration("at", line.get("at", 0)) + number * step}


def differences(told: Sequence[Fired], expected: Sequence[Mapping[str, object]]) -> list[str]:
    """How the alerts, in the order of their runs, differ from the rows that a sample expects."""
    if len(told) != len(expected):
        shown = "; ".join(_shown(one) for one in told[:5]) or "none"
        return [f"{len(told)} alerts instead of {len(expected)}: {shown}"]
    found = []
    for number, (one, wanted) in enumerate(zip(told, expected), 1):
        for name, value in wanted.items():
            have = values_of(one.row, name)
            want = [str(item) for item in value] if isinstance(value, list) else [str(value)]
            if have != want:
                found.append(f"alert {number}: {name} is {have}, not {want}")
    return found


def _shown(told: Fired) -> str:
    names = ("cluster_id", "hsm_id", "user", "opcode", "first_time")
    return " ".join(f"{name}={told.row[name]}" for name in names if name in told.row)
