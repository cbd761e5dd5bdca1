"""Requests for replays in KV Store: as those in files, and for the owner of a group alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudhsm.base.counters import RunResult
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.read_ahead import sequential
from cloudhsm.splunk import splunkd_rest
from cloudhsm.splunk.event_writer import EventWriter
from cloudhsm.splunk.splunkd_rest import Collection, KvStoreUnavailable, Server
from cloudhsm.state import kv_store
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile
from cloudhsm.state.kv_replay_requests import KvRequests, asked_of
from cloudhsm.state.kv_store import COLLECTION, KvStateStore, Owner
from cloudhsm.state.replay_requests import Request, document
from tests.bin.fake_kv_store import FakeKvStore
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import DAY_MS, GROUP, HSM, NOW_MS, FakeLogs, Pipe, event, handed_over

STANZA = "aws_cloudhsm://prod"
REQUEST = Request(
    "0123456789abcdef0123456789abcdef",
    GROUP,
    None,
    NOW_MS - 2 * DAY_MS,
    NOW_MS - DAY_MS,
    "alice",
    NOW_MS,
    "index hsm was lost",
)
LATER = replace(REQUEST, id="f" * 32, requested_ms=NOW_MS + 1, stream=HSM)
KEY = FileStateStore(Path()).path(GROUP).stem


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (kv_store, splunkd_rest):
        monkeypatch.setattr(room, "_PAUSE_S", 0)


@pytest.fixture
def splunkd() -> Iterator[FakeSplunkd]:
    server = FakeSplunkd()
    server.kv = FakeKvStore().member()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def slots(splunkd: FakeSplunkd) -> Collection:
    return collection(splunkd)


def collection(splunkd: FakeSplunkd) -> Collection:
    """As a run or a command opens it; one that failed once stays failed."""
    return Collection(splunkd.uri, {"token": f"Splunk {SESSION_KEY}"}, COLLECTION)


def ran(
    folder: Path,
    slots: Collection,
    logs: FakeLogs,
    host: str = "sh1",
    writer: type[EventWriter] = EventWriter,
) -> tuple[list[str], list[str], RunResult]:
    """A run of the input on a host: the texts it handed over, what it said, how it ended."""
    output = Pipe()
    settings = parse(STANZA, {"aws_region": "us-east-1", "start_time": "-3d"}, logs.now)
    store = KvStateStore(folder, slots, Owner(Server(f"guid-{host}", host)))
    memory = InputFile(folder, STANZA)
    made = writer(output, None)
    collector = Collector(settings, logs, store, memory, made, Stop(), host, read=sequential)
    try:
        result = collector.run()
        made.close()
    finally:
        logs.now += 60_000
    events = handed_over(output)
    own = [e["data"] for e in events if e["sourcetype"] == "aws:cloudhsm:collector"]
    return [e["data"] for e in events if e["sourcetype"] == "aws:cloudhsm:audit"], own, result


def test_requests_are_read_as_they_were_written_oldest_first(slots: Collection) -> None:
    requests = KvRequests(slots, KEY, GROUP)
    for one in (LATER, REQUEST):
        requests.write(one)
    assert requests.waiting() == [REQUEST, LATER]
    assert asked_of(slots) == {KEY}
    requests.discard(REQUEST)
    assert requests.waiting() == [LATER]
    assert KvRequests(slots, "another", None).waiting() == []


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (None, "does not hold one"),
        ("x", "does not hold one"),
        ({}, "does not hold one"),
        ({**document(REQUEST), "version": 2}, "its version is 2"),
        ({**document(REQUEST), "start_ms": -1}, "milliseconds since 1970"),
        (document(replace(REQUEST, group=replace(GROUP, name="other"))), "it is for other"),
    ],
)
def test_what_is_no_request_is_set_aside_and_told_once(
    slots: Collection, written: object, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    slots.insert({"_key": f"{KEY}.request.x", "for": KEY, "kind": "request", "request": written})
    KvRequests(slots, KEY, GROUP).write(REQUEST)
    with caplog.at_level(logging.ERROR, "cloudhsm"):
        for _ in range(2):
            assert KvRequests(slots, KEY, GROUP).waiting() == [REQUEST]
    assert len(caplog.records) == 1
    assert why in caplog.text
    (kept,) = slots.find({"kind": "rejected"}, 9)
    assert kept["request"] == written


def test_the_owner_adopts_a_request_once_and_hands_its_range_over_again(
    tmp_path: Path, slots: Collection
) -> None:
    logs = FakeLogs([event(n, NOW_MS - 2 * DAY_MS + n * 3_600_000) for n in range(12)])
    texts = [one.message for one in logs.events]
    first, _, _ = ran(tmp_path, slots, logs)
    assert sorted(first) == sorted(texts)
    KvRequests(slots, KEY, GROUP).write(REQUEST)
    again, said, result = ran(tmp_path, slots, logs)
    assert (again, result.failures) == (texts, [])
    assert [text.count(REQUEST.id) > 0 for text in said if '"replay"' in text] == [True, True]
    assert asked_of(slots) == set()
    assert ran(tmp_path, slots, logs)[0] == []


def test_a_host_that_stands_by_leaves_requests_alone(tmp_path: Path, slots: Collection) -> None:
    logs = FakeLogs([event(1, NOW_MS - 500)])
    ran(tmp_path / "1", slots, logs)
    KvRequests(slots, KEY, GROUP).write(REQUEST)
    _, _, result = ran(tmp_path / "2", slots, logs, "sh2")
    assert [type(one).__name__ for one in result.failures] == ["StateLocked"]
    assert asked_of(slots) == {KEY}


def test_a_request_that_could_not_be_removed_is_not_followed_twice(
    tmp_path: Path, splunkd: FakeSplunkd, caplog: pytest.LogCaptureFixture
) -> None:
    class Sticky(Collection):
        def delete(self, query: dict[str, Any]) -> None:
            if str(query.get("_key", "")).endswith(REQUEST.id):
                raise KvStoreUnavailable("KV Store is busy", next_step="Wait")
            super().delete(query)

    login = {"token": f"Splunk {SESSION_KEY}"}
    slots = Sticky(splunkd.uri, login, COLLECTION)
    logs = FakeLogs([event(n, NOW_MS - 2 * DAY_MS + n * 3_600_000) for n in range(4)])
    ran(tmp_path, slots, logs)
    KvRequests(slots, KEY, GROUP).write(REQUEST)
    with caplog.at_level(logging.ERROR, "cloudhsm"):
        runs = [ran(tmp_path, slots, logs)[0] for _ in range(3)]
    assert [len(one) for one in runs] == [4, 0, 0]
    assert "KV Store is busy" in caplog.text


class Dying(EventWriter):
    """A process that ends before its first record is handed over."""

    def write_page(self, *_columns: Any) -> list[int]:  # noqa: ANN401
        raise KeyboardInterrupt


def test_a_request_survives_the_death_of_the_run_that_adopted_it(
    tmp_path: Path, slots: Collection
) -> None:
    logs = FakeLogs([event(n, NOW_MS - 2 * DAY_MS + n * 3_600_000) for n in range(4)])
    ran(tmp_path, slots, logs)
    KvRequests(slots, KEY, GROUP).write(REQUEST)
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path, slots, logs, writer=Dying)
    assert ran(tmp_path, slots, logs)[0] == [one.message for one in logs.events]


def test_all_groups_of_a_run_cost_one_question(tmp_path: Path, splunkd: FakeSplunkd) -> None:
    logs = FakeLogs()
    logs.groups = [replace(GROUP, name=f"{GROUP.name}{n}") for n in range(5)]
    for _ in range(2):
        ran(tmp_path, collection(splunkd), logs)
    asked = [one for one in splunkd.requests if "request" in str(one)]
    assert len(asked) == 2
