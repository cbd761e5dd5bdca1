"""The command that asks for a replay, started as its help says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloudhsm.splunk.splunkd_rest import Collection, Server
from cloudhsm.state import kv_store, replay_requests
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.kv_replay_requests import KvRequests
from cloudhsm.state.kv_store import COLLECTION, KvState, Owner
from cloudhsm.state.migration import to_kv_store
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.windows import Replay
from tests.bin.conftest import LIBRARIES, ROOT
from tests.bin.fake_kv_store import FakeKvStore
from tests.bin.fake_splunkd import PASSWORD, SESSION_KEY, FakeSplunkd
from tests.bin.fakes import DAY_MS, GROUP, HSM, NOW_MS

STANZA = "aws_cloudhsm://prod"
RANGE = ("--from", "2026-01-31T08:00:00Z", "--to", "2026-01-31T12:00:00+02:00")
START_MS, END_MS = 1_769_846_400_000, 1_769_853_600_000
OTHER_ACCOUNT = replace(GROUP, account="444455556666")
OTHER_REGION = replace(GROUP, region="eu-west-1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The checkpoint folder below a SPLUNK_HOME, with the state of one group."""
    path = tmp_path / "var" / "lib" / "splunk" / "modinputs" / "aws_cloudhsm"
    save(path, GROUP)
    return path


def save(folder: Path, group: GroupId, *replays: Replay) -> Path:
    progress = window_plan.begin(0, NOW_MS, DAY_MS)
    progress.replays += replays
    with FileStateStore(folder).open(group, STANZA) as file:
        file.save(GroupState(group, STANZA, "all", progress))
    return FileStateStore(folder).path(group)


