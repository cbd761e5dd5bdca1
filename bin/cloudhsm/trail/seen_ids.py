"""Which CloudWatch Logs events were handed over already, told by their event ids alone.

Ids are kept as the first eight bytes of their SHA-256, by the hour of the event's timestamp, so
that hours behind the settled mark are forgotten in one step. (Among a million ids, the chance
that a new one meets a kept one is about 1 in 18 million million.)
"""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence

DIGEST_BYTES = 8
_HOUR_MS = 3_600_000


def digest(event_id: str) -> bytes:
    """The eight bytes that stand for an event id."""
    return hashlib.sha256(event_id.encode()).digest()[:DIGEST_BYTES]


def _digests(text: str) -> bytes:
    """One behind the other. Raises ValueError where the text is not what `_packed` made."""
    packed = base64.b64decode(text, validate=True)
    if len(packed) % DIGEST_BYTES:
        raise ValueError("the digests are not a multiple of eight bytes")
    return packed


def _unpacked(text: str) -> set[bytes]:
    packed = _digests(text)
    steps = range(0, len(packed), DIGEST_BYTES)
    return {packed[step : step + DIGEST_BYTES] for step in steps}


def _packed(digests: set[bytes]) -> str:
    return base64.b64encode(b"".join(sorted(digests))).decode()


class _Hour:
    """The digests of one hour: the base64 text that the state holds, and a set while asked of.

    A set takes over ten times the memory of the text, and most hours are asked of in sweeps only.
    """

    def __init__(self, text: str = "") -> None:
        self._set: set[bytes] | None = None
        self._text: str | None = text

    def __len__(self) -> int:
        return len(_digests(self.text())) // DIGEST_BYTES if self._set is None else len(self._set)

    @property
    def digests(self) -> set[bytes]:
        """To ask, not to change."""
        if self._set is None:
            self._set = _unpacked(self.text())
        return self._set

    def add(self, new: bytes) -> None:
        self.digests.add(new)
        self._text = None

    def text(self) -> str:
        if self._text is None:  # quiet hours are not encoded again at every save
            self._text = _packed(self._set or set())
        return self._text

    def compact(self) -> None:
        self.text()
        self._set = None


class Seen:
    """The memory of one log group, from the settled mark on, by hour."""

    def __init__(self) -> None:
        self._hours: dict[int, _Hour] = {}

    def __len__(self) -> int:
        return sum(map(len, self._hours.values()))

    def is_new(self, event_id: str, timestamp_ms: int) -> bool:
        """Whether the event was not met yet; from now on it was, until it is forgotten."""
        hour = self._hours.setdefault(timestamp_ms // _HOUR_MS, _Hour())
        new = digest(event_id)
        if new in hour.digests:
            return False
        hour.add(new)
        return True

    def knows(self, event_id: str, timestamp_ms: int) -> bool:
        """Whether the event was met, without remembering it from now on."""
        hour = self._hours.get(timestamp_ms // _HOUR_MS)
        return hour is not None and digest(event_id) in hour.digests

    def fresh(self, ids: Sequence[str], times_ms: Sequence[int]) -> list[bool]:
        """Which events of a page were not met yet; from now on they were."""
        return [*map(self.is_new, ids, times_ms)]

    def knows_hours(self, first_ms: int, last_ms: int) -> bool:
        """Whether any event of these hours was met."""
        hours = range(first_ms // _HOUR_MS, last_ms // _HOUR_MS + 1)
        return not self._hours.keys().isdisjoint(hours)

    def forget_before(self, timestamp_ms: int) -> None:
        """Drop whole hours that end before this instant."""
        floor = timestamp_ms // _HOUR_MS
        self._hours = {hour: kept for hour, kept in self._hours.items() if hour >= floor}

    def compact(self) -> None:
        """Nothing is asked for a while: take as little memory as can be."""
        for hour in self._hours.values():
            hour.compact()

    def to_json(self) -> dict[str, str]:
        """`{hour since 1970: base64 of the digests}`."""
        return {str(hour): self._hours[hour].text() for hour in sorted(self._hours)}

    @classmethod
    def from_json(cls, hours: Mapping[str, str]) -> Seen:
        """Raises ValueError where the text is not what `to_json` wrote."""
        for text in hours.values():
            _digests(text)
        seen = cls()
        seen._hours = {int(hour): _Hour(text) for hour, text in hours.items()}
        return seen


class Boundary:
    """The events of one millisecond: all that a stretch of history, read once, must remember.

    Such a stretch resumes at the timestamp of the last event handed over, and more events of that
    very millisecond may follow.
    """

    def __init__(self, timestamp_ms: int | None = None, text: str = "") -> None:
        self._timestamp_ms = timestamp_ms
        self._digests = _unpacked(text)

    def is_new(self, event_id: str, timestamp_ms: int) -> bool:
        """Whether the event was not met yet; another millisecond forgets the one before."""
        if timestamp_ms != self._timestamp_ms:
            self._timestamp_ms, self._digests = timestamp_ms, set()
        new = digest(event_id)
        if new in self._digests:
            return False
        self._digests.add(new)
        return True

    def fresh(self, ids: Sequence[str], times_ms: Sequence[int]) -> list[bool]:
        """As `is_new` for each event of a page, whose times ascend.

        Nearly all pages lie behind the boundary altogether and hold no id twice: then only the
        events of their last millisecond matter.
        """
        if not ids or (self._timestamp_ms or 0) >= times_ms[0] or len({*ids}) < len(ids):
            return [*map(self.is_new, ids, times_ms)]
        self._timestamp_ms = times_ms[-1]
        self._digests = {*map(digest, ids[bisect_left(times_ms, times_ms[-1]) :])}
        return [True] * len(ids)

    def to_json(self) -> list[int | str | None]:
        """`[timestamp_ms or null, base64 of the digests]`."""
        return [self._timestamp_ms, _packed(self._digests)]
