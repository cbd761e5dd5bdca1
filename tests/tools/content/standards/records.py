"""Every record that the golden tests know, and every operation with every outcome, as fields."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from emulator.app import App
from emulator.event import IndexedEvent
from tests.default import ingest_paths as ingest
from tests.default.damage import damaged_records
from tools.content import goldens, mappings
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[4]
GOLDEN = ROOT / "tests" / "default" / "golden"

Fields = dict[str, Any]


@cache
def golden_records() -> list[Fields]:
    """The fields of all published, inferred and damaged records, as the command gives them."""
    app = installed_app(ROOT)
    return [
        {**app.search_time(event), "_time": event.time_usecs}
        for event in [*_whole(app), *_damaged(app)]
    ]


def operations_and_outcomes() -> list[Fields]:
    """A record of each operation with each outcome, in which nothing is told that need not be."""
    opcodes = [entry.name for entry in mappings.OperationList(ROOT / "mappings").checked()]
    return [
        {
            "_time": 1_513_717_277_140_812,
            "_raw": f"{opcode} {outcome}",
            "outcome": outcome,
            **({} if opcode == mappings.NO_OPCODE else {"opcode": opcode.replace("*", "CN_NEW")}),
            **named,
        }
        for opcode in opcodes
        for outcome in mappings.OUTCOMES
        for named in ({}, {"user_name": "crypto_user", "hsm_id": "hsm-nwbbiqbj4jk"})
    ]


def _whole(app: App) -> Iterator[IndexedEvent]:
    for events in goldens.published(app, GOLDEN).values():
        yield from events
    for corpus in goldens.inferred(app, GOLDEN):
        yield from goldens.events_of(app, corpus)


def _damaged(app: App) -> Iterator[IndexedEvent]:
    for damaged in damaged_records():
        yield from ingest.from_collector(app, [damaged.text], damaged.sourcetype)
