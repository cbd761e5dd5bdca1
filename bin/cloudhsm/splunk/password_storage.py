"""Splunk's password storage, and the stanza that a secret was typed into, through splunkd's REST.

A credential is one entry of storage/passwords; its realm states its purpose:

================================  ====================================
realm                             password
================================  ====================================
TA-aws-cloudhsm                   ACCESS_KEY_ID:SECRET_ACCESS_KEY
TA-aws-cloudhsm-proxy@PROXY_HOST  USER:PASSWORD, for this proxy only
================================  ====================================

The username is the credential's name. Splunk encrypts the entry, returns it to users with
`list_storage_passwords`, and replicates it in search head clusters.

splunkd is asked on this host only, as splunklib does it: its certificate is mostly self-signed.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import quote

from splunklib.binding import AuthenticationError, HTTPError, UrlEncoded

from cloudhsm.base.arguments import SCHEME
from cloudhsm.base.aws_identity import (
    Secret,
    is_access_key_id,
    looks_like_aws_key,
    refuse_proxy_user,
)
from cloudhsm.base.errors import CloudHsmError, CredentialsError, Place
from cloudhsm.splunk.splunkd_rest import APP, service_at

REALM = "TA-aws-cloudhsm"
# Saving a stanza makes splunkd validate it, which takes up to 15 s.
_TIMEOUT_S = 25
# splunkd answers 503 while it starts, or is busy.
_TRIES, _PAUSE_S = 3, 1.0
_HOW = "docs/credentials.md has the command"
_SESSION_OVER, _DENIED, _NOT_FOUND, _UNAVAILABLE = 401, 403, 404, 503


class Entry(NamedTuple):
    """A credential without its secret.

    kind: aws or proxy. host: of the proxy, with `_` for each colon; "" for AWS.
    user_end: the last 4 characters of the access key ID; "" for a proxy.
    """

    kind: str
    name: str
    host: str
    user_end: str


class _Requests:
    """Requests to one splunkd; every method may raise a CloudHsmError.

    server_uri, session_key: as splunkd passes them to a modular input, or a REST handler.
    """

    def __init__(self, server_uri: str, session_key: str) -> None:
        self._uri = server_uri
        self._service = service_at(server_uri, {"token": f"Splunk {session_key}"}, _TIMEOUT_S)

    def _ask(
        self, method: str, path: str, purpose: str, fields: dict[str, str], app: str = APP
    ) -> dict[str, Any] | None:
        """The first entry of splunkd's response; None where there is none."""
        entries = self._entries(method, path, purpose, fields, app)
        return entries[0] if entries else None

    def _entries(
        self, method: str, path: str, purpose: str, fields: dict[str, str], app: str
    ) -> list[dict[str, Any]] | None:
        """The entries of splunkd's response; None for a GET or DELETE of what does not exist."""
        send = getattr(self._service, method.lower())
        for attempt in range(1, _TRIES + 1):
            try:
                encoded = UrlEncoded(path, skip_encode=True)
                answer = send(encoded, owner="nobody", app=app, output_mode="json", **fields)
                return _entries_of(answer.body.read())
            except HTTPError as error:
                if error.status == _NOT_FOUND and method != "POST":
                    return None
                if error.status == _UNAVAILABLE and attempt < _TRIES:
                    time.sleep(_PAUSE_S)
                    continue
                raise _refused(self._uri, error.status, str(error), purpose) from error
            except AuthenticationError as error:
                raise _refused(self._uri, 401, str(error), purpose) from error
            except (OSError, ValueError, HTTPException) as error:
                raise _unreachable(self._uri, error, purpose) from error
        raise AssertionError("the last try returns or raises")


