"""Splunk Web, where the setup page needs it, in front of our splunkd and the real handlers.

It serves the dashboard `cloudhsm_setup` as Splunk Web draws one with a script (a panel of HTML, and
RequireJS that loads the script), checks the form key, and passes on what web.conf exposes. Assumed,
and not seen in a real Splunk Web: how the panel is drawn, and when the script is loaded.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.bin.fake_splunkd import SESSION_KEY
from tests.bin.persistent.handlers import Handlers
from tests.fake_aws.faults import Denial, Faults
from tests.fake_aws.service import Service
from tests.setup_page.splunkd import APP, PageSplunkd

LOCALE = "/en-US"
FORM_KEY = "1234567890"
# What Splunk's own web.conf exposes, of what the page uses.
EXPOSED = ("apps/local/*", "data/indexes", "server/info")
_BACKGROUND = {"light": "#ffffff", "dark": "#171d21"}
_RAW = f"{LOCALE}/splunkd/__raw/servicesNS/"


class SplunkWeb(ThreadingHTTPServer):
    """One user's Splunk Web; what a test changes is an attribute, or is set through /test.

    theme: light or dark. faults: HTTP status by a part of the path, for the next requests.
    logged_out: whether the session has ended. aws: CloudWatch Logs.
    delay_s: before each response that comes from splunkd. seen: (method, path) of what was passed.
    """

    daemon_threads = True

    def __init__(
        self, splunkd: PageSplunkd, handlers: Handlers, aws: Service, port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.splunkd, self.handlers, self.aws = splunkd, handlers, aws
        self.theme = "light"
        self.faults: dict[str, int] = {}
        self.delay_s = 0.0
        self.logged_out = False
        self.seen: list[tuple[str, str]] = []
        self.exposed = [*EXPOSED, *_exposed(splunkd.app)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{LOCALE}/app/{APP}/cloudhsm_setup"

    def handle_error(self, *_: object) -> None:
        """A browser that left is no news."""

    def passed_on(
        self, method: str, path: str, query: Mapping[str, str], body: str
    ) -> tuple[int, Any]:
        """splunkd's response to a path below /servicesNS/."""
        _, app, rest = path.split("/", 2)
        self.seen.append((method, rest))
        time.sleep(self.delay_s)
        for part, status in self.faults.items():
            if part in rest:
                return status, {"messages": [{"type": "ERROR", "text": f"fault {status}"}]}
        endpoint = f"/{rest}"
        if endpoint in self.handlers.paths:
            session = {"user": self.splunkd.person, "authtoken": SESSION_KEY}
            reply = self.handlers.request(method, endpoint, session, self.splunkd.uri, body, query)
            return reply.status, reply.document
        form = {k: v for k, v in query.items() if k != "output_mode"} | dict(parse_qsl(body))
        names = [unquote(one) for one in rest.split("/")]
        if names[:3] == ["data", "inputs", "aws_cloudhsm"]:
            return self.splunkd._input(method, app, "\0".join(names[3:]), form)
        return self.splunkd.answer(method, f"/servicesNS/nobody/{app}/{rest}", form)

    def page(self) -> str:
        """The dashboard."""
        view = (self.splunkd.app / "default/data/ui/views/cloudhsm_setup.xml").read_text("utf-8")
        script = re.search(r'script="([^"]+)"', view)
        panel = re.search(r"<html>(.*?)</html>", view, re.DOTALL)
        assert script, view
        assert panel, view
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            "<title>Set up | Splunk</title>"
            f"<style>body {{ margin: 0; background: {_BACKGROUND[self.theme]} }}</style></head>"
            # RequireJS: a library that announces itself without a name breaks the page.
            '<body><script>window.define = () => { throw new Error("anonymous define()") };'
            "window.define.amd = {};</script>"
            f'<div class="dashboard-panel">{panel[1]}</div>'
            f'<script src="{LOCALE}/static/app/{APP}/{script[1]}"></script></body></html>'
        )


