"""The subscription filters of CloudWatch Logs, through boto3."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

# AWS's response while a new role or stream is not known everywhere yet.
_NOT_YET_KNOWN = "InvalidParameterException"
_WAIT_S = 8
# For all groups together: Lambda ends the function after 15 minutes.
_MOST_WAIT_S = 240


Call = Callable[..., dict[str, Any]]


class RefusedCall(Exception):
    """AWS refuses a call. code: AWS's own, such as AccessDeniedException."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Filter(NamedTuple):
    """A subscription filter. destination: ARN of the stream; role: ARN of the role that sends.

    pattern: selects log events; empty for all.
    """

    name: str
    destination: str
    role: str
    pattern: str = ""


class LogGroup(NamedTuple):
    """created_ms: when it was created, since 1970."""

    name: str
    created_ms: int


class Subscriptions(Protocol):
    """Log groups and their subscription filters. Every call may raise RefusedCall."""

    def groups(self, prefix: str) -> Iterator[LogGroup]: ...
    def filters(self, group: str) -> list[Filter]: ...
    def put(self, group: str, subscription: Filter) -> None: ...
    def delete(self, group: str, name: str) -> None: ...


class LogsClient(Protocol):
    """The CloudWatch Logs calls that are needed, as in boto3."""

    exceptions: Any

    def describe_log_groups(self, **request: str) -> dict[str, Any]: ...
    def describe_subscription_filters(self, **request: str) -> dict[str, Any]: ...
    def put_subscription_filter(self, **request: str) -> dict[str, Any]: ...
    def delete_subscription_filter(self, **request: str) -> dict[str, Any]: ...


class CloudWatchLogs:
    """Subscriptions through boto3's client of CloudWatch Logs."""

    def __init__(self, client: LogsClient, sleep: Callable[[float], object] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._wait_left_s = _MOST_WAIT_S

    def groups(self, prefix: str) -> Iterator[LogGroup]:
        """All log groups whose names begin with the prefix."""
        request = {"logGroupNamePrefix": prefix}
        while True:
            answer = self._call(self._client.describe_log_groups, request)
            for group in answer["logGroups"]:
                yield LogGroup(str(group["logGroupName"]), int(group.get("creationTime", 0)))
            if not answer.get("nextToken"):
                return
            request = {**request, "nextToken": answer["nextToken"]}

    def filters(self, group: str) -> list[Filter]:
        """All filters of a group: AWS allows two, so there is only one page."""
        answer = self._call(self._client.describe_subscription_filters, {"logGroupName": group})
        return [
            Filter(
                str(entry["filterName"]),
                str(entry["destinationArn"]),
                str(entry.get("roleArn", "")),
                str(entry.get("filterPattern", "")),
            )
            for entry in answer["subscriptionFilters"]
        ]

    def put(self, group: str, subscription: Filter) -> None:
        """Add a filter or change the filter of that name."""
        request = {
            "logGroupName": group,
            "filterName": subscription.name,
            "filterPattern": subscription.pattern,
            "destinationArn": subscription.destination,
            "roleArn": subscription.role,
        }
        while True:
            try:
                self._call(self._client.put_subscription_filter, request)
            except RefusedCall as error:
                if error.code != _NOT_YET_KNOWN or self._wait_left_s <= 0:
                    raise
                self._wait_left_s -= _WAIT_S
                self._sleep(_WAIT_S)
            else:
                return

    def delete(self, group: str, name: str) -> None:
        """Remove a filter."""
        self._call(
            self._client.delete_subscription_filter, {"logGroupName": group, "filterName": name}
        )

    def _call(self, call: Call, request: dict[str, str]) -> dict[str, Any]:
        try:
            return call(**request)
        except self._client.exceptions.ClientError as error:
            details = error.response["Error"]
            raise RefusedCall(details["Code"], details.get("Message", "")) from error
        except Exception as error:
            raise RefusedCall(type(error).__name__, str(error)) from error
