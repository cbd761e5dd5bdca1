"""Against a scripted HTTP server, sockets that never answer, and names that do not resolve."""

from __future__ import annotations

import json
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
from cloudhsm.aws.log_source import Caller, Discovery, FoundGroup
from cloudhsm.aws.session import Timeouts
from cloudhsm.base.errors import (
    AccessDenied,
    CloudHsmError,
    CredentialsError,
    EndpointUnreachable,
    GroupNotFound,
    Place,
    ServiceFailure,
    Unexpected,
)
from cloudhsm.base.settings import GroupSelector, Settings, parse
from cloudhsm.collect import access_check
from cloudhsm.collect.access_check import as_one, check, examine
from cloudhsm.trail.log_group import GroupId
from tests.bin.conftest import LIBRARIES, ROOT
from tests.bin.fakes import (
    GROUP,
    HOUR_MS,
    NOW_MS,
    Answer,
    ScriptedAws,
    described,
    event,
    filtered,
    refusal,
)

EXACT = "/aws/cloudhsm/cluster-likphkxygsn"
SHORT = Timeouts(connect_s=0.5, read_s=0.5, attempts=1)
DENIED = "User: arn:aws:sts::111122223333:assumed-role/splunk/i is not authorized to perform this"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    server = ScriptedAws()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(access_check, "_PAUSE_S", 0)
    server.script = {
        "DescribeLogGroups": [described(EXACT)],
        "FilterLogEvents": [filtered(event(0, NOW_MS - HOUR_MS))],
    }
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cloudhsm")


def settings(url: str, *entries: str) -> Settings:
    asked = {
        "aws_region": "us-east-1",
        "endpoint_url": url,
        "log_groups": ",".join(entries),
        "calls_per_second": "100",
    }
    return parse("aws_cloudhsm://prod", asked, NOW_MS)


def checked(
    url: str, *entries: str, limit_s: float = 15, is_strict: bool = False
) -> list[CloudHsmError]:
    asked = settings(url, *entries)
    return check(asked, lambda: CloudWatchLogs(asked, SHORT), limit_s, is_strict=is_strict)


def statement(error: CloudHsmError) -> dict[str, str]:
    found = re.search(r"\{.*\}", error.next_step)
    assert found
    return dict(json.loads(found[0]))


def test_what_is_allowed_is_nothing_to_tell_and_is_logged(
    aws: ScriptedAws, caplog: pytest.LogCaptureFixture
) -> None:
    assert checked(aws.url) == []
    head = "input=aws_cloudhsm://prod what=access_checked"
    assert caplog.messages == [
        f"{head} entry=/aws/cloudhsm/ action=logs:DescribeLogGroups result=allowed",
        f"{head} group={EXACT} action=logs:FilterLogEvents result=allowed",
    ]


def test_the_dry_call_asks_for_one_event_and_nothing_else(aws: ScriptedAws) -> None:
    checked(aws.url)
    assert [name for name, _ in aws.requests] == ["DescribeLogGroups", "FilterLogEvents"]
    (asked,) = aws.asked("FilterLogEvents")
    assert asked["limit"] == 1


