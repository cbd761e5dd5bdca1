"""The support bundle: what helps is in it, and no secret, wherever secrets were planted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

import aws_cloudhsm_support
from cloudhsm.aws.log_source import FoundGroup
from cloudhsm.splunk.log_file import file_name
from cloudhsm.state.file_store import FileStateStore
from cloudhsm.state.input_cache import Failure, InputFile, InputState
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from tests.bin.conftest import LIBRARIES, ROOT
from tests.bin.fakes import DAY_MS, GROUP, NOW_MS

STANZA = "aws_cloudhsm://prod"
OF_A_TOKEN = "IQoJb3JpZ2luX2VjEJ" + "aB3/+x" * 20
# Where each was planted, and what it is.
SECRETS = {
    "the secret key of a stanza": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "a short one": "hunter2",
    "an access key id": "AKIAIOSFODNN7EXAMPLE",
    "an external id": "Ext:7781/partner",
    "a session token": "plain-Token+of/no=form",
    "the password of a proxy": "p@ss/w%20rd&1",
    "a password without a scheme": "Other#pa$$word",
    "a setting misspelt": "Sesame,open!",
    "a comment": "once-it-was-Xyzzy",
    "a line that is no setting": "stray-Plugh-9",
    "what goes on in the next line": "line-two-Quux",
    "a query": "sig-nature-Corge",
    "a stanza of another app": "Grault/garply+1",
    "the environment": "eNvIrOnMeNt/SeCrEt",
    "the environment's token": "tok<en>&of=env\"x'",
    "a key id nobody configured": "ASIAQWERTYUIOPASDFGH",
    "a token nobody configured": OF_A_TOKEN,
    "a key nobody configured": "Zx9/Zx8+Zx7aZx6bZx5cZx4dZx3eZx2fZx1gZx0h",
    "splunkd's session": "4b2^Yc9Gk0fXq7Pz81LsTt3mVh6JwRb",
}
S = SECRETS

SETTINGS = rf"""# {S["a comment"]}
[default]
host = forwarder-1
[monitor:///var/log]
passwd = not-ours
[{STANZA}]
aws_region = us-east-1
role_arn = arn:aws:iam::111122223333:role/reader
# aws_secret_access_key = {S["a comment"]}
aws_access_key_id = {S["an access key id"]}
aws_secret_access_key = {S["the secret key of a stanza"]}
aws_session_token = {S["a session token"]}
external_id = {S["an external id"]}
proxy_url = http://user:{S["the password of a proxy"]}@proxy.internal:3128/
endpoint_url = https://vpce.internal/?X-Amz-Credential={S["a query"]}
aws_secert_kye = {S["a setting misspelt"]}
{S["a line that is no setting"]}
splunk_password = first \
  {S["what goes on in the next line"]}
"""
OTHER = f"[{STANZA}]\ninterval = 300\naws_secret_access_key={S['a stanza of another app']}\n"
ENVIRONMENT = {
    "AWS_PROFILE": "collector",
    "AWS_SECRET_ACCESS_KEY": S["the environment"],
    "AWS_SESSION_TOKEN": S["the environment's token"],
    "HTTPS_PROXY": f"user:{S['a password without a scheme']}@proxy:3128",
    "SPLUNK_TOK": S["splunkd's session"],
    "UNRELATED_PASSWORD": "not-ours-either",
    "SPLUNK_PASS": S["a short one"],
}


# What stands in no setting that could be learned: hidden with what it stands in, or by its form.
FORMED = [value for name, value in SECRETS.items() if "nobody configured" in name]
LOOSE = [S["a comment"], S["a query"], *FORMED]
OF_PROXIES = [S["the password of a proxy"], S["a password without a scheme"]]


def spellings(secret: str) -> set[str]:
    encoded = quote(secret, safe="")
    return {
        secret,
        unquote(secret),
        encoded,
        encoded.replace("%2F", "%2f").replace("%2B", "%2b"),
        quote(secret),
        json.dumps(secret)[1:-1],
    }


def as_header(secret: str) -> set[str]:
    """How a proxy is told its user and password."""
    users = (f"user:{secret}", f"user:{unquote(secret)}")
    return {b64encode(user.encode()).decode() for user in users}


def log_lines() -> str:
    """Each secret as a log might have it; those that stand nowhere else only by their form."""
    known = [one for one in SECRETS.values() if one not in LOOSE]
    texts = [f"it said {one} so" for secret in known for one in spellings(secret)]
    texts += [f"it said {one} so" for secret in OF_PROXIES for one in as_header(secret)]
    texts += [f"it said {one.upper()} and {one.lower()} so" for one in known]
    texts += [f"it said {one} and {quote(one, safe='')} so" for one in FORMED]
    texts += [f"aws_secret_access_key%3D{S['a key nobody configured']}"]
    return "".join(f"2026-11-22T20:00:00.000Z level=INFO {text}\n" for text in texts)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SPLUNK_HOME in which everything that could hold a secret holds some."""
    home = tmp_path / "splunk"
    put(home / "etc/apps/TA-aws-cloudhsm/local/inputs.conf", SETTINGS)
    put(home / "etc/apps/other/default/inputs.conf", OTHER)
    put(home / "etc/users/admin/search/local/inputs.conf", "[aws_cloudhsm://test]\nindex = t\n")
    put(home / "etc/splunk.version", "VERSION=10.2.1\nPRODUCT=splunk\n")
    logs = home / "var/log/splunk"
    put(logs / file_name(STANZA), log_lines() + "level=INFO what=run_ended records=20\n")
    put(logs / file_name(f"aws_cloudhsm://{S['an access key id']}"), "what=log_begun\n")
    put(logs / "splunkd.log", f"ERROR other\nERROR aws_cloudhsm.py {S['a session token']} gone\n")
    folder = home / "var/lib/splunk/modinputs/aws_cloudhsm"
    _save_states(folder)
    put(folder / f"x.replay-{S['an access key id']}.rejected", S["the environment"])
    for name in [one for one in os.environ if one.startswith(("AWS_", "SPLUNK"))]:
        monkeypatch.delenv(name)
    for name, value in {**ENVIRONMENT, "SPLUNK_HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return home


def _save_states(folder: Path) -> None:
    notes = [f"stream {secret}" for secret in SECRETS.values()]
    state = GroupState(GROUP, STANZA, "all", window_plan.begin(0, NOW_MS, DAY_MS), noted=notes)
    with FileStateStore(folder).open(GROUP, STANZA) as file:
        file.save(state)
    failure = Failure(f"AccessDenied: {S['a session token']} of 111122223333", NOW_MS)
    memory = InputState(groups=[FoundGroup(GROUP, None)], failures={GROUP.name: failure})
    memory.clock.offset_ms = 4321
    assert InputFile(folder, STANZA).save(memory)


def bundle(*arguments: str) -> dict[str, str]:
    """What the command puts into a zip, by name."""
    output = Path("bundle.zip")
    output.unlink(missing_ok=True)
    assert aws_cloudhsm_support.main(["--output", str(output), *arguments]) == 0
    with zipfile.ZipFile(output) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def logs(members: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in members.items() if name.startswith("logs/ta_")}


@pytest.mark.parametrize("anonymous", [(), ("--anonymous",)])
def test_no_secret_is_in_the_bundle_nor_in_what_the_command_says(
    home: Path, capsys: pytest.CaptureFixture[str], anonymous: tuple[str, ...]
) -> None:
    members = bundle(*anonymous)
    said = capsys.readouterr()
    shown = {**members, "names": "\n".join(members), "said": said.out + said.err}
    shown["zip"] = Path("bundle.zip").read_bytes().decode("latin-1")
    for where, text in shown.items():
        for what, secret in SECRETS.items():
            for one in spellings(secret) | as_header(secret):
                assert one.lower() not in text.lower(), (where, what, one)
    assert all("not-ours" not in text for text in shown.values())
    assert members["logs/ta_aws_cloudhsm_prod.log"].count("***") > 50


def test_the_planted_secrets_would_be_found(home: Path) -> None:
    files = [path for path in home.rglob("*") if path.is_file()]
    text = "".join(path.read_text() for path in files) + "".join(ENVIRONMENT.values())
    assert [what for what, secret in SECRETS.items() if secret not in text] == []


def test_what_helps_is_in_the_bundle(home: Path) -> None:
    members = bundle()
    for member, text in {
        "versions.txt": "TA-aws-cloudhsm 0.1.0",
        "environment.txt": "AWS_PROFILE = collector\n",
        "settings.conf": "role_arn = arn:aws:iam::111122223333:role/reader\n",
        "states.txt": f"{GROUP.name} (111122223333, us-east-1), read by {STANZA}\n",
        "inputs.txt": "AWS's clock is ahead  4321 ms",
        "logs/ta_aws_cloudhsm_prod.log": "level=INFO what=run_ended records=20\n",
        "logs/splunkd.log": "ERROR aws_cloudhsm.py *** gone",
        "errors.txt": "Everything could be read.",
    }.items():
        assert text in members[member]
    assert "VERSION=10.2.1" in members["versions.txt"]
    assert "OpenSSL" in members["versions.txt"]
    assert "gaps pending          0" in members["states.txt"]
    assert f"{GROUP.name} fails since" in members["inputs.txt"]
    assert "AccessDenied: *** of 111122223333" in members["inputs.txt"]
    assert "ERROR other" not in members["logs/splunkd.log"]


def test_settings_stand_under_the_files_that_they_lie_in(home: Path) -> None:
    settings = bundle()["settings.conf"]
    files = [line for line in settings.splitlines() if line.startswith("# ")]
    assert files == [
        f"# {ROOT / 'default/inputs.conf'}",
        f"# {home / 'etc/apps/other/default/inputs.conf'}",
        f"# {home / 'etc/apps/TA-aws-cloudhsm/local/inputs.conf'}",
        f"# {home / 'etc/users/admin/search/local/inputs.conf'}",
    ]
    assert "proxy_url = http://***@proxy.internal:3128/\n" in settings
    assert "external_id = ***\n" in settings
    assert "aws_secert_kye = ***\n" in settings
    assert "interval = 300\n" in settings
    assert "forwarder-1" not in settings


def test_a_file_that_two_ways_lead_to_is_shown_once(home: Path) -> None:
    (home / "etc/apps/zzz").symlink_to(home / "etc/apps/other")
    assert bundle()["settings.conf"].count("interval = 300") == 1


def test_logs_whose_names_differ_in_a_secret_only_are_both_there(home: Path) -> None:
    logs_here = home / "var/log/splunk"
    for kind in ("AKIA", "AKIB"):
        put(logs_here / f"ta_aws_cloudhsm_{kind}IOSFODNN7AAAAAAA.log", kind)
        put(logs_here / f"ta_aws_cloudhsm_{kind}IOSFODNN7BBBBBBB.log", kind)
    assert len([text for text in logs(bundle()).values() if text == "AKIA"]) == 2
    assert len([text for text in logs(bundle()).values() if text == "AKIB"]) == 2


def test_the_checkpoint_folder_is_listed_with_sizes_and_times(home: Path) -> None:
    listed = bundle()["checkpoints.txt"]
    path = FileStateStore(home / "var/lib/splunk/modinputs/aws_cloudhsm").path(GROUP)
    (line,) = [line for line in listed.splitlines() if line.endswith(".state")]
    mode, size, changed, name = line.split()
    assert (mode[:3], int(size), name) == ("100", path.stat().st_size, path.name)
    assert changed.endswith("+00:00")
    assert "x.replay-***.rejected" in listed


def test_the_shipped_libraries_are_listed(tmp_path: Path) -> None:
    app = tmp_path / "apps" / "TA-aws-cloudhsm"
    shutil.copytree(ROOT / "bin", app / "bin", ignore=shutil.ignore_patterns("__pycache__"))
    (app / "lib").symlink_to(LIBRARIES)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    said = subprocess.run(
        [sys.executable, "-S", str(app / "bin/aws_cloudhsm_support.py"), "--output", "b.zip"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment, "SPLUNK_HOME": str(tmp_path)},
    )
    assert (said.returncode, said.stderr) == (0, "")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        versions = archive.read("versions.txt").decode()
        errors = archive.read("errors.txt").decode()
    assert "lib/py39/botocore-1." in versions
    assert "lib/common/splunk_sdk-" in versions
    assert "splunk.version: FileNotFoundError" in errors
    assert "modinputs/aws_cloudhsm: FileNotFoundError" in errors


def test_anonymous_replaces_every_account_id_by_the_same_name(home: Path) -> None:
    members = bundle("--anonymous")
    assert all("111122223333" not in text for text in members.values())
    assert "arn:aws:iam::account-1:role/reader" in members["settings.conf"]
    assert "(account-1, us-east-1)" in members["states.txt"]


def test_states_in_kv_store_are_said_to_be_there_with_how_to_add_them(home: Path) -> None:
    assert "KV Store" not in bundle()["errors.txt"]
    local = home / "etc/apps/TA-aws-cloudhsm/local/inputs.conf"
    local.write_text(local.read_text() + "\n[aws_cloudhsm://members]\nstate_store = kvstore\n")
    errors = bundle()["errors.txt"]
    assert "aws_cloudhsm_state.py show --kvstore" in errors
    assert "aws_cloudhsm_replay.py --list --kvstore" in errors


@pytest.mark.parametrize("asked", ["prod", STANZA])
def test_a_stanza_leaves_the_others_out(home: Path, asked: str) -> None:
    folder = home / "var/log/splunk"
    put(folder / file_name("aws_cloudhsm://test"), "of test\n")
    put(folder / (file_name(STANZA) + ".1"), "older\n")
    assert "[aws_cloudhsm://test]" in bundle()["settings.conf"]
    members = bundle(asked)
    assert [*logs(members)] == ["logs/ta_aws_cloudhsm_prod.log", "logs/ta_aws_cloudhsm_prod.log.1"]
    assert "[aws_cloudhsm://test]" not in members["settings.conf"]
    assert f"[{STANZA}]" in members["settings.conf"]
    assert GROUP.name in members["states.txt"]
    assert GROUP.name not in bundle("test")["states.txt"] + bundle("test")["inputs.txt"]


def test_the_newest_lines_are_kept_and_each_input_has_its_share(home: Path) -> None:
    folder = home / "var/log/splunk"
    for number in range(4):
        suffix = f".{number}" if number else ""
        text = "".join(f"prod {number} {line:09}\n" for line in range(40_000))
        put(folder / (file_name(STANZA) + suffix), text)
    put(folder / file_name("aws_cloudhsm://test"), "the quiet one\n")
    members = bundle("--log-megabytes", "1")
    assert 890_000 < sum(map(len, logs(members).values())) <= 900_000
    assert members["logs/ta_aws_cloudhsm_prod.log"].endswith("prod 0 000039999\n")
    assert members["logs/ta_aws_cloudhsm_prod.log.1"].startswith("prod 1 ")
    assert "logs/ta_aws_cloudhsm_prod.log.2" not in members
    assert "prod.log.2: left out, see --log-megabytes" in members["errors.txt"]
    assert members["logs/ta_aws_cloudhsm_test.log"] == "the quiet one\n"


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("etc/apps/other/default/inputs.conf", "settings.conf"),
        ("etc/splunk.version", "versions.txt"),
        ("var/log/splunk/ta_aws_cloudhsm_prod.log", "settings.conf"),
        ("var/log/splunk/splunkd.log", "logs/ta_aws_cloudhsm_prod.log"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_ends_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, left: str
) -> None:
    opened = Path.open

    def refusing(self: Path, *given: str, **more: object) -> object:
        if self == home / name:
            raise PermissionError(13, f"denied, {S['a session token']}", str(self))
        return opened(self, *given, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refusing)
    members = bundle()
    assert f"{home / name}: PermissionError" in members["errors.txt"]
    assert S["a session token"] not in members["errors.txt"]
    assert members[left]


@pytest.mark.parametrize("content", [b"x", b"[" * 200_000], ids=["no state", "hostile"])
def test_a_damaged_state_is_named(home: Path, content: bytes) -> None:
    path = FileStateStore(home / "var/lib/splunk/modinputs/aws_cloudhsm").path(GROUP)
    path.write_bytes(content)
    members = bundle()
    assert path.name in members["errors.txt"]
    assert members["states.txt"] == ""
    assert members["settings.conf"]


def test_a_log_that_is_no_file_is_named(home: Path) -> None:
    os.mkfifo(home / "var/log/splunk/ta_aws_cloudhsm_pipe.log")
    assert "ta_aws_cloudhsm_pipe.log: FileNotFoundError" in bundle()["errors.txt"]


def test_only_its_owner_reads_the_bundle(home: Path) -> None:
    before = os.umask(0)
    try:
        bundle()
    finally:
        os.umask(before)
    assert Path("bundle.zip").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_bundle_is_there_whole_or_not_at_all(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, full)
    assert aws_cloudhsm_support.main(["--output", "bundle.zip"]) == 1
    assert "The bundle cannot be written: [Errno 28]" in capsys.readouterr().err
    assert [path.name for path in Path.cwd().iterdir()] == [home.name]


def test_the_command_says_what_is_inside_and_what_was_taken_out(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aws_cloudhsm_support.main([]) == 0
    said = capsys.readouterr().out
    (output,) = Path.cwd().glob("aws_cloudhsm_support-*.zip")
    assert said.startswith(f"{output.name} has:\n")
    assert "settings.conf\n" in said
    assert "access key ids" in said
    assert "values of settings and variables" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--output", "bundle.txt"], "'bundle.txt' is not the name of a zip. Write FILE.zip"),
        (["--output", "no/bundle.zip"], "--output 'no' is not a folder"),
        (["--output", "there.zip"], "'there.zip' is there already. Name a new file"),
        (["--folder", "no"], "--folder 'no' is not a folder"),
        (["--log-megabytes", "0"], "--log-megabytes is not a number from 1 to 500"),
        (["prdo"], "'aws_cloudhsm://prdo' is not an input of this host. Inputs: aws_cloudhsm://p"),
    ],
)
def test_bad_usage_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    put(Path("there.zip"), "")
    assert aws_cloudhsm_support.main(arguments) == 1
    assert says in capsys.readouterr().err
    assert not list(Path.cwd().glob("aws_cloudhsm_support*"))
    assert not Path("there.zip").read_text()


@pytest.mark.parametrize("value", [None, "/nonexistent"])
def test_it_must_be_started_by_splunk(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: str | None,
) -> None:
    monkeypatch.delenv("SPLUNK_HOME")
    if value is not None:
        monkeypatch.setenv("SPLUNK_HOME", value)
    assert aws_cloudhsm_support.main([]) == 1
    assert "Start this by `splunk cmd" in capsys.readouterr().err


def test_a_folder_alone_gives_the_states(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPLUNK_HOME")
    members = bundle("--folder", str(home / "var/lib/splunk/modinputs/aws_cloudhsm"))
    assert GROUP.name in members["states.txt"]
    assert "SPLUNK_HOME is not set: no logs are here" in members["errors.txt"]


def test_splunks_other_place_for_data_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "var/lib/splunk").rename(home / "data")
    monkeypatch.setenv("SPLUNK_DB", str(home / "data"))
    assert GROUP.name in bundle()["states.txt"]
