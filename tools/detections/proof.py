"""Runs every detection over the sample trail and over the quiet month, as it is scheduled.

    python -m tools.detections.proof [NAME ...]

Prints a table of the alerts of each, and ends with status 1 where a number is not the one that the
detection's file expects. Two processes: most of the time goes into the fields of 200,000 records.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cloudhsm.collector_events import InputReporter, Reporter
from cloudhsm.event_writer import Event
from cloudhsm.input_state import InputState
from cloudhsm.ledger import GapChange, Verdict
from cloudhsm.state import GroupId
from cloudhsm.tally import Outcome
from preview.app import App
from preview.eval_values import FieldValue
from preview.kv_store import by_collection
from preview.scheduler import Index, Scheduler, Told
from preview.spl.context import Records
from samples.quiet_month import QuietFacts, QuietMonth
from samples.simulator import simulate
from samples.trail import Facts, LogEvent
from tools.detections import stage
from tools.detections.schema import Detection, read_detections

ROOT = Path(__file__).resolve().parents[2]
SEED = 7
# The quiet month begins on a Monday 08:30 UTC, so that its nights and week-ends are real ones.
QUIET_END = datetime(2026, 4, 1, 8, 30, tzinfo=timezone.utc)
SAMPLE_END = datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc)
LEAST_RECORDS = 200_000
_PROCESSES = 2
_CHUNK = 5_000
_STANZA, _HOST = "aws_cloudhsm://production", "heavy-forwarder-1"
_HEARTBEAT_S = 900
# How long after a gap its verdict comes: the lateness horizon and a quarter of it.
_VERDICT_S = 30 * 3600

Rows = list[tuple[float, dict[str, FieldValue]]]
Tables = dict[str, list[dict[str, str]]]


@dataclass(frozen=True)
class Story:
    """What happened, what a customer had entered, and over which time alerts run."""

    name: str
    records: Sequence[LogEvent]
    said: Sequence[Event]
    calls: Sequence[tuple[float, str]]
    tables: Tables
    since: float
    until: float


# What a worker process works on; set before the processes are made, which then share it.
_APP: App
_INDEX: Index
_TABLES: Tables


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every number is the expected one, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.detections.proof", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="stems of detections; all of them if none is named"
    )
    parser.add_argument("--rows", action="store_true", help="print each alert too")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    app = stage.load(ROOT)
    detections = [
        one for one in read_detections(ROOT) if not options.names or one.stem in options.names
    ]
    console = Console()
    found: dict[str, dict[str, list[Told]]] = {}
    for story in (sample_trail(), quiet_month()):
        told = tell(app, story, detections)
        found[story.name] = told
        console.print(f"{story.name}: {len(story.records):,} records, {_since(began)}")
    wrong = list(_print(console, detections, found, rows=options.rows))
    for line in wrong:
        print(line, file=sys.stderr)
    console.print(f"{len(detections)} detections, {len(wrong)} differences, {_since(began)}")
    return 1 if wrong else 0


def tell(app: App, story: Story, detections: Sequence[Detection]) -> dict[str, list[Told]]:
    """What each detection tells of a story, by stem."""
    global _APP, _INDEX, _TABLES
    _APP, _TABLES = app, story.tables
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(_PROCESSES, fork) as pool:
        rows = [row for part in pool.map(_fields, _chunks(story.records)) for row in part]
    known = by_collection(story.tables, app.collection_names)
    others = [*stage.said(app, story.said), *stage.cloudtrail(story.calls)]
    rows += [(second, app.search_time(event, known)) for second, event in others]
    _INDEX = Index(rows)
    work = [(app.knowledge.alerts[one.title].name, story.since, story.until) for one in detections]
    with ProcessPoolExecutor(_PROCESSES, fork) as pool:
        told = list(pool.map(_told, work))
    return {one.stem: found for one, found in zip(detections, told)}


def _fields(records: Sequence[tuple[float, LogEvent]]) -> Rows:
    """In a worker: the fields of these records, of those that any search names."""
    known = by_collection(_TABLES, _APP.collection_names)
    named = _named(_APP)
    found = []
    for second, event in stage.records(_APP, records):
        fields = _APP.search_time(event, known)
        found.append((second, {name: fields[name] for name in fields.keys() & named}))
    return found


def _told(work: tuple[str, float, float]) -> list[Told]:
    """In a worker: what one alert tells."""
    name, since, until = work
    stores: dict[str, Records] = {key: list(rows) for key, rows in _TABLES.items()}
    return Scheduler(_APP, _INDEX, stores).told(_APP.knowledge.alerts[name], since, until)


def _named(app: App) -> frozenset[str]:
    """Every word of every alert's search: no field that one of them reads is left out."""
    macros = app.knowledge.macros
    text = " ".join(macros.expand(alert.search) for alert in app.knowledge.alerts.values())
    return frozenset(re.findall(r"\w+", text)) | {"_raw", "_time", "host", "source", "sourcetype"}


