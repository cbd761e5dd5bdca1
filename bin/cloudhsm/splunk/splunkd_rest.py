"""splunkd of this host: its identity and roles, and collections of its KV Store, through its REST.

KV Store answers 409 to an insert whose `_key` exists; that is its only atomic step. In a search
head cluster writes go to KV Store's captain, reads are answered by the member itself and may lag.
While it starts, is disabled or has no captain it answers 503 or points elsewhere (3xx).
"""

from __future__ import annotations

import json
import socket
import ssl
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from splunklib.binding import AuthenticationError, HTTPError, UrlEncoded
from splunklib.binding import handler as splunk_http
from splunklib.client import Service

from cloudhsm.base.aws_identity import endpoint, is_loopback
from cloudhsm.base.errors import CloudHsmError, StateError, refused_setting

APP = "TA-aws-cloudhsm"
CLUSTER_MEMBER = "shc_member"
# A healthy KV Store answers within milliseconds; a slow one may be waiting for its members.
_TIMEOUT_S = 15.0
_INFO_TIMEOUT_S = 5.0
_TRIES, _PAUSE_S = 3, 1.0
_CONFLICT, _DENIED, _MISSING, _UNAVAILABLE = 409, (401, 403), 404, 503
_JSON = [("Content-Type", "application/json")]

Json = dict[str, Any]


class SplunkdSilent(CloudHsmError):
    """splunkd did not return its identity."""


class SessionOver(CloudHsmError):
    """splunkd does not accept the session any more."""


class KvStoreUnavailable(StateError):
    """KV Store cannot be used now."""


@dataclass(frozen=True)
class Server:
    """guid: of this installation, kept over restarts. name: as people call it."""

    guid: str
    name: str
    roles: tuple[str, ...] = ()


def verified(uri: str, ca: str | None) -> ssl.SSLContext | None:
    """How a command checks the certificate of `--uri`; None for loopback without a CA.

    ca: a file of PEM certificates, `--ca`; None for those of this host. Raises SettingError for a
    URI that would send a password unencrypted, and for a file without certificates.
    """
    endpoint("--uri", uri)
    if ca is None and is_loopback(uri):  # splunkd's own certificate names no host
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise refused_setting(
            "--ca", f"cannot be used: {error}", "Name a file of PEM certificates"
        ) from error


def describe(
    server_uri: str, login: Mapping[str, str], context: ssl.SSLContext | None = None
) -> Server:
    """splunkd's GUID, name and roles; raises SplunkdSilent. login, context: as of Collection."""
    service = service_at(server_uri, login, _INFO_TIMEOUT_S, context)
    try:
        answer = service.get(UrlEncoded("/services/server/info"), output_mode="json")
        content = json.loads(answer.body.read())["entry"][0]["content"]
        roles = tuple(str(role) for role in content.get("server_roles") or ())
        return Server(str(content["guid"]), str(content.get("serverName", "")), roles)
    except (HTTPError, AuthenticationError, OSError) as error:
        why = _why(error)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        why = f"its answer has another form ({error!r})"
    raise SplunkdSilent(
        f"splunkd at {server_uri} does not return its server roles: {why}",
        next_step="The next run asks again; look into splunkd.log if it persists",
    )


@dataclass(frozen=True)
class Person:
    """Who is asking, and what splunkd lets this person do."""

    name: str
    capabilities: frozenset[str]


def person_of(server_uri: str, session_key: str) -> Person:
    """Whose session it is. Raises SessionOver where it has ended, SplunkdSilent otherwise.

    Source: REST API Reference, authentication/current-context.
    """
    service = service_at(server_uri, {"token": f"Splunk {session_key}"}, _INFO_TIMEOUT_S)
    try:
        path = UrlEncoded("/services/authentication/current-context")
        content = json.loads(service.get(path, output_mode="json").body.read())["entry"][0][
            "content"
        ]
        names = content.get("capabilities") or ()
        return Person(str(content["username"]), frozenset(str(name) for name in names))
    except AuthenticationError as error:
        raise SessionOver(
            "The session has ended", next_step="Log in to Splunk again; nothing was changed"
        ) from error
    except (HTTPError, OSError) as error:
        why = _why(error)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        why = f"the response has another form ({error!r})"
    raise SplunkdSilent(
        f"splunkd at {server_uri} does not return whose session it is: {why}",
        next_step="Try again; look into splunkd.log if it persists",
    )


def log_in(server_uri: str, user: str, password: str, context: ssl.SSLContext | None = None) -> str:
    """A session key for a person; raises SplunkdSilent."""
    login = {"username": user, "password": password}
    service = service_at(server_uri, login, _INFO_TIMEOUT_S, context)
    try:
        service.login()
    except AuthenticationError:
        why = f"it does not know {user} with this password"
    except (HTTPError, OSError, ET.ParseError) as error:
        why = _why(error)
    else:
        return str(service.token).partition(" ")[2]
    raise SplunkdSilent(
        f"splunkd at {server_uri} gives no session: {why}",
        next_step="Check --uri, the user and the password; --ca names certificates to trust",
    )


