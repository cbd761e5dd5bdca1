"""Where secrets go that people type into inputs.conf, and what is reported of those that stay."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base import aws_identity
from cloudhsm.base.aws_identity import AwsIdentity, Secret
from cloudhsm.base.errors import CloudHsmError, CredentialsError
from cloudhsm.splunk.typed_secrets import MovedSecrets, SecretMover, entry_of, in_files

KEYS = Secret("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
TYPED = {"aws_access_key_id": KEYS.user, "aws_secret_access_key": KEYS.password}
DENIED = CredentialsError("HTTP 403", next_step="Ask for the capability")


class FakeStorage:
    """Keeps what it is given; `fails` names methods that raise DENIED."""

    def __init__(self, *fails: str, **inputs: dict[str, str]) -> None:
        self.entries: dict[tuple[str, str], Secret] = {}
        self.unbound: dict[str, Secret] = {}
        self.known = inputs
        self._fails = fails

    def put_aws_keys(self, name: str, keys: Secret) -> None:
        self._fail("put")
        self.entries["aws", name] = keys

    def put_proxy_user(self, name: str, host: str, user: Secret) -> None:
        self._fail("put")
        self.entries[host, name] = user

    def has_proxy_user(self, name: str, host: str) -> bool:
        return (host, name) in self.entries

    def unbound_proxy_user(self, name: str) -> Secret | None:
        self._fail("unbound")
        return self.unbound.get(name)

    def delete_unbound_proxy_user(self, name: str) -> None:
        self._fail("delete")
        del self.unbound[name]

    def amend(self, input_name: str, settings: Mapping[str, str]) -> None:
        self._fail("amend")
        self.known[input_name].update(settings)

    def inputs(self) -> dict[str, dict[str, str]]:
        self._fail("inputs")
        return self.known

    def _fail(self, method: str) -> None:
        if method in self._fails:
            raise DENIED


def write(home: Path, layer: str, text: str) -> Path:
    file = home / "etc" / layer / "inputs.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def moved(
    storage: FakeStorage,
    home: Path | None = None,
    name: str = "prod",
    identity: AwsIdentity | None = None,
) -> MovedSecrets:
    mover = SecretMover(lambda: storage, home, lambda _: nullcontext())
    return mover.move(name, "us-east-1", identity or AwsIdentity())


def texts(problems: list[CloudHsmError]) -> list[str]:
    return [error.what for error in problems]


@given(st.lists(st.tuples(st.text(max_size=120), st.text(max_size=9)), unique=True, min_size=2))
def test_no_two_inputs_and_no_two_keys_have_the_same_entry(owners: list[tuple[str, str]]) -> None:
    entries = [entry_of(*owner) for owner in owners]
    assert len({*entries}) == len(entries)
    for entry in entries:
        assert aws_identity.parse({"aws_credential": entry}).credential == entry


def test_an_entry_begins_with_the_name_of_its_input() -> None:
    assert re.fullmatch(r"pay_eu~[0-9a-f]{16}", entry_of("pay/eu", "AKIA"))


def test_keys_and_a_proxys_password_are_stored_by_purpose_and_masked() -> None:
    settings = {**TYPED, "proxy_url": "http://svc:pw@p.example:3128", "aws_region": "us-east-1"}
    storage = FakeStorage(prod=dict(settings))
    result = moved(storage, identity=aws_identity.parse(settings))
    own, of_proxy = entry_of("prod", KEYS.user), entry_of("prod", "svc")
    names = {"prod aws_credential": own, "prod proxy_credential": of_proxy}
    assert result == (names, [], [])
    assert storage.entries == {("aws", own): KEYS, ("p.example", of_proxy): Secret("svc", "pw")}
    assert aws_identity.secret_settings(storage.known["prod"]) == ()
    assert aws_identity.parse(storage.known["prod"]).credential == own


def test_a_copy_of_an_input_keeps_its_keys_when_new_ones_are_typed_into_the_original() -> None:
    storage = FakeStorage(prod=dict(TYPED))
    moved(storage, identity=aws_identity.parse(TYPED))
    copied = storage.known["prod"]["aws_credential"]
    newer = {**TYPED, "aws_access_key_id": "AKIA2222222222222222"}
    moved(storage, identity=aws_identity.parse(newer))
    assert storage.entries["aws", copied] == KEYS
    assert storage.known["prod"]["aws_credential"] != copied


def test_an_input_without_secrets_never_asks_the_storage(tmp_path: Path) -> None:
    write(tmp_path, "apps/a/local", "[aws_cloudhsm://prod]\naws_secret_access_key = ********\n")

    def no_storage() -> FakeStorage:
        raise AssertionError

    mover = SecretMover(no_storage, tmp_path, lambda _: nullcontext())
    assert mover.move("prod", "us-east-1", AwsIdentity()) == ({}, [], [])


@pytest.mark.parametrize("fails", ["put", "amend"])
def test_keys_that_cannot_be_moved_are_reported(fails: str) -> None:
    storage = FakeStorage(fails, prod=dict(TYPED))
    result = moved(storage, identity=aws_identity.parse(TYPED))
    assert result.entries == {}
    assert texts(result.problems) == [
        "Secrets of the input 'prod' stay in inputs.conf in plain text: HTTP 403"
    ]


OF_PROXY = aws_identity.parse({"proxy_url": "http://p:1", "proxy_credential": "corp"})
USER = Secret("svc", "x7Kq-9zLm")


def earlier(*fails: str) -> FakeStorage:
    """A proxy's password of an earlier build, which inputs use for two proxies."""
    url = {"proxy_credential": "corp", "proxy_url": "http://other.example:1"}
    storage = FakeStorage(*fails, prod={}, other=url)
    storage.unbound["corp"] = USER
    return storage


