"""Loading and saving the state of a log group: one file each, atomically, two generations.

A file is two lines: an envelope (`format`, `version`, `generation`, `sha256` of the other line) and
the document of `cloudhsm.state.state_document`. Saving writes a temporary file, forces it to disk,
keeps the current file as `.previous` and renames; whatever moment the machine stops at, one
complete generation is left. A damaged generation falls back to the previous one, which can only
repeat records, never lose one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any

from cloudhsm.base.errors import Place, StateCorrupt, StateError, StateLocked, StateTooNew
from cloudhsm.state import replay_requests
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import VERSION, GroupState
from cloudhsm.trail.log_group import GroupId

FORMAT = "TA-aws-cloudhsm/state"
_REPAIR = (
    "disable the input and run `splunk cmd python aws_cloudhsm_state.py set-aside FILE` in the "
    "add-on's bin folder: the next run collects again from start_time, and the macro "
    "cloudhsm_dedup removes the repeats"
)


_RENAME_TRIES, _RENAME_PAUSE_S = 10, 0.1


class Damaged(Exception):
    """One generation cannot be used; the message says why."""


@dataclass
class Loaded:
    """What `StateFile.load` found, and why the newest generation was passed over, if it was.

    is_missing: there is no state although there was one, by the lock that is next to it.
    """

    state: GroupState | None
    recovered_from: str | None = None
    is_missing: bool = False

    @property
    def is_newest(self) -> bool:
        """Whether there is a state and no newer generation was damaged."""
        return self.state is not None and self.recovered_from is None


class Envelopes:
    """Opens what `sealed` made, for the stores; `group`, where known, is what must be in it."""

    def __init__(self, group: GroupId | None, place: Place, repair: str = _REPAIR) -> None:
        self._group = group
        self._place = place
        self._repair = repair

    def opened(self, content: bytes, name: str) -> tuple[GroupState, int]:
        """The state in it, and which generation it is; `name` is how people call it.

        Raises Damaged, and StateTooNew where a newer version of the add-on wrote it.
        """
        envelope, _, document = content.partition(b"\n")
        header = _header(envelope)
        if header["version"] > VERSION:
            raise StateTooNew(
                f"{name} has version {header['version']}; this add-on knows {VERSION}",
                place=self._place,
                next_step="Install the newer version of TA-aws-cloudhsm again, or " + self._repair,
            )
        if hashlib.sha256(document).hexdigest() != header["sha256"]:
            raise Damaged("does not match its checksum")
        try:
            state = GroupState.from_json(json.loads(document))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise Damaged(f"does not hold a state ({error!r})") from error
        if self._group is not None and state.group != self._group:
            raise Damaged(f"belongs to {state.group.name}")
        return state, header["generation"]


class StateFile:
    """The state of one group, locked for this process while it is open."""

    def __init__(
        self, path: Path, group: GroupId | None = None, *, was_locked: bool = False
    ) -> None:
        self.path = path
        self._was_locked = was_locked
        self.previous = path.with_suffix(".previous")  # the generation before the current one
        self._temporary = path.with_suffix(".new")
        self._moved = [path.with_suffix(".moved-to-kvstore")]
        self._moved.append(path.with_suffix(".previous-moved-to-kvstore"))
        self._group = group
        self._place = _place(path, group)
        self._envelopes = Envelopes(group, self._place)
        self._generation = 0
        self._current_is_whole = True

    def load(self) -> Loaded:
        """The newest generation that is whole.

        Raises StateTooNew where a newer version of the add-on wrote it, StateCorrupt where no
        generation is whole, StateError where the file cannot be read at all.
        """
        if not self.path.exists() and not self.previous.exists():
            if self._moved[0].exists():
                raise self._moved_away()
            return Loaded(None, is_missing=self._was_locked)
        reasons: list[str] = []
        for path in (self.path, self.previous):
            try:
                return Loaded(self._read(path), "; ".join(reasons) or None)
            except FileNotFoundError:
                reasons.append(f"{path.name} is missing")
            except OSError as error:
                raise self._unusable(f"The state cannot be read: {error}") from error
            except Damaged as error:
                reasons.append(f"{path.name} {error}")
                self._current_is_whole = False
        raise StateCorrupt(
            f"Neither generation of the state can be used: {'; '.join(reasons)}",
            place=self._place,
            next_step=_REPAIR[0].upper() + _REPAIR[1:],
        )

    def _read(self, path: Path) -> GroupState:
        state, self._generation = self._envelopes.opened(path.read_bytes(), path.name)
        return state

    def save(self, state: GroupState) -> None:
        """Make this the current generation, on disk before it returns.

        Raises StateError, e.g. for a full disk; the generation before is then still whole.
        """
        self.stage(state)
        self.commit()

    def stage(self, state: GroupState) -> None:
        """Write the next generation to disk, where it is not read before `commit`.

        So a full disk is noticed before the events that this state remembers are delivered. Raises
        StateError.
        """
        try:
            _write_through(self._temporary, sealed(state, self._generation + 1))
        except OSError as error:
            with suppress(OSError):
                self._temporary.unlink()
            raise self._unusable(f"The state cannot be saved: {error}") from error

    def commit(self) -> None:
        """Make the staged generation the current one; raises StateError."""
        try:
            if self._current_is_whole:  # a damaged one must not push out the whole one before it
                with suppress(FileNotFoundError):
                    _replace(self.path, self.previous)
            _replace(self._temporary, self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            with suppress(OSError):
                self._temporary.unlink()
            raise self._unusable(f"The state cannot be saved: {error}") from error
        self._generation += 1
        self._current_is_whole = True

    def requests(self) -> list[Request]:
        """The replays that people asked for and no run adopted yet."""
        return replay_requests.waiting(self.path, self._group)

    def discard(self, request: Request) -> None:
        """A request was adopted: it stands in the state now."""
        replay_requests.discard(self.path, request)

    def hand_to_kv_store(self) -> None:
        """KV Store has this state now: keep both generations under names that nobody collects by.

        Without a state under its own name, a run that looks here refuses to begin anew.
        """
        kept = dict(zip((self.path, self.previous), self._moved))
        try:
            for path in (self.previous, self.path):  # the newest one last: until then it is here
                with suppress(FileNotFoundError):
                    _replace(path, kept[path])
            _sync_folder(self.path.parent)
        except OSError as error:
            raise self._unusable(f"The state cannot be renamed: {error}") from error

    def take_from_kv_store(self, state: GroupState) -> None:
        """Save a state that was in KV Store; what was moved there before is no longer needed."""
        self.save(state)
        for path in self._moved:
            with suppress(OSError):
                path.unlink()

    def generations(self) -> list[Path]:
        """Every file that holds, or held, this state."""
        return [path for path in (self.path, self.previous, *self._moved) if path.exists()]

    def _moved_away(self) -> StateError:
        return StateError(
            "The state of this log group was moved to KV Store",
            place=self._place,
            next_step="Set state_store = kvstore, or move it back: `splunk cmd python "
            "aws_cloudhsm_state.py to-file FILE.state` in the add-on's bin folder; see "
            "docs/clustered-state.md",
        )

    def _unusable(self, what: str) -> StateError:
        return StateError(
            what,
            place=self._place,
            next_step="Check free space, permissions of this folder and, where it says so, the "
            "limit of open files (each log group needs one); nothing was lost, the next run goes "
            "on from the last saved state",
        )


def sealed(state: GroupState, generation: int) -> bytes:
    """An envelope and the document, as every store keeps them."""
    document = json.dumps(state.to_json(), separators=(",", ":")).encode()
    header = {
        "format": FORMAT,
        "version": VERSION,
        "generation": generation,
        "sha256": hashlib.sha256(document).hexdigest(),
    }
    return json.dumps(header).encode() + b"\n" + document


class FileStateStore:
    """The states of all groups, as files in the checkpoint folder of the scheme."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, group: GroupId) -> Path:
        """The file of a group: readable for people, unique by the digest at its end."""
        identity = f"{group.partition}:{group.account}:{group.region}:{group.name}"
        readable = re.sub(r"[^A-Za-z0-9.-]+", "_", identity)[:120]
        unique = hashlib.sha256(identity.encode()).hexdigest()[:12]
        return self._folder / f"{readable}-{unique}.state"

    @contextmanager
    def open(self, group: GroupId, stanza: str) -> Iterator[StateFile]:
        """Hold the group's state for this process.

        Raises StateLocked while another process of this host holds it, StateError where the folder
        cannot be written.
        """
        with held(self.path(group), group, stanza) as file:
            yield file


