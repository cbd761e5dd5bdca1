"""Heavy forwarders on Windows and Splunk in FIPS mode, as far as another system can stand in."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.errors import StateError, StateLocked
from cloudhsm.splunk.log_file import file_name
from cloudhsm.state import file_store, replay_requests
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import InputFile
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId
from tests.bin.conftest import LIBRARIES, ROOT
from tests.bin.fakes import DAY_MS, GROUP, NOW_MS, ScriptedAws, described, event, holding
from tools.demo import local_aws, splunkd

# Modules that Python for Windows does not have (Python Library Reference, "Unix-specific").
UNIX_ONLY = ("fcntl", "grp", "pwd", "resource", "syslog", "termios")
CHECKPOINTS = PureWindowsPath(r"C:\Program Files\Splunk\var\lib\splunk\modinputs\aws_cloudhsm")
LOGS = PureWindowsPath(r"C:\Program Files\Splunk\var\log\splunk")
# CreateFile takes 259 characters unless long paths were switched on.
LONGEST_PATH = 259


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    """A CloudWatch Logs that holds ten records."""
    server = ScriptedAws()
    at_ms = time.time_ns() // 1_000_000 - 600_000
    trail = [event(n, at_ms + n) for n in range(10)]
    server.script["DescribeLogGroups"] = [described(GROUP.name)]
    server.script["FilterLogEvents"] = holding(trail, page_size=4)
    yield server
    server.shutdown()
    server.server_close()


class WindowsOs(ModuleType):
    """`os` as Windows has it, where the collector can tell the difference."""

    name = "nt"

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        """Windows opens no folders."""
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os.open(path, flags, mode)


class FakeMsvcrt(ModuleType):
    """Locks of single bytes by file handle: EACCES where another handle holds them.

    `failure` stands in for whatever else a file system answers.
    """

    LK_UNLCK, LK_NBLCK = 0, 2
    failure: int | None = None

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.held: dict[tuple[int, int], int] = {}

    def locking(self, handle: int, mode: int, count: int) -> None:
        if self.failure is not None:
            raise OSError(self.failure, os.strerror(self.failure))
        assert count == 1
        key = os.fstat(handle).st_ino, os.lseek(handle, 0, os.SEEK_CUR)
        holder = self.held.get(key)
        if mode == self.LK_UNLCK:
            if holder != handle:
                raise OSError(errno.EACCES, "Permission denied")
            del self.held[key]
        elif holder not in (None, handle) and _is_open(holder, key[0]):
            raise OSError(errno.EACCES, "Permission denied")
        else:
            self.held[key] = handle


def _is_open(handle: int | None, inode: int) -> bool:
    """Windows lets go of the locks of a handle that was closed."""
    try:
        return handle is not None and os.fstat(handle).st_ino == inode
    except OSError:
        return False


@pytest.fixture
def msvcrt(monkeypatch: pytest.MonkeyPatch) -> FakeMsvcrt:
    """The rest of this test runs on what the state store takes for Windows."""
    module = FakeMsvcrt()
    monkeypatch.setitem(sys.modules, "msvcrt", module)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(file_store, "os", WindowsOs("os"))
    return module


def state(start_ms: int = 0) -> GroupState:
    return GroupState(GROUP, "aws_cloudhsm://a", "all", window_plan.begin(start_ms, NOW_MS, DAY_MS))


def start_of(folder: Path) -> int:
    with FileStateStore(folder).open(GROUP, "aws_cloudhsm://x") as file:
        loaded = file.load()
    assert loaded.state is not None
    assert loaded.recovered_from is None
    return loaded.state.progress.start_ms


def test_a_state_is_saved_on_windows_where_no_folder_can_be_synced(
    msvcrt: FakeMsvcrt, tmp_path: Path
) -> None:
    with FileStateStore(tmp_path).open(GROUP, "aws_cloudhsm://a") as file:
        file.save(state(1))
        file.save(state(2))
    assert start_of(tmp_path) == 2


def test_a_second_input_is_refused_on_windows_and_told_who_reads(
    msvcrt: FakeMsvcrt, tmp_path: Path
) -> None:
    store = FileStateStore(tmp_path)
    with store.open(GROUP, "aws_cloudhsm://first") as file:
        file.save(state())
        second = store.open(GROUP, "aws_cloudhsm://second")
        with pytest.raises(StateLocked, match="aws_cloudhsm://first is reading this log group now"):
            second.__enter__()
    with store.open(GROUP, "aws_cloudhsm://second") as file:
        assert file.load().state is not None


def test_what_is_locked_on_windows_lies_behind_what_others_read(
    msvcrt: FakeMsvcrt, tmp_path: Path
) -> None:
    with FileStateStore(tmp_path).open(GROUP, "aws_cloudhsm://a"):
        ((_, position),) = msvcrt.held
        (lock,) = tmp_path.glob("*.lock")
        assert lock.read_bytes() == b"aws_cloudhsm://a"
        assert position > 1_000_000


def test_a_drive_without_locks_is_not_blamed_on_another_process(
    msvcrt: FakeMsvcrt, tmp_path: Path
) -> None:
    msvcrt.failure = errno.EINVAL
    with (
        pytest.raises(StateError, match="The state cannot be locked") as caught,
        FileStateStore(tmp_path).open(GROUP, "aws_cloudhsm://a"),
    ):
        pass
    assert not isinstance(caught.value, StateLocked)


@pytest.mark.parametrize("suffix", [".state", ".previous"])
def test_a_file_that_somebody_keeps_open_on_windows_costs_no_generation(
    msvcrt: FakeMsvcrt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    replace = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if suffix in (self.suffix, target.suffix):
            raise PermissionError(errno.EACCES, "Access is denied", str(self))
        return replace(self, target)

    with FileStateStore(tmp_path).open(GROUP, "aws_cloudhsm://a") as file:
        file.save(state(1))
        file.save(state(2))
        with monkeypatch.context() as held:
            held.setattr(Path, "replace", refused)
            with pytest.raises(StateError, match="cannot be saved"):
                file.save(state(3))
        assert start_of_open(tmp_path) == 2
        file.save(state(4))
    assert start_of(tmp_path) == 4


def start_of_open(folder: Path) -> int:
    """What the state says while it is held, as the commands read it."""
    loaded = file_store.StateFile(FileStateStore(folder).path(GROUP)).load()
    assert loaded.state is not None
    return loaded.state.progress.start_ms


def test_a_lock_is_let_go_on_windows_before_its_file_is_closed(
    msvcrt: FakeMsvcrt, tmp_path: Path
) -> None:
    with FileStateStore(tmp_path).open(GROUP, "aws_cloudhsm://a"):
        assert msvcrt.held
    assert not msvcrt.held


def test_a_file_that_a_scanner_holds_for_a_moment_is_replaced_all_the_same(
    msvcrt: FakeMsvcrt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace, refusals = Path.replace, [1, 1, 1]

    def held(path: Path, target: Path) -> Path:
        if refusals:
            raise PermissionError(errno.EACCES, f"in use {refusals.pop()}", str(path))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(file_store, "_RENAME_PAUSE_S", 0)
    with FileStateStore(tmp_path).open(GROUP, "aws_cloudhsm://a") as file:
        file.save(state(1))
    assert start_of(tmp_path) == 1


def test_a_stanza_is_read_as_its_document_is_encoded_whatever_the_code_page(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    given = {"aws_region": "us-east-1", "endpoint_url": aws.url, "start_time": "-1d"}
    document = splunkd.configuration("aws_cloudhsm://pr\u00fcf-\u65e5\u672c", given, tmp_path)
    said = subprocess.run(
        [sys.executable, str(app / "bin" / "aws_cloudhsm.py")],
        input=f'<?xml version="1.0" encoding="UTF-8"?>{document}'.encode(),
        capture_output=True,
        env={**local_aws.environment(), "PYTHONIOENCODING": "cp1252:strict"},
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.count(b"<event>") > 10
    assert "aws_cloudhsm://pr\u00fcf-\u65e5\u672c".encode() in said.stdout


def test_nothing_that_ships_needs_a_module_of_unix(app: Path) -> None:
    source = ROOT / "bin"
    paths = [path.relative_to(source).with_suffix("") for path in sorted(source.rglob("*.py"))]
    modules = [".".join(path.parts) for path in paths if path.name != "__init__"]
    assert {"aws_cloudhsm", "cloudhsm.wiring", "cloudhsm.state.file_store"} <= {*modules}
    code = (
        "import importlib, sys\n"
        f"for name in {UNIX_ONLY}: sys.modules[name] = None\n"
        f"sys.path.insert(0, {str(app / 'bin')!r})\n"
        f"sys.path += [{str(LIBRARIES / 'common')!r}, {str(LIBRARIES / _set())!r}]\n"
        f"sys.path.append({str(ROOT / 'tests/bin/persistent/stub')!r})\n"
        f"for name in {modules}: importlib.import_module(name)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


def _set() -> str:
    return "py39" if sys.version_info < (3, 10) else "py313"


NAMES = st.text(min_size=1, max_size=600)


@given(st.sampled_from(["aws", "aws-us-gov"]), NAMES, NAMES)
def test_every_file_has_a_name_that_windows_allows(partition: str, group: str, name: str) -> None:
    owner = GroupId(partition, "1" * 12, "ap-northeast-1", group.replace("\ud800", "x"))
    stanza = f"aws_cloudhsm://{name}"
    state_path = FileStateStore(Path("x")).path(owner)
    request = Request("0" * 32, owner, None, 0, 1, "me", 2, "")
    waiting = replay_requests.path(state_path, request).name
    kept = [state_path.name, InputFile(Path("x"), stanza).path.name, f"{waiting}.rejected"]
    paths = [*(CHECKPOINTS / one for one in kept), LOGS / f"{file_name(stanza)}.4"]
    for path in paths:
        assert set(path.name) <= set(ALLOWED)
        assert not path.is_reserved() if sys.version_info < (3, 13) else path.name[0] != "."
        assert path.name[-1] not in ". "
        assert len(str(path)) <= LONGEST_PATH


ALLOWED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"


def test_names_that_differ_in_case_only_have_files_of_their_own() -> None:
    ours, theirs = "aws_cloudhsm://Prod", "aws_cloudhsm://prod"
    folder = Path("x")
    inputs = {InputFile(folder, one).path.name.lower() for one in (ours, theirs)}
    groups = {
        FileStateStore(folder).path(GroupId("aws", "1" * 12, "us-east-1", one)).name.lower()
        for one in (ours, theirs)
    }
    assert (
        len(inputs) == len(groups) == len({file_name(one).lower() for one in (ours, theirs)}) == 2
    )


REFUSING_MD5 = """
import hashlib, _hashlib

