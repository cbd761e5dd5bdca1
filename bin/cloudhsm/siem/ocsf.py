"""A record's fields as an event of the Open Cybersecurity Schema Framework (OCSF).

Pure: fields in, event out. What depends on operation and outcome only comes from `ocsf_rows.json`,
which is made from `mappings/operations.yaml` and `ocsf.yaml`; `docs/ocsf.md` shows both, with the
reasons.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cloudhsm.siem.record_fields import KNOWN_ORIGINS, Person, first_values, people, put_identity

_MFA = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_SERVICE = "AWS CloudHSM"
_PRODUCT = {"name": _SERVICE, "vendor_name": "AWS"}
_OTHER = 99
_ACCOUNT = {"type_id": 10, "type": "AWS Account"}
_HSM = {"type_id": 99, "type": "HSM"}
_TARGETS = ("target_user_name", "target_user_id")  # have a place in user management only


class _Entity(NamedTuple):
    """A kind of thing that is managed; `holder`: the attribute that describes it further."""

    type_id: int
    type: str
    named: str
    uid: str | None
    data: tuple[str, ...]
    holder: str | None


class _Row(NamedTuple):
    """An operation: what starts an event by outcome, with somebody in it and with nobody."""

    starts: Mapping[str, Mapping[str, Any]]
    starts_for_nobody: Mapping[str, Mapping[str, Any]]
    people: str
    entity: _Entity | None
    unmapped: tuple[str, ...]


class Tables(NamedTuple):
    """What `ocsf_rows.json` has; `user_types`: OCSF's number and word for the HSM's types."""

    rows: Mapping[str, _Row]
    user_types: Mapping[str, tuple[int, str]]
    metadata: Mapping[str, Any]


def tables(rows: Mapping[str, Any]) -> Tables:
    """The tables from the JSON of `ocsf_rows.json`."""
    entities = {
        name: _Entity(**{**entity, "data": tuple(entity["data"])})
        for name, entity in rows["entities"].items()
    }
    operations = {
        opcode: _row(row, entities.get(row["entity"] or ""), rows["unmapped"])
        for opcode, row in rows["operations"].items()
    }
    metadata = {"version": rows["version"], "product": _PRODUCT, "profiles": rows["profiles"]}
    return Tables(operations, rows["user_types"], metadata)


def _row(row: Mapping[str, Any], entity: _Entity | None, unmapped: Iterable[str]) -> _Row:
    mapped = {*entity.data, entity.uid} if entity else set()
    common = {"timezone_offset": 0}  # the HSM's clock is UTC
    starts, starts_for_nobody = (
        {outcome: {**place, **graded, **common} for outcome, graded in row["outcomes"].items()}
        for place in (row["place"], row.get("nobody", row["place"]))
    )
    targets = () if row["people"] == "account" else _TARGETS
    rest = (*(name for name in unmapped if name not in mapped), *targets)
    return _Row(starts, starts_for_nobody, row["people"], entity, rest)


TABLES = tables(json.loads(Path(__file__).with_name("ocsf_rows.json").read_text(encoding="utf-8")))


def event(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a record with these fields, ready for JSON; read it, do not change its objects.

    `fields`: as a Splunk search sees them, by the names of `docs/fields.md`: text, or a list of
    texts; `_time` in microseconds since 1970 as an int; what the record lacks is absent. Every
    record gives a valid event, a damaged one as well. Of a field that has several values where
    there should be one, the first has its place, and `unmapped` has them all.
    """
    return event_by(TABLES, fields)