def test_a_proxys_password_of_an_earlier_build_is_bound_to_all_hosts_that_it_is_for() -> None:
    storage = earlier()
    assert moved(storage, identity=OF_PROXY) == ({}, [], [])
    assert storage.entries == {("p", "corp"): USER, ("other.example", "corp"): USER}
    assert storage.unbound == {}


def test_binding_does_not_replace_a_newer_password() -> None:
    storage = earlier()
    storage.entries["p", "corp"] = newer = Secret("svc", "new")
    moved(storage, identity=OF_PROXY)
    assert storage.entries == {("p", "corp"): newer, ("other.example", "corp"): USER}


@pytest.mark.parametrize("fails", ["put", "inputs", "delete"])
def test_a_proxys_password_that_cannot_be_bound_is_used_and_reported(fails: str) -> None:
    result = moved(earlier(fails), identity=OF_PROXY)
    assert result.proxy_user == [USER]
    (problem,) = result.problems
    assert "cannot be bound to the proxy's host: HTTP 403" in problem.what
    assert "docs/credentials.md" in problem.next_step


def test_an_entry_that_is_an_aws_credential_too_is_not_bound() -> None:
    storage = earlier()
    storage.known["third"] = {"aws_credential": "corp"}
    result = moved(storage, identity=OF_PROXY)
    assert (result.proxy_user, storage.entries, storage.unbound) == ([], {}, {"corp": USER})
    assert "by aws_credential and by proxy_credential" in texts(result.problems)[0]


@pytest.mark.parametrize(
    "layer",
    ["apps/x/default", "apps/x/local", "system/local", "peer-apps/x/default", "slave-apps/x/local"],
)
@pytest.mark.parametrize(
    ("line", "setting"),
    [
        (f"aws_secret_access_key = {KEYS.password}", "aws_secret_access_key"),
        ("proxy_url = http://svc:p%40ss@proxy.example:3128", "proxy_url"),
        ("proxy_url=http://svc:pw@[fd00::1]:3128", "proxy_url"),
        ("proxy_url=http://svc@corp:pw@p.example", "proxy_url"),
        ("proxy_url=http://svc:p/w@p.example", "proxy_url"),
        ("proxy_url=svc:pw@p.example", "proxy_url"),
        ("proxy_url=http://a-token@p.example", "proxy_url"),
        ("aws_credential = AKIAIOSFODNN7EXAMPLE:secret", "aws_credential"),
        ("proxy_credential = svc:secret", "proxy_credential"),
    ],
)
def test_a_secret_in_any_layer_is_found(
    tmp_path: Path, layer: str, line: str, setting: str
) -> None:
    file = write(tmp_path, layer, f"[monitor:///x]\n[aws_cloudhsm://a b]\n{line}\n")
    assert in_files(tmp_path) == [(file, "a b", setting)]
    (problem,) = moved(FakeStorage(), tmp_path, "a b").problems
    assert str(file) in problem.what
    assert "[aws_cloudhsm://a b]" in problem.what
    assert KEYS.password not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "[aws_cloudhsm://a]\naws_secret_access_key = ********\nproxy_url = http://p.example:3128\n",
        "[aws_cloudhsm://a]\nproxy_url = http://svc:********@p.example\naws_secret_access_key=\n",
        "[aws_cloudhsm://a]\nproxy_url = http://p.example\n# aws_secret_access_key = x\n",
        "[other://a]\naws_secret_access_key = x\n# aws_cloudhsm\n",
    ],
)
def test_a_stanza_without_a_secret_of_ours_is_not_reported(tmp_path: Path, text: str) -> None:
    write(tmp_path, "apps/x/local", text)
    assert in_files(tmp_path) == []


