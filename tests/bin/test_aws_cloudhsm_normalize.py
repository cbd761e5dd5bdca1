"""The command turns files of records into JSON lines, and reports what is damaged and where."""

from __future__ import annotations

import gzip
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import aws_cloudhsm_normalize
from cloudhsm.siem import output_formats
from tests.bin.cloudhsm.siem.goldens import FOLDER
from tests.bin.conftest import ROOT

LOG = FOLDER / "published" / "login_and_logout.log"
RECORDS = LOG.read_text("utf-8").count("Time: ")
PLACE = ["--account", "111122223333", "--region", "us-east-1"]
PLACE += ["--group", "/aws/cloudhsm/cluster-likphkxygsn", "--stream", "hsm-nwbbiqbj4jk"]
COMMAND = [sys.executable, str(ROOT / "bin" / "aws_cloudhsm_normalize.py")]


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, object]]:
    """What standard output gets where nothing is wrong."""
    assert aws_cloudhsm_normalize.main([*map(str, arguments)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("form", output_formats.NAMES)
def test_every_record_is_a_line_in_every_form(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(capsys, "--format", form, *PLACE, LOG)
    assert len(lines) == RECORDS
    assert len({json.dumps(line) for line in lines}) == RECORDS


def test_the_forms_are_those_that_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    first = {
        form: printed(capsys, "--format", form, *PLACE, LOG)[0] for form in output_formats.NAMES
    }
    assert first["fields"]["opcode"] == "CN_LOGIN"
    assert first["fields"]["hsm_id"] == "hsm-nwbbiqbj4jk"
    assert first["fields"]["aws_region"] == "us-east-1"
    assert first["cim"]["tag"] == ["authentication", "cloudhsm", "hsm", "privileged"]
    assert "opcode" not in first["cim"]
    assert first["ocsf"]["class_uid"] == 3002
    assert first["ecs"]["event"]["category"] == ["authentication"]  # type: ignore[index]


def test_a_folder_gives_all_its_files_and_names_the_hsm(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As CreateExportTask lays them out."""
    for number, hsm in enumerate(("hsm-aaaaaaaaaaa", "hsm-bbbbbbbbbbb")):
        folder = tmp_path / "export" / "d2a1" / hsm
        folder.mkdir(parents=True)
        text = f"2024-09-04T20:41:24.559Z {LOG.read_text('utf-8')}"
        (folder / f"00000{number}.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "export" / "aws-logs-write-test").write_text("Permission Check Successful")
    (tmp_path / ".hidden").write_text("x")
    hsms = [line["hsm_id"] for line in printed(capsys, tmp_path)]
    assert hsms == ["hsm-aaaaaaaaaaa"] * RECORDS + ["hsm-bbbbbbbbbbb"] * RECORDS


def test_a_damaged_record_is_told_with_its_place_and_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    whole = LOG.read_text("utf-8")
    path.write_text(f"stray text\n{whole.rstrip()[:-20]}", "utf-8")
    assert aws_cloudhsm_normalize.main([str(path)]) == 1
    output = capsys.readouterr()
    lines = [json.loads(line) for line in output.out.splitlines()]
    assert lines[0]["_raw"] == "stray text"
    assert lines[0]["record_status"] == "unrecognized"
    told = output.err.splitlines()
    assert told[0].startswith(f"{path}:1: unrecognized record")
    assert told[-1].startswith(f"{RECORDS + 1} records, ")


def test_one_file_that_cannot_be_read_keeps_no_other_from_being_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    torn = tmp_path / "a.gz"
    torn.write_bytes(gzip.compress(LOG.read_bytes())[:-30])
    assert aws_cloudhsm_normalize.main([str(torn), str(LOG)]) == 1
    output = capsys.readouterr()
    assert len(output.out.splitlines()) >= RECORDS
    assert f"{torn}: gzip data is cut off" in output.err
    assert "Fetch it again" in output.err


def test_a_file_that_is_not_there_is_told_before_anything_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert aws_cloudhsm_normalize.main([str(LOG), "no-such.log"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "no-such.log" in output.err


def test_an_account_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert aws_cloudhsm_normalize.main(["--account", "1111-2222-3333", str(LOG)]) == 2
    assert "12 digits without dashes" in capsys.readouterr().err


def test_standard_input_is_read_by_default_and_the_output_is_what_files_give(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = printed(capsys, *PLACE, LOG)
    done = subprocess.run(
        [*COMMAND, *PLACE], input=LOG.read_bytes(), capture_output=True, check=True
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == given
    assert done.stderr.decode().startswith(f"{RECORDS} records, 0 of them damaged")


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_text(LOG.read_text("utf-8").rstrip() + "\n" + LOG.read_text("utf-8") * 2000)
    with subprocess.Popen(
        [*COMMAND, "--quiet", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline()
        running.stdout.close()
        assert running.wait(60) == 0
        assert running.stderr.read() == b""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_the_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    output = _Terminal()
    monkeypatch.setattr(sys, "stderr", output)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert aws_cloudhsm_normalize.main([str(LOG)]) == 0
    assert "[##############################] 100%" in output.getvalue()
    assert "a second" in output.getvalue()


def test_what_a_file_is_called_does_not_control_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a\x1b[2J.log"
    path.write_text("x")
    assert aws_cloudhsm_normalize.main([str(path)]) == 3
    assert "\x1b" not in capsys.readouterr().err


def test_it_needs_no_splunk_and_no_library() -> None:
    environment = {name: one for name, one in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-S", "-E", *COMMAND[1:], str(LOG)],
        capture_output=True,
        check=True,
        env=environment,
        cwd="/",
    )
    assert len(done.stdout.splitlines()) == RECORDS


def status_of(data: bytes, *arguments: object) -> int:
    """The exit status for standard input with these bytes."""
    done = subprocess.run([*COMMAND, *map(str, arguments)], input=data, capture_output=True)
    assert b"Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize(
    ("data", "arguments", "status"),
    [
        (LOG.read_bytes(), PLACE, 0),
        (LOG.read_bytes(), [], 0),
        (LOG.read_bytes(), ["--strict"], 1),
        (LOG.read_bytes(), [*PLACE, "--strict"], 0),
        (b"stray\n" + LOG.read_bytes(), PLACE, 1),
        (b"no record at all", PLACE, 3),
        (b"PAR1\x15\x04", PLACE, 2),
        (b"", PLACE, 0),
    ],
)
def test_the_exit_status_depends_on_how_much_is_damaged(
    data: bytes, arguments: list[str], status: int
) -> None:
    assert status_of(data, *arguments) == status


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"PAR1", "Parquet"),
        (b"Obj\x01", "Avro"),
        (b"PK\x03\x04", "ZIP"),
        (b"\0" * 257 + b"ustar", "tar"),
        (gzip.compress(b"\0" * 257 + b"ustar", mtime=0), "tar"),
        (b"<?xml version='1.0'?><results/>", "XML"),
    ],
    ids=["Parquet", "Avro", "ZIP", "tar", "tar in gzip", "XML"],
)
def test_a_format_that_is_not_read_is_named_with_a_way_out(
    data: bytes, name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    assert aws_cloudhsm_normalize.main([str(path), str(LOG)]) == 2
    output = capsys.readouterr()
    assert f"recognized but not read: {name}" in output.err
    assert len(output.out.splitlines()) == RECORDS


def test_no_line_has_the_path_of_a_local_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "secret-folder" / "a.log"
    path.parent.mkdir()
    path.write_bytes(b"stray\n" + LOG.read_bytes())
    for form in output_formats.NAMES:
        aws_cloudhsm_normalize.main(["--format", form, str(path)])
        output = capsys.readouterr()
        assert "secret-folder" not in output.out
        assert f"{RECORDS + 1} records, 1 of them damaged, {RECORDS + 1} without" in output.err


@pytest.mark.parametrize(
    ("option", "name"), [("--account", "aws_account_id"), ("--region", "aws_region")]
)
def test_each_part_of_the_origin_takes_effect_on_its_own(
    option: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = PLACE[PLACE.index(option) + 1]
    assert {line.get(name) for line in printed(capsys, option, value, LOG)} == {value}
    group = printed(capsys, "--group", "/aws/cloudhsm/cluster-likphkxygsn", LOG)
    assert {line.get("cluster_id") for line in group} == {"cluster-likphkxygsn"}


@pytest.mark.parametrize(
    ("option", "value"),
    [("--region", "us east"), ("--group", "a:b"), ("--stream", "a b"), ("--account", "1")],
)
def test_a_name_that_aws_would_not_accept_is_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aws_cloudhsm_normalize.main([option, value, str(LOG)]) == 2
    assert option in capsys.readouterr().err


def test_a_text_with_several_operations_is_no_success(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    record = LOG.read_text("utf-8").split("\nTime:")[0].rstrip()
    path.write_text(f"{record}\nOpcode : CN_LOGOUT (0xe)\n")
    assert aws_cloudhsm_normalize.main([*PLACE, str(path)]) == 3
    assert json.loads(capsys.readouterr().out)["outcome"] == "unknown"


def test_a_closed_standard_output_ends_it_without_a_traceback() -> None:
    command = f"{shlex.join([*COMMAND, str(LOG)])} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"standard output is closed" in done.stderr
    assert b"Traceback" not in done.stderr


def test_what_a_folder_has_that_cannot_be_read_is_named_and_the_rest_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "export"
    (folder / "locked").mkdir(parents=True)
    (folder / "elsewhere").symlink_to(tmp_path)
    (folder / "gone").symlink_to(tmp_path / "no-such-file")
    os.mkfifo(folder / "pipe")
    (folder / ".hidden").write_text("x")
    (folder / "a.log").write_bytes(LOG.read_bytes())
    scandir = os.scandir

    def refusing(path: str) -> object:  # root may read every folder
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert aws_cloudhsm_normalize.main([str(folder)]) == 2
    output = capsys.readouterr()
    assert output.out
    for line in (
        f"{folder}/locked: Permission denied",
        f"{folder}/elsewhere: a link to a folder",
        f"{folder}/gone: not a file",
        f"{folder}/pipe: not a file",
    ):
        assert line in output.err
    assert "hidden" not in output.err


def test_a_closed_standard_input_is_one_line() -> None:
    command = f"{shlex.join([*COMMAND, '-'])} <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("standard input is closed")
    assert done.stderr.count("\n") == 1
