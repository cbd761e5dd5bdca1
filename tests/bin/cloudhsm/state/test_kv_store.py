"""States in KV Store: who owns them, what happens to who does not, whatever KV Store does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudhsm.base.errors import StateCorrupt, StateError, StateLocked
from cloudhsm.splunk import splunkd_rest
from cloudhsm.splunk.splunkd_rest import (
    Collection,
    KvStoreUnavailable,
    Server,
    SplunkdSilent,
    describe,
)
from cloudhsm.state import kv_store
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.kv_store import COLLECTION, KvState, KvStateStore, Owner
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from tests.bin.fake_kv_store import FakeKvStore, Member
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import DAY_MS, GROUP, NOW_MS

STANZA = "aws_cloudhsm://prod"
MINUTE_MS = 60_000


class Clock:
    """What the hosts take for now."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    now = Clock()
    monkeypatch.setattr(kv_store, "_now_ms", now)
    monkeypatch.setattr(kv_store, "_PAUSE_S", 0)
    monkeypatch.setattr(splunkd_rest, "_PAUSE_S", 0)
    return now


@pytest.fixture
def kv() -> FakeKvStore:
    return FakeKvStore()


def state(start_ms: int) -> GroupState:
    return GroupState(GROUP, STANZA, "all", window_plan.begin(start_ms, start_ms + DAY_MS, DAY_MS))


def owner(number: int) -> Owner:
    return Owner(Server(f"guid-{number}", f"sh{number}"))


def opened(kv: FakeKvStore, number: int = 1, member: Member | None = None) -> KvState:
    """A collector on another host, as far as it opens the group and takes ownership."""
    one = KvState(member or kv.member(), "key", GROUP, owner(number))
    one.claim(STANZA)
    return one


def start_of(one: KvState) -> int | None:
    loaded = one.load().state
    return None if loaded is None else loaded.progress.start_ms


def heads(kv: FakeKvStore, kind: str) -> list[int]:
    return sorted(one["slot"] for one in kv.documents.values() if one["kind"] == kind)


def test_another_host_stands_by_while_the_first_one_works(kv: FakeKvStore, clock: Clock) -> None:
    for _ in range(30):
        first = opened(kv, 1)
        first.save(state(1))
        first.release()
        clock.ms += MINUTE_MS
        with pytest.raises(StateLocked, match=r"aws_cloudhsm://prod on sh1 collected this log"):
            opened(kv, 2)


def test_another_host_goes_on_where_a_silent_one_stopped(kv: FakeKvStore, clock: Clock) -> None:
    opened(kv, 1).save(state(7))
    clock.ms += kv_store.TAKEOVER_MS - 1
    with pytest.raises(StateLocked):
        opened(kv, 2)
    clock.ms += 1
    assert start_of(opened(kv, 2)) == 7


def test_a_host_waits_three_intervals_of_the_one_at_work(kv: FakeKvStore, clock: Clock) -> None:
    slow = KvState(kv.member(), "key", GROUP, Owner(Server("guid-1", "sh1"), interval_s=3600))
    slow.claim(STANZA)
    clock.ms += 3 * 3_600_000 - 1
    with pytest.raises(StateLocked):
        opened(kv, 2)


def test_the_same_host_goes_on_at_once_though_its_last_run_was_killed(
    kv: FakeKvStore, clock: Clock
) -> None:
    opened(kv, 1).save(state(7))
    clock.ms += 1
    assert start_of(opened(kv, 1)) == 7


def test_a_paused_process_is_refused_however_much_was_deleted_meanwhile(
    kv: FakeKvStore, clock: Clock
) -> None:
    paused = opened(kv, 1)
    paused.save(state(1))
    clock.ms += kv_store.TAKEOVER_MS
    for number in range(2, 60):
        other = opened(kv, 2)
        other.save(state(number))
        other.release()
        clock.ms += MINUTE_MS
    assert len(kv.documents) < 10
    for _ in range(3):
        with pytest.raises(StateLocked, match="took this log group over"):
            paused.save(state(1000))
    paused.release()
    assert start_of(opened(kv, 2)) == 59


