"""docs/recipes: each input runs in the packaged add-on against local services."""

from __future__ import annotations

import json
import re
import ssl
import threading
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest
import trustme

from emulator.conf.conf_file import read_conf
from samples.simulator import simulate
from tests.bin.conftest import ROOT, app
from tests.bin.fake_splunkd import SESSION_KEY, FakeSplunkd
from tests.iam.deployed import deploy
from tools.content.installed_app import installed_app
from tools.demo import local_aws, splunkd

__all__ = ["app"]  # a fixture

RECIPES = ROOT / "docs" / "recipes"
PAGE = (RECIPES / "README.md").read_text(encoding="utf-8")
FILES = sorted(path for path in RECIPES.rglob("*") if path.is_file() and path.suffix != ".md")
SCHEME = "aws_cloudhsm://"
INPUTS = [
    (path.relative_to(RECIPES).as_posix(), name)
    for path in FILES
    if path.name == "inputs.conf"
    for name in read_conf(path).stanzas
]
SOME_HOURS = 0.25  # days


def settings_of(file: str, stanza: str) -> dict[str, str]:
    """What splunkd passes to the input."""
    settings = read_conf(RECIPES / file).stanzas[stanza].settings
    return {name: setting.value for name, setting in settings.items()}


def head(record: str) -> str:
    """Its first line, in which the collector escapes nothing."""
    return record.split("\n", 1)[0]


class Proxy(ThreadingHTTPServer):
    """A proxy that inspects TLS and sends everything to `aws`; `hosts` are those asked for."""

    daemon_threads = True

    def __init__(self, aws: str) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.aws = aws
        self.authority = trustme.CA()
        self.hosts: set[str] = set()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Tunnel(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.hosts.add(self.path)
        self.send_response(200)
        self.end_headers()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.authority.issue_cert(self.path.split(":")[0]).configure_cert(context)
        with context.wrap_socket(self.connection, server_side=True) as inside:
            _Inspected(inside, self.client_address, self.server)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Inspected(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        request = urllib.request.Request(self.server.aws, body, headers)  # noqa: S310  (loopback)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            content = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with local_aws.running(tmp_path_factory.mktemp("aws") / "log") as url:
        yield url


@pytest.fixture
def proxy(aws: str) -> Iterator[Proxy]:
    server = Proxy(aws)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def keeper() -> Iterator[FakeSplunkd]:
    """A splunkd of a search head, with the keys that the recipes name."""
    server = FakeSplunkd()
    server.passwords["TA-aws-cloudhsm", "prod"] = "AKIAIOSFODNN7EXAMPLE:not-a-secret"
    yield server
    server.shutdown()
    server.server_close()


def session_of(aws: str, role: str) -> str:
    """The access key of a session of the role: what is written with it is in the role's account."""
    form = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role}
    body = urlencode({**form, "RoleSessionName": "x"}).encode()
    scope = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/sts/aws4_request"
    request = urllib.request.Request(aws, body, {"Authorization": scope})  # noqa: S310  (loopback)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return str(ET.fromstring(answer.read()).findtext(".//{*}AccessKeyId"))


@pytest.mark.parametrize(("file", "stanza"), INPUTS)
def test_an_input_collects_every_record_of_its_account_and_region(
    app: Path,
    aws: str,
    proxy: Proxy,
    keeper: FakeSplunkd,
    tmp_path: Path,
    file: str,
    stanza: str,
) -> None:
    settings = settings_of(file, stanza)
    reset = urllib.request.Request(f"{aws}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset, timeout=30).close()  # noqa: S310
    key = session_of(aws, settings["role_arn"]) if "role_arn" in settings else "local"
    trail = simulate(7, datetime.now(timezone.utc), SOME_HOURS).events
    local_aws.load(aws, trail, region=settings["aws_region"], access_key=key)
    own = {"interval": "3600"}
    if "proxy_url" in settings:
        proxy.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        own |= {"proxy_url": proxy.url, "ca_bundle": str(tmp_path / "ca.pem")}
    else:
        own |= {"endpoint_url": aws, "sts_endpoint_url": aws}
    document = splunkd.configuration(stanza, {**settings, **own}, tmp_path, keeper.uri, SESSION_KEY)
    run = splunkd.run_input(app, document, local_aws.environment())
    assert run.exit_status == 0, run.log
    events = [*installed_app(ROOT).index_modular_input(run.events_xml)]
    records = [event for event in events if event.sourcetype != "aws:cloudhsm:collector"]
    assert sorted(map(head, (event.raw for event in records))) == sorted(
        map(head, (event.message for event in trail))
    )
    assert {event.index for event in events} == {settings["index"]}
    if "proxy_url" in settings:
        region = settings["aws_region"]
        assert proxy.hosts == {f"{name}.{region}.amazonaws.com:443" for name in ("logs", "sts")}
    is_in_kv_store = settings.get("state_store") == "kvstore"
    assert bool([*tmp_path.glob("*.state")]) != is_in_kv_store


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(RECIPES)) for path in FILES])
def test_every_file_has_its_place_in_the_page(path: Path) -> None:
    assert f"]({path.relative_to(RECIPES).as_posix()})" in PAGE


def test_the_page_names_no_file_that_does_not_exist() -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)#\s]+)", PAGE)]
    assert [link for link in links if not (RECIPES / link).exists()] == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name == "macros.conf"], ids=lambda path: path.parts[-2]
)
def test_the_macros_are_those_that_every_search_needs(path: Path) -> None:
    local = {
        name: stanza.settings["definition"].value
        for name, stanza in read_conf(path).stanzas.items()
    }
    shipped = read_conf(ROOT / "default" / "macros.conf").stanzas
    needed = [
        name
        for name, stanza in shipped.items()
        if f"set_{name}_under" in stanza.settings["definition"].value
    ]
    assert sorted(local) == sorted(needed)
    indexes = {settings_of(file, stanza)["index"] for file, stanza in INPUTS}
    assert local["cloudhsm_index"] == f"(index={indexes.pop()})"


TEMPLATES = {"reader-role": "cloudhsm-audit-reader", "collector": "cloudhsm-collector"}


def parameters(path: Path) -> Mapping[str, str]:
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {entry["ParameterKey"]: entry["ParameterValue"] for entry in entries}


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.suffix == ".json"],
    ids=lambda path: f"{path.parts[-3]}-{path.stem}",
)
def test_the_parameters_make_the_roles_that_the_inputs_assume(aws: str, path: Path) -> None:
    reset = urllib.request.Request(f"{aws}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset, timeout=30).close()  # noqa: S310
    assert deploy(aws, TEMPLATES[path.stem], **parameters(path))
    recipe = path.relative_to(RECIPES).parts[0]
    inputs = [settings_of(*one) for one in INPUTS if one[0].startswith(f"{recipe}/")]
    if path.stem == "reader-role":
        assert {settings["external_id"] for settings in inputs} == {parameters(path)["ExternalId"]}
    else:
        roles = parameters(path)["RoleArns"].split(",")
        assert sorted(settings["role_arn"] for settings in inputs) == sorted(roles)
