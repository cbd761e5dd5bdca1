"""`POST cloudhsm/operation`: what an administrator does to the states of this host's inputs.

Body: `operation` with what it needs:

=============  =====================================================================
replay         `group`, `from`, `to`; optional `account`, `region`, `stream`, `reason`
cancel_replay  `id`
replays        nothing: lists what is waiting and under way
set_aside      `state`, as `GET cloudhsm/operation` names it; `force` for one that can be read
=============  =====================================================================

`kvstore` is true for inputs with `state_store = kvstore`; `set_aside` is for files only.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from cloudhsm.base.errors import Place, SettingError, StateError
from cloudhsm.splunk.command_line import checkpoint_folder
from cloudhsm.state import damaged_state, replay_desk
from cloudhsm.state.file_store import held
from cloudhsm.state.replay_desk import FileReplays, KvStoreReplays, ReplayOptions, ReplayStore
from cloudhsm.web.rest_request import Request, RequestRefused, Response

_ME = "cloudhsm/operation"
_OPTION = re.compile(r"--(\w+)")
_MEMBERS = {"cancel": "id", "list": "operation = replays"}  # of the command's options
_STATE = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)


def operate(request: Request) -> Response:
    """Do one operation; `done` has the result. Raises CloudHsmError."""
    name = request.text("operation")
    operation = _OPERATIONS.get(name)
    if operation is None:
        raise SettingError(
            f"operation {name[:100]!r} does not exist",
            place=Place(setting="operation"),
            next_step=f"Send one of {', '.join(_OPERATIONS)}",
        )
    try:
        return Response(200, {"done": operation(request)})
    except SettingError as error:
        raise _with_members(error) from error


def _with_members(error: SettingError) -> SettingError:
    """The error with members of the body in place of the command's options."""
    found = re.match(r"--(\w+)", error.what)
    what, next_step = (_OPTION.sub(_member, text) for text in (error.what, error.next_step))
    place = Place(setting=_MEMBERS.get(found[1], found[1])) if found else error.place
    return SettingError(what, place=place, next_step=next_step)


def _member(option: re.Match[str]) -> str:
    return _MEMBERS.get(option[1], option[1])


def _replay(request: Request) -> str:
    optional = {name: request.text(name, "") or None for name in ("account", "region", "stream")}
    options = ReplayOptions(
        group=request.text("group"),
        start=request.text("from"),
        end=request.text("to"),
        requested_by=request.user[:200],
        reason=request.text("reason", ""),
        kvstore=request.flag("kvstore"),
        **optional,
    )
    return replay_desk.request_replay(_store(request), options)


def _cancel_replay(request: Request) -> str:
    return replay_desk.cancel(_store(request), request.text("id"))


def _replays(request: Request) -> str:
    return "\n".join(replay_desk.listed(_store(request)))


def _set_aside(request: Request) -> str:
    if request.flag("kvstore"):
        raise SettingError(
            "set_aside does not change states in KV Store",
            place=Place(setting="kvstore"),
            next_step="Run aws_cloudhsm_state.py set-aside --kvstore (docs/clustered-state.md)",
        )
    name = request.text("state")
    if not _STATE.fullmatch(name):
        raise SettingError(
            "state is not the name of a state",
            place=Place(setting="state"),
            next_step="Send it as GET cloudhsm/operation returns it",
        )
    path = _folder() / f"{name}.state"
    if not (path.exists() or path.with_suffix(".previous").exists()):
        raise RequestRefused(
            404,
            f"There is no state {name}",
            place=Place(setting="state"),
            next_step="Load the list of log groups again",
        )
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    with held(path, None, _ME):  # a run that reads the group now would write the state again
        try:
            return damaged_state.set_aside(path, force=request.flag("force"), stamp=stamp)
        except ValueError as error:
            raise RequestRefused(
                409,
                f"The state {name} can be read",
                place=Place(setting="state"),
                next_step="Send force = true to set it aside all the same: its log group is then "
                "collected again from start_time",
            ) from error
        except OSError as error:
            raise StateError(
                f"The state cannot be set aside: {error}",
                place=Place(file=str(path)),
                next_step="Check the permissions of the folder",
            ) from error


def _store(request: Request) -> ReplayStore:
    """Where states are; those that cannot be read are logged."""
    if not request.flag("kvstore"):
        return FileReplays(_folder())
    from cloudhsm.splunk.splunkd_rest import Collection, describe
    from cloudhsm.state.kv_store import COLLECTION, Owner

    login = {"token": f"Splunk {request.session_key}"}
    collection = Collection(request.server_uri, login, COLLECTION)
    return KvStoreReplays(collection, Owner(describe(request.server_uri, login)))


def _folder() -> Path:
    """The checkpoint folder. Raises StateError where no input has run."""
    folder = checkpoint_folder(os.environ)
    if not folder.is_dir():
        raise StateError(
            "No input has run on this host yet",
            place=Place(file=str(folder)),
            next_step="Do this on the host that collects",
        )
    return folder


_OPERATIONS: Mapping[str, Callable[[Request], str]] = {
    "replay": _replay,
    "cancel_replay": _cancel_replay,
    "replays": _replays,
    "set_aside": _set_aside,
}
