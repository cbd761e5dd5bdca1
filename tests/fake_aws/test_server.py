"""Over a real socket: what botocore, urllib and another process see of the fake."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from threading import Thread
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.fake_aws import reference_reader
from tests.fake_aws.control import Control
from tests.fake_aws.faults import ALL_AT_ONCE, Denial, Faults, at, every
from tests.fake_aws.server import serve
from tests.fake_aws.service import REGION, Arrival, Service
from tests.fake_aws.trails import GROUP, HOSTILE_TEXTS, audit_trail, huge_text

NOW = 1_790_000_000_000


@pytest.fixture
def service() -> Service:
    service = Service(1, NOW)
    service.put_all(audit_trail(1, 60, NOW - 3_600_000, NOW - 1).arrivals)
    return service


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    with serve(service) as url:
        yield url


def test_a_reader_gets_every_event_as_it_was_put(service: Service, url: str) -> None:
    texts = [*HOSTILE_TEXTS, huge_text()]
    service.put_all(Arrival(GROUP, "hostile", NOW, text) for text in texts)
    events = reference_reader.read_all(reference_reader.client(url))
    assert [event["message"] for event in events[-len(texts) :]] == texts
    assert [event["eventId"] for event in events] == [e.event_id for e in service.visible(GROUP)]


def test_a_stream_is_read_over_a_socket_too(service: Service, url: str) -> None:
    stream = service.visible(GROUP)[0].stream
    parameters = {"logGroupName": GROUP, "logStreamName": stream, "startFromHead": True}
    # The libraries that ship do not know this call.
    request = urllib.request.Request(  # noqa: S310  (loopback)
        url,
        json.dumps(parameters).encode(),
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "Logs_20140328.GetLogEvents",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/logs/aws4_request",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        events = json.loads(answer.read())["events"]
    expected = [stored.message for stored in service.visible(GROUP) if stored.stream == stream]
    assert [event["message"] for event in events] == expected


def test_sts_returns_the_account(service: Service, url: str) -> None:
    assert (
        reference_reader.client(url, name="sts").get_caller_identity()["Account"] == service.account
    )


@pytest.mark.parametrize("name", ["logs", "sts"])
def test_a_denial_reaches_the_reader_in_its_protocol(service: Service, url: str, name: str) -> None:
    service.faults = Faults(denied=(Denial(),))
    aws = reference_reader.client(url, name=name)
    call = aws.describe_log_groups if name == "logs" else aws.get_caller_identity
    with pytest.raises(ClientError, match=r"AccessDenied.* not authorized to perform"):
        call()


def test_everything_arrives_under_all_faults_at_once(service: Service, url: str) -> None:
    service.faults = ALL_AT_ONCE(3)
    events = reference_reader.read_all(reference_reader.client(url, attempts=9))
    assert {e["eventId"] for e in events} == {e.event_id for e in service.visible(GROUP)}


def raw(url: str, request: dict[str, object]) -> tuple[http.client.HTTPResponse, bytes]:
    """One request without a library that repairs anything."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {"X-Amz-Target": "Logs_20140328.FilterLogEvents"}
    connection.request("POST", "/", json.dumps(request), headers)
    response = connection.getresponse()
    try:
        return response, response.read()
    except http.client.IncompleteRead as error:
        return response, error.partial
    finally:
        connection.close()


def test_a_cut_body_keeps_the_content_length_of_the_full_body(service: Service, url: str) -> None:
    """L5."""
    whole = raw(url, {"logGroupName": GROUP})[1]
    service.faults = Faults(cut=every(1))
    response, part = raw(url, {"logGroupName": GROUP})
    assert response.headers["Content-Length"] == str(len(whole))
    assert len(part) < len(whole)
    assert whole.startswith(part)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_reset_is_a_closed_connection_to_botocore(seed: int) -> None:
    """L5: before the answer or within it."""
    service = Service(seed, NOW, Faults(reset=at(1)))
    service.put(GROUP, "a", NOW, huge_text())
    with serve(service) as url:
        with pytest.raises(ConnectionClosedError):
            reference_reader.client(url, attempts=1).filter_log_events(logGroupName=GROUP)
        assert len(reference_reader.read_all(reference_reader.client(url))) == 1


