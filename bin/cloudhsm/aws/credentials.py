"""Where AWS credentials come from, and which account they belong to.

Keys from Splunk's password storage, a named profile, or botocore's default chain (environment,
shared files, container, host); with any of them a role may be assumed, which botocore then renews
whenever it is about to end, in the middle of a run too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from botocore import exceptions
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cloudhsm.aws.log_source import Caller
from cloudhsm.aws.session import PROCESS, AwsSession, Timeouts, source_of
from cloudhsm.base.aws_identity import AwsIdentity, Role, Secret
from cloudhsm.base.errors import CloudHsmError, CredentialsError, Place, refused_setting
from cloudhsm.base.redaction import conceal, redacted

_CHAIN = (
    "Give the host an instance profile, or the user that runs Splunk a profile in ~/.aws or AWS_* "
    "variables in splunk-launch.conf, or store keys and name them in aws_credential"
)

# IMDSv2 answers only within one hop by default, and a container is two away (boto/botocore#2644).
_HOPS = ". In a container on EC2, set the hop limit of the instance metadata to 2"
_OF_A_PROFILE = (
    "~/.aws of the user who runs Splunk (or AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)"
)
# Why botocore has no credentials, and what to do; the first class that fits counts.
_UNUSABLE: tuple[tuple[type[BotoCoreError], str], ...] = (
    (exceptions.NoCredentialsError, _CHAIN + _HOPS),
    (
        exceptions.PartialCredentialsError,
        "Set both, the key ID and its secret, in the same place; or remove the one that is left",
    ),
    (exceptions.ProfileNotFound, f"Correct its name, or add the profile to {_OF_A_PROFILE}"),
    (exceptions.ConfigParseError, f"Correct the file in {_OF_A_PROFILE}"),
    (exceptions.ConfigNotFound, f"Correct the path, or create the file in {_OF_A_PROFILE}"),
    (exceptions.InvalidConfigError, f"Correct the profile in {_OF_A_PROFILE}"),
    (exceptions.UnknownCredentialError, f"Correct credential_source in {_OF_A_PROFILE}"),
    (
        exceptions.SSOError,
        "A sign-in of IAM Identity Center ends after hours, and only a person can renew it: use a "
        "role or an instance profile. To collect until it ends: aws sso login, as the user who "
        "runs Splunk",
    ),
    (
        exceptions.TokenRetrievalError,
        "A sign-in of IAM Identity Center ends after hours, and only a person can renew it: use a "
        "role or an instance profile",
    ),
    (
        exceptions.RefreshWithMFAUnsupportedError,
        "Use a profile or a role without mfa_serial; see docs/credentials.md",
    ),
    (
        exceptions.CredentialRetrievalError,
        "Check what provides the credentials on this host, and renew them",
    ),
    # A profile of `aws login` needs a compiled library.
    (exceptions.MissingDependencyException, "Use a profile of another kind, or a role"),
)
UNUSABLE = tuple(kind for kind, _ in _UNUSABLE)
# How botocore names the provider in a CredentialRetrievalError.
_OF_A_PROVIDER = {
    "custom-process": PROCESS,
    "container-role": "Check that the agent that serves AWS_CONTAINER_CREDENTIALS_* (ECS, EKS Pod "
    "Identity) is running, and that these variables reach splunkd",
}
_ROLE_CALLS = ("AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials")

# Whatever botocore makes of an endpoint that is not STS, or answers only in part.
_FAILURES = (BotoCoreError, ClientError, ResponseParserError, KeyError, ValueError)
# AWS refuses a signature that is 5 minutes old; its `Date` header shows how far a clock is off.
_CLOCK_LIMIT_MS = 240_000


class SecretStore(Protocol):
    """Stored secrets, by purpose; every method may raise a CloudHsmError."""

    def aws_keys(self, name: str) -> Secret:
        """An access key ID and its secret access key."""

    def proxy_user(self, name: str, host: str) -> Secret:
        """User and password for the proxy at `host`."""


RUN_TIMEOUTS = Timeouts(connect_s=10, read_s=30, attempts=4)
# For a person who waits for a form to be saved.
FORM_TIMEOUTS = Timeouts(connect_s=3, read_s=5, attempts=1)


def with_secrets(identity: AwsIdentity, store: SecretStore) -> AwsIdentity:
    """The AWS identity with the secrets that it names, read from the store.

    Raises CredentialsError where one is missing. A typed secret precedes a stored one.
    """
    keys, proxy_user = identity.keys, identity.proxy_user
    if keys is None and identity.credential:
        keys = store.aws_keys(identity.credential)
    if proxy_user is None and identity.proxy_credential and identity.proxy_host:
        proxy_user = store.proxy_user(identity.proxy_credential, identity.proxy_host)
    conceal(*(secret.password for secret in (keys, proxy_user) if secret))
    return replace(identity, keys=keys, proxy_user=proxy_user)


def differing_key(identity: AwsIdentity) -> CredentialsError | None:
    """What to report of a key ID in the stanza that is not that of the stored keys."""
    if not identity.key_id or identity.keys is None or identity.key_id == identity.keys.user:
        return None
    return CredentialsError(
        f"aws_access_key_id {identity.key_id} is not the key that is stored as "
        f"{identity.credential}, which is used",
        place=Place(setting="aws_access_key_id"),
        next_step="Type its secret into aws_secret_access_key too, or remove aws_access_key_id",
    )


class AwsClients:
    """Clients of AWS's services for one AWS identity and Region.

    Raises SettingError for a role of another partition, a CA bundle that is none, or an endpoint
    that is not encrypted.
    """

    def __init__(self, identity: AwsIdentity, region: str, timeouts: Timeouts) -> None:
        self._identity, self._region, self._timeouts = identity, region, timeouts
        self.session = AwsSession(identity, timeouts, identity.profile)
        if identity.keys is not None:
            self.session.set_credentials(identity.keys.user, identity.keys.password)
        if identity.role is not None:
            self.session = self._as_role(identity.role)

    def client(
        self, service: str, endpoint_url: str | None = None, attempts: int | None = None
    ) -> Any:  # noqa: ANN401  (botocore has no type information)
        """A client with the identity's endpoint, proxy and certificates."""
        return self._client(self.session, service, endpoint_url, attempts)

    def account_id(self) -> str:
        """The account of the credentials. Raises CloudHsmError where STS does not return one."""
        return self.caller().account

    def caller(self) -> Caller:
        """Whose the credentials are, from STS GetCallerIdentity, which needs no permission.

        Raises CloudHsmError where STS does not return it.
        """
        sts = self.client("sts", attempts=min(2, self._timeouts.attempts))
        try:
            identity = sts.get_caller_identity()
            return Caller(str(identity["Account"]), str(identity.get("Arn", "")))
        except _FAILURES as error:
            if is_of_role(error):
                raise role_refused(error, self._identity) from error
            raise CloudHsmError(
                f"sts:GetCallerIdentity at {sts.meta.endpoint_url}, which returns the account, "
                f"failed: {redacted(str(error))}",
                place=Place(region=self._region),
                next_step="Allow logs:DescribeLogGroups, which returns it too, or open the network "
                "path to STS, or set its endpoint in sts_endpoint_url",
            ) from error

    def _client(
        self,
        by: AwsSession,
        service: str,
        endpoint_url: str | None = None,
        attempts: int | None = None,
    ) -> Any:  # noqa: ANN401
        retries = {"mode": "standard", "total_max_attempts": attempts or self._timeouts.attempts}
        return by.create_client(
            service,
            region_name=self._region,
            endpoint_url=endpoint_url,
            config=Config(retries=retries),
        )

    def _as_role(self, role: Role) -> AwsSession:
        """A session of the role, which asks STS with the credentials that there were so far."""
        source = self.session
        partition = source.get_partition_for_region(self._region)
        if role.partition != partition:
            raise refused_setting(
                "role_arn",
                f"is of partition {role.partition}, but {self._region} is of {partition}",
                "A role is assumed in its own partition only: check role_arn and aws_region",
            )
        assumed = AwsSession(self._identity, self._timeouts)
        resolver = CredentialResolver(providers=[_RoleProvider(source, role, self._sts_of)])
        assumed.register_component("credential_provider", resolver)
        return assumed

    def _sts_of(self, source: AwsSession) -> Any:  # noqa: ANN401
        return self._client(source, "sts", attempts=2)


