"""The subscription filters of CloudWatch Logs, as boto3 has them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

# Said while a role or stream that was made a moment ago is not known everywhere yet.
_NOT_YET = "InvalidParameterException"
_WAIT_S = 8
# Of all groups together: Lambda ends the function after 15 minutes.
_PATIENCE_S = 240


Call = Callable[..., dict[str, Any]]


class Refused(Exception):
    """AWS refuses a call. code: AWS's own, such as AccessDeniedException."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Filter(NamedTuple):
    """A subscription filter. destination: ARN of what it sends to; role: ARN of as whom.

    pattern: which log events pass; all where it is empty.
    """

    name: str
    destination: str
    role: str
    pattern: str = ""


class Subscriptions(Protocol):
    """Log groups and their subscription filters. Every call may raise Refused."""

    def groups(self, prefix: str) -> Iterator[str]: ...
    def filters(self, group: str) -> list[Filter]: ...
    def put(self, group: str, one: Filter) -> None: ...
    def delete(self, group: str, name: str) -> None: ...


class Client(Protocol):
    """The calls of CloudWatch Logs that are needed, as boto3 has them."""

    exceptions: Any

    def describe_log_groups(self, **asked: str) -> dict[str, Any]: ...
    def describe_subscription_filters(self, **asked: str) -> dict[str, Any]: ...
    def put_subscription_filter(self, **asked: str) -> dict[str, Any]: ...
    def delete_subscription_filter(self, **asked: str) -> dict[str, Any]: ...


class CloudWatchLogs:
    """Subscriptions by way of boto3's client of CloudWatch Logs."""

    def __init__(self, client: Client, sleep: Callable[[float], object] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._patience_s = _PATIENCE_S

    def groups(self, prefix: str) -> Iterator[str]:
        """The names of all log groups that begin so."""
        asked = {"logGroupNamePrefix": prefix}
        while True:
            answer = self._call(self._client.describe_log_groups, asked)
            yield from (str(one["logGroupName"]) for one in answer["logGroups"])
            if not answer.get("nextToken"):
                return
            asked = {**asked, "nextToken": answer["nextToken"]}

    def filters(self, group: str) -> list[Filter]:
        """All of one group: AWS allows two, so there is but one page."""
        answer = self._call(self._client.describe_subscription_filters, {"logGroupName": group})
        return [
            Filter(
                str(one["filterName"]),
                str(one["destinationArn"]),
                str(one.get("roleArn", "")),
                str(one.get("filterPattern", "")),
            )
            for one in answer["subscriptionFilters"]
        ]

    def put(self, group: str, one: Filter) -> None:
        """Add a filter or change the one of that name."""
        asked = {
            "logGroupName": group,
            "filterName": one.name,
            "filterPattern": one.pattern,
            "destinationArn": one.destination,
            "roleArn": one.role,
        }
        while True:
            try:
                self._call(self._client.put_subscription_filter, asked)
            except Refused as error:
                if error.code != _NOT_YET or self._patience_s <= 0:
                    raise
                self._patience_s -= _WAIT_S
                self._sleep(_WAIT_S)
            else:
                return

    def delete(self, group: str, name: str) -> None:
        """Remove a filter."""
        self._call(
            self._client.delete_subscription_filter, {"logGroupName": group, "filterName": name}
        )

    def _call(self, call: Call, asked: dict[str, str]) -> dict[str, Any]:
        try:
            return call(**asked)
        except self._client.exceptions.ClientError as error:
            said = error.response["Error"]
            raise Refused(said["Code"], said.get("Message", "")) from error
        except Exception as error:
            raise Refused(type(error).__name__, str(error)) from error