class _Handler(BaseHTTPRequestHandler):
    server: SplunkWeb

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == f"{LOCALE}/app/{APP}/cloudhsm_setup":
            self._send(200, self.server.page(), "text/html", cookie=True)
        elif path.startswith(f"{LOCALE}/app/{APP}/"):
            self._send(200, f"<!doctype html><title>{path}</title>", "text/html")
        elif path.startswith(f"{LOCALE}/static/app/{APP}/"):
            # Without charset, as Splunk Web may send it.
            file = self.server.splunkd.app / "appserver/static" / path.rpartition("/")[2]
            self._send(200, file.read_text("ascii"), "application/javascript")
        elif path == "/favicon.ico":
            self._send(204, "", "image/x-icon")
        else:
            self._pass_on("GET")

    def do_POST(self) -> None:
        if urlsplit(self.path).path == "/test":
            self._send(200, json.dumps(_controlled(self.server, json.loads(self._body()))))
        else:
            self._pass_on("POST")

    def do_DELETE(self) -> None:
        self._pass_on("DELETE")

    def _pass_on(self, method: str) -> None:
        parts = urlsplit(self.path)
        body = self._body()
        if not parts.path.startswith(_RAW):
            self._send(404, "<!doctype html><title>Not found</title>", "text/html")
            return
        if self.server.logged_out:
            self._send(200, "<!doctype html><title>Log in</title>", "text/html")
            return
        path = parts.path.removeprefix(_RAW)
        is_exposed = any(fnmatchcase(path.split("/", 2)[2], one) for one in self.server.exposed)
        is_ours = f"splunkweb_csrf_token_{self.server.server_address[1]}={FORM_KEY}" in (
            self.headers["Cookie"] or ""
        )
        if not is_exposed or not is_ours:
            self._send(404, "<!doctype html><title>Not found</title>", "text/html")
        elif method != "GET" and self.headers["X-Splunk-Form-Key"] != FORM_KEY:
            self._send(401, "<!doctype html><title>CSRF validation failed</title>", "text/html")
        else:
            status, answer = self.server.passed_on(method, path, dict(parse_qsl(parts.query)), body)
            self._send(status, json.dumps(answer))

    def _body(self) -> str:
        return self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()

    def _send(
        self, status: int, text: str, kind: str = "application/json", *, cookie: bool = False
    ) -> None:
        content = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if cookie:
            port = self.server.server_address[1]
            self.send_header("Set-Cookie", f"splunkweb_csrf_token_{port}={FORM_KEY}; Path=/")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _controlled(web: SplunkWeb, wanted: dict[str, Any]) -> dict[str, Any]:
    """What a browser test changes and asks for; returns the state after it."""
    splunkd = web.splunkd
    if wanted.get("reset"):
        splunkd.inputs.clear()
        splunkd.passwords.clear()
        splunkd.configured = False
        splunkd.capabilities = ["admin_all_objects", "list_storage_passwords"]
        web.faults, web.delay_s, web.logged_out, web.theme = {}, 0.0, False, "light"
        web.seen.clear()
        web.aws.faults = Faults()
        for file in splunkd.checkpoints.iterdir():
            file.unlink()
    for name in ("theme", "faults", "delay_s", "logged_out"):
        if name in wanted:
            setattr(web, name, wanted[name])
    if "capabilities" in wanted:
        splunkd.capabilities = wanted["capabilities"]
    if "denied" in wanted:
        web.aws.faults = Faults(denied=tuple(Denial(one) for one in wanted["denied"]))
    if "expired_key" in wanted:
        web.aws.expire_key(wanted["expired_key"])
    splunkd.inputs.update(wanted.get("inputs", {}))
    for entry in wanted.get("passwords", []):
        splunkd.passwords[entry["realm"], entry["name"]] = entry["password"]
    log = splunkd.run_inputs() if wanted.get("run") else ""
    return {
        "inputs": splunkd.inputs,
        "passwords": [[*key, value] for key, value in splunkd.passwords.items()],
        "configured": splunkd.configured,
        "events": splunkd.printed.count(b"</event>"),
        "log": log,
        "seen": web.seen,
    }


def _exposed(app: Path) -> Iterator[str]:
    yield from re.findall(r"(?m)^pattern = (\S+)$", (app / "default/web.conf").read_text())


@contextmanager
def serve(
    app: Path, environment: Mapping[str, str], log: Path, aws: Service, port: int = 0
) -> Iterator[SplunkWeb]:
    """Serve in threads of this process. log: of the handlers. aws: what the handlers reach."""
    splunkd = PageSplunkd(app, environment)
    with log.open("wb") as stderr:
        handlers = Handlers(app, environment, stderr)
        web = SplunkWeb(splunkd, handlers, aws, port)
        thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            web.shutdown()
            web.server_close()
            handlers.close()
            splunkd.shutdown()
            splunkd.server_close()
