"""A record's fields as a document of the Elastic Common Schema (ECS).

Pure: fields in, document out. What depends on operation and outcome only comes from
`ecs_rows.json`, which is made from `mappings/operations.yaml`; `docs/ecs.md` shows both, with the
reasons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cloudhsm.siem.json_values import instant
from cloudhsm.siem.record_fields import KNOWN_ORIGINS, Person, first_values, people, put_identity

_OBSERVER = {"vendor": "AWS", "product": "CloudHSM", "type": "hsm"}
_DATASETS = {True: "cloudhsm.certificate", False: "cloudhsm.audit"}


class _Row(NamedTuple):
    """An operation: what starts `event` by outcome, and whether it is about an account."""

    starts: Mapping[str, Mapping[str, Any]]
    about_account: bool


class Tables(NamedTuple):
    """What `ecs_rows.json` has; `custom`: the fields that ECS has no place for."""

    rows: Mapping[str, _Row]
    version: Mapping[str, str]
    namespace: str
    custom: tuple[str, ...]


def tables(rows: Mapping[str, Any]) -> Tables:
    """The tables from the JSON of `ecs_rows.json`."""
    operations = {
        opcode: _Row(
            {outcome: _start(row, outcome, severity) for outcome, severity in graded.items()},
            row["people"] == "account",
        )
        for opcode, row in rows["operations"].items()
        for graded in (row["severity"],)
    }
    version = {"version": rows["version"]}
    return Tables(operations, version, rows["namespace"], tuple(rows["custom"]))


def _start(row: Mapping[str, Any], outcome: str, severity: int) -> dict[str, Any]:
    start: dict[str, Any] = {"kind": "event"}
    if row["category"]:
        start["category"], start["type"] = row["category"], row["type"]
    return {**start, "outcome": outcome, "severity": severity, "module": "cloudhsm"}


TABLES = tables(json.loads(Path(__file__).with_name("ecs_rows.json").read_text(encoding="utf-8")))


def event(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a record with these fields, ready for JSON; do not change its objects.

    `fields`: as a Splunk search sees them, by the names of `docs/fields.md`: text, or a list of
    texts; `_time` in microseconds since 1970 as an int; what the record lacks is absent. Every
    record gives a valid document, a damaged one as well. Of a field that has several values where
    there should be one, the first has its place, and `cloudhsm` has them all. A record without a
    time gives no `@timestamp`: what stores the document adds one.
    """
    return event_by(TABLES, fields)


def event_by(tables: Tables, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same by other tables than the shipped ones."""
    first, repeated = first_values(fields, _PLACED)
    get = first.get
    opcode = get("opcode")
    key = get("opcode_key") or opcode or "(none)"
    row = tables.rows.get(key) or tables.rows["*"]
    custom: dict[str, Any] = {name: fields[name] for name in tables.custom if name in first}
    custom.update(repeated)
    made: dict[str, Any] = {}
    usecs = get("_time")
    time = instant(usecs) if isinstance(usecs, int) else None
    if time is not None:
        made["@timestamp"] = time
    made["ecs"] = tables.version
    if "description" in first:
        made["message"] = first["description"]
    made["event"] = _event(row, first, custom)
    _put_place(made, get("aws_account_id"), get("aws_region"), get("cluster_id"), get("hsm_id"))
    _put_people(made, row.about_account, first)
    if custom:
        made[tables.namespace] = custom
    return made


# Fields with a place of their own outside of `cloudhsm`.
_PLACED = frozenset(
    (
        "aws_account_id",
        "aws_region",
        "cluster_id",
        "description",
        "hsm_id",
        "opcode",
        "record_key",
        "response",
        "sequence_no",
        "target_user_id",
        "target_user_name",
        "target_user_type",
        "user_id",
        "user_name",
        "user_type",
    )
)


def _event(row: _Row, first: Mapping[str, Any], custom: dict[str, Any]) -> dict[str, Any]:
    made = {**row.starts.get(first.get("outcome", ""), row.starts["unknown"])}
    made["dataset"] = _DATASETS[first.get("sourcetype") == "aws:cloudhsm:certificate"]
    for name, attribute in _TEXTS:
        if name in first:
            made[attribute] = first[name]
    put_identity(made, "id", first, custom)
    return made


_TEXTS = (
    ("opcode", "action"),
    ("response", "reason"),
    ("_raw", "original"),
)


def _put_place(
    made: dict[str, Any],
    account: str | None,
    region: str | None,
    cluster: str | None,
    hsm: str | None,
) -> None:
    made["cloud"] = _cloud(account, region)
    made["observer"] = _OBSERVER
    made["service"] = _service(cluster, hsm)
    if hsm is not None:
        made["host"] = _host(hsm)


@lru_cache(KNOWN_ORIGINS)
def _cloud(account: str | None, region: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"provider": "aws"}
    if account is not None:
        made["account"] = {"id": account}
    if region is not None:
        made["region"] = region
    return made


@lru_cache(KNOWN_ORIGINS)
def _service(cluster: str | None, hsm: str | None) -> dict[str, Any]:
    """ECS: a service of many nodes has one id; so the cluster is the service, an HSM a node."""
    made: dict[str, Any] = {"name": "AWS CloudHSM", "type": "cloudhsm"}
    if cluster is not None:
        made["id"] = cluster
    if hsm is not None:
        made["node"] = {"name": hsm}
    return made


@lru_cache(KNOWN_ORIGINS)
def _host(hsm: str) -> dict[str, str]:
    return {"id": hsm, "name": hsm, "type": "hsm"}


def _put_people(made: dict[str, Any], about_account: bool, first: Mapping[str, Any]) -> None:
    """Who acts, and who is acted upon, where the record names them."""
    acts, target = people(first, about_account)
    user, account = _user(acts), _user(target)
    if account:
        user["target"] = account
    if user:
        made["user"] = user
    names = (first.get("user_name"), first.get("target_user_name"))
    related: dict[str, list[str]] = {}
    if known := [*dict.fromkeys(name for name in names if name is not None)]:
        related["user"] = known
    if "host" in made:
        related["hosts"] = [made["host"]["id"]]
    if related:
        made["related"] = related


def _user(person: Person) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if person.name is not None:
        made["name"] = person.name
    if person.uid is not None:
        made["id"] = person.uid
    if person.kind is not None:
        made["roles"] = [person.kind]
    return made