class SplunkPasswordStorage(_Requests):
    """The password storage of one splunkd; every method may raise a CloudHsmError."""

    def aws_keys(self, name: str) -> Secret:
        """AWS keys by their name. Raises CredentialsError where there are none."""
        keys = self._secret(REALM, name)
        if keys is None:
            raise _missing(f"AWS keys named {name!r}", REALM, "aws_credential")
        if not is_access_key_id(keys.user):
            raise CredentialsError(
                f"The credential {name!r} in Splunk's password storage is not an AWS key: it does "
                "not begin with an access key ID",
                place=Place(setting="aws_credential"),
                next_step=f"Store ACCESS_KEY_ID:SECRET_ACCESS_KEY as its password. {_HOW}",
            )
        return keys

    def proxy_user(self, name: str, host: str) -> Secret:
        """User and password for the proxy at `host`. Raises CredentialsError where there is none.

        An entry for another host is not found, so that no one who may change `proxy_url` can send
        the password elsewhere.
        """
        realm = proxy_realm(host)
        user = self._secret(realm, name)
        if user is None:
            raise _missing(
                f"password named {name!r} for the proxy {host}", realm, "proxy_credential"
            )
        return refuse_proxy_user(user, "proxy_credential")

    def put_aws_keys(self, name: str, keys: Secret) -> None:
        """Store AWS keys, or replace those of this name."""
        self._put(REALM, name, keys)

    def put_proxy_user(self, name: str, host: str, user: Secret) -> None:
        """Store user and password of the proxy at `host`, or replace those of this name."""
        self._put(proxy_realm(host), name, user)

    def has_proxy_user(self, name: str, host: str) -> bool:
        """Whether there is such an entry."""
        return self._secret(proxy_realm(host), name) is not None

    def unbound_proxy_user(self, name: str) -> Secret | None:
        """A proxy's user and password in the realm of AWS keys, where earlier builds kept them."""
        entry = self._secret(REALM, name)
        return None if entry is None or looks_like_aws_key(entry) else entry

    def delete_unbound_proxy_user(self, name: str) -> None:
        """Delete what `unbound_proxy_user` returned."""
        self._ask("DELETE", _entry(REALM, name), "delete a credential", {})

    def inputs(self) -> dict[str, dict[str, str]]:
        """All inputs of this add-on on this host, in any app: settings by name."""
        path, every = f"data/inputs/{SCHEME}", {"count": "0"}
        entries = self._entries("GET", path, "list inputs", every, "-") or []
        return {str(entry.get("name")): _content(entry) for entry in entries if entry.get("name")}

    def amend(self, input_name: str, settings: Mapping[str, str]) -> None:
        """Change settings of an input where it is defined, in whichever app that is."""
        path = f"data/inputs/{SCHEME}/{quote(input_name, safe='')}"
        entry = self._ask("GET", path, "read the input", {}, app="-")
        if entry is None:
            raise _unlike(f"splunkd does not know the input {input_name!r}", self._uri)
        acl = entry.get("acl")
        app = str(acl.get("app") or APP) if isinstance(acl, dict) else APP
        self._ask("POST", path, "change the input", dict(settings), app=app)

    def _secret(self, realm: str, name: str) -> Secret | None:
        """An entry; None where there is none. Raises CredentialsError for another form."""
        entry = self._ask("GET", _entry(realm, name), "read a credential", {})
        if entry is None:
            return None
        clear = _content(entry).get("clear_password", "")
        user, colon, password = clear.partition(":")
        if not (user and colon and password):
            raise CredentialsError(
                f"The credential {name!r} in Splunk's password storage does not have the form "
                "USER:PASSWORD",
                place=Place(setting="aws_credential" if realm == REALM else "proxy_credential"),
                next_step="Store ACCESS_KEY_ID:SECRET_ACCESS_KEY for AWS, USER:PASSWORD for a "
                f"proxy. {_HOW}",
            )
        return Secret(user, password)

    def _put(self, realm: str, name: str, secret: Secret) -> None:
        password = f"{secret.user}:{secret.password}"
        if self._ask("GET", _entry(realm, name), "read a credential", {}) is None:
            fields = {"realm": realm, "name": name, "password": password}
            self._ask("POST", "storage/passwords", "store a credential", fields)
        else:
            path = _entry(realm, name)
            self._ask("POST", path, "store a credential", {"password": password})