def _chunks(records: Iterable[LogEvent]) -> Iterator[list[tuple[float, LogEvent]]]:
    timed = ((one.timestamp_ms / 1000, one) for one in records)
    while chunk := list(islice(timed, _CHUNK)):
        yield chunk


# --- the two stories


def quiet_month() -> Story:
    """The quiet month of a customer who has filled in the tables."""
    month = QuietMonth(SEED, QUIET_END)
    records = list(month.stream())
    facts = month.facts
    if facts.events < LEAST_RECORDS:
        raise ValueError(f"the quiet month has {facts.events} records, fewer than {LEAST_RECORDS}")
    since, until = facts.start_ms / 1000, facts.end_ms / 1000
    return Story(
        "quiet month",
        records,
        list(_heartbeats(since, until)),
        [(one.at, one.text) for one in month.control_plane()],
        _tables(facts),
        since,
        until,
    )


def sample_trail() -> Story:
    """A week of trouble, as installed: no tables are filled."""
    trail = simulate(SEED, SAMPLE_END, 7)
    since, until = trail.facts.start_usecs / 1e6, trail.facts.end_usecs / 1e6
    said = [*_heartbeats(since, until), *_verdicts(trail.events, trail.facts)]
    return Story("sample trail", trail.events, said, [], {}, since, until)


def _tables(facts: QuietFacts) -> Tables:
    """Clusters, applications by name and by number, and Monday to Friday, 08:00 to 18:00 UTC."""
    clusters = [
        {"cluster_id": cluster_id, "cluster_name": name}
        for name, cluster_id in facts.clusters.items()
    ]
    users = [
        {"known_user": f"{key}@{cluster_id}", "activity": "application"}
        for cluster_id, names in facts.applications.items()
        for name in names
        for key in (name, facts.users[cluster_id][name])
    ]
    hours = [
        {"hour_of_week": str(hour), "business_hours": _is_work(hour)} for hour in range(7 * 24)
    ]
    return {
        "cloudhsm_clusters": clusters,
        "cloudhsm_known_users": users,
        "cloudhsm_business_hours": hours,
    }


def _is_work(hour_of_week: int) -> str:
    day, hour = divmod(hour_of_week, 24)
    return "true" if day < 5 and 8 <= hour < 18 else "false"


def _heartbeats(since: float, until: float) -> Iterator[Event]:
    reporter = InputReporter(_STANZA, stage.REGION, _HOST)
    for second in range(int(since), int(until), _HEARTBEAT_S):
        now_ms = second * 1000
        outcome = Outcome(oldest_settled_ms=now_ms - 26 * 3_600_000, has_caught_up=True)
        state = InputState(heartbeat_ms=now_ms - _HEARTBEAT_S * 1000)
        yield reporter.heartbeat(now_ms, state, outcome)


def _verdicts(records: Sequence[LogEvent], facts: Facts) -> Iterator[Event]:
    """What the collector says of the records that were never delivered."""
    for gap in facts.gaps:
        reporter = Reporter(_STANZA, GroupId("aws", stage.ACCOUNT, stage.REGION, gap.log_group))
        number = f"Sequence No{{}}: {gap.last_missing + 1:#x}\n"
        at = next(
            one.timestamp_ms
            for one in records
            if one.log_stream == gap.log_stream and _has_number(one.message, number)
        )
        for wait, verdict in ((60, Verdict.PENDING), (_VERDICT_S, Verdict.ABSENT_AT_SOURCE)):
            change = GapChange(
                gap.log_stream,
                f"{gap.reboot_counter:#x}",
                gap.first_missing,
                gap.last_missing,
                verdict,
            )
            yield reporter.gap((at + wait * 1000) * 1000, change)


def _has_number(message: str, number: str) -> bool:
    return any(number.format(blank) in message for blank in ("", " ", "\t", "\t\t"))


# --- what is printed


def _print(
    console: Console,
    detections: Sequence[Detection],
    found: Mapping[str, Mapping[str, Sequence[Told]]],
    *,
    rows: bool,
) -> Iterator[str]:
    table = Table("detection", "sample trail", "expected", "quiet month", "expected")
    for one in detections:
        cells = []
        for name, expected in (
            ("sample trail", one.sample_trail.alerts),
            ("quiet month", one.quiet_month.alerts),
        ):
            told = found[name][one.stem]
            cells += [str(len(told)), str(expected)]
            if len(told) != expected:
                yield (
                    f"detections/{one.stem}.yml: {len(told)} alerts on the {name}, expected"
                    f" {expected}: look at them (--rows {one.stem}), then mend the search or the"
                    " number"
                )
            for alert in told if rows else []:
                console.print(f"{name} {alert.run} {one.stem} {alert.row}", highlight=False)
        table.add_row(one.stem, *cells)
    console.print(table)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
