"""TLS is verified by the input as it is installed, whatever the environment sets to nothing."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.bin.conftest import LIBRARIES, ROOT
from tests.bin.fakes import ScriptedAws, described, filtered
from tools.demo import local_aws, splunkd

TOKEN = "session-token-that-must-stay-here"
GUARD = '        arguments["verify"] = self.trust.verify\n'
BLANK = {
    "AWS_CA_BUNDLE": {"AWS_CA_BUNDLE": ""},
    "REQUESTS_CA_BUNDLE": {"REQUESTS_CA_BUNDLE": " "},
    "ca_bundle of the AWS profile": {"AWS_CONFIG_FILE": "config"},
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The add-on as it is installed: bin/ next to lib/."""
    folder = tmp_path / "TA-aws-cloudhsm"
    shutil.copytree(ROOT / "bin", folder / "bin", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lib").symlink_to(LIBRARIES)
    (tmp_path / "config").write_text("[default]\nca_bundle =\n")
    return folder


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[ScriptedAws]:
    """An endpoint whose certificate no public authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    aws = ScriptedAws()
    aws.script["DescribeLogGroups"] = [described("/aws/cloudhsm/cluster-likphkxygsn")]
    aws.script["FilterLogEvents"] = [filtered()]
    aws.socket = context.wrap_socket(aws.socket, server_side=True)
    yield aws
    aws.shutdown()
    aws.server_close()


def run(app: Path, server: ScriptedAws, variables: dict[str, str], **settings: str) -> str:
    """One run of the input; returns its log on stderr."""
    given = {"aws_region": "us-east-1", "endpoint_url": server.url.replace("http:", "https:")}
    checkpoints = app.parent / "checkpoints"
    document = splunkd.configuration("aws_cloudhsm://x", {**given, **settings}, checkpoints)
    environment = {k: v for k, v in local_aws.environment().items() if not k.startswith("PYTHON")}
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, str(app / "bin" / "aws_cloudhsm.py")],
        input=document,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=app.parent,
        env={
            **environment,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": TOKEN,
            **variables,
        },
    )
    assert TOKEN not in done.stderr
    return done.stderr


@pytest.mark.parametrize("source", BLANK)
def test_a_blank_ca_bundle_turns_nothing_off_and_is_logged_once_a_day(
    app: Path, server: ScriptedAws, source: str
) -> None:
    first = run(app, server, BLANK[source])
    assert "error=EndpointUnreachable" in first
    assert "CERTIFICATE_VERIFY_FAILED" in first
    assert server.requests == []
    assert f"{source} is set to nothing. TLS is verified all the same" in first
    assert "what=advisory" not in run(app, server, BLANK[source])


def test_the_server_would_record_a_request_if_its_authority_were_trusted(
    app: Path, server: ScriptedAws, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    run(app, server, {"AWS_CA_BUNDLE": str(tmp_path / "ca.pem")})
    assert server.requests
    assert server.headers[0]["X-Amz-Security-Token"] == TOKEN


@pytest.mark.skipif(sys.version_info >= (3, 10), reason="this botocore refuses a blank bundle")
def test_without_the_guard_the_token_would_reach_the_server(app: Path, server: ScriptedAws) -> None:
    path = app / "bin" / "cloudhsm" / "aws" / "session.py"
    text = path.read_text()
    assert text.count(GUARD) == 1
    path.write_text(text.replace(GUARD, ""))
    run(app, server, {"AWS_CA_BUNDLE": ""})
    assert server.headers[0]["X-Amz-Security-Token"] == TOKEN


def test_the_ca_bundle_of_the_stanza_counts_before_a_blank_variable(
    app: Path, server: ScriptedAws, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    said = run(app, server, {"AWS_CA_BUNDLE": ""}, ca_bundle=str(tmp_path / "ca.pem"))
    assert server.requests
    assert "advisory" not in said


def test_saving_an_input_where_a_bundle_is_blank_is_refused(app: Path, server: ScriptedAws) -> None:
    document = (
        "<items><server_host>h</server_host><server_uri>https://127.0.0.1:1</server_uri>"
        f"<session_key>k</session_key><checkpoint_dir>{app.parent}</checkpoint_dir>"
        '<item name="x"><param name="aws_region">us-east-1</param><param name="endpoint_url">'
        f"{server.url.replace('http:', 'https:')}</param></item></items>"
    )
    done = subprocess.run(
        [sys.executable, str(app / "bin" / "aws_cloudhsm.py"), "--validate-arguments"],
        input=document,
        capture_output=True,
        text=True,
        timeout=60,
        env={
            **os.environ,
            "AWS_CA_BUNDLE": "",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        },
    )
    assert done.returncode == 1
    assert "AWS_CA_BUNDLE is set to nothing" in done.stdout
    assert "Remove it, or name a file of PEM certificates" in done.stdout
    assert server.requests == []
