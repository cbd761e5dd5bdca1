"""Splunk's password storage, and the stanza that a secret was typed into, through splunkd's REST.

A credential is one entry of storage/passwords: realm TA-aws-cloudhsm, its name as the username, and
`USER:PASSWORD` as the password, where USER is an access key id or a proxy's user. Splunk encrypts
it, gives it to whoever may `list_storage_passwords`, and copies it to search head clusters.

splunkd is asked on this host only, as splunklib does it: its certificate is mostly self-signed.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from splunklib.binding import AuthenticationError, HTTPError, UrlEncoded
from splunklib.binding import handler as splunk_http
from splunklib.client import Service

from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.aws_identity import Secret
from cloudhsm.base.errors import CloudHsmError, CredentialsError, Place

APP = REALM = "TA-aws-cloudhsm"
# Saving a stanza makes splunkd validate it, which takes up to 15 s.
_TIMEOUT_S = 25
# splunkd answers 503 while it starts, or is busy.
_TRIES, _PAUSE_S = 3, 1.0
_NOT_FOUND, _DENIED, _UNAVAILABLE = 404, (401, 403), 503


class SplunkSecrets:
    """The password storage of one splunkd; every method may raise a CloudHsmError.

    server_uri, session_key: as splunkd hands them to a modular input.
    """

    def __init__(self, server_uri: str, session_key: str) -> None:
        self._uri = server_uri
        parts = urlsplit(server_uri)
        self._service = Service(
            handler=splunk_http(timeout=_TIMEOUT_S),
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port,
            token=f"Splunk {session_key}",
            owner="nobody",
            app=APP,
            autologin=False,
        )

    def get(self, name: str) -> Secret:
        """A credential by its name; raises CredentialsError where there is none."""
        entry = self._find(name)
        if entry is None:
            raise CredentialsError(
                f"Splunk's password storage has no credential {name!r} in realm {REALM}",
                place=Place(setting=name),
                next_step=f"Add it: POST to storage/passwords with realm={REALM}, name={name} and "
                "password=ACCESS_KEY_ID:SECRET_ACCESS_KEY (of a proxy USER:PASSWORD)",
            )
        user, colon, password = str(entry.get("clear_password", "")).partition(":")
        if not (user and colon and password):
            raise CredentialsError(
                f"The credential {name!r} in Splunk's password storage has not the form "
                "USER:PASSWORD",
                place=Place(setting=name),
                next_step="Store ACCESS_KEY_ID:SECRET_ACCESS_KEY, of a proxy USER:PASSWORD",
            )
        return Secret(user, password)

    def put(self, name: str, secret: Secret) -> None:
        """Store a credential, in place of one of this name."""
        password = f"{secret.user}:{secret.password}"
        if self._find(name) is None:
            fields = {"realm": REALM, "name": name, "password": password}
            self._ask("POST", "storage/passwords", "store a credential", fields)
        else:
            path = f"storage/passwords/{_entry(name)}"
            self._ask("POST", path, "store a credential", {"password": password})

    def amend(self, input_name: str, settings: Mapping[str, str]) -> None:
        """Change settings of an input where it is defined, in whichever app that is."""
        path = f"data/inputs/{SCHEME}/{quote(input_name, safe='')}"
        found = self._ask("GET", path, "read the input", {}, app="-")
        if found is None:
            raise _unlike(f"splunkd does not know the input {input_name!r}", self._uri)
        app = found.get("acl", {}).get("app", APP)
        self._ask("POST", path, "change the input", dict(settings), app=app)

    def _find(self, name: str) -> dict[str, Any] | None:
        path = f"storage/passwords/{_entry(name)}"
        found = self._ask("GET", path, "read a credential", {})
        return None if found is None else dict(found.get("content", {}))

    def _ask(
        self, method: str, path: str, purpose: str, fields: dict[str, str], app: str = APP
    ) -> dict[str, Any] | None:
        """The entry that splunkd answers with; None where there is none."""
        send = self._service.get if method == "GET" else self._service.post
        for attempt in range(1, _TRIES + 1):
            try:
                encoded = UrlEncoded(path, skip_encode=True)
                answer = send(encoded, owner="nobody", app=app, output_mode="json", **fields)
                return _entry_of(answer.body.read())
            except HTTPError as error:
                if error.status == _NOT_FOUND and method == "GET":
                    return None
                if error.status == _UNAVAILABLE and attempt < _TRIES:
                    time.sleep(_PAUSE_S)
                    continue
                raise self._refused(error.status, str(error), purpose) from error
            except AuthenticationError as error:
                raise self._refused(401, str(error), purpose) from error
            except (OSError, ValueError) as error:
                raise self._unreachable(error, purpose) from error
        raise AssertionError("the last try returns or raises")

    def _refused(self, status: int, message: str, purpose: str) -> CloudHsmError:
        if status in _DENIED:
            return CredentialsError(
                f"splunkd at {self._uri} did not let this input {purpose}: HTTP {status}",
                next_step="The owner of the input needs the capabilities list_storage_passwords, "
                "admin_all_objects or edit_storage_passwords to store them; see README",
            )
        return CredentialsError(
            f"splunkd at {self._uri} could not {purpose}: {message}",
            next_step="The next run tries again; look into splunkd.log if it persists",
        )

    def _unreachable(self, error: Exception, purpose: str) -> CloudHsmError:
        why = "did not answer in time" if isinstance(error, socket.timeout) else str(error)
        return CredentialsError(
            f"splunkd at {self._uri} was asked to {purpose}: {why}",
            next_step="The next run tries again; look into splunkd.log if it persists",
        )


def _unlike(what: str, uri: str) -> CredentialsError:
    return CredentialsError(f"{what} (at {uri})", next_step="Save the input once more")


def _entry(name: str) -> str:
    """How splunkd calls an entry: `realm:username:`, where colons are escaped."""
    return quote(f"{REALM}:{name}:", safe="")


def _entry_of(body: bytes) -> dict[str, Any] | None:
    entries = json.loads(body).get("entry") or [None]
    return entries[0] if isinstance(entries[0], dict) else None
