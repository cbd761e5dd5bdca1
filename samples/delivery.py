"""How records reach CloudWatch Logs: a little late, and not in step between streams.

What CloudWatch's own timestamp means for these records is not public. Here it is a fraction of a
second after the record's time, by stream, and never decreases within a stream.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from samples.hsm import Written
from samples.rng import Rng
from samples.trail import Shape, TrailEvent

_SLOWEST_STREAM_MS, _FASTEST_STREAM_MS = 400, 20
_JITTER_MS = 150


class Delivery:
    """Gives each message its timestamp and puts the messages of all streams in its order."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._delay_ms: dict[str, int] = {}
        self._last_ms: dict[str, int] = {}
        self._waiting: list[tuple[int, int, TrailEvent, Shape, int | None]] = []
        self._serial = 0

    def accept(self, written: Written, log_group: str, log_stream: str, now_ms: int) -> None:
        """Take a message that was written at `now_ms` (milliseconds since 1970)."""
        if log_stream not in self._delay_ms:
            delay = self._rng.between(_FASTEST_STREAM_MS, _SLOWEST_STREAM_MS)
            self._delay_ms[log_stream] = delay
        arrival = now_ms + self._delay_ms[log_stream] + self._rng.between(0, _JITTER_MS)
        timestamp = max(arrival, self._last_ms.get(log_stream, arrival))
        self._last_ms[log_stream] = timestamp
        self._serial += 1
        event = TrailEvent(log_group, log_stream, timestamp, written.message)
        heapq.heappush(
            self._waiting, (timestamp, self._serial, event, written.shape, written.sequence)
        )

    def release(self, before_ms: int) -> Iterator[tuple[TrailEvent, Shape, int | None]]:
        """The messages that no later one can precede: those with a timestamp before `before_ms`."""
        while self._waiting and self._waiting[0][0] < before_ms:
            _, _, event, shape, sequence = heapq.heappop(self._waiting)
            yield event, shape, sequence
