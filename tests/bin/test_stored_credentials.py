"""What an input of the packaged add-on does with stored and typed secrets: real processes."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cloudhsm.splunk.typed_secrets import entry_of
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import ScriptedAws, described, filtered
from tests.bin.test_aws_cloudhsm import (
    GROUP,
    KEY_ID,
    NO_KEYS,
    app,
    aws,
    environment,
    signer,
    start,
)
from tests.bin.test_aws_cloudhsm import TYPED_SECRET as KEY
from tools.demo import splunkd as run_document

__all__ = ["app", "aws"]  # fixtures

REALM = "TA-aws-cloudhsm"


@pytest.fixture
def splunkd() -> Iterator[FakeSplunkd]:
    server = FakeSplunkd()
    yield server
    server.shutdown()
    server.server_close()


class FakeProxy:
    """Refuses everything and keeps what it was sent."""

    def __init__(self) -> None:
        self.heard = ""
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                with caller:
                    self.heard += caller.recv(65_536).decode()
                    caller.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    def close(self) -> None:
        self._server.close()

    @property
    def users(self) -> set[str]:
        """USER:PASSWORD of each request."""
        lines = [line.split() for line in self.heard.splitlines()]
        basic = (words[2] for words in lines if words[:1] == ["Proxy-Authorization:"])
        return {base64.b64decode(text).decode() for text in basic}


@pytest.fixture
def proxy() -> Iterator[FakeProxy]:
    server = FakeProxy()
    yield server
    server.close()


def document(splunkd: FakeSplunkd, tmp_path: Path, name: str, **parameters: str) -> str:
    """What splunkd passes to an input that it knows."""
    given = {"aws_region": "us-east-1", "calls_per_second": "100", **parameters}
    splunkd.inputs[name] = given
    stanza = f"aws_cloudhsm://{name}"
    return run_document.configuration(stanza, given, tmp_path, splunkd.uri, SESSION_KEY)


def through(proxy: FakeProxy, splunkd: FakeSplunkd, tmp_path: Path) -> str:
    """An input that reaches AWS through a proxy and names `corp` as the credential for it."""
    given = {"proxy_url": proxy.url, "proxy_credential": "corp"}
    return document(splunkd, tmp_path, "prod", endpoint_url="https://logs.aws.test", **given)


def test_a_stored_aws_key_is_never_sent_to_a_proxy(
    app: Path, splunkd: FakeSplunkd, proxy: FakeProxy, tmp_path: Path
) -> None:
    splunkd.passwords[REALM, "corp"] = f"{KEY_ID}:{KEY}"
    run = start(app, stdin=through(proxy, splunkd, tmp_path))
    assert run.returncode == 1
    assert "no password named 'corp' for the proxy 127.0.0.1" in run.stderr
    assert proxy.heard == ""
    assert splunkd.passwords == {(REALM, "corp"): f"{KEY_ID}:{KEY}"}


def test_a_proxys_password_is_sent_to_its_own_host(
    app: Path, splunkd: FakeSplunkd, proxy: FakeProxy, tmp_path: Path
) -> None:
    splunkd.passwords[f"{REALM}-proxy@127.0.0.1", "corp"] = "svc:pass:word"
    start(app, stdin=through(proxy, splunkd, tmp_path))
    assert proxy.users == {"svc:pass:word"}


def test_a_proxys_password_is_not_sent_to_another_host(
    app: Path, splunkd: FakeSplunkd, proxy: FakeProxy, tmp_path: Path
) -> None:
    splunkd.passwords[f"{REALM}-proxy@proxy.example", "corp"] = "svc:pass:word"
    run = start(app, stdin=through(proxy, splunkd, tmp_path))
    assert run.returncode == 1
    assert proxy.heard == ""


def test_a_proxys_password_of_0_1_0_is_used_and_bound_to_its_host(
    app: Path, splunkd: FakeSplunkd, proxy: FakeProxy, tmp_path: Path
) -> None:
    splunkd.passwords[REALM, "corp"] = "svc:pass:word"
    start(app, stdin=through(proxy, splunkd, tmp_path))
    assert proxy.users == {"svc:pass:word"}
    assert splunkd.passwords == {(f"{REALM}-proxy@127.0.0.1", "corp"): "svc:pass:word"}


def test_an_aws_key_typed_as_a_proxys_user_is_refused(
    app: Path, splunkd: FakeSplunkd, proxy: FakeProxy, tmp_path: Path
) -> None:
    url = proxy.url.replace("http://", f"http://{KEY_ID}:{KEY.replace('/', '%2F')}@")
    run = start(app, stdin=document(splunkd, tmp_path, "prod", proxy_url=url))
    assert run.returncode == 1
    assert "never sent to a proxy" in run.stderr
    assert KEY not in run.stderr
    assert (proxy.heard, splunkd.passwords) == ("", {})


def test_inputs_of_similar_names_keep_their_own_keys(
    app: Path, splunkd: FakeSplunkd, aws: ScriptedAws, tmp_path: Path
) -> None:
    names = ["pay eu", "pay/eu", "pay_eu", "pay:eu", "PAY_EU"]
    for number, name in enumerate(names):
        aws.script["DescribeLogGroups"] = [described(GROUP)]
        aws.script["FilterLogEvents"] = [filtered()]
        typed = {
            "aws_access_key_id": f"AKIA{number:016}",
            "aws_secret_access_key": f"{KEY}{number}",
        }
        given = {"endpoint_url": aws.url, **typed}
        start(app, stdin=document(splunkd, tmp_path, name, **given), env=environment(**NO_KEYS))
    for number, name in enumerate(names):
        entry = splunkd.inputs[name]["aws_credential"]
        assert splunkd.passwords[REALM, entry] == f"AKIA{number:016}:{KEY}{number}"


def test_keys_typed_into_an_input_leave_the_entry_that_it_named_alone(
    app: Path, splunkd: FakeSplunkd, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    splunkd.passwords[REALM, "shared"] = shared = "AKIASHAREDSHAREDSHAR:secret-of-all-others"
    typed = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": KEY}
    given = {"endpoint_url": aws.url, "aws_credential": "shared", **typed}
    start(app, stdin=document(splunkd, tmp_path, "prod", **given), env=environment(**NO_KEYS))
    assert splunkd.passwords[REALM, "shared"] == shared
    assert splunkd.inputs["prod"]["aws_credential"] == entry_of("prod")
    assert signer(aws) == KEY_ID


def test_keys_typed_into_a_disabled_input_are_moved_by_an_enabled_one(
    app: Path, splunkd: FakeSplunkd, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    typed = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": KEY}
    document(splunkd, tmp_path, "asleep", disabled="1", **typed)
    conf = tmp_path / "etc/apps/search/local/inputs.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[aws_cloudhsm://asleep]\ndisabled = 1\naws_secret_access_key = {KEY}\n")
    stdin = document(splunkd, tmp_path / "state", "prod", endpoint_url=aws.url)
    run = start(app, stdin=stdin, env=environment(SPLUNK_HOME=str(tmp_path)))
    assert splunkd.passwords == {(REALM, entry_of("asleep")): f"{KEY_ID}:{KEY}"}
    assert splunkd.inputs["asleep"]["aws_secret_access_key"] == "********"
    assert splunkd.inputs["asleep"]["disabled"] == "1"
    assert "of=asleep" in run.stderr
    assert KEY not in run.stderr + run.stdout


def test_a_key_in_a_default_layer_is_reported_in_the_log_and_in_the_heartbeat(
    app: Path, splunkd: FakeSplunkd, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    conf = tmp_path / "etc/apps/org_inputs/default/inputs.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[aws_cloudhsm://prod]\naws_secret_access_key = {KEY}\n")
    given = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": KEY, "endpoint_url": aws.url}
    stdin = document(splunkd, tmp_path / "state", "prod", **given)
    run = start(app, stdin=stdin, env=environment(**NO_KEYS, SPLUNK_HOME=str(tmp_path)))
    assert (REALM, entry_of("prod")) in splunkd.passwords
    assert f"plain text in {conf}" in run.stderr
    assert f"plain text in {conf}" in run.stdout.partition('"advisories"')[2]
    assert KEY not in run.stderr + run.stdout
