"""Log groups and their events. Every quirk of CloudWatch Logs has one commented place here.

Read with FilterLogEvents: one call covers all streams of a group, and it is the only call that
returns an event id. `DescribeLogStreams` is never used: its times are eventually consistent.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cloudhsm.aws.log_source import (
    Caller,
    Discovery,
    FoundGroup,
    LogEvent,
    Page,
    Protection,
    Unreadable,
)
from cloudhsm.aws.logs_client import Answer, LogsClient
from cloudhsm.base.errors import (
    NEXT_RUN,
    AccessDenied,
    CloudHsmError,
    GroupNotFound,
    Place,
    ServiceFailure,
)
from cloudhsm.base.settings import GroupSelector
from cloudhsm.trail.log_group import GroupId

# An unusable page token restarts its window this often before the window is halved.
_TOKEN_RESTARTS = 3
# A token that comes again is one of the last: memory must not grow with a window's pages.
_TOKENS_KEPT = 100
_DAY_MS = 86_400_000


class _TokenUnusable(Exception):
    """A page token was repeated or refused."""


class _OutOfOrder(_TokenUnusable):
    """Events came before older ones, so no position is certain: only a shorter range helps."""


def _never() -> bool:
    """Nothing ends a listing early."""
    return False


class CloudWatchLogs(LogsClient):
    """The log groups of one account and Region.

    Methods raise a CloudHsmError that names action, resource and remedy.
    """

    def discover(
        self, selectors: Iterable[GroupSelector], is_over: Callable[[], bool] = _never
    ) -> Discovery:
        """Find the log groups that the entries of `log_groups` mean.

        is_over: whether to end here; what was found until then is returned.
        """
        groups: dict[GroupId, FoundGroup] = {}
        failures: list[CloudHsmError] = []
        for selector in selectors:
            try:
                for group in self._find(selector, failures, is_over):
                    groups[group.id] = group
            except CloudHsmError as error:
                failures.append(error)
        return Discovery(list(groups.values()), failures)

    def read(
        self, group: GroupId, start_ms: int, end_ms: int, stream: str | None = None
    ) -> Iterator[Page]:
        """All events of a group with start <= timestamp <= end (both inclusive), oldest first.

        AWS's page tokens can come twice (boto/boto3#1584) and expire after 24 hours; then the
        window is read again from the last page's end, and halved when that does not help. A stream
        that is gone has no events: then the page is marked `is_gone`.
        """
        restarts = 0
        while True:
            try:
                for page in self._follow(self._request(group, start_ms, end_ms, stream), group):
                    start_ms = start_ms if page.resume_ms is None else page.resume_ms
                    yield page
            except _TokenUnusable as error:
                restarts += 1
                if restarts > _TOKEN_RESTARTS or isinstance(error, _OutOfOrder):
                    if start_ms >= end_ms:
                        raise ServiceFailure(
                            "CloudWatch Logs gives no usable page token for the millisecond "
                            f"{start_ms}",
                            place=group.place,
                            next_step=NEXT_RUN,
                        ) from error
                    middle_ms = (start_ms + end_ms) // 2
                    for page in self.read(group, start_ms, middle_ms, stream):
                        yield replace(page, is_last=False)
                    start_ms, restarts = middle_ms + 1, 0
            except GroupNotFound:
                if stream is None:
                    raise
                self.may_read(group)  # raises where it is the group that is gone
                yield Page(is_last=True, is_gone=True)
                return
            else:
                return

    def may_read(self, group: GroupId) -> None:
        """Request one event: raises what reading this group would raise, and sets AWS's time."""
        now_ms = self.now_ms()
        self._filter({**self._request(group, now_ms, now_ms, None), "limit": 1}, group)

    def caller(self) -> Caller:
        """The identity that AWS sees, from STS. Raises a CloudHsmError."""
        with self._explained("sts:GetCallerIdentity", Place(region=self._region)):
            return self._clients.caller()

    def _request(
        self, group: GroupId, start_ms: int, end_ms: int, stream: str | None
    ) -> dict[str, Any]:
        # AWS always interleaves streams by time since 2019 and ignores the flag; emulators do not.
        window = {"startTime": start_ms, "endTime": end_ms, "interleaved": True}
        streams = {} if stream is None else {"logStreamNames": [stream]}
        if self._identity.linked_accounts:  # a name would mean the monitoring account's own group
            return {"logGroupIdentifier": group.arn, **window, **streams}
        return {"logGroupName": group.name, **window, **streams}

    def _follow(self, request: dict[str, Any], group: GroupId) -> Iterator[Page]:
        """Pages until the token is absent: an empty page with a token is not the end."""
        used: deque[str] = deque(maxlen=_TOKENS_KEPT)
        last_ms = request["startTime"]
        while True:
            answer = self._filter(request, group)
            page = _page(answer, request)
            times = [last_ms, *page.times_ms]
            if times != sorted(times):
                raise _OutOfOrder
            last_ms = times[-1]
            token = _token(answer, "FilterLogEvents", group.place)
            yield page if token is not None else replace(page, is_last=True)
            del page, answer  # not to be kept while the next one is fetched
            if token is None:
                return
            if token in used:
                raise _TokenUnusable
            used.append(token)
            request["nextToken"] = token

    def _filter(self, request: Answer, group: GroupId) -> Answer:
        try:
            return self._call("FilterLogEvents", request, "events", group.place)
        except ServiceFailure as error:
            if "nextToken" in request and "InvalidParameterException" in error.what:
                raise _TokenUnusable from error
            raise

    def _find(
        self, selector: GroupSelector, failures: list[CloudHsmError], is_over: Callable[[], bool]
    ) -> Iterator[FoundGroup]:
        """The groups of an entry; rows that cannot be read are added to `failures`."""
        place = Place(region=self._region, group=selector.name)
        is_empty, failed = True, len(failures)
        try:
            for item in self._described(selector.name, place, is_over):
                try:
                    group = _group(item, place)
                except ServiceFailure as error:
                    failures.append(error)
                    continue
                if selector.matches(group.id.name):
                    is_empty = False
                    yield group
        except AccessDenied:
            if selector.is_prefix:
                raise
            yield FoundGroup(self._assumed(selector.name))
            return
        if is_empty and len(failures) == failed:
            what = "begins with the prefix" if selector.is_prefix else "has the name"
            raise GroupNotFound(
                f"No log group {what} {selector.name}",
                place=place,
                next_step="Check aws_region, log_groups (a prefix ends in / or *) and which "
                "account the credentials belong to; a cluster's group appears with its first "
                "record",
            )

    def _described(
        self, prefix: str, place: Place, is_over: Callable[[], bool]
    ) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {"logGroupNamePrefix": prefix}
        if self._identity.linked_accounts:  # asked in a monitoring account
            request["includeLinkedAccounts"] = True
            request["accountIdentifiers"] = [*self._identity.linked_accounts]
        used: set[str] = set()
        while True:
            answer = self._call("DescribeLogGroups", request, "logGroups", place)
            yield from answer["logGroups"]
            token = _token(answer, "DescribeLogGroups", place)
            if token is None:
                return
            if token in used:
                raise ServiceFailure(
                    "logs:DescribeLogGroups repeats a page", place=place, next_step=NEXT_RUN
                )
            if is_over():
                raise ServiceFailure(
                    "logs:DescribeLogGroups did not come to its end in the time of this run",
                    place=place,
                    next_step="Narrow log_groups, or raise the interval; the log groups that are "
                    "known are collected",
                )
            used.add(token)
            request["nextToken"] = token

    def _assumed(self, name: str) -> GroupId:
        """A group named exactly needs no permission to list groups; STS returns the account."""
        with self._explained("finding the partition", Place(region=self._region, group=name)):
            partition = str(self._clients.session.get_partition_for_region(self._region))
        return GroupId(partition, self._clients.account_id(), self._region, name)


