"""A subscription filter on every log group of CloudHSM, old and new, and on no other.

Called by CloudFormation (stack made, changed, removed), by CloudTrail's CreateLogGroup through
EventBridge, and every hour by a schedule, which also mends what somebody changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudhsm_push import stack
from cloudhsm_push.cloudwatch import CloudWatchLogs, Filter, Refused, Subscriptions
from cloudhsm_push.structured_log import tell

# AWS names the log groups of CloudHSM so; nothing else may go into the stream, which has a log too.
ALL = "/aws/cloudhsm/"
# Source: Amazon CloudWatch Logs User Guide, quotas: two subscription filters per log group.
_MOST_FILTERS = 2
_GONE = "ResourceNotFoundException"
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
    """prefix: of the names of the groups that shall have the filter. excluded: but these."""

    prefix: str
    excluded: frozenset[str]
    filter: Filter

    def covers(self, group: str) -> bool:
        """Whether the group shall be sent to Splunk."""
        return (
            group.startswith(ALL) and group.startswith(self.prefix) and group not in self.excluded
        )


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
    created = _created(event)
    outcome = subscribed(logs, wanted, None if created is None else [created])
    if outcome.faults:
        raise SubscriptionFaults("\n".join(outcome.faults))
    return {"groups": outcome.groups}


def wanted_by(environment: Mapping[str, str]) -> Wanted:
    """What the template tells the function."""
    one = Filter(
        environment["FILTER_NAME"], environment["DESTINATION_ARN"], environment["ROLE_ARN"]
    )
    excluded = frozenset(environment["EXCLUDED_LOG_GROUPS"].split(",")) - {""}
    return Wanted(environment["LOG_GROUP_PREFIX"], excluded, one)


def subscribed(logs: Subscriptions, wanted: Wanted, only: list[str] | None = None) -> Outcome:
    """Subscribe what shall be and is not, and the other way round; `only`: of these groups.

    One group that fails leaves the others alone.
    """
    outcome = Outcome([], [])
    try:
        for group in logs.groups(ALL) if only is None else _covered(only, wanted):
            change = _subscribe if wanted.covers(group) else _unsubscribe
            _guarded(change, logs, wanted, group, outcome)
    except Refused as error:
        outcome.faults.append(_fault("the list of log groups", error))
    for fault in outcome.faults:
        tell("not_subscribed", fault)
    return outcome


def unsubscribed(logs: Subscriptions, wanted: Wanted) -> Outcome:
    """Remove our filters and no others."""
    return subscribed(logs, wanted._replace(prefix="nothing begins so"))


def _for_stack(event: dict[str, Any], logs: Subscriptions, wanted: Wanted) -> tuple[list[str], str]:
    """The groups that are sent to Splunk, and why others are not.

    A group that fails fails no stack: what else it changes would be rolled back for it, and the
    hourly run tries again and raises the alarm. Only what a removed stack would leave behind does.
    """
    if event["RequestType"] != "Delete":
        outcome = subscribed(logs, wanted)
        return outcome.groups, "; ".join(outcome.faults)
    if faults := unsubscribed(logs, wanted).faults:
        raise SubscriptionFaults(
            f"{'; '.join(faults)}. Delete the stack again, or with --retain-resources "
            "Subscriptions, and remove the subscription filters by hand"
        )
    return [], ""


def _created(event: dict[str, Any]) -> str | None:
    """The log group that CloudTrail says was created; None for a run of the schedule."""
    detail = event.get("detail") or {}
    return (detail.get("requestParameters") or {}).get("logGroupName")


def _covered(groups: list[str], wanted: Wanted) -> Iterator[str]:
    return (one for one in groups if wanted.covers(one))


def _guarded(
    change: Any,  # noqa: ANN401  (_subscribe or _unsubscribe)
    logs: Subscriptions,
    wanted: Wanted,
    group: str,
    outcome: Outcome,
) -> None:
    try:
        change(logs, wanted, group, outcome)
    except Refused as error:
        if error.code != _GONE:  # deleted since it was listed
            outcome.faults.append(_fault(group, error))


def _subscribe(logs: Subscriptions, wanted: Wanted, group: str, outcome: Outcome) -> None:
    present = logs.filters(group)
    if fault := _in_the_way(group, present, wanted.filter):
        outcome.faults.append(fault)
        return
    if wanted.filter not in present:
        logs.put(group, wanted.filter)
        tell("subscribed", f"{group} is sent to Splunk from now on", log_group=group)
    outcome.groups.append(group)


def _in_the_way(group: str, present: list[Filter], ours: Filter) -> str | None:
    alike = [one for one in present if one.name == ours.name]
    if alike and not _leads_alike(alike[0], ours):
        return (
            f"{group}: it has a subscription filter {ours.name} that leads to "
            f"{alike[0].destination}. Rename it, or give the stack another name"
        )
    if alike:
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
            f"{_MOST_FILTERS}. Delete one, or name the group in ExcludeLogGroups and collect it "
            "with the add-on's input"
        )
    return None


def _leads_alike(one: Filter, ours: Filter) -> bool:
    """Whether a filter is ours: one of a stack of the same name, perhaps made before."""
    return one.destination.rpartition(":")[2] == ours.destination.rpartition(":")[2]


def _unsubscribe(logs: Subscriptions, wanted: Wanted, group: str, _outcome: Outcome) -> None:
    ours = wanted.filter
    if any(one.name == ours.name and _leads_alike(one, ours) for one in logs.filters(group)):
        logs.delete(group, ours.name)
        tell("unsubscribed", f"{group} is not sent to Splunk any more", log_group=group)


def _fault(where: str, error: Refused) -> str:
    step = _NEXT_STEP.get(error.code, "Try again; the schedule does so every hour")
    return f"{where}: {error.code}: {error}. {step}"
