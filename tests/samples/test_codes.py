from __future__ import annotations

import csv
from pathlib import Path

import pytest

from samples import codes
from samples.codes import Coded, Response

CODED = [value for value in vars(codes).values() if isinstance(value, Coded)]
RESPONSES = [value for value in vars(codes).values() if isinstance(value, Response)]


def test_stand_in_numbers_differ_from_all_published_numbers() -> None:
    for coded in (item for item in CODED if item.name not in ("SHARE", "UNSHARE")):
        looks_like_ours = 0x9000 <= coded.code <= 0x9FFF or 900 <= coded.code <= 999
        assert looks_like_ours is not coded.public, coded
    for response in RESPONSES:
        assert (response.code >= 9000) is not response.public, response


def test_stand_ins_names_every_invented_number() -> None:
    ours = {item.name for item in CODED if not item.public}
    ours |= {item.text for item in RESPONSES if not item.public}
    assert set(codes.stand_ins()) == ours
    assert {"CN_APP_FINALIZE", "USER_AUTH_LOG", "HSM Error: RET_MXN_AUTH_FAILED"} <= ours
    assert not {"CN_LOGIN", "TIME_INFO_LOG"} & ours


def test_no_two_opcodes_share_a_number() -> None:
    opcodes = [item for item in CODED if item.name.startswith("CN_") or "OPCODE" in item.name]
    commands = [codes.MGMT_CMD, codes.CERT_AUTH_CMD]
    users = [codes.CRYPTO_USER, codes.CRYPTO_OFFICER, codes.APPLIANCE_USER, codes.PRE_OFFICER]
    numbers = [item.code for item in opcodes if item not in commands + users]
    assert len(numbers) == len(set(numbers)) > 30


LOOKUPS = Path(__file__).parents[2] / "lookups"


def table(name: str, key: str, code: str) -> dict[str, str]:
    with (LOOKUPS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row[key]: row[code] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("name", "key", "code"),
    [
        ("cloudhsm_opcodes", "opcode_key", "opcode_code"),
        ("cloudhsm_command_types", "command_type", "command_type_code"),
        ("cloudhsm_log_types", "log_type", "log_type_code"),
        ("cloudhsm_user_types", "user_type", "user_type_code"),
    ],
)
def test_numbers_agree_with_the_lookups_and_stand_ins_have_none_there(
    name: str, key: str, code: str
) -> None:
    known = table(name, key, code)
    both = [item for item in CODED if item.name in known]
    assert len(both) >= 4
    for item in both:
        number = int(known[item.name], 0) if known[item.name] else None
        assert number == (item.code if item.public else None), item


def test_the_lookups_know_every_opcode_but_the_unlisted_one() -> None:
    known = table("cloudhsm_opcodes", "opcode_key", "opcode_code")
    names = {item.name for item in CODED if item.name.startswith("CN_") or "OPCODE" in item.name}
    others = table("cloudhsm_command_types", "command_type", "command_type_code")
    others |= table("cloudhsm_user_types", "user_type", "user_type_code")
    unlisted = {codes.UNLISTED.name, codes.UNLISTED_VARIANT.name}
    assert names - known.keys() - others.keys() == unlisted
