"""The collector calls nothing that the deployed policies do not allow, and they allow no more."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cloudhsm import wiring
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from tests.bin.cloudhsm.aws.test_credentials import session_of
from tests.bin.fakes import Answer, ScriptedAws, described, filtered, refusal
from tests.iam.deployed import ACCOUNT, attached, deploy, policy, trust
from tests.iam.evaluator import Call, deciding, is_allowed
from tools.demo import local_aws

GROUP = "/aws/cloudhsm/cluster-likphkxygsn"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cloudhsm-audit-reader"
COLLECTOR = "arn:aws:iam::111122223333:role/forwarder"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
# AWS makes this call for whoever reads an encrypted log group; the collector never does.
DECRYPT = Call("kms:Decrypt", (KEY,), {"kms:ViaService": "logs.us-east-1.amazonaws.com"})
# GetCallerIdentity needs no permission.
FREE = {"GetCallerIdentity"}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with local_aws.running(tmp_path_factory.mktemp("moto") / "log") as url:
        yield url


@pytest.fixture
def url(local: str) -> str:
    reset = urllib.request.Request(f"{local}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset, timeout=30).close()  # noqa: S310
    return local


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    server = ScriptedAws()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    server.script["DescribeLogGroups"] = [described(GROUP, account=ACCOUNT)]
    server.script["FilterLogEvents"] = [filtered()]
    server.script["AssumeRole"] = [session_of("ASIAOFTHEROLE")]
    server.script["GetCallerIdentity"] = [identity()]
    yield server
    server.shutdown()
    server.server_close()


def identity() -> Answer:
    text = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<GetCallerIdentityResult><Arn>{ROLE}</Arn><UserId>A</UserId><Account>{ACCOUNT}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    return Answer(text.encode())


def statements_of(url: str, outputs: Mapping[str, str]) -> list[dict[str, Any]]:
    """What all policies of a stack allow together."""
    arns = [arn for name, arn in outputs.items() if name.endswith("PolicyArn")]
    return [statement for arn in arns for statement in policy(url, arn)]


def calls_of(aws: ScriptedAws, folder: Path, **parameters: str) -> list[Call]:
    """What a dry call and two runs of the real collector ask of AWS, as AWS authorizes it."""
    given = {
        "aws_region": "us-east-1",
        "endpoint_url": aws.url,
        "sts_endpoint_url": aws.url,
        "calls_per_second": "100",
        "start_time": "-1d",
        **parameters,
    }
    asked = parse("aws_cloudhsm://x", given, 1_790_000_000_000)
    assert wiring.check_access(asked).failures == []
    for _ in range(2):
        assert wiring.collect(asked, {"checkpoint_dir": str(folder)}, Stop()) == []
    return [_call(*one) for one in aws.requests if one[0] not in FREE]


def _call(operation: str, body: Mapping[str, Any]) -> Call:
    if operation == "DescribeLogGroups":
        return Call("logs:DescribeLogGroups", (f"{LOGS}*",))
    if operation == "FilterLogEvents":
        arn = f"{LOGS}{body['logGroupName']}"
        return Call("logs:FilterLogEvents", (arn, f"{arn}:*"))
    context = {"sts:ExternalId": str(body["ExternalId"])} if "ExternalId" in body else {}
    return Call(f"sts:{operation}", (body["RoleArn"],), context)


def test_a_stanza_that_looks_for_groups_is_allowed_all_it_calls_and_no_more(
    url: str, aws: ScriptedAws, tmp_path: Path
) -> None:
    statements = statements_of(url, deploy(url, "cloudhsm-audit-reader", KmsKeyArns=KEY))
    calls = [*calls_of(aws, tmp_path), DECRYPT]
    assert {one.action for one in calls} == {
        "logs:DescribeLogGroups",
        "logs:FilterLogEvents",
        "kms:Decrypt",
    }
    assert [one for one in calls if not is_allowed(statements, one)] == []
    unused = [one for one in statements if not any(one in deciding([one], c) for c in calls)]
    assert unused == []
    assert all(isinstance(one["Action"], str) and "*" not in one["Action"] for one in statements)


def test_a_stanza_that_names_its_groups_needs_no_discovery(
    url: str, aws: ScriptedAws, tmp_path: Path
) -> None:
    outputs = deploy(url, "cloudhsm-audit-reader", Discovery="no", LogGroupPrefix=GROUP)
    statements = statements_of(url, outputs)
    aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException", "not you")]
    calls = calls_of(aws, tmp_path, log_groups=GROUP)
    reading = [one for one in calls if one.action != "logs:DescribeLogGroups"]
    assert reading
    assert [one for one in reading if not is_allowed(statements, one)] == []
    assert {one["Action"] for one in statements} == {"logs:FilterLogEvents"}


@pytest.mark.parametrize(
    "call",
    [
        Call("logs:FilterLogEvents", (f"{LOGS}/aws/lambda/x",)),
        Call("logs:GetLogEvents", (f"{LOGS}{GROUP}",)),
        Call("logs:DeleteLogGroup", (f"{LOGS}{GROUP}",)),
        Call("logs:FilterLogEvents", (f"arn:aws:logs:us-east-1:999999999999:log-group:{GROUP}",)),
        Call("cloudhsm:DescribeClusters", ("*",)),
    ],
)
def test_nothing_else_is_allowed(url: str, call: Call) -> None:
    statements = statements_of(url, deploy(url, "cloudhsm-audit-reader"))
    assert not is_allowed(statements, call)


def test_a_role_of_another_account_is_assumed_with_its_external_id_only(
    url: str, aws: ScriptedAws, tmp_path: Path
) -> None:
    outputs = deploy(
        url, "cloudhsm-audit-reader", TrustedPrincipalArn=COLLECTOR, ExternalId="tenant-seven"
    )
    own = policy(url, deploy(url, "cloudhsm-collector", RoleArns=ROLE)["PolicyArn"])
    trusted = trust(url, "cloudhsm-audit-reader")
    calls = calls_of(aws, tmp_path, role_arn=ROLE, external_id="tenant-seven")
    assumed = [one for one in calls if one.action == "sts:AssumeRole"]
    assert assumed
    assert all(is_allowed(own, one) and is_allowed(trusted, one) for one in assumed)
    wrong = assumed[0]._replace(context={"sts:ExternalId": "tenant-eight"})
    assert not is_allowed(trusted, wrong)
    assert not is_allowed(trusted, wrong._replace(context={}))
    assert not is_allowed(own, Call("sts:AssumeRole", (f"{ROLE}-2",)))
    assert [one["Principal"] for one in trusted] == [{"AWS": COLLECTOR}]
    policies = {arn for name, arn in outputs.items() if name.endswith("PolicyArn")}
    assert {*attached(url, "cloudhsm-audit-reader")} == policies
    assert len(policies) == 2
    assert outputs["RoleArn"] == ROLE
