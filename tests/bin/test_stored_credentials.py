"""What an input of the packaged add-on does with stored and typed secrets: real processes."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest

from cloudhsm.splunk.typed_secrets import entry_of
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import ScriptedAws, described, filtered
from tests.bin.test_aws_cloudhsm import (
    GROUP,
    KEY_ID,
    NO_KEYS,
    aws,
    configuration,
    environment,
    events,
    signer,
    start,
)
from tests.bin.test_aws_cloudhsm import TYPED_SECRET as KEY
from tests.bin.test_aws_cloudhsm import keeper as splunkd
from tools.demo import splunkd as run_document

__all__ = ["aws", "splunkd"]  # fixtures

REALM = "TA-aws-cloudhsm"


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
    assert splunkd.inputs["prod"]["aws_credential"] == entry_of("prod", KEY_ID)
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
    assert splunkd.passwords == {(REALM, entry_of("asleep", KEY_ID)): f"{KEY_ID}:{KEY}"}
    assert splunkd.inputs["asleep"]["aws_secret_access_key"] == "********"
    assert splunkd.inputs["asleep"]["disabled"] == "1"
    assert "asleep aws_credential" in run.stderr
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
    assert (REALM, entry_of("prod", KEY_ID)) in splunkd.passwords
    assert f"plain text in {conf}" in run.stderr
    assert f"plain text in {conf}" in run.stdout.partition('"advisories"')[2]
    assert KEY not in run.stderr + run.stdout


def validated(splunkd: FakeSplunkd, checkpoints: Path, name: str, **given: str) -> str:
    """The document with which splunkd has a changed input validated."""
    items = "".join(
        f"<param name={quoteattr(key)}>{escape(value)}</param>" for key, value in given.items()
    )
    return (
        f"<items><server_host>h</server_host><server_uri>{splunkd.uri}</server_uri>"
        f"<session_key>{SESSION_KEY}</session_key><checkpoint_dir>{checkpoints}</checkpoint_dir>"
        f"<item name={quoteattr(name)}>{items}</item></items>"
    )


def test_masking_a_secret_passes_the_validation_of_an_input_that_would_fail_it(
    app: Path, splunkd: FakeSplunkd, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described()]  # a strict check rejects an empty Region
    results: list[str] = []

    def validate(name: str, given: dict[str, str]) -> bool:
        stdin = validated(splunkd, tmp_path, name, **given)
        run = start(app, "--validate-arguments", stdin=stdin, env=environment(**NO_KEYS))
        results.append(run.stdout)
        return run.returncode == 0

    splunkd.validate = validate
    typed = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": KEY, "endpoint_url": aws.url}
    start(app, stdin=document(splunkd, tmp_path, "prod", **typed), env=environment(**NO_KEYS))
    assert results == [""]
    assert splunkd.inputs["prod"]["aws_secret_access_key"] == "********"
    assert not validate("prod", splunkd.inputs["prod"])  # as for a person
    assert "No log group begins with the prefix" in results[1]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"aws_credential": "prdo"}, "CredentialsError"),
        ({"ca_bundle": "/no/such/file"}, "SettingError"),
        ({"aws_profile": "nobody"}, "CredentialsError"),
    ],
)
def test_what_fails_before_any_log_group_is_reached_is_an_event_once_and_again_when_it_works(
    app: Path,
    splunkd: FakeSplunkd,
    aws: ScriptedAws,
    tmp_path: Path,
    given: dict[str, str],
    error: str,
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    broken = document(splunkd, tmp_path, "prod", endpoint_url=aws.url, **given)
    first, second = (start(app, stdin=broken, env=environment(**NO_KEYS)) for _ in range(2))
    (event,) = [json.loads(e["data"]) for e in events(first.stdout)]
    assert (event["event"], event["part"], event["error"]) == ("collection_failed", "input", error)
    assert event["next_step"]
    assert events(second.stdout) == []
    fixed = start(app, stdin=document(splunkd, tmp_path, "prod", endpoint_url=aws.url))
    assert '"event":"collection_resumed"' in fixed.stdout


def test_a_secret_typed_into_the_wrong_field_is_not_repeated(
    app: Path, splunkd: FakeSplunkd, tmp_path: Path
) -> None:
    for name in ("aws_credential", "proxy_credential"):
        given = {name: f"{KEY_ID}:not40letters", "aws_region": "us-east-1"}
        stdin = validated(splunkd, tmp_path, "prod", **given)
        run = start(app, "--validate-arguments", stdin=stdin)
        assert f"{name} is not the name of a credential" in run.stdout
        assert "not40letters" not in run.stdout + run.stderr


def test_the_secret_of_an_input_that_cannot_run_is_reported(app: Path, tmp_path: Path) -> None:
    conf = tmp_path / "etc/apps/search/local/inputs.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[aws_cloudhsm://prod]\naws_secret_access_key = {KEY}\n")
    stdin = configuration(tmp_path, start_time="soon")
    run = start(app, stdin=stdin, env=environment(SPLUNK_HOME=str(tmp_path)))
    assert f"plain text in {conf}" in run.stderr


def test_a_new_key_id_next_to_the_mask_is_rejected_on_save(
    app: Path, splunkd: FakeSplunkd, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    splunkd.passwords[REALM, "prod"] = f"{KEY_ID}:{KEY}"
    given = {
        "aws_region": "us-east-1",
        "endpoint_url": aws.url,
        "aws_credential": "prod",
        "aws_access_key_id": "AKIA2222222222222222",
        "aws_secret_access_key": "********",
    }
    stdin = validated(splunkd, tmp_path, "prod", **given)
    run = start(app, "--validate-arguments", stdin=stdin)
    assert "AKIA2222222222222222 is not the key that is stored as prod" in run.stdout
