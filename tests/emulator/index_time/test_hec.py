"""Assumption 48; Getting Data In, "Format events for HTTP Event Collector"."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.app import App
from emulator.errors import StreamError
from emulator.event import IndexedEvent
from emulator.index_time.hec import hec_events
from emulator.index_time.indexing import IndexRules, InputMetadata

_TOKEN = InputMetadata("token-host", "token-source", "st", "main")
_NOW = 1_514_000_000_000_000


def _events(body: str) -> list[IndexedEvent]:
    rules = IndexRules.from_props({})
    return list(hec_events(body, _TOKEN, lambda _origin: rules, lambda: _NOW))


@pytest.mark.parametrize(
    ("time", "usecs"),
    [
        ("1433188255", 1_433_188_255_000_000),
        ("1433188255.500", 1_433_188_255_500_000),
        ('"1433188255.500"', 1_433_188_255_500_000),
        ("1513717277.140812", 1_513_717_277_140_812),
        ("1513717277.1408120000", 1_513_717_277_140_812),
    ],
)
def test_the_time_of_the_envelope_wins(time: str, usecs: int) -> None:
    (event,) = _events(f'{{"time": {time}, "event": "Time: 0"}}')

    assert event.time_usecs == usecs


def test_without_a_time_it_is_now_whatever_is_in_the_text() -> None:
    assert _events('{"event": "Time: 12/19/17, usecs:1513717277140812"}')[0].time_usecs == _NOW


def test_metadata_comes_from_the_token_unless_the_object_sets_it() -> None:
    (plain,) = _events('{"event": "x"}')
    (full,) = _events(
        '{"host": "h", "source": "s", "sourcetype": "other", "index": "i", "event": "x"}'
    )

    assert plain == IndexedEvent("x", _NOW, "token-host", "token-source", "st", "main")
    assert full == IndexedEvent("x", _NOW, "h", "s", "other", "i")


@pytest.mark.parametrize("between", ["", " ", "\n", "\r\n\t"])
def test_events_follow_each_other_and_are_not_broken(between: str) -> None:
    body = between.join(['{"event": "a\\nb"}', '{ "event" : "c" }', ""])

    assert [event.raw for event in _events(body)] == ["a\nb", "c"]


@pytest.mark.parametrize("event", ['{"a": 1.50, "b": [ {"c":null} ]}', "17", "1.50"])
def test_an_object_or_number_is_indexed_as_it_is_written(event: str) -> None:
    assert _events(f'{{"event": {event}}}')[0].raw == event


@given(st.lists(st.text(min_size=1), max_size=5))
def test_text_arrives_as_it_was(texts: list[str]) -> None:
    body = "".join(json.dumps({"event": text}) for text in texts)

    assert [event.raw for event in _events(body)] == texts


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"event": "a"}{"time": 1}', "object 2: Event field is required"),
        ('{"event": ""}', "object 1: Event field cannot be blank"),
        ('{"event": null}', "as text, a number or a JSON object"),
        ('{"event": true}', "as text, a number or a JSON object"),
        ('{"event": ["a"]}', "as text, a number or a JSON object"),
        ('{"event": "a", "fields": {"b": "c"}}', "indexed fields"),
        ('{"event": "a", "user": "b"}', "unknown keys user"),
        ('{"event": "a", "host": 7}', "host must be text"),
        ('{"event": "a", "time": "now"}', "is not epoch seconds"),
        ('{"event": "a", "time": 1513717277140812}', "is not epoch seconds"),
        ('{"event": "a", "time": 1e9}', "is not epoch seconds"),
        ('{"event": "a", "time": 1.1234567}', "at most 6 decimals"),
        ('{"event": "a", "event": "b"}', "the key event occurs twice"),
        ('{"event": "a"} {"event": ', "object 2: no JSON"),
        ('[{"event": "a"}]', "object 1: expected"),
        ("Time: 1", "object 1: expected"),
    ],
)
def test_what_is_malformed_or_not_modelled_is_refused(body: str, message: str) -> None:
    with pytest.raises(StreamError, match=r"^HEC body, object") as caught:
        _events(body)
    assert message in str(caught.value)


def test_the_app_s_settings_count_for_the_sourcetype_that_an_object_names(
    app: Callable[..., App],
) -> None:
    loaded = app(props="[st]\nKV_MODE = none\n[short]\nKV_MODE = none\nTRUNCATE = 2\n")
    body = '{"event": "abc"}{"event": "abc", "sourcetype": "short"}'

    events = loaded.index_hec(body, sourcetype="st", source="s", host="h")
    assert [event.raw for event in events] == ["abc", "ab"]
