"""Views as they open: tokens filled in, chains after their bases, clicks followed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.app import App
from emulator.dashboards.dashboard_studio import (
    NAVIGATION,
    VIEWS,
    JsonObject,
    ShownView,
    View,
    ViewError,
    ViewSearches,
    navigation,
    read_view,
)
from emulator.errors import EmulatorError
from emulator.event import IndexedEvent
from emulator.session import Session

_USERS = ["ann", "ann", 'b"ob', "x$door$ y&q=1"]
_RECORDS = "/app/TA/search?q=search%20user%3D$row.user.value|u$&earliest=0&latest=now"
_DEFINITION: JsonObject = {
    "inputs": {
        "input_time": {"options": {"token": "global_time", "defaultValue": "0,now"}},
        "input_user": {"options": {"token": "user", "defaultValue": "*"}},
        "input_door": {"options": {"token": "door"}},
    },
    "dataSources": {
        "ds_who": {
            "type": "ds.search",
            "options": {
                "query": '* | where $user|s$="*" OR user=$user|s$ | stats count by user',
                "queryParameters": {"earliest": "$global_time.earliest$"},
            },
        },
        "ds_most": {"type": "ds.chain", "options": {"extend": "ds_who", "query": "| head 1"}},
        "ds_sum": {
            "type": "ds.chain",
            "options": {"extend": "ds_most", "query": "| stats sum(count) as sum max(user) as u"},
        },
        "ds_old": {
            "type": "ds.search",
            "options": {
                "query": "* | stats count",
                "queryParameters": {"earliest": "0", "latest": "2"},
            },
        },
        "ds_door": {"type": "ds.search", "options": {"query": "| makeresults | eval d=$door|s$"}},
    },
    "visualizations": {
        "viz_who": {
            "dataSources": {"primary": "ds_who"},
            "eventHandlers": [{"type": "drilldown.customUrl", "options": {"url": _RECORDS}}],
        },
        "viz_other": {
            "dataSources": {"primary": "ds_sum"},
            "eventHandlers": [
                {
                    "type": "drilldown.customUrl",
                    "options": {"url": "/app/TA/other?form.user=$user|u$&form.empty="},
                }
            ],
        },
    },
}
Shown = Callable[..., ShownView]


@pytest.fixture
def session(app: Callable[..., App]) -> Session:
    """An event a second, each of the next user."""
    filled = Session(app(props="[st]\nKV_MODE = none\nEXTRACT-u = user=(?<user>.+)\n"), now=100)
    filled.index(
        IndexedEvent(f"user={user}", 1_000_000 * second, "h", "s", "st", "main")
        for second, user in enumerate(_USERS, 1)
    )
    return filled


@pytest.fixture
def shown(session: Session) -> Shown:
    def view(**tokens: str) -> ShownView:
        renamed = {
            name.replace("global_time_", "global_time."): text for name, text in tokens.items()
        }
        return ShownView(View("doors", "Doors", _DEFINITION), ViewSearches(session), **renamed)

    return view


@pytest.fixture
def ran(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The searches over events that ran."""
    texts: list[str] = []
    search = session.search

    def noted(text: str, earliest: float = 0, latest: float | None = None) -> object:
        texts.append(text)
        return search(text, earliest, latest)

    monkeypatch.setattr(session, "search", noted)
    return texts


# --- files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / VIEWS).mkdir(parents=True)
    (tmp_path / NAVIGATION).parent.mkdir()
    (tmp_path / NAVIGATION).write_text(
        '<nav><collection label="More"><view name="b"/></collection>'
        '<view name="a" default="true"/><view name="search"/></nav>'
    )
    for name in "abc":
        (tmp_path / VIEWS / f"{name}.xml").write_text(
            '<dashboard version="2"><label>&lt;b&gt;</label>'
            f"<definition><![CDATA[{json.dumps(_DEFINITION)}]]></definition></dashboard>"
        )
    return tmp_path


