"""Splunk's password storage, asked over its REST: what is kept, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from cloudhsm.base.aws_identity import Secret
from cloudhsm.base.errors import CredentialsError, SettingError
from cloudhsm.splunk import password_storage
from cloudhsm.splunk.password_storage import SplunkPasswordStorage
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


def storage(splunkd: FakeSplunkd, session_key: str = SESSION_KEY) -> SplunkPasswordStorage:
    return SplunkPasswordStorage(splunkd.uri, session_key)


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


def test_a_proxys_password_of_an_earlier_build_is_found_and_deleted(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "prod.proxy"] = "svc:pass:word"
    assert storage(splunkd).unbound_proxy_user("prod.proxy") == Secret("svc", "pass:word")
    storage(splunkd).delete_unbound_proxy_user("prod.proxy")
    assert storage(splunkd).unbound_proxy_user("prod.proxy") is None


AWS_KEYS = [
    f"{KEYS.user}:{KEYS.password}",
    "ASIAIOSFODNN7EXAMPLE:x",
    "0OLDKEYIDOF2009XXXXX:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    " AKIAIOSFODNN7EXAMPLE:x",
    '"AKIAIOSFODNN7EXAMPLE:x"',
    "akiaiosfodnn7example:x",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:AKIAIOSFODNN7EXAMPLE",
    "svc:AKIAIOSFODNN7EXAMPLE",
]


@pytest.mark.parametrize("entry", AWS_KEYS)
def test_an_aws_key_is_never_a_proxys_password(splunkd: FakeSplunkd, entry: str) -> None:
    splunkd.passwords[REALM, "prod"] = entry
    splunkd.passwords["TA-aws-cloudhsm-proxy@p.example", "prod"] = entry
    assert storage(splunkd).unbound_proxy_user("prod") is None
    with pytest.raises(SettingError, match="never sent to a proxy"):
        storage(splunkd).proxy_user("prod", "p.example")


def test_a_proxys_user_of_capitals_and_digits_is_no_aws_key(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "corp"] = "SVCSPLUNKPROXY001:secret"
    assert storage(splunkd).unbound_proxy_user("corp") == Secret("SVCSPLUNKPROXY001", "secret")


def test_a_password_that_no_proxy_can_be_sent_is_refused(splunkd: FakeSplunkd) -> None:
    storage(splunkd).put_proxy_user("corp", "p.example", Secret("svc", "p\u00e4ss"))
    with pytest.raises(SettingError, match="other than ASCII"):
        storage(splunkd).proxy_user("corp", "p.example")


ODD_RESPONSES = [
    *("<html>", "null", "[]", "5", '{"entry": 5}', '{"entry": [5]}', '{"entry": [{}]}'),
    *('{"entry": [{"content": null}]}', '{"entry": [{"content": {}, "acl": null}]}', "{"),
    '{"entry": [{"name": null, "content": {"clear_password": null}}]}',
]


@pytest.mark.parametrize("response", ODD_RESPONSES)
def test_an_odd_response_of_splunkd_is_no_surprise(splunkd: FakeSplunkd, response: str) -> None:
    splunkd.raw = response
    own = storage(splunkd)
    for call in (
        lambda: own.aws_keys("a"),
        lambda: own.proxy_user("a", "p"),
        lambda: own.put_aws_keys("a", KEYS),
        lambda: own.unbound_proxy_user("a"),
        lambda: own.delete_unbound_proxy_user("a"),
        lambda: own.amend("a", {}),
        own.inputs,
    ):
        with suppress(CredentialsError):
            call()


def test_a_response_that_is_cut_is_no_surprise(splunkd: FakeSplunkd) -> None:
    splunkd.promised = 9
    assert "was asked to read a credential" in refusal(splunkd)


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
        SplunkPasswordStorage(uri, SESSION_KEY).aws_keys("prod")
