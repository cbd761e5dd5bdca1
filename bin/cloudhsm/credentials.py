"""Where AWS credentials come from: botocore's default chain, and whose they are.

The chain is environment, shared files (`~/.aws`, named by AWS_PROFILE), container and host.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cloudhsm import __version__
from cloudhsm.errors import CloudHsmError, CredentialsError, Place

_CHAIN = (
    "Give the host an instance profile, or the user that runs Splunk a profile in ~/.aws or AWS_* "
    "variables in splunk-launch.conf"
)


# Whatever botocore makes of an endpoint that is not STS, or answers only in part.
_FAILURES = (BotoCoreError, ClientError, ResponseParserError, KeyError, ValueError)


def session() -> botocore.session.Session:
    """A session that resolves and refreshes credentials by the default chain."""
    return botocore.session.Session()


@dataclass(frozen=True)
class Patience:
    """How long one call may take: limits in seconds, and how often botocore tries in all."""

    connect_s: float
    read_s: float
    attempts: int


PATIENT = Patience(connect_s=10, read_s=30, attempts=4)
# For a person who waits in front of a form.
HASTY = Patience(connect_s=3, read_s=5, attempts=1)


def client_config(patience: Patience) -> Config:
    """Time limits, and botocore's own retries (exponential, with jitter)."""
    return Config(
        connect_timeout=patience.connect_s,
        read_timeout=patience.read_s,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        user_agent_extra=f"TA-aws-cloudhsm/{__version__}",
    )


def account_id(aws: botocore.session.Session, region: str, patience: Patience = PATIENT) -> str:
    """The account of the credentials, from STS GetCallerIdentity, which needs no permission.

    Raises CloudHsmError where no account can be had.
    """
    try:
        config = client_config(replace(patience, attempts=min(2, patience.attempts)))
        sts = aws.create_client("sts", region_name=region, config=config)
        return str(sts.get_caller_identity()["Account"])
    except _FAILURES as error:
        raise CloudHsmError(
            f"GetCallerIdentity, which tells the account, failed: {error}",
            place=Place(region=region),
            next_step="Allow logs:DescribeLogGroups, which tells it too, or open the way to STS",
        ) from error


def missing(error: Exception, region: str) -> CredentialsError:
    """What to say when the chain ends without usable credentials."""
    return CredentialsError(
        f"There are no usable AWS credentials: {error}",
        place=Place(region=region),
        next_step=_CHAIN,
    )


def refused(code: str, message: str, region: str) -> CredentialsError:
    """What to say when AWS does not accept the credentials it was given."""
    if "xpired" in code:
        what, next_step = "have expired", "Renew them; " + _CHAIN
    elif "Signature" in code:
        what = "were refused"
        next_step = "Check this host's clock first, then the secret key"
    else:
        what, next_step = "were refused", _CHAIN
    return CredentialsError(
        f"The AWS credentials {what}: {code}: {message}",
        place=Place(region=region),
        next_step=next_step,
    )