def command(folder: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    """As `splunk cmd python` starts it; SPLUNK_DB as most installations leave it: not set here."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPLUNK", "PYTHON"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "bin" / "aws_cloudhsm_replay.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder.anchor,
        env={**environment, "SPLUNK_HOME": str(folder.parents[4]), **more},
    )


def ask(folder: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    return command(folder, "--group", GROUP.name, *RANGE, *arguments, **more)


def asked_for(folder: Path, group: GroupId = GROUP) -> list[replay_requests.Request]:
    return replay_requests.waiting(FileStateStore(folder).path(group), group)


def under_way(folder: Path) -> list[Replay]:
    with FileStateStore(folder).open(GROUP, STANZA) as file:
        state = file.load().state
    assert state is not None
    return state.progress.replays


def test_a_request_waits_for_the_next_run(folder: Path) -> None:
    before_ms = time.time_ns() // 1_000_000
    said = ask(folder, "--stream", HSM, "--reason", "index hsm was lost")
    assert (said.returncode, said.stderr) == (0, "")
    (request,) = asked_for(folder)
    assert request.id in said.stdout
    assert f"the next run of {STANZA} collects {GROUP.name} stream {HSM}" in said.stdout
    assert "from 2026-01-31T08:00:00.000Z to 2026-01-31T10:00:00.000Z" in said.stdout
    assert (request.group, request.stream, request.reason) == (GROUP, HSM, "index hsm was lost")
    assert (request.start_ms, request.end_ms) == (START_MS, END_MS)
    assert before_ms <= request.requested_ms <= time.time_ns() // 1_000_000


def test_without_a_stream_all_of_the_group_is_meant(folder: Path) -> None:
    ask(folder)
    (request,) = asked_for(folder)
    assert (request.stream, request.reason) == (None, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no user database of this kind")
def test_who_asked_is_what_the_system_says_not_what_variables_say(folder: Path) -> None:
    import pwd

    ask(folder, LOGNAME="mallory", USER="mallory", USERNAME="mallory")
    (request,) = asked_for(folder)
    assert request.requested_by == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize("how", ["SPLUNK_DB", "--folder"])
def test_the_folder_may_lie_elsewhere(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "a" / "b" / "c" / "db" / "modinputs" / "aws_cloudhsm"
    save(folder, GROUP)
    if how == "SPLUNK_DB":
        said = ask(folder, SPLUNK_DB=str(folder.parents[1]))
    else:
        said = ask(folder, "--folder", folder)
    assert said.returncode == 0
    assert len(asked_for(folder)) == 1


@pytest.mark.parametrize(
    ("group", "option", "value"),
    [(OTHER_ACCOUNT, "--account", GROUP.account), (OTHER_REGION, "--region", GROUP.region)],
)
def test_one_name_in_several_accounts_or_regions_wants_to_be_told_apart(
    folder: Path, group: GroupId, option: str, value: str
) -> None:
    save(folder, group)
    said = ask(folder)
    assert said.returncode == 1
    for one in (GROUP, group):
        assert f"{one.account} in {one.region}" in said.stderr
    assert option in said.stderr
    assert ask(folder, option, value).returncode == 0
    assert len(asked_for(folder)) == 1
    assert asked_for(folder, group) == []


def test_a_group_that_nobody_collects_is_refused_and_the_others_are_named(folder: Path) -> None:
    said = command(folder, "--group", "/aws/cloudhsm/cluster-typo", *RANGE)
    assert said.returncode == 1
    assert "'/aws/cloudhsm/cluster-typo' is not collected here" in said.stderr
    assert GROUP.name in said.stderr


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T08:00:00Z", "--to is not after --from"),
        ("2026-01-31", "2026-01-31T00:00:00Z", "--to is not after --from"),
        ("2026-01-31", "2999-01-31", "--to '2999-01-31' is not an instant that has passed"),
        ("yesterday", "2026-01-31", "--from 'yesterday' is not an instant"),
        ("-3d", "2026-01-31", "--from '-3d' is not an instant"),
        ("all", "2026-01-31", "--from 'all' is not an instant"),
        ("2026-02-30", "2026-03-01", "--from '2026-02-30' is not an instant"),
        ("1769846400", "2026-03-01", "--from '1769846400' is not an instant"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(
    folder: Path, start: str, end: str, why: str
) -> None:
    said = command(folder, "--group", GROUP.name, f"--from={start}", f"--to={end}")
    assert said.returncode == 1
    assert why in said.stderr
    assert asked_for(folder) == []


def test_a_range_that_ends_within_the_next_hours_lies_in_the_future(folder: Path) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    said = command(folder, "--group", GROUP.name, "--from", "2026-01-31", "--to", soon)
    assert "--to lies in the future" in said.stderr
    assert asked_for(folder) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--group", GROUP.name, "--to", "2026-01-31"], "--from is missing"),
        (["--group", GROUP.name, "--from", "2026-01-31"], "--to is missing"),
        (["--group", GROUP.name, *RANGE, "--stream", "a:b"], "--stream is not the name"),
        (["--group", GROUP.name, *RANGE, "--stream", ""], "--stream is not the name"),
        (["--group", GROUP.name, *RANGE, "--reason", "x" * 501], "--reason is too long"),
        (["--cancel", "0" * 32], "is neither waiting nor under way"),
        (["--list", "--folder", "/nonexistent"], "There is no such checkpoint folder"),
    ],
)
def test_what_cannot_be_done_is_told_with_a_remedy(
    folder: Path, arguments: list[str], why: str
) -> None:
    said = command(folder, *arguments)
    assert (said.returncode, said.stdout) == (1, "")
    assert why in said.stderr
    assert "Traceback" not in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_outside_splunk_the_folder_must_be_named(folder: Path) -> None:
    said = command(folder, "--list", SPLUNK_HOME="")
    assert said.returncode == 1
    assert "--folder is missing, and SPLUNK_HOME is not set" in said.stderr


def test_a_damaged_state_of_another_group_is_told_and_does_not_matter(folder: Path) -> None:
    save(folder, OTHER_REGION).write_bytes(b"x")
    said = ask(folder)
    assert said.returncode == 0
    assert "Neither generation of the state can be used" in said.stderr
    assert len(asked_for(folder)) == 1


def test_the_previous_generation_of_a_state_will_do(folder: Path) -> None:
    path = save(folder, GROUP)
    path.unlink()
    assert ask(folder).returncode == 0
    assert len(asked_for(folder)) == 1


def test_the_list_shows_what_waits_what_is_under_way_and_what_is_damaged(folder: Path) -> None:
    path = save(
        folder, GROUP, Replay(START_MS, END_MS, START_MS + 1_800_000, id="a" * 32, records=7)
    )
    ask(folder, "--reason", "index\nlost")
    damaged = path.with_suffix(".replay-x")
    damaged.touch()
    (request,) = (
        one for _, one in replay_requests.found(path) if isinstance(one, replay_requests.Request)
    )
    said = command(folder, "--list").stdout.splitlines()
    assert any(line.startswith(f"{request.id} waiting: {GROUP.name} ") for line in said)
    assert any(r": 'index\nlost'" in line for line in said)
    assert any(re.match(r"a{32} under way, 25 % read, 7 records delivered", line) for line in said)
    assert any(line.startswith(damaged.name) for line in said)
    assert len(said) == 3
    assert damaged.exists()


def test_the_list_says_so_when_there_is_nothing(folder: Path) -> None:
    assert command(folder, "--list").stdout == "No replay is waiting or under way.\n"


def test_a_waiting_request_can_be_withdrawn(folder: Path) -> None:
    ask(folder)
    ask(folder)
    first, second = asked_for(folder)
    assert command(folder, "--cancel", first.id).returncode == 0
    assert asked_for(folder) == [second]


def test_a_replay_under_way_can_be_ended(folder: Path) -> None:
    kept = Replay(1, 2, 1, id="b" * 32)
    save(folder, GROUP, Replay(START_MS, END_MS, START_MS, id="a" * 32, records=7), kept)
    said = command(folder, "--cancel", "a" * 32)
    assert (said.returncode, said.stderr) == (0, "")
    assert "7 records were delivered again before" in said.stdout
    assert under_way(folder) == [kept]


def test_a_replay_is_not_ended_under_a_run(folder: Path) -> None:
    save(folder, GROUP, Replay(START_MS, END_MS, START_MS, id="a" * 32))
    with FileStateStore(folder).open(GROUP, STANZA):
        said = command(folder, "--cancel", "a" * 32)
    assert said.returncode == 1
    assert f"{STANZA} is reading this log group now" in said.stderr
    assert len(under_way(folder)) == 1


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can give files away")
def test_another_user_must_not_write_a_state_that_splunk_reads(folder: Path) -> None:
    save(folder, GROUP, Replay(START_MS, END_MS, START_MS, id="a" * 32))
    os.chown(folder, 12345, 12345)
    said = command(folder, "--cancel", "a" * 32)
    assert said.returncode == 1
    assert "user id 12345" in said.stderr
    assert len(under_way(folder)) == 1


# --- states in KV Store


@pytest.fixture
def splunkd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSplunkd]:
    """A splunkd whose KV Store has the state that the folder had."""
    monkeypatch.setattr(kv_store, "_PAUSE_S", 0)
    server = FakeSplunkd()
    server.kv = FakeKvStore().member()
    path = FileStateStore(folder).path(GROUP)
    to_kv_store(path, slots_of(server), Owner(Server(server.guid, "sh1")))
    yield server
    server.shutdown()
    server.server_close()


def slots_of(server: FakeSplunkd) -> Collection:
    return Collection(server.uri, {"token": f"Splunk {SESSION_KEY}"}, COLLECTION)


def in_kv_store(server: FakeSplunkd) -> list[replay_requests.Request]:
    key = FileStateStore(Path()).path(GROUP).stem
    return KvRequests(slots_of(server), key, GROUP).waiting()


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed add-on, with the libraries that it brings."""
    path = tmp_path_factory.mktemp("apps") / "TA-aws-cloudhsm"
    shutil.copytree(ROOT / "bin", path / "bin", ignore=shutil.ignore_patterns("__pycache__"))
    (path / "lib").symlink_to(LIBRARIES)
    return path


def over_rest(
    app: Path, server: FakeSplunkd, *arguments: object, password: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    script = str(app / "bin" / "aws_cloudhsm_replay.py")
    return subprocess.run(
        [sys.executable, script, "--kvstore", "--uri", server.uri, *map(str, arguments)],
        input=f"{password}\n",
        capture_output=True,
        text=True,
    )


def test_a_replay_of_a_group_in_kv_store_is_asked_for_listed_and_withdrawn(
    app: Path, splunkd: FakeSplunkd
) -> None:
    said = over_rest(app, splunkd, "--group", GROUP.name, *RANGE, "--reason", "disk full")
    assert (said.returncode, said.stderr) == (0, "")
    (asked,) = in_kv_store(splunkd)
    assert (asked.start_ms, asked.end_ms, asked.reason) == (START_MS, END_MS, "disk full")
    assert said.stdout.startswith(asked.id) or asked.id in said.stdout
    assert f"{asked.id} waiting" in over_rest(app, splunkd, "--list").stdout
    assert "withdrawn" in over_rest(app, splunkd, "--cancel", asked.id).stdout
    assert in_kv_store(splunkd) == []
    assert "No replay" in over_rest(app, splunkd, "--list").stdout


def test_a_replay_under_way_in_kv_store_is_ended(app: Path, splunkd: FakeSplunkd) -> None:
    key = FileStateStore(Path()).path(GROUP).stem
    owner = Owner(Server(splunkd.guid, "sh1"))
    held = KvState(slots_of(splunkd), key, GROUP, owner)
    held.claim(STANZA)
    state = held.load().state
    assert state is not None
    state.progress.replays.append(Replay(START_MS, END_MS, START_MS, id="a" * 32, records=5))
    held.save(state)
    held.release()
    assert "under way" in over_rest(app, splunkd, "--list").stdout
    assert "5 records" in over_rest(app, splunkd, "--cancel", "a" * 32).stdout
    left = KvState(slots_of(splunkd), key, GROUP, owner).load().state
    assert left is not None
    assert left.progress.replays == []


def test_what_kv_store_does_not_know_is_told(app: Path, splunkd: FakeSplunkd) -> None:
    said = over_rest(app, splunkd, "--group", "/aws/cloudhsm/other", *RANGE)
    assert said.returncode == 1
    assert f"Groups collected here: {GROUP.name}" in said.stderr
    assert "add --kvstore" not in said.stderr
    assert over_rest(app, splunkd, "--cancel", "b" * 32).returncode == 1
    wrong = over_rest(app, splunkd, "--list", password="wrong")
    assert "does not know admin with this password" in wrong.stderr
    splunkd.kv = None
    disabled = over_rest(app, splunkd, "--list")
    assert (disabled.returncode, "KV Store is disabled" in disabled.stderr) == (1, True)
    assert "Traceback" not in disabled.stderr


def test_who_asks_for_a_group_that_is_in_kv_store_is_sent_there(
    folder: Path, splunkd: FakeSplunkd
) -> None:
    said = ask(folder)
    assert said.returncode == 1
    assert "state_store = kvstore, add --kvstore" in said.stderr
