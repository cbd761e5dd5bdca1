"""Renders `docs/ecs.md`: where each operation belongs in ECS, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tools.content.fields import Dictionary
from tools.content.mappings import OUTCOMES
from tools.content.markdown import table_text
from tools.content.standards import ocsf
from tools.content.standards.ecs import EcsMapping
from tools.content.standards.ecs_facts import CUSTOM

_HEAD = """\
<!-- Generated from operations.yaml, ecs.yaml, ocsf.yaml, fields.yaml: make generate -->

# ECS: where each operation belongs

The Elastic Common Schema, version {version}, has no category for the management of keys. This is
our proposal: keys and certificates are `configuration`, users and quorum `iam`, the HSM itself
`host`. Tests hold every document against the published categories, types and fields
(`mappings/standards/ecs-{version}.yaml`): each record of the golden files, each damaged one, and
each operation with each outcome.

- **Who**: `user` acts. In user management `user.target` is the account that is changed, and `user`
  who changes it, as far as the record knows: one of the older generation does not.
- **Where**: the cluster is the service (`service.id`), the HSM a node of it (`service.node.name`)
  and the host (`host.id`).
- **`event.action`** is the operation as recorded, `event.outcome` our outcome.
- **`event.severity`** runs from 1 to 5, the risk moved by the outcome, as in [ocsf.md](ocsf.md).
- **Count**: every HSM of a cluster records each login.

## Operations

Severity: of a success, a failure and an unknown outcome.

"""
_PLACES = """
## Where each field goes

By the names of [fields.md](fields.md). In a record of user management that names one user only,
that one is `user.target`.

"""
_CUSTOM = """
## What has no place

ECS has nothing for these, so they are in `{namespace}`, under our names:
{names}.

A line that a record has twice (`ambiguous`) gives its first value to the place, and all values to
`{namespace}`. So does a sequence number above 2^53. Left out are the fields of Splunk and of its
Common Information Model, which say again what stands elsewhere, labels, and what the customer's own
tables give. A record without a time has no `@timestamp`; what stores it adds one.

Map `{namespace}.*` as `keyword`, so that handles above 2^53 stay whole, and `event.original` as not
indexed, as ECS says.

## Example

A login that failed:

"""
_COLUMNS = ("opcode", "category", "type", "severity", "user", "why")
_PEOPLE = {"account": "`user.target`: the account; `user`: who acts", "actor": "`user`: who acts"}


def page(
    mapping: EcsMapping,
    severities: ocsf.OcsfMapping,
    dictionary: Dictionary,
    example: dict[str, Any],
) -> str:
    """The page's text; `example` is a record's document."""
    custom = mapping.settings.custom
    parts = [
        _HEAD.format(version=mapping.facts.version),
        table_text(_COLUMNS, _operations(mapping, severities)) + "\n",
        _PLACES,
        table_text(("field", "ECS"), _fields(dictionary)) + "\n",
        _CUSTOM.format(namespace=CUSTOM, names=", ".join(f"`{name}`" for name in custom)),
        f"```json\n{json.dumps(example, indent=2)}\n```\n",
    ]
    return "".join(parts)


def _operations(mapping: EcsMapping, severities: ocsf.OcsfMapping) -> Iterator[Sequence[str]]:
    for operation in mapping.operations:
        ecs = operation.ecs
        numbers = [str(severities.severity_id(operation, outcome)) for outcome in OUTCOMES]
        yield [
            f"`{operation.name}`",
            ", ".join(ecs.category),
            ", ".join(ecs.type),
            numbers[0] if len(set(numbers)) == 1 else ", ".join(numbers),
            _PEOPLE[ecs.people],
            ecs.reason,
        ]


def _fields(dictionary: Dictionary) -> Iterator[Sequence[str]]:
    for field in dictionary.fields:
        if field.ecs:
            yield f"`{field.name}`", f"`{field.ecs}`"
