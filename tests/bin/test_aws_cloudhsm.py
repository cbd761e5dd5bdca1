"""The script that splunkd starts, as splunkd starts it: a process, XML on stdin and stdout."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from cloudhsm.splunk.typed_secrets import entry_of
from tests.bin.conftest import ROOT
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.bin.fakes import (
    HSM,
    Answer,
    ScriptedAws,
    audit_text,
    described,
    event,
    filtered,
    holding,
    refusal,
)
from tools.demo import local_aws, splunkd

GROUP = "/aws/cloudhsm/cluster-likphkxygsn"
SECRET = "this-is-the-secret-key"


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local CloudWatch Logs in a process of its own; yields its URL."""
    with local_aws.running(tmp_path_factory.mktemp("moto") / "log") as url:
        yield url


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    server = ScriptedAws()
    yield server
    server.shutdown()
    server.server_close()


def configuration(checkpoints: Path, **parameters: str) -> str:
    """The document that splunkd writes to the stdin of a streaming modular input."""
    given = {"aws_region": "us-east-1", "interval": "60", "index": "main", **parameters}
    given.setdefault("calls_per_second", "100")
    return splunkd.configuration("aws_cloudhsm://prod", given, checkpoints)


def environment(**more: str) -> dict[str, str]:
    given = {k: v for k, v in local_aws.environment().items() if not k.startswith("PYTHON")}
    return {**given, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, **more}


