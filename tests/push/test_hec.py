"""Events for HEC: a line for each log event, with its text unchanged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm_push import hec
from cloudhsm_push.envelope import Envelope, PushedEvent
from tests.push.batches import ACCOUNT, CLUSTER, HSM, REGION, ROUTING, envelope

AUDIT = (
    "Time: 12/19/17 21:01:16.962174, usecs:1513717276962174\nSequence No : 0x0\n"
    "Reboot counter : 0xe8\nCommand Type(hex) : CN_MGMT_CMD (0x0)\nOpcode : CN_INIT_TOKEN (0x1)"
)
CERTIFICATE = '{"timestamp": 1790000000123, "action": "x"}'


def lines(envelope: Envelope, index: str = "") -> list[bytes]:
    return [*hec.events(envelope, ROUTING._replace(splunk_index=index))]


def of(text: str, stream: str = HSM, index: str = "") -> dict[str, object]:
    (line,) = lines(envelope(text, stream=stream), index)
    return dict(json.loads(line))


def test_an_event_has_the_time_of_the_record_and_the_identity_that_it_lacks() -> None:
    (line,) = lines(envelope(AUDIT))
    assert line.startswith(b'{"time": 1513717276.962174, ')
    assert json.loads(line) == {
        "time": 1513717276.962174,
        "host": HSM,
        "source": f"{ACCOUNT}:{REGION}:/aws/cloudhsm/{CLUSTER}:{HSM}",
        "sourcetype": "aws:cloudhsm:audit",
        "event": AUDIT,
    }


def test_a_certificate_record_is_of_the_cluster() -> None:
    event = of(CERTIFICATE, stream=CLUSTER)
    assert (event["host"], event["sourcetype"]) == (CLUSTER, "aws:cloudhsm:certificate")
    assert event["time"] == 1790000000.123


def test_a_text_without_a_time_has_cloudwatchs() -> None:
    assert of("not a record")["time"] == 1790000000.0


def test_an_incomplete_record_has_its_own_time_if_it_has_one() -> None:
    assert of(AUDIT.split("\n", 1)[0])["time"] == 1513717276.962174


def test_the_index_is_named_only_where_one_is_asked_for() -> None:
    assert "index" not in of(AUDIT)
    assert of(AUDIT, index="hsm")["index"] == "hsm"


def test_a_lone_surrogate_becomes_visible_and_every_other_character_stays() -> None:
    assert of("User Name : \ud83d!")["event"] == "User Name : \\ud83d!"
    odd = 'a\x00\x1b\r\n\t\u2028\ufffe\U0001f511<&>"\\'
    assert of(odd)["event"] == odd


def test_an_empty_text_is_left_out_since_hec_refuses_the_request_for_it() -> None:
    assert lines(envelope("", AUDIT, "")) == lines(
        envelope(AUDIT)._replace(events=envelope("", AUDIT).events[1:])
    )


@given(st.lists(st.text(min_size=1), max_size=5), st.text(min_size=1), st.text(min_size=1))
def test_whatever_the_text_there_is_one_line_for_each_log_event(
    texts: list[str], group: str, stream: str
) -> None:
    group = group.replace("x", "/aws/cloudhsm/", 1)
    events = tuple(PushedEvent(str(n), n, text) for n, text in enumerate(texts))
    try:
        made = lines(Envelope(ACCOUNT, group, stream, events))
    except UnicodeEncodeError:
        assert not (group + stream).isprintable()  # names of AWS hold no lone surrogates
        return
    assert [line.count(b"\n") for line in made] == [1] * len(texts)
    assert all(line.endswith(b"\n") for line in made)
    sent = [json.loads(line)["event"] for line in made]
    assert [text for text in sent if "\\u" not in text] == [
        t for t in texts if "\\u" not in t and not any("\ud800" <= c < "\ue000" for c in t)
    ]
    data = b"".join(made)
    routing = ROUTING._replace(log_groups=group if group.startswith("/aws/cloudhsm/") else "/")
    is_own = group.startswith("/aws/cloudhsm/") and ":" not in stream
    assert hec.split(data, routing) == ((data, b"") if is_own else (b"", data))


HSM_INDEX = ROUTING._replace(splunk_index="hsm")
MADE = b"".join(lines(envelope(AUDIT, "not a record", CERTIFICATE), "hsm"))


def test_what_it_made_is_its_own() -> None:
    assert hec.are_lines(MADE)
    assert hec.split(MADE, HSM_INDEX) == (MADE, b"")


FOREIGN = {
    "another index": (b'"index": "hsm"', b'"index": "main"'),
    "no index": (b', "index": "hsm"', b""),
    "fields": (b'"index": "hsm"', b'"index": "hsm", "fields": {"user": "x"}'),
    "another host": (b'"host": "hsm-n', b'"host": "hsm-m'),
    "another account": (b"111122223333", b"444455556666"),
    "another Region": (b"us-east-1", b"eu-west-1"),
    "another log group": (b"/aws/cloudhsm/", b"/aws/lambda/"),
    "another source type": (b"aws:cloudhsm:audit", b"access_combined"),
    "another time of a record": (b'{"time": 1513717276', b'{"time": 1513717277'),
    "a time that is no number": (b'{"time": 1513717276.962174', b'{"time": "now"'),
    "a time of a million digits": (b'{"time": 1513717276.962174', b'{"time": 1e999990'),
    "a negative time": (b'{"time": 1513717276.962174', b'{"time": -1e999990'),
    "an infinite time": (b'{"time": 1513717276.962174', b'{"time": 1e999999999'),
    "a source of another form": (b'"source": "111122223333:', b'"source": ["'),
    "a key twice": (b'"host": ', b'"host": "x", "host": '),
    "more text": (b'"event": "', b'"event": "\\u0041'),
    "a torn line": (b'"}\n', b"\n"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_line_that_anybody_else_could_have_written_is_foreign_and_the_others_pass(
    kind: str,
) -> None:
    first, rest = MADE.split(b"\n", 1)
    changed = (first + b"\n").replace(*FOREIGN[kind])
    assert changed != first + b"\n"
    own, foreign = hec.split(changed + rest, HSM_INDEX)
    assert own == rest
    assert foreign == changed


@given(st.binary())
def test_no_bytes_end_it_otherwise(data: bytes) -> None:
    own, foreign = hec.split(b'{"time": ' + data, HSM_INDEX)
    assert own == b""
    assert foreign == b'{"time": ' + data
