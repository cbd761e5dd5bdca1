"""Fakes of what the collector touches: CloudWatch Logs in memory, and records to put into it."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Optional

import pytest

from cloudhsm.errors import CloudHsmError
from cloudhsm.log_source import Discovery, LogEvent, Page
from cloudhsm.settings import GroupSelector
from cloudhsm.state import GroupId

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_790_000_000_000
GROUP = GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-likphkxygsn")
HSM = "hsm-nwbbiqbj4jk"


def audit_text(
    sequence: int,
    usecs: int,
    *,
    reboot_counter: str = "0xe8",
    user: str = "admin",
    command: str = "CN_MGMT_CMD (0x0)",
) -> str:
    """A record of the older generation."""
    moment = datetime.fromtimestamp(usecs // 1_000_000, timezone.utc)
    return (
        f"Time: {moment:%m/%d/%y %H:%M:%S}.{usecs % 1_000_000:06d}, usecs:{usecs}\n"
        f"Sequence No : {sequence:#x}\n"
        f"Reboot counter : {reboot_counter}\n"
        f"Command Type(hex) : {command}\n"
        "Opcode : CN_LOGIN (0xd)\n"
        "Session Handle : 0x7014006\n"
        "Response : 0:HSM Return: SUCCESS\n"
        "Log type : MGMT_USER_DETAILS_LOG (2)\n"
        f"User Name : {user}\n"
        "User Type : CN_CRYPTO_OFFICER (2)"
    )


def event(
    sequence: int,
    at_ms: int,
    *,
    event_id: Optional[str] = None,
    stream: str = HSM,
    message: Optional[str] = None,
) -> LogEvent:
    """A CloudWatch Logs event; its id follows from stream and sequence unless one is given."""
    text = audit_text(sequence, at_ms * 1000 - 1500) if message is None else message
    return LogEvent(event_id or f"{stream}/{sequence}", stream, at_ms, text)


@dataclass
class FakeLogs:
    """CloudWatch Logs in memory: sorted, paged, both ends inclusive.

    before_page: called before each page is handed out; may raise.
    """

    events: list[LogEvent] = field(default_factory=list)
    now: int = NOW_MS
    page_size: int = 3
    groups: list[GroupId] = field(default_factory=lambda: [GROUP])
    failures: list[CloudHsmError] = field(default_factory=list)
    before_page: Callable[[int], None] = lambda page: None
    reads: list[tuple[int, int]] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.now

    def discover(self, selectors: Iterable[GroupSelector]) -> Discovery:
        return Discovery(self.groups, self.failures)

    def read(self, group: GroupId, start_ms: int, end_ms: int) -> Iterator[Page]:
        assert start_ms <= end_ms, "AWS refuses a window that ends before it starts"
        self.reads.append((start_ms, end_ms))
        inside = [e for e in self.events if start_ms <= e.timestamp_ms <= end_ms]
        inside.sort(key=lambda e: e.timestamp_ms)
        for number, first in enumerate(range(0, max(1, len(inside)), self.page_size)):
            self.before_page(number)
            page = inside[first : first + self.page_size]
            yield Page(page, page[-1].timestamp_ms if page else None)


@pytest.fixture
def logs() -> FakeLogs:
    return FakeLogs()


def handed_over(output: io.BytesIO) -> list[dict[str, str]]:
    """What an XML parser reads from a stream of events, closed or not."""
    text = output.getvalue().decode()
    if not text:
        return []
    text += "" if "</stream>" in text else "</stream>"
    return [
        {child.tag: child.text or "" for child in element}
        for element in ET.fromstring(text)  # noqa: S314  (our own output)
    ]
