"""Fakes of what the collector touches: CloudWatch Logs, in memory and over HTTP, and records."""

from __future__ import annotations

import io
import json
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from cloudhsm.aws.log_source import Discovery, FoundGroup, LogEvent, Page
from cloudhsm.aws.rate_limit import RateLimiter
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.base.settings import GroupSelector
from cloudhsm.trail.log_group import GroupId

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_790_000_000_000
GROUP = GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-likphkxygsn")
HSM = "hsm-nwbbiqbj4jk"


def audit_text(
    sequence: int,
    usecs: int,
    *,
    reboot_counter: str = "0xe8",
    user: str = "admin",
    command: str = "CN_MGMT_CMD (0x0)",
) -> str:
    """A record of the older generation."""
    moment = datetime.fromtimestamp(usecs // 1_000_000, timezone.utc)
    return (
        f"Time: {moment:%m/%d/%y %H:%M:%S}.{usecs % 1_000_000:06d}, usecs:{usecs}\n"
        f"Sequence No : {sequence:#x}\n"
        f"Reboot counter : {reboot_counter}\n"
        f"Command Type(hex) : {command}\n"
        "Opcode : CN_LOGIN (0xd)\n"
        "Session Handle : 0x7014006\n"
        "Response : 0:HSM Return: SUCCESS\n"
        "Log type : MGMT_USER_DETAILS_LOG (2)\n"
        f"User Name : {user}\n"
        "User Type : CN_CRYPTO_OFFICER (2)"
    )


def event(
    sequence: int,
    at_ms: int,
    *,
    event_id: str | None = None,
    stream: str = HSM,
    message: str | None = None,
) -> LogEvent:
    """A CloudWatch Logs event; its id follows from stream and sequence unless one is given."""
    text = audit_text(sequence, at_ms * 1000 - 1500) if message is None else message
    return LogEvent(event_id or f"{stream}/{sequence}", stream, at_ms, text)


@dataclass
class FakeLogs:
    """CloudWatch Logs in memory: sorted, paged, both ends inclusive.

    before_page: called before each page is handed out; may raise. true_now: AWS's time, which is
    learned from an answer only; None where `now` is.
    """

    events: list[LogEvent] = field(default_factory=list)
    now: int = NOW_MS
    true_now: int | None = None
    page_size: int = 3
    groups: list[GroupId] = field(default_factory=lambda: [GROUP])
    retention_ms: int | None = None
    failures: list[CloudHsmError] = field(default_factory=list)
    before_page: Callable[[int], None] = lambda _: None
    reads: list[tuple[int, int]] = field(default_factory=list)
    discoveries: int = 0
    clock: AwsClock = field(default_factory=AwsClock)
    pace: RateLimiter = field(default_factory=lambda: RateLimiter(1e9))

    def now_ms(self) -> int:
        return self.now

    def latest_ms(self) -> int:
        return self.now

    def discover(
        self,
        selectors: Iterable[GroupSelector],  # noqa: ARG002
        is_over: Callable[[], bool] = lambda: False,  # noqa: ARG002
    ) -> Discovery:
        self.discoveries += 1
        groups = [FoundGroup(group, self.retention_ms) for group in self.groups]
        return Discovery(groups, self.failures)

    def may_read(self, group: GroupId) -> None:  # noqa: ARG002  (as above)
        """Its answer tells the time."""
        if self.true_now is not None:
            self.now = self.true_now

    def read(
        self,
        group: GroupId,  # noqa: ARG002  (one group's events stand for all)
        start_ms: int,
        end_ms: int,
        stream: str | None = None,
    ) -> Iterator[Page]:
        assert start_ms <= end_ms, "AWS refuses a window that ends before it starts"
        self.reads.append((start_ms, end_ms))
        inside = [e for e in self.events if start_ms <= e.timestamp_ms <= end_ms]
        inside = [e for e in inside if stream in (None, e.stream)]
        inside.sort(key=lambda e: e.timestamp_ms)
        for number, first in enumerate(range(0, max(1, len(inside)), self.page_size)):
            self.before_page(number)
            page = inside[first : first + self.page_size]
            yield Page.of(page, is_last=first + self.page_size >= len(inside))


class Pipe(io.BytesIO):
    """A buffered pipe to splunkd: what was not flushed dies with the process."""

    def __init__(self) -> None:
        super().__init__()
        self._unflushed: list[bytes] = []

    def write(self, data: Any) -> int:  # noqa: ANN401  (as BytesIO has it)
        self._unflushed.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        for data in self._unflushed:
            super().write(data)
        self._unflushed.clear()


def handed_over(output: io.BytesIO) -> list[dict[str, str]]:
    """What an XML parser reads from a stream of events, closed or not."""
    text = output.getvalue().decode()
    if not text:
        return []
    text += "" if "</stream>" in text else "</stream>"
    return [{child.tag: child.text or "" for child in element} for element in ET.fromstring(text)]


@dataclass
class Answer:
    """What the scripted server says to one request.

    cut: send only this many bytes of the body, under the Content-Length of the whole.
    """

    body: object = field(default_factory=dict)
    status: int = 200
    cut: int | None = None
    date: str | None = None


def refusal(code: str, message: str = "no", status: int = 400) -> Answer:
    """An error answer of AWS JSON 1.1."""
    return Answer({"__type": code, "message": message}, status)


def filtered(*events: LogEvent, token: str | None = None) -> Answer:
    """An answer of FilterLogEvents."""
    body: dict[str, object] = {
        "events": [
            {
                "eventId": e.event_id,
                "logStreamName": e.stream,
                "timestamp": e.timestamp_ms,
                "message": e.message,
            }
            for e in events
        ]
    }
    if token is not None:
        body["nextToken"] = token
    return Answer(body)


def described(*names: str, account: str = "111122223333", token: str | None = None) -> Answer:
    """An answer of DescribeLogGroups."""
    groups = [
        {"logGroupName": name, "arn": f"arn:aws:logs:us-east-1:{account}:log-group:{name}:*"}
        for name in names
    ]
    return Answer({"logGroups": groups, **({"nextToken": token} if token else {})})


def holding(trail: list[LogEvent], page_size: int) -> Callable[[dict[str, Any]], Answer]:
    """FilterLogEvents over a sorted trail: both ends inclusive, paged by token."""

    def answer(asked: dict[str, Any]) -> Answer:
        start_ms, end_ms = asked["startTime"], asked["endTime"]
        inside = [one for one in trail if start_ms <= one.timestamp_ms <= end_ms]
        first = int(asked.get("nextToken", 0))
        rest = inside[first:]
        token = str(first + page_size) if len(rest) > page_size else None
        return filtered(*rest[:page_size], token=token)

    return answer


class ScriptedAws(ThreadingHTTPServer):
    """An AWS JSON 1.1 endpoint on loopback that gives prepared answers, in order, per operation.

    The last answer of an operation is given again and again; instead of answers, a function of the
    request's body may give them. `requests` keeps (operation, body), `headers` those of each.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ScriptedHandler)
        self.script: dict[str, list[Answer] | Callable[[dict[str, Any]], Answer]] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[Mapping[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The bodies of the requests for one operation."""
        return [body for name, body in self.requests if name == operation]


class _ScriptedHandler(BaseHTTPRequestHandler):
    server: ScriptedAws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amz-Target", "")
        if target:
            operation, asked = target.rpartition(".")[2], json.loads(body)
        else:  # STS speaks in forms and XML
            asked = dict(parse_qsl(body.decode()))
            operation = asked["Action"]
        self.server.requests.append((operation, asked))
        self.server.headers.append(dict(self.headers))
        answers = self.server.script[operation]
        if callable(answers):
            self._give(answers(asked))
        else:
            self._give(answers.pop(0) if len(answers) > 1 else answers[0])

    def _give(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response_only(answer.status)
        self.send_header("Date", answer.date or self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body if answer.cut is None else body[: answer.cut])

    def log_message(self, *_: object) -> None:
        """Quiet: a test that wants to know asks `requests`."""
