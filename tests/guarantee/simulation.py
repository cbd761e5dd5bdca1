"""The whole collector over a fake CloudWatch Logs, in virtual time and ended at will.

A World runs the real Collector, CloudWatchLogs, state files and XML writer in one process. Every
effect of a run is a place where it may end; what was not flushed then is lost. An Oracle beside it
tells where the guarantee was broken.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest import mock

from cloudhsm.aws import credentials
from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.rate_limit import RateLimiter
from cloudhsm.aws.session import AwsSession
from cloudhsm.base.aws_identity import AwsIdentity
from cloudhsm.base.errors import CloudHsmError, OutputClosed, StateCorrupt
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.read_ahead import Read, sequential
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.state.file_store import FileStateStore, StateFile
from cloudhsm.state.input_cache import InputFile
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.log_group import GroupId
from tests.bin.fakes import audit_text
from tests.fake_aws.faults import Faults
from tests.fake_aws.in_process import every_client, no_waiting
from tests.fake_aws.service import ACCOUNT, REGION, Arrival
from tests.fake_aws.trails import GROUP, Missing, hsm_name
from tests.guarantee.crashes import End, How, Killed, Life, MortalPipe, MortalService, mortal_files
from tests.guarantee.oracle import Oracle, Written, is_own, key_of, records_of

NOW_MS = 1_790_000_000_000
SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
# After the faults, this many runs must be enough to catch up.
_MOST_RUNS = 500


@cache
def _models() -> AwsSession:
    """The models are read from disk once; the client, with its retry quota, is new in each run."""
    return AwsSession(AwsIdentity(), credentials.RUN_TIMEOUTS)


@contextmanager
def _no_thread_left() -> Iterator[None]:
    """A thread that still fetches must not outlive the fake service behind it."""
    before = {*threading.enumerate()}
    try:
        yield
    finally:
        for thread in {*threading.enumerate()} - before:
            thread.join()


@dataclass
class World:
    """One input, one log group, and what became of its events.

    folder:       of the state files.
    horizon_ms:   the lateness horizon: whole hours.
    start_ms:     `start_time`, in whole seconds.
    skew_ms:      how far this host's clock is ahead of AWS's.
    windows:      as `windows_in_flight`. read: how they are read.
    failures:     of the last run.
    """

    folder: Path
    seed: int = 1
    faults: Faults = field(default_factory=Faults)
    horizon_ms: int = 6 * HOUR_MS
    start_ms: int = NOW_MS - 7 * DAY_MS
    retention_days: int | None = None
    skew_ms: int = 0
    windows: int = 2
    read: Read = sequential
    stanza: str = "aws_cloudhsm://world"
    failures: list[CloudHsmError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = MortalService(self.seed, NOW_MS, self.faults, ms_per_request=3)
        self.service.add_group(GROUP, self.retention_days)
        self.oracle = Oracle(self.start_ms, self._limit_ms())
        self._longest_ms = self.horizon_ms
        self._store = FileStateStore(self.folder)
        self._file = self._store.path(GroupId("aws", ACCOUNT, REGION, GROUP))
        self._broken: list[str] = []
        self._runs = 0
        self._newest: Counter[tuple[str, str]] = Counter()  # handed over between two last saves
        self._mark: tuple[int, ...] | None = None
        self._start_ms: int | None = None  # as the mark's run began
        random.seed(self.seed)  # backoff has jitter

    @property
    def told(self) -> list[dict[str, object]]:
        """What the collector said of itself."""
        return self.oracle.told

    def _limit_ms(self) -> int:
        """The `Date` header has whole seconds, so AWS's time is known this well."""
        return self.horizon_ms - self.faults.date_skew_ms - SECOND_MS

    def set_horizon(self, horizon_ms: int) -> None:
        """Another `lateness_horizon`: what was promised by the shorter of both still is."""
        self.horizon_ms = horizon_ms
        self._longest_ms = max(self._longest_ms, horizon_ms)
        self.oracle.limit_ms = min(self.oracle.limit_ms, self._limit_ms())

    def set_start(self, start_ms: int) -> None:
        """Another `start_time`; a later one than was taken over by a run changes nothing."""
        self.start_ms = start_ms
        state = self.state()
        taken_ms = start_ms if state is None else state.progress.start_ms
        self.oracle.start_ms = min(start_ms, taken_ms)

    def put(self, arrival: Arrival) -> None:
        """An event that exists now or later; see `Service.put`."""
        self.service.put(GROUP, *arrival[1:4], visible_ms=arrival.visible_ms)
        self.oracle.written.append(Written(*arrival[1:]))

    def run(self, end: End | None = None, interval_s: float = 60) -> Life:
        """One run of the input, as splunkd starts it; its end comes before an effect, if given."""
        life = self.service.life = Life(end)
        pipe = MortalPipe(life)
        saved: list[int] = []
        with ExitStack() as scene:
            scene.enter_context(every_client(self.service))
            scene.enter_context(no_waiting(self.service, self.skew_ms))
            scene.enter_context(mortal_files(life, lambda: saved.append(pipe.count())))
            scene.enter_context(mock.patch.object(credentials, "AwsSession", self._session))
            scene.enter_context(_no_thread_left())
            with suppress(Killed, OutputClosed):
                self._collect(life, pipe, interval_s)
        self._take(pipe.events(), saved, life)
        self._watch_position()
        return life

    def _collect(self, life: Life, pipe: MortalPipe, interval_s: float) -> None:
        stop = Stop()
        with mock.patch.object(signal, "signal") as registered:
            stop.listen()
        on_signal = registered.call_args.args[1]
        life.sigterm = lambda: on_signal(signal.SIGTERM, None)
        settings = parse(self.stanza, self._parameters(interval_s), self.service.now_ms)
        clock: Callable[[], float] = time.monotonic
        logs = CloudWatchLogs(settings)
        logs.pace = RateLimiter(12.5, clock, time.sleep)
        memory = InputFile(self.folder, self.stanza)
        writer = EventWriter(pipe, None)
        collector = Collector(
            settings, logs, self._store, memory, writer, stop, "splunk-1", clock, read=self.read
        )
        self.failures = collector.result.failures
        collector.run()
        writer.close()

    def _parameters(self, interval_s: float) -> dict[str, str]:
        return {
            "aws_region": REGION,
            "start_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.start_ms // 1000)),
            "lateness_horizon": f"{self.horizon_ms // HOUR_MS}h",
            "interval": str(interval_s),
            "windows_in_flight": str(self.windows),
        }

    def _take(self, events: list[dict[str, str]], saved: list[int], life: Life) -> None:
        """What splunkd got, and what of it the next run cannot know."""
        self.oracle.told += [json.loads(event["data"]) for event in events if is_own(event)]
        self.oracle.delivered += records_of(events)
        last, *earlier = [*saved[::-1], 0, 0][:2]
        if saved:
            self._newest = Counter(map(key_of, records_of(events[earlier[0] : last])))
        unsaved = Counter(map(key_of, records_of(events[last:])))
        if unsaved and (not life.has_met_its_end or life.met(How.STOPPED)):
            self._broken.append(f"handed over, but not remembered: {unsaved.most_common(2)}")
        if sum(unsaved.values()) > self.service.faults.page_events:
            self._broken.append(f"{sum(unsaved.values())} events were in flight: more than a page")
        self.oracle.excused += unsaved

    def _session(self, *_: object) -> AwsSession:
        """Credentials are renewed between two runs."""
        self._runs += 1
        session = _models()
        session.set_credentials(f"AKIAEXAMPLE{self._runs:08d}", "not-a-secret")
        return session

    def pass_minutes(self, minutes: float) -> None:
        """Time in which nothing runs."""
        self.service.advance(round(minutes * MINUTE_MS))

    def damage_state(self) -> None:
        """The newest generation is damaged, where there is another one."""
        previous = self._file.with_suffix(".previous")
        if self._file.exists() and previous.exists():
            whole = self._file.read_bytes()
            self._file.write_bytes(whole[: len(whole) // 2])
            self.oracle.excused += self._newest
            self._mark = None

    def damage_memory(self) -> None:
        """What an input remembers besides is damaged: that may cost calls, nothing else."""
        for path in self.folder.glob("*.input"):
            path.write_bytes(path.read_bytes()[:20])

    def state(self) -> GroupState | None:
        """What the next run begins with; None where that is nothing, or not to be read."""
        with suppress(StateCorrupt):
            return StateFile(self._file).load().state
        return None

    def _watch_position(self) -> None:
        """The settled mark never moves back, history never grows, what was covered stays so.

        An earlier `start_time` makes more history, once a run gets so far as to take it over.
        """
        state = self.state()
        if state is None:
            return
        progress = state.progress
        covered_ms = sum(end_ms - start_ms for start_ms, end_ms in state.ledger.covered)
        mark = (progress.settled_ms, -progress.history_left_ms, covered_ms)
        if progress.start_ms != self._start_ms:
            self._start_ms, self._mark = progress.start_ms, None
        if self._mark and any(now < before for now, before in zip(mark, self._mark)):
            self._broken.append(f"a position moved back: {self._mark} to {mark}")
        self._mark = mark

    def calm_down(self) -> None:
        """Faults end, and time passes until every event is settled and every gap judged."""
        self.service.faults = Faults(page_events=self.faults.page_events)
        visible_ms = [max(one.at_ms, one.visible_ms or one.at_ms) for one in self.oracle.written]
        end_ms = max([self.service.now_ms, *visible_ms]) + self._longest_ms * 3 // 2 + HOUR_MS
        while self.service.now_ms < end_ms:
            self.pass_minutes(self.horizon_ms / 2 / MINUTE_MS)
            self.run()
        quiet = 0
        for _ in range(_MOST_RUNS):
            self.pass_minutes(16)
            self.run()
            quiet = 0 if self._left() else quiet + 1
            if quiet == 3:  # the last look at a gap and its verdict may take one run each
                return

    def _left(self) -> list[str]:
        """What is not read to its end."""
        state = self.state()
        if state is None:
            return ["there is no state"]
        progress = state.progress
        parts = (progress.sweep, progress.backfills, progress.rereads)
        return [f"left to read: {part}" for part in parts if part]

    def complaints(self) -> list[str]:
        """Where the guarantee is broken now, after `calm_down`."""
        return [*self._broken, *self.oracle.complaints(), *self._left(), *self._memory()]

    def _memory(self) -> list[str]:
        """The state grows with what is young and with gaps, not with history."""
        state = self.state()
        if state is None:
            return []
        now_ms, found = self.service.now_ms, []
        oldest_ms = now_ms - self._longest_ms * 5 // 4 - 2 * HOUR_MS
        young = sum(one.at_ms >= oldest_ms for one in self.oracle.written)
        if len(state.seen) > young:
            found.append(f"{len(state.seen)} ids are kept, {young} events are young")
        if state.progress.settled_ms < now_ms - self._longest_ms * 5 // 4 - HOUR_MS:
            found.append("the settled mark stands still")
        return found


class Hsm:
    """One HSM that writes a trail into a world."""

    def __init__(self, world: World, number: int, sequence: int = 0, clock_off_ms: int = 0) -> None:
        self.stream = hsm_name(number)
        self.sequence = sequence
        self.reboot_counter = 0xE8
        self._world = world
        self._clock_off_ms = clock_off_ms
        world.oracle.lost += [Missing(self.stream, self.reboot_counter, n) for n in range(sequence)]

    def write(self, at_ms: int, delay_ms: int = 0, copies: int = 1, user: str = "admin") -> str:
        """One record with this CloudWatch timestamp, visible so much later; returns its text."""
        usecs = (at_ms + self._clock_off_ms) * 1000 - 1500
        counter = hex(self.reboot_counter)
        text = audit_text(self.sequence, usecs, reboot_counter=counter, user=user)
        for _ in range(copies):
            self._world.put(Arrival(GROUP, self.stream, at_ms, text, at_ms + delay_ms))
        self.sequence += 1
        return text

    def lose(self, count: int = 1) -> None:
        """Records that nobody ever delivers."""
        for _ in range(count):
            missing = Missing(self.stream, self.reboot_counter, self.sequence)
            self._world.oracle.lost.append(missing)
            self.sequence += 1

    def reboot(self, *, restarts: bool, counts: bool = True) -> None:
        """Whether the numbers begin again then is not public: they do or do not.

        counts: whether the reboot counter rises; without, only clocks can tell what was lost.
        """
        if not counts:
            self._world.oracle.ambiguous.add((self.stream, self.reboot_counter))
        self.reboot_counter += counts
        if restarts:
            self.sequence = 0
