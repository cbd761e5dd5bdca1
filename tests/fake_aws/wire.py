"""AWS JSON 1.1 and, for STS, the query protocol: requests as they come, answers as they go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.fake_aws.store import Stored

STS_OPERATIONS = frozenset({"GetCallerIdentity"})
_JSON = "application/x-amz-json-1.1"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ACCESS_KEY = re.compile(r"Credential=([^/,\s]+)/")


@dataclass(frozen=True)
class Reply:
    """One answer, and how it reaches the reader.

    cut:         only so many bytes arrive, with the Content-Length of the complete body.
    reset:       the connection is reset: at once, or after `cut` bytes of the body.
    unreachable: no server listens (a process with sockets resets instead).
    delay_s:     the answer takes this long.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    reset: bool = False
    unreachable: bool = False
    delay_s: float = 0.0

    @property
    def sent(self) -> bytes:
        """What arrives of the body."""
        return self.body if self.cut is None else self.body[: self.cut]


class Refusal(Exception):
    """An error that the service answers with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers: dict[str, str] = {}


@dataclass(frozen=True)
class Answer:
    """The body of an answer before faults shorten it."""

    status: int
    content_type: str
    body: bytes


class UnreadableRequest(ValueError):
    """The body is not what the protocol asks for."""


def read_request(headers: Mapping[str, str], body: bytes) -> tuple[str, dict[str, Any]]:
    """Operation and parameters of a request.

    Raises UnreadableRequest for a body that is none.
    """
    target = headers.get("X-Amz-Target", "")
    try:
        if not target:
            form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
            return form.pop("Action", ""), dict(form)
        parameters = json.loads(body)
    except ValueError as error:
        raise UnreadableRequest(f"the body of {target or 'a query'}: {error}") from error
    if not isinstance(parameters, dict):
        raise UnreadableRequest(f"the body of {target} is no JSON object")
    return target.rpartition(".")[2], parameters


def access_key(headers: Mapping[str, str]) -> str | None:
    """The id of the key that signed a request."""
    match = _ACCESS_KEY.search(headers.get("Authorization", ""))
    return match[1] if match else None


def event_json(event: Stored) -> bytes:
    """One event of FilterLogEvents."""
    return _kept_event_json(event) if event.size < _KEPT_BYTES else _event_json(event)


def _event_json(event: Stored) -> bytes:
    return _encoded(
        {
            "eventId": event.event_id,
            "ingestionTime": event.ingested_ms,
            "logStreamName": event.stream,
            "message": event.message,
            "timestamp": event.at_ms,
        }
    )


# The same events are read again and again; huge ones would fill the memory.
_KEPT_BYTES = 4_096
_kept_event_json = lru_cache(maxsize=65_536)(_event_json)


def stream_event_json(event: Stored) -> bytes:
    """One event of GetLogEvents: without id and stream."""
    return _encoded(
        {
            "ingestionTime": event.ingested_ms,
            "message": event.message,
            "timestamp": event.at_ms,
        }
    )


def page_json(events: Iterable[bytes], members: Mapping[str, object]) -> Answer:
    """An answer with events that are JSON already, and further members."""
    rest = _encoded(members)[1:]
    comma = b"," if members else b""
    return Answer(200, _JSON, b'{"events":[' + b",".join(events) + b"]" + comma + rest)


def json_answer(members: Mapping[str, object]) -> Answer:
    """Any other answer."""
    return Answer(200, _JSON, _encoded(members))


def refusal_answer(refusal: Refusal, operation: str) -> Answer:
    """An error in the protocol of the operation's service."""
    if operation in STS_OPERATIONS:
        code = refusal.code.replace("ExpiredTokenException", "ExpiredToken")
        code = code.replace("AccessDeniedException", "AccessDenied")
        return _xml(
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code>"
            f"<Message>{escape(refusal.message)}</Message></Error></ErrorResponse>",
            403 if refusal.status == 400 else refusal.status,
        )
    body = _encoded({"__type": refusal.code, "message": refusal.message})
    return Answer(refusal.status, _JSON, body)


def html_answer(status: int) -> Answer:
    """The response of a load balancer without a server."""
    body = f"<html><head><title>{status}</title></head><body>Bad Gateway</body></html>"
    return Answer(status, "text/html", body.encode())


def identity_answer(account: str) -> Answer:
    """An answer of GetCallerIdentity."""
    return _xml(
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/reader</Arn>"
        f"<UserId>AIDAEXAMPLE</UserId><Account>{account}</Account></GetCallerIdentityResult>"
        "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>",
        200,
    )


def date_header(now_ms: int) -> str:
    """The `Date` header: whole seconds, as HTTP has it."""
    return formatdate(now_ms // 1000, usegmt=True)


def inside_character(body: bytes, first: int) -> int | None:
    """Where a cut after `first` would split the bytes of a character, if it can."""
    match = re.compile(rb"[\x80-\xbf]").search(body, first)
    return match.start() if match else None


def _encoded(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # UTF-8 cannot carry half a surrogate pair; JSON's escape can
        return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def _xml(body: str, status: int) -> Answer:
    return Answer(status, "text/xml", body.encode())
