"""What the collector asks of CloudWatch Logs, and what it gets: value types and one protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cloudhsm.errors import CloudHsmError
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
    where the page does not allow it.
    """

    events: list[LogEvent]
    resume_ms: int | None


@dataclass(frozen=True)
class Discovery:
    """The log groups to read, and what stood in the way of others."""

    groups: list[GroupId]
    failures: list[CloudHsmError]


class LogSource(Protocol):
    """The log groups of one account and Region; every method may raise a CloudHsmError."""

    def now_ms(self) -> int:
        """AWS's time in milliseconds since 1970."""

    def discover(self, selectors: Iterable[GroupSelector]) -> Discovery:
        """Find the log groups that the entries of `log_groups` mean."""

    def read(self, group: GroupId, start_ms: int, end_ms: int) -> Iterator[Page]:
        """All events with start <= timestamp <= end (both inclusive), oldest first."""
