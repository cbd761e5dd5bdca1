"""What OCSF events and ECS documents take from a record's fields alike. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from cloudhsm.siem.json_values import number

KNOWN_ORIGINS = 1024  # clusters and HSMs whose objects are kept
_IDENTITY = ("record_key", "record_digest")  # contradicting records share the first


class Person(NamedTuple):
    """A user as the record names it; None for what it does not have."""

    name: str | None
    uid: str | None
    kind: str | None


def first_values(
    fields: Mapping[str, Any], placed: Collection[str]
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The first value of each field, and all values of those of `placed` that have several."""
    lists = [name for name, value in fields.items() if value.__class__ is list]
    if not lists:
        return fields, {}
    first = {**fields}
    for name in lists:
        if fields[name]:
            first[name] = fields[name][0]
        else:
            del first[name]
    return first, {name: fields[name] for name in lists if name in placed}


def put_identity(
    event: dict[str, Any], uid: str, first: Mapping[str, Any], rest: dict[str, Any]
) -> None:
    """The record's identity as `uid`, and its sequence number; one that is none goes to `rest`."""
    if "record_key" in first:
        event[uid] = "|".join(first[name] for name in _IDENTITY if name in first)
    printed = first.get("sequence_no")
    if printed is not None:
        sequence = number(printed)
        if sequence is None:
            rest.setdefault("sequence_no", printed)
        else:
            event["sequence"] = sequence


def people(first: Mapping[str, Any], is_about_account: bool) -> tuple[Person, Person]:
    """Who is the actor, and who is acted upon, where the record names them.

    In user management an older record names the account only. So does a newer one without a target,
    except for the number of the actor: the rule of our CIM fields too.
    """
    get = first.get
    name, target = get("user_name"), get("target_user_name")
    if is_about_account and target is None:
        kind = get("target_user_type", get("user_type"))
        return Person(None, get("user_id"), None), Person(name, get("target_user_id"), kind)
    kind = get("src_user_type") if is_about_account else get("user_type")
    account = Person(target, get("target_user_id"), get("target_user_type"))
    return Person(name, get("user_id"), kind), account
