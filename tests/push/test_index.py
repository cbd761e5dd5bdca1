"""Pushed records are indexed as collected ones, and whether they are complete shows as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from io import BytesIO

import pytest

from cloudhsm.splunk.event_writer import Event, EventWriter, visible
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.record_identity import identify
from cloudhsm_push.envelope import Envelope, PushedEvent
from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session
from emulator.spl.context import ResultRow
from samples.simulator import simulate
from tests.default.trails import GROUP, HOUR, HSM, MARCH, OTHER_HSM, handed_over, record, records
from tests.push.batches import REGION, pushed, sent
from tools.build.package import ROOT
from tools.content.installed_app import installed_app


@pytest.fixture(scope="module")
def app() -> App:
    """The shipped configuration."""
    return installed_app(ROOT)


SEARCH = "AWS CloudHSM - Continuity from the index"
NOW = MARCH + 24 * HOUR


def indexed(app: App, body: str) -> list[IndexedEvent]:
    return list(app.index_hec(body, sourcetype="httpevent", source="http:push", host="firehose"))


def collected(app: App, envelopes: list[Envelope]) -> list[IndexedEvent]:
    """The same log events by way of the input."""
    stream = BytesIO()
    writer = EventWriter(stream, "main")
    for envelope in envelopes:
        group = GroupId("aws", envelope.owner, REGION, envelope.log_group)
        for event in envelope.events:
            record = identify(event.message)
            usecs = event.timestamp_ms * 1000 if record.usecs is None else record.usecs
            origin = group.origin(envelope.log_stream, record.kind)
            writer.write([Event(usecs, event.message, *origin)])
    writer.close()
    return list(app.index_modular_input(stream.getvalue()))


def test_the_complete_sample_trail_is_indexed_as_by_the_input(app: App) -> None:
    trail = simulate(7, datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc), 2.0)
    envelopes = sent(trail.events)
    events = indexed(app, pushed(envelopes))
    assert len(events) == len(trail.events) > 500
    # JSON carries the control characters that XML cannot, and which the input makes visible.
    as_input = [replace(event, raw=visible(event.raw)) for event in events]
    assert sorted(as_input, key=order) == sorted(collected(app, envelopes), key=order)
    assert {event.raw for event in events} <= {event.message for event in trail.events}


def order(event: IndexedEvent) -> tuple[object, ...]:
    return event.source, event.time_usecs, event.raw


def envelopes(hsm: str, numbers: Sequence[int], each: int = 4) -> list[Envelope]:
    """The records of an HSM, some in each envelope."""
    events = [
        PushedEvent(f"{n:056d}", record.time_usecs // 1000, record.text)
        for n, record in zip(numbers, records(numbers, MARCH, hsm=hsm))
    ]
    return [
        Envelope(GROUP.account, GROUP.name, hsm, tuple(events[first : first + each]))
        for first in range(0, len(events), each)
    ]


def gaps(app: App, sent: Sequence[Envelope], more: str = "") -> list[ResultRow]:
    session = Session(app, now=NOW)
    body = pushed(sent) + more
    session.index(
        list(app.index_hec(body, sourcetype="x", source="http:push", host="x", index="main"))
    )
    return session.saved(SEARCH, earliest=0).rows


def test_a_complete_trail_in_any_order_has_no_gap(app: App) -> None:
    sent = [*envelopes(HSM, range(40)), *envelopes(OTHER_HSM, range(40))]
    assert gaps(app, sent[::-1]) == []


def test_an_envelope_that_never_came_is_named_to_the_number(app: App) -> None:
    sent = envelopes(HSM, range(40))
    lost = sent.pop(3)
    assert len(lost.events) == 4
    (row,) = gaps(app, [*sent, *envelopes(OTHER_HSM, range(40))])
    assert {
        key: row[key] for key in ("hsm_id", "verdict", "first_number", "last_number", "missing")
    } == {
        "hsm_id": HSM,
        "verdict": "lost_after_hand_over",
        "first_number": "0xc",
        "last_number": "0xf",
        "missing": "4",
    }
    assert row["cluster_id"] == GROUP.cluster_id
    assert row["aws_account_id"] == GROUP.account


def test_what_a_cluster_wrote_before_it_was_subscribed_is_named_too(app: App) -> None:
    (row,) = gaps(app, envelopes(HSM, range(7, 40)))
    assert (row["verdict"], row["first_number"], row["last_number"]) == (
        "not_searched",
        "0x0",
        "0x6",
    )


def test_what_comes_late_closes_the_gap_and_what_comes_twice_is_counted_once(app: App) -> None:
    sent = envelopes(HSM, range(40))
    assert gaps(app, [*sent[:3], *sent[4:], sent[3], *sent[5:7]]) == []


def test_records_that_were_pushed_and_collected_count_once(app: App) -> None:
    """While an input is replaced by push, both bring the same records."""
    sent = envelopes(HSM, range(40))
    session = Session(app, now=NOW)
    body = pushed(sent)
    session.index(list(app.index_hec(body, sourcetype="x", source="x", host="x", index="main")))
    session.index(handed_over(app, [record(n, MARCH + 60 * n) for n in range(40)]))
    assert session.saved(SEARCH, earliest=0).rows == []
    counted = session.search("`cloudhsm_records` | `cloudhsm_dedup` | stats count").rows
    assert [row["count"] for row in counted] == ["40"]