def test_listing_denied_names_action_and_statement(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException", DENIED)]
    (error,) = checked(aws.url)
    assert isinstance(error, AccessDenied)
    assert "AWS denied logs:DescribeLogGroups on /aws/cloudhsm/" in error.what
    assert statement(error) == {
        "Effect": "Allow",
        "Action": "logs:DescribeLogGroups",
        "Resource": "*",
    }


@pytest.mark.parametrize(
    ("entry", "resource"),
    [
        ("/aws/cloudhsm/", "/aws/cloudhsm/*"),
        ("/aws/cloudhsm/cluster-lik*", "/aws/cloudhsm/cluster-lik*"),
        (EXACT, f"{EXACT}:*"),
    ],
)
def test_reading_denied_names_group_and_statement(
    aws: ScriptedAws, entry: str, resource: str
) -> None:
    aws.script["FilterLogEvents"] = [refusal("AccessDeniedException", DENIED)]
    (error,) = checked(aws.url, entry)
    assert isinstance(error, AccessDenied)
    assert f"AWS denied logs:FilterLogEvents on {EXACT}: {DENIED}" in error.what
    assert statement(error) == {
        "Effect": "Allow",
        "Action": "logs:FilterLogEvents",
        "Resource": f"arn:aws:logs:us-east-1:111122223333:log-group:{resource}",
    }


def test_one_group_of_several_denied_is_the_one_that_is_named(aws: ScriptedAws) -> None:
    groups = [f"/aws/cloudhsm/cluster-{letter}" for letter in "abc"]

    def answer(asked: dict[str, Any]) -> Answer:
        denied = asked["logGroupName"] in groups[1:]
        return refusal("AccessDeniedException", DENIED) if denied else filtered()

    aws.script["DescribeLogGroups"] = [described(*groups)]
    aws.script["FilterLogEvents"] = answer
    (error,) = checked(aws.url)
    assert f"on {groups[1]}:" in error.what
    assert f"; also on {groups[2]}" in error.what
    assert groups[0] not in error.what


def test_an_explicit_deny_is_not_mended_by_a_statement(aws: ScriptedAws) -> None:
    denial = f"{DENIED} with an explicit deny in a service control policy"
    aws.script["FilterLogEvents"] = [refusal("AccessDeniedException", denial)]
    (error,) = checked(aws.url)
    assert "ask the organization's administrator" in error.next_step
    assert "{" not in error.next_step


@pytest.mark.parametrize("known_by", ["DescribeLogGroups", "FilterLogEvents"])
def test_an_exact_name_that_does_not_exist_is_refused(aws: ScriptedAws, known_by: str) -> None:
    if known_by == "DescribeLogGroups":
        aws.script["DescribeLogGroups"] = [described(f"{EXACT}2")]
    else:  # who may not list is told by reading
        aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException", DENIED)]
        aws.script["GetCallerIdentity"] = [Answer(CALLER)]
        aws.script["FilterLogEvents"] = [refusal("ResourceNotFoundException")]
    (error,) = checked(aws.url, EXACT)
    assert isinstance(error, GroupNotFound)
    assert EXACT in str(error)
    assert "a prefix that ends in *, which may match later" in error.next_step


CALLER = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    b"<GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult>"
    b"</GetCallerIdentityResponse>"
)


