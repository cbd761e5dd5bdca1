"""A page of events is parsed as botocore would have; everything else botocore still does itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import JSONParser
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.aws import page_parser
from cloudhsm.aws.log_source import Unreadable
from tests.bin.fakes import Answer, ScriptedAws, described, event, filtered, refusal

REQUEST = {"logGroupName": "/aws/cloudhsm/cluster-a"}
HEADERS = {"Date": "Sun, 22 Nov 2026 20:00:00 GMT", "x-amzn-requestid": "r-1"}
TEXT = st.text(st.characters(exclude_categories=[]))
EVENT = st.fixed_dictionaries(
    {
        "eventId": st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        "logStreamName": TEXT,
        "timestamp": st.integers(0, page_parser.LATEST_MS),
        "message": TEXT,
    }
)
NAMES = ("eventId", "logStreamName", "timestamp", "message")
# Any JSON, objects that pose as events among it.
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT, EVENT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
MORE = st.dictionaries(TEXT.filter(lambda name: name not in (*NAMES, "events")), VALUE, max_size=3)


def session() -> botocore.session.Session:
    created = botocore.session.Session()
    created.set_credentials("AKIAEXAMPLE", "not-a-secret")
    return created


SHAPES = session().get_service_model("logs")
LEAN = session()
page_parser.install(LEAN)


def shape(operation: str) -> Any:  # noqa: ANN401  (botocore has no type information)
    return SHAPES.operation_model(operation).output_shape


def lean(response: dict[str, Any], operation: str = "FilterLogEvents") -> dict[str, Any]:
    parser = LEAN.get_component("response_parser_factory").create_parser("json")
    return dict(parser.parse(response, shape(operation)))


def response(body: bytes, status: int = 200) -> dict[str, Any]:
    return {"status_code": status, "headers": HEADERS, "body": body, "context": {}}


def by_botocore(response: dict[str, Any]) -> dict[str, Any]:
    """What botocore itself makes of a page, with the events as the columns that are needed."""
    answer = dict(JSONParser().parse(response, shape("FilterLogEvents")))
    wanted = ("eventId", "logStreamName", "timestamp", "message")
    events = [tuple(event[name] for name in wanted) for event in answer["events"]]
    return {**answer, "events": events}


def rows(answer: dict[str, Any]) -> tuple[list[tuple[object, ...]], list[Unreadable]]:
    """The events of a parsed page, and those that are unreadable."""
    return [*answer["events"]], [*answer["unreadable"]]


def page(*events: object, **more: object) -> bytes:
    return json.dumps({"events": [*events], **more}).encode()


@given(
    st.lists(EVENT),
    st.one_of(st.none(), TEXT),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.booleans(),
)
def test_a_page_is_what_botocore_would_have_made_of_it(
    events: list[dict[str, object]],
    token: str | None,
    ascii_only: bool,
    separators: tuple[str, str],
    token_first: bool,
) -> None:
    rest = {} if token is None else {"nextToken": token}
    page = {**rest, "events": events} if token_first else {"events": events, **rest}
    text = json.dumps(page, ensure_ascii=ascii_only, separators=separators)
    given = response(text.encode(errors="replace"))
    answer = lean(given)
    assert answer.pop("unreadable") == ()
    assert answer == by_botocore(given)


@given(st.lists(st.tuples(EVENT, MORE), max_size=4), MORE, MORE, st.booleans())
def test_members_that_are_not_known_change_nothing(
    events: list[tuple[dict[str, object], dict[str, object]]],
    before: dict[str, object],
    behind: dict[str, object],
    is_last: bool,
) -> None:
    plain = [event for event, _ in events]
    wide = [{**more, **event} if is_last else {**event, **more} for event, more in events]
    body = json.dumps({**before, "events": wide, **{**behind, "nextToken": "t"}}).encode()
    answer = lean(response(body))
    assert rows(answer) == ([tuple(event[name] for name in NAMES) for event in plain], [])
    assert answer["nextToken"] == "t"


def test_a_page_cannot_pose_as_its_own_metadata() -> None:
    answer = lean(response(b'{"events": [], "ResponseMetadata": {"HTTPHeaders": {"date": "x"}}}'))
    assert answer["ResponseMetadata"] == {
        "RequestId": "r-1",
        "HTTPStatusCode": 200,
        "HTTPHeaders": {"date": HEADERS["Date"], "x-amzn-requestid": "r-1"},
    }


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_page_cut_anywhere_has_no_events(separators: tuple[str, str]) -> None:
    whole = {"eventId": "1", "logStreamName": "s", "timestamp": 1, "message": "\u00fc\U0001f511 \n"}
    page = {"events": [whole, whole], "nextToken": "t"}
    body = json.dumps(page, ensure_ascii=False, separators=separators).encode()
    assert "events" in lean(response(body))
    for cut in range(len(body)):
        answer = lean(response(body[:cut]))
        assert answer.keys() == {"ResponseMetadata"}, cut


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"5", b"null", b'"x"', b"<html>", b"[" * 200_000, b"\xff"),
        b'{"events": [], "half of a pair": "\xed\xa0\x80"}',
        '{"events": []}'.encode("utf-16"),
    ],
)
def test_what_is_no_page_has_no_events(body: bytes) -> None:
    assert lean(response(body)).keys() == {"ResponseMetadata"}


GOOD = {"eventId": "1", "logStreamName": "s", "timestamp": 5, "message": "m"}
GOOD_ROW = ("1", "s", 5, "m")
WITHOUT = {f"without {name}": {k: v for k, v in GOOD.items() if k != name} for name in NAMES}
ANYTHING: tuple[object, ...] = (7, None, "x", [], {}, [GOOD])
NOT_EVENTS = {repr(value): value for value in ANYTHING}
BAD_VALUES: tuple[object, ...] = (None, True, [], {}, 1.5, -1, 10**20, float("nan"), float("inf"))
MISTYPED = {
    f"{name} is {value!r}": {**GOOD, name: value}
    for name in NAMES
    for value in BAD_VALUES
    if (name, value) != ("timestamp", 1.5)
} | {"timestamp is text": {**GOOD, "timestamp": "5"}}
INTACT = ("eventId", "without eventId")  # without an ID a record is intact


@pytest.mark.parametrize(
    ("name", "event"), {**WITHOUT, **NOT_EVENTS, **MISTYPED}.items(), ids=lambda one: str(one)[:40]
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_an_event_that_is_not_complete_costs_that_event_only(
    name: str, event: object, separators: tuple[str, str]
) -> None:
    body = json.dumps({"events": [GOOD, event, GOOD], "nextToken": "t"}, separators=separators)
    answer = lean(response(body.encode()))
    found, (flaw,) = rows(answer)
    assert answer["nextToken"] == "t"
    assert flaw.content == json.dumps(event, separators=separators).encode()
    if name.startswith(INTACT):
        assert found == [GOOD_ROW, (flaw.id, *GOOD_ROW[1:]), GOOD_ROW]
    else:
        assert found == [GOOD_ROW, GOOD_ROW]


@pytest.mark.parametrize("event_id", ["", "\ud800"])
def test_an_event_id_that_no_digest_can_be_made_of_is_replaced(event_id: str) -> None:
    found, (flaw,) = rows(lean(response(page({**GOOD, "eventId": event_id}, GOOD))))
    assert found == [(flaw.id, *GOOD_ROW[1:]), GOOD_ROW]


@pytest.mark.parametrize("digits", [400, 5_000])
def test_a_number_of_any_length_costs_its_event_only(digits: int) -> None:
    number = "1" * digits
    odd = json.dumps({**GOOD, "timestamp": 0}).replace(": 0", f": {number}")
    more = json.dumps({**GOOD, "more": 0}).replace('"more": 0', f'"more": {number}')
    body = page("ODD", "MORE", GOOD).replace(b'"ODD"', odd.encode())
    found, (flaw,) = rows(lean(response(body.replace(b'"MORE"', more.encode()))))
    assert found == [GOOD_ROW, GOOD_ROW]
    assert flaw.content == odd.encode()


@pytest.mark.parametrize("at_ms", [5.0, 5.9])
def test_a_record_whose_time_is_no_integer_is_delivered_and_reported(at_ms: float) -> None:
    found, (flaw,) = rows(lean(response(page({**GOOD, "timestamp": at_ms}))))
    assert found == [GOOD_ROW]
    assert type(found[0][2]) is int
    assert flaw.at_ms == 5


def test_bytes_that_are_not_utf_8_cost_their_event_only() -> None:
    whole = {**GOOD, "message": "\udc80 \u00fc"}  # an escaped half of a pair is no such byte
    bad = json.dumps(GOOD).encode().replace(b'"m"', b'"\xff\xfe"')
    body = page(whole, "BAD", GOOD).replace(b'"BAD"', bad)
    found, (flaw,) = rows(lean(response(body)))
    assert found == [("1", "s", 5, "\udc80 \u00fc"), GOOD_ROW]
    assert (flaw.content, flaw.stream, flaw.at_ms) == (bad, "s", 5)


DEEP = '{"a":[' * 60_000 + r'"]\\\"}"' + "]}" * 60_000
DEEP_MEMBER = b'"more":' + DEEP.encode()


def test_a_member_of_any_depth_changes_nothing() -> None:
    plain = page(GOOD, GOOD, nextToken="t")
    in_event = plain.replace(b'"eventId"', DEEP_MEMBER + b', "eventId"', 1)
    in_page = plain.replace(b'"nextToken"', DEEP_MEMBER + b', "nextToken"')
    for body in (in_event, in_page):
        answer = lean(response(body))
        assert rows(answer) == ([GOOD_ROW, GOOD_ROW], [])
        assert answer["nextToken"] == "t"


def test_a_deep_list_or_message_costs_its_event_only() -> None:
    odd = json.dumps({**GOOD, "message": 0}).replace(": 0", f": {DEEP}").encode()
    for content in (DEEP.encode(), b"[" + DEEP.encode() + b"]", odd):
        found, (flaw,) = rows(lean(response(page("ODD", GOOD).replace(b'"ODD"', content))))
        assert found == [GOOD_ROW]
        assert flaw.content == content


def test_a_deep_member_of_a_listing_hides_no_group() -> None:
    body = json.dumps(described("/aws/cloudhsm/a", "/aws/cloudhsm/b", token="t").body).encode()
    deep = body.replace(b'"logGroupName"', DEEP_MEMBER + b', "logGroupName"', 1)
    answer = lean(response(deep), "DescribeLogGroups")
    assert [row["logGroupName"] for row in answer["logGroups"]] == [
        "/aws/cloudhsm/a",
        "/aws/cloudhsm/b",
    ]
    assert answer["nextToken"] == "t"


def test_text_that_is_deep_and_cut_is_no_page() -> None:
    quotes = b'\\"' * 500_000  # each would be looked at to the end, if it began a text
    answer = lean(response(b'{"events":' + b"[" * 9_000 + b'"' + quotes))
    assert answer.keys() == {"ResponseMetadata"}


def test_bytes_that_are_not_utf_8_outside_of_events_make_no_page() -> None:
    body = page(GOOD, nextToken="t").replace(b'"t"', b'"\xff"')
    assert lean(response(body)).keys() == {"ResponseMetadata"}


def test_an_unreadable_event_is_known_by_its_bytes_and_its_stream() -> None:
    events = [{**GOOD, "timestamp": None, "logStreamName": name} for name in "aab"]
    _, (first, again, other) = rows(lean(response(page(*events))))
    assert first.id == again.id != other.id


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_a_status_other_than_200_makes_no_page(status: int) -> None:
    assert lean(response(page(GOOD), status)).keys() == {"ResponseMetadata"}


@given(st.binary(max_size=60), st.integers(0, 120))
def test_whatever_bytes_come_no_error_is_raised(noise: bytes, at: int) -> None:
    body = page(GOOD, nextToken="t")
    answer = lean(response(body[:at] + noise + body[at:]))
    for event_id, stream, at_ms, message in answer.get("events", ()):
        assert (type(event_id), type(stream), type(at_ms), type(message)) == (str, str, int, str)


@pytest.mark.parametrize("operation", ["FilterLogEvents", "DescribeLogGroups"])
@pytest.mark.parametrize("status", [301, 400, 403, 429, 500, 503])
@pytest.mark.parametrize(
    "body",
    [
        b'{"__type": "a.b#ThrottlingException", "message": "m", "events": []}',
        b'{"__type": "AccessDeniedException:x", "Message": "m"}',
        b"<html><body>no</body></html>",
        b"",
    ],
)
def test_a_refusal_is_read_by_botocore(operation: str, status: int, body: bytes) -> None:
    given = response(body, status)
    assert lean(given, operation) == JSONParser().parse(given, shape(operation))


def test_a_listing_is_what_botocore_would_have_made_of_it() -> None:
    given = response(json.dumps(described("/aws/cloudhsm/a", token="t").body).encode())
    answer = lean(given, "DescribeLogGroups")
    assert answer == JSONParser().parse(given, shape("DescribeLogGroups"))
    assert answer["nextToken"] == "t"


@pytest.mark.parametrize("protocol", ["query", "rest-json"])
def test_other_protocols_keep_their_parsers(protocol: str) -> None:
    factories = [one.get_component("response_parser_factory") for one in (LEAN, session())]
    ours, theirs = [type(factory.create_parser(protocol)) for factory in factories]
    assert ours is theirs


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between botocore's retries
    server = ScriptedAws()
    yield server
    server.shutdown()
    server.server_close()


def client(aws: ScriptedAws) -> Any:  # noqa: ANN401  (botocore has no type information)
    retries = {"mode": "standard", "total_max_attempts": 3}
    return LEAN.create_client(
        "logs", "us-east-1", endpoint_url=aws.url, config=Config(retries=retries)
    )


@pytest.mark.parametrize("status", [429, 500, 503])
def test_botocore_retries_and_signs_each_try(aws: ScriptedAws, status: int) -> None:
    aws.script["FilterLogEvents"] = [
        refusal("ThrottlingException", status=status),
        filtered(event(0, 1), token="t"),
    ]
    logs = client(aws)
    signed: list[str] = []
    logs.meta.events.register(
        "before-send", lambda request, **_: signed.append(str(request.headers["Authorization"]))
    )
    answer = logs.filter_log_events(**REQUEST)
    assert [found[2] for found in answer["events"]] == [1]
    assert answer["nextToken"] == "t"
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert len(signed) == 2
    assert all("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE" in header for header in signed)


def test_a_refusal_that_stays_is_botocores_exception(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [refusal("AccessDeniedException", "not you")]
    with pytest.raises(ClientError) as caught:
        client(aws).filter_log_events(**REQUEST)
    assert caught.value.response["Error"] == {"Code": "AccessDeniedException", "Message": "not you"}


def test_a_cut_answer_reaches_the_caller_without_events(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [Answer(filtered(event(0, 1)).body, cut=40)]
    assert "events" not in client(aws).filter_log_events(**REQUEST)
