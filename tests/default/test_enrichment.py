"""What the customer's tables add to records, and what a record's activity is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Union

import pytest

from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session
from emulator.spl.context import ResultRow
from tests.default.conftest import CLUSTER, HSM, SOURCE
from tools.content.mappings import read_activities

Fields = dict[str, Union[str, list[str]]]
FieldsOf = Callable[..., Fields]

ROOT = Path(__file__).resolve().parents[2]
MONDAY = 1_513_555_200  # 2017-12-18 00:00 UTC
RULES = [
    (rule.field, value, rule.activity)
    for rule in read_activities(ROOT / "mappings")
    for value in rule.values
]
CONTEXT = "`cloudhsm_records` | `cloudhsm_once` | `cloudhsm_context`"
KNOWN = {"known_user": f"kmsuser@{CLUSTER}", "activity": "application"}


def record(
    opcode: str = "CN_LOGIN",
    user: str = "kmsuser",
    user_type: str = "CN_CRYPTO_USER",
    log_type: str = "MGMT_USER_DETAILS_LOG",
    usecs: int = 1_513_717_277_140_812,
) -> str:
    return (
        f"Time: 12/19/17 21:01:17.140812, usecs:{usecs}\nSequence No : 0x1\n"
        "Reboot counter : 0xe8\nCommand Type(hex) : CN_MGMT_CMD (0x0)\n"
        f"Opcode : {opcode} (0xd)\nSession Handle : 0x1\nResponse : 0:HSM Return: SUCCESS\n"
        f"Log type : {log_type} (2)\nUser Name : {user}\nUser Type : {user_type} (1)"
    )


def event(text: str, at: float = 1_513_717_277, source: str = SOURCE) -> IndexedEvent:
    return IndexedEvent(text, round(at * 1e6), HSM, source, "aws:cloudhsm:audit", "main")


def searching(app: App, *events: IndexedEvent, **stores: list[Mapping[str, str]]) -> Session:
    session = Session(app, now=1_600_000_000, stores=stores)
    session.index(events)
    return session


def in_context(app: App, one: IndexedEvent, **stores: list[Mapping[str, str]]) -> ResultRow:
    """The record as searches see it after the macro that looks the tables up."""
    (row,) = searching(app, one, **stores).search(CONTEXT).rows
    return row


# --- activity


@pytest.mark.parametrize(("field", "value", "activity"), RULES)
def test_a_rule_names_the_source_of_a_record_before_any_table(
    app: App, field: str, value: str, activity: str
) -> None:
    values = {field: value}
    text = record(
        opcode=values.get("opcode", "CN_LOGIN"),
        user_type=values.get("user_type", "CN_CRYPTO_USER"),
        log_type=values.get("log_type", "MGMT_USER_DETAILS_LOG"),
    )
    row = in_context(app, event(text), cloudhsm_known_users=[KNOWN])
    assert row["activity"] == activity


def test_the_table_of_known_users_names_the_rest(app: App) -> None:
    known = {**KNOWN, "known_user_owner": "pki team"}
    row = in_context(app, event(record()), cloudhsm_known_users=[known])
    assert (row["activity"], row["known_user_owner"]) == ("application", "pki team")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (record(user="bob"), SOURCE),
        (record(), SOURCE.replace(CLUSTER, "cluster-abcdefghijk")),
        (record("CN_CHANGE_PSWD"), SOURCE),  # the name is the target's
        (record(user="kmsuser\nx"), SOURCE),
        (record(user="eve\nUser Type : CN_APPLIANCE_USER (5)"), SOURCE),
        (record("CN_ZEROIZE", user="bob"), SOURCE),
    ],
    ids=["unknown", "other cluster", "target", "two lines", "forged type", "zeroize"],
)
def test_no_name_is_taken_for_a_known_user_without_certainty(
    app: App, text: str, source: str
) -> None:
    row = in_context(app, event(text, source=source), cloudhsm_known_users=[KNOWN])
    assert row["activity"] == "user"


@pytest.mark.parametrize(
    ("entry", "activity"),
    [
        ({}, "application"),
        ({"user_type": "CN_CRYPTO_USER"}, "application"),
        ({"user_type": "CN_CRYPTO_OFFICER"}, "user"),
        ({"known_from": "1513717277"}, "application"),
        ({"known_from": "1513717278"}, "user"),
    ],
    ids=["earlier schema", "same type", "other type", "entered before", "entered later"],
)
def test_a_known_user_is_matched_by_type_and_time_where_the_row_has_them(
    app: App, entry: dict[str, str], activity: str
) -> None:
    row = in_context(app, event(record()), cloudhsm_known_users=[{**KNOWN, **entry}])
    assert row["activity"] == activity


@pytest.mark.parametrize("user_type", ["CN_CRYPTO_OFFICER", "CN_CRYPTO_PRE_OFFICER"])
def test_an_officer_is_never_an_application(app: App, user_type: str) -> None:
    officer = event(record(user_type=user_type))
    row = in_context(app, officer, cloudhsm_known_users=[KNOWN])
    assert (row["activity"], "known_user_owner" in row) == ("user", False)
    person = in_context(app, officer, cloudhsm_known_users=[{**KNOWN, "activity": "person"}])
    assert person["activity"] == "person"


def test_empty_tables_add_nothing(app: App) -> None:
    row = in_context(app, event(record()))
    assert row["activity"] == "user"
    added = {"cluster_name", "cluster_owner", "known_user_owner", "business_hours"}
    assert not {name for name in added if row.get(name) is not None}


def test_no_automatic_lookup_reads_a_kv_store_collection(app: App) -> None:
    assert not app.automatic_collections


# --- the documented searches


def test_a_cluster_has_its_name_everywhere_once_it_is_entered(app: App) -> None:
    session = searching(app, event(record()))
    for name in ("test", "payments"):
        session.search(f'| `cloudhsm_add_cluster("{CLUSTER}", "{name}", "prod", "pki", "high")`')
    (row,) = session.search(CONTEXT).rows
    names = ("cluster_name", "cluster_environment", "cluster_owner", "cluster_criticality")
    assert [row[name] for name in names] == ["payments", "prod", "pki", "high"]
    assert len(session.search("| inputlookup cloudhsm_clusters").rows) == 1


def test_a_known_user_is_named_once_entered(app: App) -> None:
    session = searching(app, event(record()))
    entry = f'`cloudhsm_add_known_user("kmsuser", "{CLUSTER}", "application", "KMS", "")`'
    session.search(f"| {entry}")
    (row,) = session.search(CONTEXT).rows
    assert (row["activity"], row["known_user_owner"]) == ("application", "KMS")


def test_a_user_entered_by_number_is_known_from_then_on(app: App) -> None:
    session = searching(app)
    for user in ("7", "kmsuser"):
        session.search(
            f'| `cloudhsm_add_known_user("{user}", "{CLUSTER}", "application", "KMS", "")`'
        )
    rows = session.search("| inputlookup cloudhsm_known_users").rows
    assert [row["known_from"] for row in rows] == ["1600000000", "0"]


def test_naming_a_cluster_again_leaves_its_confirmation(app: App) -> None:
    confirmed = {"cluster_id": CLUSTER, "trust": "confirmed", "confirmed_by": "alice"}
    session = searching(app, cloudhsm_clusters=[{**confirmed, "_key": CLUSTER}])
    session.search(f'| `cloudhsm_add_cluster("{CLUSTER}", "payments", "prod", "pki", "high")`')
    (row,) = session.search("| inputlookup cloudhsm_clusters").rows
    assert confirmed.items() <= row.items()
    assert row["cluster_name"] == "payments"


@pytest.mark.parametrize(
    ("offset", "hour", "expected"),
    [
        (0, 8, "true"),
        (0, 7.99, "false"),
        (0, 17.99, "true"),
        (0, 18, "false"),
        (1, 7, "true"),
        (1, 17, "false"),
        (-5, 13, "true"),
        (-5, 12, "false"),
        (9, -1, "true"),  # Sunday 23:00 UTC is Monday 08:00
        (0, 4 * 24 + 9, "true"),
        (0, 5 * 24 + 9, "false"),
    ],
)
def test_business_hours_are_those_of_the_offset(
    app: App, offset: int, hour: float, expected: str
) -> None:
    session = searching(app, event(record(), MONDAY + 3600 * hour))
    session.search(f"| `cloudhsm_set_business_hours(1, 5, 8, 18, {offset})`")
    (row,) = session.search(CONTEXT).rows
    assert row["business_hours"] == expected
    assert len(session.search("| inputlookup cloudhsm_business_hours").rows) == 168
