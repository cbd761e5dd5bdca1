"""Whatever splunkd passes is a request or a clear refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.errors import SettingError
from cloudhsm.web.rest_request import MOST_CHARACTERS, Request, RequestRefused, Response, parsed

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def passed(**more: object) -> dict[str, object]:
    return {
        "method": "POST",
        "rest_path": "/cloudhsm/check",
        "session": {"user": "alice", "authtoken": "key"},
        "server": {"rest_uri": "https://127.0.0.1:8089"},
        **more,
    }


def refused(text: str) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        parsed(text)
    return caught.value


def test_a_request_is_read_with_the_callers_session() -> None:
    given = passed(payload='{"name": "prod"}', query=[["count", "0"]], system_authtoken="system")
    request = parsed(json.dumps(given))
    assert (request.method, request.handler, request.user) == ("POST", "check", "alice")
    assert request.metadata == {"server_uri": "https://127.0.0.1:8089", "session_key": "key"}
    assert request.query == {"count": "0"}
    assert request.body == {"name": "prod"}
    assert "key" not in repr(request)


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_a_request_or_is_refused(text: str) -> None:
    with suppress(RequestRefused):
        parsed(text)


@given(JSON)
def test_any_body_is_an_object_or_is_refused(body: Any) -> None:  # noqa: ANN401  (JSON)
    text = json.dumps(passed(payload=json.dumps(body)))
    if isinstance(body, dict):
        assert parsed(text).body == body
    else:
        assert refused(text).status == 400


@given(st.sampled_from(["name", "settings", "force"]), JSON)
def test_members_of_a_body_are_what_they_should_be_or_refused(name: str, value: Any) -> None:  # noqa: ANN401
    request = Request("POST", "check", "alice", "key", body={name: value})
    reads: list[tuple[Callable[[], object], type]] = [
        (lambda: request.text(name), str),
        (lambda: request.flag(name), bool),
        (request.settings, dict),
    ]
    for read, kind in reads:
        with suppress(SettingError):
            assert isinstance(read(), kind)


def test_a_body_that_is_too_long_is_refused() -> None:
    body = json.dumps({"name": "x" * MOST_CHARACTERS})
    assert refused(json.dumps(passed(payload=body))).status == 413


def test_a_get_has_no_body() -> None:
    assert parsed(json.dumps(passed(method="GET", payload="ignored"))).body == {}


def test_a_response_is_not_kept_by_browsers() -> None:
    told = Response(200, {"ok": True}).to_splunkd()
    assert json.loads(told["payload"]) == {"ok": True}
    assert told["headers"] == {"Content-Type": "application/json", "Cache-Control": "no-store"}
