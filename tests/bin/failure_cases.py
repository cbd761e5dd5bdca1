"""Failures between an input and its log groups: how each is caused, and what is reported.

Each case is a stanza that a person saves while something is broken: files, variables, splunkd, STS,
a proxy or CloudWatch Logs. `reported` saves it and returns the error. docs/troubleshooting.md is
generated from them by tools/troubleshooting.py.
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, TypeVar
from unittest import mock

import trustme
from botocore.utils import ContainerMetadataFetcher

from cloudhsm import wiring
from cloudhsm.aws import logs_client
from cloudhsm.base import redaction
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.collect import access_check
from cloudhsm.splunk import password_storage
from tests.bin.cloudhsm.aws.test_credentials import Proxy, sts_refusal
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import Answer, ScriptedAws, described, filtered, refusal

REALM = "TA-aws-cloudhsm"
GROUP = "/aws/cloudhsm/cluster-likphkxygsn"
ROLE = "arn:aws:iam::444455556666:role/cloudhsm-audit-reader"
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TYPED = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
BASE = f"[base]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
ASSUMED = "User: arn:aws:sts::111122223333:assumed-role/splunk/i-0abc"
DENIED = f"{ASSUMED} is not authorized to perform: logs:FilterLogEvents"

Server = TypeVar("Server", bound=ThreadingHTTPServer)


@dataclass(frozen=True)
class Case:
    """One failure. In all texts {home}, {aws}, {tls}, {proxy} stand for what the case runs with.

    provider:  where the credentials come from, or what is between the input and the log groups.
    failure:   what is broken, for the page.
    error:     the class of the error. text: a part of what is reported.
    settings:  of the stanza, in addition to Region and endpoints. variables: of the environment.
    files:     by their path in the home folder. stored: by realm and name.
    aws:       responses by operation, in place of those that work. denies: splunkd's capability.
    """

    provider: str
    failure: str
    error: str
    text: str
    settings: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[tuple[str, str], str] = field(default_factory=dict)
    aws: Mapping[str, Answer] = field(default_factory=dict)
    denies: bool = False
    proxy_status: int = 407


def profile(text: str, more: str = "") -> dict[str, str]:
    """The files of a profile `audit`."""
    return {".aws/config": f"[profile audit]\n{text}\n{more}", ".aws/credentials": BASE}


def reading(code: str, message: str, status: int = 400) -> dict[str, Answer]:
    """What CloudWatch Logs responds to FilterLogEvents."""
    return {"FilterLogEvents": refusal(code, message, status)}


STORED, TYPED_IN, PROFILE = "`aws_credential`", "typed keys", "`aws_profile`"
DEFAULT, WEB = "`AWS_*` variables", "web identity token"
CONTAINER, INSTANCE = "container", "instance profile"
ASSUMING, STS_CALL, PROXY = "`role_arn`", "STS", "`proxy_url`"
TLS, ENDPOINT, LOGS = "TLS", "endpoint", "CloudWatch Logs"

CASES = (
    Case(
        STORED,
        "nothing is stored under this name",
        "CredentialsError",
        "has no AWS keys named 'prdo'",
        {"aws_credential": "prdo"},
    ),
    Case(
        STORED,
        "the entry has no colon",
        "CredentialsError",
        "does not have the form USER:PASSWORD",
        {"aws_credential": "prod"},
        stored={(REALM, "prod"): SECRET},
    ),
    Case(
        STORED,
        "the entry is a proxy's password",
        "CredentialsError",
        "is not an AWS key",
        {"aws_credential": "corp"},
        stored={(REALM, "corp"): "svc:password"},
    ),
    Case(
        STORED,
        "the owner of the input may not read the password storage",
        "CredentialsError",
        "list_storage_passwords",
        {"aws_credential": "prod"},
        denies=True,
    ),
    Case(
        STORED,
        "the access key is unknown, was deleted, or is of another partition",
        "CredentialsError",
        "UnrecognizedClientException",
        {"aws_credential": "prod"},
        stored={(REALM, "prod"): f"{KEY_ID}:{SECRET}"},
        aws={
            "DescribeLogGroups": refusal(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        },
    ),
    Case(
        TYPED_IN,
        "the secret access key is another one's",
        "CredentialsError",
        "SignatureDoesNotMatch",
        TYPED,
        aws={
            "DescribeLogGroups": refusal(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. "
                "SignatureDoesNotMatch",
            )
        },
    ),
    Case(
        TYPED_IN,
        "this host's clock is more than 5 minutes off",
        "CredentialsError",
        "this host's clock",
        TYPED,
        aws={
            "DescribeLogGroups": Answer(
                {"__type": "InvalidSignatureException", "message": "Signature expired"},
                400,
                date="Wed, 01 Jan 2098 00:00:00 GMT",
            )
        },
    ),
    Case(
        TYPED_IN,
        "the secret access key is missing",
        "SettingError",
        "aws_secret_access_key is missing",
        {"aws_access_key_id": KEY_ID},
    ),
    Case(
        TYPED_IN,
        "the access key ID is not one",
        "SettingError",
        "is not an access key",
        {**TYPED, "aws_access_key_id": "alice"},
    ),
    Case(
        PROFILE,
        "there is no such profile",
        "CredentialsError",
        "audti",
        {"aws_profile": "audti"},
        files=profile("source_profile = base"),
    ),
    Case(
        PROFILE,
        "the profile has a key ID without its secret",
        "CredentialsError",
        "aws_secret_access_key",
        {"aws_profile": "audit"},
        files={".aws/credentials": f"[audit]\naws_access_key_id = {KEY_ID}\n"},
    ),
    Case(
        PROFILE,
        "`source_profile` does not exist",
        "CredentialsError",
        "nobody",
        {"aws_profile": "audit"},
        files=profile(f"role_arn = {ROLE}\nsource_profile = nobody"),
    ),
    Case(
        PROFILE,
        "`mfa_serial` asks for a code",
        "CredentialsError",
        "MFA",
        {"aws_profile": "audit"},
        files=profile(
            f"role_arn = {ROLE}\nsource_profile = base\n"
            "mfa_serial = arn:aws:iam::111122223333:mfa/alice"
        ),
    ),
    Case(
        PROFILE,
        "the role of the profile is denied",
        "CredentialsError",
        "sts:AssumeRole",
        {"aws_profile": "audit"},
        files=profile(f"role_arn = {ROLE}\nsource_profile = base"),
        aws={"AssumeRole": sts_refusal("AccessDenied", f"{ASSUMED} may not sts:AssumeRole")},
    ),
    Case(
        PROFILE,
        "`credential_process` names a program that does not exist",
        "CredentialsError",
        "/opt/keys/get",
        {"aws_profile": "audit"},
        files=profile("credential_process = /opt/keys/get --role audit"),
    ),
    Case(
        PROFILE,
        "`credential_process` prints no JSON",
        "CredentialsError",
        "credential_process",
        {"aws_profile": "audit"},
        files=profile("credential_process = echo please log in"),
    ),
    Case(
        PROFILE,
        "`credential_process` ends with an error",
        "CredentialsError",
        "credential",
        {"aws_profile": "audit"},
        files=profile("credential_process = sh -c 'echo vault is sealed >&2; exit 3'"),
    ),
    Case(
        PROFILE,
        "the sign-in of IAM Identity Center has ended",
        "CredentialsError",
        "SSO",
        {"aws_profile": "audit"},
        files=profile(
            "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Audit",
            "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\n"
            "sso_region = us-east-1\n",
        ),
    ),
    Case(
        PROFILE,
        "`~/.aws/config` cannot be parsed",
        "CredentialsError",
        "config",
        {"aws_profile": "audit"},
        files={".aws/config": "[profile audit\nregion us-east-1\n"},
    ),
    Case(
        DEFAULT,
        "`AWS_PROFILE` names no profile",
        "CredentialsError",
        "audti",
        variables={"AWS_PROFILE": "audti"},
    ),
    Case(
        DEFAULT,
        "`AWS_SECRET_ACCESS_KEY` is missing",
        "CredentialsError",
        "AWS_SECRET_ACCESS_KEY",
        variables={"AWS_ACCESS_KEY_ID": KEY_ID},
    ),
    Case(
        DEFAULT,
        "the session token has expired",
        "CredentialsError",
        "have expired",
        variables={
            "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": "old",
        },
        aws={
            "DescribeLogGroups": refusal(
                "ExpiredTokenException", "The security token included in the request is expired"
            )
        },
    ),
    Case(
        WEB,
        "the token file does not exist",
        "CredentialsError",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        variables={"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ROLE_ARN": ROLE},
    ),
    Case(
        WEB,
        "STS does not accept the token",
        "CredentialsError",
        "InvalidIdentityToken",
        variables={"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ROLE_ARN": ROLE},
        files={"token": "a.b.c"},
        aws={
            "AssumeRoleWithWebIdentity": sts_refusal(
                "InvalidIdentityToken", "No OpenIDConnect provider found in your account", 400
            )
        },
    ),
    Case(
        CONTAINER,
        "its credentials cannot be reached",
        "CredentialsError",
        "container-role",
        variables={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/keys"},
    ),
    Case(
        CONTAINER,
        "its token file does not exist",
        "CredentialsError",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        variables={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/keys",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/pod-token",
        },
    ),
    Case(
        INSTANCE,
        "none is attached, or a container is one hop too far away",
        "CredentialsError",
        "hop limit",
        variables={
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1",
        },
    ),
    Case(
        ASSUMING,
        "its trust policy, its name or the external ID does not match",
        "CredentialsError",
        "trust policy",
        {**TYPED, "role_arn": ROLE, "external_id": "tenant-7"},
        aws={
            "AssumeRole": sts_refusal(
                "AccessDenied", f"{ASSUMED} is not authorized to perform: sts:AssumeRole"
            )
        },
    ),
    Case(
        ASSUMING,
        "`role_duration` is longer than the role allows",
        "CredentialsError",
        "Lower role_duration",
        {**TYPED, "role_arn": ROLE, "role_duration": "43200"},
        aws={
            "AssumeRole": sts_refusal(
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                400,
            )
        },
    ),
    Case(
        ASSUMING,
        "the role is of another partition than the Region",
        "SettingError",
        "partition",
        {**TYPED, "role_arn": ROLE.replace("aws:", "aws-us-gov:", 1)},
    ),
    Case(
        ASSUMING,
        "STS cannot be reached",
        "EndpointUnreachable",
        "sts_endpoint_url",
        {**TYPED, "role_arn": ROLE, "sts_endpoint_url": "https://127.0.0.1:1"},
    ),
    Case(
        STS_CALL,
        "listing is denied, and STS does not return the account",
        "CloudHsmError",
        "sts:GetCallerIdentity",
        {**TYPED, "log_groups": GROUP},
        aws={
            "DescribeLogGroups": refusal("AccessDeniedException", "no"),
            "GetCallerIdentity": sts_refusal("InternalFailure", "down", 500),
        },
    ),
    Case(
        PROXY,
        "nothing listens at its address",
        "EndpointUnreachable",
        "proxy_url",
        {**TYPED, "endpoint_url": "https://logs.us-east-1.amazonaws.com"}
        | {"proxy_url": "http://127.0.0.1:1"},
    ),
    Case(
        PROXY,
        "it wants a user and a password",
        "EndpointUnreachable",
        "407",
        {**TYPED, "endpoint_url": "https://logs.us-east-1.amazonaws.com", "proxy_url": "{proxy}"},
    ),
    Case(
        PROXY,
        "its rules do not allow the endpoint",
        "EndpointUnreachable",
        "403",
        {**TYPED, "endpoint_url": "https://logs.us-east-1.amazonaws.com", "proxy_url": "{proxy}"},
        proxy_status=403,
    ),
    Case(
        PROXY,
        "`proxy_credential` was stored for another host",
        "CredentialsError",
        "for the proxy 127.0.0.1",
        {**TYPED, "proxy_url": "{proxy}", "proxy_credential": "corp"},
        stored={(f"{REALM}-proxy@proxy.example", "corp"): "svc:password"},
    ),
    Case(
        PROXY,
        "`proxy_credential` names an AWS key",
        "CredentialsError",
        "no password named 'prod'",
        {**TYPED, "proxy_url": "{proxy}", "proxy_credential": "prod"},
        stored={(REALM, "prod"): f"{KEY_ID}:{SECRET}"},
    ),
    Case(
        TLS,
        "a proxy inspects TLS, or another server answers",
        "EndpointUnreachable",
        "TLS failed",
        {**TYPED, "endpoint_url": "{tls}"},
    ),
    Case(
        TLS,
        "`ca_bundle` names a file that does not exist",
        "SettingError",
        "ca_bundle ~/ca.pem cannot be used",
        {**TYPED, "ca_bundle": "{home}/ca.pem"},
    ),
    Case(
        TLS,
        "the file of `ca_bundle` has no certificates",
        "SettingError",
        "ca_bundle ~/ca.pem cannot be used",
        {**TYPED, "ca_bundle": "{home}/ca.pem"},
        files={"ca.pem": "not a certificate\n"},
    ),
    Case(
        TLS,
        "`AWS_CA_BUNDLE` is set to nothing",
        "SettingError",
        "AWS_CA_BUNDLE is set to nothing",
        TYPED,
        variables={"AWS_CA_BUNDLE": ""},
    ),
    Case(
        ENDPOINT,
        "it is http, and not on this host",
        "SettingError",
        "unencrypted",
        {**TYPED, "endpoint_url": "http://vpce.example"},
    ),
    Case(
        ENDPOINT,
        "`AWS_ENDPOINT_URL` is http",
        "SettingError",
        "AWS_ENDPOINT_URL http://vpce.example",
        {**TYPED, "endpoint_url": ""},
        variables={"AWS_ENDPOINT_URL": "http://vpce.example"},
    ),
    Case(
        ENDPOINT,
        "nothing listens there",
        "EndpointUnreachable",
        "The connection is refused",
        {**TYPED, "endpoint_url": "https://127.0.0.1:1"},
    ),
    Case(
        ENDPOINT,
        "a web page answers in AWS's place",
        "ServiceFailure",
        "DescribeLogGroups",
        TYPED,
        aws={"DescribeLogGroups": Answer(b"<html>Please sign in to the guest network</html>")},
    ),
    Case(
        LOGS,
        "the identity may not list log groups",
        "AccessDenied",
        '"Action": "logs:DescribeLogGroups"',
        TYPED,
        aws={
            "DescribeLogGroups": refusal(
                "AccessDeniedException", DENIED.replace("FilterLogEvents", "DescribeLogGroups")
            )
        },
    ),
    Case(
        LOGS,
        "the identity may not read them",
        "AccessDenied",
        '"Action": "logs:FilterLogEvents"',
        TYPED,
        aws=reading("AccessDeniedException", DENIED),
    ),
    Case(
        LOGS,
        "a policy of the organization (SCP) denies it",
        "AccessDenied",
        "organization's administrator",
        TYPED,
        aws=reading(
            "AccessDeniedException", f"{DENIED} with an explicit deny in a service control policy"
        ),
    ),
    Case(
        LOGS,
        "the policy of the VPC endpoint denies it",
        "AccessDenied",
        "endpoint's policy",
        TYPED,
        aws=reading(
            "AccessDeniedException",
            f"{DENIED} because no VPC endpoint policy allows the logs:FilterLogEvents action",
        ),
    ),
    Case(
        LOGS,
        "the account has not turned on the Region",
        "RefusedUntilChanged",
        "Turn on the Region",
        TYPED,
        aws={
            "DescribeLogGroups": refusal(
                "OptInRequired", "The AWS Access Key Id needs a subscription for the service"
            )
        },
    ),
    Case(
        LOGS,
        "the KMS key of the log group is disabled",
        "RefusedUntilChanged",
        "Enable the key",
        TYPED,
        aws=reading("KMSDisabledException", "arn:aws:kms:us-east-1:1:key/1a2b is disabled."),
    ),
    Case(
        LOGS,
        "the log group has another class than STANDARD",
        "RefusedUntilChanged",
        "class STANDARD",
        TYPED,
        aws=reading(
            "InvalidOperationException",
            "This operation is not supported for log groups of log class INFREQUENT_ACCESS",
        ),
    ),
    Case(
        LOGS,
        "the Region has no such log group",
        "GroupNotFound",
        "Check aws_region",
        {**TYPED, "log_groups": "/aws/cloudhsm/cluster-abcdefghijk"},
        aws={"DescribeLogGroups": described()},
    ),
    Case(
        LOGS,
        "the account calls it too often",
        "ServiceFailure",
        "ThrottlingException",
        TYPED,
        aws={"DescribeLogGroups": refusal("ThrottlingException", "Rate exceeded")},
    ),
)


class Report(NamedTuple):
    """What a person sees: the class of the error, what happened, and the next step."""

    error: str
    what: str
    next_step: str


def reported(case: Case) -> Report:
    """Save the stanza of a case, and return what is reported."""
    with ExitStack() as servers:
        home = Path(servers.enter_context(tempfile.TemporaryDirectory()))
        aws = servers.enter_context(_served(ScriptedAws()))
        splunkd = servers.enter_context(_served(FakeSplunkd()))
        proxy = servers.enter_context(_served(Proxy(case.proxy_status)))
        tls = servers.enter_context(_served(_unknown_certificate()))
        aws.script = {"DescribeLogGroups": [described(GROUP)], "FilterLogEvents": [filtered()]}
        aws.script |= {operation: [answer] for operation, answer in case.aws.items()}
        splunkd.passwords = dict(case.stored)
        splunkd.denied = case.denies
        known = {
            "home": str(home),
            "aws": aws.url,
            "tls": tls.url.replace("http:", "https:"),
            "proxy": f"http://127.0.0.1:{proxy.server_address[1]}",
        }
        _write(home, case.files, known)
        servers.enter_context(mock.patch.dict(os.environ, _variables(case, known), clear=True))
        for module in (access_check, password_storage):
            servers.enter_context(mock.patch.object(module, "_PAUSE_S", 0))
        servers.enter_context(mock.patch.object(logs_client, "_CUT_ANSWER_TRIES", 1))
        servers.enter_context(mock.patch.object(ContainerMetadataFetcher, "RETRY_ATTEMPTS", 1))
        servers.enter_context(mock.patch.object(redaction, "_concealed", set()))
        metadata = {"server_uri": splunkd.uri, "session_key": SESSION_KEY}
        stanza = _filled({**_STANZA, **case.settings}, known)
        try:
            wiring.validate("prod", stanza, metadata)
        except CloudHsmError as error:
            return _with_stable_names(error, known, splunkd.uri)
    raise AssertionError(f"{case.provider}, {case.failure}: the stanza was accepted")


_STANZA = {
    "aws_region": "us-east-1",
    "endpoint_url": "{aws}",
    "sts_endpoint_url": "{aws}",
    "calls_per_second": "100",
}


@contextmanager
def _served(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _unknown_certificate() -> ScriptedAws:
    """An endpoint with a certificate that no one trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = ScriptedAws()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def _filled(texts: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    filled = {}
    for name, text in texts.items():
        for word, value in known.items():
            text = text.replace("{" + word + "}", value)
        filled[name] = text
    return filled


def _variables(case: Case, known: Mapping[str, str]) -> dict[str, str]:
    own = {"HOME": known["home"], "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    return {**own, **_filled(case.variables, known)}


def _write(home: Path, files: Mapping[str, str], known: Mapping[str, str]) -> None:
    for name, text in _filled(files, known).items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _with_stable_names(error: CloudHsmError, known: Mapping[str, str], splunkd: str) -> Report:
    """The error with names in place of this run's folder and ports."""

    def stable(text: str) -> str:
        text = text.replace(f"at {known['aws']}", "at https://sts.us-east-1.amazonaws.com")
        for url in (known["aws"], known["tls"]):
            text = text.replace(url, "https://logs.us-east-1.amazonaws.com")
        text = text.replace(known["proxy"], "http://proxy.example:3128")
        text = text.replace(splunkd, "https://127.0.0.1:8089").replace(known["home"], "~")
        return re.sub(r"\d+ min\b", "N min", re.sub(r" \(_ssl\.c:\d+\)", "", text))

    return Report(type(error).__name__, stable(error.what), stable(error.next_step))
