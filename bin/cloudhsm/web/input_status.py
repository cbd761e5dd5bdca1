"""`GET cloudhsm/operation`: how the inputs of this host are doing, without a search.

From what each input keeps between runs, so that it works on a forwarder, where nothing can be
searched. Inputs with `state_store = kvstore` have their positions elsewhere: their groups have no
`settled_ms` here.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from cloudhsm import __version__
from cloudhsm.aws.log_source import FoundGroup
from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.aws_identity import MASK
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.base.redaction import redacted
from cloudhsm.splunk.command_line import checkpoint_folder
from cloudhsm.splunk.password_storage import SplunkPasswordStorage
from cloudhsm.state.file_store import FileStateStore, StateFile
from cloudhsm.state.input_cache import InputFile, InputState, part_of
from cloudhsm.web import examination
from cloudhsm.web.rest_request import Json, Request, Response

# Reading a state takes milliseconds for each; for more groups there are the dashboards.
MOST_STATES = 200
_SECRETS = ("aws_secret_access_key", "external_id")


def status(request: Request) -> Response:
    """Each input with its settings, without secrets, and what its last runs left.

    `inputs`: `name`, `disabled`, `settings`, `heartbeat_ms`, `records` and `failures` since that
    heartbeat, `groups` with their positions. `host`: of the operating system.
    """
    inputs = SplunkPasswordStorage(request.server_uri, request.session_key).inputs()
    folder = checkpoint_folder(os.environ)
    document = {
        "host": socket.gethostname(),
        "version": __version__,
        "now_ms": time.time_ns() // 1_000_000,
        "inputs": [_input(name, inputs[name], folder) for name in sorted(inputs)],
    }
    return Response(200, document)


def collected_by(folder: Path, names: list[str]) -> dict[str, list[str]]:
    """Which inputs collect a log group, by its ARN, as their last discovery found."""
    collectors: dict[str, list[str]] = {}
    for name in names:
        for found in _memory(folder, name).groups:
            collectors.setdefault(found.id.arn, []).append(name)
    return collectors


def _memory(folder: Path, name: str) -> InputState:
    return InputFile(folder, f"{SCHEME}://{name}").load()


def _input(name: str, settings: Mapping[str, str], folder: Path) -> Json:
    memory = _memory(folder, name)
    return {
        "name": name,
        "disabled": settings.get("disabled", "0") in ("1", "true"),
        "settings": _without_secrets(settings),
        "heartbeat_ms": memory.heartbeat_ms or None,
        "counters": memory.counters.to_json(),
        "groups": [_group(found, folder) for found in memory.groups[:MOST_STATES]],
        "failures": [*_failures(memory)],
        "gone": [group.name for group, _ in memory.gone],
    }


def _without_secrets(settings: Mapping[str, str]) -> dict[str, str]:
    shown = {name: value for name, value in settings.items() if not name.startswith("eai:")}
    shown |= {name: MASK for name in _SECRETS if shown.get(name)}
    if "@" in shown.get("proxy_url", ""):
        shown["proxy_url"] = redacted(shown["proxy_url"])
    return shown


def _failures(memory: InputState) -> Iterator[Json]:
    for name, failure in memory.failures.items():
        part, of = part_of(name)
        yield {"part": part, "of": of, **asdict(failure)}


def _group(found: FoundGroup, folder: Path) -> Json:
    """A log group, and how far it is collected; `problem` where its state cannot be read."""
    document = {**examination.group(found), "settled_ms": None, "run_ms": None, "problem": None}
    path = FileStateStore(folder).path(found.id)
    document["state"] = path.stem
    try:
        state = StateFile(path).load().state
    except CloudHsmError as error:
        document["problem"] = examination.failure(error)
        return document
    if state is not None:
        document |= {
            "settled_ms": state.progress.settled_ms,
            "run_ms": state.run_ms or None,
            "polled_ms": state.progress.polled_ms,
            "history_left_ms": state.progress.history_left_ms,
            "pending_gaps": state.ledger.pending(),
        }
    return document
