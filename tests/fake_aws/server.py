"""A Service over HTTP/1.1 on loopback, with the faults of sockets: delays, cuts and resets.

Under `/_fake/` another process can control it through `control`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fake_aws.faults import DAY_MS, named
from tests.fake_aws.service import Arrival, Service
from tests.fake_aws.wire import Refusal, Reply, UnreadableRequest, read_request, refusal_answer

CONTROL = "/_fake/"
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds: closing resets the connection


class FakeAws(ThreadingHTTPServer):
    """Serves one Service.

    speed: virtual seconds for each real one; at 0 time moves only when someone moves it.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: Service, speed: float = 0.0, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.service = service
        self._ms_per_s = speed * 1000
        self._ticked_s = time.monotonic()
        self._tick_lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def tick(self) -> None:
        """Let as much virtual time pass as real time since the last request demands."""
        if not self._ms_per_s:
            return
        with self._tick_lock:
            passed_ms = int((time.monotonic() - self._ticked_s) * self._ms_per_s)
            self._ticked_s += passed_ms / self._ms_per_s
            self.service.advance(passed_ms)


@contextmanager
def serve(service: Service, speed: float = 0.0) -> Iterator[str]:
    """Serve in threads of this process; gives the URL."""
    server = FakeAws(service, speed)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeAws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.tick()
        if self.path.startswith(CONTROL):
            self._control(body)
            return
        headers = dict(self.headers.items())
        try:
            operation, parameters = read_request(headers, body)
        except UnreadableRequest as error:
            answer = refusal_answer(Refusal("SerializationException", str(error)), "")
            self._send(Reply(400, {"Content-Type": answer.content_type}, answer.body))
            return
        self._send(self.server.service.reply(operation, parameters, headers))

    def do_GET(self) -> None:
        self.server.tick()
        self._control(b"")

    def _send(self, reply: Reply) -> None:
        if reply.delay_s:
            time.sleep(reply.delay_s)
        with contextlib.suppress(ConnectionError):  # the reader closed the connection
            if reply.status:
                self.wfile.write(_head(reply) + reply.sent)
            if reply.reset:
                self._reset()
        if reply.cut is not None:
            self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        socket.close(self.connection.detach())

    def _control(self, body: bytes) -> None:
        """Answer a request of `control`, as JSON."""
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        action = _ACTIONS.get(address.path[len(CONTROL) :])
        status, answer = 404, b'"there is no such page"'
        if action is not None and address.path.startswith(CONTROL):
            try:
                data = json.loads(body) if body else None
                status, answer = 200, json.dumps(action(self.server.service, query, data)).encode()
            except (ValueError, KeyError, TypeError) as error:
                status, answer = 400, json.dumps(repr(error)).encode()
        self._send(Reply(status, {"Content-Type": "application/json"}, answer))

    def log_message(self, *_: object) -> None:
        """No output: see `Service.requests`."""


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines.append(f"Content-Length: {len(reply.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


Action = Callable[[Service, Mapping[str, str], Any], object]


def _events(service: Service, query: Mapping[str, str], _: object) -> object:
    """What can be read now: of one group, or of all."""
    names = [query["group"]] if "group" in query else service.groups()
    return [
        {
            "logGroup": name,
            "logStream": event.stream,
            "timestamp": event.at_ms,
            "ingestionTime": event.ingested_ms,
            "eventId": event.event_id,
            "message": event.message,
        }
        for name in names
        for event in service.visible(name)
    ]


def _requests(service: Service, query: Mapping[str, str], _: object) -> object:
    """The requests from a number on."""
    since = int(query.get("since", 0))
    return [vars(request) for request in list(service.requests) if request.number > since]


def _time(service: Service, query: Mapping[str, str], _: object) -> object:
    """AWS's time, after so many milliseconds more."""
    return {
        "now_ms": service.advance(int(query.get("advance_ms", 0))),
        "next_arrival_ms": service.next_arrival_ms(),
    }


def _put(service: Service, _: object, arrivals: Any) -> object:  # noqa: ANN401  (any JSON may come)
    """Write the events of a JSON list of objects with the names of `Arrival`; gives their ids."""
    return service.put_all([Arrival(**arrival) for arrival in arrivals])


def _set_faults(service: Service, query: Mapping[str, str], _: object) -> object:
    """From now on the faults of these names and no others."""
    service.faults = named(query["names"], service.seed)
    return {"names": query["names"]}


def _expire_key(service: Service, query: Mapping[str, str], _: object) -> object:
    """Refuse an access key from now on."""
    service.expire_key(query["id"])
    return {"id": query["id"]}


def _credentials(service: Service, query: Mapping[str, str], _: object) -> object:
    """Keys as a container's agent gives them: let AWS_CONTAINER_CREDENTIALS_FULL_URI name this."""
    return service.issue_key(int(query.get("life_ms", DAY_MS)))


_ACTIONS: dict[str, Action] = {
    "events": _events,
    "requests": _requests,
    "clock": _time,
    "put": _put,
    "faults": _set_faults,
    "expire_key": _expire_key,
    "credentials": _credentials,
}
