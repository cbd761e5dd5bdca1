"""Looks at the collector's state files, and sets damaged ones aside.

    splunk cmd python aws_cloudhsm_state.py show      FILE.state ...
    splunk cmd python aws_cloudhsm_state.py set-aside [--force] FILE.state ...

`set-aside` renames both generations of a state (nothing is deleted), so that the next run collects
the group again from `start_time`; records that Splunk already has are then repeated and can be
removed by the macro `cloudhsm_dedup`. Disable the input first. A state that is whole is set aside
only with --force.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cloudhsm.errors import CloudHsmError
from cloudhsm.state_store import StateFile


def main(arguments: list[str]) -> int:
    """Returns 0, or 1 when a file could not be shown or set aside."""
    parser = argparse.ArgumentParser(
        prog="aws_cloudhsm_state.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("show", "set-aside"))
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.state")
    parser.add_argument("--force", action="store_true", help="set aside even a whole state")
    asked = parser.parse_args(arguments)
    status = 0
    for path in asked.files:
        try:
            _check_name(path)
            print(_show(path) if asked.command == "show" else _set_aside(path, force=asked.force))
        except (CloudHsmError, OSError, OverflowError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
    return status


def _check_name(path: Path) -> None:
    if path.suffix != ".state":  # a glob finds locks and previous generations too
        raise ValueError("this is not a state: they are called *.state")


def _show(path: Path) -> str:
    loaded = StateFile(path).load()
    if loaded.state is None:
        raise FileNotFoundError("there is no state here")
    state, progress = loaded.state, loaded.state.progress
    lines = [
        f"{state.group.name} ({state.group.account}, {state.group.region}), read by {state.stanza}",
        f"  collected from        {_utc(progress.start_ms)}",
        f"  settled up to         {_utc(progress.settled_ms)}",
        f"  history still to read {len(progress.backfills)} stretches",
        f"  remembered event ids  {len(state.seen)}",
        f"  gaps pending          {state.ledger.pending()}",
    ]
    if loaded.recovered_from:
        lines.append(f"  previous generation used: {loaded.recovered_from}")
    return "\n".join(lines)


def _set_aside(path: Path, *, force: bool) -> str:
    if not force and _is_whole(path):
        raise ValueError("this state is whole; set it aside all the same with --force")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    moved = []
    for generation in (path, StateFile(path).previous):
        if generation.exists():
            target = generation.with_name(f"{generation.name}.set-aside-{stamp}")
            generation.rename(target)
            moved.append(target.name)
    if not moved:
        raise FileNotFoundError("there is no state here")
    return f"{path}: kept as {', '.join(moved)}; the next run collects again from start_time"


def _is_whole(path: Path) -> bool:
    try:
        loaded = StateFile(path).load()
    except CloudHsmError:
        return False
    return loaded.state is not None and loaded.recovered_from is None


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