def test_a_slow_answer_takes_real_time(service: Service, url: str) -> None:
    """L7."""
    service.faults = Faults(latency_s=0.1)
    before_s = time.monotonic()
    reference_reader.read_all(reference_reader.client(url))
    assert 0.1 <= time.monotonic() - before_s < 5


def test_a_connection_is_kept_for_the_next_request(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    for _ in range(3):
        connection.request("POST", "/", "{}", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"})
        assert b"logGroups" in connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_a_body_that_is_no_request_is_refused(url: str, text: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {"X-Amz-Target": "Logs_20140328.FilterLogEvents"}
    connection.request("POST", "/", text.encode("latin-1"), headers)
    response = connection.getresponse()
    assert (response.status, b"SerializationException" in response.read()) == (400, True)


def test_several_readers_at_once_do_not_disturb_each_other(service: Service, url: str) -> None:
    service.faults = Faults(page_events=3, server_error=every(11))
    counts: list[int] = []

    def read() -> None:
        counts.append(len(reference_reader.read_all(reference_reader.client(url))))

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [60] * 4
    assert len({request.number for request in service.requests}) == len(service.requests)


def test_another_process_can_control_the_service(service: Service, url: str) -> None:
    control = Control(url)
    ids = control.put([Arrival("/other", "a", NOW, "\u00fc", NOW + 5)])
    assert control.events("/other") == []
    assert control.next_arrival_ms() == NOW + 5
    assert control.advance(5) == NOW + 5 == control.now_ms() == service.now_ms
    assert control.events("/other") == [
        {
            "logGroup": "/other",
            "logStream": "a",
            "timestamp": NOW,
            "ingestionTime": NOW + 5,
            "eventId": ids[0],
            "message": "\u00fc",
        }
    ]
    assert len(control.events()) == 61
    reference_reader.read_all(reference_reader.client(url))
    reference_reader.read_all(reference_reader.client(url), startTime=1)
    (last,) = control.requests(since=1)
    assert (last["operation"], last["body"]["startTime"]) == ("FilterLogEvents", 1)
    control.set_faults("L15-throttled")
    assert service.faults.throttle == every(5)


def test_keys_can_be_renewed_where_a_container_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """L21: an expired key is refused, and the next one works."""
    service = Service(1, time.time_ns() // 1_000_000)  # botocore looks at this host's clock
    service.add_group(GROUP)
    with serve(service) as url:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/_fake/credentials")
        clients = [
            botocore.session.Session().create_client("logs", REGION, endpoint_url=url)
            for _ in range(2)
        ]
        clients[0].filter_log_events(logGroupName=GROUP)
        Control(url).expire_key("ASIAFAKE000000000001")
        with pytest.raises(ClientError, match="ExpiredToken"):
            clients[0].filter_log_events(logGroupName=GROUP)
        clients[1].filter_log_events(logGroupName=GROUP)


@pytest.mark.parametrize(
    ("page", "status"),
    [("nothing", 404), ("faults?names=L99", 400), ("faults", 400), ("clock?advance_ms=-1", 400)],
)
def test_what_the_control_does_not_understand_is_refused(url: str, page: str, status: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", f"/_fake/{page}")
    assert connection.getresponse().status == status
    connection.close()


def test_a_refused_put_raises_with_the_reason(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        Control(url).put([Arrival(GROUP, "a", 1, "")])
    assert b"AWS takes no event" in caught.value.read()


def test_time_may_follow_the_wall_clock_at_a_speed() -> None:
    service = Service(1, NOW)
    with serve(service, speed=10_000) as url:
        control = Control(url)
        first_ms = control.now_ms()
        time.sleep(0.05)
        passed_ms = control.now_ms() - first_ms
    assert 500_000 <= passed_ms < 100_000_000


def test_an_answer_after_a_closed_connection_does_no_harm(service: Service, url: str) -> None:
    service.faults = Faults(slow=at(1), slow_s=0.3)
    impatient = reference_reader.client(url, attempts=1, read_timeout_s=0.1)
    with pytest.raises(ReadTimeoutError):
        impatient.filter_log_events(logGroupName=GROUP)
    assert len(reference_reader.read_all(reference_reader.client(url))) == 60
