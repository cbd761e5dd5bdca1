"""Splunk's password storage, asked over its REST: what is kept, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudhsm.base.aws_identity import Secret
from cloudhsm.base.errors import CredentialsError
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


@pytest.mark.parametrize("name", ["prod", "a.b@c-d_e"])
def test_what_was_put_is_got(splunkd: FakeSplunkd, name: str) -> None:
    storage(splunkd).put(name, KEYS)
    assert storage(splunkd).get(name) == KEYS
    assert splunkd.passwords == {(REALM, name): f"{KEYS.user}:{KEYS.password}"}


def test_a_second_put_replaces_the_first(splunkd: FakeSplunkd) -> None:
    storage(splunkd).put("prod", Secret("old", "older"))
    storage(splunkd).put("prod", KEYS)
    assert storage(splunkd).get("prod") == KEYS


def test_an_input_is_changed_in_the_app_that_defines_it(splunkd: FakeSplunkd) -> None:
    splunkd.inputs["a b/c"] = {"aws_region": "us-east-1", "aws_secret_access_key": "plain"}
    storage(splunkd).amend("a b/c", {"aws_secret_access_key": "********"})
    assert splunkd.inputs["a b/c"]["aws_secret_access_key"] == "********"
    assert "/servicesNS/nobody/search/" in splunkd.requests[-1][1]


def test_a_splunkd_that_is_busy_is_asked_again(splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "prod"] = "AKIA:secret"
    splunkd.busy = 2
    assert storage(splunkd).get("prod") == Secret("AKIA", "secret")


def refusal(splunkd: FakeSplunkd, name: str = "prod", session_key: str = SESSION_KEY) -> str:
    with pytest.raises(CredentialsError) as caught:
        storage(splunkd, session_key).get(name)
    assert SESSION_KEY not in str(caught.value)
    return str(caught.value)


def test_a_missing_credential_is_named_with_how_to_add_it(splunkd: FakeSplunkd) -> None:
    said = refusal(splunkd, "prdo")
    assert "'prdo'" in said
    assert "storage/passwords" in said


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
        SplunkSecrets(uri, SESSION_KEY).get("prod")
