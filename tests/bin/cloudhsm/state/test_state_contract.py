"""What the collector relies on, whatever keeps its states: files, or KV Store over REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cloudhsm.base.counters import RunResult
from cloudhsm.base.errors import StateCorrupt, StateError, StateLocked, StateTooNew
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.open_group import StateFile, Store
from cloudhsm.collect.read_ahead import sequential
from cloudhsm.splunk import splunkd_rest
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.splunk.splunkd_rest import Collection, Server
from cloudhsm.state import kv_store
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile
from cloudhsm.state.kv_store import COLLECTION, KvStateStore, Owner
from cloudhsm.state.migration import to_file, to_kv_store
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId
from tests.bin.fake_kv_store import FakeKvStore
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import DAY_MS, GROUP, NOW_MS, FakeLogs, Pipe, event, handed_over

STANZA = "aws_cloudhsm://prod"
OWNER = Owner(Server("guid-1", "sh1"))
OTHER = GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-other")


class Files:
    """States in a folder."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = FileStateStore(folder)
        self._path = FileStateStore(folder).path(GROUP)

    def contents(self) -> list[str]:
        """Both generations as text, the newest first."""
        return [path.read_text() for path in self._paths()]

    def damage(self, number: int, old: str, new: str) -> None:
        """Change the newest generation (0) or the one before (1)."""
        path = self._paths()[number]
        path.write_text(path.read_text().replace(old, new))

    def _paths(self) -> list[Path]:
        return [self._path, self._path.with_suffix(".previous")]

    def close(self) -> None:
        """Nothing is open."""


class KvStore:
    """States in KV Store behind a splunkd."""

    def __init__(self, folder: Path) -> None:
        self.splunkd = FakeSplunkd()
        self._kv = FakeKvStore()
        self.splunkd.kv = self._kv.member()
        login = {"token": f"Splunk {SESSION_KEY}"}
        self.slots = Collection(self.splunkd.uri, login, COLLECTION)
        self.store: Store = KvStateStore(folder, self.slots, OWNER)

    def contents(self) -> list[str]:
        return [f"{one['envelope']}\n{one['document']}" for one in self._generations()]

    def damage(self, number: int, old: str, new: str) -> None:
        head = self._generations()[number]
        for name in ("envelope", "document"):
            head[name] = head[name].replace(old, new)

    def _generations(self) -> list[dict[str, str]]:
        kept = [one for one in self._kv.documents.values() if one["kind"] == "state"]
        return sorted(kept, key=lambda one: one["slot"], reverse=True)[:2]

    def close(self) -> None:
        self.splunkd.shutdown()
        self.splunkd.server_close()


@pytest.fixture(params=[Files, KvStore])
def kept(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Files | KvStore]:
    monkeypatch.setattr(splunkd_rest, "_PAUSE_S", 0)
    monkeypatch.setattr(kv_store, "_PAUSE_S", 0)
    one = request.param(tmp_path / "checkpoints")
    yield one
    one.close()


def opened(kept: Files | KvStore, group: GroupId = GROUP) -> AbstractContextManager[StateFile]:
    return kept.store.open(group, STANZA)


def state(start_ms: int, group: GroupId = GROUP) -> GroupState:
    return GroupState(group, STANZA, "all", window_plan.begin(start_ms, start_ms + DAY_MS, DAY_MS))


def saved(kept: Files | KvStore, *starts_ms: int) -> None:
    with opened(kept) as file:
        file.load()
        for start_ms in starts_ms:
            file.save(state(start_ms))


def loaded(kept: Files | KvStore) -> tuple[int | None, str]:
    """Where collection began, by the state that loads, and why the newest one was passed over."""
    with opened(kept) as file:
        found = file.load()
    start_ms = None if found.state is None else found.state.progress.start_ms
    return start_ms, found.recovered_from or ""


def test_nothing_saved_is_no_state(kept: Files | KvStore) -> None:
    assert loaded(kept) == (None, "")


def test_the_last_save_is_what_loads_in_every_later_run(kept: Files | KvStore) -> None:
    for start_ms in (1, 2, 3):
        saved(kept, start_ms, start_ms + 10)
        assert loaded(kept) == (start_ms + 10, "")