class Collection:
    """One collection of KV Store; every method may raise KvStoreUnavailable.

    Once it was raised, the rest of a run is spared the waiting: it is raised again at once.
    login: `{"token": "Splunk KEY"}`, as a run has it, or `{"splunkToken": TOKEN}`.
    context: how the certificate is verified; None for splunkd on this host.
    waiting: entered around each request; it may raise what ends the wait.
    """

    def __init__(
        self,
        server_uri: str,
        login: Mapping[str, str],
        name: str,
        context: ssl.SSLContext | None = None,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._waiting = waiting
        self._uri = server_uri
        self._path = UrlEncoded(f"storage/collections/data/{name}", skip_encode=True)
        self._service = service_at(server_uri, login, _TIMEOUT_S, context)
        self._failure: KvStoreUnavailable | None = None

    def insert(self, document: Json) -> bool:
        """Add a document; False, and nothing is changed, where its `_key` exists."""
        body = json.dumps(document)
        return self._ask("POST", headers=_JSON, body=body) is not None

    def find(self, query: Json, limit: int, sort: str = "slot:-1", fields: str = "") -> list[Json]:
        """The first documents of an order (`FIELD:1` or `FIELD:-1`), complete or only `fields`."""
        request = {"query": json.dumps(query), "sort": sort, "limit": str(limit)}
        request |= {"fields": fields} if fields else {}
        answer = self._ask("GET", **request)
        if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
            raise self._unavailable("KV Store's answer has another form")
        return answer

    def delete(self, query: Json) -> None:
        """Remove the documents that a query finds."""
        self._ask("DELETE", query=json.dumps(query))

    def _ask(self, method: str, **request: Any) -> Any:  # noqa: ANN401  (JSON)
        """The answer; None for a conflict."""
        if self._failure is not None:
            raise self._failure
        with self._waiting():
            return self._answer(method, request)

    def _answer(self, method: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401  (JSON)
        for attempt in range(1, _TRIES + 1):
            try:
                return self._once(method, request)
            except HTTPError as error:
                if error.status == _CONFLICT:
                    return None
                if error.status == _UNAVAILABLE and attempt < _TRIES:
                    time.sleep(_PAUSE_S)
                    continue
                self._failure = self._refused(error)
            except AuthenticationError:
                self._failure = self._denied(401)
            except (OSError, ValueError) as error:
                self._failure = self._unavailable(f"splunkd was asked for KV Store: {_why(error)}")
            raise self._failure
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401  (JSON)
        send = {
            "GET": self._service.get,
            "POST": self._service.post,
            "DELETE": self._service.delete,
        }[method]
        answer = send(self._path, owner="nobody", app=APP, **request)
        if (
            answer.status >= 300
        ):  # splunklib follows no redirect, and the session key goes nowhere else
            raise OSError(f"KV Store has no captain here: HTTP {answer.status}")
        body = answer.body.read()
        return json.loads(body) if body else {}

    def _refused(self, error: HTTPError) -> KvStoreUnavailable:
        if error.status in _DENIED:
            return self._denied(error.status)
        if error.status == _MISSING:
            return KvStoreUnavailable(
                f"KV Store at {self._uri} does not know the add-on's collection for states",
                next_step="Install all of TA-aws-cloudhsm here (default/collections.conf), and "
                "restart Splunk",
            )
        return self._unavailable(f"KV Store answers: {error}")

    def _denied(self, status: int) -> KvStoreUnavailable:
        return KvStoreUnavailable(
            f"splunkd at {self._uri} did not let this session use KV Store: HTTP {status}",
            next_step="Give the owner of the input read and write access to the add-on's "
            "collections; a session that ended is renewed by the next run",
        )

    def _unavailable(self, what: str) -> KvStoreUnavailable:
        return KvStoreUnavailable(
            f"{what} (at {self._uri})",
            next_step="See `splunk show kvstore-status`: where it is disabled, enable it "
            "(server.conf, [kvstore] disabled = false) or set state_store = file, which no search "
            "head cluster takes; where it starts or elects a captain, wait. Nothing was lost, the "
            "next run tries again",
        )


def service_at(
    server_uri: str,
    login: Mapping[str, str],
    timeout_s: float,
    context: ssl.SSLContext | None = None,
) -> Service:
    """A client of one splunkd, which is asked nothing yet."""
    parts = urlsplit(server_uri)
    return Service(
        handler=splunk_http(timeout=timeout_s, verify=context is not None, context=context),
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or 8089,  # splunkd's own default
        owner="nobody",
        app=APP,
        autologin=False,
        **login,
    )


def _why(error: Exception) -> str:
    return "it did not answer in time" if isinstance(error, socket.timeout) else str(error)
