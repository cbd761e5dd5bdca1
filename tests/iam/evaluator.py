"""Whether IAM policies allow an action, as far as our templates use the language of policies.

Written from AWS's "Policy evaluation logic" and "IAM JSON policy elements": nothing is allowed
unless a statement allows it; an explicit deny overrides every allow; `*` stands for any characters,
colons and slashes included, `?` for one; actions ignore case, resources do not. It raises on every
element that it does not model, so that a policy which grows beyond it is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Statement = Mapping[str, Any]
_KNOWN = {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}


class NotModelled(Exception):
    """A policy says something that this evaluator does not know."""


class Call(NamedTuple):
    """One request as AWS authorizes it; a call may be checked on several resources."""

    action: str
    resources: tuple[str, ...]
    context: Mapping[str, str] = {}


def is_allowed(statements: Iterable[Statement], call: Call) -> bool:
    """Whether every resource of the call is allowed by one of the statements, and none denied."""
    known = [*statements]
    return all(_decide(known, call, resource) for resource in call.resources)


def deciding(statements: Iterable[Statement], call: Call) -> list[Statement]:
    """The statements that speak of a call."""
    return [
        one
        for one in statements
        if any(_applies(one, call, resource) for resource in call.resources)
    ]


def _decide(statements: list[Statement], call: Call, resource: str) -> bool:
    effects = {one["Effect"] for one in statements if _applies(one, call, resource)}
    return "Deny" not in effects and "Allow" in effects


def _applies(statement: Statement, call: Call, resource: str) -> bool:
    if unknown := {*statement} - _KNOWN:
        raise NotModelled(f"elements {sorted(unknown)}")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise NotModelled(f"the effect {statement['Effect']!r}")
    # A trust policy has no resource: it is part of the role.
    resources = statement.get("Resource", resource if "Principal" in statement else [])
    return (
        any(_matches(one.lower(), call.action.lower()) for one in _listed(statement["Action"]))
        and any(_matches(one, resource) for one in _listed(resources))
        and _holds(statement.get("Condition", {}), call.context)
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _compared(operator, context.get(key), _listed(values))
        for operator, wanted in condition.items()
        for key, values in wanted.items()
    )


def _compared(operator: str, value: str | None, wanted: list[str]) -> bool:
    """A negated operator is true of a key that the request does not have."""
    if operator == "StringEquals":
        return value in wanted
    if operator == "StringLike":
        return value is not None and any(_matches(one, value) for one in wanted)
    if operator == "StringNotEquals":
        return value not in wanted
    if operator == "ArnNotLike":
        return value is None or not any(_matches(one, value) for one in wanted)
    raise NotModelled(f"the condition {operator}")


def _matches(pattern: str, text: str) -> bool:
    if "${" in pattern:
        raise NotModelled(f"the policy variable in {pattern!r}")
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _listed(value: Any) -> list[str]:  # noqa: ANN401  (JSON: one or many)
    return [*value] if isinstance(value, list) else [value]
