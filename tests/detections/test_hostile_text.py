"""No text that an outsider chose becomes part of a search or of a title.

Users choose their names; a writer of events chooses host, source, log group and stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from emulator.app import App
from emulator.eval.values import values_of
from emulator.event import IndexedEvent
from emulator.spl.syntax import calls
from samples.layout import Generation
from tests.detections.conftest import DETECTIONS
from tools.content.detections.ingest import ACCOUNT, REGION
from tools.content.detections.sample_runner import filled, run_sample
from tools.content.detections.savedsearches_conf import drilldown_search
from tools.content.detections.schema import Detection, Firing

HOSTILE = {
    "search": '" | delete index=*',
    "macro": "`cloudhsm_index`",
    "token": "$cluster_id$",
    "formula": "=cmd|' /C calc'!A0",
    "markup": "<script>alert(1)</script>",
    "wildcard": "*",
    "escape": "\x1b[2J",
    "right to left": "\u202eecila",
    "quotes": "a\"b'c\\",
    "subsearch": "[search index=*]",
}
NAMES = ("user", "target")
# What an e-mail shows of an alert, and the actor among the risk objects.
TEXTS = ("alert_title", "alert_details", "dashboard_link", "records_link", "risk_actor")
# Detections whose samples name users; that of one is a hostile name itself.
WITH_NAMES = [
    detection
    for detection in DETECTIONS
    if any(name in line for line in detection.fires[0].records for name in NAMES)
    and detection.stem != "ambiguous_record"
]


def renamed(sample: Firing, text: str) -> Firing:
    """The sample with this text put after every name."""

    def line(fields: dict[str, Any]) -> dict[str, Any]:
        return {key: f"{value}{text}" if key in NAMES else value for key, value in fields.items()}

    return sample.model_copy(update={"records": [line(record) for record in sample.records]})


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("detection", WITH_NAMES, ids=[d.stem for d in WITH_NAMES])
def test_a_name_changes_nothing_but_the_name(app: App, detection: Detection, name: str) -> None:
    sample = detection.fires[0]
    generation = Generation(sample.generations[0])
    harmless = run_sample(app, detection, sample, generation)
    hostile = run_sample(app, detection, renamed(sample, HOSTILE[name]), generation)
    assert hostile.drilldown_rows == harmless.drilldown_rows
    shown = HOSTILE[name].replace("\x1b", "\\u001b")
    for had, has in zip(harmless.alerts, hostile.alerts, strict=True):
        assert had.run == has.run
        assert set(had.row) == set(has.row)
        for key, value in has.row.items():
            if key == "user_hash":
                assert value == hashlib.sha256(str(has.row["user"]).encode()).hexdigest()
            elif key in TEXTS:
                assert HOSTILE[name] not in " ".join(values_of(has.row, key))
                assert len(values_of(has.row, key)) == len(values_of(had.row, key))
            else:
                assert _without(value, shown) == had.row[key]


def _without(value: object, text: str) -> object:
    if isinstance(value, list):
        return [str(value).replace(text, "") for value in value]
    return str(value).replace(text, "")


# --- host and source

EVERYTHING = "".join(HOSTILE.values())
PLACES: dict[str, Callable[[IndexedEvent], tuple[str, str]]] = {
    "host": lambda event: (EVERYTHING, event.source),
    "stream": lambda event: (EVERYTHING, f"{event.source.rpartition(':')[0]}:{EVERYTHING}"),
    "group": lambda event: (event.host, f"{ACCOUNT}:{REGION}:/aws/{EVERYTHING}:{event.host}"),
    "source": lambda _event: (EVERYTHING, EVERYTHING),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_title_and_no_drilldown_has_a_text_of_host_or_source(
    app: App, detection: Detection, place: str
) -> None:
    sample = detection.fires[0]

    def arriving(event: IndexedEvent) -> IndexedEvent:
        if event.sourcetype == "aws:cloudtrail":
            return event
        host, source = PLACES[place](event)
        return replace(event, host=host, source=source)

    result = run_sample(app, detection, sample, Generation(sample.generations[0]), arriving)
    for alert in result.alerts:
        drilldown = filled(drilldown_search(detection), alert)
        for text in (*(str(alert.row.get(name, "")) for name in TEXTS), drilldown):
            assert "alert(1)" not in text.lower()
        template = drilldown_search(detection).replace("$", "")
        assert commands(app, drilldown) == commands(app, template)
    assert all(result.drilldown_rows)


def commands(app: App, search: str) -> list[str]:
    return [call.name for call in calls(app.knowledge.macros.expand(search))]
