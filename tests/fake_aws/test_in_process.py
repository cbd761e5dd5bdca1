"""Without sockets, botocore must not notice any difference."""

from __future__ import annotations

import time

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tests.fake_aws import reference_reader
from tests.fake_aws.faults import Faults, at, every, named
from tests.fake_aws.in_process import every_client, no_waiting
from tests.fake_aws.server import serve
from tests.fake_aws.service import REGION, Arrival, Service
from tests.fake_aws.trails import GROUP, HOSTILE_TEXTS

NOW = 1_790_000_000_000


def filled(faults: str) -> Service:
    service = Service(5, NOW, named(faults, seed=5))
    service.put_all(Arrival(GROUP, "a", n, text) for n, text in enumerate(HOSTILE_TEXTS))
    service.advance(10**9)
    return service


@pytest.mark.parametrize("faults", ["none", "L5-cut-bodies", "L15-throttled", "L5-server-errors"])
def test_answers_are_those_of_the_server(faults: str) -> None:
    local, served = filled(faults), filled(faults)
    with no_waiting(local):
        read = reference_reader.read_all(reference_reader.client_of(local), limit=2)
    with serve(served) as url:
        assert reference_reader.read_all(reference_reader.client(url, attempts=4), limit=2) == read
    assert [request.outcome for request in local.requests] == [
        request.outcome for request in served.requests
    ]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (Faults(reset=every(1)), ConnectionClosedError),
        (Faults(outages=((0, NOW + 1),)), EndpointConnectionError),
        (Faults(latency_s=5.5), ReadTimeoutError),
        (Faults(throttle=every(1)), ClientError),
    ],
)
def test_what_a_socket_would_do_becomes_botocores_own_error(
    faults: Faults, expected: type[Exception]
) -> None:
    service = Service(1, NOW, faults)
    service.add_group(GROUP)
    with pytest.raises(expected):
        reference_reader.client_of(service, attempts=1).filter_log_events(logGroupName=GROUP)


def test_botocore_tries_again_automatically() -> None:
    service = Service(1, NOW, Faults(reset=at(1), server_error=at(2), throttle=at(3), in_a_row=3))
    service.put(GROUP, "a", 1, "x")
    with no_waiting(service):
        answer = reference_reader.client_of(service).filter_log_events(logGroupName=GROUP)
    assert answer["ResponseMetadata"]["RetryAttempts"] == 3
    first, _, third, last = [request.outcome for request in service.requests]
    assert (first, third, last) == ("reset", "ThrottlingException", "ok")


def test_waiting_becomes_virtual_time_and_this_hosts_clock_follows_it() -> None:
    """L22: at a distance."""
    service = Service(1, NOW)
    real_s = time.perf_counter()
    with no_waiting(service, skew_ms=-7_000):
        before_s = time.monotonic()
        time.sleep(3_600)
        assert time.monotonic() - before_s == 3_600
        assert time.time_ns() // 1_000_000 == NOW + 3_600_000 - 7_000
        assert time.time() == (NOW + 3_600_000 - 7_000) / 1_000
    assert service.now_ms == NOW + 3_600_000
    assert time.perf_counter() - real_s < 60
    assert time.time_ns() // 1_000_000 != NOW + 3_600_000 - 7_000


def test_clients_that_are_made_later_speak_to_the_service_too() -> None:
    service = Service(1, NOW, account="123456789012")
    service.put(GROUP, "a", 1, "x")
    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLE", "not-a-secret")
    with every_client(service):
        sts = session.create_client("sts", region_name=REGION)
        assert sts.get_caller_identity()["Account"] == "123456789012"
        assert len(reference_reader.read_all(reference_reader.client())) == 1
    assert {request.operation for request in service.requests} == {
        "GetCallerIdentity",
        "FilterLogEvents",
    }


def test_a_key_that_signs_is_recognised() -> None:
    """L21."""
    service = Service(1, NOW)
    service.add_group(GROUP)
    logs = reference_reader.client_of(service)
    logs.filter_log_events(logGroupName=GROUP)
    service.expire_key("AKIAEXAMPLE")
    with pytest.raises(ClientError, match="ExpiredToken"):
        logs.filter_log_events(logGroupName=GROUP)
