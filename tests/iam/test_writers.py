"""The policies that keep outsiders from writing to CloudHSM's log groups."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from cfnlint.decode import cfn_yaml

from tests.iam.deployed import TEMPLATES
from tests.iam.evaluator import Call, Statement, is_allowed

ACCOUNT, REGION = "111122223333", "us-east-1"
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/cloudhsm/cluster-likphkxygsn:*"
OTHER_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/payments:*"
SERVICE_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/cloudhsm.amazonaws.com/AWSServiceRoleForCloudHSM"
)
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/cloudhsm-audit-log-administrator"
EVERYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
WRITES = ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "PutSyslogConfiguration")
REMOVES = ("DeleteLogGroup", "DeleteLogStream", "PutRetentionPolicy", "AssociateKmsKey")


def template(name: str) -> Any:  # noqa: ANN401  (YAML)
    """A template with its intrinsic functions resolved as in this account and Region."""
    parsed = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATES / f"{name}.yaml"))))
    values = {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "AdministratorArn": parsed.get("Parameters", {}).get("AdministratorArn", {}).get("Default"),
        "TargetIds": [ACCOUNT],
    }
    return resolved(parsed["Resources"]["WritersPolicy"]["Properties"], values)


def resolved(value: Any, values: dict[str, Any]) -> Any:  # noqa: ANN401  (YAML)
    if isinstance(value, list):
        return [resolved(item, values) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return values[value["Ref"]]
    if "Fn::Sub" in value:
        text = value["Fn::Sub"]
        for name, text_value in values.items():
            text = text.replace(f"${{{name}}}", str(text_value))
        return text
    return {key: resolved(item, values) for key, item in value.items()}


def call(action: str, group: str = GROUP, **context: str) -> Call:
    keys = {"arn": "aws:PrincipalArn", "service": "aws:PrincipalServiceName"}
    return Call(f"logs:{action}", (group,), {keys[key]: value for key, value in context.items()})


@pytest.fixture(scope="module")
def scp() -> list[Statement]:
    return [EVERYTHING, *template("cloudhsm-writers-scp")["Content"]["Statement"]]


@pytest.fixture(scope="module")
def resource_policy() -> list[Statement]:
    document = template("cloudhsm-writers-resource-policy")["PolicyDocument"]
    return [EVERYTHING, *yaml.safe_load(document)["Statement"]]


@pytest.mark.parametrize("action", [*WRITES, *REMOVES])
def test_an_administrator_of_the_account_writes_and_removes_nothing(
    scp: list[Statement], action: str
) -> None:
    assert not is_allowed(scp, call(action, arn=f"arn:aws:iam::{ACCOUNT}:role/Admin"))
    assert is_allowed(scp, call(action, OTHER_GROUP, arn=f"arn:aws:iam::{ACCOUNT}:role/Admin"))


@pytest.mark.parametrize("action", REMOVES)
def test_the_named_role_may_remove_log_groups_and_write_to_none(
    scp: list[Statement], action: str
) -> None:
    assert is_allowed(scp, call(action, arn=ADMINISTRATOR))
    assert not any(is_allowed(scp, call(one, arn=ADMINISTRATOR)) for one in WRITES)


def test_reading_stays_allowed(scp: list[Statement]) -> None:
    assert is_allowed(scp, call("FilterLogEvents", arn=f"arn:aws:iam::{ACCOUNT}:role/reader"))


@pytest.mark.parametrize("action", ["CreateLogStream", "PutLogEvents"])
def test_no_service_but_cloudhsm_writes(resource_policy: list[Statement], action: str) -> None:
    assert not is_allowed(resource_policy, call(action, service="delivery.logs.amazonaws.com"))
    assert is_allowed(resource_policy, call(action, service="cloudhsm.amazonaws.com"))
    assert is_allowed(resource_policy, call(action, arn=SERVICE_ROLE))
    assert is_allowed(resource_policy, call(action, OTHER_GROUP, service="x.amazonaws.com"))
