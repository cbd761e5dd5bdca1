"""A reader that does what AWS's documentation asks of one, and no more: the measure of a fault."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fake_aws import in_process
from tests.fake_aws.service import REGION, Service
from tests.fake_aws.trails import GROUP

# What botocore raises for a body that ends inside a character.
UNREADABLE = (UnicodeDecodeError, AttributeError, TypeError)
_TRIES = 5_000


@lru_cache(maxsize=1)
def _session() -> Any:  # noqa: ANN401  (botocore has no types)
    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLE", "not-a-secret")
    return session


def client(
    url: str | None = None, attempts: int = 4, name: str = "logs", read_timeout_s: float = 5
) -> Any:  # noqa: ANN401
    """A botocore client that retries as the collector's does."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        read_timeout=read_timeout_s,
        proxies={"http": None},
    )
    return _session().create_client(name, region_name=REGION, endpoint_url=url, config=config)


def client_of(service: Service, attempts: int = 4) -> Any:  # noqa: ANN401
    """Such a client, right in front of a service."""
    attached = client(attempts=attempts)
    in_process.attach(attached, service)
    return attached


def read_all(logs: Any, **window: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Every event of a window once, by following tokens to the end and starting over if need be."""
    window = {"logGroupName": GROUP, **window}
    events: dict[str, dict[str, Any]] = {}
    token: str | None = None
    for _ in range(_TRIES):
        request = window if token is None else {**window, "nextToken": token}
        answer = _complete(logs.filter_log_events, request)
        if answer is None:
            token = None
            continue
        events.update((event["eventId"], event) for event in answer["events"])
        following = answer.get("nextToken")
        if following is None:
            return list(events.values())
        token = None if following == token else following
    raise AssertionError(f"no end after {_TRIES} pages")


def _complete(call: Callable[..., Any], request: dict[str, Any]) -> Any:  # noqa: ANN401
    """A complete answer; None where the token is no longer good."""
    for _ in range(_TRIES):
        try:
            answer = call(**request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if "nextToken" in request and code == "InvalidParameterException":
                return None
            if code != "ExpiredTokenException":  # the next run comes with the same key, and works
                raise
            continue
        except UNREADABLE:
            continue
        if "events" in answer:
            return answer
    raise AssertionError(f"no whole answer in {_TRIES} tries")
