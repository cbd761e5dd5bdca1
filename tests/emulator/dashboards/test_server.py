"""The server of the preview page: views, answers, and who may ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET, create_connection
from struct import pack
from threading import Event, Thread
from typing import Any

import pytest

from emulator.app import App
from emulator.dashboards.dashboard_studio import ViewSearches
from emulator.dashboards.server import HOST, Site, server
from emulator.errors import EmulatorError
from emulator.event import IndexedEvent
from emulator.session import Session
from emulator.spl.context import Results

_VIEW = (
    '<dashboard version="2"><label>Doors</label><definition><![CDATA[{"title": "Doors"}]]>'
    "</definition></dashboard>"
)
_NAVIGATION = '<nav><view name="doors" default="true"/><view name="search"/></nav>'


@pytest.fixture
def refreshed() -> list[str]:
    return []


@pytest.fixture
def site(tmp_path: Path, app: Callable[..., App], refreshed: list[str]) -> Site:
    views = tmp_path / "default" / "data" / "ui"
    (views / "views").mkdir(parents=True)
    (views / "nav").mkdir()
    (views / "views" / "doors.xml").write_text(_VIEW)
    (views / "nav" / "default.xml").write_text(_NAVIGATION)
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<html>page</html>")
    (tmp_path / "secret").write_text("s")
    session = Session(app(props="[st]\nKV_MODE = none\nEXTRACT-k = k=(?<k>.+)\n"), now=100)
    session.index([IndexedEvent(f"k={k}", 5_000_000, "h", "s", "st", "main") for k in "a<b"])
    return Site(tmp_path, "TA", tmp_path / "page", ViewSearches(session), refreshed.append)


@pytest.fixture
def ask(site: Site) -> Iterator[Callable[..., tuple[int, str]]]:
    with server(site, 0) as served:
        Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()

        def request(
            path: str, body: object = None, headers: dict[str, str] | None = None
        ) -> tuple[int, str]:
            connection = HTTPConnection(HOST, served.server_port, timeout=10)
            text = body if isinstance(body, str) or body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, text, headers or {})
            response = connection.getresponse()
            answer = response.status, response.read().decode()
            connection.close()
            return answer

        yield request
        served.shutdown()


Ask = Callable[..., tuple[int, str]]


def _json(response: tuple[int, str]) -> dict[str, Any]:
    assert response[0] == 200
    answer: dict[str, Any] = json.loads(response[1])
    return answer


def test_every_view_is_the_same_page(ask: Ask) -> None:
    assert ask("/app/TA/doors?theme=dark") == (200, "<html>page</html>")


def test_a_view_is_refreshed_and_read_at_each_request(
    ask: Ask, site: Site, refreshed: list[str]
) -> None:
    first = _json(ask("/definitions/doors"))
    path = site.root / "default/data/ui/views/doors.xml"
    path.write_text(_VIEW.replace('"Doors"', '"Gates"'))

    second = _json(ask("/definitions/doors"))

    assert first["definition"] == {"title": "Doors"}
    assert second["definition"] == {"title": "Gates"}
    assert first["views"] == [{"name": "doors", "label": "Doors"}]
    assert refreshed == ["doors", "doors"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<dashboard", "is no XML"),
        ("<dashboard><label>x</label></dashboard>", 'is no <dashboard version="2">'),
        (_VIEW.replace('{"title"', '{title"'), "its definition is no JSON"),
    ],
)
def test_an_unreadable_view_shows_why(ask: Ask, site: Site, text: str, message: str) -> None:
    path = site.root / "default/data/ui/views/doors.xml"
    path.write_text(text)

    answer = _json(ask("/definitions/doors"))

    assert str(path) in answer["error"]
    assert message in answer["error"]
    assert [view["name"] for view in answer["views"]] == ["doors"]


def test_a_missing_view_is_an_error(ask: Ask) -> None:
    assert "windows.xml: No such file" in _json(ask("/definitions/windows"))["error"]


def test_a_chain_is_answered_in_columns_with_times_as_text(ask: Ask) -> None:
    request = {"queries": ["* | stats count max(_time) as _time by k", '| where k!="a"']}

    answer = _json(ask("/local-search", request))

    assert answer == {
        "fields": ["k", "count", "_time"],
        "columns": [["<", "b"], ["1", "1"], ["1970-01-01T00:00:05.000+00:00"] * 2],
        "rows": 2,
    }


def test_fields_after_the_columns_of_a_command_are_columns_too(ask: Ask) -> None:
    request = {"queries": ["* | stats max(none) as last", '| eval text="nothing" | fields text']}

    assert _json(ask("/local-search", request))["fields"] == ["text"]


@pytest.mark.parametrize(
    ("page", "column"),
    [
        ({"offset": 1, "count": 1}, ["a"]),
        ({"count": 2, "sort": {"k": "desc"}}, ["b", "a"]),
        ({"count": 2, "sort": {"k": "none"}}, ["<", "a"]),
        ({"offset": 9, "count": 5}, []),
        ({"offset": -1, "count": 0}, ["<", "a", "b"]),
        ({"offset": None, "count": "x", "sort": 3}, ["<", "a", "b"]),
        ("all", ["<", "a", "b"]),
    ],
)
def test_a_table_gets_its_page_of_the_rows(ask: Ask, page: object, column: list[str]) -> None:
    request = {"queries": ["* | stats count by k"], "page": page}

    answer = _json(ask("/local-search", request))

    assert answer["columns"][0] == column
    assert answer["rows"] == 3


def test_numbers_are_sorted_as_numbers(ask: Ask) -> None:
    rows = '* | stats count by k | eval n=case(k="a", 10, k="b", 9, true(), "x") | table n'
    request = {"queries": [rows], "page": {"sort": {"n": "asc"}}}

    assert _json(ask("/local-search", request))["columns"] == [["9", "10", "x"]]


def test_times_are_those_of_splunk_by_the_clock_of_the_index(ask: Ask) -> None:
    request = {"queries": ["* | stats count"], "earliest": "-96s", "latest": "-95s"}

    assert _json(ask("/local-search", request))["columns"] == [["0"]]
    request["latest"] = "now"
    assert _json(ask("/local-search", request))["columns"] == [["3"]]


def test_a_search_that_cannot_run_shows_why(ask: Ask) -> None:
    assert "statz" in _json(ask("/local-search", {"queries": ["* | statz"]}))["error"]
    assert "at least one search" in _json(ask("/local-search", {"queries": []}))["error"]


@pytest.mark.parametrize("time", ["soon", "9e99"])
def test_a_time_that_is_none_is_shown_as_it_is(ask: Ask, time: str) -> None:
    spl = f'| makeresults | eval _time="{time}"'

    assert _json(ask("/local-search", {"queries": [spl]}))["columns"] == [[time]]


def test_a_fault_of_the_preview_is_shown_on_the_page(
    ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("by <zero>")

    monkeypatch.setattr(site.searches, "results", broken)

    answer = _json(ask("/local-search", {"queries": ["* | stats count"]}))
    status, page = ask("/app/TA/search?q=*")

    assert answer["error"].startswith("the preview failed, ZeroDivisionError: by <zero>")
    assert status == 200
    assert "ZeroDivisionError: by &lt;zero&gt;" in page
    assert "in broken" in capfd.readouterr().err


def test_a_connection_that_the_browser_closes_is_no_error(
    ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    begun, left = Event(), Event()

    def slow(*_arguments: object) -> Results:
        begun.set()
        assert left.wait(5)
        return Results([{"k": "v" * 1_000_000}])

    with monkeypatch.context() as patched, server(site, 0) as served:
        patched.setattr(site.searches, "results", slow)
        serving = Thread(target=served.serve_forever, args=(0.01,))
        serving.start()
        page = create_connection((HOST, served.server_port))
        page.sendall(b"GET /app/TA/search?q=* HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert begun.wait(5)
        page.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))  # leaves with a reset
        page.close()
        left.set()
        served.shutdown()

    assert ask("/app/TA/doors")[0] == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("request_body", [{"queries": [3]}, {"queries": ["*"], "earliest": 3}])
def test_what_is_no_text_is_no_search(ask: Ask, request_body: dict[str, object]) -> None:
    assert "give" in _json(ask("/local-search", request_body))["error"]


def test_the_search_page_shows_records_as_text(ask: Ask) -> None:
    status, page = ask("/app/TA/search?q=search%20*%20%7C%20table%20k&earliest=0&latest=now")

    assert status == 200
    assert "<p id='count'>3 results</p>" in page
    assert "<td>&lt;</td>" in page
    status, page = ask("/app/TA/search?q=search%20*%20%7C%20%3Cscript%3E")
    assert "<script>" not in page
    assert "class='error'" in page


def test_the_search_page_shows_how_many_of_many_results_it_lists(ask: Ask) -> None:
    many = "%7C%20makeresults%20count%3D1001%20%7C%20table%20_time"

    _status, page = ask(f"/app/TA/search?q={many}")

    assert "<p id='count'>1001 results, the first 1000 of them here</p>" in page
    assert page.count("<tr><td>") == 1000


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/nothing.js", "/app/Other/x"])
def test_only_files_of_the_page_are_served(ask: Ask, path: str) -> None:
    assert ask(path)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": ""},
        {"Host": "["},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1.evil.example"},
    ],
)
def test_other_sites_get_nothing(ask: Ask, headers: dict[str, str]) -> None:
    for body in (None, {"queries": ["* | stats count"]}):
        status, text = ask("/local-search" if body else "/app/TA/doors", body, headers)
        assert status == 403
        assert "localhost" in text


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/other", {}, {}),
        ("/local-search", "[1", {}),
        ("/local-search", "[]", {}),
        ("/local-search", {}, {"Content-Length": "x"}),
        ("/local-search", {}, {"Content-Length": "1000001"}),
    ],
)
def test_what_is_no_search_is_refused(
    ask: Ask, path: str, body: object, headers: dict[str, str]
) -> None:
    assert ask(path, body, headers)[0] == 400


def test_a_navigation_that_cannot_be_read_shows_why(ask: Ask, site: Site) -> None:
    (site.root / "default/data/ui/nav/default.xml").write_text("<nav")

    assert "default.xml: is no XML" in _json(ask("/definitions/doors"))["error"]
    status, text = ask("/")
    assert status == 500
    assert "default.xml: is no XML" in text


def test_a_port_that_is_taken_or_invalid_is_an_error(site: Site) -> None:
    with server(site, 0) as served:
        for port in (served.server_port, 70_000):
            with pytest.raises(EmulatorError, match=f"port {port}: .*choose another port"):
                server(site, port)


def test_the_root_leads_to_the_first_view(ask: Ask) -> None:
    assert ask("/")[0] == 302
