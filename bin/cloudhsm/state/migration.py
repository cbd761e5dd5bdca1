"""A state from a file to KV Store, or back, or set aside, while its input does not run.

The target has the whole state before the source lets go of it, so whatever moment this stops at,
one of them can be collected with. Asking again then finishes the move. The source keeps a mark:
a run that still looks there is told where the state went instead of beginning anew.

A state in KV Store is called as its file is, or would be: `NAME.state`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhsm.base.errors import Place, StateCorrupt, StateError, StateTooNew
from cloudhsm.state.file_store import FileStateStore, StateFile, held
from cloudhsm.state.kv_replay_requests import Slots
from cloudhsm.state.kv_store import KvState, Owner, StateMoved
from cloudhsm.state.state_document import GroupState

_ME = "aws_cloudhsm_state.py"


def to_kv_store(path: Path, slots: Slots, owner: Owner) -> str:
    """Move a state from its file to KV Store; returns what to tell.

    Raises StateLocked while the input runs, StateError where this would overwrite a state.
    """
    with held(path, None, _ME) as file:
        state = file.load().state
        if state is None:
            raise FileNotFoundError("there is no state here")
        proper = FileStateStore(path.parent).path(state.group).name
        if path.name != proper:  # a copy under another name would not be found again
            raise ValueError(f"the state of {state.group.name} must be called {proper}")
        with _claimed(path, slots, owner) as kv:
            there = _unless_moved(kv)
            if there is None:
                kv.save(state)
            elif there.to_json() != state.to_json():
                raise _both(path)
            _check(KvState(slots, path.stem, state.group, owner).load().state, state, path)
            file.hand_to_kv_store()
    return f"{path}: KV Store has it now. Set state_store = kvstore before the input is enabled"


def to_file(path: Path, slots: Slots, owner: Owner) -> str:
    """Move a state from KV Store to its file; returns what to tell. Raises as `to_kv_store`."""
    with held(path, None, _ME) as file, _claimed(path, slots, owner) as kv:
        state = kv.load().state
        if state is None:
            raise FileNotFoundError("KV Store has no state of this name")
        there = StateFile(path).load().state if path.exists() else None
        if there is not None and there.to_json() != state.to_json():
            raise _both(path)
        file.take_from_kv_store(state)
        _check(StateFile(path, state.group).load().state, state, path)
        kv.mark("moved")
    return f"{path}: it is here now. Set state_store = file before the input is enabled"


def set_aside(path: Path, slots: Slots, owner: Owner, *, force: bool, stamp: str) -> str:
    """Keep a state of KV Store as a file that nobody collects by; returns what to tell."""
    with held(path, None, _ME) as file, _claimed(path, slots, owner) as kv:
        if not force and _is_whole(kv):
            raise ValueError("this state can be read; set it aside all the same with --force")
        kept = path.with_name(f"{path.stem}.kvstore-set-aside-{stamp}")
        with kept.open("x", encoding="ascii") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in kv.raw())
        for left in file.generations():
            left.rename(left.with_name(f"{left.name}.set-aside-{stamp}"))
        kv.mark("aside")
    return f"{path}: kept as {kept.name}; the next run collects again from start_time"


@contextmanager
def _claimed(path: Path, slots: Slots, owner: Owner) -> Iterator[KvState]:
    kv = KvState(slots, path.stem, None, owner)
    kv.claim(_ME)
    try:
        yield kv
    finally:
        kv.release()


def _unless_moved(kv: KvState) -> GroupState | None:
    try:
        return kv.load().state
    except StateMoved:
        return None


def _is_whole(kv: KvState) -> bool:
    try:
        return kv.load().is_newest
    except (StateCorrupt, StateMoved, StateTooNew):
        return False


def _check(there: GroupState | None, state: GroupState, path: Path) -> None:
    """What is on the other side is read back before this side lets go of it."""
    if there is None or there.to_json() != state.to_json():
        raise StateError(
            "What was written cannot be read back",
            place=Place(file=str(path)),
            next_step="Nothing was lost: the state is where it was. Try again",
        )


def _both(path: Path) -> StateError:
    return StateError(
        "Both the file and KV Store have a state of this log group, and they differ",
        place=Place(file=str(path)),
        next_step="Look at both with `show FILE.state` and `show --kvstore FILE.state`, then set "
        "the one aside that is further behind (`set-aside`, `set-aside --kvstore`, with --force)",
    )
