"""Renders `docs/ecs.md`: where each operation belongs in ECS, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.content.fields import Dictionary, read_dictionary
from tools.content.standards.ecs import Mapping, read_mapping, severities
from tools.content.standards.ecs_facts import CUSTOM
from tools.content.standards.operations import OUTCOMES, table

_HEAD = """\
<!-- Generated from mappings/ecs.yaml, ocsf.yaml, fields.yaml and standards/: make generate -->

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


def page(folder: Path, example: dict[str, Any]) -> str:
    """The page's text; `example` is a record's document. Raises as `read_mapping` does."""
    mapping, facts = read_mapping(folder)
    graded = severities(folder)
    parts = [
        _HEAD.format(version=facts.version),
        *_lines(_COLUMNS, _operations(mapping, graded)),
        _PLACES,
        *_lines(("field", "ECS"), _fields(read_dictionary(folder))),
        _CUSTOM.format(namespace=CUSTOM, names=", ".join(f"`{name}`" for name in mapping.custom)),
        f"```json\n{json.dumps(example, indent=2)}\n```\n",
    ]
    return "".join(parts)


def _lines(columns: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    return (f"{line}\n" for line in table(columns, rows))


def _operations(mapping: Mapping, graded: dict[str, dict[str, int]]) -> Iterator[Sequence[str]]:
    for one in mapping.operations:
        numbers = [str(graded[one.opcode][outcome]) for outcome in OUTCOMES]
        yield [
            f"`{one.opcode}`",
            ", ".join(one.category),
            ", ".join(one.type),
            numbers[0] if len(set(numbers)) == 1 else ", ".join(numbers),
            _PEOPLE[one.people],
            one.reason,
        ]


def _fields(dictionary: Dictionary) -> Iterator[Sequence[str]]:
    for field in dictionary.fields:
        if field.ecs:
            yield f"`{field.name}`", f"`{field.ecs}`"
