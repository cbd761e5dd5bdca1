"""AWS's time, from the `Date` headers of its responses, where it is confirmed. Pure.

One response with a wrong `Date`, from AWS or from a proxy in its place, must not settle the future.
So there are two readings. `now_ms` is never ahead of what this host's own clock confirms within
LIMIT_MS, or a response of a later run, at least a minute later; it moves marks and verdicts.
`latest_ms` is the latest time that anything indicates; it only limits how far is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

# Clocks this close confirm each other. AWS refuses signatures that are 5 minutes off.
LIMIT_MS = 5 * 60_000
# Responses of two runs with at least this much time between them confirm each other.
APART_MS = 60_000


@dataclass
class AwsClock:
    """What is known of AWS's clock; all in milliseconds.

    offset_ms:    AWS's clock minus this host's, by the last response; 0 until there was one.
    confirmed_ms: the same, where it is confirmed.
    witness_ms:   AWS's time in a response that no other one confirms yet; witness_offset_ms its
                  offset; 0 for none.
    lowered_ms:   AWS's time in a response that was far before what was confirmed, until another
                  one agrees; 0 for none.
    is_witness_new, is_lowered_new: whether this run had that response. Several wrong dates that
                  come together confirm nothing, so only a later run can.
    """

    offset_ms: int = 0
    confirmed_ms: int = 0
    witness_ms: int = 0
    witness_offset_ms: int = 0
    lowered_ms: int = 0
    is_witness_new: bool = field(default=False, init=False, compare=False)
    is_lowered_new: bool = field(default=False, init=False, compare=False)

    def observe(self, date_ms: int, host_ms: int) -> None:
        """A response of AWS had this `Date` when this host's clock showed `host_ms`."""
        self.offset_ms = date_ms - host_ms
        if self.offset_ms < self.confirmed_ms - LIMIT_MS:
            self.lowered_ms, self.is_lowered_new = date_ms, True
        elif self.is_confirmed and self._is_later(date_ms, self.lowered_ms, self.is_lowered_new):
            self.lowered_ms = 0
        # A time that is too early only delays a mark; one that is ahead needs a second witness.
        if self.offset_ms - self.confirmed_ms <= LIMIT_MS:
            self.confirmed_ms = self.offset_ms
            self.witness_ms = self.witness_offset_ms = 0
        elif self._is_confirmed_by(date_ms):
            self.confirmed_ms = min(self.offset_ms, self.witness_offset_ms)
            self._remember(date_ms)
        elif not self.witness_ms or date_ms < self.witness_ms:
            self._remember(date_ms)

    @property
    def is_confirmed(self) -> bool:
        """Whether the last response agrees with what is confirmed."""
        return abs(self.offset_ms - self.confirmed_ms) <= LIMIT_MS

    @property
    def is_trusted(self) -> bool:
        """Whether a mark that is later than now is wrong, and not the clock."""
        return self.is_confirmed and not self.lowered_ms

    def now_ms(self, host_ms: int) -> int:
        """AWS's time, never ahead of what is confirmed."""
        return host_ms + min(self.offset_ms, self.confirmed_ms)

    def latest_ms(self, host_ms: int) -> int:
        """The latest that AWS's time can be, by any indication."""
        return host_ms + max(self.offset_ms, self.confirmed_ms)

    def to_json(self) -> dict[str, int]:
        """For the memory of an input."""
        return {name: value for name, value in asdict(self).items() if name.endswith("_ms")}

    def _is_confirmed_by(self, date_ms: int) -> bool:
        """Whether a second response is at least as far ahead as the first."""
        is_later = self._is_later(date_ms, self.witness_ms, self.is_witness_new)
        is_as_far = self.offset_ms >= self.witness_offset_ms - LIMIT_MS
        return bool(self.witness_ms) and is_later and is_as_far

    def _is_later(self, date_ms: int, earlier_ms: int, is_new: bool) -> bool:
        """Whether a response is of a later run than another one, and a minute later."""
        return not is_new and date_ms - earlier_ms >= APART_MS

    def _remember(self, date_ms: int) -> None:
        is_confirmed = self.offset_ms - self.confirmed_ms <= LIMIT_MS
        self.witness_ms = 0 if is_confirmed else date_ms
        self.witness_offset_ms = 0 if is_confirmed else self.offset_ms
        self.is_witness_new = True
