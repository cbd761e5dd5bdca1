"""What an OCSF event holds, and that no text of a record can make it anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.siem.ocsf import TABLES, event
from tests.bin.cloudhsm.siem.records import LOGIN, USER_CREATED, keys, without


def test_a_login_says_who_where_when_and_how_it_ended() -> None:
    made = event(LOGIN)
    assert (made["class_uid"], made["activity_id"], made["type_uid"]) == (3002, 1, 300201)
    assert (made["status_id"], made["status"]) == (2, "Failure")
    assert (made["status_code"], made["status_detail"]) == ("163", "RET_USER_LOGIN_FAILURE")
    assert made["time"] == 1_513_717_277_140
    assert made["user"] == {"name": "crypto_user", "type_id": 1, "type": "User"}
    assert made["session"] == {"uid": "0x2014005"}
    assert made["actor"] == {"user": made["user"], "session": made["session"]}
    assert made["device"] == {"uid": "hsm-1", "type_id": 99, "type": "HSM", "region": "us-east-1"}
    assert made["service"] == made["api"]["service"] == {"name": "AWS CloudHSM", "uid": "cluster-1"}
    assert made["cloud"]["account"]["uid"] == "111122223333"
    assert made["metadata"]["sequence"] == 29
    assert made["metadata"]["uid"] == "hsm-1|0xe8|0x1d|1513717277140812"
    assert made["raw_data"] == "Time: ..."
    assert made["unmapped"] == {"reboot_counter": "0xe8", "user_type": "CN_CRYPTO_USER"}


def test_in_user_management_the_account_is_the_user_and_who_changes_it_the_actor() -> None:
    made = event(USER_CREATED)
    assert made["type_uid"] == 300101
    assert made["user"] == {"name": "bob", "uid": "9", "type_id": 1, "type": "User"}
    assert made["actor"]["user"] == {"name": "admin", "uid": "1", "type_id": 2, "type": "Admin"}
    assert made["actor"]["session"] == {"uid": "0x2014005"}


def test_an_older_record_of_user_management_names_the_account_only() -> None:
    target = ("target_user_name", "target_user_id", "target_user_type", "src_user_type", "user_id")
    made = event(without(USER_CREATED, *target))
    assert made["user"] == {"name": "admin", "type_id": 2, "type": "Admin"}
    assert made["actor"] == {"session": {"uid": "0x2014005"}}


def test_a_number_without_a_name_acts() -> None:
    target = ("target_user_name", "target_user_id", "target_user_type", "src_user_type")
    made = event(without(USER_CREATED, *target))
    assert made["user"]["name"] == "admin"
    assert made["actor"]["user"] == {"uid": "1"}


@pytest.mark.parametrize("fields", [LOGIN, USER_CREATED])
def test_who_is_not_in_the_record_is_not_invented(fields: dict[str, Any]) -> None:
    names = ("user_name", "user_id", "target_user_name", "target_user_id")
    made = event(without(fields, *names))
    assert (made["class_uid"], made["activity_id"]) == (0, 99)
    assert made["activity_name"] in ("Logon", "Create")
    assert "user" not in made
    assert made["status_id"] == event(fields)["status_id"]
    assert made["actor"] == {"session": {"uid": "0x2014005"}}


def test_the_hsms_own_user_types_are_other_ones_under_their_names() -> None:
    made = event({**LOGIN, "user_type": "HMCO"})
    assert made["user"] == {"name": "crypto_user", "type_id": 99, "type": "HMCO"}
    assert event(without(LOGIN, "user_type"))["user"] == {"name": "crypto_user"}


def test_a_target_outside_of_user_management_is_kept() -> None:
    made = event({**USER_CREATED, "opcode": "CN_SHARE_OBJECT"})
    assert made["actor"]["user"]["name"] == "admin"
    assert made["unmapped"]["target_user_name"] == "bob"
    assert made["unmapped"]["target_user_id"] == "9"


def test_a_key_pair_is_one_entity_with_both_handles() -> None:
    pair = {"private_key_handle": "131079", "public_key_handle": "131078"}
    fields = {**LOGIN, **pair, "opcode": "CN_GENERATE_KEY_PAIR"}
    made = event({**fields, "key_handle": ["131079", "131078"]})
    assert made["entity"] == {
        "type_id": 99,
        "type": "Cryptographic Key",
        "uid": "131079",
        "data": pair,
    }
    assert not set(pair) & set(made["unmapped"])


def test_an_entity_without_a_number_has_the_name_of_its_kind() -> None:
    made = event({**LOGIN, "opcode": "CN_GENERATE_KEY"})
    assert made["entity"] == {
        "type_id": 99,
        "type": "Cryptographic Key",
        "name": "Cryptographic Key",
    }
    made = event({**LOGIN, "opcode": "CN_SET_M_VALUE"})
    assert made["entity"]["name"] == made["entity"]["policy"]["name"] == "Quorum"


def test_an_hsm_is_a_device_that_is_managed() -> None:
    entity = event({**LOGIN, "opcode": "CN_ZEROIZE"})["entity"]
    assert (entity["type_id"], entity["uid"], entity["device"]["uid"]) == (1, "hsm-1", "hsm-1")
    entity = event({**without(LOGIN, "hsm_id"), "opcode": "CN_ZEROIZE"})["entity"]
    assert entity == {"type_id": 1, "type": "Device", "name": "HSM"}


def test_a_certificate_tells_which_attributes_change() -> None:
    fields = {"opcode": "SetAttributeValues", "object_handle": "9007199254740993"}
    made = event({"_time": 0, "_raw": "{}", **fields, "attributes": ["Label", "Id"]})
    assert made["entity"]["uid"] == "9007199254740993"
    assert made["entity"]["data"] == {"attributes": ["Label", "Id"]}


def test_an_operation_that_no_table_knows_names_its_activity() -> None:
    made = event({**LOGIN, "opcode": "CN_NEW"})
    assert (made["class_uid"], made["activity_id"], made["activity_name"]) == (0, 99, "CN_NEW")
    assert made["actor"]["user"]["name"] == "crypto_user"


@pytest.mark.parametrize("opcode", ["*", "(none)", "", "class_uid"])
def test_an_operation_called_as_a_row_of_ours_is_no_trap(opcode: str) -> None:
    made = event({**LOGIN, "opcode": opcode})
    assert made["class_uid"] == 0
    assert made["api"]["operation"] == opcode


@pytest.mark.parametrize(
    ("word", "second_factor"), [("Yes", True), ("no", False), ("0", False), ("perhaps", None)]
)
def test_a_word_for_mfa_is_a_truth_where_it_is_one(word: str, second_factor: bool | None) -> None:
    made = event({**LOGIN, "mfa_enabled": word})
    assert made.get("is_mfa") is second_factor
    assert made["unmapped"].get("mfa_enabled") == (word if second_factor is None else None)


def test_mfa_outside_of_a_login_is_kept() -> None:
    made = event({**USER_CREATED, "mfa_enabled": "yes"})
    assert "is_mfa" not in made
    assert made["unmapped"]["mfa_enabled"] == "yes"


def test_without_an_operation_the_cluster_is_kept() -> None:
    made = event(without(LOGIN, "opcode"))
    assert "api" not in made
    assert made["unmapped"]["cluster_id"] == "cluster-1"


@pytest.mark.parametrize("time", ["1513717277.140812", None, ["1"]])
def test_a_time_that_is_no_integer_is_the_beginning(time: object) -> None:
    assert event({**LOGIN, "_time": time})["time"] == 0


def test_nothing_but_a_text_becomes_an_event() -> None:
    made = event({"_raw": "garbage"})
    assert (made["class_uid"], made["activity_id"], made["status_id"]) == (0, 0, 0)
    assert made["raw_data"] == "garbage"


FIELD_NAMES = sorted({*USER_CREATED, *TABLES.rows["*"].unmapped, "mfa_enabled", "key_handle"})
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["0x1d", "CN_LOGIN", "CN_ZEROIZE", "no"]))
VALUES = st.one_of(TEXTS, st.lists(TEXTS, max_size=3))


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.one_of(st.sampled_from(FIELD_NAMES), st.text(max_size=9)), VALUES))
def test_no_text_becomes_a_key_or_fails(fields: dict[str, Any]) -> None:
    made = event({**fields, "_time": 1, "_raw": "x"})
    known = keys(event(USER_CREATED))
    known |= {"entity", "policy", "data", "attributes", "is_mfa", "unmapped", "log_name", "session"}
    known |= {"service", "session", "event_code", "log_version", "original_time", "log_source"}
    assert keys(made) <= known | set(FIELD_NAMES)
    json.loads(json.dumps(made))
