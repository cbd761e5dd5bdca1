"""Refusals that last are reported as such, with the next step that resolves them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.refusals import is_lasting, refusal
from cloudhsm.aws.session import Timeouts
from cloudhsm.base.errors import AccessDenied, CloudHsmError, Place, RefusedUntilChanged
from cloudhsm.base.settings import parse
from tests.bin.fakes import ScriptedAws, described
from tests.bin.fakes import refusal as answer

GROUP = "/aws/cloudhsm/cluster-likphkxygsn"
ONCE = Timeouts(connect_s=2, read_s=2, attempts=1)
NOT_AUTHORIZED = "User: arn:aws:sts::111122223333:assumed-role/r/i is not authorized to perform: x"
LASTING = {
    "Region": ("OptInRequired", "The AWS Access Key Id needs a subscription", "Turn on the Region"),
    "KMS code": ("KMSDisabledException", "arn:aws:kms:x is disabled", "Enable the key"),
    "KMS words": (
        "AccessDeniedException",
        "The specified KMS key does not exist or is not allowed to be used with LogGroup",
        "Enable the key",
    ),
    "log class": (
        "InvalidOperationException",
        "This operation is not supported for log groups of log class INFREQUENT_ACCESS",
        "class STANDARD",
    ),
    "data protection": (
        "InvalidOperationException",
        "The log group has a data protection policy",
        "Exclude /aws/cloudhsm/",
    ),
}
DENIED = {
    "SCP": (f"{NOT_AUTHORIZED} with an explicit deny in a service control policy", "organization"),
    "no SCP": (f"{NOT_AUTHORIZED} because no service control policy allows x", "organization"),
    "RCP": (f"{NOT_AUTHORIZED} with an explicit deny in a resource control policy", "organization"),
    "boundary": (f"{NOT_AUTHORIZED} because no permissions boundary allows x", "boundary"),
    "endpoint": (f"{NOT_AUTHORIZED} because no VPC endpoint policy allows x", "endpoint's policy"),
    "session": (f"{NOT_AUTHORIZED} because no session policy allows x", "role is assumed"),
    "explicit": (
        f"{NOT_AUTHORIZED} with an explicit deny in an identity-based policy",
        "overrides",
    ),
}


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    server = ScriptedAws()
    server.script["DescribeLogGroups"] = [described(GROUP)]
    yield server
    server.shutdown()
    server.server_close()


def failure(aws: ScriptedAws, code: str, message: str) -> CloudHsmError:
    """What reading a log group fails with when AWS responds like this."""
    aws.script["FilterLogEvents"] = [answer(code, message)]
    settings = parse(
        "aws_cloudhsm://x",
        {
            "aws_region": "us-east-1",
            "endpoint_url": aws.url,
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": "a-secret-access-key",
        },
        0,
    )
    source = CloudWatchLogs(settings, ONCE)
    (group,) = source.discover(settings.log_groups).groups
    with pytest.raises(CloudHsmError) as caught:
        source.may_read(group.id)
    return caught.value


@pytest.mark.parametrize(("code", "message", "next_step"), LASTING.values(), ids=LASTING)
def test_what_somebody_must_change_in_aws_is_not_reported_as_passing(
    aws: ScriptedAws, code: str, message: str, next_step: str
) -> None:
    error = failure(aws, code, message)
    assert isinstance(error, RefusedUntilChanged)
    assert is_lasting(error)
    assert error.what.startswith(f"AWS refuses logs:FilterLogEvents on {GROUP} until this is")
    assert message in error.what
    assert next_step in error.next_step
    assert "next run" not in str(error)


@pytest.mark.parametrize(("message", "next_step"), DENIED.values(), ids=DENIED)
def test_a_policy_that_is_not_of_the_identity_needs_another_step_than_a_statement(
    aws: ScriptedAws, message: str, next_step: str
) -> None:
    error = failure(aws, "AccessDeniedException", message)
    assert isinstance(error, AccessDenied)
    assert next_step in error.next_step
    assert "Add this statement" not in error.next_step


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", NOT_AUTHORIZED),
        ("ThrottlingException", "Rate exceeded"),
        ("ServiceUnavailableException", "try later"),
        ("InvalidParameterException", "The specified nextToken is invalid."),
        ("ResourceNotFoundException", "The specified log group does not exist."),
    ],
)
def test_other_refusals_stay_what_they_are(code: str, message: str) -> None:
    assert refusal(code, message, "logs:FilterLogEvents", Place(group=GROUP)) is None
