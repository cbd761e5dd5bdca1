from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudhsm.base.errors import StateCorrupt, StateError, StateLocked, StateTooNew
from cloudhsm.state import file_store
from cloudhsm.state.file_store import FileStateStore, StateFile
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId

GROUP = GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-likphkxygsn")
DAY_MS = 86_400_000


def state(start_ms: int) -> GroupState:
    progress = window_plan.begin(start_ms, start_ms + DAY_MS, DAY_MS)
    return GroupState(GROUP, "aws_cloudhsm://x", "all", progress)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StateFile]:
    with FileStateStore(tmp_path / "checkpoints").open(GROUP, "aws_cloudhsm://x") as opened:
        yield opened


def loaded_start(file: StateFile) -> int:
    loaded = StateFile(file.path, GROUP).load().state
    assert loaded is not None
    return loaded.progress.start_ms


def test_nothing_saved_is_no_state(file: StateFile) -> None:
    assert file.load().state is None
    assert file.load().recovered_from is None


def test_the_last_save_is_what_loads(file: StateFile) -> None:
    for start_ms in (1, 2, 3):
        file.save(state(start_ms))
    assert loaded_start(file) == 3
    assert StateFile(file.path, GROUP).load().recovered_from is None


def damage_cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def damage_bit(content: bytes) -> bytes:
    return content[:-10] + bytes([content[-10] ^ 1]) + content[-9:]


def damage_all(_: bytes) -> bytes:
    return b""


def with_document(content: bytes, document: bytes) -> bytes:
    envelope = json.loads(content.split(b"\n")[0])
    envelope["sha256"] = hashlib.sha256(document).hexdigest()
    return json.dumps(envelope).encode() + b"\n" + document


def damage_missing_keys(content: bytes) -> bytes:
    return with_document(content, b"{}")


def damage_wrong_kind(content: bytes) -> bytes:
    return with_document(content, b"[]")


def damage_other_group(content: bytes) -> bytes:
    return with_document(content, content.split(b"\n")[1].replace(b"likphkxygsn", b"abcdefghijk"))


def damage_version_0(content: bytes) -> bytes:
    return content.replace(b'"version": 1', b'"version": 0')


def damage_deep(content: bytes) -> bytes:
    """Deeper than a parser can follow."""
    return with_document(content, b"[" * 200_000)


DAMAGES = pytest.mark.parametrize(
    "damage",
    [
        damage_cut,
        damage_bit,
        damage_all,
        damage_missing_keys,
        damage_wrong_kind,
        damage_other_group,
        damage_version_0,
        damage_deep,
    ],
)


@DAMAGES
def test_a_damaged_generation_falls_back_to_the_one_before(
    file: StateFile, damage: Callable[[bytes], bytes]
) -> None:
    file.save(state(1))
    file.save(state(2))
    file.path.write_bytes(damage(file.path.read_bytes()))
    loaded = StateFile(file.path, GROUP).load()
    assert loaded.state is not None
    assert loaded.state.progress.start_ms == 1
    assert loaded.recovered_from is not None
    assert file.path.name in loaded.recovered_from


@DAMAGES
def test_a_damaged_generation_never_pushes_out_the_whole_one(
    file: StateFile, damage: Callable[[bytes], bytes]
) -> None:
    file.save(state(1))
    file.save(state(2))
    file.path.write_bytes(damage(file.path.read_bytes()))
    again = StateFile(file.path, GROUP)
    again.load()
    again.save(state(3))
    assert loaded_start(again) == 3
    again.path.unlink()
    assert loaded_start(again) == 1


@DAMAGES
def test_two_damaged_generations_stop_and_name_the_repair_command(
    file: StateFile, damage: Callable[[bytes], bytes]
) -> None:
    file.save(state(1))
    file.save(state(2))
    for path in (file.path, file.previous):
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StateCorrupt, match=r"aws_cloudhsm_state\.py set-aside"):
        file.load()


