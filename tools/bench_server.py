"""A fast CloudWatch Logs for benchmarks: pages are rendered once, answers only sent.

    python -m tools.bench_server RECORDS

Prints its URL and serves until it is killed. One group with 4 streams whose records lie in the past
100 days, oldest first, the newest two days old; pages of at most 1 MB, as AWS cuts them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GROUP = "/aws/cloudhsm/cluster-likphkxygsn"
STREAMS = tuple(f"hsm-bench234567{letter}" for letter in "abcd")
DAY_MS = 86_400_000
SPAN_DAYS, YOUNGEST_DAYS = 100, 2
PAGE_BYTES = 1_048_576
EVENT_OVERHEAD = 26


def records(count: int, now_ms: int) -> Iterator[dict[str, object]]:
    """Events of FilterLogEvents, about 340 bytes of message each."""
    first_ms = now_ms - (SPAN_DAYS + YOUNGEST_DAYS) * DAY_MS
    step = SPAN_DAYS * DAY_MS / max(1, count)
    for number in range(count):
        at_ms = first_ms + int(number * step)
        usecs = at_ms * 1000 - 1500
        moment = datetime.fromtimestamp(usecs // 1_000_000, timezone.utc)
        yield {
            "logStreamName": STREAMS[number % 4],
            "timestamp": at_ms,
            "message": (
                f"Time: {moment:%m/%d/%y %H:%M:%S}.{usecs % 1_000_000:06d}, usecs:{usecs}\n"
                f"Sequence No : {number // 4:#x}\nReboot counter : 0xe8\n"
                "Command Type(hex) : CN_MGMT_CMD (0x0)\nOpcode : CN_GENERATE_KEY_PAIR (0x19)\n"
                "Session Handle : 0x2014004\nResponse : 0:HSM Return: SUCCESS\n"
                "Log type : MGMT_KEY_DETAILS_LOG (1)\n"
                f"Priv/Secret Key Handle : {131079 + number}\nPublic Key Handle : {131078 + number}"
            ),
            "ingestionTime": at_ms + 900,
            # An event id of AWS: 56 digits whose top bits are the timestamp.
            "eventId": str((at_ms << 144) + number).zfill(56),
        }


def pages(count: int, now_ms: int) -> list[bytes]:
    """The answers to one window over everything, each naming the next by its number."""
    cut: list[list[dict[str, object]]] = [[]]
    size = 0
    for record in records(count, now_ms):
        weight = len(str(record["message"])) + EVENT_OVERHEAD
        if size + weight > PAGE_BYTES:
            cut.append([])
            size = 0
        cut[-1].append(record)
        size += weight
    last = len(cut) - 1
    return [
        json.dumps(
            {"events": page, **({"nextToken": str(number + 1)} if number < last else {})}
        ).encode()
        for number, page in enumerate(cut)
    ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: list[bytes]
    oldest_ms: int

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Amz-Target"].endswith("DescribeLogGroups"):
            arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}:*"
            body = json.dumps({"logGroups": [{"logGroupName": GROUP, "arn": arn}]}).encode()
        elif asked["startTime"] > self.oldest_ms:
            body = b'{"events":[]}'
        else:
            body = self.answers[int(asked.get("nextToken", 0))]
        self.send_response_only(200)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: printing would be measured too."""


def main() -> None:
    """Serve until killed."""
    now_ms = time.time_ns() // 1_000_000
    _Handler.answers = pages(int(sys.argv[1]), now_ms)
    _Handler.oldest_ms = now_ms - (SPAN_DAYS + YOUNGEST_DAYS) * DAY_MS
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
