"""AWS identity and network settings, validated. Pure.

What a person typed into the input's form in plain text is here only until the first run moves it
into Splunk's password storage; no text of it is ever printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from cloudhsm.base.arguments import DEFAULT_SESSION_NAME
from cloudhsm.base.errors import SettingError, refused_setting

# The value of a setting whose secret was moved; Splunk's forms send it back unchanged.
MASK = "********"
# AWS's bounds of a session with an assumed role, in seconds, and its default.
SHORTEST_S, LONGEST_S, DEFAULT_DURATION_S = 900, 43_200, 3600
MOST_ACCOUNTS = 20  # accountIdentifiers of DescribeLogGroups

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}", re.ASCII)
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
# `~` is only in names that the add-on itself gives to what was typed into an input.
_NAME = re.compile(r"[\w.@~-]{1,100}", re.ASCII)
# Prefixes of access key IDs: long-lived, temporary, bearer, context (IAM User Guide, identifiers).
_AWS_KEY = re.compile(r"(?<![A-Z0-9])(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}", re.ASCII | re.I)
_SECRET_KEY = re.compile(r"[A-Za-z0-9/+]{40}", re.ASCII)


@dataclass(frozen=True)
class Secret:
    """A user and a password: an access key id and its secret access key, or those of a proxy."""

    user: str
    password: str = field(repr=False)


def is_credential_name(text: str) -> bool:
    """Whether a text can be the name of a credential in Splunk's password storage."""
    return _NAME.fullmatch(text) is not None


def is_access_key_id(text: str) -> bool:
    """Whether a text has the form of an access key ID (IAM's is 16 to 128 characters)."""
    return _KEY_ID.fullmatch(text) is not None


def looks_like_aws_key(user: Secret) -> bool:
    """Whether what is meant as a proxy's user and password is an AWS key."""
    text = f"{user.user}:{user.password}"
    is_old = is_access_key_id(user.user) and _SECRET_KEY.fullmatch(user.password) is not None
    is_swapped = _SECRET_KEY.fullmatch(user.user.strip("\"' ")) is not None
    return is_old or is_swapped or _AWS_KEY.search(text) is not None


def refuse_proxy_user(user: Secret, setting: str) -> Secret:
    """User and password of a proxy; raises SettingError for those that cannot be sent to one."""
    if looks_like_aws_key(user):
        raise _aws_key_for_proxy(setting)
    if not (user.user + user.password).isascii():
        raise refused_setting(
            setting,
            "has a user or a password with characters other than ASCII, which cannot be sent",
            "Give the proxy's account a password of ASCII characters",
        )
    return user


def proxy_user(user: str, password: str, setting: str) -> Secret:
    """What a person typed as user and password of a proxy; raises SettingError."""
    if not user or ":" in user:
        raise refused_setting(
            setting, "has a user that is empty or has a colon", "Write http://USER:PASSWORD@..."
        )
    if not password:
        raise refused_setting(
            setting, "has a user without a password", "Write http://USER:PASSWORD@..., or none"
        )
    return refuse_proxy_user(Secret(user, password), setting)


def _aws_key_for_proxy(setting: str) -> SettingError:
    """What to report of an AWS key where a proxy's user and password belong."""
    return refused_setting(
        setting,
        "has an AWS key, which is never sent to a proxy",
        "Store user and password of the proxy; docs/credentials.md has the command",
    )


@dataclass(frozen=True)
class Role:
    """A role to assume; its external id is shared between two companies, so it is not printed."""

    arn: str
    external_id: str | None = field(default=None, repr=False)
    session_name: str = DEFAULT_SESSION_NAME
    duration_s: int = DEFAULT_DURATION_S

    @property
    def partition(self) -> str:
        """aws, aws-us-gov, aws-cn, ..."""
        return self.arn.split(":", 2)[1]


