"""As whom AWS is asked: keys, profiles, roles that are renewed, proxies and certificates."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.credentials import FORM_TIMEOUTS, with_secrets
from cloudhsm.aws.session import Timeouts
from cloudhsm.base import aws_identity, redaction
from cloudhsm.base.aws_identity import Secret
from cloudhsm.base.errors import CloudHsmError, CredentialsError, EndpointUnreachable, SettingError
from cloudhsm.base.settings import parse
from cloudhsm.collect import access_check
from tests.bin.fakes import NOW_MS, Answer, ScriptedAws, described, filtered, refusal

ROLE = "arn:aws:iam::444455556666:role/cloudhsm-audit-reader"
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ONCE = Timeouts(connect_s=2, read_s=2, attempts=1)
GROUP = "/aws/cloudhsm/cluster-likphkxygsn"


@pytest.fixture(autouse=True)
def no_other_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setattr(redaction, "_concealed", set())


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    server = ScriptedAws()
    server.script["DescribeLogGroups"] = [described(GROUP)]
    server.script["FilterLogEvents"] = [filtered()]
    yield server
    server.shutdown()
    server.server_close()


def session_of(key_id: str, lasts_s: float = 3600) -> Answer:
    """What STS answers to AssumeRole."""
    end = datetime.now(timezone.utc) + timedelta(seconds=lasts_s)
    return Answer(
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        f"<AssumedRoleUser><Arn>{ROLE}</Arn><AssumedRoleId>A:b</AssumedRoleId></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        f"<SessionToken>token-of-{key_id}</SessionToken>"
        f"<Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>".encode()
    )


def sts_refusal(code: str, message: str, status: int = 403) -> Answer:
    text = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "</ErrorResponse>"
    )
    return Answer(text.encode(), status=status)


def logs(aws: ScriptedAws, values: Mapping[str, str], patience: Timeouts = ONCE) -> CloudWatchLogs:
    asked = {
        "aws_region": "us-east-1",
        "endpoint_url": aws.url,
        "sts_endpoint_url": aws.url,
        "calls_per_second": "100",
        **values,
    }
    return CloudWatchLogs(parse("aws_cloudhsm://x", asked, NOW_MS), patience)


def discover(source: CloudWatchLogs) -> CloudHsmError | None:
    selectors = parse("aws_cloudhsm://x", {"aws_region": "us-east-1"}, NOW_MS).log_groups
    found = source.discover(selectors)
    return found.failures[0] if found.failures else None


NOTHING: Mapping[str, str] = {}
TYPED = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}


def signers(aws: ScriptedAws) -> list[str]:
    """The access key ids that signed, call by call."""
    return [
        one["Authorization"].partition("Credential=")[2].partition("/")[0] for one in aws.headers
    ]


def test_keys_of_the_stanza_sign_the_calls(aws: ScriptedAws) -> None:
    assert discover(logs(aws, TYPED)) is None
    assert signers(aws) == [KEY_ID]


def test_a_named_profile_signs_the_calls(aws: ScriptedAws, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[audit]\naws_access_key_id = AKIAOFTHEPROFILE\naws_secret_access_key = s\n"
    )
    assert discover(logs(aws, {"aws_profile": "audit"})) is None
    assert signers(aws) == ["AKIAOFTHEPROFILE"]


def test_a_profile_that_is_not_there_is_named(aws: ScriptedAws) -> None:
    with pytest.raises(CredentialsError, match="no-such-profile"):
        logs(aws, {"aws_profile": "no-such-profile"})


class OneSecret:
    def aws_keys(self, name: str) -> Secret:
        return Secret(f"user-of-{name}", f"password-of-{name}")

    def proxy_user(self, name: str, host: str) -> Secret:
        return Secret(f"user-of-{name}-at-{host}", f"password-of-{name}-at-{host}")


def test_what_is_stored_is_looked_up_by_name_and_hidden_from_logs() -> None:
    asked = aws_identity.parse(
        {"aws_credential": "prod", "proxy_url": "http://p:1", "proxy_credential": "squid"}
    )
    ready = with_secrets(asked, OneSecret())
    assert ready.keys == Secret("user-of-prod", "password-of-prod")
    assert ready.proxy_user == Secret("user-of-squid-at-p", "password-of-squid-at-p")
    assert redaction.redacted("x password-of-prod y password-of-squid-at-p") == "x *** y ***"


def test_a_role_is_assumed_with_what_the_stanza_says(aws: ScriptedAws) -> None:
    aws.script["AssumeRole"] = [session_of("ASIAOFTHEROLE")]
    role = {"role_arn": ROLE, "external_id": "tenant-7", "role_session_name": "hf1"}
    source = logs(aws, {**TYPED, **role, "role_duration": "900"})
    assert discover(source) is None
    (asked,) = aws.asked("AssumeRole")
    wanted = {"RoleArn": ROLE, "ExternalId": "tenant-7", "RoleSessionName": "hf1"}
    assert {**asked, **wanted, "DurationSeconds": "900"} == asked
    assert signers(aws) == [KEY_ID, "ASIAOFTHEROLE"]


def test_a_session_is_renewed_in_the_middle_of_a_run(aws: ScriptedAws) -> None:
    # botocore renews what ends within 15 minutes.
    aws.script["AssumeRole"] = [session_of("ASIAFIRST", lasts_s=60), session_of("ASIASECOND")]
    source = logs(aws, {**TYPED, "role_arn": ROLE})
    assert discover(source) is None
    assert discover(source) is None
    assert discover(source) is None
    assert signers(aws)[-2:] == ["ASIASECOND", "ASIASECOND"]
    assert len(aws.asked("AssumeRole")) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            sts_refusal("AccessDenied", "User: u is not authorized to perform: sts:AssumeRole"),
            "trust",
        ),
        (sts_refusal("ExpiredToken", "The security token is expired"), "credentials that assume"),
        (sts_refusal("InvalidClientTokenId", "The token is invalid"), "credentials that assume"),
        (
            sts_refusal("ValidationError", "DurationSeconds exceeds the maximum", 400),
            "role_duration",
        ),
    ],
)
def test_a_role_that_is_refused_is_named_with_the_cause(
    aws: ScriptedAws, answer: Answer, says: str
) -> None:
    aws.script["AssumeRole"] = [answer]
    error = discover(logs(aws, {**TYPED, "role_arn": ROLE, "external_id": "tenant-7"}))
    assert isinstance(error, CredentialsError)
    assert ROLE in error.what
    assert "sts:AssumeRole" in error.what
    assert says in error.next_step
    assert not any(secret in str(error) for secret in ("tenant-7", SECRET))


def test_a_role_of_another_partition_is_refused_at_once(aws: ScriptedAws) -> None:
    with pytest.raises(SettingError, match="partition aws-us-gov, but us-east-1 is of aws"):
        logs(aws, {**TYPED, "role_arn": ROLE.replace("arn:aws:", "arn:aws-us-gov:")})


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-gov-west-1", "logs.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "logs.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_other_partitions_have_their_own_endpoints(region: str, host: str) -> None:
    source = CloudWatchLogs(parse("aws_cloudhsm://x", {"aws_region": region, **TYPED}, NOW_MS))
    assert source.endpoint == f"https://{host}"


def test_keys_of_another_partition_are_a_hint(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [refusal("UnrecognizedClientException", "invalid token")]
    error = discover(logs(aws, TYPED))
    assert error is not None
    assert "partition of us-east-1" in error.next_step


@pytest.mark.parametrize(("days", "side"), [(1, "behind"), (-1, "ahead of")])
def test_a_clock_that_is_wrong_is_the_diagnosis(aws: ScriptedAws, days: int, side: str) -> None:
    moment = datetime.now(timezone.utc) + timedelta(days=days)
    date = f"{moment:%a, %d %b %Y %H:%M:%S} GMT"
    answer = refusal("InvalidSignatureException", "Signature expired")
    aws.script["DescribeLogGroups"] = [Answer(answer.body, status=400, date=date)]
    error = discover(logs(aws, TYPED))
    assert error is not None
    assert re.search(rf"clock is 14(39|40) min {side} AWS's", error.what)
    assert "NTP" in error.next_step


def test_a_monitoring_account_reads_its_linked_accounts_by_arn(aws: ScriptedAws) -> None:
    source = logs(aws, {**TYPED, "linked_accounts": "111122223333"})
    selectors = parse("aws_cloudhsm://x", {"aws_region": "us-east-1"}, NOW_MS).log_groups
    (found,) = source.discover(selectors).groups
    assert [*source.read(found.id, 0, NOW_MS)]
    (listed,), (asked,) = aws.asked("DescribeLogGroups"), aws.asked("FilterLogEvents")
    assert listed["includeLinkedAccounts"] is True
    assert listed["accountIdentifiers"] == ["111122223333"]
    assert asked["logGroupIdentifier"].startswith("arn:aws:logs:us-east-1:111122223333:log-group:")
    assert "logGroupName" not in asked


class Proxy(ThreadingHTTPServer):
    """Refuses to connect, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.status = status
        self.asked: list[tuple[str, str | None]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _ProxyHandler(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, self.headers["Proxy-Authorization"]))
        self.send_error(self.server.status)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_proxy_that_refuses_is_named_and_its_password_is_not() -> None:
    proxy = Proxy(407)
    asked = {
        "aws_region": "us-east-1",
        "proxy_url": f"http://us%40er:pass%2Fword@127.0.0.1:{proxy.server_address[1]}",
        **TYPED,
    }
    settings = parse("aws_cloudhsm://x", asked, NOW_MS)
    redaction.conceal(*settings.identity.secrets)
    (error,) = access_check.check(settings, lambda: CloudWatchLogs(settings, ONCE))
    proxy.shutdown()
    assert isinstance(error, EndpointUnreachable)
    assert "407" in error.what
    assert not any(secret in str(error) for secret in ("pass/word", "pass%2Fword"))
    # `us@er:pass/word` in Base64
    assert proxy.asked[0] == ("logs.us-east-1.amazonaws.com:443", "Basic dXNAZXI6cGFzcy93b3Jk")


