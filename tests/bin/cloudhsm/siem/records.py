"""Fields of records, and what tests of the standards do with them."""

from __future__ import annotations

from typing import Any

LOGIN = {
    "_raw": "Time: ...",
    "_time": 1_513_717_277_140_812,
    "aws_account_id": "111122223333",
    "aws_region": "us-east-1",
    "cluster_id": "cluster-1",
    "hsm_id": "hsm-1",
    "opcode": "CN_LOGIN",
    "outcome": "failure",
    "reboot_counter": "0xe8",
    "record_key": "hsm-1|0xe8|0x1d|1513717277140812",
    "response": "RET_USER_LOGIN_FAILURE",
    "response_code": "163",
    "sequence_no": "0x1d",
    "session_handle": "0x2014005",
    "sourcetype": "aws:cloudhsm:audit",
    "user_name": "crypto_user",
    "user_type": "CN_CRYPTO_USER",
}
USER_CREATED = {
    **LOGIN,
    "opcode": "CN_CREATE_USER",
    "outcome": "success",
    "user_id": "1",
    "user_name": "admin",
    "user_type": "CN_CRYPTO_OFFICER",
    "src_user_type": "CN_CRYPTO_OFFICER",
    "target_user_id": "9",
    "target_user_name": "bob",
    "target_user_type": "CN_CRYPTO_USER",
}


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def keys(value: object) -> set[str]:
    """Every key of a document, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()
