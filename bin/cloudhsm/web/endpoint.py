"""One request: parsed, permitted, answered, audited. Nothing but a CloudHsmError's text leaves.

Every request is made with the caller's own session: splunkd decides what it may read and write.
Before anything is done, the capabilities that the request needs are looked up, so that a person
reads which one is missing. restmap.conf has them again, for splunkd to check first.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from cloudhsm.base.arguments import DEFAULT_LOG_LEVEL, SCHEME
from cloudhsm.base.errors import (
    NOWHERE,
    CloudHsmError,
    CredentialsError,
    SettingError,
    Unexpected,
    pair,
)
from cloudhsm.base.redaction import conceal
from cloudhsm.splunk import log_file
from cloudhsm.splunk.splunkd_rest import Person, SessionOver, SplunkdSilent, person_of
from cloudhsm.web import access_test, credential, examination, input_status, operation, suggestions
from cloudhsm.web.rest_request import Json, Request, RequestRefused, Response, parsed

# Of each tuple, one capability suffices.
_INPUT = (f"edit_modinput_{SCHEME}", "admin_all_objects")
_SECRETS = ("list_storage_passwords", "admin_all_objects")
_STORE = ("edit_storage_passwords", "admin_all_objects")
# Members of a body that no log and no response may show.
_CONCEALED = ("secret_access_key", "password", "aws_secret_access_key", "external_id", "proxy_url")
# Members of a body that the audit log has.
_NAMED = ("operation", "kind", "name", "host", "group", "from", "to", "stream", "id", "state")
# No input can have this name: brackets are refused.
_LOG = "[setup]"

log = logging.getLogger("cloudhsm")


class Action(NamedTuple):
    """What a request does. is_change: whether the audit log has a line of it."""

    answer: Callable[[Request], Response]
    needs: tuple[tuple[str, ...], ...]
    is_change: bool = False


ACTIONS: Mapping[tuple[str, str], Action] = {
    ("check", "POST"): Action(access_test.check, (_INPUT, _SECRETS)),
    ("suggestions", "POST"): Action(suggestions.suggest, (_INPUT, _SECRETS)),
    ("credential", "GET"): Action(credential.listed, (_INPUT, _SECRETS)),
    ("credential", "POST"): Action(credential.store, (_INPUT, _SECRETS, _STORE), is_change=True),
    ("credential", "DELETE"): Action(credential.delete, (_INPUT, _SECRETS, _STORE), is_change=True),
    ("operation", "GET"): Action(input_status.status, (_INPUT,)),
    ("operation", "POST"): Action(operation.operate, (_INPUT,), is_change=True),
}


def answer(text: str | bytes) -> Json:
    """What splunkd passes, answered as splunkd expects it. Raises nothing."""
    home = os.environ.get("SPLUNK_HOME")
    log_file.to_stderr()
    with log_file.open_log(_LOG, DEFAULT_LOG_LEVEL, Path(home) if home else None):
        try:
            request = parsed(text)
            return _answered(request).to_splunkd()
        except CloudHsmError as error:
            return _refusal(error).to_splunkd()
        except Exception as error:  # noqa: BLE001  (the process's edge)
            return _refusal(Unexpected(error, NOWHERE)).to_splunkd()


def _answered(request: Request) -> Response:
    conceal(request.session_key, *_secrets_of(request.body))
    action = ACTIONS.get((request.handler, request.method))
    if action is None:
        raise RequestRefused(
            405 if any(name == request.handler for name, _ in ACTIONS) else 404,
            f"There is no {request.method} of cloudhsm/{request.handler}",
            next_step="docs/rest.md lists all requests",
        )
    person = person_of(request.server_uri, request.session_key)
    _refuse_incapable(person, action.needs)
    try:
        response = action.answer(request)
    except Exception as error:
        _audit(request, person, action, _status_of(error))
        raise
    _audit(request, person, action, response.status)
    return response


def _refuse_incapable(person: Person, needs: tuple[tuple[str, ...], ...]) -> None:
    missing = [names for names in needs if person.capabilities.isdisjoint(names)]
    if missing:
        listed = " and ".join(" or ".join(names) for names in missing)
        raise RequestRefused(
            403,
            f"{person.name} does not have the capability {listed}",
            next_step="Ask an administrator to give it to a role of this user "
            "(Settings > Roles > Capabilities)",
        )


def _audit(request: Request, person: Person, action: Action, status: int) -> None:
    """One line of each change, tried or done: who, what, and how it ended."""
    if not action.is_change:
        return
    named = {name: request.body.get(name) for name in _NAMED}
    members = [pair(name, value) for name, value in named.items() if isinstance(value, str)]
    did = f"{request.method.lower()}_{request.handler}"
    line = [pair("by", person.name), *members, pair("did", did), f"status={status}"]
    log.info("%s what=setup_change", " ".join(line))


def _refusal(error: CloudHsmError) -> Response:
    status = _status_of(error)
    if status >= 500:
        log.error("%s", error.line())
    return Response(status, {"error": examination.failure(error)})


def _status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    if isinstance(error, RequestRefused):
        return error.status
    if isinstance(error, SessionOver):
        return 401
    if isinstance(error, CredentialsError) and error.http_status in (401, 403):
        return error.http_status
    if isinstance(error, (SettingError, CredentialsError)):
        return 400
    return 503 if isinstance(error, SplunkdSilent) else 500


def _secrets_of(body: Json) -> list[str]:
    """Texts of a body that are, or may have, a secret."""
    settings = body.get("settings")
    members = [*body.items(), *(settings.items() if isinstance(settings, dict) else ())]
    return [
        value.rpartition("@")[0].rpartition(":")[2] if name == "proxy_url" else value
        for name, value in members
        if name in _CONCEALED and isinstance(value, str)
    ]
