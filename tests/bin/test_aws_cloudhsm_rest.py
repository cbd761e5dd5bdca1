"""The REST handlers of the packaged add-on, started as splunkd starts persistent ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bin.conftest import ROOT
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import (
    GROUP,
    HSM,
    NOW_MS,
    Answer,
    ScriptedAws,
    described,
    event,
    filtered,
    refusal,
)
from tests.bin.persistent.handlers import Handlers, Reply
from tests.bin.test_aws_cloudhsm import aws, configuration, environment, start
from tests.bin.test_aws_cloudhsm import keeper as splunkd

__all__ = ["aws", "splunkd"]  # fixtures

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REALM = "TA-aws-cloudhsm"
SESSION = {"user": "alice", "authtoken": SESSION_KEY}
IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    "<Arn>arn:aws:sts::111122223333:assumed-role/splunk/i-1</Arn><UserId>x</UserId>"
    "<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Page:
    """What the setup page does: requests with a session."""

    def __init__(self, handlers: Handlers, splunkd: FakeSplunkd, log: Path) -> None:
        self._handlers, self._splunkd, self._log = handlers, splunkd, log

    def get(self, path: str) -> Reply:
        return self._handlers.request("GET", f"/cloudhsm/{path}", SESSION, self._splunkd.uri)

    def send(self, path: str, method: str = "POST", /, **body: object) -> Reply:
        payload = json.dumps(body)
        return self._handlers.request(
            method, f"/cloudhsm/{path}", SESSION, self._splunkd.uri, payload
        )

    @property
    def logged(self) -> str:
        """Everything that was written to the log of the page, or to stderr."""
        files = (self._log / "var/log/splunk").glob("*.log*")
        return (self._log / "stderr").read_text() + "".join(file.read_text() for file in files)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "var/log/splunk").mkdir(parents=True)
    return tmp_path


@pytest.fixture(scope="module")
def installed(app: Path) -> Path:
    shutil.copytree(ROOT / "default", app / "default", dirs_exist_ok=True)
    return app


@pytest.fixture
def page(installed: Path, splunkd: FakeSplunkd, aws: ScriptedAws, home: Path) -> Iterator[Page]:
    given = environment(
        SPLUNK_HOME=str(home),
        AWS_ENDPOINT_URL_STS=aws.url,
        AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=aws.url,
        AWS_EC2_METADATA_DISABLED="true",
    )
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        given.pop(name, None)
    aws.script = {
        "DescribeLogGroups": [described(GROUP.name)],
        "FilterLogEvents": [filtered(event(0, NOW_MS))],
        "GetCallerIdentity": [Answer(IDENTITY.encode())],
    }
    with (home / "stderr").open("wb") as stderr:
        handlers = Handlers(installed, given, stderr)
        yield Page(handlers, splunkd, home)
        handlers.close()


def error_of(reply: Reply) -> dict[str, Any]:
    error: dict[str, Any] = reply.document["error"]
    assert set(error) == {"kind", "what", "where", "next_step"}
    return error


def stored(page: Page, name: str = "prod", **more: object) -> Reply:
    keys = {"access_key_id": KEY_ID, "secret_access_key": KEY}
    return page.send("credential", kind="aws", name=name, **{**keys, **more})


def test_a_test_shows_identity_network_permissions_and_groups(page: Page, aws: ScriptedAws) -> None:
    reply = page.send("check", settings={"aws_region": "us-east-1"})
    assert reply.status == 200
    assert reply.document["ok"]
    assert reply.document["identity"] == {
        "account": "111122223333",
        "arn": "arn:aws:sts::111122223333:assumed-role/splunk/i-1",
    }
    assert reply.document["network"] == {"endpoint": aws.url, "proxy": None, "ca_bundle": None}
    results = [(one["action"], one["result"]) for one in reply.document["permissions"]]
    assert results == [("logs:DescribeLogGroups", "allowed"), ("logs:FilterLogEvents", "allowed")]
    (group,) = reply.document["groups"]
    assert group["cluster_id"] == GROUP.cluster_id
    assert group["account"] == GROUP.account


def test_a_denied_action_shows_the_statement_to_add(page: Page, aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [refusal("AccessDeniedException", "not authorized")]
    reply = page.send("check", settings={"aws_region": "us-east-1"})
    assert reply.status == 200
    assert not reply.document["ok"]
    (denied,) = [one for one in reply.document["permissions"] if one["result"] == "denied"]
    assert denied["action"] == "logs:FilterLogEvents"
    assert denied["statement"]["Effect"] == "Allow"
    assert denied["statement"]["Resource"].endswith("/aws/cloudhsm/*")
    assert reply.document["failures"][0]["kind"] == "AccessDenied"


def test_keys_are_tried_without_being_stored(
    page: Page, aws: ScriptedAws, splunkd: FakeSplunkd
) -> None:
    settings = {
        "aws_region": "us-east-1",
        "aws_access_key_id": KEY_ID,
        "aws_secret_access_key": KEY,
    }
    assert page.send("check", settings=settings).document["ok"]
    assert f"Credential={KEY_ID}/" in aws.headers[-1]["Authorization"]
    assert splunkd.passwords == {}
    assert not [one for one in splunkd.requests if one[0] == "POST"]


def test_stored_keys_are_tried_by_their_name(
    page: Page, aws: ScriptedAws, splunkd: FakeSplunkd
) -> None:
    splunkd.passwords[REALM, "prod"] = f"{KEY_ID}:{KEY}"
    settings = {"aws_region": "us-east-1", "aws_credential": "prod"}
    assert page.send("check", settings=settings).document["ok"]
    assert f"Credential={KEY_ID}/" in aws.headers[-1]["Authorization"]


def test_wrong_keys_are_reported_with_what_to_do(page: Page, aws: ScriptedAws) -> None:
    message = "The security token included in the request is invalid"
    aws.script["DescribeLogGroups"] = [refusal("UnrecognizedClientException", message)]
    reply = page.send("check", settings={"aws_region": "us-east-1"})
    (failure,) = reply.document["failures"]
    assert failure["kind"] == "CredentialsError"
    assert "Check key and secret" in failure["next_step"]
    assert reply.document["identity"] is None


def test_a_setting_that_the_input_refuses_is_refused_in_the_same_words(
    page: Page, app: Path, tmp_path: Path
) -> None:
    reply = page.send("check", settings={"aws_region": "US East"})
    error = error_of(reply)
    assert reply.status == 400
    assert error["where"] == {"setting": "aws_region"}
    log = start(app, stdin=configuration(tmp_path, aws_region="US East")).stderr
    assert error["what"] in log.replace("\\'", "'")


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"aws_regoin": "us-east-1"}, "aws_regoin"),
        ({"aws_region": "us-east-1", "proxy_credential": "x"}, "proxy_credential"),
        ({"aws_region": "us-east-1", "endpoint_url": "http://logs.example"}, "endpoint_url"),
        ({"aws_region": ["us-east-1"]}, "settings"),
        ("us-east-1", "settings"),
    ],
)
def test_settings_that_cannot_be_tried_name_the_setting(
    page: Page, settings: object, setting: str
) -> None:
    reply = page.send("check", settings=settings)
    assert reply.status == 400
    assert error_of(reply)["where"]["setting"] == setting


def test_a_proxy_that_cannot_be_reached_is_reported(page: Page) -> None:
    settings = {
        "aws_region": "us-east-1",
        "endpoint_url": "https://logs.us-east-1.amazonaws.com",
        "proxy_url": "http://127.0.0.1:9",
    }
    began = time.monotonic()
    reply = page.send("check", settings=settings)
    assert time.monotonic() - began < 20
    (failure,) = reply.document["failures"]
    assert "proxy cannot be reached" in failure["what"]
    assert reply.document["network"]["proxy"] == "http://127.0.0.1:9"


def test_a_credential_is_stored_listed_and_deleted_without_being_returned(
    page: Page, splunkd: FakeSplunkd
) -> None:
    assert stored(page).status == 200
    assert splunkd.passwords == {(REALM, "prod"): f"{KEY_ID}:{KEY}"}
    splunkd.passwords["another-app", "x"] = "theirs"
    listed = page.get("credential")
    (entry,) = listed.document["credentials"]
    assert entry == {"kind": "aws", "name": "prod", "host": "", "user_end": "MPLE", "inputs": []}
    assert page.send("credential", "DELETE", kind="aws", name="prod").status == 200
    assert splunkd.passwords == {("another-app", "x"): "theirs"}


def test_no_secret_is_returned_or_logged(page: Page, splunkd: FakeSplunkd) -> None:
    password = "hunter2-but-longer"
    proxy = {"proxy_url": "http://proxy.example:3128", "user": "svc", "password": password}
    replies = [
        stored(page),
        page.send("credential", kind="proxy", name="corp", **proxy),
        page.get("credential"),
        stored(page),
        page.send("credential", kind="aws", name="x", access_key_id="no", secret_access_key=KEY),
        page.send(
            "check", settings={"aws_region": "us-east-1", "aws_credential": f"{KEY_ID}:{KEY}"}
        ),
        page.send(
            "check",
            settings={"aws_region": "us-east-1", "proxy_url": f"http://u:{password}@127.0.0.1:9"},
        ),
    ]
    splunkd.inputs["prod"] = {"aws_secret_access_key": KEY, "external_id": "the-external-id"}
    replies.append(page.get("operation"))
    text = json.dumps(replies) + page.logged
    assert splunkd.passwords[f"{REALM}-proxy@proxy.example", "corp"] == f"svc:{password}"
    for secret in (KEY, password, SESSION_KEY, "the-external-id"):
        assert secret not in text


def test_every_change_is_audited_with_who_what_and_result(page: Page, splunkd: FakeSplunkd) -> None:
    splunkd.person = 'mallory" did=nothing'
    stored(page)
    stored(page)
    page.send("credential", "DELETE", kind="aws", name="prod")
    changes = [line for line in page.logged.splitlines() if "what=setup_change" in line]
    assert [line.partition("status=")[2][:3] for line in changes] == ["200", "409", "200"]
    assert all(r'by="mallory\" did=nothing"' in line for line in changes)
    assert all("name=prod" in line for line in changes)
    assert "did=post_credential" in changes[0]
    assert "did=delete_credential" in changes[2]


def test_a_name_that_exists_is_not_overwritten(page: Page, splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "prod"] = "AKIAAAAAAAAAAAAAAAAA:theirs"
    reply = stored(page)
    assert reply.status == 409
    assert error_of(reply)["where"] == {"setting": "name"}
    assert splunkd.passwords[REALM, "prod"].endswith("theirs")


def test_of_two_people_who_replace_a_credential_the_second_hears_of_the_first(
    page: Page, splunkd: FakeSplunkd
) -> None:
    splunkd.passwords[REALM, "prod"] = "AKIAAAAAAAAAAAAAAAAA:old"
    assert stored(page, replaces="AAAA").status == 200
    reply = stored(page, replaces="AAAA")
    assert reply.status == 409
    assert "somebody else" in error_of(reply)["what"]
    assert stored(page, "gone", replaces="AAAA").status == 404


def test_a_credential_in_use_is_not_deleted(page: Page, splunkd: FakeSplunkd) -> None:
    splunkd.passwords[REALM, "prod"] = f"{KEY_ID}:{KEY}"
    splunkd.inputs["eu"] = {"aws_region": "eu-central-1", "aws_credential": "prod"}
    reply = page.send("credential", "DELETE", kind="aws", name="prod")
    assert reply.status == 409
    assert "eu" in error_of(reply)["what"]
    assert (REALM, "prod") in splunkd.passwords


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        ({"kind": "aws", "name": "a:b"}, "name"),
        ({"kind": "ssh", "name": "prod"}, "kind"),
        ({"kind": "aws"}, "name"),
        ({"kind": "aws", "name": "prod", "access_key_id": KEY_ID}, "secret_access_key"),
        (
            {"kind": "aws", "name": "prod", "access_key_id": "x", "secret_access_key": KEY},
            "aws_access_key_id",
        ),
        (
            {
                "kind": "proxy",
                "name": "corp",
                "proxy_url": "http://proxy.example:3128",
                "user": KEY_ID,
                "password": KEY,
            },
            "user",
        ),
    ],
)
def test_a_credential_that_cannot_be_used_is_not_stored(
    page: Page, splunkd: FakeSplunkd, body: dict[str, object], setting: str
) -> None:
    reply = page.send("credential", **body)
    assert reply.status == 400
    assert error_of(reply)["where"]["setting"] == setting
    assert splunkd.passwords == {}


@pytest.mark.parametrize(
    ("capabilities", "missing"),
    [
        ([], "edit_modinput_aws_cloudhsm"),
        (["edit_modinput_aws_cloudhsm"], "list_storage_passwords"),
        (["list_storage_passwords"], "edit_modinput_aws_cloudhsm"),
    ],
)
def test_without_the_capabilities_nothing_is_tried_or_stored(
    page: Page,
    splunkd: FakeSplunkd,
    aws: ScriptedAws,
    capabilities: list[str],
    missing: str,
) -> None:
    splunkd.capabilities = capabilities
    for reply in (page.send("check", settings={"aws_region": "us-east-1"}), stored(page)):
        assert reply.status == 403
        assert missing in error_of(reply)["what"]
    assert splunkd.passwords == {}
    assert aws.headers == []


def test_the_input_capability_and_passwords_suffice(page: Page, splunkd: FakeSplunkd) -> None:
    splunkd.capabilities = [
        "edit_modinput_aws_cloudhsm",
        "list_storage_passwords",
        "edit_storage_passwords",
    ]
    assert page.send("check", settings={"aws_region": "us-east-1"}).status == 200
    assert stored(page).status == 200


def test_a_session_that_has_ended_is_reported_as_such(page: Page, splunkd: FakeSplunkd) -> None:
    splunkd.ended = True
    for reply in (page.get("credential"), stored(page)):
        assert reply.status == 401
        assert "Log in" in error_of(reply)["next_step"]
    assert splunkd.passwords == {}


def test_handlers_use_the_callers_session_and_never_get_the_systems(installed: Path) -> None:
    text = (installed / "default" / "restmap.conf").read_text()
    assert text.count("passSystemAuth = false") == text.count("[script:")
    assert text.count("python.required = 3.13,3.9") == text.count("[script:")


def test_suggestions_name_an_input_for_the_groups_that_exist(
    page: Page, splunkd: FakeSplunkd
) -> None:
    splunkd.inputs["111122223333-us-east-1"] = {"aws_region": "us-east-1"}
    settings = {"aws_region": "us-east-1", "external_id": "", "aws_credential": ""}
    reply = page.send("suggestions", settings=settings)
    (suggested,) = reply.document["inputs"]
    assert suggested["name"] == "111122223333-us-east-1-2"
    assert suggested["settings"] == {"aws_region": "us-east-1"}
    assert suggested["groups"][0]["name"] == GROUP.name
    assert suggested["collected"] == {}


def test_status_shows_what_runs_left_and_which_groups_are_collected(
    page: Page, app: Path, aws: ScriptedAws, splunkd: FakeSplunkd, home: Path
) -> None:
    checkpoints = home / "var/lib/splunk/modinputs/aws_cloudhsm"
    checkpoints.mkdir(parents=True)
    given = {"aws_region": "us-east-1", "start_time": "2026-01-01", "endpoint_url": aws.url}
    splunkd.inputs["prod"] = given
    run = start(app, stdin=configuration(checkpoints, **given))
    assert HSM in run.stdout, run.stderr
    (status,) = page.get("operation").document["inputs"]
    assert status["name"] == "prod"
    assert not status["disabled"]
    assert status["heartbeat_ms"]
    (group,) = status["groups"]
    assert group["name"] == GROUP.name
    assert group["settled_ms"]
    reply = page.send("suggestions", settings={"aws_region": "us-east-1"})
    assert reply.document["inputs"][0]["collected"] == {GROUP.name: ["prod"]}


def test_a_damaged_state_is_shown_next_to_its_group(
    page: Page, app: Path, aws: ScriptedAws, splunkd: FakeSplunkd, home: Path
) -> None:
    checkpoints = home / "var/lib/splunk/modinputs/aws_cloudhsm"
    checkpoints.mkdir(parents=True)
    given = {"aws_region": "us-east-1", "endpoint_url": aws.url}
    splunkd.inputs["prod"] = given
    start(app, stdin=configuration(checkpoints, **given))
    for state in (*checkpoints.glob("*.state"), *checkpoints.glob("*.previous")):
        state.write_bytes(b"{}")
    (group,) = page.get("operation").document["inputs"][0]["groups"]
    assert group["problem"]["kind"] == "StateCorrupt"
    assert group["problem"]["next_step"]


@pytest.fixture
def collected(page: Page, app: Path, aws: ScriptedAws, splunkd: FakeSplunkd, home: Path) -> Path:
    """The checkpoint folder after a run of the input `prod`."""
    checkpoints = home / "var/lib/splunk/modinputs/aws_cloudhsm"
    checkpoints.mkdir(parents=True)
    given = {"aws_region": "us-east-1", "endpoint_url": aws.url}
    splunkd.inputs["prod"] = given
    start(app, stdin=configuration(checkpoints, **given))
    assert page.get("operation").document["inputs"][0]["groups"]
    return checkpoints


RANGE = {"from": "2026-01-31T08:00:00Z", "to": "2026-01-31T12:00:00Z"}


def test_a_replay_is_requested_by_the_person_who_asks_listed_and_cancelled(
    page: Page, collected: Path
) -> None:
    reply = page.send("operation", operation="replay", group=GROUP.name, reason="lost", **RANGE)
    assert reply.status == 200, reply
    (request,) = collected.glob("*.replay-*")
    document = json.loads(request.read_text())
    assert (document["requested_by"], document["reason"]) == ("alice", "lost")
    replays = page.send("operation", operation="replays").document["done"]
    assert "waiting" in replays
    done = page.send("operation", operation="cancel_replay", id=document["id"])
    assert "withdrawn" in done.document["done"]
    assert not [*collected.glob("*.replay-*")]
    assert "did=post_operation status=200" in page.logged


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        ({"operation": "replay", "group": "/nowhere", **RANGE}, "group"),
        ({"operation": "replay", "group": GROUP.name, "from": "soon", "to": "2026-01-31"}, "from"),
        ({"operation": "replay", "group": GROUP.name, **RANGE, "to": "2099-01-01"}, "to"),
        ({"operation": "replay", "group": GROUP.name, "to": "2026-01-31"}, "from"),
        ({"operation": "cancel_replay", "id": "x"}, "id"),
        ({"operation": "rm"}, "operation"),
        ({"operation": "set_aside", "state": "../../../etc/passwd"}, "state"),
        ({"operation": "set_aside", "state": "not-there"}, "state"),
        ({"operation": "set_aside", "state": "x", "kvstore": True}, "kvstore"),
    ],
)
@pytest.mark.usefixtures("collected")
def test_an_operation_that_cannot_be_done_names_the_member(
    page: Page, body: dict[str, object], setting: str
) -> None:
    reply = page.send("operation", **body)
    assert reply.status in (400, 404)
    error = error_of(reply)
    assert error["where"]["setting"] == setting
    assert "--" not in error["what"] + error["next_step"]


def test_a_damaged_state_is_set_aside_and_one_that_can_be_read_only_by_force(
    page: Page, collected: Path
) -> None:
    (state,) = collected.glob("*.state")
    reply = page.send("operation", operation="set_aside", state=state.stem)
    assert reply.status == 409
    assert "force" in error_of(reply)["next_step"]
    for generation in (state, state.with_suffix(".previous")):
        generation.write_bytes(b"{}")
    reply = page.send("operation", operation="set_aside", state=state.stem)
    assert reply.status == 200, reply
    assert not state.exists()
    assert [*collected.glob("*.set-aside-*")]


def test_a_state_in_kv_store_is_not_taken_for_the_file_of_its_name(
    page: Page, collected: Path
) -> None:
    (state,) = collected.glob("*.state")
    before = state.read_bytes()
    body = {"state": state.stem, "kvstore": True, "force": True}
    assert page.send("operation", operation="set_aside", **body).status == 400
    assert state.read_bytes() == before


@pytest.mark.parametrize("name", ["~x", "..", ".", "", "a b"])
def test_a_name_that_no_person_may_give_is_refused(page: Page, name: str) -> None:
    keys = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "x" * 40}
    reply = page.send("credential", kind="aws", name=name, **keys)
    assert reply.status == 400
    assert error_of(reply)["where"]["setting"] == "name"


def test_before_an_input_has_run_there_is_nothing_to_operate_on(page: Page) -> None:
    reply = page.send("operation", operation="replays")
    assert "No input has run" in error_of(reply)["what"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "check", 405), ("DELETE", "operation", 405)]
)
def test_what_no_handler_does_is_refused(page: Page, method: str, path: str, status: int) -> None:
    reply = page.send(path, method) if method != "GET" else page.get(path)
    assert reply.status == status


@pytest.mark.parametrize("payload", ["[]", "{", "null", '"x"', "x" * 100_000, "[" * 50_000])
def test_a_body_that_is_no_object_is_refused(
    installed: Path, splunkd: FakeSplunkd, payload: str
) -> None:
    handlers = Handlers(installed, environment())
    try:
        reply = handlers.request("POST", "/cloudhsm/check", SESSION, splunkd.uri, payload)
    finally:
        handlers.close()
    assert reply.status in (400, 413)


def test_libraries_of_another_app_in_the_process_are_refused(
    installed: Path, splunkd: FakeSplunkd, tmp_path: Path
) -> None:
    other = tmp_path / "botocore"
    other.mkdir()
    (other / "__init__.py").write_text("")
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import botocore, runpy; "
        f"sys.path[:0] = [{str(ROOT / 'tests/bin/persistent/stub')!r}]; "
        f"module = runpy.run_path({str(installed / 'bin/aws_cloudhsm_rest.py')!r}); "
        "print(module['SetupHandler']([], None).handle('{}'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "'status': 500" in done.stdout
    assert "libraries of another app" in done.stdout
