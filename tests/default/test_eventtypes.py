from __future__ import annotations

import json
from collections.abc import Callable
from typing import Union

import pytest

Fields = dict[str, Union[str, list[str]]]
FieldsOf = Callable[..., Fields]

BASE = "aws_cloudhsm_audit"


def record(opcode: str, response: str = "0:HSM Return: SUCCESS") -> str:
    return (
        "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812\nSequence No : 0x1\n"
        f"Reboot counter : 0xe8\nCommand Type(hex) : CN_MGMT_CMD (0x0)\nOpcode : {opcode} (0x1)\n"
        f"Session Handle : 0x1\nResponse : {response}\nLog type : MINIMAL_LOG_ENTRY (0)"
    )


def types(fields: Fields) -> set[str]:
    names = fields["eventtype"]
    return {names} if isinstance(names, str) else set(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (record("CN_LOGIN"), {"login", "authentication"}),
        (
            record("CN_LOGIN", "163:HSM Error: RET_USER_LOGIN_FAILURE"),
            {"login", "login_failure", "failure", "authentication"},
        ),
        (record("CN_LOGOUT"), set()),
        (record("CN_CREATE_USER"), {"user_management", "change", "account_change"}),
        (record("CN_CREATE_CO"), {"user_management", "high_risk", "change", "account_change"}),
        (record("CN_ZEROIZE"), {"high_risk", "change"}),
        (record("CN_GENERATE_KEY"), {"key_management", "change"}),
        (
            record("CN_WRAP_KEY", "198:HSM Error: Key Access is denied"),
            {"key_management", "high_risk", "failure", "change"},
        ),
        (record("CN_BRAND_NEW"), {"unknown"}),
        (
            record("CN_LOGIN", "1:HSM Error: brand new"),
            {"login", "login_failure", "failure", "unknown", "authentication"},
        ),
        (record("CN_LOGOUT")[:-30], {"flawed_record"}),
        ("not a record", {"flawed_record", "unknown"}),
    ],
)
def test_an_audit_record_has_these_event_types_and_tags(
    fields_of: FieldsOf, text: str, expected: set[str]
) -> None:
    fields = fields_of(text)
    assert types(fields) == {BASE, *(f"aws_cloudhsm_{name}" for name in expected)}
    models = {"authentication": "authentication", "change": "change", "account_change": "account"}
    tags = {tag for name, tag in models.items() if name in expected}
    assert fields["tag"] == sorted({"cloudhsm", "hsm", *tags})


@pytest.mark.parametrize(
    ("response", "expected"), [("OK", set()), ("ObjectNotFound", {"aws_cloudhsm_failure"})]
)
def test_a_certificate_record_has_these_event_types_and_tags(
    fields_of: FieldsOf, response: str, expected: set[str]
) -> None:
    body = {"object_handle": 1, "op_code": "DestroyObject", "response": response}
    text = json.dumps({**body, "attributes": None, "timestamp": 1725482484559})
    fields = fields_of(text, sourcetype="aws:cloudhsm:certificate")
    assert types(fields) == {"aws_cloudhsm_certificate", "aws_cloudhsm_change", *expected}
    assert fields["tag"] == ["change", "cloudhsm", "hsm"]


def test_a_collector_event_has_its_event_type_and_no_record_tag(fields_of: FieldsOf) -> None:
    text = '{"time":1513717277.140812,"event":"gap_opened","outcome":"failure","risk":"high"}'
    fields = fields_of(text, sourcetype="aws:cloudhsm:collector")
    assert types(fields) == {"aws_cloudhsm_collector"}
    assert fields["tag"] == "cloudhsm"