def _token(answer: Answer, operation: str, place: Place) -> str | None:
    """The token of the next page; None at the end. An empty one is neither."""
    token = answer.get("nextToken")
    if token is None or (isinstance(token, str) and token):
        return token
    raise ServiceFailure(
        f"logs:{operation} returned a page token that is none: {token!r}"[:200],
        place=place,
        next_step=NEXT_RUN,
    )


def _page(answer: Answer, request: Answer) -> Page:
    """The events of a response; one outside of the window that was asked for is unreadable."""
    page = Page.of(answer["events"])
    start_ms, end_ms = request["startTime"], request["endTime"]
    unreadable = [*answer.get("unreadable", ())]
    if page and not start_ms <= min(page.times_ms) <= max(page.times_ms) <= end_ms:
        are_inside = [start_ms <= at_ms <= end_ms for at_ms in page.times_ms]
        unreadable += map(_outside, page.only([not is_inside for is_inside in are_inside]).events)
        page = page.only(are_inside)
    return replace(page, unreadable=unreadable) if unreadable else page


def _outside(event: LogEvent) -> Unreadable:
    content = json.dumps(event._asdict()).encode()
    digest = hashlib.sha256(content).hexdigest()
    return Unreadable(f"unreadable-{digest}", event.stream, event.timestamp_ms, content)


def _group(item: Mapping[str, Any], place: Place) -> FoundGroup:
    try:
        _, partition, _, region, account, _ = item["arn"].split(":", 5)
        item["arn"].encode(), item["logGroupName"].encode()  # raises ValueError where it cannot
        days = item.get("retentionInDays")
        return FoundGroup(
            GroupId(partition, account, region, item["logGroupName"]),
            None if days is None else int(days) * _DAY_MS,
            _protection(item),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServiceFailure(
            f"logs:DescribeLogGroups gave a group without a complete ARN: {error!r}",
            place=place,
            next_step=NEXT_RUN,
        ) from error


def _protection(item: Mapping[str, Any]) -> Protection:
    key, is_protected = item.get("kmsKeyId"), item.get("deletionProtectionEnabled")
    policy = item.get("dataProtectionStatus")
    return Protection(
        key if isinstance(key, str) else None,
        is_protected if isinstance(is_protected, bool) else None,
        None if policy is None else policy == "ACTIVATED",
    )
