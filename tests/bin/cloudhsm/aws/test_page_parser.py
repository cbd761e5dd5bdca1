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
from botocore.parsers import JSONParser, ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.aws import page_parser
from tests.bin.fakes import Answer, ScriptedAws, described, event, filtered, refusal

REQUEST = {"logGroupName": "/aws/cloudhsm/cluster-a"}
HEADERS = {"Date": "Sun, 22 Nov 2026 20:00:00 GMT", "x-amzn-requestid": "r-1"}
TEXT = st.text(st.characters(exclude_categories=[]))
EVENT = st.fixed_dictionaries(
    {"eventId": TEXT, "logStreamName": TEXT, "timestamp": st.integers(), "message": TEXT}
)


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
    assert lean(given) == by_botocore(given)


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


@pytest.mark.parametrize(
    "body",
    [
        b'{"events":[{"eventId":"1","logStreamName":"s","message":"m"}]}',
        b'{"events": [{"eventId": "1", "logStreamName": "s", "message": "m"}]}',
        b'{"events": [7]}',
    ],
)
def test_an_event_that_lacks_something_is_no_event(body: bytes) -> None:
    with pytest.raises(ResponseParserError, match="lacks something"):
        lean(response(body))


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


def test_every_other_answer_is_read_by_botocore() -> None:
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
