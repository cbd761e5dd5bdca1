"""splunkd's REST on loopback, over TLS with a certificate that nobody knows: what inputs need."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import trustme

from tests.bin.fake_kv_store import FakeKvStore, Member

SESSION_KEY = "the-session-key"
PASSWORD = "the-password"  # of admin
TOKEN = "eyJraWQiOiJzcGx1bmsi.a-splunk-token"
AUTHORITY = trustme.CA()
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
AUTHORITY.issue_cert("127.0.0.1", "127.0.0.2").configure_cert(_CONTEXT)


class FakeSplunkd(ThreadingHTTPServer):
    """Keeps passwords and inputs.

    passwords: by realm and name. inputs: settings by name; each lies in the app `its_app`.
    denied:    whether the session lacks the capabilities. busy: so many requests get a 503.
    raw:       a response that is sent in place of every other one. promised: bytes that are
               announced beyond those that are sent.
    validate:  whether splunkd accepts an input that is changed.
    delay_s:   before each answer. requests: (method, path, form).
    kv:        what this splunkd shows of KV Store; None where it is disabled.
    kv_faults: what the next requests for KV Store meet, in order: a status is answered and nothing
               is done; LOST is done, and then answered as if it had not been.
    guid, roles: what splunkd says of itself.
    person, capabilities: whose session it is. ended: whether that session has ended.
    """

    LOST = -1

    daemon_threads = True

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.socket = _CONTEXT.wrap_socket(self.socket, server_side=True)
        self.passwords: dict[tuple[str, str], str] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self.its_app = "search"
        self.denied = False
        self.busy = 0
        self.delay_s = 0.0
        self.raw: str | None = None
        self.promised = 0
        self.validate: Callable[[str, dict[str, str]], bool] = lambda *_: True
        self.kv: Member | None = FakeKvStore().member()
        self.kv_faults: list[int] = []
        self.guid = "11111111-0000-4000-8000-000000000001"
        self.roles = ["search_head"]
        self.person = "alice"
        self.capabilities = ["admin_all_objects", "list_storage_passwords"]
        self.ended = False
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def uri(self) -> str:
        return f"https://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that gave up is no news."""

    def answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((method, path, form))
        if self.busy:
            self.busy -= 1
            return 503, {"messages": [{"type": "ERROR", "text": "starting"}]}
        if self.denied:
            return 403, {"messages": [{"type": "ERROR", "text": "insufficient permission"}]}
        if path == "/services/auth/login":
            is_known = (form["username"], form["password"]) == ("admin", PASSWORD)
            answer = f"<response><sessionKey>{SESSION_KEY}</sessionKey></response>"
            return (200, answer) if is_known else (401, "<response/>")
        if path == "/services/server/info":
            content = {"guid": self.guid, "serverName": "sh1", "server_roles": self.roles}
            return 200, {"entry": [{"content": content}]}
        if path == "/services/authentication/current-context":
            content = {"username": self.person, "capabilities": self.capabilities}
            return 200, {"entry": [{"content": content}]}
        _, _, _, app, *names = path.split("/")
        if names[:3] == ["storage", "collections", "data"]:
            return self._kv_store(method, names[3:], form)
        if names[:2] == ["storage", "passwords"]:
            return self._password(method, [unquote(name) for name in names[2:]], form)
        if names[:3] == ["data", "inputs", "aws_cloudhsm"]:
            return self._input(method, app, unquote("".join(names[3:])), form)
        return 404, {}

    def _kv_store(self, method: str, names: list[str], form: dict[str, str]) -> tuple[int, Any]:
        fault = self.kv_faults.pop(0) if self.kv_faults else 0
        if self.kv is None or fault > 0:
            text = "KV Store is disabled." if self.kv is None else "KV Store is not available"
            return fault or 503, {"messages": [{"type": "ERROR", "text": text}]}
        if names != ["cloudhsm_collector_states"]:
            return 404, {"messages": [{"type": "ERROR", "text": "Could not find object"}]}
        answer = self._asked_of(self.kv, method, form)
        return answer if not fault else (503, {"messages": [{"type": "ERROR", "text": "captain"}]})

    def _asked_of(self, kv: Member, method: str, form: dict[str, str]) -> tuple[int, Any]:
        if method == "GET":
            asked = json.loads(form["query"]), int(form["limit"]), form["sort"]
            return 200, kv.find(*asked, form.get("fields", ""))
        if method == "DELETE":
            kv.delete(json.loads(form["query"]))
            return 200, {}
        document = json.loads(form["json"])
        if kv.insert(document):
            return 201, {"_key": document["_key"]}
        text = "A document with the same key and user already exists."
        return 409, {"messages": [{"type": "ERROR", "text": text}]}

    def _password(self, method: str, names: list[str], form: dict[str, str]) -> tuple[int, Any]:
        if not names and method == "GET":
            return 200, {"entry": [*map(self._listed, self.passwords)]}
        if not names:
            self.passwords[form["realm"], form["name"]] = form["password"]
            return 201, {"entry": [{}]}
        realm, name, _ = names[0].split(":")
        if (realm, name) not in self.passwords:
            return 404, {"messages": [{"type": "ERROR", "text": "Could not find object"}]}
        if method == "DELETE":
            del self.passwords[realm, name]
            return 200, {"entry": []}
        if method == "POST":
            self.passwords[realm, name] = form["password"]
        return 200, {"entry": [{"content": {"clear_password": self.passwords[realm, name]}}]}

    def _listed(self, key: tuple[str, str]) -> dict[str, object]:
        realm, name = key
        content = {"realm": realm, "username": name, "clear_password": self.passwords[key]}
        return {"name": f"{realm}:{name}:", "content": content}

    def _input(self, method: str, app: str, name: str, form: dict[str, str]) -> tuple[int, Any]:
        if not name:
            entries = [{"name": name, "content": given} for name, given in self.inputs.items()]
            return 200, {"entry": entries}
        if name not in self.inputs or app not in ("-", self.its_app):
            return 404, {}
        if method == "POST":
            if not self.validate(name, {**self.inputs[name], **form}):
                return 400, {"messages": [{"type": "ERROR", "text": "validation failed"}]}
            self.inputs[name].update(form)
        return 200, {"entry": [{"acl": {"app": self.its_app}, "content": self.inputs[name]}]}


class _Handler(BaseHTTPRequestHandler):
    server: FakeSplunkd

    def do_GET(self) -> None:
        self._serve("GET", dict(parse_qsl(urlsplit(self.path).query)))

    def do_DELETE(self) -> None:
        self._serve("DELETE", dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_json = self.headers["Content-Type"] == "application/json"
        self._serve("POST", {"json": body} if is_json else dict(parse_qsl(body)))

    def _serve(self, method: str, form: dict[str, str]) -> None:
        time.sleep(self.server.delay_s)
        is_free = urlsplit(self.path).path == "/services/auth/login"
        known = (f"Splunk {SESSION_KEY}", f"Bearer {TOKEN}")
        is_known = self.headers["Authorization"] in known and not self.server.ended
        if not is_free and not is_known:
            status, answer = 401, {"messages": [{"type": "WARN", "text": "call not properly"}]}
        else:
            form = {name: value for name, value in form.items() if name != "output_mode"}
            status, answer = self.server.answer(method, urlsplit(self.path).path, form)
        if self.server.raw is not None:
            status = 200
        text = answer if isinstance(answer, str) else json.dumps(answer)
        content = (text if self.server.raw is None else self.server.raw).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content) + self.server.promised))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""