@contextmanager
def held(path: Path, group: GroupId | None, stanza: str) -> Iterator[StateFile]:
    """Hold one state for this process; raises as FileStateStore.open."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        was_locked = path.with_suffix(".lock").exists()
        lock = path.with_suffix(".lock").open("a+b", buffering=0)
    except OSError as error:
        raise StateError(
            f"The checkpoint folder cannot be used: {error}",
            place=_place(path, group),
            next_step="Give the user that runs Splunk write access to this folder",
        ) from error
    with lock:
        _lock(lock, _place(path, group))
        with suppress(OSError):  # only a courtesy to whoever finds it locked; disks get full
            lock.truncate(0)
            lock.write(stanza.encode())
        try:
            yield StateFile(path, group, was_locked=was_locked)
        finally:
            _release_lock(lock)


def _place(path: Path, group: GroupId | None) -> Place:
    return replace(group.place if group else Place(), file=str(path))


def _header(line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
        well_formed = (
            header["format"] == FORMAT
            and isinstance(header["version"], int)
            and header["version"] >= 1
            and isinstance(header["generation"], int)
            and isinstance(header["sha256"], str)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        well_formed = False
    if not well_formed:
        raise Damaged("does not begin as a state file")
    return dict(header)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the renames themselves durable, where the system can (Windows cannot open folders).

    The state counts without it, too; so it must not fail for want of a file handle.
    """
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return
        raise
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(file: FileIO, place: Place) -> None:
    try:
        _take_lock(file)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise StateError(
                f"The state cannot be locked: {error}",
                place=place,
                next_step="Keep Splunk's var/lib on a file system that supports locks",
            ) from error
        with suppress(OSError):
            file.seek(0)
        raise StateLocked(
            f"{_holder(file)} is reading this log group now",
            place=place,
            next_step="Let one input per host read a log group; a run of the same input that is "
            "still going on ends by itself",
        ) from error


def _take_lock(file: FileIO) -> None:
    if os.name == "nt":
        import msvcrt

        # Windows bars others from reading what is locked, so a byte far behind the text is.
        file.seek(1 << 30)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _release_lock(file: FileIO) -> None:
    """Windows frees the locks of a closed file at its leisure; the next run may come first."""
    if os.name == "nt":
        import msvcrt

        with suppress(OSError):
            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]


def _replace(source: Path, target: Path) -> None:
    """Rename; on Windows a scanner or a reader may hold either file open for a moment."""
    for attempt in range(_RENAME_TRIES if os.name == "nt" else 1):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == _RENAME_TRIES - 1:
                raise
            time.sleep(_RENAME_PAUSE_S)
        else:
            return


def _holder(file: FileIO) -> str:
    try:
        return (file.read(200) or b"").decode(errors="replace") or "Another process"
    except OSError:
        return "Another process"
