"""Small trails as the collector sends them to Splunk: records of HSMs, and verdicts on gaps."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from cloudhsm.collect.collector_events import Reporter
from cloudhsm.splunk.event_writer import Event, EventWriter
from cloudhsm.trail.gap_ledger import GapChange, Verdict
from cloudhsm.trail.log_group import GroupId
from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session

CLUSTER = "cluster-likphkxygsn"
HSM = "hsm-nwbbiqbj4jk"
OTHER_HSM = "hsm-lkkzg5zyhxp"
GROUP = GroupId("aws", "111122223333", "us-east-1", f"/aws/cloudhsm/{CLUSTER}")
HOUR = 3600
DAY = 24 * HOUR
MARCH = 1_772_323_200  # 2026-03-01T00:00:00Z
APRIL = MARCH + 31 * DAY
MAY = APRIL + 30 * DAY


def record(
    number: int | str,
    at: float,
    *,
    hsm: str = HSM,
    counter: str = "0xe8",
    command_type: str = "CN_MGMT_CMD (0x0)",
    user: str = "crypto_user",
    source: str | None = None,
) -> Event:
    """A login of `user` at `at` (epoch seconds) under that sequence number (text: as printed)."""
    usecs = round(at * 1_000_000)
    printed = number if isinstance(number, str) else f"{number:#x}"
    text = (
        f"Time: 03/01/26 00:00:00.000000, usecs:{usecs}\nSequence No : {printed}\n"
        f"Reboot counter : {counter}\nCommand Type(hex) : {command_type}\nOpcode : CN_LOGIN (0xd)\n"
        "Session Handle : 0x1\nResponse : 0:HSM Return: SUCCESS\n"
        f"Log type : MGMT_USER_DETAILS_LOG (2)\nUser Name : {user}\nUser Type : CN_CRYPTO_USER (1)"
    )
    return Event(usecs, text, hsm, source or GROUP.source(hsm), "aws:cloudhsm:audit")


def records(
    numbers: Iterable[int],
    since: float,
    *,
    every: float = 60,
    hsm: str = HSM,
    counter: str = "0xe8",
) -> list[Event]:
    """One record per number, `every` seconds."""
    return [
        record(number, since + every * index, hsm=hsm, counter=counter)
        for index, number in enumerate(numbers)
    ]


def verdict(
    first: int, last: int, value: Verdict, at: float, *, hsm: str = HSM, counter: str = "0xe8"
) -> Event:
    """What the collector writes about a gap at `at` (epoch seconds)."""
    change = GapChange(hsm, counter, first, last, value)
    return Reporter("aws_cloudhsm://main", GROUP).gap(round(at * 1_000_000), change)


def handed_over(app: App, events: Iterable[Event]) -> list[IndexedEvent]:
    """What splunkd makes of these events, taken from the collector's stream."""
    stream = BytesIO()
    writer = EventWriter(stream, "main")
    writer.write(events)
    writer.close()
    return list(app.index_modular_input(stream.getvalue()))


def searching(app: App, events: Iterable[Event], *, now: float, user: str = "nobody") -> Session:
    """Searches over an index with these events."""
    session = Session(app, now=now, user=user)
    session.index(handed_over(app, events))
    return session
