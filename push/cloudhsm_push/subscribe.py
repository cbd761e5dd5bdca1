"""A subscription filter on every log group of CloudHSM, old and new, and on no other.

Called by CloudFormation (stack made, changed, removed), by CloudTrail's CreateLogGroup through
EventBridge, and every hour by a schedule, which also restores changed filters.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudhsm_push import stack
from cloudhsm_push.cloudwatch import CloudWatchLogs, Filter, RefusedCall, Subscriptions
from cloudhsm_push.structured_log import log

# AWS's prefix of CloudHSM's log groups; no other may go into the stream, which has a log too.
ALL = "/aws/cloudhsm/"
# Source: Amazon CloudWatch Logs User Guide, quotas: two subscription filters per log group.
_MOST_FILTERS = 2
_GONE = "ResourceNotFoundException"
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


def handler(event: dict[str, Any], _context: object = None) -> dict[str, object]:
    """The Lambda handler. Raises SubscriptionFaults, except for CloudFormation."""
    import boto3

    logs = CloudWatchLogs(boto3.client("logs"))
    return handled(event, logs, scope_from(os.environ))


def handled(event: dict[str, Any], logs: Subscriptions, scope: Scope) -> dict[str, object]:
    """As `handler`, on any CloudWatch Logs."""
    if "ResponseURL" in event:
        return stack.respond(event, lambda: _for_stack(event, logs, scope))
    created = _created(event)
    coverage = subscribed(logs, scope, None if created is None else [created])
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


def subscribed(logs: Subscriptions, scope: Scope, only: list[str] | None = None) -> Coverage:
    """Add missing subscriptions and remove those outside the scope; `only`: of these groups.

    A group that fails does not affect the others.
    """
    coverage = Coverage([], [])
    try:
        for group in logs.groups(ALL) if only is None else _covered(only, scope):
            change = _subscribe if scope.covers(group) else _unsubscribe
            _guarded(change, logs, scope, group, coverage)
    except RefusedCall as error:
        coverage.faults.append(_fault("the list of log groups", error))
    for fault in coverage.faults:
        log("not_subscribed", fault)
    return coverage


def unsubscribed(logs: Subscriptions, scope: Scope) -> Coverage:
    """Remove our filters and no others."""
    return subscribed(logs, scope._replace(prefix="no group has this prefix"))


def _for_stack(event: dict[str, Any], logs: Subscriptions, scope: Scope) -> tuple[list[str], str]:
    """The groups that are sent to Splunk, and the reasons why others are not.

    A group that fails does not fail the stack, which would roll back its other changes: the
    hourly run tries again and raises the alarm. Only filters that a removed stack would leave do.
    """
    if event["RequestType"] != "Delete":
        coverage = subscribed(logs, scope)
        return coverage.groups, "; ".join(coverage.faults)
    if faults := unsubscribed(logs, scope).faults:
        raise SubscriptionFaults(
            f"{'; '.join(faults)}. Delete the stack again, or with --retain-resources "
            "Subscriptions, and remove the subscription filters manually"
        )
    return [], ""


def _created(event: dict[str, Any]) -> str | None:
    """The new log group of CloudTrail's event; None for a run of the schedule."""
    detail = event.get("detail") or {}
    return (detail.get("requestParameters") or {}).get("logGroupName")


def _covered(groups: list[str], scope: Scope) -> Iterator[str]:
    return (group for group in groups if scope.covers(group))


def _guarded(
    change: Any,  # noqa: ANN401  (_subscribe or _unsubscribe)
    logs: Subscriptions,
    scope: Scope,
    group: str,
    coverage: Coverage,
) -> None:
    try:
        change(logs, scope, group, coverage)
    except RefusedCall as error:
        if error.code != _GONE:  # deleted since it was listed
            coverage.faults.append(_fault(group, error))


def _subscribe(logs: Subscriptions, scope: Scope, group: str, coverage: Coverage) -> None:
    present = logs.filters(group)
    if fault := _conflict(group, present, scope.filter):
        coverage.faults.append(fault)
        return
    if scope.filter not in present:
        logs.put(group, scope.filter)
        log("subscribed", f"{group} is now sent to Splunk", log_group=group)
    coverage.groups.append(group)


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


def _unsubscribe(logs: Subscriptions, scope: Scope, group: str, _coverage: Coverage) -> None:
    ours = scope.filter
    if any(other.name == ours.name and _is_ours(other, ours) for other in logs.filters(group)):
        logs.delete(group, ours.name)
        log("unsubscribed", f"{group} is no longer sent to Splunk", log_group=group)


def _fault(where: str, error: RefusedCall) -> str:
    step = _NEXT_STEP.get(error.code, "The schedule tries again every hour")
    return f"{where}: {error.code}: {error}. {step}"