def test_groups_have_states_of_their_own(kept: Files | KvStore) -> None:
    with opened(kept) as one, opened(kept, OTHER) as other:
        one.save(state(1))
        other.save(state(2, OTHER))
    assert loaded(kept) == (1, "")


def test_a_group_is_held_by_one_and_free_again_afterwards(kept: Files | KvStore) -> None:
    with opened(kept), pytest.raises(StateLocked), opened(kept):
        pass
    with opened(kept):
        pass


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"start_ms":2', '"start_ms":5', "checksum"),
        ('"sha256"', '"sha"', "does not begin"),
        ('"version": 1', '"version": 0', "does not begin"),
        (GROUP.name, OTHER.name, "checksum"),
        ("{", "", "does not begin"),
    ],
)
def test_a_damaged_generation_falls_back_to_the_one_before_and_never_replaces_it(
    kept: Files | KvStore, old: str, new: str, why: str
) -> None:
    saved(kept, 1, 2)
    kept.damage(0, old, new)
    start_ms, told = loaded(kept)
    assert start_ms == 1
    assert why in told
    saved(kept, 3)
    assert loaded(kept) == (3, "")
    kept.damage(0, "{", "")
    assert loaded(kept)[0] == 1


def test_two_damaged_generations_stop_and_name_the_repair_command(kept: Files | KvStore) -> None:
    saved(kept, 1, 2)
    for number in (0, 1):
        kept.damage(number, "{", "")
    with pytest.raises(StateCorrupt, match=r"aws_cloudhsm_state\.py set-aside"):
        loaded(kept)


def test_a_newer_version_stops_instead_of_guessing(kept: Files | KvStore) -> None:
    saved(kept, 1)
    kept.damage(0, '"version": 1', '"version": 2')
    with pytest.raises(StateTooNew, match="has version 2; this add-on knows 1"):
        loaded(kept)


def test_both_stores_keep_the_same_text(tmp_path: Path) -> None:
    files, kv = Files(tmp_path / "a"), KvStore(tmp_path / "b")
    try:
        for one in (files, kv):
            saved(one, 1, 2)
        envelopes, documents = zip(*(one.contents()[0].split("\n") for one in (files, kv)))
    finally:
        kv.close()
    assert documents[0] == documents[1]
    first, second = (json.loads(text) for text in envelopes)
    assert {**first, "generation": 0} == {**second, "generation": 0}


# --- a collector that moves between them -------------------------------------------------------


class Input:
    """An input whose runs follow each other, over whichever store it is given."""

    def __init__(self, folder: Path, logs: FakeLogs) -> None:
        self.folder, self.logs = folder, logs
        self.result = RunResult()

    def once(self, store: Store) -> list[str]:
        """The ids of the records that a run handed over."""
        pipe = Pipe()
        writer = EventWriter(pipe, None)
        settings = parse(STANZA, {"aws_region": "us-east-1", "start_time": "all"}, self.logs.now)
        self.result = Collector(
            settings,
            self.logs,
            store,
            InputFile(self.folder, STANZA),
            writer,
            Stop(),
            "sh1",
            read=sequential,
        ).run()
        writer.close()
        texts = [one["data"] for one in handed_over(pipe) if "cluster" in one["source"]]
        return [text for text in texts if text.startswith("Time:")]


@pytest.fixture
def kv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KvStore]:
    monkeypatch.setattr(splunkd_rest, "_PAUSE_S", 0)
    monkeypatch.setattr(kv_store, "_PAUSE_S", 0)
    one = KvStore(tmp_path)
    yield one
    one.close()


def test_a_move_there_and_back_repeats_nothing_and_leaves_no_gap(
    tmp_path: Path, kv: KvStore
) -> None:
    logs, files = FakeLogs(), FileStateStore(tmp_path)
    path, source = files.path(GROUP), Input(tmp_path, logs)
    got: list[str] = []
    stores: list[Store] = [files, kv.store, files, kv.store]
    for turn, store in enumerate(stores):
        for run in range(3):
            number = turn * 3 + run
            logs.events += [event(number * 10 + one, logs.now - 500 + one) for one in range(10)]
            got += source.once(store)
            assert not source.result.failures
            logs.now += 60_000
        move = to_file if store is kv.store else to_kv_store
        assert str(path) in move(path, kv.slots, OWNER)
    assert got == [one.message for one in logs.events]