class CredentialList(_Requests):
    """The credentials of this add-on as a person may see and delete them."""

    def entries(self) -> list[Entry]:
        """The credentials of this add-on, without their secrets, sorted by kind and name."""
        path, every = "storage/passwords", {"count": "0"}
        entries = self._entries("GET", path, "list credentials", every, APP) or []
        known = (_credential(_content(entry)) for entry in entries)
        return sorted(entry for entry in known if entry is not None)

    def delete_aws_keys(self, name: str) -> bool:
        """Delete AWS keys; False where there are none."""
        return self._delete(REALM, name)

    def delete_proxy_user(self, name: str, host: str) -> bool:
        """Delete a proxy's user and password; False where there are none."""
        return self._delete(proxy_realm(host), name)

    def _delete(self, realm: str, name: str) -> bool:
        deleted = self._entries("DELETE", _entry(realm, name), "delete a credential", {}, APP)
        return deleted is not None


def _refused(uri: str, status: int, message: str, purpose: str) -> CloudHsmError:
    what = f"splunkd at {uri} did not let this input {purpose}: HTTP {status}"
    if status == _SESSION_OVER:
        what += ", its session has ended"
        next_step = "The next run has a new session"
    elif status == _DENIED and purpose == "change the input":
        next_step = "Remove the secret from the input yourself: it is stored already"
    elif status == _DENIED:
        next_step = (
            "The owner of the input needs the capabilities list_storage_passwords, "
            "edit_storage_passwords or admin_all_objects to store them: docs/credentials.md"
        )
    else:
        what = f"splunkd at {uri} could not {purpose}: {message}"
        next_step = "The next run tries again; look into splunkd.log if it persists"
    refused = CredentialsError(what, next_step=next_step)
    refused.http_status = status
    return refused


def _unreachable(uri: str, error: Exception, purpose: str) -> CloudHsmError:
    why = "did not answer in time" if isinstance(error, socket.timeout) else str(error)
    return CredentialsError(
        f"splunkd at {uri} was asked to {purpose}: {why}",
        next_step="The next run tries again; look into splunkd.log if it persists",
    )


def _unlike(what: str, uri: str) -> CredentialsError:
    return CredentialsError(f"{what} (at {uri})", next_step="Save the input once more")


def proxy_realm(host: str) -> str:
    """The realm of passwords for one proxy. Splunk separates parts of an entry's ID by colons."""
    return f"{REALM}-proxy@{host.replace(':', '_')}"


def _missing(what: str, realm: str, setting: str) -> CredentialsError:
    return CredentialsError(
        f"Splunk's password storage has no {what} (realm {realm})",
        place=Place(setting=setting),
        next_step=f"Store it on the Splunk that runs the input. {_HOW}",
    )


def _entry(realm: str, name: str) -> str:
    """The path of an entry: its ID is `realm:username:`."""
    return "storage/passwords/" + quote(f"{realm}:{name}:", safe="")


def _credential(content: Mapping[str, str]) -> Entry | None:
    """An entry of storage/passwords as one of ours; None for that of another app."""
    realm, name = content.get("realm", ""), content.get("username", "")
    if realm.startswith(f"{REALM}-proxy@"):
        return Entry("proxy", name, realm.partition("@")[2], "")
    if realm != REALM:
        return None
    user = content.get("clear_password", "").partition(":")[0]
    return Entry("aws", name, "", user[-4:] if is_access_key_id(user) else "")


def _entries_of(body: bytes) -> list[dict[str, Any]]:
    """Raises ValueError for what is no response of splunkd's REST API."""
    try:
        document = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise ValueError("the response is not JSON") from error
    entries = document.get("entry") or [] if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the response is not one of splunkd's REST API")  # noqa: TRY004
    return [entry for entry in entries if isinstance(entry, dict)]


def _content(entry: Mapping[str, Any]) -> dict[str, str]:
    """The settings of an entry as texts; what has no value is empty."""
    content = entry.get("content")
    known = content.items() if isinstance(content, dict) else ()
    return {str(name): "" if value is None else str(value) for name, value in known}
