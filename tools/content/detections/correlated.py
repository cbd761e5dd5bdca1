"""Alerts as Splunk keeps them, and the correlation over them.

Without Enterprise Security, the action `summary_index` writes each result to the index summary.
With it, a finding is in the index notable with all its fields, and an intermediate finding in the
index risk, one event for each risk object. In all three, source is the title of the detection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from emulator.app import App
from emulator.eval.values import FieldValue, values_of
from emulator.scheduler import Fired, Index, Scheduler
from tools.content.detections.schema import Detection

Kept = tuple[float, dict[str, FieldValue]]
Variant = Literal["summary", "enterprise security"]
# How long after its run an alert can be searched.
_DELAY_S = 5


def kept(
    detections: Sequence[Detection],
    alerts: Mapping[str, Sequence[Fired]],
    variant: Variant = "summary",
) -> list[Kept]:
    """The events that alerts leave in their index, with the second of each. alerts: by stem."""
    by_stem = {detection.stem: detection for detection in detections}
    return [
        (alert.run + _DELAY_S, fields)
        for stem, listed in alerts.items()
        for alert in listed
        for fields in _events(by_stem[stem], alert, variant)
    ]


def _events(
    detection: Detection, alert: Fired, variant: Variant
) -> Iterator[dict[str, FieldValue]]:
    row = {name: value for name, value in alert.row.items() if not name.startswith("_")}
    common = {"_time": alert.row["_time"], "source": detection.title, "host": "search-head-1"}
    if variant == "summary":
        yield {**row, **common, "index": "summary", "sourcetype": "stash"}
    elif detection.finding:
        yield {**row, **common, "index": "notable", "sourcetype": "stash"}
    else:
        for item in detection.risk.objects:
            for value in values_of(row, item.field):
                risk = {"risk_object": value, "risk_object_type": item.type}
                title = {"risk_message": row["alert_title"], "risk_score": str(item.score)}
                yield {**common, **risk, **title, "index": "risk", "sourcetype": "stash"}


def correlated(
    app: App,
    detections: Sequence[Detection],
    alerts: Mapping[str, Sequence[Fired]],
    since: float,
    until: float,
    variant: Variant = "summary",
) -> dict[str, list[Fired]]:
    """What the correlations among the detections report about these alerts, by stem."""
    index = Index(kept(detections, alerts, variant))
    return {
        detection.stem: Scheduler(app, index).fired(
            app.knowledge.alerts[detection.title], since, until
        )
        for detection in detections
        if detection.correlates
    }
