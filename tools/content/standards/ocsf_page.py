"""Renders `docs/ocsf.md`: where each operation belongs in OCSF, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tools.content.fields import Dictionary
from tools.content.mappings import OUTCOMES, Ocsf
from tools.content.markdown import table_text
from tools.content.standards.ocsf import FALLBACK, OTHER, OcsfMapping

_HEAD = """\
<!-- Generated from operations.yaml, ocsf.yaml, fields.yaml: make generate -->

# OCSF: where each operation belongs

The Open Cybersecurity Schema Framework, version {version}, has no class for the management of keys.
This is our proposal for one out of what it has: one entry for each operation and outcome, with the
reason. Whoever maps another HSM or key store is welcome to it.

Version {version} is the newest that a released package for Python carries whole, so that tests can
hold every event against the published schema: each record of the golden files, each damaged one,
and each operation with each outcome. Facts used: `mappings/standards/ocsf-{version}.yaml`. OCSF
1.9.0 adds User Management beside Account Change, and nothing for keys.

- **Classes**: {classes}.
  API Activity would fit what a client asks of an HSM, but requires the endpoint of the caller, and
  a record names none. User Access Management would fit sharing, but requires the privileges.
- **Nobody**: Authentication and Account Change require a user. A record that names none, by its
  layout or by damage, becomes a {fallback} of the activity {other}, whose name stays; it is never
  given an invented user.
- **Who** acts is `actor.user`, in every class; in Authentication that is `user` too. In user
  management `user` is the account that is changed, and a record of the older generation does not
  name who changes it.
- **Profiles**: `cloud` and `host`; `device` is the HSM, `api.service.uid` the cluster.
- **Count**: every HSM of a cluster records each login.

## Operations

Status: {statuses}. Severity: of a success, a failure and an unknown outcome.

"""
_SEVERITY = """
## Severity

OCSF's severity is the risk of the operation (column `risk` of the lookup `cloudhsm_opcodes`), moved
by the outcome, never below {lowest} or above {highest}:

"""
_PLACES = """
## Where each field goes

By the names of [fields.md](fields.md). In a record of user management that names one user only,
that one is `user`. A place below `entity` exists in Entity Management only, and `user` for a target
in Account Change only; elsewhere the field is in `unmapped`.

"""
_UNMAPPED = """
## What has no place

OCSF has nothing for these, so they are in `unmapped`, under our names:
{names}.

A line that a record has twice (`ambiguous`) gives its first value to the place, and all values to
`unmapped`. So do a sequence number above 2^53 and a word for MFA that nobody published. A record
without a time has the time 0. Left out are the fields of Splunk and of its Common Information
Model, which say again what stands elsewhere, labels, and what the customer's own tables give.

## Example

A login that failed:

"""


def page(mapping: OcsfMapping, dictionary: Dictionary, example: dict[str, Any]) -> str:
    """The page's text; `example` is a record's event."""
    settings, facts = mapping.settings, mapping.facts
    captions = [item.caption for name, item in facts.classes.items() if name != "api_activity"]
    statuses = [f"{name} is {rule.status}" for name, rule in settings.outcomes.items()]
    levels = list(settings.severities.values())
    parts = [
        _HEAD.format(
            version=facts.version,
            classes=", ".join(captions),
            fallback=facts.classes[FALLBACK].caption,
            other=OTHER,
            statuses=", ".join(statuses),
        ),
        table_text(_OPERATION_COLUMNS, _operations(mapping)) + "\n",
        _SEVERITY.format(lowest=levels[0], highest=levels[-1]),
        table_text(("outcome", "steps", "why"), _steps(mapping)) + "\n",
        _PLACES,
        table_text(("field", "OCSF"), _fields(dictionary)) + "\n",
        _UNMAPPED.format(names=", ".join(f"`{name}`" for name in settings.unmapped)),
        f"```json\n{json.dumps(example, indent=2)}\n```\n",
    ]
    return "".join(parts)


_OPERATION_COLUMNS = ("opcode", "class", "activity", "severity", "user", "entity", "why")
_PEOPLE = {
    "subject": "`user` and `actor`: who acts",
    "account": "`user`: the account; `actor`: who acts",
    "actor": "`actor`: who acts",
}


def _operations(mapping: OcsfMapping) -> Iterator[Sequence[str]]:
    for operation in mapping.operations:
        ocsf = operation.ocsf
        event_class = mapping.facts.classes[ocsf.event_class]
        numbers = {name: number for number, name in event_class.activities.items()}
        severities = [mapping.severity(operation, outcome) for outcome in OUTCOMES]
        yield [
            f"`{operation.name}`",
            f"{event_class.caption} {event_class.uid}",
            f"{_activity(ocsf)} {numbers[ocsf.activity]}",
            severities[0] if len(set(severities)) == 1 else ", ".join(severities),
            _PEOPLE[ocsf.people],
            _entity(mapping, ocsf),
            ocsf.reason,
        ]


def _activity(ocsf: Ocsf) -> str:
    if ocsf.activity != OTHER:
        return ocsf.activity
    return f"{OTHER}: {ocsf.named or 'the opcode'}"


def _entity(mapping: OcsfMapping, ocsf: Ocsf) -> str:
    if ocsf.entity is None:
        return ""
    entity = mapping.settings.entities[ocsf.entity]
    return f"{entity.named}, by `{entity.uid}`" if entity.uid else entity.named


def _steps(mapping: OcsfMapping) -> Iterator[Sequence[str]]:
    for outcome, rule in mapping.settings.outcomes.items():
        yield outcome, f"{rule.severity_step:+d}" if rule.severity_step else "0", rule.reason
    for operation in mapping.operations:
        ocsf = operation.ocsf
        for outcome, step in ocsf.severity_step.items():
            yield f"{outcome} of `{operation.name}`", f"{step:+d}" if step else "0", ocsf.reason


def _fields(dictionary: Dictionary) -> Iterator[Sequence[str]]:
    for field in dictionary.fields:
        if field.ocsf and not field.ocsf.startswith("unmapped"):
            yield f"`{field.name}`", f"`{field.ocsf}`"