def refused(*_args, **_kwargs):
    raise ValueError("[digital envelope routines: EVP_DigestInit_ex] disabled for FIPS")

def checked(create):
    def new(name, *args, **kwargs):
        return refused() if name.lower() == "md5" else create(name, *args, **kwargs)
    return new

hashlib.new, _hashlib.new = checked(hashlib.new), checked(_hashlib.new)
hashlib.md5 = _hashlib.openssl_md5 = refused
"""


@pytest.fixture
def fips(tmp_path: Path) -> dict[str, str]:
    """The environment of a Python whose OpenSSL is in FIPS mode."""
    folder = tmp_path / "fips"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(REFUSING_MD5)
    given = {k: v for k, v in local_aws.environment().items() if not k.startswith("PYTHON")}
    return {**given, "PYTHONPATH": str(folder)}


def start(
    app: Path, env: dict[str, str], *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(app / "bin" / "aws_cloudhsm.py"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env=env,
    )


@pytest.mark.parametrize("call", ["md5()", "md5(usedforsecurity=False)", "new('md5')"])
def test_the_stand_in_for_fips_refuses_md5(fips: dict[str, str], call: str) -> None:
    code = f"import hashlib; hashlib.sha256(); hashlib.new('sha256'); hashlib.{call}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=fips)
    assert "disabled for FIPS" in said.stderr


def test_a_run_needs_no_md5(
    app: Path, aws: ScriptedAws, fips: dict[str, str], tmp_path: Path
) -> None:
    given = {"aws_region": "us-east-1", "endpoint_url": aws.url, "calls_per_second": "100"}
    stdin = splunkd.configuration("aws_cloudhsm://prod", given, tmp_path / "checkpoints")
    for expected in (10, 0):
        said = start(app, fips, stdin=stdin)
        records = said.stdout.count("<sourcetype>aws:cloudhsm:audit</sourcetype>")
        assert (said.returncode, records) == (0, expected), said.stderr
        assert "level=ERROR" not in said.stderr
        assert "ERROR" not in said.stderr


def test_the_scheme_needs_no_md5(app: Path, fips: dict[str, str]) -> None:
    said = start(app, fips, "--scheme")
    assert (said.returncode, said.stderr) == (0, "")
    assert ET.fromstring(said.stdout).findtext("title") == "AWS CloudHSM audit logs"


def test_validation_needs_no_md5(app: Path, aws: ScriptedAws, fips: dict[str, str]) -> None:
    stdin = (
        "<items><server_host>h</server_host><server_uri>https://127.0.0.1:8089</server_uri>"
        "<session_key>k</session_key><checkpoint_dir>/tmp</checkpoint_dir><item name='prod'>"
        f"<param name='aws_region'>us-east-1</param><param name='endpoint_url'>{aws.url}</param>"
        "</item></items>"
    )
    said = start(app, fips, "--validate-arguments", stdin=stdin)
    assert (said.returncode, said.stdout) == (0, "")
    assert aws.asked("FilterLogEvents")


@pytest.mark.parametrize("command", ["aws_cloudhsm_replay.py --list", "aws_cloudhsm_support.py"])
def test_the_commands_need_no_md5(
    app: Path, fips: dict[str, str], tmp_path: Path, command: str
) -> None:
    name, *arguments = command.split()
    said = subprocess.run(
        [sys.executable, str(app / "bin" / name), *arguments, "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=fips,
    )
    assert (said.returncode, said.stderr) == (0, "")
