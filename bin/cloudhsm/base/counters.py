"""What runs did, counted: for the log line of a run and for the heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from cloudhsm.base.errors import CloudHsmError


@dataclass
class Counters:
    """Counters of one run or of several.

    calls:       to CloudWatch Logs, botocore's retries included. throttled: of those, refused.
    pages:       answers with or without events. empty_pages: of those, without.
    repeats:     events that were read again and not delivered again.
    failures:    groups or discoveries that failed.
    """

    runs: int = 0
    calls: int = 0
    throttled: int = 0
    pages: int = 0
    empty_pages: int = 0
    records: int = 0
    repeats: int = 0
    failures: int = 0

    def add(self, other: Counters) -> None:
        """Count what the other counted, too."""
        for name, count in asdict(other).items():
            setattr(self, name, getattr(self, name) + count)

    def to_json(self) -> dict[str, int]:
        """The counters by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, counts: Mapping[str, int]) -> Counters:
        """Counters that are not known are passed over, those that lack are zero."""
        return cls(**{item.name: int(counts.get(item.name, 0)) for item in fields(cls)})


@dataclass
class RunResult:
    """What a run did, and the state of its groups after it.

    unreached: groups for whose live window the run had no time; they come first in the next one.
    advisories: what an administrator should fix although everything works.
    """

    counters: Counters = field(default_factory=Counters)
    groups: int = 0
    unreached: int = 0
    backing_off: int = 0
    pending_gaps: int = 0
    absent_gaps: int = 0
    history_left_ms: int = 0
    oldest_settled_ms: int | None = None
    has_caught_up: bool = False
    failures: list[CloudHsmError] = field(default_factory=list)
    advisories: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The figures as `key=value` pairs, for the log."""
        counts = {name: n for name, n in self.counters.to_json().items() if name != "runs"}
        return " ".join(
            f"{name}={value}"
            for name, value in {
                "groups": self.groups,
                "unreached": self.unreached,
                **counts,
                "backing_off": self.backing_off,
                "pending_gaps": self.pending_gaps,
                "caught_up": "yes" if self.has_caught_up else "no",
            }.items()
        )
