"""The repair command that error messages name, started as its help says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile, InputState
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId
from tests.bin.conftest import LIBRARIES, ROOT
from tests.bin.fake_splunkd import AUTHORITY, PASSWORD, TOKEN, FakeSplunkd
from tests.bin.fakes import DAY_MS, GROUP, NOW_MS


@pytest.fixture
def state(tmp_path: Path) -> Path:
    store = FileStateStore(tmp_path)
    document = GroupState(GROUP, "aws_cloudhsm://prod", "all", window_plan.begin(0, NOW_MS, DAY_MS))
    with store.open(GROUP, "aws_cloudhsm://prod") as file:
        file.save(document)
        file.save(document)
    return store.path(GROUP)


def command(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "bin" / "aws_cloudhsm_state.py")
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )


def test_show_tells_whose_state_it_is_and_how_far_it_came(state: Path) -> None:
    said = command("show", state)
    assert said.returncode == 0
    assert "/aws/cloudhsm/cluster-likphkxygsn (111122223333, us-east-1)" in said.stdout
    assert "settled up to         2026-09-20T14:13:20+00:00" in said.stdout


@pytest.fixture
def splunk(tmp_path: Path) -> dict[str, str]:
    """The variables that `splunk cmd` sets, of a Splunk with the state `state` in its folder."""
    folder = tmp_path / "db" / "modinputs" / "aws_cloudhsm"
    folder.mkdir(parents=True)
    store = FileStateStore(folder)
    document = GroupState(GROUP, "aws_cloudhsm://prod", "all", window_plan.begin(0, NOW_MS, DAY_MS))
    with store.open(GROUP, "aws_cloudhsm://prod") as file:
        file.save(document)
    return {"SPLUNK_DB": str(tmp_path / "db"), "SPLUNK_HOME": str(tmp_path)}


def test_show_without_a_state_shows_all_of_this_splunk(splunk: dict[str, str]) -> None:
    said = command("show", **splunk)
    assert said.returncode == 0
    assert "/aws/cloudhsm/cluster-likphkxygsn (111122223333, us-east-1)" in said.stdout


def test_a_state_is_found_by_its_name_in_the_folder(splunk: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "db" / "modinputs" / "aws_cloudhsm"
    (state,) = folder.glob("*.state")
    assert command("show", state.name, **splunk).returncode == 0
    assert command("show", state.name, "--folder", folder).returncode == 0
    assert command("set-aside", "--force", state.name, **splunk).returncode == 0
    assert not state.exists()


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"SPLUNK_HOME": "", "SPLUNK_DB": ""}, "--folder is missing, and SPLUNK_HOME is not set"),
        ({"SPLUNK_DB": "/no/such"}, "There is no such checkpoint folder"),
    ],
)
def test_a_folder_that_is_not_known_is_one_line(variables: dict[str, str], text: str) -> None:
    said = command("show", **variables)
    assert said.returncode == 1
    assert text in said.stderr
    assert said.stderr.count("\n") == 1


def test_a_folder_without_a_state_is_named(tmp_path: Path) -> None:
    said = command("show", "--folder", tmp_path)
    assert said.returncode == 1
    assert "There is no state yet" in said.stderr
    assert str(tmp_path) in said.stderr


def test_set_aside_keeps_both_generations_under_other_names(state: Path) -> None:
    content = state.read_bytes()
    said = command("set-aside", "--force", state)
    assert said.returncode == 0
    left = sorted(path.name for path in state.parent.iterdir() if "set-aside" in path.name)
    assert len(left) == 2
    assert not state.exists()
    assert (state.parent / left[1]).read_bytes() == content
    assert command("show", state).returncode == 1


def test_a_whole_state_is_set_aside_only_by_force(state: Path) -> None:
    said = command("set-aside", state)
    assert said.returncode == 1
    assert "this state can be read" in said.stderr
    assert state.exists()


def test_a_damaged_state_is_set_aside(state: Path) -> None:
    for generation in (state, state.with_suffix(".previous")):
        generation.write_bytes(b"x")
    assert command("set-aside", state).returncode == 0
    assert not state.exists()


@pytest.mark.parametrize("name", ["show", "set-aside"])
def test_a_glob_takes_no_other_files_for_states(state: Path, name: str) -> None:
    said = command(name, state.with_suffix(".previous"))
    assert said.returncode == 1
    assert "they are called *.state" in said.stderr


def test_a_damaged_state_is_shown_from_its_previous_generation(state: Path) -> None:
    state.write_bytes(b"x")
    said = command("show", state)
    assert said.returncode == 0
    assert "previous generation used" in said.stdout


@pytest.mark.parametrize("name", ["show", "set-aside"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    said = command(name, tmp_path / "missing.state")
    assert said.returncode == 1
    assert "missing.state: there is no state here" in said.stderr
    assert "Traceback" not in said.stderr


# --- with KV Store -----------------------------------------------------------------------------

Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def splunkd() -> Iterator[FakeSplunkd]:
    server = FakeSplunkd()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(tmp_path_factory: pytest.TempPathFactory, splunkd: FakeSplunkd) -> Ask:
    """The command of an installed add-on, by a person who types the password."""
    app = tmp_path_factory.mktemp("apps") / "TA-aws-cloudhsm"
    shutil.copytree(ROOT / "bin", app / "bin", ignore=shutil.ignore_patterns("__pycache__"))
    (app / "lib").symlink_to(LIBRARIES)
    script = str(app / "bin" / "aws_cloudhsm_state.py")

    def asked(*arguments: object, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        given = ["--uri", splunkd.uri, *map(str, arguments)]
        return subprocess.run(
            [sys.executable, script, *given],
            input=f"{password}\n",
            capture_output=True,
            text=True,
        )

    return asked


def test_a_state_is_moved_to_kv_store_and_back(ask: Ask, state: Path) -> None:
    before = command("show", state).stdout
    moved = ask("to-kvstore", state)
    assert (moved.returncode, moved.stderr) == (0, "")
    assert "Set state_store = kvstore" in moved.stdout
    assert not state.exists()
    assert ask("show", "--kvstore", state.name).stdout == before
    assert ask("show", "--kvstore").stdout == before
    said = command("show", state)
    assert "was moved to KV Store" in said.stderr
    assert "to-file" in said.stderr
    assert "Set state_store = file" in ask("to-file", state).stdout
    assert command("show", state).stdout == before
    assert "was moved to a file of sh1" in ask("show", "--kvstore", state.name).stderr


def test_a_state_in_kv_store_is_set_aside_into_a_file(
    ask: Ask, state: Path, splunkd: FakeSplunkd
) -> None:
    ask("to-kvstore", state)
    assert "this state can be read" in ask("set-aside", "--kvstore", state).stderr
    said = ask("set-aside", "--kvstore", "--force", state)
    assert "kept as" in said.stdout
    (kept,) = state.parent.glob("*.kvstore-set-aside-*")
    documents = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [one["document"] for one in documents if one["kind"] == "state"]
    assert "KV Store has no such state" in ask("show", "--kvstore", state).stderr
    assert [path for path in state.parent.iterdir() if path.suffix == ".moved-to-kvstore"] == []


@pytest.mark.parametrize("name", ["to-kvstore", "to-file"])
def test_a_state_that_is_not_there_is_named(ask: Ask, tmp_path: Path, name: str) -> None:
    said = ask(name, tmp_path / "missing.state")
    assert said.returncode == 1
    assert "missing.state: " in said.stderr
    assert "has no state" in said.stderr or "there is no state" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_wrong_password_is_told_once_and_moves_nothing(ask: Ask, state: Path) -> None:
    said = ask("to-kvstore", state, password="wrong")
    assert said.returncode == 1
    assert "does not know admin with this password" in said.stderr
    assert "Traceback" not in said.stderr
    assert state.exists()


def test_a_kv_store_that_is_disabled_moves_nothing(
    ask: Ask, state: Path, splunkd: FakeSplunkd
) -> None:
    splunkd.kv = None
    said = ask("to-kvstore", state)
    assert said.returncode == 1
    assert "KV Store is disabled" in said.stderr
    assert state.exists()


def test_a_command_without_a_state_says_what_it_needs(ask: Ask) -> None:
    said = ask("to-kvstore")
    assert said.returncode == 2
    assert "to-kvstore needs at least one FILE.state" in said.stderr


@pytest.fixture
def other_host() -> Iterator[FakeSplunkd]:
    """splunkd at an address that the commands do not take for this host."""
    server = FakeSplunkd("127.0.0.2")
    yield server
    server.shutdown()
    server.server_close()


def test_the_certificate_of_another_host_is_verified_before_a_password_is_sent(
    ask: Ask, state: Path, other_host: FakeSplunkd
) -> None:
    said = ask("to-kvstore", state, "--uri", other_host.uri)
    assert said.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in said.stderr
    assert "--ca" in said.stderr
    assert other_host.requests == []
    assert state.exists()


def test_with_its_certificate_in_ca_another_host_is_used(
    ask: Ask, state: Path, other_host: FakeSplunkd, tmp_path: Path
) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    said = ask("to-kvstore", state, "--uri", other_host.uri, "--ca", tmp_path / "ca.pem")
    assert said.returncode == 0, said.stderr
    assert not state.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--uri", "http://splunk.example:8089"], "--uri http://splunk.example would send"),
        (["--uri", "https://u:p@splunk.example"], "--uri is not the URL of a host"),
        (["--ca", "/no/such/file"], "--ca cannot be used: "),
    ],
)
def test_what_would_send_a_secret_unprotected_is_refused_in_one_line(
    ask: Ask, state: Path, splunkd: FakeSplunkd, options: list[str], message: str
) -> None:
    said = ask("to-kvstore", state, *options)
    assert said.returncode == 1
    assert message in said.stderr
    assert said.stderr.count("\n") == 1
    assert splunkd.requests == []


def test_a_token_is_taken_instead_of_a_password(
    ask: Ask, state: Path, splunkd: FakeSplunkd
) -> None:
    said = ask("to-kvstore", state, "--token", password=TOKEN)
    assert said.returncode == 0, said.stderr
    assert all(path != "/services/auth/login" for _method, path, _form in splunkd.requests)


def test_a_wrong_token_moves_nothing(ask: Ask, state: Path) -> None:
    said = ask("to-kvstore", state, "--token", password="wrong")
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    assert state.exists()


def test_a_hostile_name_in_a_state_does_not_control_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[2J\u202ex.state"
    path.write_text("damaged")
    said = command("show", path)
    assert said.returncode == 1
    assert r"\x1b[2J\u202ex.state" in said.stderr
    assert "\x1b" not in said.stderr


def test_a_deleted_group_is_forgotten_and_its_state_stays(state: Path) -> None:
    memory = InputFile(state.parent, "aws_cloudhsm://prod")
    other = GroupId("aws", "1", "us-east-1", "/aws/cloudhsm/other")
    memory.save(InputState(gone=[(GROUP, NOW_MS), (other, NOW_MS)]))
    said = command("forget", state)
    assert said.returncode == 0
    assert memory.path.name in said.stdout
    assert memory.load().gone == [(other, NOW_MS)]
    assert state.exists()
    assert "no heartbeat names" in command("forget", state).stderr


def test_a_state_that_was_set_aside_is_not_reported_as_missing(state: Path) -> None:
    assert command("set-aside", "--force", state).returncode == 0
    with FileStateStore(state.parent).open(GROUP, "aws_cloudhsm://prod") as file:
        assert not file.load().is_missing
