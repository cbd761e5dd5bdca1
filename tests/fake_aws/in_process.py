"""A Service called by botocore, without sockets: its own parsing and retries at full speed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session

from tests.fake_aws.service import Service
from tests.fake_aws.wire import read_request

# What the collector sets; a slower answer becomes a ReadTimeoutError.
READ_TIMEOUT_S = 30.0


def attach(client: Any, service: Service) -> None:  # noqa: ANN401  (botocore has no types)
    """From now on this botocore client speaks to the service, wherever its endpoint is."""
    timeout_s = float(client.meta.config.read_timeout)

    def answer(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401
        return _answer(service, request, timeout_s)

    client.meta.events.register("before-send", answer)


@contextmanager
def every_client(service: Service, read_timeout_s: float = READ_TIMEOUT_S) -> Iterator[Service]:
    """While it lasts, every botocore client of this process speaks to the service, STS too."""

    def send(_: object, request: Any) -> AWSResponse:  # noqa: ANN401
        return _answer(service, request, read_timeout_s)

    with mock.patch.object(URLLib3Session, "send", send):
        yield service


@contextmanager
def no_waiting(service: Service, skew_ms: int = 0) -> Iterator[Service]:
    """While it lasts, sleeping lets virtual time pass instead, and this host's clock follows it.

    Covers `time.sleep`, `time.time`, `time.time_ns` and `time.monotonic` where they are called
    through the module. botocore signs by `datetime`, which stays real.

    skew_ms: how far this host's clock is ahead of AWS's (L22).
    """

    def sleep(seconds: float) -> None:
        service.advance(round(seconds * 1000))

    def time_ns() -> int:
        return (service.now_ms + skew_ms) * 1_000_000

    with mock.patch.multiple(
        time,
        sleep=sleep,
        time_ns=time_ns,
        time=lambda: time_ns() / 1e9,
        monotonic=lambda: service.now_ms / 1000,
    ):
        yield service


class _Body:
    """What botocore reads an answer's body from."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _answer(service: Service, request: Any, read_timeout_s: float) -> AWSResponse:  # noqa: ANN401
    headers = _texts(request.headers)
    operation, parameters = read_request(headers, _bytes(request.body))
    reply = service.reply(operation, parameters, headers)
    service.advance(round(min(reply.delay_s, read_timeout_s) * 1000))
    if reply.delay_s > read_timeout_s:
        raise ReadTimeoutError(endpoint_url=request.url, error=f"{reply.delay_s} s")
    if reply.unreachable:
        raise EndpointConnectionError(endpoint_url=request.url, error="connection refused")
    if reply.reset:
        raise ConnectionClosedError(endpoint_url=request.url, request=request, error="reset")
    return AWSResponse(request.url, reply.status, reply.headers, _Body(reply.sent))


def _texts(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    return {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in headers.items()
    }


def _bytes(body: Any) -> bytes:  # noqa: ANN401
    return body if isinstance(body, bytes) else str(body or "").encode()
