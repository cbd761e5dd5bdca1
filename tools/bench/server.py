"""A fast CloudWatch Logs for benchmarks: events are rendered once, answers only cut and sent.

    python -m tools.bench.server RECORDS [--latency-ms 80] [--calls-per-second 10]

Prints its URL and serves until it is killed. One group with 4 streams whose records are of the past
100 days, oldest first, the newest two days old; pages of at most 1 MB, as AWS cuts them. A GET
returns the number of calls by operation since the last GET.
"""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from samples.command_parser import CommandParser

GROUP = "/aws/cloudhsm/cluster-likphkxygsn"
STREAMS = tuple(f"hsm-bench234567{letter}" for letter in "abcd")
DAY_MS = 86_400_000
SPAN_DAYS, YOUNGEST_DAYS = 100, 2
PAGE_BYTES = 1_048_576
PAGE_EVENTS = 10_000
EVENT_OVERHEAD = 26
# More rendered events than this do not fit into memory; they are rendered when asked for.
MOST_KEPT = 500_000
MOST_BODIES = 256


@dataclass
class Trail:
    """`count` records, evenly spread; record n is the (n // 4)th of stream n % 4."""

    count: int
    now_ms: int

    @property
    def first_ms(self) -> int:
        """The timestamp of the oldest record."""
        return self.now_ms - (SPAN_DAYS + YOUNGEST_DAYS) * DAY_MS

    def at_ms(self, number: int) -> int:
        """The timestamp of a record; grows with its number."""
        return self.first_ms + number * SPAN_DAYS * DAY_MS // max(1, self.count)

    def numbers(self, start_ms: int, end_ms: int) -> range:
        """The records with start <= timestamp <= end."""
        every = range(self.count)
        first = bisect_left(every, start_ms, key=self.at_ms)
        return every[first : bisect_right(every, end_ms, key=self.at_ms)]

    def message(self, number: int) -> str:
        """A record's text, about 340 bytes."""
        usecs = self.at_ms(number) * 1000 - 1500
        moment = datetime.fromtimestamp(usecs // 1_000_000, timezone.utc)
        return (
            f"Time: {moment:%m/%d/%y %H:%M:%S}.{usecs % 1_000_000:06d}, usecs:{usecs}\n"
            f"Sequence No : {number // 4:#x}\nReboot counter : 0xe8\n"
            "Command Type(hex) : CN_MGMT_CMD (0x0)\nOpcode : CN_GENERATE_KEY_PAIR (0x19)\n"
            "Session Handle : 0x2014004\nResponse : 0:HSM Return: SUCCESS\n"
            "Log type : MGMT_KEY_DETAILS_LOG (1)\n"
            f"Priv/Secret Key Handle : {131079 + number}\nPublic Key Handle : {131078 + number}"
        )

    def filtered(self, number: int) -> dict[str, object]:
        """A record as FilterLogEvents gives it."""
        at_ms = self.at_ms(number)
        return {
            "logStreamName": STREAMS[number % 4],
            "timestamp": at_ms,
            "message": self.message(number),
            "ingestionTime": at_ms + 900,
            # An event id of AWS: 56 digits whose top bits are the timestamp.
            "eventId": str((at_ms << 144) + number).zfill(56),
        }

    @property
    def page_events(self) -> int:
        """How many events AWS puts on a page of at most 1 MB; nearly all texts are equally long."""
        longest = len(self.message(self.count))
        return min(PAGE_EVENTS, PAGE_BYTES // (longest + EVENT_OVERHEAD))

    def plain(self, number: int) -> dict[str, object]:
        """A record as GetLogEvents gives it."""
        at_ms = self.at_ms(number)
        return {
            "timestamp": at_ms,
            "message": self.message(number),
            "ingestionTime": at_ms + 900,
        }


class Pages:
    """The answers to the two reading calls, cut as AWS cuts them; tokens are record numbers."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._filtered = [_rendered(trail.filtered(n)) for n in _kept(trail)]
        self._plain = [_rendered(trail.plain(n)) for n in _kept(trail)]
        self._bodies = lru_cache(maxsize=MOST_BODIES)(self._body)

    def filter_log_events(self, request: Mapping[str, int | str]) -> bytes:
        """All streams, both ends inclusive; a token where more follows."""
        trail = self._trail
        start_ms, end_ms = (
            int(request.get("startTime", 0)),
            int(request.get("endTime", trail.now_ms)),
        )
        inside = trail.numbers(start_ms, end_ms)
        rest = inside[max(0, int(request.get("nextToken", 0)) - inside.start) :]
        page = rest[: trail.page_events]
        token = b"" if page.stop == rest.stop else b',"nextToken":"%d"' % page.stop
        return self._bodies(page, token)

    def get_log_events(self, request: Mapping[str, int | str]) -> bytes:
        """One stream from its head; at the end the token is the one that was passed."""
        first = STREAMS.index(str(request["logStreamName"]))
        rest = range(int(request.get("nextToken", first)), self._trail.count, len(STREAMS))
        page = rest[: self._trail.page_events]
        token = page[-1] + page.step if page else rest.start
        return self._bodies(page, b',"nextForwardToken":"%d"' % token)

    def _body(self, page: range, token: bytes) -> bytes:
        """An answer: pages of all streams have step 1, those of one stream 4."""
        kept = self._filtered if page.step == 1 else self._plain
        render = self._trail.filtered if page.step == 1 else self._trail.plain
        events = kept[page.start : page.stop : page.step] or [_rendered(render(n)) for n in page]
        return b'{"events":[%s]%s}' % (b",".join(events), token)


def _kept(trail: Trail) -> range:
    return range(trail.count if trail.count <= MOST_KEPT else 0)


def _rendered(event: dict[str, object]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


@dataclass
class Load:
    """The calls so far, and the limits on them.

    calls_per_second: refilled at this rate, a second's worth at most; None for no limit.
    """

    latency_s: float = 0.0
    calls_per_second: int | None = None
    calls: Counter[str] = field(default_factory=Counter)
    _left: float | None = None
    _refilled: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, operation: str) -> bool:
        """Count a call; False where the quota is used up. Returns after the latency."""
        with self._lock:
            admitted = self.calls_per_second is None or self._is_left(self.calls_per_second)
            self.calls[operation if admitted else "throttled"] += 1
        time.sleep(self.latency_s)
        return admitted

    def _is_left(self, rate: int) -> bool:
        now = time.monotonic()
        left = rate if self._left is None else self._left + (now - self._refilled) * rate
        self._refilled, self._left = now, min(rate, left)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def take_counts(self) -> dict[str, int]:
        """The counts since the last time."""
        with self._lock:
            counts, self.calls = dict(self.calls), Counter()
        return counts


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a small answer's body comes 40 ms late
    pages: Pages
    load: Load

    def do_GET(self) -> None:
        self._answer(200, json.dumps(self.load.take_counts()).encode())

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        if not self.load.admit(operation):
            self._answer(400, b'{"__type":"ThrottlingException","message":"Rate exceeded"}')
        elif operation == "FilterLogEvents":
            self._answer(200, self.pages.filter_log_events(request))
        elif operation == "GetLogEvents":
            self._answer(200, self.pages.get_log_events(request))
        else:
            arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}:*"
            groups = [{"logGroupName": GROUP, "arn": arn}]
            self._answer(200, json.dumps({"logGroups": groups}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: printing would be measured too."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until killed."""
    parser = CommandParser(prog="python -m tools.bench.server", description=__doc__)
    parser.add_argument("records", type=int)
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--calls-per-second", type=int)
    options = parser.parse_args(arguments)
    _Handler.pages = Pages(Trail(options.records, time.time_ns() // 1_000_000))
    _Handler.load = Load(options.latency_ms / 1000, options.calls_per_second)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
