"""Libraries are cut down to what ships, and a release that moved something is noticed."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.build import vendor
from tools.build.vendor import VendoringProblem

SESSION = f"class Session:\n{vendor.MONITOR_AS_PUBLISHED}\n    def other(self):\n        pass\n"
LOGS: dict[str, object] = {"endpoints": {"us-east-1": {}}}


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def endpoints(*partitions: dict[str, object]) -> str:
    named = [{"partition": f"p{i}", "services": one} for i, one in enumerate(partitions)]
    return json.dumps({"partitions": named, "version": 3})


def model(*calls: str) -> str:
    """A service's model in which each call has shapes of its own and one that all share."""
    words = {"documentation": "<p>Words.</p>"}
    operations = {
        call: {
            "name": call,
            "input": {"shape": f"{call}Request"},
            "errors": [{"shape": "No"}],
            **words,
        }
        for call in (*calls, "Unused")
    }
    shapes: dict[str, object] = {
        f"{call}Request": {
            "type": "structure",
            "members": {"documentation": {"shape": f"{call}Names", **words}},
            **words,
        }
        for call in operations
    }
    for call in operations:
        shapes[f"{call}Names"] = {"type": "list", "member": {"shape": "Name"}}
    shapes |= {"Name": {"type": "string", **words}, "No": {"type": "structure", "members": {}}}
    metadata = {"serviceId": "S"}
    return json.dumps({"metadata": metadata, "operations": operations, "shapes": shapes, **words})


@pytest.fixture
def botocore(tmp_path: Path) -> Path:
    """A library set with a botocore as pip installs it."""
    folder = tmp_path / "py39" / "botocore"
    write(folder / "session.py", SESSION)
    for service in (*vendor.SERVICES, "s3"):
        packed = folder / "data" / service / "2014-03-28" / "service-2.json.gz"
        write(packed)
        packed.write_bytes(gzip.compress(model(*vendor.SERVICES.get(service, ())).encode()))
        write(folder / "data" / service / "2014-03-28" / "examples-1.json")
    for shared in vendor.SHARED_DATA:
        write(folder / "data" / shared, endpoints({"logs": LOGS, "s3": {}}))
    for name in ("METADATA", "RECORD", "LICENSE.txt", "licenses/COPYING", "direct_url.json"):
        write(folder.parent / "botocore-1.dist-info" / name)
    write(folder.parent / "bin" / "jp.py")
    write(folder / "__pycache__" / "session.cpython-39.pyc")
    (folder / "session.py").chmod(0o755)
    return folder


def test_botocore_is_cut_down_to_the_services_that_are_called(botocore: Path) -> None:
    vendor.cut_down(botocore.parent, "py39")
    held = {path.relative_to(botocore.parent).as_posix() for path in botocore.parent.rglob("*.*")}
    data = {f"botocore/data/{service}/2014-03-28/service-2.json" for service in vendor.SERVICES}
    shared = {f"botocore/data/{name}" for name in vendor.SHARED_DATA}
    metadata = {"botocore-1.dist-info", "botocore-1.dist-info/LICENSE.txt"}
    assert held == {"botocore/session.py"} | data | shared | metadata
    assert (botocore.parent / "botocore-1.dist-info" / "METADATA").exists()
    assert (botocore.parent / "botocore-1.dist-info" / "licenses" / "COPYING").exists()


def test_every_file_has_the_mode_that_ships(botocore: Path) -> None:
    vendor.cut_down(botocore.parent, "py39")
    for path in botocore.parent.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_the_monitor_is_off_and_the_change_is_marked(botocore: Path) -> None:
    vendor.cut_down(botocore.parent, "py39")
    source = (botocore / "session.py").read_text()
    assert "SOCK_DGRAM" not in source
    assert "# Changed by TA-aws-cloudhsm" in source
    assert source.endswith("    def other(self):\n        pass\n")
    compile(source, "session.py", "exec")


@pytest.mark.parametrize("source", ["class Session:\n    pass\n", SESSION + SESSION])
def test_a_monitor_that_does_not_match_exactly_once_stops_the_build(source: str) -> None:
    with pytest.raises(VendoringProblem, match=r"matched [02] times instead of once"):
        vendor.without_monitor(source)


