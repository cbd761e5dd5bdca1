"""What the collector asks of CloudWatch Logs, and what it gets: value types and one protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cloudhsm.errors import CloudHsmError
from cloudhsm.pace import Pace
from cloudhsm.settings import GroupSelector
from cloudhsm.state import GroupId


class LogEvent(NamedTuple):
    """One event of CloudWatch Logs; `timestamp_ms` is CloudWatch's, not the record's own time."""

    event_id: str
    stream: str
    timestamp_ms: int
    message: str


@dataclass(frozen=True)
class Page:
    """One answer, possibly empty.

    resume_ms: reading may resume at this timestamp (inclusive) once the page was handed over; None
    for an empty page, which tells nothing.
    """

    events: list[LogEvent]
    resume_ms: int | None


@dataclass(frozen=True)
class FoundGroup:
    """A log group, and after how many milliseconds it deletes; None if never, or not known."""

    id: GroupId
    retention_ms: int | None = None


@dataclass(frozen=True)
class Discovery:
    """The log groups to read, and what stood in the way of others."""

    groups: list[FoundGroup]
    failures: list[CloudHsmError]


class LogSource(Protocol):
    """The log groups of one account and Region; every method may raise a CloudHsmError.

    clock_offset_ms: AWS's clock minus this host's, as last learned. pace: counts the calls.
    """

    clock_offset_ms: int
    pace: Pace

    def now_ms(self) -> int:
        """AWS's time in milliseconds since 1970."""

    def discover(self, selectors: Iterable[GroupSelector]) -> Discovery:
        """Find the log groups that the entries of `log_groups` mean."""

    def read(
        self, group: GroupId, start_ms: int, end_ms: int, stream: str | None = None
    ) -> Iterator[Page]:
        """All events with start <= timestamp <= end (both inclusive), oldest first."""

    def holds_before(self, group: GroupId, stream: str, before_ms: int) -> bool:
        """Whether there is any event of a stream before an instant."""