class _RoleProvider(CredentialProvider):  # type: ignore[misc]  # botocore has no type information
    """The role's credentials, fetched when they are first needed and renewed before they end."""

    METHOD = "assume-role"
    CANONICAL_NAME = None

    def __init__(self, source: AwsSession, role: Role, sts_of: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._source, self._role, self._sts_of = source, role, sts_of

    def load(self) -> DeferredRefreshableCredentials | None:
        credentials = self._source.get_credentials()
        if credentials is None:
            return None
        request = {"RoleSessionName": self._role.session_name}
        if self._role.external_id:
            request["ExternalId"] = self._role.external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=lambda *_, **__: self._sts_of(self._source),
            source_credentials=credentials,
            role_arn=self._role.arn,
            extra_args={**request, "DurationSeconds": self._role.duration_s},
        )
        return DeferredRefreshableCredentials(
            method=self.METHOD, refresh_using=fetcher.fetch_credentials
        )


def missing(error: Exception, region: str, identity: AwsIdentity) -> CredentialsError:
    """The error of a chain that ends without usable credentials."""
    provider = str(getattr(error, "kwargs", {}).get("provider"))
    next_step = next(step for kind, step in _UNUSABLE if isinstance(error, kind))
    return CredentialsError(
        f"There are no usable AWS credentials ({source_of(identity)}): "
        f"{redacted(str(error)).strip()}",
        place=Place(region=region),
        next_step=_OF_A_PROVIDER.get(provider, next_step),
    )


