"""Results of an access check as JSON, for a person who looks at them. No secret is among them."""

from __future__ import annotations

from cloudhsm.aws.log_source import FoundGroup
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.base.redaction import redacted
from cloudhsm.collect.access_check import Examination, Permission
from cloudhsm.web.rest_request import Json

_DAY_MS = 86_400_000


def document(examination: Examination) -> Json:
    """What was tried, with which result.

    `permissions`: each with `action`, `resource`, `entry`, `result` (allowed, denied, missing,
    not_tried) and `statement`, what to add to a policy. `groups`: as of `group`. `failures`: as of
    `failure`. `identity`, `network`: null where they are not known.
    """
    caller, network = examination.caller, examination.network
    return {
        "ok": not examination.failures,
        "identity": caller and caller._asdict(),
        "network": network and network._asdict(),
        "permissions": [_permission(one) for one in examination.permissions],
        "groups": [group(one) for one in examination.groups],
        "failures": [failure(one) for one in examination.failures],
    }


def group(found: FoundGroup) -> Json:
    """A log group with its cluster, how long it keeps records (days) and how it is protected."""
    days = None if found.retention_ms is None else found.retention_ms // _DAY_MS
    return {
        "name": found.id.name,
        "cluster_id": found.id.cluster_id,
        "account": found.id.account,
        "region": found.id.region,
        "retention_days": days,
        **found.protection._asdict(),
    }


def failure(error: CloudHsmError) -> Json:
    """What happened, where, and what to do next."""
    place = {name: value for name, value in vars(error.place).items() if value is not None}
    return {
        "kind": type(error).__name__,
        "what": redacted(error.what),
        "where": place,
        "next_step": redacted(error.next_step),
    }


def _permission(one: Permission) -> Json:
    statement = one.statement and {"Effect": "Allow", **one.statement}
    return {**one._asdict(), "statement": statement}