@dataclass(frozen=True)
class AwsIdentity:
    """Which AWS identity is used, and the network path to AWS.

    profile:          of the shared files. credential: a name in Splunk's password storage.
    keys:             typed into the form, to be moved there.
    role:             assumed with whichever of these, or with what botocore's chain finds.
    sts_endpoint_url: where roles are assumed; None for AWS's endpoint of the Region.
    proxy_url:        without user and password. proxy_credential: their name in the storage.
    proxy_user:       typed into `proxy_url`, to be moved there.
    key_id:           as in the stanza, whether or not its secret is there too.
    ca_bundle:        a file of certificates to trust instead of botocore's.
    linked_accounts:  whose log groups a monitoring account reads; empty for its own ones only.
    """

    profile: str | None = None
    credential: str | None = None
    keys: Secret | None = None
    role: Role | None = None
    sts_endpoint_url: str | None = None
    proxy_url: str | None = None
    proxy_credential: str | None = None
    proxy_user: Secret | None = None
    ca_bundle: str | None = None
    linked_accounts: tuple[str, ...] = ()
    key_id: str | None = None

    @property
    def proxy_host(self) -> str | None:
        """The host that a proxy's password is for."""
        return urlsplit(self.proxy_url).hostname if self.proxy_url else None

    @property
    def secrets(self) -> list[str]:
        """What no log may show."""
        passwords = [secret.password for secret in (self.keys, self.proxy_user) if secret]
        return passwords + ([self.role.external_id] if self.role and self.role.external_id else [])


def parse(values: Mapping[str, str]) -> AwsIdentity:
    """Check these settings of a stanza; raises SettingError."""
    proxy_url, proxy_user = _proxy(values.get("proxy_url", ""))
    credential, keys = _name(values, "aws_credential"), _keys(values)
    profile = values.get("aws_profile") or None
    if profile and (credential or keys):
        raise refused_setting(
            "aws_profile",
            "and keys of the stanza exclude each other",
            "Leave out aws_profile, or aws_credential and aws_access_key_id",
        )
    proxy_credential = _name(values, "proxy_credential")
    if proxy_credential and not proxy_url:
        raise refused_setting(
            "proxy_credential", "is given without proxy_url", "Add proxy_url, or remove it"
        )
    return AwsIdentity(
        profile,
        credential,
        keys,
        _role(values),
        endpoint("sts_endpoint_url", values.get("sts_endpoint_url", "")),
        proxy_url,
        proxy_credential,
        proxy_user,
        values.get("ca_bundle") or None,
        _accounts(values.get("linked_accounts", "")),
        values.get("aws_access_key_id") or None,
    )


def endpoint(setting: str, text: str) -> str | None:
    """The URL of a host; plain http only on loopback. Raises SettingError."""
    if not text:
        return None
    scheme, host, has_user = _parts_of(text)
    if has_user or not host or scheme not in ("http", "https"):
        # A user name or password in it could end up in a log, so the text itself is not repeated.
        raise refused_setting(
            setting, "is not the URL of a host", "Write https://HOST[:PORT], or nothing"
        )
    if scheme == "http" and host not in _LOOPBACK:
        raise refused_setting(
            setting,
            f"http://{host} would send audit records and requests unencrypted",
            "Use https://; plain http is accepted for this machine's loopback addresses only",
        )
    return text


def is_loopback(url: str) -> bool:
    """Whether a URL is of this machine's loopback interface."""
    return _parts_of(url)[1] in _LOOPBACK


