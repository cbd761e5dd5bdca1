"""Looks at the collector's states, moves them to KV Store and back, and sets damaged ones aside.

    splunk cmd python aws_cloudhsm_state.py show       [FILE.state ...]
    splunk cmd python aws_cloudhsm_state.py set-aside  [--force] FILE.state ...
    splunk cmd python aws_cloudhsm_state.py forget     FILE.state ...
    splunk cmd python aws_cloudhsm_state.py to-kvstore FILE.state ...
    splunk cmd python aws_cloudhsm_state.py to-file    FILE.state ...
    splunk cmd python aws_cloudhsm_state.py show       --kvstore [FILE.state ...]
    splunk cmd python aws_cloudhsm_state.py set-aside  --kvstore [--force] FILE.state ...

A FILE.state is a path, or a name in the checkpoint folder ($SPLUNK_DB/modinputs/aws_cloudhsm, or
--folder); `show` without one shows all. A state in KV Store has the name of its file in that
folder. Turn off the input on every host before you change a state.

Commands that use KV Store ask for the password of a Splunk user (--user), or with --token for a
Splunk token, who may write the add-on's collections. The certificate of --uri is verified, except
on loopback.

`set-aside` renames both generations of a state (nothing is deleted), so that the next run collects
the group again from `start_time`; records that Splunk already has are then repeated and can be
removed by the macro `cloudhsm_dedup`. An undamaged state is set aside only with --force.

`forget` ends the 30 days in which heartbeats name a deleted log group; its state stays.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cloudhsm.base.command_parser import CommandParser
from cloudhsm.base.errors import CloudHsmError, Place, StateError
from cloudhsm.base.terminal import show
from cloudhsm.splunk.command_line import existing_checkpoint_folder, utc
from cloudhsm.state.damaged_state import set_aside
from cloudhsm.state.file_store import FileStateStore, Loaded, StateFile
from cloudhsm.state.input_cache import InputFile

if TYPE_CHECKING:
    from cloudhsm.splunk.splunkd_rest import Collection
    from cloudhsm.state.kv_store import Owner

_COMMANDS = ("show", "set-aside", "forget", "to-kvstore", "to-file")
_FAULTS = (CloudHsmError, OSError, OverflowError, ValueError)


def main(arguments: list[str]) -> int:
    """Returns 0, or 1 when something could not be shown, moved or set aside."""
    options = _parser().parse_intermixed_args(arguments)
    try:
        function, files = _command(options)
    except CloudHsmError as error:
        show(error, sys.stderr)
        return 1
    status = 0
    for path in files:
        try:
            _check_name(path)
            show(function(path))
        except _FAULTS as error:
            show(f"{path}: {error}", sys.stderr)
            status = 1
    return status


def _parser() -> CommandParser:
    parser = CommandParser("aws_cloudhsm_state.py", __doc__)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.state")
    parser.add_argument("--folder", type=Path, help="checkpoint folder of the input aws_cloudhsm")
    parser.add_argument("--force", action="store_true", help="set aside even an undamaged state")
    add_kv_store_to(parser)
    return parser


def add_kv_store_to(parser: CommandParser) -> None:
    """The options of a command that may use KV Store as a person."""
    parser.add_argument("--kvstore", action="store_true", help="what is in KV Store, not in files")
    parser.add_argument("--user", default="admin", help="a user of Splunk; default: admin")
    parser.add_argument(
        "--uri",
        default="https://127.0.0.1:8089",
        help="splunkd's management port; default: %(default)s",
    )
    parser.add_argument("--ca", metavar="FILE", help="certificates that --uri is verified with")
    parser.add_argument(
        "--token", action="store_true", help="ask for a Splunk token instead of a password"
    )


def _command(options: argparse.Namespace) -> tuple[Callable[[Path], str], list[Path]]:
    """The function of the command, and the states to call it with."""
    needs_kv_store = options.kvstore or options.command.startswith("to-")
    if not options.files and options.command != "show":
        _parser().error(f"{options.command} needs at least one FILE.state; `show` lists them")
    if needs_kv_store:
        return _with_kv_store(options)
    files = _files(options)
    simple = {"show": _show, "forget": _forget}
    if options.command in simple:
        return simple[options.command], files
    return lambda path: set_aside(path, force=options.force, stamp=_stamp()), files


def _files(options: argparse.Namespace) -> list[Path]:
    """The states named, as paths or as they are called in the checkpoint folder; default: all.

    Raises CloudHsmError where the folder is needed and is not known, or has no state.
    """
    if options.files and all(path.exists() or path.parent != Path() for path in options.files):
        return [*options.files]
    folder = existing_checkpoint_folder(options.folder, os.environ)
    if options.files:
        return [path if path.exists() else folder / path for path in options.files]
    files = sorted(folder.glob("*.state"))
    if not files:
        raise StateError(
            "There is no state yet",
            place=Place(file=str(folder)),
            next_step="An input writes it in its first run; for states in KV Store add --kvstore",
        )
    return files


def _with_kv_store(options: argparse.Namespace) -> tuple[Callable[[Path], str], list[Path]]:
    slots, owner = kv_store_as(options)
    from cloudhsm.state import kv_store, migration  # they need splunklib, which files do not

    functions: dict[str, Callable[[Path], str]] = {
        "to-kvstore": lambda path: migration.to_kv_store(path, slots, owner),
        "to-file": lambda path: migration.to_file(path, slots, owner),
        "set-aside": lambda path: migration.set_aside(
            path, slots, owner, force=options.force, stamp=_stamp()
        ),
        "show": lambda path: _shown(
            kv_store.KvState(slots, path.stem, None, owner).load(), "KV Store has no such state"
        ),
    }
    files = options.files or [Path(f"{key}.state") for key in kv_store.known(slots)]
    return functions[options.command], files


def kv_store_as(options: argparse.Namespace) -> tuple[Collection, Owner]:
    """KV Store, as a person may use it. Raises CloudHsmError.

    The password or token comes from the terminal, otherwise from stdin: never from an argument,
    which other users of the host can list. It is asked for once --uri is known to be safe.
    """
    if not _libraries().is_dir():
        raise StateError(
            "This is a source checkout without its libraries, which KV Store needs",
            place=Place(file=str(_libraries())),
            next_step="Run this command of the installed package",
        )
    sys.path.insert(0, str(_libraries()))
    from cloudhsm.splunk.splunkd_rest import Collection, describe, log_in, verified
    from cloudhsm.state.kv_store import COLLECTION, Owner

    context = verified(options.uri, options.ca)
    if options.token:
        login = {"splunkToken": _secret(f"Token for {options.uri}: ")}
    else:
        password = _secret(f"Password of {options.user} at {options.uri}: ")
        login = {"token": f"Splunk {log_in(options.uri, options.user, password, context)}"}
    slots = Collection(options.uri, login, COLLECTION, context)
    return slots, Owner(describe(options.uri, login, context))


def _secret(prompt: str) -> str:
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _libraries() -> Path:
    """What the add-on brings for every Python."""
    return Path(__file__).resolve().parents[1] / "lib" / "common"


def _check_name(path: Path) -> None:
    if path.suffix != ".state":  # a glob finds locks and previous generations too
        raise ValueError("this is not a state: they are called *.state")


def _show(path: Path) -> str:
    return _shown(StateFile(path).load(), "there is no state here")


def _shown(loaded: Loaded, otherwise: str) -> str:
    if loaded.state is None:
        raise FileNotFoundError(otherwise)
    state, progress = loaded.state, loaded.state.progress
    lines = [
        f"{state.group.name} ({state.group.account}, {state.group.region}), read by {state.stanza}",
        f"  collected from        {utc(progress.start_ms / 1000)}",
        f"  settled up to         {utc(progress.settled_ms / 1000)}",
        f"  history still to read {len(progress.backfills)} stretches",
        f"  remembered event ids  {len(state.seen)}",
        f"  gaps pending          {state.ledger.pending()}",
    ]
    if loaded.recovered_from:
        lines.append(f"  previous generation used: {loaded.recovered_from}")
    return "\n".join(lines)


def _forget(path: Path) -> str:
    store, inputs = FileStateStore(path.parent), []
    for memory in map(InputFile.at, sorted(path.parent.glob("*.input"))):
        state = memory.load()
        kept = [group for group in state.gone if store.path(group[0]).name != path.name]
        if kept != state.gone:
            state.gone = kept
            if not memory.save(state):
                raise OSError(f"{memory.path} cannot be written")
            inputs.append(memory.path.name)
    if not inputs:
        raise ValueError("no heartbeat names the log group of this state as deleted")
    return f"{path}: heartbeats no longer name its log group ({', '.join(inputs)})"


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


if __name__ == "__main__":
    os.umask(0o077)  # what it writes is for the user that runs Splunk alone
    sys.exit(main(sys.argv[1:]))
