"""Runs every detection over the sample trail and over the quiet month, as it is scheduled.

    python -m tools.proof.backtest [NAME ...]

Prints a table of the alerts of each, and ends with status 1 where a number is not the one that the
detection's file expects. Two processes: most of the time goes into the fields of 200,000 records.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from emulator.app import App
from emulator.eval.values import FieldValue
from emulator.scheduler import Fired, Index, Scheduler
from emulator.search_time.kv_store import by_collection
from samples.command_parser import CommandParser
from samples.trail import TrailEvent
from tools.content.detections import ingest, scenarios
from tools.content.detections.correlated import correlated
from tools.content.detections.scenarios import Scenario, Tables
from tools.content.detections.schema import Detection, read_detections

ROOT = Path(__file__).resolve().parents[2]
_PROCESSES = 2
_CHUNK = 5_000

Rows = list[tuple[float, dict[str, FieldValue]]]


# What a worker process works on; set before the processes are made, which then share it.
_APP: App
_INDEX: Index
_TABLES: Tables


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every number is the expected one, else 1."""
    parser = CommandParser(prog="python -m tools.proof.backtest", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="stems of detections; all of them if none is named"
    )
    parser.add_argument("--rows", action="store_true", help="print each alert too")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    app = ingest.load(ROOT)
    detections = _selected(parser, options.names)
    console = Console()
    alerts: dict[str, dict[str, list[Fired]]] = {}
    for scenario in (scenarios.sample_trail(), scenarios.quiet_month()):
        if scenario.least_records > len(scenario.records):
            parser.error(f"the {scenario.name} has fewer than {scenario.least_records:,} records")
        alerts[scenario.name] = run_alerts(app, scenario, detections)
        console.print(f"{scenario.name}: {len(scenario.records):,} records, {_since(began)}")
    wrong = list(_print(console, detections, alerts, rows=options.rows))
    for line in wrong:
        print(line, file=sys.stderr)
    console.print(f"{len(detections)} detections, {len(wrong)} differences, {_since(began)}")
    return 1 if wrong else 0


def _selected(parser: CommandParser, names: Sequence[str]) -> list[Detection]:
    known = {detection.stem: detection for detection in read_detections(ROOT)}
    for name in names:
        if name not in known:
            parser.error(f"there is no detections/{name}.yml")
    return [known[name] for name in names] or list(known.values())


def run_alerts(
    app: App, scenario: Scenario, detections: Sequence[Detection]
) -> dict[str, list[Fired]]:
    """The alerts of each detection over a scenario, by stem."""
    global _APP, _INDEX, _TABLES
    _APP, _TABLES = app, scenario.tables
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(_PROCESSES, fork) as pool:
        rows = [row for part in pool.map(_fields, _chunks(scenario.records)) for row in part]
    known = by_collection(scenario.tables, app.collection_names)
    others = [
        *ingest.collector_events(app, scenario.collector_events),
        *ingest.cloudtrail(scenario.calls),
    ]
    rows += [(second, app.search_time(event, known)) for second, event in others]
    _INDEX = Index(rows)
    work = [
        (app.knowledge.alerts[detection.title].name, scenario.since, scenario.until)
        for detection in detections
    ]
    # The tables that searches keep: once, for both processes.
    Scheduler(app, _INDEX, _TABLES).maintained(scenario.since, scenario.until)
    with ProcessPoolExecutor(_PROCESSES, fork) as pool:
        results = list(pool.map(_fired, work))
    alerts = {detection.stem: fired for detection, fired in zip(detections, results)}
    return alerts | correlated(app, detections, alerts, scenario.since, scenario.until)


def _fields(records: Sequence[tuple[float, TrailEvent]]) -> Rows:
    """In a worker: the fields of these records, of those that any search names."""
    known = by_collection(_TABLES, _APP.collection_names)
    named = _named(_APP)
    rows = []
    for second, event in ingest.records(_APP, records):
        fields = _APP.search_time(event, known)
        rows.append((second, {name: fields[name] for name in fields.keys() & named}))
    return rows


def _fired(work: tuple[str, float, float]) -> list[Fired]:
    """In a worker: when one alert fires."""
    name, since, until = work
    return Scheduler(_APP, _INDEX, _TABLES).fired(_APP.knowledge.alerts[name], since, until)


def _named(app: App) -> frozenset[str]:
    """Every word of every alert's search: no field that one of them reads is left out."""
    known = app.knowledge
    scheduled = [*known.alerts.values(), *known.maintenance.values()]
    text = " ".join(known.macros.expand(alert.search) for alert in scheduled)
    return frozenset(re.findall(r"\w+", text)) | {"_raw", "_time", "host", "source", "sourcetype"}


def _chunks(records: Iterable[TrailEvent]) -> Iterator[list[tuple[float, TrailEvent]]]:
    timed = ((event.timestamp_ms / 1000, event) for event in records)
    while chunk := list(islice(timed, _CHUNK)):
        yield chunk


# --- what is printed


def _print(
    console: Console,
    detections: Sequence[Detection],
    alerts: Mapping[str, Mapping[str, Sequence[Fired]]],
    *,
    rows: bool,
) -> Iterator[str]:
    table = Table("detection", "sample trail", "expected", "quiet month", "expected")
    for detection in detections:
        cells = []
        for name, expected in (
            ("sample trail", detection.sample_trail.alerts),
            ("quiet month", detection.quiet_month.alerts),
        ):
            fired = alerts[name][detection.stem]
            cells += [str(len(fired)), str(expected)]
            if len(fired) != expected:
                stem = detection.stem
                yield (
                    f"detections/{stem}.yml: {len(fired)} alerts on the {name}, expected "
                    f"{expected}: look at them (--rows {stem}), then fix the search or the number"
                )
            for alert in fired if rows else []:
                console.print(f"{name} {alert.run} {detection.stem} {alert.row}", highlight=False)
        table.add_row(detection.stem, *cells)
    console.print(table)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
