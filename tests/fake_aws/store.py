"""The events of one log group: which are visible, in which order, and page by page."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.fake_aws.faults import DAY_MS

EVENT_OVERHEAD = 26  # bytes that AWS counts on top of each message
EVENT_BYTES = 1_048_576  # of one event, overhead included


class Stored(NamedTuple):
    """An event; the order of its fields is the order in which AWS gives events out."""

    at_ms: int
    ingested_ms: int
    event_id: str
    stream: str
    message: str
    size: int  # bytes, as AWS counts a page


# What orders events, and so a place between them: timestamp, ingestion time, event id.
Position = tuple[int, int, str]


class PendingEvent(NamedTuple):
    """An event that is not visible yet."""

    visible_ms: int
    number: int
    event: Stored


@dataclass(frozen=True)
class PageLimits:
    """The limits of one page."""

    events: int
    bytes: int


@dataclass
class StreamTimes:
    """What DescribeLogStreams returns about a stream at one time."""

    created_ms: int
    first_ms: int | None = None
    last_ms: int | None = None
    ingested_ms: int | None = None


class LogGroup:
    """One log group; its retention deletes what is too old, and new events appear by the clock."""

    def __init__(self, name: str, created_ms: int) -> None:
        self.name = name
        self.created_ms = created_ms
        self.retention_days: int | None = None
        self._visible: list[Stored] = []
        self._by_stream: dict[str, list[Stored]] = {}
        self._pending: list[PendingEvent] = []
        self._puts = 0

    def add(self, event: Stored, visible_ms: int) -> None:
        """Keep an event until it becomes visible."""
        self._puts += 1
        heapq.heappush(self._pending, PendingEvent(visible_ms, self._puts, event))

    def events(self, now_ms: int) -> Sequence[Stored]:
        """All events that are visible now, in AWS's order. Not to be changed."""
        self._settle(now_ms)
        return self._visible

    def stream_events(self, stream: str, now_ms: int) -> Sequence[Stored] | None:
        """The visible events of one stream; None if there is no such stream yet."""
        self._settle(now_ms)
        return self._by_stream.get(stream)

    def streams(self, now_ms: int) -> list[str]:
        """Names of the streams that exist now, sorted."""
        self._settle(now_ms)
        return sorted(self._by_stream)

    def stream_times(self, stream: str, as_of_ms: int, now_ms: int) -> StreamTimes:
        """The times of a stream from what had been ingested by `as_of_ms`."""
        events = self.stream_events(stream, now_ms) or ()
        known = [event for event in events if event.ingested_ms <= as_of_ms]
        created_ms = min((event.ingested_ms for event in events), default=now_ms)
        if not known:
            return StreamTimes(created_ms)
        last_ingested_ms = max(event.ingested_ms for event in known)
        return StreamTimes(created_ms, known[0].at_ms, known[-1].at_ms, last_ingested_ms)

    def next_arrival_ms(self, now_ms: int) -> int | None:
        """When the next event becomes visible."""
        self._settle(now_ms)
        return self._pending[0].visible_ms if self._pending else None

    def delete_stream(self, stream: str) -> None:
        """Forget a stream with all its events, also those still on their way."""
        self._by_stream.pop(stream, None)
        self._visible = [event for event in self._visible if event.stream != stream]
        self._pending = [pending for pending in self._pending if pending.event.stream != stream]
        heapq.heapify(self._pending)

    def _settle(self, now_ms: int) -> None:
        while self._pending and self._pending[0].visible_ms <= now_ms:
            event = heapq.heappop(self._pending).event
            _place(self._visible, event)
            _place(self._by_stream.setdefault(event.stream, []), event)
        if self.retention_days is not None:
            self._expire(now_ms - self.retention_days * DAY_MS)

    def _expire(self, oldest_ms: int) -> None:
        if self._visible and self._visible[0].at_ms < oldest_ms:
            for events in (self._visible, *self._by_stream.values()):
                del events[: bisect_left(events, (oldest_ms,))]


def _place(events: list[Stored], event: Stored) -> None:
    if not events or events[-1] <= event:
        events.append(event)  # the usual case, and the fast one
    else:
        insort(events, event)


def index_after(events: Sequence[Stored], position: Position) -> int:
    """The index of the first event after a position; the event there may have been deleted."""
    index = bisect_left(events, position)
    if index < len(events) and events[index][:3] == position:
        return index + 1
    return index


def index_before(events: Sequence[Stored], position: Position) -> int:
    """One more than the index of the last event before a position."""
    return bisect_left(events, position)


def index_from(events: Sequence[Stored], at_ms: int) -> int:
    """The index of the first event with this timestamp or a later one."""
    return bisect_left(events, (at_ms,))


def page_end(events: Sequence[Stored], first: int, last: int, limits: PageLimits) -> int:
    """Where a page from `first` ends, at the latest at `last`; it has at least one event."""
    last = min(last, first + limits.events)
    used = 0
    for index in range(first, last):
        used += events[index].size
        if used > limits.bytes:
            return max(index, first + 1)
    return last


def page_start(events: Sequence[Stored], first: int, last: int, limits: PageLimits) -> int:
    """Where a page that ends at `last` begins, at `first` at the earliest (reading backwards)."""
    first = max(first, last - limits.events)
    used = 0
    for index in range(last - 1, first - 1, -1):
        used += events[index].size
        if used > limits.bytes:
            return min(index + 1, last - 1)
    return first
