"""splunkd's REST on loopback, over TLS with a certificate that nobody knows: what inputs need."""

from __future__ import annotations

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import trustme

SESSION_KEY = "the-session-key"
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
trustme.CA().issue_cert("127.0.0.1").configure_cert(_CONTEXT)


class FakeSplunkd(ThreadingHTTPServer):
    """Keeps passwords and inputs.

    passwords: by realm and name. inputs: settings by name; each lies in the app `its_app`.
    denied:    whether the session lacks the capabilities. busy: so many requests get a 503.
    delay_s:   before each answer. requests: (method, path, form).
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = _CONTEXT.wrap_socket(self.socket, server_side=True)
        self.passwords: dict[tuple[str, str], str] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self.its_app = "search"
        self.denied = False
        self.busy = 0
        self.delay_s = 0.0
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def uri(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that gave up is no news."""

    def answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((method, path, form))
        if self.busy:
            self.busy -= 1
            return 503, {"messages": [{"type": "ERROR", "text": "starting"}]}
        if self.denied:
            return 403, {"messages": [{"type": "ERROR", "text": "insufficient permission"}]}
        _, _, _, app, *names = path.split("/")
        if names[:2] == ["storage", "passwords"]:
            return self._password(method, [unquote(name) for name in names[2:]], form)
        if names[:3] == ["data", "inputs", "aws_cloudhsm"]:
            return self._input(method, app, unquote(names[3]), form)
        return 404, {}

    def _password(self, method: str, names: list[str], form: dict[str, str]) -> tuple[int, Any]:
        if not names:
            self.passwords[form["realm"], form["name"]] = form["password"]
            return 201, {"entry": [{}]}
        realm, name, _ = names[0].split(":")
        if (realm, name) not in self.passwords:
            return 404, {"messages": [{"type": "ERROR", "text": "Could not find object"}]}
        if method == "POST":
            self.passwords[realm, name] = form["password"]
        return 200, {"entry": [{"content": {"clear_password": self.passwords[realm, name]}}]}

    def _input(self, method: str, app: str, name: str, form: dict[str, str]) -> tuple[int, Any]:
        if name not in self.inputs or app not in ("-", self.its_app):
            return 404, {}
        if method == "POST":
            self.inputs[name].update(form)
        return 200, {"entry": [{"acl": {"app": self.its_app}, "content": self.inputs[name]}]}


class _Handler(BaseHTTPRequestHandler):
    server: FakeSplunkd

    def do_GET(self) -> None:
        self._serve("GET", {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._serve("POST", dict(parse_qsl(body)))

    def _serve(self, method: str, form: dict[str, str]) -> None:
        time.sleep(self.server.delay_s)
        if self.headers["Authorization"] != f"Splunk {SESSION_KEY}":
            status, answer = 401, {"messages": [{"type": "WARN", "text": "call not properly"}]}
        else:
            form = {name: value for name, value in form.items() if name != "output_mode"}
            status, answer = self.server.answer(method, urlsplit(self.path).path, form)
        content = json.dumps(answer).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""