@pytest.mark.parametrize("moved", ["data/logs", "data/_retry.json"])
def test_data_that_a_release_moved_stops_the_build(botocore: Path, moved: str) -> None:
    (botocore / moved).rename(botocore / "elsewhere")
    with pytest.raises(VendoringProblem, match=f"botocore/{moved}: not in this release"):
        vendor.cut_down(botocore.parent, "py39")


def test_what_should_be_left_out_but_is_not_there_stops_the_build(tmp_path: Path) -> None:
    write(tmp_path / "splunklib" / "client.py")
    with pytest.raises(VendoringProblem, match="searchcommands: not in this release"):
        vendor.cut_down(tmp_path, "common")


def test_a_model_keeps_the_calls_that_are_made_and_the_shapes_that_they_need() -> None:
    cut = json.loads(vendor.cut_model(model("One", "Two"), ("One",)))
    names = {"OneRequest", "OneNames", "Name", "No"}
    assert (set(cut["operations"]), set(cut["shapes"])) == ({"One"}, names)
    assert "Words" not in json.dumps(cut)
    assert cut["shapes"]["OneRequest"]["members"] == {"documentation": {"shape": "OneNames"}}
    assert cut["metadata"] == {"serviceId": "S"}


def test_a_call_that_a_release_renamed_stops_the_build() -> None:
    with pytest.raises(VendoringProblem, match="S has no Three in this release"):
        vendor.cut_model(model("One", "Two"), ("One", "Three"))


@pytest.mark.parametrize("versions", [0, 2])
def test_a_service_without_exactly_one_model_stops_the_build(botocore: Path, versions: int) -> None:
    (packed,) = (botocore / "data" / "logs").glob("*/*.gz")
    for version in range(versions):
        write(botocore / "data" / "logs" / str(version) / packed.name)
    packed.unlink()
    with pytest.raises(VendoringProblem, match=f"data/logs: {versions} service-2.json.gz instead"):
        vendor.cut_down(botocore.parent, "py39")


def test_endpoints_keep_every_partition_and_only_the_services_that_are_called() -> None:
    full = endpoints({"logs": LOGS, "sts": {}, "s3": {}}, {"logs": LOGS, "portal.sso": {}})
    cut = json.loads(vendor.cut_endpoints(full))
    assert [set(one["services"]) for one in cut["partitions"]] == [
        {"logs", "sts"},
        {"logs", "portal.sso"},
    ]


