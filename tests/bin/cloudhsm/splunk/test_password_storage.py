"""Splunk's password storage, asked over its REST: what is kept, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudhsm.base.aws_identity import Secret
from cloudhsm.base.errors import CredentialsError, SettingError
from cloudhsm.splunk import password_storage
from cloudhsm.splunk.password_storage import SplunkSecrets
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd

REALM = "TA-aws-cloudhsm"
KEYS = Secret("AKIAIOSFODNN7EXAMPLE", "wJalr:XUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.fixture
def splunkd(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSplunkd]:
    monkeypatch.setattr(password_storage, "_PAUSE_S", 0)
    server = FakeSplunkd()
    yield server
    server.shutdown()
    server.server_close()


def storage(splunkd: FakeSplunkd, session_key: str = SESSION_KEY) -> SplunkSecrets:
    return SplunkSecrets(splunkd.uri, session_key)


@pytest.mark.parametrize("name", ["prod", "a.b@c-d_e~0"])
def test_stored_keys_are_returned(splunkd: FakeSplunkd, name: str) -> None:
    storage(splunkd).put_aws_keys(name, KEYS)
    assert storage(splunkd).aws_keys(name) == KEYS
    assert splunkd.passwords == {(REALM, name): f"{KEYS.user}:{KEYS.password}"}


def test_storing_keys_again_replaces_them(splunkd: FakeSplunkd) -> None:
    storage(splunkd).put_aws_keys("prod", Secret("AKIAOLDOLDOLDOLDOLD1", "older"))
    storage(splunkd).put_aws_keys("prod", KEYS)
    assert storage(splunkd).aws_keys("prod") == KEYS


@pytest.mark.parametrize("host", ["proxy.example", "10.0.0.1", "fd00::1"])
def test_a_proxys_password_is_returned_for_its_host_only(splunkd: FakeSplunkd, host: str) -> None:
    user = Secret("svc", "pass:word")
    storage(splunkd).put_proxy_user("corp", host, user)
    assert storage(splunkd).proxy_user("corp", host) == user
    with pytest.raises(CredentialsError, match=r"for the proxy proxy\.evil") as caught:
        storage(splunkd).proxy_user("corp", "proxy.evil")
    assert "TA-aws-cloudhsm-proxy@proxy.evil" in str(caught.value)
    assert "pass:word" not in str(caught.value)


def test_aws_keys_are_no_proxys_password(splunkd: FakeSplunkd) -> None:
    storage(splunkd).put_aws_keys("prod", KEYS)
    with pytest.raises(CredentialsError, match="no password named 'prod' for the proxy"):
        storage(splunkd).proxy_user("prod", "proxy.example")


def test_aws_keys_in_a_proxys_realm_are_not_sent_to_it(splunkd: FakeSplunkd) -> None:
    splunkd.passwords["TA-aws-cloudhsm-proxy@p.example", "x"] = f"{KEYS.user}:{KEYS.password}"
    with pytest.raises(SettingError, match="never sent to a proxy"):
        storage(splunkd).proxy_user("x", "p.example")


def test_a_proxys_password_is_no_aws_key(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "corp"] = "svc:hunter2"
    with pytest.raises(CredentialsError, match="is not an AWS key") as caught:
        storage(splunkd).aws_keys("corp")
    assert "hunter2" not in str(caught.value)


def test_a_proxys_password_of_0_1_0_is_bound_to_its_host_once(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "prod.proxy"] = "svc:pass:word"
    assert storage(splunkd).bind_proxy_user("prod.proxy", "p.example")
    assert splunkd.passwords == {("TA-aws-cloudhsm-proxy@p.example", "prod.proxy"): "svc:pass:word"}
    assert not storage(splunkd).bind_proxy_user("prod.proxy", "p.evil")
    with pytest.raises(CredentialsError):
        storage(splunkd).proxy_user("prod.proxy", "p.evil")


def test_binding_does_not_replace_a_newer_password(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "corp"] = "svc:old"
    storage(splunkd).put_proxy_user("corp", "p.example", Secret("svc", "new"))
    assert storage(splunkd).bind_proxy_user("corp", "p.example")
    assert storage(splunkd).proxy_user("corp", "p.example").password == "new"
    assert (REALM, "corp") not in splunkd.passwords


@pytest.mark.parametrize("key_id", [KEYS.user, "ASIAIOSFODNN7EXAMPLE", "0OLDKEYIDOF2009XXXXX"])
def test_binding_leaves_aws_keys_alone(splunkd: FakeSplunkd, key_id: str) -> None:
    splunkd.passwords[REALM, "prod"] = f"{key_id}:secret"
    before = dict(splunkd.passwords)
    assert not storage(splunkd).bind_proxy_user("prod", "p.evil")
    assert splunkd.passwords == before


def test_all_inputs_are_listed_with_their_settings(splunkd: FakeSplunkd) -> None:
    splunkd.inputs = {"a": {"aws_region": "us-east-1", "disabled": "1"}, "b c/d": {}}
    assert storage(splunkd).inputs() == splunkd.inputs


def test_an_input_is_changed_in_the_app_that_defines_it(splunkd: FakeSplunkd) -> None:
    splunkd.inputs["a b/c"] = {"aws_region": "us-east-1", "aws_secret_access_key": "plain"}
    storage(splunkd).amend("a b/c", {"aws_secret_access_key": "********"})
    assert splunkd.inputs["a b/c"]["aws_secret_access_key"] == "********"
    assert "/servicesNS/nobody/search/" in splunkd.requests[-1][1]


def test_a_splunkd_that_is_busy_is_asked_again(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "prod"] = f"{KEYS.user}:{KEYS.password}"
    splunkd.busy = 2
    assert storage(splunkd).aws_keys("prod") == KEYS


def refusal(splunkd: FakeSplunkd, name: str = "prod", session_key: str = SESSION_KEY) -> str:
    with pytest.raises(CredentialsError) as caught:
        storage(splunkd, session_key).aws_keys(name)
    assert SESSION_KEY not in str(caught.value)
    return str(caught.value)


def test_a_missing_credential_is_named_with_how_to_add_it(splunkd: FakeSplunkd) -> None:
    said = refusal(splunkd, "prdo")
    assert "'prdo'" in said
    assert "docs/credentials.md" in said


def test_a_credential_of_another_form_is_not_shown(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "prod"] = "only-a-secret"
    said = refusal(splunkd)
    assert "only-a-secret" not in said
    assert "ACCESS_KEY_ID:SECRET_ACCESS_KEY" in said


def test_a_missing_capability_is_named(splunkd: FakeSplunkd) -> None:
    splunkd.denied = True
    assert "list_storage_passwords" in refusal(splunkd)


def test_a_session_that_ended_is_no_crash(splunkd: FakeSplunkd) -> None:
    assert "HTTP 401" in refusal(splunkd, session_key="another")


def test_a_splunkd_that_stays_busy_is_told(splunkd: FakeSplunkd) -> None:
    splunkd.busy = 9
    assert "503" in refusal(splunkd)


def test_a_splunkd_that_hangs_is_left(
    splunkd: FakeSplunkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_storage, "_TIMEOUT_S", 0.2)
    splunkd.delay_s = 2
    assert "did not answer in time" in refusal(splunkd)


def test_a_splunkd_that_is_not_there_is_named(splunkd: FakeSplunkd) -> None:
    uri = splunkd.uri
    splunkd.shutdown()
    splunkd.server_close()
    with pytest.raises(CredentialsError, match=uri):
        SplunkSecrets(uri, SESSION_KEY).aws_keys("prod")
