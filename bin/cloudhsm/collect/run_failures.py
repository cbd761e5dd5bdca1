"""What failed in this run and in the runs before, what waits for it, and the events about it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from cloudhsm.base.errors import CloudHsmError, EndpointUnreachable, ServiceFailure
from cloudhsm.base.settings import Settings
from cloudhsm.collect.collector_events import InputReporter
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.input_cache import (
    DISCOVERY,
    GAPS,
    HISTORY,
    INPUT,
    REPLAYS,
    SWEEP,
    Failure,
    InputState,
    part_of,
)

# The parts of the work for a group: each precedes the group's name in the name of a failure.
WORK = ("", SWEEP, GAPS, HISTORY, REPLAYS)
# After a failure of AWS or of the way there, the next tries come at growing distances.
_LONGEST_BACKOFF_MS = 5 * 60_000
_PASSING = (ServiceFailure, EndpointUnreachable)


def entry(name: str) -> str:
    """The name of a failure to look up an entry of `log_groups`; "" for all of them."""
    return f"{DISCOVERY}{name}"


def _are_alike(kind: str, other: str) -> bool:
    """Whether two kinds of errors are one failure: what passes mostly shows in several ways."""
    return kind == other or {kind, other} <= {passing.__name__ for passing in _PASSING}


@dataclass
class RunFailures:
    """Failures by the name of what fails, as `InputState.failures` has them.

    tried:  what this run tried. errors: all errors of this run, in their order.
    """

    settings: Settings
    state: InputState
    now_ms: Callable[[], int]
    errors: list[CloudHsmError]
    tried: set[str] = field(default_factory=lambda: {INPUT})
    _failed: dict[str, CloudHsmError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = dict(self.state.failures)

    def add(self, name: str, error: CloudHsmError) -> None:
        """It failed in this run."""
        self.errors.append(error)
        self.tried.add(name)
        self._failed[name] = error

    def waits(self, name: str) -> bool:
        """Whether it is not to be tried yet."""
        failure = self.state.failures.get(name)
        if failure is None:
            return False
        # Not longer, whatever clock it was written by.
        return 0 < failure.retry_ms - self.now_ms() <= _LONGEST_BACKOFF_MS

    def last_part(self, name: str) -> str | None:
        """Which part of a group's work failed last, before this run; "" is its live window."""
        failures = {part: self._before.get(f"{part}{name}") for part in WORK}
        failed = [(known.retry_ms, part) for part, known in failures.items() if known is not None]
        return max(failed)[1] if failed else None

    def delays(self, name: str, part: str) -> bool:
        """Whether a failure keeps this part of a group's work waiting.

        After a failure of AWS the next try waits, whatever it is for; only the live window does not
        wait for other parts while it works itself.
        """
        parts = WORK if part or name in self._before else ("",)
        return any(self.waits(f"{part}{name}") for part in parts)

    def keep_only(self, groups: Iterable[str]) -> None:
        """Forget failures of groups and entries that are not collected any more."""
        entries = [entry(selector.name) for selector in self.settings.log_groups]
        kept = {INPUT, entry(""), *entries, *(f"{part}{name}" for name in groups for part in WORK)}
        failures = self.state.failures.items()
        self.state.failures = {name: failure for name, failure in failures if name in kept}

    def events(self, now_ms: int, reporter: InputReporter) -> Iterator[Event]:
        """Failures that began or ended with this run; from now on they are known.

        What fails alike in several parts of a group's work is one failure, and tried as one.
        """
        failures = self.state.failures
        for name in sorted(self.tried):
            known, error = failures.get(name), self._failed.get(name)
            if error is None:
                if known is not None:
                    del failures[name]
                    if known.is_reported:
                        yield reporter.collection_resumed(now_ms, name, known)
                continue
            kind = type(error).__name__
            others = self._other_parts(name)
            if known is None or not _are_alike(known.error, kind):
                known = Failure(kind, now_ms, tries=0, is_reported=False)
            if not known.is_reported and not any(
                other.is_reported and _are_alike(other.error, kind) for other in others
            ):
                known = replace(known, is_reported=True)
                yield reporter.collection_failed(now_ms, name, error)
            tries = max([known.tries, *(other.tries for other in others)]) + 1
            retry_ms = now_ms + self._backoff_ms(error, tries)
            failures[name] = replace(known, error=kind, tries=tries, retry_ms=retry_ms)

    def _other_parts(self, name: str) -> list[Failure]:
        """The failures of other parts of the same group's work."""
        group = part_of(name)[1]
        names = {f"{part}{group}" for part in WORK} - {name}
        return [failure for other, failure in self.state.failures.items() if other in names]

    def _backoff_ms(self, error: CloudHsmError, tries: int) -> int:
        """Not before this: with jitter, so that many inputs do not come back together."""
        if not isinstance(error, _PASSING):
            return 0  # a person fixes this, and wants to see it at once
        longest_ms = self.settings.interval_s * 1000 * 2 ** min(tries - 1, 10)
        return int(min(_LONGEST_BACKOFF_MS, longest_ms) * random.uniform(0.5, 1))  # noqa: S311