def is_of_role(error: Exception) -> bool:
    """Whether it was not the call itself that failed, but getting a role's credentials for it."""
    return isinstance(error, ClientError) and error.operation_name in _ROLE_CALLS


def role_refused(error: Exception, identity: AwsIdentity) -> CredentialsError:
    """The error of a role that STS does not let the identity assume."""
    known = getattr(error, "response", {}).get("Error", {})
    code, message = str(known.get("Code", "")), redacted(str(known.get("Message", error)))
    operation = str(getattr(error, "operation_name", "AssumeRole"))
    service = "sso" if operation == "GetRoleCredentials" else "sts"
    role = identity.role.arn if identity.role else f"the role of {source_of(identity)}"
    if operation == "AssumeRoleWithWebIdentity":
        next_step = (
            "Check AWS_ROLE_ARN, that its trust policy names the token's issuer, audience and "
            "subject, that the account has this issuer as an identity provider, and that the file "
            "of AWS_WEB_IDENTITY_TOKEN_FILE is renewed"
        )
    elif operation == "GetRoleCredentials":
        next_step = "Check sso_account_id and sso_role_name of the profile, and the assignment"
    elif "AccessDenied" in code:
        external = ""
        if identity.role:
            is_given = identity.role.external_id is not None
            external = ", and that " + (
                "external_id is the one of that policy"
                if is_given
                else "that policy requires no external ID"
            )
        next_step = (
            "Check that the identity that AWS names may sts:AssumeRole on this ARN, that the role "
            f"exists, that its trust policy names that identity{external}"
        )
    elif "DurationSeconds" in message:
        setting = "role_duration" if identity.role else "duration_seconds of the profile"
        next_step = f"Lower {setting}: to the role's maximum, for a chained role to 3600"
    elif "ValidationError" in code:
        next_step = "Correct the value that AWS names: of the role's ARN, external ID or session"
    else:
        next_step = "These are the credentials that assume the role: check and renew them"
    return CredentialsError(
        f"{service}:{operation} on {role} failed: {code}: {message}",
        place=Place(setting="role_arn" if identity.role else None),
        next_step=next_step,
    )


def refused(
    code: str, message: str, region: str, identity: AwsIdentity, clock_offset_ms: int = 0
) -> CredentialsError:
    """The error of credentials that AWS does not accept.

    clock_offset_ms: AWS's clock minus this host's, as in AWS's response.
    """
    what, next_step = (
        "were refused",
        (
            f"Check key and secret, and that they are of the partition of {region}: keys of AWS's "
            "commercial Regions are unknown in GovCloud and China"
        ),
    )
    if abs(clock_offset_ms) > _CLOCK_LIMIT_MS:
        minutes = abs(clock_offset_ms) // 60_000
        side = "behind" if clock_offset_ms > 0 else "ahead of"
        what = f"were refused, since this host's clock is {minutes} min {side} AWS's"
        next_step = "Set this host's clock (NTP); the keys are most likely right"
    elif "xpired" in code:
        what = "have expired"
        next_step = (
            "Renew them, or use credentials that are renewed automatically: an instance profile, a "
            "container's role, or role_arn"
        )
    elif "Signature" in code:
        next_step = (
            "Check the secret key, which does not belong to this access key ID, and the clock"
        )
    return CredentialsError(
        f"The AWS credentials ({source_of(identity)}) {what}: {code}: {message}",
        place=Place(region=region),
        next_step=next_step,
    )
