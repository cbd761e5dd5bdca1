"""Serves the shipped views to a browser on this machine, over an index in memory.

`/app/<app>/<view>` is the page that shows a view with Splunk's own dashboard packages;
`/app/<app>/search` replaces the search page, the target of drilldowns.
"""

from __future__ import annotations

import json
import mimetypes
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from emulator.dashboards.dashboard_studio import JsonObject, ViewSearches, navigation, read_view
from emulator.errors import EmulatorError
from emulator.eval.values import FieldValue, number_of
from emulator.spl.context import ResultRow
from emulator.spl.printing import column_names

HOST = "127.0.0.1"
_LOCAL = frozenset({"127.0.0.1", "localhost"})
_MOST_BODY = 1_000_000
_MOST_ROWS = 1_000  # of the search page
# The packages compile expressions at run time; nothing comes from, or goes to, another machine.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:"
)


@dataclass(frozen=True)
class Site:
    """The app that is served.

    root: the app's source. page: the built page. searches: over the index. refresh: called with the
    name of a view before it is read; generates it again, or raises an error.
    """

    root: Path
    app: str
    page: Path
    searches: ViewSearches
    refresh: Callable[[str], None]

    def definition(self, name: str) -> JsonObject:
        """The view for the page; `error` instead of a definition that cannot be read."""
        answer: JsonObject = {"app": self.app, "views": []}
        try:
            answer["views"] = [self._entry(view_name) for view_name in navigation(self.root)]
            self.refresh(name)
            view = read_view(self.root, name)
        except (EmulatorError, ValueError, OSError) as error:
            return {**answer, "error": str(error)}
        return {**answer, "label": view.label, "definition": view.definition}

    def _entry(self, name: str) -> JsonObject:
        try:
            return {"name": name, "label": read_view(self.root, name).label}
        except EmulatorError:
            return {"name": name, "label": name}

    def answer(self, request: JsonObject) -> JsonObject:
        """Fields and columns of a chain of queries, in the format of data sources."""
        queries, page = request.get("queries"), request.get("page")
        times = request.get("earliest"), request.get("latest")
        if not isinstance(queries, list) or not queries or not _are_texts(queries):
            return {"error": "queries: give a list with at least one search"}
        if not _are_texts(time for time in times if time is not None):
            return {"error": f"earliest, latest: give times as text, such as -7d, not {times}"}
        try:
            results = self.searches.results(queries, *times)
            names = column_names(results)
            rows = _page_of(results.rows, page) if isinstance(page, dict) else results.rows
            columns = [[_cell(name, row.get(name)) for row in rows] for name in names]
        except Exception as error:  # noqa: BLE001  (a search's edge: its panel shows the error)
            return {"error": _message(error)}
        return {"fields": names, "columns": columns, "rows": len(results.rows)}

    def search_page(self, query: dict[str, str]) -> str:
        """The records that a click opens. All content is text, never markup."""
        text = query.get("q", "").strip()
        searched = text.removeprefix("search ").strip()
        times = query.get("earliest") or None, query.get("latest") or None
        try:
            results = self.searches.results([searched], *times)
        except Exception as error:  # noqa: BLE001  (a search's edge: the page shows the error)
            return _page(text, f"<p class='error'>{escape(_message(error))}</p>")
        names = column_names(results)
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        rows = "".join(
            f"<tr>{''.join(f'<td>{_html(_cell(name, row.get(name)))}</td>' for name in names)}</tr>"
            for row in results.rows[:_MOST_ROWS]
        )
        count = len(results.rows)
        cut = f", the first {_MOST_ROWS} of them here" if count > _MOST_ROWS else ""
        counted = f"<p id='count'>{count} results{cut}</p>"
        return _page(text, f"{counted}<table><tr>{head}</tr>{rows}</table>")


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _message(error: Exception) -> str:
    """The message of an error; the terminal shows the traceback of a fault of the preview."""
    if isinstance(error, EmulatorError):
        return str(error)
    traceback.print_exception(error, file=sys.stderr)
    return f"the preview failed, {type(error).__name__}: {error} (traceback: on its terminal)"


def _page_of(rows: list[ResultRow], page: JsonObject) -> list[ResultRow]:
    """The rows that a table shows: `sort` (field: asc or desc), then `count` from `offset` on."""
    sort = page.get("sort")
    for field, direction in sort.items() if isinstance(sort, dict) else ():
        if direction in ("asc", "desc"):
            rows = sorted(rows, key=lambda row: _order(row.get(field)), reverse=direction == "desc")
    offset, count = page.get("offset"), page.get("count")
    start = offset if isinstance(offset, int) and offset > 0 else 0
    end = start + count if isinstance(count, int) and count > 0 else None
    return rows[start:end]


