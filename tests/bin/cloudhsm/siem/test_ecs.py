"""What an ECS document holds, and that no text of a record can make it anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.siem.ecs import TABLES, event
from tests.bin.cloudhsm.siem.records import LOGIN, USER_CREATED, keys, without

TARGET = ("target_user_name", "target_user_id", "target_user_type", "src_user_type")


def test_a_login_says_who_where_when_and_how_it_ended() -> None:
    made = event(LOGIN)
    assert made["@timestamp"] == "2017-12-19T21:01:17.140812Z"
    assert made["event"] == {
        "kind": "event",
        "category": ["authentication"],
        "type": ["start"],
        "outcome": "failure",
        "severity": 3,
        "module": "cloudhsm",
        "dataset": "cloudhsm.audit",
        "action": "CN_LOGIN",
        "id": "hsm-1|0xe8|0x1d|1513717277140812",
        "reason": "RET_USER_LOGIN_FAILURE",
        "original": "Time: ...",
        "sequence": 29,
    }
    assert made["user"] == {"name": "crypto_user", "roles": ["CN_CRYPTO_USER"]}
    assert made["cloud"] == {
        "provider": "aws",
        "account": {"id": "111122223333"},
        "region": "us-east-1",
    }
    assert (made["service"]["id"], made["service"]["node"]["name"]) == ("cluster-1", "hsm-1")
    assert made["host"]["id"] == "hsm-1"
    assert made["related"] == {"user": ["crypto_user"], "hosts": ["hsm-1"]}
    assert made["cloudhsm"] == {
        "reboot_counter": "0xe8",
        "response_code": "163",
        "session_handle": "0x2014005",
    }


def test_in_user_management_the_target_is_the_account() -> None:
    made = event(USER_CREATED)
    assert made["user"] == {
        "name": "admin",
        "id": "1",
        "roles": ["CN_CRYPTO_OFFICER"],
        "target": {"name": "bob", "id": "9", "roles": ["CN_CRYPTO_USER"]},
    }
    assert made["related"]["user"] == ["admin", "bob"]
    assert made["event"]["type"] == ["creation", "user"]


def test_an_older_record_of_user_management_names_the_target_only() -> None:
    made = event(without(USER_CREATED, *TARGET, "user_id"))
    assert made["user"] == {"target": {"name": "admin", "roles": ["CN_CRYPTO_OFFICER"]}}
    assert event(without(USER_CREATED, *TARGET))["user"]["id"] == "1"


def test_who_acts_upon_himself_is_related_once() -> None:
    made = event({**USER_CREATED, "target_user_name": "admin"})
    assert made["related"]["user"] == ["admin"]


def test_a_record_that_names_nobody_and_no_place_says_neither() -> None:
    made = event({"_raw": "garbage"})
    assert set(made) == {"ecs", "event", "cloud", "observer", "service"}
    assert made["event"]["outcome"] == "unknown"
    assert "category" not in made["event"]
    assert "@timestamp" not in made


def test_a_certificate_record_is_a_data_set_of_its_own() -> None:
    fields = {"opcode": "CreateObject", "object_handle": "9007199254740993"}
    made = event({**fields, "sourcetype": "aws:cloudhsm:certificate", "attributes": ["Id"]})
    assert made["event"]["dataset"] == "cloudhsm.certificate"
    assert made["cloudhsm"] == {"object_handle": "9007199254740993", "attributes": ["Id"]}


@pytest.mark.parametrize("opcode", ["*", "CN_NEW", "category"])
def test_an_operation_that_no_table_knows_is_some_command(opcode: str) -> None:
    made = event({**LOGIN, "opcode": opcode})["event"]
    assert (made["category"], made["type"], made["action"]) == (["api"], ["info"], opcode)


@pytest.mark.parametrize(
    ("usecs", "instant"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        (9_999_999_999_999_999, "2286-11-20T17:46:39.999999Z"),
        (10**20, None),
        ("1513717277.140812", None),
        (None, None),
    ],
)
def test_the_time_has_microseconds_or_is_not_there(usecs: object, instant: str | None) -> None:
    assert event({**LOGIN, "_time": usecs}).get("@timestamp") == instant


FIELD_NAMES = sorted({*USER_CREATED, *TABLES.custom})
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["0x1d", "CN_LOGIN", "CN_DELETE_USER"]))
VALUES = st.one_of(TEXTS, st.lists(TEXTS, max_size=3))


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.one_of(st.sampled_from(FIELD_NAMES), st.text(max_size=9)), VALUES))
def test_no_text_becomes_a_key_or_fails(fields: dict[str, Any]) -> None:
    made = event({**fields, "_time": 1, "_raw": "x"})
    known = keys(event({**USER_CREATED, "description": "x"}))
    assert keys(made) <= known | set(FIELD_NAMES) | {"cloudhsm", "related", "hosts"}
    json.loads(json.dumps(made))