def start(
    app: Path, *arguments: str, stdin: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(app / "bin" / "aws_cloudhsm.py"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment() if env is None else env,
    )


def started(app: Path, stdin: str, **more: str) -> subprocess.Popen[bytes]:
    """A run that goes on while its output is read, or is not."""
    with tempfile.TemporaryFile() as given:
        given.write(stdin.encode())
        given.seek(0)
        return subprocess.Popen(
            [sys.executable, str(app / "bin" / "aws_cloudhsm.py")],
            env=environment(**more),
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def events(stdout: str) -> list[dict[str, str]]:
    return [{child.tag: child.text or "" for child in element} for element in ET.fromstring(stdout)]


def data(stdout: str) -> list[str]:
    """What was handed over, without what the input says of itself."""
    return [e["data"] for e in events(stdout) if e["sourcetype"] != "aws:cloudhsm:collector"]


def told(stdout: str) -> list[str]:
    """The kinds of events with which the input speaks of itself."""
    own = [e["data"] for e in events(stdout) if e["source"].startswith("aws_cloudhsm://")]
    return [json.loads(text)["event"] for text in own]


def ask(url: str, operation: str, **body: object) -> None:
    """One call to the local CloudWatch Logs; the libraries that ship know reading calls only."""
    request = urllib.request.Request(  # noqa: S310  (loopback)
        url,
        json.dumps(body).encode(),
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"Logs_20140328.{operation}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/logs/aws4_request",
        },
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


def put(url: str, *messages: tuple[int, str]) -> None:
    """Put records into the local CloudWatch Logs."""
    events = [{"timestamp": at_ms, "message": text} for at_ms, text in messages]
    ask(url, "PutLogEvents", logGroupName=GROUP, logStreamName=HSM, logEvents=events)


@pytest.fixture
def group(moto: str) -> str:
    """A local CloudWatch Logs that holds one empty stream; yields its URL."""
    reset = urllib.request.Request(f"{moto}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset, timeout=30).close()  # noqa: S310
    ask(moto, "CreateLogGroup", logGroupName=GROUP)
    ask(moto, "CreateLogStream", logGroupName=GROUP, logStreamName=HSM)
    return moto


def records(count: int, first: int = 0) -> list[tuple[int, str]]:
    now_ms = time.time_ns() // 1_000_000
    times = [now_ms - 600_000 + (first + n) * 1000 for n in range(count)]
    return [(at, audit_text(first + n, at * 1000 - 1)) for n, at in enumerate(times)]


@pytest.mark.parametrize("argument", ["--scheme", "--validate-arguments", ""])
def test_a_source_checkout_responds_with_one_line_that_asks_for_the_package(
    tmp_path: Path, argument: str
) -> None:
    checkout = tmp_path / "TA-aws-cloudhsm"
    shutil.copytree(ROOT / "bin", checkout / "bin", ignore=shutil.ignore_patterns("__pycache__"))
    said = start(checkout, *filter(None, [argument]))
    assert said.returncode == 1
    assert said.stdout == ""
    (line,) = said.stderr.splitlines()
    assert line.startswith(f"ERROR {checkout} is a source checkout")
    assert "install dist/TA-aws-cloudhsm-*.tar.gz" in line


def test_the_scheme_names_every_setting_and_needs_no_botocore(app: Path) -> None:
    code = (
        "import sys, runpy; sys.argv = [sys.argv[1], '--scheme']\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'botocore' not in sys.modules and 'urllib3' not in sys.modules"
    )
    script = str(app / "bin" / "aws_cloudhsm.py")
    said = subprocess.run([sys.executable, "-c", code, script], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    scheme = ET.fromstring(said.stdout)
    names = [argument.get("name") for argument in scheme.iter("arg")]
    assert names == [
        "aws_region",
        "log_groups",
        "start_time",
        "endpoint_url",
        "lateness_horizon",
        "calls_per_second",
        "windows_in_flight",
        "aws_credential",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_profile",
        "role_arn",
        "external_id",
        "role_session_name",
        "role_duration",
        "sts_endpoint_url",
        "proxy_url",
        "proxy_credential",
        "ca_bundle",
        "linked_accounts",
        "state_store",
        "log_level",
    ]
    assert scheme.findtext("use_single_instance") == "false"
    assert scheme.findtext("streaming_mode") == "xml"


def test_every_setting_of_the_scheme_is_documented() -> None:
    spec = (ROOT / "README" / "inputs.conf.spec").read_text()
    from cloudhsm.base.arguments import ARGUMENTS

    assert all(f"\n{name} = <" in spec for name in (*ARGUMENTS, "interval", "index"))


def validation(**parameters: str) -> str:
    items = "".join(f'<param name="{k}">{escape(v)}</param>' for k, v in parameters.items())
    return (
        "<items><server_host>sh</server_host><server_uri>https://127.0.0.1:8089</server_uri>"
        "<session_key>k</session_key><checkpoint_dir>/tmp</checkpoint_dir>"
        f'<item name="prod">{items}</item></items>'
    )


def test_validation_accepts_a_stanza_that_may_read(app: Path, aws: ScriptedAws) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    stanza = validation(aws_region="eu-west-1", endpoint_url=aws.url)
    said = start(app, "--validate-arguments", stdin=stanza)
    assert (said.returncode, said.stdout) == (0, "")
    assert "what=access_checked" in said.stderr
    (asked,) = aws.asked("FilterLogEvents")
    assert asked["limit"] == 1


def test_validation_names_the_action_and_the_resource_that_are_denied(
    app: Path, aws: ScriptedAws
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [refusal("AccessDeniedException", "User: u may not")]
    stanza = validation(aws_region="us-east-1", endpoint_url=aws.url)
    said = start(app, "--validate-arguments", stdin=stanza)
    message = ET.fromstring(said.stdout).findtext("message") or ""
    assert said.returncode == 1
    assert "logs:FilterLogEvents" in message
    assert "arn:aws:logs:us-east-1:111122223333:log-group:/aws/cloudhsm/*" in message


def test_a_stanza_that_was_never_validated_is_checked_by_its_first_run(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [refusal("AccessDeniedException", "User: u may not")]
    stdin = configuration(tmp_path, endpoint_url=aws.url)
    first, second = start(app, stdin=stdin), start(app, stdin=stdin)
    assert '"Effect' in first.stderr
    assert "what=access_checked" not in second.stderr
    assert "error=AccessDenied" in second.stderr


def test_a_first_run_that_may_read_costs_no_dry_call(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    stdin = configuration(tmp_path, endpoint_url=aws.url, start_time="now")
    assert start(app, stdin=stdin).returncode == 0
    assert len(aws.asked("DescribeLogGroups")) == 1
    assert ["limit" in asked for asked in aws.asked("FilterLogEvents")] == [False]


def test_validation_tells_splunk_what_is_wrong_and_what_is_allowed(app: Path) -> None:
    stanza = validation(aws_region="eu-west-1", start_time="yester<day>")
    said = start(app, "--validate-arguments", stdin=stanza)
    assert said.returncode == 1
    message = ET.fromstring(said.stdout).findtext("message") or ""
    assert "start_time 'yester<day>' is not an instant" in message
    assert "-30d" in message


def test_a_second_run_hands_over_only_what_is_new(app: Path, group: str, tmp_path: Path) -> None:
    trail = records(30)
    put(group, *trail[:20])
    stdin = configuration(tmp_path, endpoint_url=group)
    first = start(app, stdin=stdin)
    assert (first.returncode, data(first.stdout)) == (0, [text for _, text in trail[:20]])
    assert data(start(app, stdin=stdin).stdout) == []
    put(group, *trail[20:])
    assert data(start(app, stdin=stdin).stdout) == [text for _, text in trail[20:]]
    assert "records=20" in first.stderr


def test_a_process_killed_at_any_moment_loses_nothing(
    app: Path, tmp_path: Path, aws: ScriptedAws
) -> None:
    at_ms = time.time_ns() // 1_000_000 - 5 * 86_400_000
    trail = [event(n, at_ms + n // 2) for n in range(1500)]
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = holding(trail, page_size=7)
    stdin = configuration(tmp_path, endpoint_url=aws.url)
    kills = (1, 3_000, 9_999, 27_000, 60_000)
    found = [text for taken in kills for text in _killed_after(taken, app, stdin)]
    found += data(start(app, stdin=stdin).stdout)
    assert sorted(set(found)) == sorted(one.message for one in trail)
    assert len(found) - len(set(found)) <= 7 * len(kills)


def _killed_after(taken: int, app: Path, stdin: str) -> list[str]:
    """What a run handed over until `kill -9`, once that many bytes of it were read.

    Nobody reads on, so the run stands before, in or behind a write that the pipe cannot take.
    """
    with started(app, stdin) as process:
        assert process.stdout is not None
        begun = process.stdout.read(taken)
        assert process.poll() is None, "the run ended before it could be killed"
        process.kill()
        output = (begun + process.stdout.read()).decode(errors="ignore")
    whole = output[: output.rfind("</event>") + len("</event>")]
    return data(f"{whole}</stream>") if "</event>" in output else []


def test_a_stop_signal_ends_the_run_in_order_while_it_waits_for_aws(
    app: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, str(app / "bin" / "aws_cloudhsm.py")]
        with subprocess.Popen(
            command,
            env=environment(),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            process.stdin.write(configuration(tmp_path, endpoint_url=url))
            process.stdin.close()
            process.stdin = None
            connection, _ = silent.accept()
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=30)
            connection.close()
    assert time.monotonic() - begun < 5
    assert (process.returncode, stdout) == (0, "<stream></stream>\n")
    assert "Traceback" not in stderr


@pytest.mark.parametrize("windows", ["1", "2"])
def test_a_stop_while_a_page_never_comes_ends_the_run_in_order_and_loses_nothing(
    app: Path, tmp_path: Path, aws: ScriptedAws, windows: str
) -> None:
    at_ms = time.time_ns() // 1_000_000 - 5 * 86_400_000
    trail = [event(n, at_ms + n) for n in range(50)]
    pages = holding(trail, page_size=20)
    is_waiting, is_over = threading.Event(), threading.Event()

    def hanging(asked: dict[str, Any]) -> Answer:
        if "nextToken" in asked and not is_over.is_set():
            is_waiting.set()
            is_over.wait(60)
        return pages(asked)

    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = hanging
    stdin = configuration(tmp_path, endpoint_url=aws.url, windows_in_flight=windows)
    read: list[bytes] = []
    with started(app, stdin) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=lambda out: read.append(out.read()), args=[process.stdout])
        reader.start()
        assert is_waiting.wait(30)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        reader.join(30)
    assert time.monotonic() - begun < 5
    is_over.set()
    first = data(read[0].decode())
    second = data(start(app, stdin=stdin).stdout)
    assert (process.returncode, len(first)) == (0, 20)
    assert sorted(first + second) == sorted(one.message for one in trail)


@pytest.mark.parametrize("windows", ["1", "2"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_stop_on_a_full_pipe_hands_over_what_the_state_remembers(
    app: Path, tmp_path: Path, aws: ScriptedAws, unbuffered: str, windows: str
) -> None:
    at_ms = time.time_ns() // 1_000_000 - 5 * 86_400_000
    trail = [event(n, at_ms + n) for n in range(3000)]
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = holding(trail, page_size=500)
    stdin = configuration(tmp_path, endpoint_url=aws.url, windows_in_flight=windows)
    with started(app, stdin, PYTHONUNBUFFERED=unbuffered) as process:
        assert process.stdout is not None
        begun = process.stdout.read(1)
        time.sleep(0.3)
        asked = len(aws.asked("FilterLogEvents"))
        process.send_signal(signal.SIGTERM)
        output = (begun + process.stdout.read()).decode()
    first = data(output)
    second = data(start(app, stdin=stdin).stdout)
    assert len(first) < len(trail), "the run ended before it could be stopped"
    # The live window and a page; with more windows, others are fetched while it is handed over.
    assert (asked == 2) is (windows == "1")
    assert sorted(first + second) == sorted(one.message for one in trail)


@pytest.mark.parametrize("count", [1, 500], ids=["within a buffer", "beyond it"])
def test_a_closed_stdout_is_one_line_and_the_next_run_hands_over_everything(
    app: Path, group: str, tmp_path: Path, count: int
) -> None:
    trail = records(count)
    put(group, *trail)
    stdin = configuration(tmp_path, endpoint_url=group)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(app / "bin" / "aws_cloudhsm.py")]
    said = subprocess.run(
        command, input=stdin.encode(), stdout=writer, stderr=subprocess.PIPE, env=environment()
    )
    os.close(writer)
    assert said.returncode == 1
    errors = [one for one in said.stderr.decode().splitlines() if not one.startswith("INFO ")]
    assert len(errors) == 1
    assert "error=OutputClosed" in errors[0]
    assert data(start(app, stdin=stdin).stdout) == [text for _, text in trail]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refusal("AccessDeniedException", "User: u is not authorized"), "error=AccessDenied"),
        (refusal("ExpiredTokenException"), "have expired"),
        (described(), "error=GroupNotFound"),
    ],
)
def test_what_aws_refuses_is_one_clear_line_and_a_failed_run(
    app: Path, aws: ScriptedAws, tmp_path: Path, answer: Answer, says: str
) -> None:
    aws.script["DescribeLogGroups"] = [answer]
    said = start(app, stdin=configuration(tmp_path, endpoint_url=aws.url))
    assert (said.returncode, data(said.stdout)) == (1, [])
    assert told(said.stdout) == ["collection_failed", "heartbeat"]
    (error,) = [line for line in said.stderr.splitlines() if line.startswith("ERROR ")]
    assert says in error
    assert "input=aws_cloudhsm://prod" in error
    assert ' next="' in error
    assert "Traceback" not in said.stderr
    assert SECRET not in said.stderr


def test_every_group_that_fails_has_its_line(app: Path, aws: ScriptedAws, tmp_path: Path) -> None:
    aws.script["DescribeLogGroups"] = [described("/aws/cloudhsm/a", "/aws/cloudhsm/b")]
    aws.script["FilterLogEvents"] = [refusal("AccessDeniedException")]
    said = start(app, stdin=configuration(tmp_path, endpoint_url=aws.url))
    errors = [line for line in said.stderr.splitlines() if line.startswith("ERROR ")]
    assert said.returncode == 1
    assert [f"group=/aws/cloudhsm/{name}" in line for name, line in zip("ab", errors)] == [True] * 2


def test_a_profile_that_this_host_cannot_use_is_a_matter_of_credentials(
    app: Path, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile p]\nlogin_session = arn:aws:iam::1:user/x\n")
    env = environment(AWS_PROFILE="p", AWS_CONFIG_FILE=str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        env.pop(name)
    env["AWS_EC2_METADATA_DISABLED"] = "true"
    said = start(app, stdin=configuration(tmp_path / "c"), env=env)
    (error,) = [line for line in said.stderr.splitlines() if line.startswith("ERROR ")]
    assert "error=CredentialsError" in error
    assert "profile of another kind" in error


def test_libraries_warn_in_words_that_splunkd_understands() -> None:
    code = (
        "import logging; from cloudhsm.splunk import log_file; log_file.to_stderr()\n"
        "logging.getLogger('botocore').warning('careful')"
    )
    path = os.pathsep.join(sys.path)
    env = {**os.environ, "PYTHONPATH": path}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert said.stderr == "WARN careful\n"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"aws_region": "mars"}, "setting=aws_region"),
        ({"start_time": "soon"}, "setting=start_time"),
        ({"endpoint_url": "http://127.0.0.1:9"}, "error=EndpointUnreachable"),
        ({"aws_region": "us-eest-1", "endpoint_url": "http://127.0.0.1:9"}, "us-eest-1"),
    ],
)
def test_a_wrong_stanza_is_one_clear_line_and_a_failed_run(
    app: Path, tmp_path: Path, parameters: dict[str, str], says: str
) -> None:
    said = start(app, stdin=configuration(tmp_path, **parameters))
    assert said.returncode == 1
    (error,) = [line for line in said.stderr.splitlines() if line.startswith("ERROR ")]
    assert says in error


def test_a_checkpoint_folder_that_cannot_be_written_is_one_clear_line(
    app: Path, group: str, tmp_path: Path
) -> None:
    put(group, *records(1))
    (tmp_path / "file").write_text("")
    said = start(app, stdin=configuration(tmp_path / "file", endpoint_url=group))
    assert (said.returncode, data(said.stdout)) == (1, [])
    assert told(said.stdout) == ["collection_failed"]
    assert "error=StateError" in said.stderr
    assert str(tmp_path / "file") in said.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits files of a process")
@pytest.mark.parametrize("room", [0, 300])
def test_a_full_disk_is_one_clear_line_and_nothing_is_handed_over(
    app: Path, group: str, tmp_path: Path, room: int
) -> None:
    import resource

    trail = records(20)
    put(group, *trail)
    stdin = configuration(tmp_path, endpoint_url=group)
    said = subprocess.run(
        [sys.executable, "-B", str(app / "bin" / "aws_cloudhsm.py")],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert (said.returncode, data(said.stdout)) == (1, [])
    assert told(said.stdout) == ["collection_failed"]
    (error,) = [line for line in said.stderr.splitlines() if line.startswith("ERROR ")]
    assert "error=StateError" in error
    assert "free space" in error
    assert "Traceback" not in said.stderr
    assert data(start(app, stdin=stdin).stdout) == [text for _, text in trail]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits files of a process")
def test_a_disk_with_room_for_less_than_the_next_state_repeats_no_page(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    import resource

    at_ms = time.time_ns() // 1_000_000 - 60_000
    trail = [event(n, at_ms + n) for n in range(400)]
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    stdin = configuration(tmp_path, endpoint_url=aws.url)
    start(app, stdin=stdin)
    (state,) = tmp_path.glob("*.state")
    room = state.stat().st_size + 1_000  # less than the digests of 400 events take
    aws.script["FilterLogEvents"] = holding(trail, page_size=400)
    command = [sys.executable, "-B", str(app / "bin" / "aws_cloudhsm.py")]
    for _ in range(3):
        run = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            env=environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )
        assert data(run.stdout) == []
        assert "error=StateError" in run.stderr
    assert data(start(app, stdin=stdin).stdout) == [one.message for one in trail]


def test_a_state_of_a_newer_version_stops_the_input_and_is_left_alone(
    app: Path, group: str, tmp_path: Path
) -> None:
    put(group, *records(1))
    stdin = configuration(tmp_path, endpoint_url=group)
    start(app, stdin=stdin)
    (state,) = tmp_path.glob("*.state")
    newer = state.read_bytes().replace(b'"version": 1', b'"version": 9')
    state.write_bytes(newer)
    said = start(app, stdin=stdin)
    assert said.returncode == 1
    assert "error=StateTooNew" in said.stderr
    assert state.read_bytes() == newer


def test_a_lone_surrogate_and_a_forged_record_are_one_event_each(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    at_ms = time.time_ns() // 1_000_000
    forged = audit_text(1, at_ms * 1000, user="x\nTime: 01/01/30 00:00:00.000000, usecs:1")
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [
        filtered(event(0, at_ms, message="Time: \ud800"), event(1, at_ms, message=forged)),
    ]
    said = start(app, stdin=configuration(tmp_path, endpoint_url=aws.url))
    events = [text for text in data(said.stdout) if not text.startswith('{"time"')]
    assert events == ["Time: \\ud800", forged]


KEY_ID, TYPED_SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NO_KEYS = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def keeper() -> Iterator[FakeSplunkd]:
    """A splunkd with the password storage."""
    server = FakeSplunkd()
    yield server
    server.shutdown()
    server.server_close()


def kept(keeper: FakeSplunkd, checkpoints: Path, **parameters: str) -> str:
    """The document of an input of this splunkd, which knows its settings too."""
    given = {"aws_region": "us-east-1", "calls_per_second": "100", **parameters}
    keeper.inputs["prod"] = given
    stanza = "aws_cloudhsm://prod"
    return splunkd.configuration(stanza, given, checkpoints, keeper.uri, SESSION_KEY)


def signer(aws: ScriptedAws) -> str:
    """The access key id that signed the last call."""
    signed = aws.headers[-1]["Authorization"]
    return signed.partition("Credential=")[2].partition("/")[0]


def test_a_secret_typed_into_the_form_is_moved_and_masked_by_the_first_run(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    typed = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": TYPED_SECRET}
    stdin = kept(keeper, tmp_path, endpoint_url=aws.url, log_level="DEBUG", **typed)
    first = start(app, stdin=stdin, env=environment(**NO_KEYS))
    assert (first.returncode, signer(aws)) == (0, KEY_ID)
    entry = entry_of("prod", KEY_ID)
    assert keeper.passwords == {("TA-aws-cloudhsm", entry): f"{KEY_ID}:{TYPED_SECRET}"}
    settings = keeper.inputs["prod"]
    assert (settings["aws_credential"], settings["aws_secret_access_key"]) == (entry, "********")

    aws.headers.clear()
    second = start(app, stdin=kept(keeper, tmp_path, **settings), env=environment(**NO_KEYS))
    assert (second.returncode, signer(aws)) == (0, KEY_ID)
    assert TYPED_SECRET not in first.stderr + first.stdout + second.stderr + second.stdout


def test_a_proxys_password_typed_into_its_url_is_moved_too(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    url = "http://user:pass%3Aword@127.0.0.1:3128"
    stdin = kept(keeper, tmp_path, endpoint_url=aws.url, proxy_url=url)
    assert start(app, stdin=stdin).returncode == 0
    realm = "TA-aws-cloudhsm-proxy@127.0.0.1"
    assert keeper.passwords == {(realm, entry_of("prod", "user")): "user:pass:word"}
    assert keeper.inputs["prod"]["proxy_url"] == "http://127.0.0.1:3128"
    assert keeper.inputs["prod"]["proxy_credential"] == entry_of("prod", "user")


def test_collection_goes_on_where_a_typed_secret_cannot_be_moved(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    keeper.denied = True
    typed = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": TYPED_SECRET}
    stdin = kept(keeper, tmp_path, endpoint_url=aws.url, **typed)
    said = start(app, stdin=stdin, env=environment(**NO_KEYS))
    assert (said.returncode, signer(aws)) == (0, KEY_ID)
    assert "what=advisory" in said.stderr
    assert "stay in inputs.conf in plain text" in said.stderr
    assert "list_storage_passwords" in said.stderr


def test_a_stored_credential_that_is_not_there_ends_the_run_with_its_name(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    stdin = kept(keeper, tmp_path, endpoint_url=aws.url, aws_credential="prdo")
    said = start(app, stdin=stdin)
    assert said.returncode == 1
    assert "error=CredentialsError" in said.stderr
    assert "prdo" in said.stderr
    assert aws.requests == []


def reading(aws: ScriptedAws, *texts: str) -> None:
    """What AWS answers: one group with these records, from now on."""
    now_ms = time.time_ns() // 1_000_000
    trail = [event(number, now_ms - 5000, message=text) for number, text in enumerate(texts)]
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = holding(trail, 100)


def test_files_on_a_member_of_a_search_head_cluster_are_refused_with_the_setting(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    keeper.roles = ["search_head", "shc_member"]
    said = start(app, stdin=kept(keeper, tmp_path, endpoint_url=aws.url))
    assert said.returncode == 1
    assert "error=SettingError setting=state_store" in said.stderr
    assert "Set state_store = kvstore" in said.stderr
    assert aws.requests == []
    assert data(said.stdout) == []


def test_a_splunkd_that_does_not_say_what_it_is_holds_nobody_up(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    reading(aws, "one")
    keeper.denied = True
    said = start(app, stdin=kept(keeper, tmp_path, endpoint_url=aws.url))
    assert (said.returncode, data(said.stdout)) == (0, ["one"])
    assert "INFO input=aws_cloudhsm://prod what=cluster_unknown" in said.stderr


def test_members_share_a_state_and_only_one_of_them_asks_aws(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    reading(aws, "one", "two")
    other = FakeSplunkd()
    other.guid, other.kv = "22222222-0000-4000-8000-000000000002", keeper.kv
    keeper.roles = other.roles = ["shc_member"]
    given = {"endpoint_url": aws.url, "state_store": "kvstore"}
    first, second = kept(keeper, tmp_path / "1", **given), kept(other, tmp_path / "2", **given)
    try:
        assert data(start(app, stdin=first).stdout) == ["one", "two"]
        aws.requests.clear()
        said = start(app, stdin=second)
        assert (said.returncode, data(said.stdout), aws.requests) == (0, [], [])
        assert "what=standing_by" in said.stderr

        assert keeper.kv is not None
        for document in keeper.kv.store.documents.values():  # the first host ends here
            document["at_ms"] -= 11 * 60_000
        reading(aws, "one", "two", "three")
        said = start(app, stdin=second)
        assert (said.returncode, data(said.stdout)) == (0, ["three"])
        assert "at_work=sh1 what=standing_by" in start(app, stdin=first).stderr
    finally:
        other.shutdown()
        other.server_close()


def test_a_kv_store_that_is_disabled_ends_the_run_without_collecting(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    reading(aws, "one")
    kv, keeper.kv = keeper.kv, None
    stdin = kept(keeper, tmp_path, endpoint_url=aws.url, state_store="kvstore")
    said = start(app, stdin=stdin)
    assert (said.returncode, aws.requests) == (1, [])
    assert "error=KvStoreUnavailable" in said.stderr
    assert "KV Store is disabled" in said.stderr
    assert "[kvstore] disabled = false" in said.stderr
    keeper.kv = kv
    assert data(start(app, stdin=stdin).stdout) == ["one"]


def test_a_kv_store_that_is_lost_in_the_middle_repeats_at_most_what_was_in_flight(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path
) -> None:
    reading(aws, "one", "two")
    stdin = kept(keeper, tmp_path, endpoint_url=aws.url, state_store="kvstore")
    got = []
    for before in range(3, 20, 2):
        keeper.kv_faults = [0] * before + [500]
        got += data(start(app, stdin=stdin).stdout)
    keeper.kv_faults = []
    got += data(start(app, stdin=stdin).stdout)
    assert {*got} == {"one", "two"}
    assert len(got) <= 4


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("hangs_at", ["DescribeLogGroups", "FilterLogEvents"])
def test_a_stop_does_not_wait_for_a_kv_store_that_hangs_and_loses_nothing(
    app: Path, aws: ScriptedAws, keeper: FakeSplunkd, tmp_path: Path, hangs_at: str
) -> None:
    reading(aws, "one", "two")
    stdin = kept(keeper, tmp_path, endpoint_url=aws.url, state_store="kvstore")
    answers = aws.script[hangs_at]

    def hanging(asked: dict[str, Any]) -> Answer:
        keeper.delay_s = 8
        return answers(asked) if callable(answers) else answers[0]

    aws.script[hangs_at] = hanging
    run = started(app, stdin)
    while not aws.asked(hangs_at):
        time.sleep(0.05)
    time.sleep(1)
    run.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    output, _ = run.communicate(timeout=30)
    assert time.monotonic() - begun < 5
    keeper.delay_s, aws.script[hangs_at] = 0, answers
    again = data(start(app, stdin=stdin).stdout)
    assert {*data(output.decode()), *again} == {"one", "two"}


def test_a_role_is_assumed_at_an_sts_and_its_session_reads(
    app: Path, group: str, tmp_path: Path
) -> None:
    put(group, (time.time_ns() // 1_000_000, audit_text(0, 1_790_000_000_000_000)))
    stdin = configuration(
        tmp_path,
        endpoint_url=group,
        sts_endpoint_url=group,
        role_arn="arn:aws:iam::123456789012:role/cloudhsm-audit-reader",  # of the account in moto
        external_id="tenant-7",
    )
    said = start(app, stdin=stdin)
    assert (said.returncode, len(data(said.stdout))) == (0, 1), said.stderr


def test_one_cause_is_one_line_however_many_log_groups_it_concerns(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    names = [f"{GROUP}{number}" for number in range(3)]
    aws.script["DescribeLogGroups"] = [described(*names)]
    aws.script["FilterLogEvents"] = [refusal("ServiceUnavailableException", "try later")]
    document = configuration(tmp_path, endpoint_url=aws.url, start_time="-1h")
    said = start(app, stdin=document, env=environment(AWS_MAX_ATTEMPTS="1")).stderr
    (line,) = (one for one in said.splitlines() if one.startswith("ERROR"))
    assert "ServiceUnavailableException: try later" in line
    assert " also_on=2" in line


def test_a_misspelt_identity_setting_stops_the_input_in_one_line(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    document = configuration(tmp_path, endpoint_url=aws.url, role_arm="arn:aws:iam::1:role/x")
    done = start(app, stdin=document)
    assert done.returncode == 1
    (line,) = (one for one in done.stderr.splitlines() if one.startswith("ERROR"))
    assert "role_arm is not a setting of aws_cloudhsm; did you mean role_arn?" in line
    assert aws.requests == []


def test_another_unknown_setting_is_logged_and_the_input_collects(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    document = configuration(tmp_path, endpoint_url=aws.url, owner="me", start_time="-1h")
    done = start(app, stdin=document)
    assert done.returncode == 0
    (line,) = (one for one in done.stderr.splitlines() if "what=advisory" in one)
    assert "owner is not a setting of aws_cloudhsm" in line
    (heartbeat,) = (e["data"] for e in events(done.stdout) if '"heartbeat"' in e["data"])
    assert json.loads(heartbeat)["advisories"] == ["owner is not a setting of aws_cloudhsm"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_what_the_input_writes_is_for_its_user_alone(
    app: Path, aws: ScriptedAws, tmp_path: Path
) -> None:
    aws.script["DescribeLogGroups"] = [described(GROUP)]
    aws.script["FilterLogEvents"] = [filtered()]
    checkpoints, home = tmp_path / "checkpoints", tmp_path / "home"
    (home / "var" / "log" / "splunk").mkdir(parents=True)
    checkpoints.mkdir()
    document = configuration(checkpoints, endpoint_url=aws.url, start_time="-1h")
    for _ in range(2):
        assert start(app, stdin=document, env=environment(SPLUNK_HOME=str(home))).returncode == 0
    written = [*checkpoints.iterdir(), *(home / "var" / "log" / "splunk").iterdir()]
    assert {path.suffix for path in written} >= {".state", ".previous", ".lock", ".input", ".log"}
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
