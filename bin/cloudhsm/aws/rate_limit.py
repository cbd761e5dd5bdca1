"""How fast CloudWatch Logs is asked: one pace for all windows in flight.

AWS's read quotas are per account and Region and shared with everything else that reads there, the
console included, so an input takes a part of the quota and slows down when it reaches the limit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# FilterLogEvents per second, account and Region (Amazon CloudWatch Logs User Guide, "CloudWatch
# Logs quotas", 2026-11-23; not adjustable).
_QUOTA = 10
_QUOTAS = {
    "us-east-1": 25,
    "eu-central-1": 5,
    "ap-northeast-3": 5,
    "ap-southeast-3": 5,
    "ca-west-1": 5,
    "il-central-1": 5,
}
# A refused call halves the pace, down to this part of what was asked for; each answered one brings
# back this part. So a reader that reaches the limit at each tenth call keeps most of its pace.
_SLOWEST = 1 / 16
_RECOVERY = 1 / 16


def quota(region: str) -> int:
    """FilterLogEvents per second that AWS allows an account in this Region."""
    return _QUOTAS.get(region, _QUOTA)


def default_calls_per_second(region: str) -> float:
    """Half of the Region's quota: the other half is for people and for other readers."""
    return quota(region) / 2


class RateLimiter:
    """Evenly spaced permissions to call, shared by threads; also counts the calls."""

    def __init__(
        self,
        calls_per_second: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.calls = 0
        self.throttled = 0
        self._full = self._rate = calls_per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._next = monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may be made."""
        with self._lock:
            self.calls += 1
            now = self._monotonic()
            slot = max(now, self._next)
            self._next = slot + 1 / self._rate
        if slot > now:
            self._sleep(slot - now)

    def was_throttled(self) -> None:
        """AWS refused a call because of its rate."""
        with self._lock:
            self.throttled += 1
            self._rate = max(self._full * _SLOWEST, self._rate / 2)

    def was_answered(self) -> None:
        """AWS answered a call."""
        with self._lock:
            self._rate = min(self._full, self._rate + self._full * _RECOVERY)
