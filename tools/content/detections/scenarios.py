"""The two scenarios that every detection is compared with, as they are indexed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from cloudhsm.base.counters import RunResult
from cloudhsm.collect.collector_events import InputReporter, Reporter
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.input_cache import InputState
from cloudhsm.trail.gap_ledger import GapChange, Verdict
from cloudhsm.trail.log_group import GroupId
from emulator.app import App
from emulator.session import Session
from samples.quiet_month import QuietFacts, QuietMonth
from samples.simulator import simulate
from samples.trail import TrailEvent, TrailFacts
from tools.content.detections import ingest

SEED = 7
# The quiet month begins on a Monday 08:30 UTC, so that its nights and week-ends are real ones.
QUIET_END = datetime(2026, 4, 1, 8, 30, tzinfo=timezone.utc)
SAMPLE_END = datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc)
LEAST_RECORDS = 200_000
_STANZA, _HOST = "aws_cloudhsm://production", "heavy-forwarder-1"
_HEARTBEAT_S = 900
# How long after a gap its verdict comes: the lateness horizon and a quarter of it.
_VERDICT_S = 30 * 3600

Tables = dict[str, list[dict[str, str]]]


@dataclass(frozen=True)
class Scenario:
    """What happened, what a customer had entered, and over which time alerts run."""

    name: str
    records: Sequence[TrailEvent]
    collector_events: Sequence[Event]
    calls: Sequence[tuple[float, str]]
    tables: Tables
    since: float
    until: float
    least_records: int = 0


def session(app: App, scenario: Scenario) -> Session:
    """An index with its records and the collector's events; now is its end."""
    indexed = Session(app, now=scenario.until)
    shown = ((event.timestamp_ms / 1000, event) for event in scenario.records)
    indexed.index(event for _, event in ingest.records(app, shown))
    indexed.index(event for _, event in ingest.collector_events(app, scenario.collector_events))
    return indexed


def quiet_month(volume: float = 1.0) -> Scenario:
    """The quiet month of a customer who has filled in the tables."""
    month = QuietMonth(SEED, QUIET_END, volume)
    records = list(month.stream())
    facts = month.facts
    since, until = facts.start_ms / 1000, facts.end_ms / 1000
    return Scenario(
        "quiet month",
        records,
        list(_heartbeats(since, until)),
        [(event.at, event.text) for event in month.control_plane()],
        _tables(facts),
        since,
        until,
        LEAST_RECORDS if volume >= 1 else 0,
    )


def sample_trail(days: float = 7, volume: float = 1) -> Scenario:
    """A week of incidents, as installed: no tables are filled. volume: times as many records."""
    trail = simulate(SEED, SAMPLE_END, days, volume)
    since, until = trail.facts.start_usecs / 1e6, trail.facts.end_usecs / 1e6
    events = [*_heartbeats(since, until), *_verdicts(trail.events, trail.facts)]
    return Scenario("sample trail", trail.events, events, [], {}, since, until)


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
    reporter = InputReporter(_STANZA, ingest.REGION, _HOST)
    for second in range(int(since), int(until), _HEARTBEAT_S):
        now_ms = second * 1000
        outcome = RunResult(oldest_settled_ms=now_ms - 26 * 3_600_000, has_caught_up=True)
        state = InputState(heartbeat_ms=now_ms - _HEARTBEAT_S * 1000)
        yield reporter.heartbeat(now_ms, state, outcome)


def _verdicts(records: Sequence[TrailEvent], facts: TrailFacts) -> Iterator[Event]:
    """What the collector reports about the records that were never delivered."""
    for gap in facts.gaps:
        reporter = Reporter(_STANZA, GroupId("aws", ingest.ACCOUNT, ingest.REGION, gap.log_group))
        number = f"Sequence No{{}}: {gap.last_missing + 1:#x}\n"
        at = next(
            record.timestamp_ms
            for record in records
            if record.log_stream == gap.log_stream and _has_number(record.message, number)
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
