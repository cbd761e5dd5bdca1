"""Collects a time range of a log group again, e.g. after an index was lost.

    splunk cmd python aws_cloudhsm_replay.py --group /aws/cloudhsm/cluster-ID
        --from 2026-01-31T08:00:00Z --to 2026-01-31T12:00:00Z
        [--stream HSM] [--account ID] [--region R] [--reason TEXT]
    splunk cmd python aws_cloudhsm_replay.py --list
    splunk cmd python aws_cloudhsm_replay.py --cancel ID
    splunk cmd python aws_cloudhsm_replay.py --kvstore [--uri URI] [--user NAME] ...

The next run of the input reads the range again and delivers every record that CloudWatch Logs
still has, marked by `replay` events. Times are CloudWatch's, both ends included, UTC unless an
offset is given. Records that the index still has are then there twice: the macro `cloudhsm_dedup`
removes the repeats from a search. Run this on the host that collects the group, as the user that
runs Splunk; for inputs with `state_store = kvstore` add --kvstore, on any host that reaches the
management port of a member (--uri). That asks for the password of a Splunk user (--user) who may
write the add-on's collections.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import aws_cloudhsm_state
from cloudhsm.base.command_parser import CommandParser
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.base.terminal import show
from cloudhsm.splunk.command_line import existing_checkpoint_folder
from cloudhsm.state.replay_desk import (
    CLAIMANT,
    FileReplays,
    KvStoreReplays,
    ReplayOptions,
    ReplayStore,
    cancel,
    listed,
    request_replay,
)


def main(arguments: list[str]) -> int:
    """Returns 0, or 1 when the command failed."""
    options = _parser().parse_args(arguments)
    try:
        store = _store(options)
        if options.list:
            show("\n".join(listed(store, _report)) or "No replay is waiting or under way.")
        elif options.cancel:
            show(cancel(store, options.cancel, _report))
        else:
            show(request_replay(store, _replay_options(options), _report))
    except (CloudHsmError, OSError) as error:
        show(error, sys.stderr)
        return 1
    return 0


def _parser() -> CommandParser:
    parser = CommandParser(CLAIMANT, __doc__)
    parser.add_argument("--folder", type=Path, help="checkpoint folder of the input aws_cloudhsm")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--group", metavar="NAME", help="the log group to collect again")
    what.add_argument("--list", action="store_true", help="show what is waiting and under way")
    what.add_argument("--cancel", metavar="ID", help="withdraw a request, or end its replay")
    parser.add_argument("--account", help="account of the group, where several have one")
    parser.add_argument("--region", help="Region of the group, where several have one")
    parser.add_argument("--stream", metavar="HSM", help="one log stream; default: all")
    parser.add_argument("--from", dest="start", metavar="TIME", help="first instant")
    parser.add_argument("--to", dest="end", metavar="TIME", help="last instant")
    parser.add_argument("--reason", default="", help="kept in the `replay` events")
    aws_cloudhsm_state.add_kv_store_to(parser)
    return parser


def _report(error: CloudHsmError) -> None:
    show(error, sys.stderr)


def _store(options: argparse.Namespace) -> ReplayStore:
    if options.kvstore:
        return KvStoreReplays(*aws_cloudhsm_state.kv_store_as(options))
    return FileReplays(existing_checkpoint_folder(options.folder, os.environ))


def _replay_options(options: argparse.Namespace) -> ReplayOptions:
    return ReplayOptions(
        group=options.group,
        start=options.start,
        end=options.end,
        requested_by=_user(),
        account=options.account,
        region=options.region,
        stream=options.stream,
        reason=options.reason,
        kvstore=options.kvstore,
    )


def _user() -> str:
    """The user, from the system and not from variables that any user can set."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows; a container may have no name for its user
        return os.environ.get("USERNAME", "unknown")[:200]


if __name__ == "__main__":
    os.umask(0o077)  # what it writes is for the user that runs Splunk alone
    sys.exit(main(sys.argv[1:]))