def _order(value: FieldValue | None) -> tuple[int, float, str]:
    """Numbers before texts."""
    number = number_of(value)
    text = "\n".join(value) if isinstance(value, list) else value or ""
    return (1, 0.0, text) if number is None else (0, number, text)


def _cell(name: str, value: FieldValue | None) -> FieldValue | None:
    """Times as ISO 8601, as Splunk sends them to data sources; other values unchanged."""
    seconds = number_of(value) if name == "_time" else None
    if seconds is None:
        return value
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError):  # beyond the years 1 to 9999
        return value
    return moment.isoformat(timespec="milliseconds")


def _host_in(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _html(value: FieldValue | None) -> str:
    return escape("\n".join(value) if isinstance(value, list) else value or "")


def _page(search: str, body: str) -> str:
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Search</title>"
        "<link rel='icon' href='data:,'><style>body{font:14px sans-serif;margin:16px}"
        "pre{background:#eee;padding:8px;white-space:pre-wrap}td,th{text-align:left;"
        "padding:2px 12px 2px 0;vertical-align:top;white-space:pre-wrap}.error{color:#a00}"
        f"</style></head><body><pre id='search'>{escape(search)}</pre>{body}</body></html>"
    )


class _Handler(BaseHTTPRequestHandler):
    """One request. Pages of other sites and other names of this host are refused."""

    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._guarded(self._get)

    def do_POST(self) -> None:
        self._guarded(self._post)

    def _guarded(self, answer: Callable[[], None]) -> None:
        """Answers local requests; a connection that the browser closed is no error."""
        try:
            if self._is_local():
                answer()
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001  (a request's edge: the browser shows the error)
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, _message(error))

    def _get(self) -> None:
        address = urlsplit(self.path)
        parts = address.path.strip("/").split("/")
        if parts == [""]:
            views = navigation(self.site.root)
            self._redirect(f"/app/{self.site.app}/{views[0] if views else 'search'}")
        elif parts == ["app", self.site.app, "search"]:
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            self._send(self.site.search_page(query).encode(), "text/html; charset=utf-8")
        elif len(parts) == 3 and parts[:2] == ["app", self.site.app]:
            self._file("index.html")
        elif len(parts) == 2 and parts[0] == "definitions":
            self._json(self.site.definition(parts[1]))
        else:
            self._file("/".join(parts))

    def _post(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/local-search" or not length.isdecimal() or int(length) > _MOST_BODY:
            self._refuse(HTTPStatus.BAD_REQUEST, "POST a search to /local-search")
            return
        try:
            request = json.loads(self.rfile.read(int(length)))
        except ValueError:
            request = None
        if not isinstance(request, dict):
            self._refuse(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
            return
        self._json(self.site.answer(request))

    def _is_local(self) -> bool:
        """Refuses requests for another host name, and those that another site's page sends."""
        named = _host_in(f"//{self.headers.get('Host', '')}")
        origin = self.headers.get("Origin")  # "null": a page that hides its origin
        if named in _LOCAL and (origin is None or _host_in(origin) in _LOCAL):
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "open the preview as http://localhost or 127.0.0.1")
        return False

    def _file(self, name: str) -> None:
        path = (self.site.page / name).resolve()
        if not path.is_relative_to(self.site.page.resolve()) or not path.is_file():
            self._refuse(HTTPStatus.NOT_FOUND, f"there is no {name}")
            return
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        # Names of assets change with their content.
        kept = {"Cache-Control": "max-age=31536000, immutable"} if "assets/" in name else {}
        self._send(path.read_bytes(), kind, headers=kept)

    def _json(self, content: JsonObject) -> None:
        self._send(json.dumps(content).encode(), "application/json")

    def _redirect(self, address: str) -> None:
        self._send(b"", "text/plain", HTTPStatus.FOUND, {"Location": address})

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True
        self._send(why.encode(), "text/plain; charset=utf-8", status)

    def _send(
        self,
        content: bytes,
        kind: str,
        status: HTTPStatus = HTTPStatus.OK,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        fixed = {"Content-Type": kind, "Content-Length": str(len(content))}
        fixed |= {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
        for name, value in {**fixed, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """No log: the page sends dozens of requests, and shows their errors."""


def server(site: Site, port: int) -> ThreadingHTTPServer:
    """A server on the loopback address; port 0 takes a free one.

    Raises EmulatorError where the port is taken or none.
    """
    handler = type("Handler", (_Handler,), {"site": site})
    try:
        return ThreadingHTTPServer((HOST, port), handler)
    except (OSError, OverflowError) as error:
        raise EmulatorError(f"port {port}: {error}: choose another port, 0 for any") from error
