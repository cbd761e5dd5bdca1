"""A subscription filter on every log group of CloudHSM, old and new.

Called by CloudFormation (stack made, changed, removed), by CloudTrail's CreateLogGroup through
EventBridge, and every hour by a schedule, which also mends what somebody removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudhsm_push import stack
from cloudhsm_push.cloudwatch import CloudWatchLogs, Filter, Refused, Subscriptions
from cloudhsm_push.telling import tell

# Source: Amazon CloudWatch Logs User Guide, quotas: two subscription filters per log group.
_MOST_FILTERS = 2
_NEXT_STEP = {
    "AccessDeniedException": "Check whether a permissions boundary or an organization's policy "
    "denies it to the role of this function",
    "LimitExceededException": "Remove a subscription filter of the log group that is not needed",
    "InvalidParameterException": "Check that the stream and the role of the stack still exist; "
    "updating the stack makes them anew",
}


class SubscriptionFaults(Exception):
    """Log groups that do not reach Splunk; each with the cause and the next step."""


class Wanted(NamedTuple):
    """What every log group shall have. prefix: of the names of the groups."""

    prefix: str
    filter: Filter
    role: str


class Outcome(NamedTuple):
    """groups: those that are sent to Splunk; faults: why others are not."""

    groups: list[str]
    faults: list[str]


def handler(event: dict[str, Any], _context: object = None) -> dict[str, object]:
    """What Lambda calls. Raises SubscriptionFaults where nobody else could see them."""
    import boto3

    logs = CloudWatchLogs(boto3.client("logs"))
    return handled(event, logs, wanted_by(os.environ))


def handled(event: dict[str, Any], logs: Subscriptions, wanted: Wanted) -> dict[str, object]:
    """As `handler`, on any CloudWatch Logs."""
    if "ResponseURL" in event:
        return stack.told(event, lambda: _for_stack(event, logs, wanted))
    outcome = subscribed(logs, wanted, _created(event))
    if outcome.faults:
        raise SubscriptionFaults("\n".join(outcome.faults))
    return {"groups": outcome.groups}


def wanted_by(environment: Mapping[str, str]) -> Wanted:
    """What the template tells the function."""
    one = Filter(environment["FILTER_NAME"], environment["DESTINATION_ARN"])
    return Wanted(environment["LOG_GROUP_PREFIX"], one, environment["ROLE_ARN"])


def subscribed(logs: Subscriptions, wanted: Wanted, only: str | None = None) -> Outcome:
    """Subscribe what is not yet; one group that fails leaves the others alone."""
    outcome = Outcome([], [])
    try:
        for group in _groups(logs, wanted, only):
            _subscribe(logs, wanted, group, outcome)
    except Refused as error:
        outcome.faults.append(_fault("the list of log groups", error))
    for fault in outcome.faults:
        tell("not_subscribed", fault)
    return outcome


def unsubscribed(logs: Subscriptions, wanted: Wanted) -> Outcome:
    """Remove our filters and no others."""
    outcome = Outcome([], [])
    try:
        for group in logs.groups(wanted.prefix):
            _unsubscribe(logs, wanted, group, outcome)
    except Refused as error:
        outcome.faults.append(_fault("the list of log groups", error))
    return outcome


def _for_stack(event: dict[str, Any], logs: Subscriptions, wanted: Wanted) -> list[str]:
    was = event.get("OldResourceProperties", {}).get("LogGroupPrefix", wanted.prefix)
    if was != wanted.prefix:
        raise SubscriptionFaults(
            f"LogGroupPrefix of a stack cannot change, here from {was} to {wanted.prefix}: log "
            "groups would stay subscribed. Make another stack, then delete this one"
        )
    change = unsubscribed if event["RequestType"] == "Delete" else subscribed
    outcome = change(logs, wanted)
    if outcome.faults:
        raise SubscriptionFaults("; ".join(outcome.faults))
    return outcome.groups


def _created(event: dict[str, Any]) -> str | None:
    """The log group that CloudTrail says was created; None for a run of the schedule."""
    detail = event.get("detail") or {}
    return (detail.get("requestParameters") or {}).get("logGroupName")


def _groups(logs: Subscriptions, wanted: Wanted, only: str | None) -> Iterator[str]:
    if only is None:
        yield from logs.groups(wanted.prefix)
    elif only.startswith(wanted.prefix):
        yield only


def _subscribe(logs: Subscriptions, wanted: Wanted, group: str, outcome: Outcome) -> None:
    try:
        present = logs.filters(group)
        fault = _in_the_way(group, present, wanted.filter)
        if not fault and wanted.filter not in present:
            logs.put(group, wanted.filter, wanted.role)
            tell("subscribed", f"{group} is sent to Splunk from now on", log_group=group)
    except Refused as error:
        if error.code == "ResourceNotFoundException":
            return  # deleted since it was listed
        fault = _fault(group, error)
    if fault:
        outcome.faults.append(fault)
    else:
        outcome.groups.append(group)


def _in_the_way(group: str, present: list[Filter], ours: Filter) -> str | None:
    if any(one.name == ours.name for one in present):
        return None
    twins = [one.name for one in present if one.destination == ours.destination]
    if twins:
        return (
            f"{group}: the subscription filter {twins[0]} already sends it to this stream, so "
            "records would come twice. Delete that filter; the next run subscribes the group"
        )
    if len(present) >= _MOST_FILTERS:
        names = " and ".join(one.name for one in present)
        return (
            f"{group}: it has the subscription filters {names} already, and AWS allows "
            f"{_MOST_FILTERS}. Delete one, or collect this group with the add-on's input"
        )
    return None


def _unsubscribe(logs: Subscriptions, wanted: Wanted, group: str, outcome: Outcome) -> None:
    try:
        if any(one.name == wanted.filter.name for one in logs.filters(group)):
            logs.delete(group, wanted.filter.name)
            outcome.groups.append(group)
    except Refused as error:
        if error.code != "ResourceNotFoundException":
            outcome.faults.append(_fault(group, error))


def _fault(where: str, error: Refused) -> str:
    step = _NEXT_STEP.get(error.code, "Try again; the schedule does so every hour")
    return f"{where}: {error.code}: {error}. {step}"
