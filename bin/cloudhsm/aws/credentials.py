"""Where AWS credentials come from, by which way AWS is reached, and whose the credentials are.

Keys from Splunk's password storage, a named profile, or botocore's default chain (environment,
shared files, container, host); with any of them a role may be assumed, which botocore then renews
whenever it is about to end, in the middle of a run too.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cloudhsm import __version__
from cloudhsm.base.aws_identity import Login, Role, Secret
from cloudhsm.base.errors import (
    CloudHsmError,
    CredentialsError,
    Place,
    SettingError,
    refused_setting,
)
from cloudhsm.base.redaction import conceal, redacted

_CHAIN = (
    "Give the host an instance profile, or the user that runs Splunk a profile in ~/.aws or AWS_* "
    "variables in splunk-launch.conf, or store keys and name them in aws_credential"
)

# Whatever botocore makes of an endpoint that is not STS, or answers only in part.
_FAILURES = (BotoCoreError, ClientError, ResponseParserError, KeyError, ValueError)
# AWS refuses a signature that is 5 minutes old; its `Date` header tells how wrong a clock is.
_CLOCK_LIMIT_MS = 240_000


class Vault(Protocol):
    """Where secrets are kept; every method may raise a CloudHsmError."""

    def get(self, name: str) -> Secret:
        """A credential by its name."""


@dataclass(frozen=True)
class Patience:
    """How long one call may take: limits in seconds, and how often botocore tries in all."""

    connect_s: float
    read_s: float
    attempts: int


PATIENT = Patience(connect_s=10, read_s=30, attempts=4)
# For a person who waits in front of a form.
HASTY = Patience(connect_s=3, read_s=5, attempts=1)


def unlocked(login: Login, vault: Vault) -> Login:
    """The login with the secrets that it names, taken out of the storage.

    Raises CredentialsError where one is not to be had. What was typed counts before what is stored.
    """
    keys, proxy_user = login.keys, login.proxy_user
    if keys is None and login.credential:
        keys = vault.get(login.credential)
    if proxy_user is None and login.proxy_credential:
        proxy_user = vault.get(login.proxy_credential)
    conceal(*(secret.password for secret in (keys, proxy_user) if secret))
    return replace(login, keys=keys, proxy_user=proxy_user)


def session(profile: str | None = None) -> botocore.session.Session:
    """A session that resolves and refreshes credentials by the default chain."""
    return botocore.session.Session(profile=profile)


class Way:
    """Clients of AWS's services for one login and one Region.

    Raises SettingError for a role of another partition or a CA bundle that is none.
    """

    def __init__(self, login: Login, region: str, patience: Patience) -> None:
        self._login, self._region, self._patience = login, region, patience
        self._verify = _ca_bundle(login.ca_bundle)
        self.session = session(login.profile) if login.profile else session()
        if login.keys is not None:
            self.session.set_credentials(login.keys.user, login.keys.password)
        if login.role is not None:
            self.session = self._as_role(login.role)

    def client(
        self, service: str, endpoint_url: str | None = None, attempts: int | None = None
    ) -> Any:  # noqa: ANN401  (botocore has no type information)
        """A client with the login's endpoint, proxy and certificates."""
        return self._client(self.session, service, endpoint_url, attempts)

    def account_id(self) -> str:
        """The account of the credentials, from STS GetCallerIdentity, which needs no permission.

        Raises CloudHsmError where no account can be had.
        """
        try:
            sts = self.client("sts", self._login.sts_endpoint_url, min(2, self._patience.attempts))
            return str(sts.get_caller_identity()["Account"])
        except _FAILURES as error:
            if is_of_role(error):
                raise role_refused(error, self._login) from error
            raise CloudHsmError(
                f"GetCallerIdentity, which tells the account, failed: {redacted(str(error))}",
                place=Place(region=self._region),
                next_step="Allow logs:DescribeLogGroups, which tells it too, or open the way to "
                "STS, or name its endpoint in sts_endpoint_url",
            ) from error

    def _client(
        self,
        by: botocore.session.Session,
        service: str,
        endpoint_url: str | None,
        attempts: int | None = None,
    ) -> Any:  # noqa: ANN401
        patience = replace(self._patience, attempts=attempts or self._patience.attempts)
        return by.create_client(
            service,
            region_name=self._region,
            endpoint_url=endpoint_url,
            config=client_config(patience, _proxies(self._login)),
            verify=self._verify,
        )

    def _as_role(self, role: Role) -> botocore.session.Session:
        """A session of the role, which asks STS with the credentials that there were so far."""
        source = self.session
        partition = source.get_partition_for_region(self._region)
        if role.partition != partition:
            raise refused_setting(
                "role_arn",
                f"is of partition {role.partition}, but {self._region} is of {partition}",
                "A role is assumed in its own partition only: check role_arn and aws_region",
            )
        assumed = session()
        resolver = CredentialResolver(providers=[_RoleProvider(source, role, self._sts_of)])
        assumed.register_component("credential_provider", resolver)
        return assumed

    def _sts_of(self, source: botocore.session.Session) -> Any:  # noqa: ANN401
        return self._client(source, "sts", self._login.sts_endpoint_url, 2)


