"""A botocore session whose clients all verify TLS and use the network path of the input.

botocore creates clients of its own for a profile that assumes a role, a web identity token or IAM
Identity Center. They go through `create_client` of the session, too, so that the certificates, the
proxy, the STS endpoint and the rule for endpoints are the same for them.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Optional
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cloudhsm import __version__
from cloudhsm.base.aws_identity import AwsIdentity, endpoint
from cloudhsm.base.errors import CloudHsmError, CredentialsError, Place, SettingError
from cloudhsm.base.redaction import redacted

# Credentials of instances and containers come from these addresses, which no proxy reaches.
LINK_LOCAL = (
    *("169.254.169.254", "169.254.170.2", "169.254.170.23"),
    *("fd00:ec2::254", "[fd00:ec2::254]", "fd00:ec2::23", "[fd00:ec2::23]"),
)

_TOKEN_FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
PROCESS = (
    "Run the credential_process of the profile as the user who runs Splunk: it must exist, succeed "
    "and print one JSON object with Version, AccessKeyId and SecretAccessKey"
)

Refresh = Callable[[], Optional[Mapping[str, Any]]]


@dataclass(frozen=True)
class Timeouts:
    """How long one call may take: limits in seconds, and how often botocore tries in all."""

    connect_s: float
    read_s: float
    attempts: int


@dataclass(frozen=True)
class Trust:
    """Which certificates are trusted.

    verify: a file of CA certificates, or True for the built-in ones; never anything else.
    blank:  where a CA bundle is set to nothing, for the administrator to find; None if nowhere.
    """

    verify: str | bool
    blank: str | None = None


class AwsSession(botocore.session.Session):  # type: ignore[misc]  # botocore has no types
    """Clients for one AWS identity.

    Raises SettingError for a CA bundle that is none and for an endpoint that is not encrypted,
    CredentialsError for credentials that cannot be loaded.
    """

    def __init__(
        self, identity: AwsIdentity, timeouts: Timeouts, profile: str | None = None
    ) -> None:
        super().__init__(profile=profile)
        bypass_proxies_for_link_local(os.environ)
        self._identity = identity
        self._timeouts = timeouts
        self.trust = trusted(identity.ca_bundle, self.get_config_variable("ca_bundle"), os.environ)

    def create_client(self, service_name: str, *where: Any, **arguments: Any) -> Any:  # noqa: ANN401
        """A client as botocore makes it, with our certificates, proxy and limits of time."""
        config = client_config(self._timeouts, _proxies(self._identity))
        arguments["config"] = config.merge(arguments.get("config") or Config())
        arguments["verify"] = self.trust.verify
        if service_name == "sts" and not arguments.get("endpoint_url"):
            arguments["endpoint_url"] = self._identity.sts_endpoint_url
        client = super().create_client(service_name, *where, **arguments)
        # The actual one: it may come from the stanza, the environment or a profile.
        endpoint(_source_of_endpoint(service_name, self._identity), str(client.meta.endpoint_url))
        return client

    def get_credentials(self) -> Any:  # noqa: ANN401
        """The credentials, or None where there are none. Raises CredentialsError."""
        for provider in getattr(self.get_component("credential_provider"), "providers", ()):
            if hasattr(provider, "_prompter"):
                provider._prompter = _no_prompt
        credentials = self._loaded(super().get_credentials)
        refresh = getattr(credentials, "_refresh_using", None)
        if refresh is not None and not isinstance(refresh, _Explained):
            credentials._refresh_using = _Explained(self._loaded, refresh)
        return credentials

    def _loaded(self, load: Callable[[], Any]) -> Any:  # noqa: ANN401
        """What `load` returns; files and programs that fail are the administrator's to fix."""
        try:
            return load()
        except (BotoCoreError, ClientError, CloudHsmError):
            raise  # who calls AWS knows what they mean
        except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError) as error:
            raise CredentialsError(
                f"AWS credentials cannot be loaded ({source_of(self._identity)}): "
                f"{type(error).__name__}: {redacted(str(error))}",
                next_step=_next_step(error),
            ) from error


class _Explained(NamedTuple):
    """How credentials are renewed, with errors that state the cause."""

    load: Callable[[Refresh], Any]
    refresh: Refresh

    def __call__(self) -> Any:  # noqa: ANN401
        """New credentials, as botocore wants them."""
        return self.load(self.refresh)


def client_config(timeouts: Timeouts, proxies: Mapping[str, str] | None = None) -> Config:
    """Time limits, proxies, and botocore's own retries (exponential, with jitter)."""
    return Config(
        connect_timeout=timeouts.connect_s,
        read_timeout=timeouts.read_s,
        retries={"mode": "standard", "total_max_attempts": timeouts.attempts},
        user_agent_extra=f"TA-aws-cloudhsm/{__version__}",
        proxies=dict(proxies) if proxies else None,
    )