def test_a_run_without_news_asks_kv_store_seven_times_for_a_group(
    tmp_path: Path, kv: KvStore
) -> None:
    """As docs/clustered-state.md says: 4 to own and load, 2 to save, 1 to end."""
    source = Input(tmp_path, FakeLogs())
    for _ in range(3):
        source.once(kv.store)
        source.logs.now += 60_000
    asked = len(kv.splunkd.requests)
    source.once(kv.store)
    assert len(kv.splunkd.requests) - asked == 7


def test_a_run_behind_a_move_is_refused_by_the_store_it_left(tmp_path: Path, kv: KvStore) -> None:
    logs, files = FakeLogs([event(1, NOW_MS - 500)]), FileStateStore(tmp_path)
    source, path = Input(tmp_path, logs), files.path(GROUP)
    assert source.once(files)
    for move, left, told in (
        (to_kv_store, files, "was moved to KV Store"),
        (to_file, kv.store, "was moved to a file of sh1"),
    ):
        move(path, kv.slots, OWNER)
        assert source.once(left) == []
        assert told in str(source.result.failures[0])


def test_a_move_is_refused_while_the_input_runs(tmp_path: Path, kv: KvStore) -> None:
    files = FileStateStore(tmp_path)
    path = files.path(GROUP)
    with files.open(GROUP, STANZA) as file:
        file.save(state(1))
        with pytest.raises(StateLocked, match="aws_cloudhsm://prod is reading"):
            to_kv_store(path, kv.slots, OWNER)
    to_kv_store(path, kv.slots, OWNER)
    with kv.store.open(GROUP, STANZA), pytest.raises(StateLocked):
        to_file(path, kv.slots, OWNER)
    elsewhere = KvStateStore(tmp_path / "elsewhere", kv.slots, OWNER)
    with elsewhere.open(GROUP, STANZA):
        pass
    with pytest.raises(StateLocked, match="on sh1 collected this log group"):
        to_file(path, kv.slots, Owner(Server("guid-2", "sh2")))


def test_a_move_overwrites_no_state_of_another_content(tmp_path: Path, kv: KvStore) -> None:
    files = FileStateStore(tmp_path / "files")
    path = files.path(GROUP)
    saved(kv, 2)
    with files.open(GROUP, STANZA) as file:
        file.save(state(1))
    for move in (to_kv_store, to_file):
        with pytest.raises(StateError, match="and they differ"):
            move(path, kv.slots, OWNER)
    assert loaded(kv) == (2, "")


@pytest.mark.parametrize("move", [to_kv_store, to_file])
def test_a_move_that_was_cut_is_finished_by_the_next_one(
    tmp_path: Path, kv: KvStore, move: object
) -> None:
    """Killed when both sides have the state, before the source lets go."""
    files = FileStateStore(tmp_path)
    path = files.path(GROUP)
    with files.open(GROUP, STANZA) as file:
        file.save(state(1))
    content = path.read_bytes()
    to_kv_store(path, kv.slots, OWNER)
    path.write_bytes(content)
    if move is to_kv_store:
        to_kv_store(path, kv.slots, OWNER)
        assert not path.exists()
        assert loaded(kv) == (1, "")
    else:
        to_file(path, kv.slots, OWNER)
        with files.open(GROUP, STANZA) as file:
            assert file.load().state is not None


def test_a_copy_under_another_name_is_not_moved(tmp_path: Path, kv: KvStore) -> None:
    files = FileStateStore(tmp_path)
    with files.open(GROUP, STANZA) as file:
        file.save(state(1))
    copy = files.path(GROUP).rename(tmp_path / "copy.state")
    with pytest.raises(ValueError, match=f"must be called {files.path(GROUP).name}"):
        to_kv_store(copy, kv.slots, OWNER)