def _parts_of(url: str) -> tuple[str, str, bool]:
    """Scheme, host (empty where there is no good one) and whether a user precedes it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "", "", False
    if not url.isprintable() or " " in url or not _HOST.fullmatch(host):
        host = ""
    return parts.scheme, host, "@" in parts.netloc


def _proxy(text: str) -> tuple[str | None, Secret | None]:
    """The URL without user and password, and these."""
    if not text:
        return None, None
    scheme, host, has_user = _parts_of(text)
    parts = urlsplit(text) if host else None
    if parts is None or scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise refused_setting(
            "proxy_url",
            "is not the URL of a proxy",
            "Write http://HOST:PORT; docs/credentials.md shows how to store user and password",
        )
    if not has_user:
        return text.rstrip("/"), None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    typed = proxy_user(user, password, "proxy_url")
    address = parts.netloc.rpartition("@")[2]
    return f"{scheme}://{address}", None if password == MASK else typed


def secret_settings(values: Mapping[str, str]) -> tuple[str, ...]:
    """The settings of a stanza whose values are or contain a secret in plain text."""
    typed = []
    if values.get("aws_secret_access_key", "") not in ("", MASK):
        typed.append("aws_secret_access_key")
    user, has_user, _ = values.get("proxy_url", "").rpartition("@")
    password = user.partition("://")[2] or user
    if has_user and not password.endswith(f":{MASK}"):
        typed.append("proxy_url")
    # A name has no colon; a secret that was typed in its place has one.
    names = ("aws_credential", "proxy_credential")
    return (*typed, *(name for name in names if ":" in values.get(name, "")))


def _keys(values: Mapping[str, str]) -> Secret | None:
    key_id, secret = values.get("aws_access_key_id", ""), values.get("aws_secret_access_key", "")
    if not secret or secret == MASK:
        if key_id and not values.get("aws_credential"):
            raise refused_setting(
                "aws_secret_access_key",
                "is missing next to aws_access_key_id",
                "Type both; the first run moves them into Splunk's password storage",
            )
        return None
    if not _KEY_ID.fullmatch(key_id):
        raise refused_setting(
            "aws_access_key_id",
            "is not an access key ID" if key_id else "is missing next to aws_secret_access_key",
            "An access key ID has 16 or more capital letters and digits, e.g. AKIA...",
        )
    if not secret.isprintable() or not 16 <= len(secret) <= 128:
        raise refused_setting(
            "aws_secret_access_key", "is not a secret access key", "Copy it as AWS showed it"
        )
    return Secret(key_id, secret)


def _role(values: Mapping[str, str]) -> Role | None:
    arn = values.get("role_arn", "")
    if not arn:
        for name in ("external_id", "role_session_name", "role_duration"):
            if values.get(name):
                raise refused_setting(name, "is given without role_arn", "Add role_arn")
        return None
    if not _ROLE.fullmatch(arn):
        raise refused_setting(
            "role_arn",
            f"{arn!r} is not the ARN of a role",
            "Write it as in arn:aws:iam::111122223333:role/cloudhsm-audit-reader",
        )
    external_id = values.get("external_id") or None
    if external_id and not _EXTERNAL_ID.fullmatch(external_id):
        raise refused_setting(
            "external_id",
            "is not an external id",
            "It has 2 to 1224 characters: letters, digits and _ + = , . @ : / -",
        )
    session_name = values.get("role_session_name") or DEFAULT_SESSION_NAME
    if not _SESSION_NAME.fullmatch(session_name):
        raise refused_setting(
            "role_session_name",
            f"{session_name!r} is not a session name",
            "It has 2 to 64 characters: letters, digits and _ + = , . @ -",
        )
    return Role(arn, external_id, session_name, _duration(values.get("role_duration", "")))


def _duration(text: str) -> int:
    if not text:
        return DEFAULT_DURATION_S
    if not re.fullmatch(r"\d{3,5}", text, re.ASCII) or not SHORTEST_S <= int(text) <= LONGEST_S:
        raise refused_setting(
            "role_duration",
            f"{text!r} is not a number of seconds from {SHORTEST_S} to {LONGEST_S}",
            "Write e.g. 3600; the role's own maximum and AWS's hour for chained roles bound it too",
        )
    return int(text)


def _name(values: Mapping[str, str], setting: str) -> str | None:
    name = values.get(setting, "")
    if name and not is_credential_name(name):
        raise refused_setting(
            setting,
            "is not the name of a credential",  # but perhaps a secret, so it is not repeated
            "Write the name under which it is stored: up to 100 letters, digits and _ . @ -",
        )
    return name or None


def _accounts(text: str) -> tuple[str, ...]:
    entries = tuple(dict.fromkeys(entry for entry in re.split(r"[\s,]+", text) if entry))
    for entry in entries:
        if not re.fullmatch(r"\d{12}", entry, re.ASCII):
            raise _not_accounts(f"{entry!r} is not an account id")
    if len(entries) > MOST_ACCOUNTS:
        raise _not_accounts(f"names {len(entries)} accounts; AWS takes {MOST_ACCOUNTS}")
    return entries


def _not_accounts(what: str) -> SettingError:
    return refused_setting(
        "linked_accounts",
        what,
        f"List at most {MOST_ACCOUNTS} account ids of 12 digits, separated by commas",
    )
