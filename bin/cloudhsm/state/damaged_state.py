"""A damaged state in files, set aside: nothing is deleted."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from cloudhsm.base.errors import CloudHsmError
from cloudhsm.state.file_store import StateFile


def set_aside(path: Path, *, force: bool, stamp: str) -> str:
    """Rename both generations of a state, so that the next run starts at `start_time`.

    stamp: what their names end with. force: a state that can be read, too. Returns what was done.
    Raises ValueError for such a state without `force`, FileNotFoundError where there is none.
    """
    if not force and _is_undamaged(path):
        raise ValueError("this state can be read; set it aside all the same with --force")
    moved = []
    for generation in StateFile(path).generations():
        target = generation.with_name(f"{generation.name}.set-aside-{stamp}")
        generation.rename(target)
        moved.append(target.name)
    if not moved:
        raise FileNotFoundError("there is no state here")
    with suppress(OSError):  # a lock without a state is reported as a state that is missing
        path.with_suffix(".lock").unlink()
    return f"{path}: kept as {', '.join(moved)}; the next run collects again from start_time"


def _is_undamaged(path: Path) -> bool:
    try:
        return StateFile(path).load().is_newest
    except CloudHsmError:
        return False