def test_a_barrier_is_kept_for_thirty_days(kv: FakeKvStore, clock: Clock) -> None:
    opened(kv, 1)
    clock.ms += kv_store.TAKEOVER_MS
    other = opened(kv, 2)
    (barrier,) = [one for one in kv.documents.values() if one["barrier"]]
    for days, is_kept in ((29, True), (2, False)):
        clock.ms += days * DAY_MS
        for number in range(3):
            other.save(state(number))
        assert (barrier["_key"] in kv.documents) == is_kept


def test_an_old_view_does_not_win_the_group(kv: FakeKvStore, clock: Clock) -> None:
    """Its claim goes into a slot that was deleted long ago, which KV Store takes."""
    first = opened(kv, 1)
    first.save(state(0))
    first.release()
    lagging = kv.member()
    lagging.catch_up()
    lagging.lags = True
    for number in range(1, 40):
        first = opened(kv, 1)
        first.save(state(number))
        first.release()
        clock.ms += MINUTE_MS
    with pytest.raises(StateError, match="does not show what was just written"):
        opened(kv, 2, lagging)
    lagging.lags = False
    assert start_of(opened(kv, 1)) == 39


def test_a_claim_that_is_not_the_newest_slot_is_none(
    kv: FakeKvStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(kv, 1)
    first.release()
    lagging = kv.member()
    lagging.catch_up()
    lagging.lags = True
    for number in range(40):
        first = opened(kv, 1)
        first.save(state(number))
        first.release()
    clock.ms += kv_store.TAKEOVER_MS
    monkeypatch.setattr("cloudhsm.state.kv_store.time.sleep", lambda _: lagging.catch_up())
    with pytest.raises(StateLocked, match="took this log group over"):
        opened(kv, 2, lagging)


def test_an_old_view_of_another_claim_in_the_same_slot_confirms_nothing(
    kv: FakeKvStore, clock: Clock
) -> None:
    class Dozing(Member):
        """Shows nothing before its claim, and then what had been the first claim of all."""

        def insert(self, document: dict[str, object]) -> bool:
            self.catch_up(1)
            return super().insert(document)

    for number in range(5):
        first = opened(kv, 1)
        first.save(state(number))
        first.release()
    with pytest.raises(StateError, match="does not show what was just written"):
        opened(kv, 2, Dozing(kv, lags=True))


def test_of_two_that_claim_at_once_one_is_refused(kv: FakeKvStore, clock: Clock) -> None:
    class Slow(Member):
        """Another host claims between this one's look and its claim."""

        def insert(self, document: dict[str, object]) -> bool:
            opened(kv, 2)
            return super().insert(document)

    with pytest.raises(StateLocked):
        opened(kv, 1, Slow(kv, lags=False))
    clock.ms += 1
    opened(kv, 2)


def test_only_two_generations_and_little_else_are_kept(kv: FakeKvStore, clock: Clock) -> None:
    for number in range(100):
        one = opened(kv, 1)
        one.save(state(number))
        one.save(state(number))
        one.release()
        clock.ms += MINUTE_MS
    assert len(heads(kv, "state")) == 2
    assert len(kv.documents) <= 5


def test_a_damaged_generation_is_not_what_the_whole_one_is_deleted_for(
    kv: FakeKvStore, clock: Clock
) -> None:
    one = opened(kv, 1)
    one.save(state(1))
    one.save(state(2))
    one.release()
    kv.documents[f"key.{heads(kv, 'state')[-1]:012d}"]["document"] = "{}"
    again = opened(kv, 1)
    loaded = again.load()
    assert loaded.state is not None
    assert loaded.state.progress.start_ms == 1
    assert "does not match its checksum" in (loaded.recovered_from or "")
    again.save(state(3))
    kv.documents[f"key.{heads(kv, 'state')[-1]:012d}"]["document"] = "{}"
    assert start_of(opened(kv, 1)) == 1, "two generations are damaged, the whole one is still there"
    kv.documents[f"key.{heads(kv, 'state')[0]:012d}"]["document"] = "{}"
    with pytest.raises(StateCorrupt, match="set-aside --kvstore"):
        opened(kv, 1).load()


def test_a_long_state_is_kept_in_parts(
    kv: FakeKvStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kv_store, "PART_CHARACTERS", 100)
    one = opened(kv, 1)
    for number in range(5):
        one.save(state(number))
    assert start_of(opened(kv, 1)) == 4
    parts = [key for key, document in kv.documents.items() if document["kind"] == "part"]
    of = {kv.documents[key]["slot"] for key in parts}
    assert of == {*heads(kv, "state")}, "parts of older generations are deleted with them"
    kv.change(parts[-1], None)
    loaded = opened(kv, 1).load()
    assert loaded.state is not None
    assert loaded.state.progress.start_ms == 3
    assert "lacks parts" in (loaded.recovered_from or "")


def test_a_state_above_the_limit_of_a_document_is_saved_and_read(
    kv: FakeKvStore, clock: Clock
) -> None:
    one = opened(kv, 1)
    large = state(5)
    large.noted = ["x" * 40_000_000]
    one.save(large)
    loaded = opened(kv, 1).load().state
    assert loaded is not None
    assert loaded.noted == large.noted


@pytest.mark.parametrize("change", [{"epoch": None}, {"writer": None}, {"at_ms": []}])
def test_a_document_that_somebody_else_wrote_stops_with_its_key(
    kv: FakeKvStore, clock: Clock, change: dict[str, object]
) -> None:
    opened(kv, 1).save(state(1))
    newest = kv.documents[f"key.{heads(kv, 'state')[-1]:012d}"]
    kv.member().insert({**newest, "slot": 9, "_key": "by hand", **change})
    with pytest.raises((StateCorrupt, StateError), match="by hand"):
        opened(kv, 1)


# --- over splunkd's REST -----------------------------------------------------------------------


@pytest.fixture
def splunkd(clock: Clock) -> Iterator[FakeSplunkd]:
    server = FakeSplunkd()
    yield server
    server.shutdown()
    server.server_close()


def collection(splunkd: FakeSplunkd) -> Collection:
    return Collection(splunkd.uri, {"token": f"Splunk {SESSION_KEY}"}, COLLECTION)


def over_rest(splunkd: FakeSplunkd) -> KvState:
    one = KvState(collection(splunkd), "key", GROUP, owner(1))
    one.claim(STANZA)
    return one


def test_states_are_kept_over_rest(splunkd: FakeSplunkd) -> None:
    one = over_rest(splunkd)
    for number in range(4):
        one.save(state(number))
    one.release()
    assert start_of(over_rest(splunkd)) == 3
    assert {path for _, path, _ in splunkd.requests} == {
        f"/servicesNS/nobody/TA-aws-cloudhsm/storage/collections/data/{COLLECTION}"
    }


@pytest.mark.parametrize("fault", [503, FakeSplunkd.LOST])
def test_a_captain_that_is_lost_for_a_moment_is_asked_again(
    splunkd: FakeSplunkd, fault: int
) -> None:
    one = over_rest(splunkd)
    for number in range(4):
        splunkd.kv_faults = [fault, fault]
        one.save(state(number))
    assert start_of(over_rest(splunkd)) == 3


def test_a_state_whose_answer_was_lost_for_good_is_there_for_the_next_run(
    splunkd: FakeSplunkd,
) -> None:
    one = over_rest(splunkd)
    one.save(state(1))
    splunkd.kv_faults = [FakeSplunkd.LOST] + [503] * 5
    with pytest.raises(KvStoreUnavailable):
        one.save(state(2))
    one.release()
    splunkd.kv_faults = []
    assert start_of(over_rest(splunkd)) == 2


@pytest.mark.parametrize("status", [503, 500, 307])
def test_a_kv_store_without_a_captain_is_told_with_what_to_do(
    splunkd: FakeSplunkd, status: int
) -> None:
    splunkd.kv_faults = [status] * 9
    with pytest.raises(KvStoreUnavailable, match=str(status)) as caught:
        over_rest(splunkd)
    assert "show kvstore-status" in caught.value.next_step
    assert SESSION_KEY not in str(caught.value)


def test_a_kv_store_that_is_disabled_is_told_with_its_setting(splunkd: FakeSplunkd) -> None:
    splunkd.kv = None
    with pytest.raises(KvStoreUnavailable, match="KV Store is disabled") as caught:
        over_rest(splunkd)
    assert "disabled = false" in caught.value.next_step


def test_a_kv_store_that_hangs_costs_a_run_one_wait(
    splunkd: FakeSplunkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splunkd_rest, "_TIMEOUT_S", 0.2)
    slots = collection(splunkd)
    splunkd.delay_s = 1
    asked = len(splunkd.requests)
    for _ in range(20):
        with pytest.raises(KvStoreUnavailable, match="did not answer in time"):
            KvState(slots, "key", GROUP, owner(1)).claim(STANZA)
    assert len(splunkd.requests) <= asked + 1


def test_a_session_without_rights_is_told(splunkd: FakeSplunkd) -> None:
    splunkd.denied = True
    with pytest.raises(KvStoreUnavailable, match="HTTP 403") as caught:
        over_rest(splunkd)
    assert "read and write access" in caught.value.next_step


def test_a_collection_that_was_not_installed_is_told(splunkd: FakeSplunkd) -> None:
    slots = Collection(splunkd.uri, {"token": f"Splunk {SESSION_KEY}"}, "another")
    with pytest.raises(KvStoreUnavailable, match="does not know the add-on's collection"):
        slots.find({}, 1)


def test_splunkd_says_what_it_is(splunkd: FakeSplunkd) -> None:
    splunkd.roles = ["shc_member", "kv_store"]
    assert describe(splunkd.uri, {"token": f"Splunk {SESSION_KEY}"}) == Server(
        splunkd.guid, "sh1", ("shc_member", "kv_store")
    )


def test_a_splunkd_that_says_nothing_is_named(splunkd: FakeSplunkd) -> None:
    splunkd.denied = True
    with pytest.raises(SplunkdSilent, match=splunkd.uri):
        describe(splunkd.uri, {"token": f"Splunk {SESSION_KEY}"})


# --- what hosts keep for themselves ----------------------------------------------------------


def store(folder: Path, kv: FakeKvStore, number: int = 1) -> KvStateStore:
    return KvStateStore(folder, kv.member(), owner(number))


def test_two_processes_of_one_host_cannot_open_one_group(
    tmp_path: Path, kv: FakeKvStore, clock: Clock
) -> None:
    with (
        store(tmp_path, kv).open(GROUP, STANZA),
        pytest.raises(StateLocked, match="reading this log group now"),
        store(tmp_path, kv).open(GROUP, "aws_cloudhsm://other"),
    ):
        pass


def test_a_state_in_a_file_must_be_moved_before_kv_store_is_used(
    tmp_path: Path, kv: FakeKvStore, clock: Clock
) -> None:
    with FileStateStore(tmp_path).open(GROUP, STANZA) as file:
        file.save(state(1))
    with (
        store(tmp_path, kv).open(GROUP, STANZA) as held,
        pytest.raises(StateError, match="this host has one in a file") as caught,
    ):
        held.load()
    assert "to-kvstore" in caught.value.next_step


def test_a_host_stands_by_while_another_one_works_for_the_input(
    tmp_path: Path, kv: FakeKvStore, clock: Clock
) -> None:
    assert store(tmp_path / "1", kv, 1).at_work(STANZA) is None
    with store(tmp_path / "1", kv, 1).open(GROUP, STANZA):
        pass
    assert store(tmp_path / "1", kv, 1).at_work(STANZA) is None
    assert store(tmp_path / "2", kv, 2).at_work(STANZA) == "sh1"
    assert store(tmp_path / "2", kv, 2).at_work("aws_cloudhsm://other") is None
    clock.ms += kv_store.TAKEOVER_MS
    assert store(tmp_path / "2", kv, 2).at_work(STANZA) is None


def test_of_two_hosts_that_began_at_once_one_goes_on(kv: FakeKvStore, clock: Clock) -> None:
    for number in (1, 2):
        one = KvState(kv.member(), f"key {number}", GROUP, owner(number))
        one.claim(STANZA)
    assert store(Path("1"), kv, 1).at_work(STANZA) is None
    assert store(Path("2"), kv, 2).at_work(STANZA) == "sh1"