def event_by(tables: Tables, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same by other tables than the shipped ones."""
    first, repeated = first_values(fields, _PLACED)
    get = first.get
    opcode: str | None = get("opcode")
    key = get("opcode_key") or opcode or "(none)"
    row = tables.rows.get(key) or tables.rows["*"]
    user, actor = _people(row.people, first, tables.user_types)
    starts = row.starts if user or row.people == "actor" else row.starts_for_nobody
    made: dict[str, Any] = {**starts.get(get("outcome", ""), starts["unknown"])}
    if row is tables.rows["*"]:
        made["activity_name"] = opcode
    time = get("_time")
    made["time"] = (time if type(time) is int else 0) // 1000
    unmapped: dict[str, Any] = {name: fields[name] for name in row.unmapped if name in first}
    unmapped.update(repeated)
    made["metadata"] = _metadata(tables.metadata, first, unmapped)
    _place(made, first, unmapped)
    if row.entity:
        made["entity"] = _entity(row.entity, fields, first)
    _put_people(made, row.people, user, actor, first, unmapped)
    for name, attribute in _TEXTS:
        if name in first:
            made[attribute] = first[name]
    if unmapped:
        made["unmapped"] = unmapped
    return made


_TEXTS = (
    ("description", "message"),
    ("response_code", "status_code"),
    ("response", "status_detail"),
    ("_raw", "raw_data"),
)


# Fields with a place of their own outside of `unmapped`.
_PLACED = frozenset(
    (
        "aws_account_id",
        "aws_region",
        "cluster_id",
        "hsm_id",
        "usecs",
        "record_version",
        "sequence_no",
        "opcode",
        "user_id",
        "session_handle",
        "response_code",
        "response",
        "user_name",
        "target_user_name",
        "target_user_id",
        "mfa_enabled",
        "description",
        "record_key",
    )
)


def _metadata(
    common: Mapping[str, Any], first: Mapping[str, Any], unmapped: dict[str, Any]
) -> dict[str, Any]:
    made = {**common}
    for name, attribute in _METADATA_TEXTS:
        if name in first:
            made[attribute] = first[name]
    put_identity(made, "uid", first, unmapped)
    return made


_METADATA_TEXTS = (
    ("opcode", "event_code"),
    ("usecs", "original_time"),
    ("record_version", "log_version"),
    ("source", "log_source"),
)


def _place(made: dict[str, Any], first: Mapping[str, Any], unmapped: dict[str, Any]) -> None:
    """Account, Region, HSM and cluster, as far as they are known."""
    get = first.get
    region, cluster, opcode = get("aws_region"), get("cluster_id"), get("opcode")
    made["cloud"] = _cloud(get("aws_account_id"), region)
    hsm = get("hsm_id")
    if hsm is not None:
        made["device"] = _device(hsm, region)
    if opcode is not None:
        made["api"] = {"operation": opcode, "service": _service(cluster)}
    elif cluster is not None:
        unmapped["cluster_id"] = cluster


@lru_cache(KNOWN_ORIGINS)
def _cloud(account: str | None, region: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"provider": "AWS"}
    if account is not None:
        made["account"] = {"uid": account, **_ACCOUNT}
    if region is not None:
        made["region"] = region
    return made


@lru_cache(KNOWN_ORIGINS)
def _device(hsm: str, region: str | None) -> dict[str, Any]:
    made = {"uid": hsm, **_HSM}
    return made if region is None else {**made, "region": region}


@lru_cache(KNOWN_ORIGINS)
def _service(cluster: str | None) -> dict[str, str]:
    return {"name": _SERVICE} if cluster is None else {"name": _SERVICE, "uid": cluster}


def _people(
    kind: str, first: Mapping[str, Any], types: Mapping[str, tuple[int, str]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Who the event is about and who acts, each empty if the record does not name them."""
    acts, account = people(first, kind == "account")
    actor = _user(acts, types)
    if kind == "account":
        return _user(account, types), actor
    return (actor if kind == "subject" else {}), actor


def _user(person: Person, types: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    """OCSF asks for a name or a number; a type alone names no one."""
    made: dict[str, Any] = {}
    if person.name is not None:
        made["name"] = person.name
    if person.uid is not None:
        made["uid"] = person.uid
    if made and person.kind is not None:
        made["type_id"], made["type"] = types.get(person.kind) or (_OTHER, person.kind)
    return made


def _put_people(
    made: dict[str, Any],
    people: str,
    user: dict[str, Any],
    actor: dict[str, Any],
    first: Mapping[str, Any],
    unmapped: dict[str, Any],
) -> None:
    session = first.get("session_handle")
    acts = {"user": actor} if actor else {}
    if user:
        made["user"] = user
    if people == "subject" and user:
        made["service"] = _service(first.get("cluster_id"))
        if session is not None:
            made["session"] = {"uid": session}
    if session is not None:
        acts["session"] = {"uid": session}
    if acts:
        made["actor"] = acts
    mfa = first.get("mfa_enabled")
    if mfa is not None:
        if people == "subject" and user and mfa.lower() in _MFA:
            made["is_mfa"] = _MFA[mfa.lower()]
        else:
            unmapped.setdefault("mfa_enabled", mfa)


def _entity(entity: _Entity, fields: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """What is managed; its name is our word for the kind where the record has no number for it."""
    made: dict[str, Any] = {"type_id": entity.type_id, "type": entity.type}
    uid = first.get(entity.uid) if entity.uid else None
    if uid is None:
        made["name"] = entity.named
    else:
        made["uid"] = uid
    if entity.holder == "device" and uid is not None:
        made["device"] = _device(uid, first.get("aws_region"))
    elif entity.holder == "policy":
        made["policy"] = {"name": entity.named}
    data = {name: fields[name] for name in entity.data if name in first}
    if data:
        made["data"] = data
    return made