def test_a_newer_version_stops_instead_of_guessing(file: StateFile) -> None:
    file.save(state(1))
    file.path.write_bytes(file.path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(StateTooNew, match="has version 2; this add-on knows 1"):
        file.load()


@pytest.mark.parametrize("step", ["open", "fsync", "replace_current", "replace_new", "sync_folder"])
def test_whatever_step_of_saving_fails_one_whole_generation_is_left(
    file: StateFile, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file.save(state(1))
    file.save(state(2))
    _fail_at(step, monkeypatch)
    with pytest.raises(StateError, match="No space left on device") as caught:
        file.save(state(3))
    monkeypatch.undo()
    assert loaded_start(file) in (2, 3)
    assert "nothing was lost" in caught.value.next_step
    file.save(state(4))
    assert loaded_start(file) == 4


def _fail_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    original = Path.replace
    suffix = {"replace_current": ".state", "replace_new": ".new"}.get(step)

    def replace(self: Path, target: Path) -> Path:
        if self.suffix == suffix:
            full()
        return original(self, target)

    if step == "open":
        monkeypatch.setattr(file_store, "_write_through", full)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    elif step == "sync_folder":
        monkeypatch.setattr(file_store, "_sync_folder", full)
    else:
        monkeypatch.setattr(Path, "replace", replace)


def test_another_process_cannot_open_the_same_group(file: StateFile) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from cloudhsm.trail.log_group import GroupId\n"
        "from cloudhsm.state.file_store import FileStateStore\n"
        "from cloudhsm.base.errors import StateLocked\n"
        f"group = GroupId(*{('aws', '111122223333', 'us-east-1', GROUP.name)!r})\n"
        "try:\n"
        "    with FileStateStore(Path(sys.argv[2])).open(group, 'other'): print('opened')\n"
        "except StateLocked as error: print(error)\n"
    )
    package = str(Path(file_store.__file__).parents[2])
    arguments = [sys.executable, "-c", code, package, str(file.path.parent)]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert "aws_cloudhsm://x is reading this log group now" in said


def test_a_group_is_free_again_once_it_was_closed(tmp_path: Path) -> None:
    store = FileStateStore(tmp_path)
    for _ in range(2):
        with store.open(GROUP, "x"):
            pass
    with store.open(GROUP, "x"), pytest.raises(StateLocked), store.open(GROUP, "y"):
        pass


def test_a_lock_that_cannot_be_had_at_all_is_not_blamed_on_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_file: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_store, "_take_lock", no_locks)
    with (
        pytest.raises(StateError, match="No locks available") as caught,
        FileStateStore(tmp_path).open(GROUP, "x"),
    ):
        pass
    assert not isinstance(caught.value, StateLocked)


def test_generations_are_counted_on_across_runs(file: StateFile) -> None:
    file.save(state(1))
    again = StateFile(file.path, GROUP)
    again.load()
    again.save(state(2))
    assert json.loads(file.path.read_bytes().split(b"\n")[0])["generation"] == 2


def test_keys_that_a_later_release_adds_are_passed_over(file: StateFile) -> None:
    file.save(state(7))
    content = file.path.read_bytes()
    document = content.split(b"\n")[1].replace(b'{"group":', b'{"later":[1],"group":')
    file.path.write_bytes(with_document(content, document))
    assert loaded_start(file) == 7


def test_groups_with_alike_names_have_files_of_their_own(tmp_path: Path) -> None:
    store = FileStateStore(tmp_path)
    names = ["/aws/cloudhsm/a", "/aws/cloudhsm_a", "/aws/cloudhsm/a/", "x" * 500, "x" * 501]
    paths = {store.path(GroupId("aws", "1", "us-east-1", name)) for name in names}
    assert len(paths) == len(names)
    assert all(path.parent == tmp_path and len(path.name) < 200 for path in paths)


def test_a_checkpoint_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StateError, match="checkpoint folder cannot be used"),
        FileStateStore(tmp_path / "file").open(GROUP, "x"),
    ):
        pass


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_state_counts_though_there_was_no_file_handle_left_to_sync_its_folder(
    file: StateFile, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_handle(*_: object) -> int:
        raise OSError(number, "Too many open files")

    monkeypatch.setattr(os, "open", no_handle)
    file.save(state(7))
    monkeypatch.undo()
    assert loaded_start(file) == 7


def test_what_is_staged_counts_only_once_it_is_committed(file: StateFile) -> None:
    file.save(state(1))
    file.stage(state(2))
    assert loaded_start(file) == 1
    file.commit()
    assert loaded_start(file) == 2