@pytest.fixture
def tls() -> Iterator[tuple[ScriptedAws, trustme.CA]]:
    """An endpoint whose certificate is signed by a private CA."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = ScriptedAws()
    server.script["DescribeLogGroups"] = [described(GROUP)]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield server, authority
    server.shutdown()
    server.server_close()


def secured(server: ScriptedAws, values: Mapping[str, str]) -> CloudWatchLogs:
    url = server.url.replace("http:", "https:")
    return logs(server, {**TYPED, "endpoint_url": url, **values})


def test_the_certificates_of_a_ca_bundle_are_trusted(
    tls: tuple[ScriptedAws, trustme.CA], tmp_path: Path
) -> None:
    server, authority = tls
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert discover(secured(server, {"ca_bundle": str(tmp_path / "ca.pem")})) is None


def test_a_certificate_that_nobody_signed_is_refused(
    tls: tuple[ScriptedAws, trustme.CA], tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for values in (NOTHING, {"ca_bundle": str(tmp_path / "ca.pem")}):
        error = discover(secured(tls[0], values))
        assert isinstance(error, EndpointUnreachable)
        assert "CERTIFICATE_VERIFY_FAILED" in error.what


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_without_certificates_is_refused(
    aws: ScriptedAws, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(SettingError) as caught:
        logs(aws, {"ca_bundle": str(tmp_path / "ca.pem")})
    assert caught.value.place.file == str(tmp_path / "ca.pem")


def test_the_account_comes_from_the_named_sts(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException", "no")]
    aws.script["GetCallerIdentity"] = [sts_refusal("InternalFailure", "down", 500)]
    asked = {"aws_region": "us-east-1", "log_groups": GROUP}
    selectors = parse("aws_cloudhsm://x", asked, NOW_MS).log_groups
    begun = time.monotonic()
    (error,) = logs(aws, TYPED, FORM_TIMEOUTS).discover(selectors).failures
    assert "sts_endpoint_url" in error.next_step
    assert time.monotonic() - begun < 5


def test_without_any_credentials_a_container_is_pointed_to_the_hop_limit(aws: ScriptedAws) -> None:
    error = discover(logs(aws, {}))
    assert isinstance(error, CredentialsError)
    assert "hop limit of the instance metadata to 2" in error.next_step