def test_an_exact_name_needs_no_permission_to_list(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [refusal("AccessDeniedException", DENIED)]
    aws.script["GetCallerIdentity"] = [Answer(CALLER)]
    assert checked(aws.url, EXACT) == []


@pytest.mark.parametrize("entry", ["/aws/cloudhsm/", "/aws/cloudhsm/new*"])
def test_a_prefix_without_log_groups_is_allowed_and_warned_of(
    aws: ScriptedAws, caplog: pytest.LogCaptureFixture, entry: str
) -> None:
    aws.script["DescribeLogGroups"] = [described()]
    assert checked(aws.url, entry) == []
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "result=no_log_group" in record.getMessage()
    assert entry in record.getMessage()


def test_a_region_without_log_groups_is_refused_when_an_input_is_saved(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described()]
    (error,) = checked(aws.url, "/aws/cloudhsm/", is_strict=True)
    assert isinstance(error, GroupNotFound)
    assert "aws_region (us-east-1)" in error.next_step
    assert "a prefix that ends in *, which may match later" in error.next_step
    assert checked(aws.url, "/aws/cloudhsm/*", is_strict=True) == []


def test_every_entry_is_tried_and_all_failures_are_told_at_once(aws: ScriptedAws) -> None:
    def answer(asked: dict[str, Any]) -> Answer:
        if asked["logGroupNamePrefix"] == "/b/":
            return refusal("AccessDeniedException", DENIED)
        return described(asked["logGroupNamePrefix"] * (asked["logGroupNamePrefix"] != "/a"))

    aws.script["DescribeLogGroups"] = answer
    failures = checked(aws.url, "/a", "/b/", "/c")
    assert [type(failure) for failure in failures] == [GroupNotFound, AccessDenied]
    told = str(as_one(failures))
    assert told.startswith("2 checks failed: (1) No log group has the name")
    assert "(2) AWS denied logs:DescribeLogGroups" in told


def test_one_failure_is_told_as_it_is() -> None:
    error = GroupNotFound("x", next_step="y")
    assert as_one([error]) is error


def test_a_few_groups_stand_for_an_entry(aws: ScriptedAws) -> None:
    groups = [f"/aws/cloudhsm/cluster-{number}" for number in range(40)]
    aws.script["DescribeLogGroups"] = [described(*groups)]
    assert checked(aws.url) == []
    asked = [body["logGroupName"] for body in aws.asked("FilterLogEvents")]
    assert asked == groups[: access_check.GROUPS_PER_ENTRY]


def test_missing_credentials_are_told_once(
    aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (error,) = checked(aws.url, "/a/", "/b/")
    assert isinstance(error, CredentialsError)
    assert "There are no usable AWS credentials" in error.what


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_credentials_that_aws_refuses_are_told_once(aws: ScriptedAws, code: str) -> None:
    aws.script["DescribeLogGroups"] = [refusal(code)]
    (error,) = checked(aws.url, "/a/", "/b/")
    assert isinstance(error, CredentialsError)
    assert code in error.what


@pytest.mark.parametrize("operation", ["DescribeLogGroups", "FilterLogEvents"])
def test_throttling_that_passes_is_no_failure(aws: ScriptedAws, operation: str) -> None:
    good = aws.script[operation]
    assert isinstance(good, list)
    aws.script[operation] = [refusal("ThrottlingException"), *good]
    assert checked(aws.url) == []


def test_there_is_no_second_try_that_could_come_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        time.sleep(0.3)
        raise ServiceFailure("throttled", next_step="x")

    monkeypatch.setattr(access_check, "_PAUSE_S", 5)
    failures = check(settings("", "/a/"), lambda: FakeSource(reading=fail), limit_s=0.5)
    assert [failure.what for failure in failures] == ["throttled"]


def test_a_failure_of_aws_that_stays_is_told(aws: ScriptedAws) -> None:
    aws.script["FilterLogEvents"] = [refusal("InternalFailure", status=500)]
    (error,) = checked(aws.url, "/aws/cloudhsm/", "/b/")
    assert isinstance(error, ServiceFailure)
    assert "Save the input again in a minute" in error.next_step
    assert len(aws.asked("FilterLogEvents")) == 2


def test_denials_before_such_a_failure_are_told_too(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described("/aws/cloudhsm/a", "/aws/cloudhsm/b")]
    aws.script["FilterLogEvents"] = [
        refusal("AccessDeniedException", DENIED),
        refusal("InternalFailure", status=500),
    ]
    assert [type(one) for one in checked(aws.url)] == [AccessDenied, ServiceFailure]


def test_a_surprise_is_told(aws: ScriptedAws) -> None:
    def broken() -> access_check.Source:
        raise ZeroDivisionError

    (error,) = check(settings(aws.url), broken)
    assert isinstance(error, Unexpected)
    assert "ZeroDivisionError" in error.what


def why(url: str) -> EndpointUnreachable:
    (error,) = checked(url, "/a/", "/b/")
    assert isinstance(error, EndpointUnreachable)
    return error


def test_a_closed_port_refuses(aws: ScriptedAws) -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        error = why(f"http://127.0.0.1:{held.getsockname()[1]}")
    assert error.what.startswith("The connection is refused: http://127.0.0.1:")


def test_a_name_that_does_not_resolve_is_dns(
    aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = why("https://logs.us-east-1.amazonaws.com")
    assert error.what.startswith("The host's name cannot be resolved (DNS): https://logs.us-east-1")


def test_a_socket_that_never_answers_is_told_with_the_time_it_had(aws: ScriptedAws) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        began = time.monotonic()
        error = why(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert error.what.startswith("There is a connection, but no response within 0.5 s: http://127")
    assert time.monotonic() - began < 3


def test_a_host_that_takes_no_connection_is_told_with_the_time_it_had(aws: ScriptedAws) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        error = why(f"http://127.0.0.1:{port}")
        for one in waiting:
            one.close()
    assert error.what.startswith("There is no connection within 0.5 s: http://127.0.0.1:")


def test_a_connection_closed_without_an_answer_is_told(aws: ScriptedAws) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=close_each_connection, args=(server,), daemon=True).start()
        error = why(f"http://127.0.0.1:{server.getsockname()[1]}")
    assert error.what.startswith("The connection was closed without a response: http://127.0.0.1:")


def close_each_connection(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:  # the test is over
        return


def test_a_port_that_speaks_no_tls_is_told(aws: ScriptedAws) -> None:
    error = why(aws.url.replace("http://", "https://"))
    assert error.what.startswith("TLS failed (")
    assert "ca_bundle" in error.next_step


def test_a_proxy_that_is_not_there_is_told(
    aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        proxy = f"http://user:proxysecret@127.0.0.1:{held.getsockname()[1]}"
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        error = why("https://logs.us-east-1.amazonaws.com")
    assert error.what.startswith("The proxy cannot be reached (")
    assert "HTTPS_PROXY" in error.next_step
    assert "proxysecret" not in str(error)


@dataclass
class FakeSource:
    """Groups of every entry, and what reading one of them does."""

    groups: list[GroupId] = field(default_factory=lambda: [GROUP])
    reading: Callable[[], object] = lambda: None
    read: list[str] = field(default_factory=list)

    def discover(self, selectors: Iterable[GroupSelector]) -> Discovery:  # noqa: ARG002
        return Discovery([FoundGroup(group) for group in self.groups], [])

    def may_read(self, group: GroupId) -> None:
        self.read.append(group.name)
        self.reading()


@pytest.mark.parametrize("place", ["connecting", "reading"])
def test_whatever_hangs_the_check_ends_and_says_what_it_awaited(place: str) -> None:
    never = threading.Event()

    def connect() -> access_check.Source:
        if place == "connecting":
            never.wait(30)
        return FakeSource(reading=lambda: never.wait(30))

    began = time.monotonic()
    (error,) = check(settings("", "/a/"), connect, limit_s=0.4)
    assert time.monotonic() - began < 1.5
    never.set()
    awaited = "AWS credentials" if place == "connecting" else f"logs:FilterLogEvents on {EXACT}"
    assert error.what == f"There is no result after 0.4 s; awaited last: {awaited}"


def test_what_was_found_before_something_hung_is_told_too() -> None:
    never = threading.Event()
    groups = [replace(GROUP, name="/a"), replace(GROUP, name="/b")]
    source = FakeSource(groups)

    def read() -> None:
        if source.read == ["/a"]:
            raise GroupNotFound("gone", place=Place(group="/a"), next_step="x")
        never.wait(30)

    source.reading = read
    failures = check(settings("", "/a"), lambda: source, limit_s=0.4)
    never.set()
    assert [type(failure) for failure in failures] == [GroupNotFound, EndpointUnreachable]


def test_nothing_is_logged_by_what_was_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    go_on = threading.Event()
    check(settings("", "/a/"), lambda: FakeSource(reading=lambda: go_on.wait(30)), 0.2)
    logged = len(caplog.messages)
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "access":
            thread.join(5)
    assert len(caplog.messages) == logged


def test_more_entries_than_the_time_allows_are_warned_of_and_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = FakeSource(reading=lambda: time.sleep(0.1))
    entries = [f"/a{number}" for number in range(50)]
    assert check(settings("", *entries), lambda: source, limit_s=1) == []
    assert 2 <= len(source.read) < 50
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert re.search(r"entries=\d+ result=not_tried", warning.getMessage())


def test_an_examination_has_each_call_with_its_result(aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described(EXACT, "/aws/cloudhsm/cluster-b")]
    aws.script["FilterLogEvents"] = [filtered(), refusal("AccessDeniedException", DENIED)]
    asked = settings(aws.url, "/aws/cloudhsm/")
    found = examine(asked, lambda: CloudWatchLogs(asked, SHORT))
    results = [(one.action, one.resource, one.result) for one in found.permissions]
    assert results == [
        ("logs:DescribeLogGroups", "*", "allowed"),
        ("logs:FilterLogEvents", EXACT, "allowed"),
        ("logs:FilterLogEvents", "/aws/cloudhsm/cluster-b", "denied"),
    ]
    assert found.permissions[2].statement is not None
    assert [group.id.name for group in found.groups] == [EXACT, "/aws/cloudhsm/cluster-b"]
    assert [type(failure) for failure in found.failures] == [AccessDenied]
    assert found.caller is None


def test_an_identity_that_sts_does_not_return_is_no_failure() -> None:
    def identify() -> Caller:
        raise EndpointUnreachable("no STS here", next_step="x")

    found = examine(settings("", "/a"), lambda: FakeSource([GROUP]), identify=identify)
    assert (found.failures, found.caller) == ([], None)


def test_the_identity_is_not_asked_for_with_credentials_that_were_refused() -> None:
    asked = []

    def connect() -> FakeSource:
        raise CredentialsError("wrong", next_step="x")

    def identify() -> Caller:
        asked.append(1)
        return Caller("1", "arn")

    found = examine(settings("", "/a"), connect, identify=identify)
    assert [type(failure) for failure in found.failures] == [CredentialsError]
    assert asked == []


def test_a_name_server_that_never_answers_keeps_no_process_waiting() -> None:
    """The thread that is left behind must not keep the interpreter from ending."""
    library = LIBRARIES / ("py39" if sys.version_info < (3, 10) else "py313")
    code = f"""
import socket, sys, time
sys.path[:0] = {[str(ROOT / "bin"), str(library), str(LIBRARIES / "common")]}
from cloudhsm.base import settings
from cloudhsm.collect import access_check
from cloudhsm.aws.cloudwatch_logs import CloudWatchLogs
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
asked = settings.parse("x", {{"aws_region": "us-east-1"}}, 0)
print(access_check.check(asked, lambda: CloudWatchLogs(asked), 1)[0])
"""
    began = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert time.monotonic() - began < 10
    assert "There is no result after 1 s; awaited last: logs:DescribeLogGroups" in said.stdout
    assert (said.returncode, said.stderr) == (0, "")