def test_a_view_is_its_label_and_definition(root: Path) -> None:
    view = read_view(root, "a")

    assert (view.name, view.label) == ("a", "<b>")
    assert view.definition == _DEFINITION


def test_the_navigation_lists_own_views_in_its_order(root: Path) -> None:
    assert navigation(root) == ["b", "a"]


def test_a_view_that_is_not_there_is_an_error_with_its_path(root: Path) -> None:
    with pytest.raises(ViewError, match=r"views/z\.xml: No such file"):
        read_view(root, "z")


# --- searches


def test_without_choices_inputs_have_their_defaults(shown: Shown) -> None:
    tokens = {"global_time.earliest": "0", "global_time.latest": "now", "user": "*", "door": ""}

    assert shown().tokens == tokens


def test_a_panel_shows_what_its_search_gives(shown: Shown) -> None:
    assert [row["count"] for row in shown().panel("who")] == ["2", "1", "1"]


@pytest.mark.parametrize("user", sorted(set(_USERS)))
def test_a_token_is_quoted_so_that_no_name_becomes_spl(shown: Shown, user: str) -> None:
    assert [row["user"] for row in shown(user=user).search("who")] == [user]


def test_a_value_that_looks_like_a_token_is_left_alone(shown: Shown) -> None:
    assert shown(door="$user$").value("door", "d") == "$user$"


def test_a_chain_continues_the_chain_before_it(shown: Shown) -> None:
    assert shown().search("sum") == [{"sum": "2", "u": "ann"}]
    assert shown().value("sum") == "2"
    assert shown().value("sum", "u") == "ann"


def test_a_search_has_the_time_range_of_the_view_or_its_own(shown: Shown) -> None:
    late = shown(global_time_earliest="-98s", global_time_latest="-97s")

    assert [row["user"] for row in late.search("who")] == ["ann"]
    assert len(late.search("most")) == 1
    assert late.value("old") == "1"


def test_a_base_that_several_chains_share_runs_once(shown: Shown, ran: list[str]) -> None:
    view = shown()
    for name in ("sum", "most", "who", "who"):
        view.search(name)

    assert len(ran) == 1


def test_another_time_range_runs_the_base_again(session: Session, ran: list[str]) -> None:
    searches = ViewSearches(session)
    counts = [
        searches.results(["* | stats count"], "0", latest).rows[0]["count"]
        for latest in ("2", "3", "2", None)
    ]

    assert counts == ["1", "2", "1", "4"]
    assert len(ran) == 3


def test_only_the_latest_results_are_kept(
    session: Session, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.dashboards.dashboard_studio._CACHE_SIZE", 2)
    searches = ViewSearches(session)
    first, second, third = (f"* | stats count | eval n={n}" for n in range(3))
    for text in (first, second, first, third, first, second):
        searches.results([text], None, None)

    assert ran == [first, second, third, second]


def test_chains_do_not_change_the_base_that_they_share(session: Session) -> None:
    searches = ViewSearches(session)
    base = "* | stats count by user"
    searches.results([base, "| eval count=0 | rename user as door"], None, None)

    assert searches.results([base], None, None).rows[0] == {"user": "ann", "count": "2"}


def test_a_time_that_splunk_does_not_know_is_an_error(session: Session) -> None:
    with pytest.raises(EmulatorError, match="Invalid relative time 'soon'"):
        ViewSearches(session).results(["*"], "soon", None)


# --- clicks


def test_a_click_on_a_row_opens_its_records(shown: Shown) -> None:
    records = shown().records("who", user="ann")

    assert [row["user"] for row in records] == ["ann", "ann"]


def test_a_click_sends_complete_values_and_nothing_else(shown: Shown) -> None:
    address = shown(user="x$door$ y&q=1").address("other")

    assert address == ("/app/TA/other", {"form.user": "x$door$ y&q=1", "form.empty": ""})


def test_a_click_that_opens_a_view_opens_no_records(shown: Shown) -> None:
    with pytest.raises(ViewError, match="other opens /app/TA/other, not the search page"):
        shown().records("other")
