"""Several collectors over one KV Store, in any order of their calls: what may never happen.

Each collector is a thread that stands still before every call to KV Store until a rule lets it go
on, so a process can be paused anywhere, for as long as it takes others to collect for days.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloudhsm.base.errors import StateError
from cloudhsm.splunk.splunkd_rest import KvStoreUnavailable, Server
from cloudhsm.state import kv_store
from cloudhsm.state.kv_store import KvState, Owner
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from tests.bin.fake_kv_store import FakeKvStore, Json, Member
from tests.bin.fakes import DAY_MS, GROUP, NOW_MS

HOSTS = 3
_SAVES = 4
_WAIT_S = 10


class Killed(BaseException):
    """The process ends here."""


class Journal:
    """What happened at the captain, in its order: the oracle.

    heads: slots of all states that KV Store took, with their epochs and positions.
    """

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.handed_over: set[int] = set()
        self.highest_slot = 0
        self.states: list[tuple[int, int, int]] = []
        self.broken: AssertionError | None = None

    def now(self) -> int:
        """What all hosts take for the time."""
        return self.now_ms

    def took(self, document: Json) -> None:
        """A state was taken: it must lie behind all others, and know more than they did."""
        slot, epoch = document["slot"], document["epoch"]
        position = int(document["document"].split('"begun_ms":')[1].split(",")[0])
        assert slot > self.highest_slot, "a state was taken behind the newest slot"
        assert {*range(1, position + 1)} <= self.handed_over, "a state is ahead of its records"
        if self.states:
            assert epoch >= self.states[-1][1], "an older epoch advanced"
            assert position > self.states[-1][2], "an advance was lost"
        self.states.append((slot, epoch, position))


class Host(Member):
    """KV Store as one collector sees it: every call waits for its turn."""

    def __init__(self, store: FakeKvStore, journal: Journal) -> None:
        super().__init__(store, lags=True)
        self.journal = journal
        self.is_lost = False  # the answer to the next call
        self.step: Callable[[], None] = lambda: None

    def find(self, query: Json, limit: int, sort: str = "slot:-1", fields: str = "") -> list[Json]:
        self.step()
        return super().find(query, limit, sort, fields)

    def insert(self, document: Json) -> bool:
        self.step()
        is_taken = super().insert(document)
        if is_taken:
            if document["kind"] == "state":
                try:
                    self.journal.took(document)
                except AssertionError as error:  # kept for the thread that looks
                    self.journal.broken = error
            # A claim that is not confirmed may go into a slot that was deleted.
            self.journal.highest_slot = max(self.journal.highest_slot, document["slot"])
        if self.is_lost:
            self.is_lost = False
            raise KvStoreUnavailable("lost", next_step="wait")
        return is_taken

    def delete(self, query: Json) -> None:
        self.step()
        super().delete(query)


class Process:
    """One run of a collector: opens the group, hands over a record, saves, and so on."""

    def __init__(self, number: int, host: Host) -> None:
        self._host = host
        self._number = number
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._is_killed = False
        self.is_over = False
        self.surprise: BaseException | None = None
        host.step = self._pause
        threading.Thread(target=self._live, daemon=True).start()
        assert self._done.acquire(timeout=_WAIT_S)

    def go_on(self, *, kill: bool = False) -> None:
        """Let it make one call; or let it never make another."""
        self._is_killed = kill
        self._turn.release()
        assert self._done.acquire(timeout=_WAIT_S), "the process hangs"

    def _pause(self) -> None:
        if not self._is_killed:
            self._done.release()
            assert self._turn.acquire(timeout=60)
        if self._is_killed:
            raise Killed

    def _live(self) -> None:
        try:
            self._collect()
        except (Killed, StateError):
            pass
        except BaseException as error:  # noqa: BLE001  (told by the thread that steps)
            self.surprise = error
        self.is_over = True
        self._done.release()

    def _collect(self) -> None:
        owner = Owner(Server(f"guid-{self._number}", f"sh{self._number}"))
        kv = KvState(self._host, "key", GROUP, owner)
        kv.claim("aws_cloudhsm://x")
        try:
            state = kv.load().state or _first()
            for _ in range(_SAVES):
                self._host.journal.handed_over.add(state.begun_ms + 1)
                state.begun_ms += 1
                kv.save(state)
        finally:
            kv.release()


def _first() -> GroupState:
    return GroupState(GROUP, "aws_cloudhsm://x", "all", window_plan.begin(0, DAY_MS, DAY_MS))


numbers = st.integers(0, HOSTS - 1)


class Collectors(RuleBasedStateMachine):
    """Hosts that start, stop, hang, lag and lose answers."""

    def __init__(self) -> None:
        super().__init__()
        self.journal, self.store = Journal(), FakeKvStore()
        self.hosts = [Host(self.store, self.journal) for _ in range(HOSTS)]
        self.processes: list[Process | None] = [None] * HOSTS
        self.patches: list[Any] = [
            mock.patch.object(kv_store, "_now_ms", self.journal.now),
            mock.patch.object(kv_store, "_PAUSE_S", 0),
            mock.patch.object(kv_store, "_TRIES", 3),
        ]
        for patch in self.patches:
            patch.start()

    def teardown(self) -> None:
        for process in self.processes:
            if process is not None and not process.is_over:
                process.go_on(kill=True)
        for patch in self.patches:
            patch.stop()

    @rule(number=numbers, calls=st.integers(1, 12), follows=st.booleans())
    def go_on(self, number: int, calls: int, follows: bool) -> None:
        """With its run, or with the next one."""
        process = self.processes[number]
        if process is None or process.is_over:
            process = self.processes[number] = Process(number, self.hosts[number])
        for _ in range(calls):
            if process.is_over:
                return
            if follows:
                self.hosts[number].catch_up()
            process.go_on()

    @rule(number=numbers, minutes=st.sampled_from([0, 11]))
    def collect_for_a_while(self, number: int, minutes: int) -> None:
        """Run after run, so that what is old gets deleted."""
        self.journal.now_ms += minutes * 60_000
        for _ in range(3):
            self.go_on(number, 60, follows=True)

    @rule(number=numbers)
    def kill(self, number: int) -> None:
        process = self.processes[number]
        if process is not None and not process.is_over:
            process.go_on(kill=True)

    @rule(number=numbers, changes=st.integers(1, 20))
    def replicate(self, number: int, changes: int) -> None:
        self.hosts[number].catch_up(changes)

    @rule(number=numbers)
    def lose_an_answer(self, number: int) -> None:
        self.hosts[number].is_lost = True

    @rule(minutes=st.sampled_from([1, 5, 11, 60, 24 * 60]))
    @precondition(lambda self: self.journal.now_ms < NOW_MS + 25 * DAY_MS)
    def wait(self, minutes: int) -> None:
        self.journal.now_ms += minutes * 60_000

    @invariant()
    def no_rule_is_broken(self) -> None:
        if self.journal.broken is not None:
            raise self.journal.broken
        for process in self.processes:
            if process is not None and process.surprise is not None:
                raise process.surprise

    @invariant()
    def what_loads_is_the_newest_state(self) -> None:
        """Whoever looks at the captain finds the last advance, however much was deleted."""
        if not self.journal.states:
            return
        reader = KvState(self.store.member(), "key", GROUP, Owner(Server("reader", "reader")))
        loaded = reader.load()
        assert loaded.state is not None
        assert loaded.recovered_from is None
        assert loaded.state.begun_ms == self.journal.states[-1][2]


TestCollectors = Collectors.TestCase
TestCollectors.settings = settings(
    max_examples=50,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_the_oracle_notices_what_a_collector_without_a_barrier_does() -> None:
    """The machine above would see nothing if its oracle could not."""
    journal = Journal()
    journal.handed_over |= {1, 2, 3}
    journal.took(_taken(slot=2, epoch=1, position=1))
    journal.highest_slot = 9
    for wrong in (
        _taken(slot=3, epoch=1, position=2),
        _taken(slot=10, epoch=0, position=2),
        _taken(slot=10, epoch=2, position=1),
        _taken(slot=10, epoch=2, position=4),
    ):
        with suppress(AssertionError):
            journal.took(wrong)
            raise RuntimeError(f"the oracle takes {wrong}")


def _taken(*, slot: int, epoch: int, position: int) -> Json:
    return {"slot": slot, "epoch": epoch, "document": f'{{"begun_ms":{position},"x":1}}'}