def trusted(setting: str | None, configured: str | None, environment: Mapping[str, str]) -> Trust:
    """Which certificates are trusted: of the stanza, the environment, a profile, or built in.

    setting: `ca_bundle` of the stanza. configured: what botocore found in AWS_CA_BUNDLE or in
    `ca_bundle` of the profile. Where one of these is blank, botocore before 1.43.54 does not verify
    TLS (boto/botocore#3751), and the last one for Python 3.9 is older: so botocore never decides.
    Raises SettingError for a file without certificates.
    """
    if setting is not None:
        return Trust(_ca_file(setting, "ca_bundle"))
    values = {
        "AWS_CA_BUNDLE" if "AWS_CA_BUNDLE" in environment else "ca_bundle of the AWS profile": (
            configured
        ),
        "REQUESTS_CA_BUNDLE": environment.get("REQUESTS_CA_BUNDLE"),
    }
    named = {name: path for name, path in values.items() if path is not None}
    blank = next((name for name, path in named.items() if not path.strip()), None)
    for name, path in named.items():
        if path.strip():
            return Trust(_ca_file(path, name), blank)
    return Trust(True, blank)


def blank_ca_bundle(source: str) -> SettingError:
    """What to report of a CA bundle that is set to nothing; `source` as in Trust.blank."""
    return SettingError(
        f"{source} is set to nothing. TLS is verified all the same, with the built-in certificates",
        place=Place(setting=source),
        next_step="Remove it, or name a file of PEM certificates",
    )


def _ca_file(path: str, source: str) -> str:
    try:
        if not Path(path).is_file():
            raise FileNotFoundError("there is no such file")
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise SettingError(
            f"{source} {path} cannot be used: {error}",
            place=Place(file=path, setting=source),
            next_step="Name a file of PEM certificates that the user who runs Splunk may read",
        ) from error
    return path


def bypass_proxies_for_link_local(environment: Any) -> None:  # noqa: ANN401  (os.environ)
    """Add the addresses of instance and container credentials to NO_PROXY of this process."""
    # Python prefers the name in lower case; some programs refuse an environment with both.
    name = "no_proxy" if "no_proxy" in environment else "NO_PROXY"
    hosts = [host.strip() for host in environment.get(name, "").split(",") if host.strip()]
    if "*" not in hosts:
        added = [host for host in LINK_LOCAL if host not in hosts]
        environment[name] = ",".join([*hosts, *added])


def source_of(identity: AwsIdentity) -> str:
    """Where the credentials come from, for a person who looks for them."""
    if identity.role is not None:
        return identity.role.arn
    if identity.keys and identity.keys.user == identity.key_id:
        return f"aws_access_key_id {identity.key_id}"
    if identity.credential:
        return f"aws_credential {identity.credential}"
    if identity.profile:
        return f"aws_profile {identity.profile}"
    if os.environ.get("AWS_PROFILE"):
        return f"AWS_PROFILE {os.environ['AWS_PROFILE']}"
    return "botocore's default chain"


def _no_prompt(prompt: str = "") -> str:
    raise CredentialsError(
        f"The AWS profile asks for an MFA code, which no one can type here ({prompt.strip(': ')})",
        next_step="Use a profile or a role without mfa_serial; see docs/credentials.md",
    )


def _next_step(error: Exception) -> str:
    path = getattr(error, "filename", None)
    if isinstance(path, (str, bytes)) and path:
        name = os.fsdecode(path)
        for variable in _TOKEN_FILES:
            if name == os.environ.get(variable):
                return f"{variable} names {name}: make it readable, or unset the variable"
        return (
            f"{name} must exist, and the user who runs Splunk must be allowed to read it, and to "
            "run it where it is a credential_process: correct it, or its path in ~/.aws"
        )
    return PROCESS


def _source_of_endpoint(service: str, identity: AwsIdentity) -> str:
    if service == "sts" and identity.sts_endpoint_url:
        return "sts_endpoint_url"
    names = {"logs": "CLOUDWATCH_LOGS", "sts": "STS", "sso": "SSO", "sso-oidc": "SSO_OIDC"}
    variable = f"AWS_ENDPOINT_URL_{names.get(service, service.upper())}"
    for name in (variable, "AWS_ENDPOINT_URL"):
        if os.environ.get(name):
            return name
    return "endpoint_url of the AWS profile"


def _proxies(identity: AwsIdentity) -> Mapping[str, str] | None:
    """For TLS only: plain http is for loopback, where no proxy belongs."""
    if identity.proxy_url is None:
        return None
    parts = urlsplit(identity.proxy_url)
    user = ""
    if identity.proxy_user is not None:
        known = (identity.proxy_user.user, identity.proxy_user.password)
        user = ":".join(quote(part, safe="") for part in known) + "@"
    return {"https": f"{parts.scheme}://{user}{parts.netloc}"}
