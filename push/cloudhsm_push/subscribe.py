"""A subscription filter on every log group of CloudHSM, old and new, and on no other.

Called by CloudFormation (stack made, changed, removed), by EventBridge when CloudTrail logs a new
log group or a change of a subscription filter, and every hour by a schedule. A filter that was
removed or changed is restored, with a line that names since when records were not sent.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from cloudhsm_push import stack
from cloudhsm_push.cloudwatch import CloudWatchLogs, Filter, LogGroup, RefusedCall, Subscriptions
from cloudhsm_push.routing import ALL
from cloudhsm_push.structured_log import log

# Source: Amazon CloudWatch Logs User Guide, quotas: two subscription filters per log group.
_MOST_FILTERS = 2
_GONE = "ResourceNotFoundException"
_CHANGES_FILTERS = ("DeleteSubscriptionFilter", "PutSubscriptionFilter")
_BETWEEN_CHECKS_S = 3_600  # the template's schedule
_NEXT_STEP = {
    "AccessDeniedException": "Check whether a permissions boundary or an organization's policy "
    "denies this call to the role of this function",
    "LimitExceededException": "Remove a subscription filter of the log group that is not needed",
    "InvalidParameterException": "Check that the stream and the role of the stack still exist; "
    "updating the stack creates them again",
}


class SubscriptionFaults(Exception):
    """Log groups that are not sent to Splunk; each with the cause and the next step."""


class Scope(NamedTuple):
    """prefix: of the names of the groups to subscribe. excluded: groups not to subscribe."""

    prefix: str
    excluded: frozenset[str]
    filter: Filter

    def covers(self, group: str) -> bool:
        """Whether the group is to be sent to Splunk."""
        return (
            group.startswith(ALL) and group.startswith(self.prefix) and group not in self.excluded
        )


class Coverage(NamedTuple):
    """groups: sent to Splunk; faults: the reasons why others are not."""

    groups: list[str]
    faults: list[str]


class Change(NamedTuple):
    """A call that CloudTrail logged. at: when, as ISO 8601; by: the ARN of the caller."""

    group: str
    name: str = ""
    at: str = ""
    by: str = ""


class Check(NamedTuple):
    """What a run of the function knows of the time before.

    change: the call that started it; None for the schedule and for CloudFormation. now_s: since
    1970. is_first: the stack is being created or updated, so that filters may be missing.
    """

    now_s: float
    change: Change | None = None
    is_first: bool = False

    def missing_since(self, group: LogGroup) -> str:
        """Since when a filter of the group is missing that existed; empty for a new group."""
        if self.change is not None:
            return self.change.at if self.change.name in _CHANGES_FILTERS else ""
        last_check_s = self.now_s - _BETWEEN_CHECKS_S
        if self.is_first or group.created_ms / 1000 > last_check_s - _BETWEEN_CHECKS_S:
            return ""
        return datetime.fromtimestamp(last_check_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def handler(event: dict[str, Any], _context: object = None) -> dict[str, object]:
    """The Lambda handler. Raises SubscriptionFaults, except for CloudFormation."""
    import boto3

    logs = CloudWatchLogs(boto3.client("logs"))
    return handled(event, logs, scope_from(os.environ), time.time())


def handled(
    event: dict[str, Any], logs: Subscriptions, scope: Scope, now_s: float
) -> dict[str, object]:
    """As `handler`, on any CloudWatch Logs. now_s: seconds since 1970."""
    if "ResponseURL" in event:
        check = Check(now_s, is_first=True)
        return stack.respond(event, lambda: _for_stack(event, logs, scope, check))
    check = Check(now_s, _change(event))
    coverage = subscribed(logs, scope, check)
    if coverage.faults:
        raise SubscriptionFaults("\n".join(coverage.faults))
    return {"groups": coverage.groups}


def scope_from(environment: Mapping[str, str]) -> Scope:
    """The scope from the environment variables that the template sets."""
    subscription = Filter(
        environment["FILTER_NAME"], environment["DESTINATION_ARN"], environment["ROLE_ARN"]
    )
    excluded = frozenset(environment["EXCLUDED_LOG_GROUPS"].split(",")) - {""}
    return Scope(environment["LOG_GROUP_PREFIX"], excluded, subscription)


def subscribed(logs: Subscriptions, scope: Scope, check: Check) -> Coverage:
    """Add missing subscriptions and remove those outside the scope.

    After a change of one group, only of that group. A group that fails does not affect the others.
    """
    coverage = Coverage([], [])
    try:
        for group in _groups(logs, scope, check.change):
            _guarded(logs, scope, group, check, coverage)
    except RefusedCall as error:
        coverage.faults.append(_fault("the list of log groups", error))
    for fault in coverage.faults:
        log("not_subscribed", fault)
    return coverage


def _for_stack(
    event: dict[str, Any], logs: Subscriptions, scope: Scope, check: Check
) -> tuple[list[str], str]:
    """The groups that are sent to Splunk, and the reasons why others are not.

    A group that fails does not fail the stack, which would roll back its other changes: the
    hourly run tries again and raises the alarm. Only filters that a removed stack would leave do.
    """
    if event["RequestType"] != "Delete":
        coverage = subscribed(logs, scope, check)
        return coverage.groups, "; ".join(coverage.faults)
    none = scope._replace(prefix="no group has this prefix")
    if faults := subscribed(logs, none, check).faults:
        raise SubscriptionFaults(
            f"{'; '.join(faults)}. Delete the stack again, or with --retain-resources "
            "Subscriptions, and remove the subscription filters manually"
        )
    return [], ""


def _change(event: dict[str, Any]) -> Change | None:
    """The call of CloudTrail's event; None for a run of the schedule."""
    detail = event.get("detail") or {}
    group = (detail.get("requestParameters") or {}).get("logGroupName")
    if group is None:
        return None
    by = (detail.get("userIdentity") or {}).get("arn", "unknown")
    return Change(
        str(group), str(detail.get("eventName", "")), str(detail.get("eventTime", "")), str(by)
    )


