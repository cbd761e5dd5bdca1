"""The lookups as the shipped configuration asks them: what a record means."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Union

import pytest

Fields = dict[str, Union[str, list[str]]]
FieldsOf = Callable[..., Fields]

LOOKUPS = Path(__file__).resolve().parents[2] / "lookups"


def record(
    opcode: str = "CN_LOGIN (0xd)",
    response: str = "0:HSM Return: SUCCESS",
    command_type: str = "CN_MGMT_CMD (0x0)",
    log_type: str = "MGMT_USER_DETAILS_LOG (2)",
    user_type: str = "CN_CRYPTO_USER (1)",
) -> str:
    return "\n".join(
        [
            "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812",
            "Sequence No : 0x1d",
            "Reboot counter : 0xe8",
            f"Command Type(hex) : {command_type}",
            f"Opcode : {opcode}",
            "Session Handle : 0x2014005",
            f"Response : {response}",
            f"Log type : {log_type}",
            "User Name : bob",
            f"User Type : {user_type}",
            "Target User Name : eve",
            "Target User Type : CN_CRYPTO_OFFICER (2)",
        ]
    )


def rows(name: str) -> list[dict[str, str]]:
    with (LOOKUPS / f"cloudhsm_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "row",
    [row for row in rows("opcodes") if row["opcode_key"] not in {"*", "(none)"}],
    ids=lambda row: row["opcode_key"],
)
def test_every_opcode_of_the_table_reaches_the_event(
    fields_of: FieldsOf, row: dict[str, str]
) -> None:
    fields = fields_of(record(opcode=f"{row['opcode_key']} (0x7b)"))
    for column in ("category", "description", "risk"):
        assert fields[column] == row[column]
    assert fields["opcode"] == row["opcode_key"]


@pytest.mark.parametrize(
    ("opcode", "family", "category"),
    [
        ("CN_WRAP_KEY3", "CN_WRAP_KEY", "Key Management"),
        ("CN_WRAP_KEY22", "CN_WRAP_KEY", "Key Management"),
        ("CN_LOGIN2", "CN_LOGIN", "User Login"),
        ("CN_CREATE_CO2", "CN_CREATE_CO", "User Management"),
        ("CN_ENCRYPT_SESSION_V3", "CN_ENCRYPT_SESSION_V2", "Session Management"),
        ("CN_CLONE_SOURCE_STAGE2", "CN_CLONE_SOURCE_STAGE1", "Clone HSMs"),
        ("CN_NIST_AES_WRAP_UNWRAP3", "CN_NIST_AES_WRAP", "Key Management"),
    ],
)
def test_a_numbered_variant_has_the_meaning_of_its_operation_and_counts_as_unknown(
    fields_of: FieldsOf, opcode: str, family: str, category: str
) -> None:
    fields = fields_of(record(opcode=f"{opcode} (0x2ff)"))
    known = fields_of(record(opcode=f"{family} (0x2ff)"))
    assert (fields["opcode"], fields["opcode_family"]) == (opcode, family)
    assert fields["category"] == known["category"] == category
    for name in ("risk", "cim_model", "object_category", "activity", "user", "object", "tag"):
        assert fields.get(name) == known.get(name), name
    assert str(fields["variant_of"]).startswith(family)
    assert "aws_cloudhsm_unknown" in fields["eventtype"]
    assert "aws_cloudhsm_unknown" not in known["eventtype"]


@pytest.mark.parametrize(
    ("opcode", "family"),
    [("CN_WRAP_KEY2", "CN_WRAP_KEY"), ("CN_NIST_AES_WRAP_UNWRAP2", "CN_NIST_AES_WRAP")],
)
def test_a_variant_with_an_entry_of_its_own_is_known(
    fields_of: FieldsOf, opcode: str, family: str
) -> None:
    fields = fields_of(record(opcode=f"{opcode} (0x2ff)"))
    known = fields_of(record(opcode=f"{family} (0x2ff)"))
    assert fields["opcode_family"] == family
    assert (fields["category"], fields["risk"]) == (known["category"], known["risk"])
    assert "successor" in fields["description"]
    assert "variant_of" not in fields
    assert fields["eventtype"] == known["eventtype"]


@pytest.mark.parametrize(
    "opcode",
    [
        "CN_BRAND_NEW (0x2ff)",
        "cn_login (0xd)",
        "CN_BRAND_NEW2 (0x2ff)",
        "2 (0x1)",
        "* (0x1)",
        "? (0x1)",
        "(none)x",
    ],
)
def test_an_opcode_that_no_table_knows_is_unknown_and_the_event_intact(
    fields_of: FieldsOf, opcode: str
) -> None:
    text = record(opcode=opcode)
    fields = fields_of(text)
    assert fields["_raw"] == text
    assert fields["category"] == "Unknown"
    assert "No table of this add-on knows this opcode" in fields["description"] or (
        opcode == "(none)x"
    )
    assert (fields["outcome"], fields["record_status"]) == ("success", "complete")
    assert "aws_cloudhsm_unknown" in fields["eventtype"]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ("0:HSM Return: SUCCESS", "success"),
        ("163:HSM Error: RET_USER_LOGIN_FAILURE", "wrong_password"),
        (
            "157:HSM Error: user isn't initialized or user with this name doesn't exist",
            "unknown_user",
        ),
        ("206:HSM Error: This user doesn't exist", "unknown_user"),
        ("206:HSM Error: No such user, in new words", "unknown_user"),
        ("999:HSM Error: This user doesn't exist", "unknown_user"),
        ("HSM Error: This user doesn't exist", "unknown_user"),
        ("206", "unknown_user"),
        ("HSM Error: Other type of user has already logged in", "session_conflict"),
        ("401:HSM Error: RET_BRAND_NEW", "Unknown"),
        ("0:HSM Return: PENDING", "Unknown"),
        ("*:HSM Error: *", "Unknown"),
    ],
)
def test_a_response_is_matched_by_its_text_or_else_by_its_code(
    fields_of: FieldsOf, response: str, kind: str
) -> None:
    assert fields_of(record(response=response))["response_class"] == kind


def test_an_unknown_response_keeps_code_text_category_and_outcome(fields_of: FieldsOf) -> None:
    fields = fields_of(record(response="401:HSM Error: RET_BRAND_NEW"))
    assert (fields["response_code"], fields["response"]) == ("401", "RET_BRAND_NEW")
    assert (fields["category"], fields["outcome"]) == ("User Login", "failure")
    assert "complete as received" in fields["response_meaning"]
    assert "aws_cloudhsm_unknown" in fields["eventtype"]


@pytest.mark.parametrize(
    ("argument", "table", "label"),
    [
        ("user_type", "user_types", "user_type_label"),
        ("log_type", "log_types", "log_type_label"),
        ("command_type", "command_types", "command_type_label"),
    ],
)
def test_every_type_of_the_tables_has_its_label_and_others_are_unknown(
    fields_of: FieldsOf, argument: str, table: str, label: str
) -> None:
    for row in rows(table):
        name = row[argument].replace("*", "BRAND_NEW")
        fields = fields_of(
            record(**{argument: f"{name} (7)" if argument != "command_type" else name})
        )
        assert (fields[argument], fields[label]) == (name, row[label])
        assert ("aws_cloudhsm_unknown" in fields["eventtype"]) == (name == "BRAND_NEW")


def test_the_target_users_type_is_looked_up_too(fields_of: FieldsOf) -> None:
    fields = fields_of(record())
    assert fields["user_type_label"] == "crypto user"
    assert fields["target_user_type_label"] == "crypto officer"