def test_a_partition_without_cloudwatch_logs_stops_the_build() -> None:
    with pytest.raises(VendoringProblem, match="p1 has no CloudWatch Logs"):
        vendor.cut_endpoints(endpoints({"logs": LOGS}, {"cloudwatch-logs": LOGS}))


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Requirements whose installation needs no network; it counts itself in `installed`."""
    folder = tmp_path / "requirements"
    for name in vendor.SETS:
        write(folder / f"vendor-{name}.txt", "x==1\n")
    write(folder / vendor.BUILD_REQUIREMENTS, "setuptools==80.9.0\n")

    def install(listed: Path, target: Path, _log: Path) -> None:
        write(target / "x.py", listed.read_text())

    monkeypatch.setattr(vendor, "install", install)
    monkeypatch.setattr(vendor, "UNREACHABLE", dict.fromkeys(vendor.SETS, ()))
    return folder


def test_a_second_call_does_nothing_until_a_requirement_changes(
    tmp_path: Path, requirements: Path
) -> None:
    lib = tmp_path / "build" / "lib"
    assert vendor.fill(lib, requirements) is True
    assert {path.name for path in lib.iterdir()} == set(vendor.SETS)
    write(lib / "common" / "stale.py")
    assert vendor.fill(lib, requirements) is False

    write(requirements / "vendor-py39.txt", "x==2\n")
    assert vendor.fill(lib, requirements) is True
    assert (lib / "py39" / "x.py").read_text() == "x==2\n"
    assert not (lib / "common" / "stale.py").exists()


def test_a_call_that_failed_is_not_taken_for_done(
    tmp_path: Path, requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = tmp_path / "build" / "lib"
    vendor.fill(lib, requirements)
    write(requirements / "vendor-py39.txt", "x==2\n")
    monkeypatch.setattr(vendor, "UNREACHABLE", dict.fromkeys(vendor.SETS, ("gone",)))
    for _ in range(2):
        with pytest.raises(VendoringProblem):
            vendor.fill(lib, requirements)
    assert (lib / "py39" / "x.py").read_text() == "x==1\n"


@pytest.mark.parametrize(
    ("pin", "said"),
    [(f" --hash=sha256:{'0' * 64}", "DO NOT MATCH"), ("", "Hashes are required")],
)
def test_an_archive_is_refused_in_pips_words_unless_its_hash_is_listed(
    tmp_path: Path, pin: str, said: str
) -> None:
    archive = tmp_path / "x-1-py3-none-any.whl"
    archive.write_bytes(b"forged")
    write(tmp_path / vendor.BUILD_REQUIREMENTS)
    listed = tmp_path / "vendor-x.txt"
    write(listed, f"x @ {archive.as_uri()}{pin}\n")
    with pytest.raises(VendoringProblem, match=rf"could not install vendor-x\.txt: .*{said}"):
        vendor.install(listed, tmp_path / "target", tmp_path / "pip.log")


def vendored(program: str, home: Path) -> str:
    """What `program` prints with only the vendored libraries and `home` as the user's folder."""
    path = [str(vendor.LIBRARIES / name) for name in ("py313", "common")]
    finished = subprocess.run(
        [sys.executable, "-I", "-B", "-c", f"import sys; sys.path[:0] = {path}\n{program}"],
        env={"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


CREDENTIALS = """
import botocore.session
try:
    session = botocore.session.Session(profile="p")
    print(session.get_credentials().get_frozen_credentials())
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (
            "sso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
            "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://x.example/start",
            "SSO",
        ),
        ("login_session = arn:aws:iam::111122223333:user/u", "MissingDependencyException"),
    ],
)
def test_a_profile_that_needs_a_sign_in_fails_with_words(
    tmp_path: Path, profile: str, said: str
) -> None:
    write(tmp_path / ".aws" / "config", f"[profile p]\n{profile}\n")
    assert said in vendored(CREDENTIALS, tmp_path)


def test_every_service_of_the_credential_chain_has_its_data(tmp_path: Path) -> None:
    program = f"""
import botocore.session
session = botocore.session.Session()
for service, calls in {vendor.SERVICES}.items():
    client = session.create_client(service, "eu-central-1")
    assert sorted(client.meta.method_to_api_mapping.values()) == sorted(calls), service
    print(client.meta.endpoint_url)
for region in ("cn-north-1", "us-gov-west-1", "eusc-de-east-1"):
    print(session.create_client("logs", region).meta.endpoint_url)
"""
    assert vendored(program, tmp_path).split() == [
        "https://logs.eu-central-1.amazonaws.com",
        "https://sts.eu-central-1.amazonaws.com",
        "https://portal.sso.eu-central-1.amazonaws.com",
        "https://oidc.eu-central-1.amazonaws.com",
        "https://logs.cn-north-1.amazonaws.com.cn",
        "https://logs.us-gov-west-1.amazonaws.com",
        "https://logs.eusc-de-east-1.amazonaws.eu",
    ]


@pytest.mark.parametrize("library_set", ["py39", "py313"])
def test_every_call_that_botocore_makes_for_credentials_is_kept(library_set: str) -> None:
    botocore = vendor.LIBRARIES / library_set / "botocore"
    source = "".join((botocore / name).read_text() for name in ("credentials.py", "tokens.py"))
    made = set(re.findall(r"client\.([a-z_0-9]+)\(", source))
    # The last belongs to `aws login`, whose profiles are refused before.
    assert made - {"create_o_auth2_token"} <= {
        re.sub(r"(?<!^)([A-Z])", r"_\1", call).lower()
        for calls in vendor.SERVICES.values()
        for call in calls
    }
    assert "assume_role" in made