def _groups(logs: Subscriptions, scope: Scope, change: Change | None) -> Iterator[LogGroup]:
    if change is None:
        yield from logs.groups(ALL)
    elif scope.covers(change.group):
        yield LogGroup(change.group, 0)


def _guarded(
    logs: Subscriptions, scope: Scope, group: LogGroup, check: Check, coverage: Coverage
) -> None:
    try:
        if scope.covers(group.name):
            _subscribe(logs, scope, group, check, coverage)
        else:
            _unsubscribe(logs, scope, group.name)
    except RefusedCall as error:
        if error.code != _GONE:  # deleted since it was listed
            coverage.faults.append(_fault(group.name, error))


def _subscribe(
    logs: Subscriptions, scope: Scope, group: LogGroup, check: Check, coverage: Coverage
) -> None:
    present = logs.filters(group.name)
    if fault := _conflict(group.name, present, scope.filter):
        coverage.faults.append(fault)
        return
    if scope.filter not in present:
        logs.put(group.name, scope.filter)
        _log_subscribed(group, check)
    coverage.groups.append(group.name)


def _log_subscribed(group: LogGroup, check: Check) -> None:
    since = check.missing_since(group)
    if not since:
        log("subscribed", f"{group.name} is now sent to Splunk", log_group=group.name)
        return
    by = check.change.by if check.change else "unknown; see CloudTrail"
    log(
        "subscription_restored",
        f"{group.name}: the subscription filter was removed or changed, and is restored. Records "
        f"since {since} were not sent to Splunk",
        log_group=group.name,
        not_sent_since=since,
        changed_by=by,
        next_step=f"Have an input collect the log group with start_time = {since}; docs/push.md",
    )


def _conflict(group: str, present: list[Filter], ours: Filter) -> str | None:
    alike = [other for other in present if other.name == ours.name]
    if alike and not _is_ours(alike[0], ours):
        return (
            f"{group}: already has a subscription filter {ours.name} with the destination "
            f"{alike[0].destination}. Rename that filter or the stack"
        )
    if alike:
        return None
    twins = [other.name for other in present if other.destination == ours.destination]
    if twins:
        return (
            f"{group}: the subscription filter {twins[0]} already sends it to this stream, so "
            "records would be duplicated. Delete that filter; the next run subscribes the group"
        )
    if len(present) >= _MOST_FILTERS:
        names = " and ".join(other.name for other in present)
        return (
            f"{group}: already has the subscription filters {names}, and AWS allows "
            f"{_MOST_FILTERS}. Delete one, or name the group in ExcludeLogGroups and collect it "
            "with the add-on's input"
        )
    return None


def _is_ours(other: Filter, ours: Filter) -> bool:
    """Whether a filter is ours: of a stack of the same name, perhaps an earlier one."""
    return other.destination.rpartition(":")[2] == ours.destination.rpartition(":")[2]


def _unsubscribe(logs: Subscriptions, scope: Scope, group: str) -> None:
    ours = scope.filter
    if any(other.name == ours.name and _is_ours(other, ours) for other in logs.filters(group)):
        logs.delete(group, ours.name)
        log("unsubscribed", f"{group} is no longer sent to Splunk", log_group=group)


def _fault(where: str, error: RefusedCall) -> str:
    step = _NEXT_STEP.get(error.code, "The schedule tries again every hour")
    return f"{where}: {error.code}: {error}. {step}"
