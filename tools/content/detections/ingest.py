"""Puts events into an index as they come to one: by the collector's stream, or as CloudTrail's.

Records are delivered by the shipped writer under the collector's own identity, and indexed by the
shipped configuration; what the collector reports about itself comes out of its own reporters.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from cloudhsm.base.counters import RunResult
from cloudhsm.base.errors import AccessDenied
from cloudhsm.collect.collector_events import InputReporter, Reporter
from cloudhsm.splunk.event_writer import Event, EventWriter
from cloudhsm.state.input_cache import Failure, InputState
from cloudhsm.trail.gap_ledger import GapChange, Verdict
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.record_identity import identify
from emulator.app import App
from emulator.event import IndexedEvent
from samples.scene import duration
from samples.trail import TrailEvent
from tools.content.detections.schema import seconds
from tools.content.installed_app import installed_app

ACCOUNT, REGION = "111122223333", "us-east-1"
CLOUDTRAIL_APP = Path(__file__).parent / "cloudtrail"
# A poll each minute, and the way through splunkd.
LATENCY_S = 45
_CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/operations/alice"
_PAGE = 5_000

Indexed = tuple[float, IndexedEvent]


def load(root: Path) -> App:
    """The shipped configuration alongside an add-on that collects CloudTrail."""
    return installed_app(root, neighbours=[CLOUDTRAIL_APP])


def records(app: App, events: Iterable[tuple[float, TrailEvent]]) -> Iterator[Indexed]:
    """Records of HSMs and certificate stores, as the collector delivers them.

    `events` come with the epoch second in which CloudWatch Logs shows them.
    """
    rest = iter(events)
    while page := list(islice(rest, _PAGE)):
        delivered = _delivered(app, [_event(event) for _, event in page])
        for (shown, _), indexed in zip(page, delivered):
            yield shown + LATENCY_S, indexed


def collector_events(app: App, events: Sequence[Event]) -> Iterator[Indexed]:
    """Events of the collector itself."""
    for indexed in _delivered(app, events):
        yield indexed.time_usecs / 1_000_000 + LATENCY_S, indexed


def cloudtrail(texts: Iterable[tuple[float, str]]) -> Iterator[Indexed]:
    """API calls: epoch seconds and CloudTrail's JSON, which comes within about five minutes."""
    for second, text in texts:
        event = IndexedEvent(
            raw=text,
            time_usecs=round(second * 1_000_000),
            host="cloudtrail",
            source=f"s3://trail/AWSLogs/{ACCOUNT}/CloudTrail/{REGION}",
            sourcetype="aws:cloudtrail",
            index="main",
        )
        yield second + 300, event


def _event(event: TrailEvent) -> Event:
    cluster = event.log_group.rpartition("/")[2]
    kind = "certificate" if event.log_stream == cluster else "audit"
    group = GroupId("aws", ACCOUNT, REGION, event.log_group)
    usecs = identify(event.message).usecs or event.timestamp_ms * 1000
    source = group.source(event.log_stream)
    return Event(usecs, event.message, event.log_stream, source, f"aws:cloudhsm:{kind}")


def _delivered(app: App, events: Iterable[Event]) -> list[IndexedEvent]:
    stream = io.BytesIO()
    writer = EventWriter(stream, "main")
    writer.write(events)
    writer.close()
    return list(app.index_modular_input(stream.getvalue()))


# --- what a sample writes down


def collector_event(line: Mapping[str, Any], start: float, cluster_id: str, hsm_id: str) -> Event:
    """One event of the collector: `event` and what is special about it.

    gap_closed, gap_opened: first, last, verdict. heartbeat: settled_age (a duration). All: at,
    input, host. Raises ValueError for an event or a key that is not known.
    """
    line = {"input": "aws_cloudhsm://production", "host": "heavy-forwarder-1", **line}
    kind, now_ms = line.pop("event"), round((start + duration("at", line.pop("at", 0))) * 1000)
    stanza, host = str(line.pop("input")), str(line.pop("host"))
    group = GroupId("aws", ACCOUNT, REGION, f"/aws/cloudhsm/{cluster_id}")
    reporter = InputReporter(stanza, REGION, host)
    if kind in {"gap_closed", "gap_opened"}:
        first, last = line.pop("first"), line.pop("last")
        verdict = Verdict(line.pop("verdict", "pending"))
        change = GapChange(hsm_id, line.pop("reboot_counter", "0xe8"), first, last, verdict)
        event = Reporter(stanza, group).gap(now_ms * 1000, change)
    elif kind == "heartbeat":
        age = round(seconds(line.pop("settled_age", "26h")) * 1000)
        outcome = RunResult(oldest_settled_ms=now_ms - age, has_caught_up=True)
        event = reporter.heartbeat(now_ms, InputState(heartbeat_ms=now_ms - 900_000), outcome)
    elif kind == "collection_failed":
        error = AccessDenied("AWS refuses logs:FilterLogEvents", next_step="Allow it.")
        event = reporter.collection_failed(now_ms, group.name, error)
    elif kind == "collection_resumed":
        failure = Failure("AccessDenied", now_ms - 60_000)
        event = reporter.collection_resumed(now_ms, group.name, failure)
    else:
        raise ValueError(f"collector: the emulator can make no event {kind!r}")
    if line:
        raise ValueError(f"collector: {kind} has no {', '.join(sorted(line))}")
    return event


def api_call(line: Mapping[str, Any], start: float) -> tuple[float, str]:
    """One API call: eventName and what is special about it; the rest is a plain call by a role."""
    fields = dict(line)
    second = start + duration("at", fields.pop("at", 0))
    at = datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {
        "eventVersion": "1.09",
        "userIdentity": {"type": "AssumedRole", "arn": _CALLER, "accountId": ACCOUNT},
        "eventTime": at,
        "eventSource": "cloudhsm.amazonaws.com",
        "awsRegion": REGION,
        "sourceIPAddress": "198.51.100.7",
        "readOnly": False,
        "recipientAccountId": ACCOUNT,
        **fields,
    }
    return second, json.dumps(body)
