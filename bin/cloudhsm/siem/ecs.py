"""A record's fields as a document of the Elastic Common Schema (ECS).

Pure: fields in, document out. What depends on operation and outcome only comes from
`ecs_rows.json`, which is made from `mappings/ecs.yaml`; `docs/ecs.md` shows both, with the reasons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cloudhsm.siem.json_values import instant, number

_OBSERVER = {"vendor": "AWS", "product": "CloudHSM", "type": "hsm"}
_DATASETS = {True: "cloudhsm.certificate", False: "cloudhsm.audit"}
_KNOWN_PLACES = 1024  # clusters and HSMs whose objects are kept


class _Row(NamedTuple):
    """An operation: what starts `event` by outcome, and whether it is about an account."""

    starts: Mapping[str, Mapping[str, Any]]
    about_account: bool


class Tables(NamedTuple):
    """What `ecs_rows.json` tells; `custom`: the fields that ECS has no place for."""

    rows: Mapping[str, _Row]
    version: Mapping[str, str]
    namespace: str
    custom: tuple[str, ...]


def tables(told: Mapping[str, Any]) -> Tables:
    """The tables out of the JSON of `ecs_rows.json`."""
    rows = {
        opcode: _Row(
            {outcome: _start(one, outcome, severity) for outcome, severity in graded.items()},
            one["people"] == "account",
        )
        for opcode, one in told["operations"].items()
        for graded in (one["severity"],)
    }
    return Tables(rows, {"version": told["version"]}, told["namespace"], tuple(told["custom"]))


def _start(one: Mapping[str, Any], outcome: str, severity: int) -> dict[str, Any]:
    start: dict[str, Any] = {"kind": "event"}
    if one["category"]:
        start["category"], start["type"] = one["category"], one["type"]
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
    first, repeated = _first_values(fields)
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


def _first_values(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The first value of each field, and all values of those that should have one only."""
    lists = [name for name, value in fields.items() if value.__class__ is list]
    if not lists:
        return fields, {}
    first = {**fields}
    for name in lists:
        if fields[name]:
            first[name] = fields[name][0]
        else:
            del first[name]
    return first, {name: fields[name] for name in lists if name in _PLACED}


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
    if "record_key" in first:  # contradicting records share it
        made["id"] = "|".join(first[name] for name in _IDENTITY if name in first)
    printed = first.get("sequence_no")
    if printed is not None:
        sequence = number(printed)
        if sequence is None:
            custom.setdefault("sequence_no", printed)
        else:
            made["sequence"] = sequence
    return made


_IDENTITY = ("record_key", "record_digest")
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


@lru_cache(_KNOWN_PLACES)
def _cloud(account: str | None, region: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"provider": "aws"}
    if account is not None:
        made["account"] = {"id": account}
    if region is not None:
        made["region"] = region
    return made


@lru_cache(_KNOWN_PLACES)
def _service(cluster: str | None, hsm: str | None) -> dict[str, Any]:
    """ECS: a service of many nodes has one id; so the cluster is the service, an HSM a node."""
    made: dict[str, Any] = {"name": "AWS CloudHSM", "type": "cloudhsm"}
    if cluster is not None:
        made["id"] = cluster
    if hsm is not None:
        made["node"] = {"name": hsm}
    return made


@lru_cache(_KNOWN_PLACES)
def _host(hsm: str) -> dict[str, str]:
    return {"id": hsm, "name": hsm, "type": "hsm"}


def _put_people(made: dict[str, Any], about_account: bool, first: Mapping[str, Any]) -> None:
    """Who acts, and who is acted upon, as far as the record names them.

    In user management an older record names the account and nobody else. So does a newer one
    without a target, but for the number of who acts: the rule of our CIM fields too.
    """
    get = first.get
    name, target = get("user_name"), get("target_user_name")
    if about_account and target is None:
        kind = get("target_user_type", get("user_type"))
        user = _user(None, get("user_id"), None)
        account = _user(name, get("target_user_id"), kind)
    else:
        acts = get("src_user_type") if about_account else get("user_type")
        user = _user(name, get("user_id"), acts)
        account = _user(target, get("target_user_id"), get("target_user_type"))
    if account:
        user["target"] = account
    if user:
        made["user"] = user
    related = {}
    if name is not None or target is not None:
        both = [one for one in (name, target) if one is not None]
        related["user"] = both if len(both) == 1 or name != target else [name]
    if "host" in made:
        related["hosts"] = [made["host"]["id"]]
    if related:
        made["related"] = related


def _user(name: str | None, uid: str | None, kind: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if name is not None:
        made["name"] = name
    if uid is not None:
        made["id"] = uid
    if kind is not None:
        made["roles"] = [kind]
    return made
