"""Clients that botocore creates have the input's network path; errors name the cause."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.session import LINK_LOCAL, AwsSession, Timeouts, bypass_proxies_for_link_local
from cloudhsm.base.aws_identity import AwsIdentity
from cloudhsm.base.errors import CredentialsError, EndpointUnreachable, SettingError
from cloudhsm.base.settings import parse
from cloudhsm.collect import access_check
from tests.bin.cloudhsm.aws.test_credentials import session_of
from tests.bin.fakes import Answer, ScriptedAws

ONCE = Timeouts(connect_s=2, read_s=2, attempts=1)
ROLE = "arn:aws:iam::444455556666:role/audit"


@pytest.fixture(autouse=True)
def no_other_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "")


@pytest.fixture
def sts() -> Iterator[ScriptedAws]:
    server = ScriptedAws()
    server.script["AssumeRole"] = [session_of("AKIAOFTHEROLE")]
    yield server
    server.shutdown()
    server.server_close()


def profile(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(f"[profile audit]\n{text}\n")


def keys(identity: AwsIdentity) -> str:
    """The access key ID that a session signs with."""
    session = AwsSession(identity, ONCE, identity.profile)
    session.create_client("logs", region_name="us-east-1")  # so that the session knows its Region
    credentials = session.get_credentials()
    return str(credentials.get_frozen_credentials().access_key)


def refused(identity: AwsIdentity) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        keys(identity)
    return caught.value


def test_the_role_of_a_profile_is_assumed_at_the_sts_endpoint_of_the_stanza(
    sts: ScriptedAws, tmp_path: Path
) -> None:
    profile(tmp_path, f"role_arn = {ROLE}\nsource_profile = base")
    (tmp_path / "credentials").write_text(
        "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"
    )
    assert keys(AwsIdentity(profile="audit", sts_endpoint_url=sts.url)) == "AKIAOFTHEROLE"
    assert [operation for operation, _body in sts.requests] == ["AssumeRole"]


def test_a_web_identity_is_exchanged_at_the_sts_endpoint_of_the_stanza(
    sts: ScriptedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("a.b.c")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    answer = session_of("AKIAOFTHETOKEN").body
    assert isinstance(answer, bytes)
    of_web = answer.replace(b"AssumeRoleRe", b"AssumeRoleWithWebIdentityRe")
    sts.script["AssumeRoleWithWebIdentity"] = [Answer(of_web)]
    assert keys(AwsIdentity(sts_endpoint_url=sts.url)) == "AKIAOFTHETOKEN"


def test_an_mfa_profile_is_refused_with_a_next_step(sts: ScriptedAws, tmp_path: Path) -> None:
    serial = "arn:aws:iam::111122223333:mfa/alice"
    profile(tmp_path, f"role_arn = {ROLE}\nsource_profile = base\nmfa_serial = {serial}")
    (tmp_path / "credentials").write_text(
        "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"
    )
    error = refused(AwsIdentity(profile="audit", sts_endpoint_url=sts.url))
    assert serial in error.what
    assert "without mfa_serial" in error.next_step
    assert sts.requests == []


def test_a_missing_token_file_is_named_with_its_variable(
    sts: ScriptedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "gone"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    error = refused(AwsIdentity(sts_endpoint_url=sts.url))
    assert str(tmp_path / "gone") in error.what
    assert "AWS_WEB_IDENTITY_TOKEN_FILE names" in error.next_step


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("/no/such/program", "No such file"),
        ("echo no JSON", "Expecting value"),
        ("printf '[]'", "TypeError|AttributeError"),
        (r"printf '\377'", "Unicode"),
    ],
)
def test_a_credential_process_that_fails_is_named_with_its_profile(
    tmp_path: Path, program: str, said: str
) -> None:
    profile(tmp_path, f"credential_process = {program}")
    error = refused(AwsIdentity(profile="audit"))
    assert "aws_profile audit" in error.what
    assert any(part in error.what for part in said.split("|")), error.what
    assert "/no/such/program" in str(error) or "credential_process" in error.next_step


def test_a_credential_process_that_works_is_used(tmp_path: Path) -> None:
    known = {"Version": 1, "AccessKeyId": "AKIAOFTHEPROCESS", "SecretAccessKey": "s"}
    (tmp_path / "known.json").write_text(json.dumps(known))
    profile(tmp_path, f"credential_process = cat {tmp_path / 'known.json'}")
    assert keys(AwsIdentity(profile="audit")) == "AKIAOFTHEPROCESS"


@pytest.mark.parametrize("service", ["logs", "sts", "sso"])
def test_an_endpoint_of_the_environment_must_be_encrypted(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://collector.example")
    with pytest.raises(SettingError, match=r"AWS_ENDPOINT_URL http://collector\.example would"):
        AwsSession(AwsIdentity(), ONCE).create_client(service, region_name="us-east-1")


def test_an_endpoint_of_one_service_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://collector.example")
    with pytest.raises(SettingError, match="AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"):
        AwsSession(AwsIdentity(), ONCE).create_client("logs", region_name="us-east-1")


def test_an_endpoint_of_a_profile_must_be_encrypted(tmp_path: Path) -> None:
    profile(tmp_path, "endpoint_url = http://collector.example")
    with pytest.raises(SettingError, match="endpoint_url of the AWS profile"):
        AwsSession(AwsIdentity(), ONCE, "audit").create_client("logs", region_name="us-east-1")


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566", "https://vpce.example"])
def test_loopback_and_https_endpoints_of_the_environment_are_used(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    client = AwsSession(AwsIdentity(), ONCE).create_client("logs", region_name="us-east-1")
    assert client.meta.endpoint_url == url


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("known", ["", "intranet.example, 10.0.0.1", "*"])
def test_instance_and_container_credentials_bypass_every_proxy(
    monkeypatch: pytest.MonkeyPatch, known: str, name: str
) -> None:
    monkeypatch.setenv(name, known)
    bypass_proxies_for_link_local(os.environ)
    assert not (os.environ.get("no_proxy") and os.environ.get("NO_PROXY"))
    for host in (*LINK_LOCAL, *filter(None, known.replace("*", "").split(", "))):
        assert urllib.request.proxy_bypass(host)
    assert bool(urllib.request.proxy_bypass("logs.us-east-1.amazonaws.com")) == (known == "*")


def test_every_client_has_the_proxy_and_the_certificates_of_the_stanza(tmp_path: Path) -> None:
    identity = AwsIdentity(proxy_url="http://proxy.example:3128")
    for service in ("logs", "sts", "sso", "sso-oidc"):
        client = AwsSession(identity, ONCE).create_client(service, region_name="us-east-1")
        assert client.meta.config.proxies == {"https": "http://proxy.example:3128"}
        assert client._endpoint.http_session._verify is True


def test_an_sts_that_cannot_be_reached_is_named_with_its_setting() -> None:
    settings = parse(
        "aws_cloudhsm://x",
        {
            "aws_region": "us-east-1",
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": "a-secret-access-key",
            "role_arn": ROLE,
            "sts_endpoint_url": "https://127.0.0.1:1",
        },
        0,
    )
    source = CloudWatchLogs(settings, ONCE)
    (error,) = source.discover(settings.log_groups).failures
    assert isinstance(error, EndpointUnreachable)
    assert "The connection is refused: https://127.0.0.1:1 cannot be reached" in error.what
    assert "sts_endpoint_url" in error.next_step


def test_a_proxy_that_is_down_is_named_by_the_setting_that_names_it() -> None:
    settings = parse(
        "aws_cloudhsm://x",
        {
            "aws_region": "us-east-1",
            "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key": "a-secret-access-key",
            "proxy_url": "http://127.0.0.1:1",
        },
        0,
    )
    (error,) = access_check.check(settings, lambda: CloudWatchLogs(settings, ONCE))
    assert "Check proxy_url: host, port" in error.next_step
    assert "HTTPS_PROXY" not in str(error)