class _RoleProvider(CredentialProvider):  # type: ignore[misc]  # botocore has no type information
    """The role's credentials, fetched when they are first needed and renewed before they end."""

    METHOD = "assume-role"
    CANONICAL_NAME = None

    def __init__(self, source: botocore.session.Session, role: Role, sts_of: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._source, self._role, self._sts_of = source, role, sts_of

    def load(self) -> DeferredRefreshableCredentials | None:
        credentials = self._source.get_credentials()
        if credentials is None:
            return None
        asked = {"RoleSessionName": self._role.session_name}
        if self._role.external_id:
            asked["ExternalId"] = self._role.external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=lambda *_, **__: self._sts_of(self._source),
            source_credentials=credentials,
            role_arn=self._role.arn,
            extra_args={**asked, "DurationSeconds": self._role.duration_s},
        )
        return DeferredRefreshableCredentials(
            method=self.METHOD, refresh_using=fetcher.fetch_credentials
        )


def client_config(patience: Patience, proxies: Mapping[str, str] | None = None) -> Config:
    """Time limits, proxies, and botocore's own retries (exponential, with jitter)."""
    return Config(
        connect_timeout=patience.connect_s,
        read_timeout=patience.read_s,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        user_agent_extra=f"TA-aws-cloudhsm/{__version__}",
        proxies=dict(proxies) if proxies else None,
    )


def _proxies(login: Login) -> Mapping[str, str] | None:
    """For TLS only: plain http is for loopback, where no proxy belongs."""
    if login.proxy_url is None:
        return None
    parts = urlsplit(login.proxy_url)
    user = ""
    if login.proxy_user is not None:
        known = (login.proxy_user.user, login.proxy_user.password)
        user = ":".join(quote(part, safe="") for part in known) + "@"
    return {"https": f"{parts.scheme}://{user}{parts.netloc}"}


def _ca_bundle(path: str | None) -> str | None:
    """The file, once it holds certificates; without one botocore's, or AWS_CA_BUNDLE's."""
    if path is None:
        return None
    try:
        if not Path(path).is_file():
            raise FileNotFoundError("there is no such file")
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise SettingError(
            f"ca_bundle cannot be used: {error}",
            place=Place(file=path, setting="ca_bundle"),
            next_step="Name a file of PEM certificates that the user who runs Splunk may read",
        ) from error
    return path


def _whose(login: Login) -> str:
    """Where the credentials are from, for a person who looks for them."""
    if login.role is not None:
        return login.role.arn
    if login.credential or login.profile:
        return f"aws_credential {login.credential}" if login.credential else str(login.profile)
    return "aws_access_key_id of the stanza" if login.keys else "botocore's default chain"


def missing(error: Exception, region: str, login: Login) -> CredentialsError:
    """What to say when the chain ends without usable credentials."""
    return CredentialsError(
        f"There are no usable AWS credentials ({_whose(login)}): {redacted(str(error))}",
        place=Place(region=region),
        next_step=_CHAIN,
    )


def is_of_role(error: Exception) -> bool:
    """Whether it was not the call itself that failed, but assuming the role for it."""
    return isinstance(error, ClientError) and error.operation_name == "AssumeRole"


def role_refused(error: Exception, login: Login) -> CredentialsError:
    """What to say when STS does not let the role be assumed."""
    known = getattr(error, "response", {}).get("Error", {})
    code, message = str(known.get("Code", "")), redacted(str(known.get("Message", error)))
    role = login.role.arn if login.role else "the role"
    if "AccessDenied" in code:
        with_id = (
            "external_id is the one of"
            if login.role and login.role.external_id
            else ("no external_id is wanted by")
        )
        next_step = (
            "Check that the identity that AWS names may sts:AssumeRole on this ARN, that the role "
            f"exists, that its trust policy names that identity, and that {with_id} that policy"
        )
    elif "ValidationError" in code:
        next_step = "Lower role_duration: to the role's maximum, for a chained role to 3600"
    else:
        next_step = f"These are the credentials that assume the role. {_CHAIN}"
    return CredentialsError(
        f"sts:AssumeRole on {role} failed: {code}: {message}",
        place=Place(setting="role_arn"),
        next_step=next_step,
    )


def refused(
    code: str, message: str, region: str, login: Login, clock_offset_ms: int = 0
) -> CredentialsError:
    """What to say when AWS does not accept the credentials it was given.

    clock_offset_ms: AWS's clock minus this host's, as AWS's answer told it.
    """
    what, next_step = (
        "were refused",
        (
            f"Check key and secret, and that they are of the partition of {region}: keys of AWS's "
            f"commercial Regions are unknown in GovCloud and China. {_CHAIN}"
        ),
    )
    if abs(clock_offset_ms) > _CLOCK_LIMIT_MS:
        minutes = abs(clock_offset_ms) // 60_000
        side = "behind" if clock_offset_ms > 0 else "ahead of"
        what = f"were refused, since this host's clock is {minutes} min {side} AWS's"
        next_step = "Set this host's clock (NTP); the keys are most likely right"
    elif "xpired" in code:
        what, next_step = "have expired", "Renew them; " + _CHAIN
    elif "Signature" in code:
        next_step = "Check the secret key, which is not that of this access key id, and the clock"
    return CredentialsError(
        f"The AWS credentials ({_whose(login)}) {what}: {code}: {message}",
        place=Place(region=region),
        next_step=next_step,
    )