def test_a_file_that_is_not_utf_8_is_searched_too(tmp_path: Path) -> None:
    write(tmp_path, "apps/x/local", "")
    (tmp_path / "etc/apps/x/local/inputs.conf").write_bytes(
        b"\xff\xfe\x00[aws_cloudhsm://b]\n[aws_cloudhsm://a]\naws_secret_access_key = x\n"
    )
    assert [secret.input_name for secret in in_files(tmp_path)] == ["a"]


def test_a_folder_in_place_of_a_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "etc/apps/x/local/inputs.conf").mkdir(parents=True)
    assert in_files(tmp_path) == []


def asleep(home: Path) -> FakeStorage:
    """An enabled input `prod` and two others, of which `asleep` is disabled and has keys."""
    write(home, "apps/x/local", f"[aws_cloudhsm://asleep]\naws_secret_access_key = {KEYS.password}")
    region = {"aws_region": "eu-west-1"}
    return FakeStorage(prod=region, zone={}, asleep={**region, **TYPED, "disabled": "True"})


@pytest.mark.parametrize("name", ["prod", "zone"])
def test_any_enabled_input_moves_the_keys_of_disabled_ones(tmp_path: Path, name: str) -> None:
    storage = asleep(tmp_path)
    result = moved(storage, tmp_path, name)
    entry = entry_of("asleep", KEYS.user)
    assert result.entries == {"asleep aws_credential": entry}
    assert storage.entries == {("aws", entry): KEYS}
    assert storage.known["asleep"]["aws_secret_access_key"] == "********"


def test_an_enabled_input_has_an_hour_to_move_its_own_keys(tmp_path: Path) -> None:
    file = write(tmp_path, "apps/x/local", "[aws_cloudhsm://zone]\naws_secret_access_key = x")
    storage = FakeStorage(prod={}, zone={})
    assert moved(storage, tmp_path).problems == []
    os.utime(file, (time.time() - 7200,) * 2)
    assert "[aws_cloudhsm://zone]" in texts(moved(storage, tmp_path).problems)[0]


def test_keys_of_a_disabled_input_that_cannot_be_moved_are_reported(tmp_path: Path) -> None:
    storage = asleep(tmp_path)
    storage.known["asleep"]["aws_access_key_id"] = "not a key"
    first, second = texts(moved(storage, tmp_path).problems)
    assert "input 'asleep' stay in inputs.conf in plain text: aws_access_key_id is not" in first
    assert "[aws_cloudhsm://asleep] is stored in plain text" in second


def test_a_list_of_inputs_that_is_denied_is_reported(tmp_path: Path) -> None:
    asleep(tmp_path)
    assert moved(FakeStorage("inputs"), tmp_path).problems == [DENIED]


@pytest.mark.parametrize("stanza", ["aws_cloudhsm", "default"])
def test_keys_for_all_inputs_in_a_default_layer_are_reported(tmp_path: Path, stanza: str) -> None:
    text = f"[{stanza}]\naws_secret_access_key = {KEYS.password}\n[aws_cloudhsm://zone]\n"
    write(tmp_path, "apps/x/default", text)
    (problem,) = moved(FakeStorage(prod={}, zone={}), tmp_path).problems
    assert "of all inputs is stored in plain text" in problem.what


@pytest.mark.parametrize(
    ("others", "is_reported"),
    [
        ({"pay/eu": "pay_eu"}, True),
        ({"pay_eu": "pay_eu"}, True),
        ({"pay/eu": "own"}, False),
        ({"other": "pay_eu"}, False),
        ({}, False),
    ],
)
def test_inputs_of_0_1_0_that_share_an_entry_are_reported(
    others: dict[str, str], is_reported: bool
) -> None:
    known = {name: {"aws_credential": entry} for name, entry in others.items()}
    storage = FakeStorage(**known, **{"pay eu": {"aws_credential": "pay_eu"}})
    problems = moved(storage, name="pay eu", identity=AwsIdentity(credential="pay_eu")).problems
    assert [("'pay eu'" in text, "'pay_eu'" in text) for text in texts(problems)] == [
        (True, True)
    ] * is_reported
