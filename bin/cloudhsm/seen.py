"""Which CloudWatch Logs events were handed over already, told by their event ids alone.

Ids are kept as the first eight bytes of their SHA-256, by the hour of the event's timestamp, so
that hours behind the settled mark are forgotten in one step. (Among a million ids, the chance
that a new one meets a kept one is about 1 in 18 million million.)
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

DIGEST_BYTES = 8
_HOUR_MS = 3_600_000


def digest(event_id: str) -> bytes:
    """The eight bytes that stand for an event id."""
    return hashlib.sha256(event_id.encode()).digest()[:DIGEST_BYTES]


class _Hour:
    """The digests of one hour, as a set to ask and as the base64 text that the state holds."""

    def __init__(self, text: str = "") -> None:
        packed = base64.b64decode(text, validate=True)
        if len(packed) % DIGEST_BYTES:
            raise ValueError("digests of an hour are not a multiple of eight bytes")
        steps = range(0, len(packed), DIGEST_BYTES)
        self.digests = {packed[step : step + DIGEST_BYTES] for step in steps}
        self._text: str | None = text

    def add(self, one: bytes) -> None:
        self.digests.add(one)
        self._text = None

    def text(self) -> str:
        if self._text is None:  # quiet hours are not encoded again at every save
            self._text = base64.b64encode(b"".join(sorted(self.digests))).decode()
        return self._text


class Seen:
    """The memory of one log group.

    Two parts: everything from the settled mark on, by hour; and, for a backfill, which resumes at a
    timestamp, the events of exactly that millisecond.
    """

    def __init__(self) -> None:
        self._hours: dict[int, _Hour] = {}
        self._boundary_ms: int | None = None
        self._boundary: set[bytes] = set()

    def __len__(self) -> int:
        return sum(len(hour.digests) for hour in self._hours.values())

    def holds(self, event_id: str, timestamp_ms: int) -> bool:
        """Whether this event was handed over."""
        one = digest(event_id)
        hour = self._hours.get(timestamp_ms // _HOUR_MS)
        if hour is not None and one in hour.digests:
            return True
        return timestamp_ms == self._boundary_ms and one in self._boundary

    def add(self, event_id: str, timestamp_ms: int) -> None:
        """Remember an event until `forget_before` passes it."""
        self._hours.setdefault(timestamp_ms // _HOUR_MS, _Hour()).add(digest(event_id))

    def add_boundary(self, event_id: str, timestamp_ms: int) -> None:
        """Remember an event of a backfill while the backfill can resume at its millisecond."""
        if timestamp_ms != self._boundary_ms:
            self._boundary_ms, self._boundary = timestamp_ms, set()
        self._boundary.add(digest(event_id))

    def end_backfill(self) -> None:
        """No backfill will resume at the remembered millisecond any more."""
        self._boundary_ms, self._boundary = None, set()

    def forget_before(self, timestamp_ms: int) -> None:
        """Drop whole hours that end before this instant."""
        floor = timestamp_ms // _HOUR_MS
        self._hours = {hour: kept for hour, kept in self._hours.items() if hour >= floor}

    def to_json(self) -> dict[str, object]:
        """`{"hours": {hour since 1970: base64}, "boundary": [ms or null, base64]}`."""
        return {
            "hours": {str(hour): self._hours[hour].text() for hour in sorted(self._hours)},
            "boundary": [self._boundary_ms, _packed(self._boundary)],
        }

    @classmethod
    def from_json(cls, hours: Mapping[str, str], boundary: tuple[int | None, str]) -> Seen:
        """Raises ValueError where the text is not what `to_json` wrote."""
        seen = cls()
        seen._hours = {int(hour): _Hour(text) for hour, text in hours.items()}
        seen._boundary_ms, seen._boundary = boundary[0], _Hour(boundary[1]).digests
        return seen


def _packed(digests: Iterable[bytes]) -> str:
    return base64.b64encode(b"".join(sorted(digests))).decode()
