"""How the state of a log group grows: many records over many days, collected day by day.

    python -m tools.bench.growth [--records 10000000] [--days 100]

Runs the collector in this process, on virtual time, over records that are made as they are asked
for: four HSMs, evenly spread, one number in each 100,000 missing. Prints the size of the state
file after each tenth of the time. It may grow with what lies inside the lateness horizon and with
gaps; a state that grows with history fails.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudhsm.aws.log_source import LogEvent, Page
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.read_ahead import sequential
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile
from cloudhsm.trail.log_group import GroupId, Origin
from samples.command_parser import CommandParser
from tests.bin.fakes import GROUP, FakeLogs, audit_text

STREAMS = tuple(f"hsm-grow234567{letter}" for letter in "abcd")
BEGIN_MS = 1_790_000_000_000
DAY_MS = 86_400_000
RUN_MS = 6 * 3_600_000
PAGE = 2_900
LOST_EACH = 100_000
# What one gap may add to the state, and how far two sizes may differ for the same contents.
BYTES_PER_GAP = 400
TOLERANCE = 1.05


class EndlessGroup(FakeLogs):
    """A log group whose records follow from their number alone."""

    def __init__(self, records: int, span_ms: int) -> None:
        super().__init__(now=BEGIN_MS)
        self._records, self._span_ms = records, span_ms

    def read(
        self,
        group: GroupId,  # noqa: ARG002  (there is only one)
        start_ms: int,
        end_ms: int,
        stream: str | None = None,  # noqa: ARG002  (no caller asks for one)
    ) -> Iterator[Page]:
        first = max(0, self._number(start_ms))
        last = min(self._records, self._number(min(end_ms, self.now) + 1))
        for start in range(first, max(first + 1, last), PAGE):
            numbers = range(start, min(last, start + PAGE))
            events = [self._event(n) for n in numbers if n % LOST_EACH != LOST_EACH // 2]
            yield Page.of(events)

    def _number(self, at_ms: int) -> int:
        """The number of the first record at or after an instant."""
        return -(-(at_ms - BEGIN_MS) * self._records // self._span_ms)

    def _event(self, number: int) -> LogEvent:
        at_ms = BEGIN_MS + number * self._span_ms // self._records
        text = audit_text(number // 4, at_ms * 1000)
        return LogEvent(f"{at_ms}-{number}", STREAMS[number % 4], at_ms, text)


@dataclass
class CountingWriter:
    """Takes events and keeps none."""

    records: int = 0

    def write(self, events: Iterable[Event]) -> None:
        """The collector's own events are not counted."""

    def write_page(
        self,
        times_usecs: Sequence[int],
        texts: Sequence[str],
        senders: Sequence[Hashable],
        origins: Mapping[Any, Origin],
    ) -> list[int]:
        self.records += len(texts)
        is_complete = len(times_usecs) == len(senders) and {*senders} <= origins.keys()
        return [] if is_complete else [*range(len(texts))]

    def flush(self) -> None:
        """Nothing is kept back."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line per tenth; returns 1 if a record was lost or the state grew with history."""
    parser = CommandParser(prog="python -m tools.bench.growth", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=100)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="cloudhsm-growth-") as folder:
        sizes = [*grow(Path(folder), options.records, options.days)]
    first, last = sizes[1], sizes[-1]
    allowed = first.bytes * TOLERANCE + (last.gaps - first.gaps) * BYTES_PER_GAP
    expected = options.records - -(-(options.records - LOST_EACH // 2) // LOST_EACH)
    if last.records != expected:
        print(f"{last.records:,} of {expected:,} records were delivered", file=sys.stderr)
        return 1
    if last.bytes > allowed:
        print(f"The state grew with history: {first.bytes} to {last.bytes}", file=sys.stderr)
        return 1
    return 0


@dataclass(frozen=True)
class Size:
    """What the state was after some days."""

    day: int
    records: int
    ids: int
    gaps: int
    bytes: int


def grow(folder: Path, records: int, days: int) -> Iterator[Size]:
    """Collect four times a day, and measure after each tenth."""
    logs = EndlessGroup(records, days * DAY_MS)
    writer = CountingWriter()
    store = FileStateStore(folder)
    for run in range(days * DAY_MS // RUN_MS + 6):
        logs.now = BEGIN_MS + run * RUN_MS
        parameters = {"aws_region": "us-east-1", "start_time": "-1d", "interval": "86400"}
        settings = parse("aws_cloudhsm://growth", {**parameters}, logs.now)
        memory = InputFile(folder, "growth")
        Collector(settings, logs, store, memory, writer, Stop(), read=sequential).run()
        if run and run * RUN_MS % (days * DAY_MS // 10) == 0:
            yield _measured(store, run * RUN_MS // DAY_MS, writer.records)
    yield _measured(store, days, writer.records)


def _measured(store: FileStateStore, day: int, records: int) -> Size:
    with store.open(GROUP, "growth") as file:
        state = file.load().state
    assert state is not None  # noqa: S101  (a run saved it)
    gaps = state.ledger.pending() + state.ledger.absent()
    size = Size(day, records, len(state.seen), gaps, store.path(GROUP).stat().st_size)
    print(
        f"day {size.day:>4}: {size.records:>12,} records, {size.ids:>9,} ids inside the horizon, "
        f"{size.gaps:>4} gaps, state {size.bytes / 1024:>9,.1f} KiB",
        flush=True,
    )
    return size


if __name__ == "__main__":
    sys.exit(main())
