"""splunkd's request to a persistent REST handler, and our response. Pure.

splunkd passes one JSON object: `method`, `rest_path`, `payload` (the body as text, with
`passPayload = true`), `query` (pairs), `session` (`user`, `authtoken`) and `server`
(`rest_uri`). It expects an object with `payload`, `status` and `headers`. Source:
restmap.conf.spec, `scripttype = persist`, and the module that it names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cloudhsm.base.errors import NOWHERE, CloudHsmError, Place, SettingError

Json = dict[str, Any]

# Far above any request of the page.
MOST_CHARACTERS = 65_536


class RequestRefused(CloudHsmError):
    """A request that cannot be answered; status: of HTTP."""

    def __init__(self, status: int, what: str, *, next_step: str, place: Place = NOWHERE) -> None:
        super().__init__(what, place=place, next_step=next_step)
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request.

    handler:     the last part of its path, such as `check`.
    user:        as splunkd knows the session. session_key: the caller's own, never the system's.
    server_uri:  of splunkd on this host.
    query, body: what was asked for; both empty where there was nothing.
    """

    method: str
    handler: str
    user: str
    session_key: str = field(repr=False)
    server_uri: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict, repr=False)

    @property
    def metadata(self) -> dict[str, str]:
        """As a modular input gets it, with the caller's session."""
        return {"server_uri": self.server_uri, "session_key": self.session_key}

    def text(self, name: str, default: str | None = None) -> str:
        """A text of the body. Raises SettingError where it is missing or something else."""
        value = self.body.get(name, default)
        if not isinstance(value, str):
            what = "is missing" if value is None else "is not a text"
            raise SettingError(
                f"{name} {what}", place=Place(setting=name), next_step="Send it as a JSON string"
            )
        return value

    def flag(self, name: str) -> bool:
        """A yes or no of the body, no where it is missing. Raises SettingError."""
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise SettingError(
                f"{name} is neither true nor false",
                place=Place(setting=name),
                next_step="Send true or false",
            )
        return value

    def settings(self) -> dict[str, str]:
        """The settings of a stanza. Raises SettingError for what is no object of texts."""
        values = self.body.get("settings", {})
        if not isinstance(values, dict) or not all(isinstance(one, str) for one in values.values()):
            raise SettingError(
                "settings is not an object of texts",
                place=Place(setting="settings"),
                next_step='Send it as in {"aws_region": "us-east-1"}',
            )
        return dict(values)


class Response(NamedTuple):
    """HTTP status and a JSON document."""

    status: int
    document: Json

    def to_splunkd(self) -> Json:
        """As splunkd expects it."""
        return {
            "status": self.status,
            "payload": json.dumps(self.document),
            "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        }


def parsed(text: str | bytes) -> Request:
    """The request that splunkd passes. Raises RequestRefused."""
    try:
        given = json.loads(text)
        session, server = given["session"], given["server"]
        query = {str(name): str(value) for name, value in given.get("query") or ()}
        request = Request(
            str(given["method"]).upper(),
            str(given["rest_path"]).rstrip("/").rpartition("/")[2],
            str(session["user"]),
            str(session["authtoken"]),
            str(server["rest_uri"]),
            query,
        )
        payload = given.get("payload") or ""
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RequestRefused(
            400,
            "splunkd passed a request that this handler does not know",
            next_step="Report it with the version of Splunk",
        ) from error
    if request.method == "GET":
        return request
    return Request(**{**vars(request), "body": _body(payload)})


def _body(payload: object) -> Json:
    """The JSON object that a body has; an empty one for no body. Raises RequestRefused."""
    if not payload:
        return {}
    if not isinstance(payload, str) or len(payload) > MOST_CHARACTERS:
        raise RequestRefused(
            413,
            f"The request has more than {MOST_CHARACTERS} characters",
            next_step="Send less",
        )
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RequestRefused(
            400, "The body of the request is not a JSON object", next_step="Send one"
        )
    return body
