"""Assumptions 35 and 45: what searches see of events, and of records that searches wrote."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.app import App
from emulator.errors import LookupTableError, SearchError
from emulator.event import IndexedEvent
from emulator.session import Session


@pytest.fixture
def loaded(app: Callable[..., App]) -> App:
    """An app whose events `k=...` are looked up in the collection c, through the lookup l."""
    return app(
        props="[st]\nKV_MODE = none\nEXTRACT-k = k=(?<k>\\w+)\n"
        "LOOKUP-l = l a AS k OUTPUT b AS found\n",
        collections="[c]\nreplicate = true\nfield.a = string\nfield.b = string\n",
        transforms="[l]\nexternal_type = kvstore\ncollection = c\nfields_list = a, b\n",
    )


def _event(raw: str, time: int = 0) -> IndexedEvent:
    return IndexedEvent(raw, time, "h", "s", "st", "main")


def test_the_newest_event_comes_first_and_of_one_time_the_last_indexed(loaded: App) -> None:
    session = Session(loaded, now=0)
    session.index([_event("k=x"), _event("k=y", 5), _event("k=z")])
    session.index([_event("k=w")])

    assert [row["k"] for row in session.search("*").rows] == ["y", "w", "z", "x"]


def test_searches_go_on_with_the_results_of_another_and_leave_them_as_they_are(
    loaded: App,
) -> None:
    session = Session(loaded, now=0)
    session.index([_event("k=x"), _event("k=y"), _event("k=y")])
    base = session.search("* | stats count by k")

    assert session.chained(base, "| where count>1 | eval k=upper(k)").rows == [
        {"k": "Y", "count": "2"}
    ]
    assert session.chained(base, "\n| stats sum(count) as n").rows == [{"n": "3"}]
    assert [row["k"] for row in base.rows] == ["x", "y"]
    with pytest.raises(SearchError, match="begins with a pipe"):
        session.chained(base, "stats count")


def test_a_record_that_a_search_writes_is_looked_up_in_later_searches(loaded: App) -> None:
    session = Session(loaded, now=0)
    session.index([_event("k=x"), _event("k=y")])

    session.search('* k=x | eval a=k, b="new" | table a, b | outputlookup append=true l')

    assert [row.get("found") for row in session.search("*").rows] == [None, "new"]
    assert session.stores["c"] == session.stores["l"] == [{"a": "x", "b": "new"}]


def test_lookups_of_source_stanzas_follow_too(app: Callable[..., App]) -> None:
    loaded = app(
        props="[source::s]\nKV_MODE = none\nEXTRACT-k = k=(?<k>\\w+)\nLOOKUP-l = l a AS k\n",
        collections="[c]\nreplicate = true\nfield.a = string\nfield.b = string\n",
        transforms="[l]\nexternal_type = kvstore\ncollection = c\nfields_list = a, b\n",
    )
    session = Session(loaded, now=0)
    session.index([_event("k=x")])

    session.stores["c"].append({"a": "x", "b": "later"})
    assert session.search("b=later").rows[0]["b"] == "later"


def test_records_given_to_a_session_are_there_from_the_start(loaded: App) -> None:
    session = Session(loaded, now=0, stores={"l": [{"a": "x", "b": "1"}, {"a": "x", "b": "2"}]})
    session.index([_event("k=x")])

    assert session.search("found=2").rows[0]["found"] == ["1", "2"]
    session.stores["c"].clear()
    assert session.search("found=2").rows == []


def test_records_of_an_unknown_collection_are_refused(loaded: App) -> None:
    with pytest.raises(LookupTableError, match="is called z"):
        Session(loaded, now=0, stores={"z": []})
