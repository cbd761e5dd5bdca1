from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("rich", reason="a development tool's table; not there where only tests run")

from preview.__main__ import main

MakeFolder = Callable[..., Path]
_PROPS = """
[st]
SHOULD_LINEMERGE = false
KV_MODE = none
TIME_FORMAT = %s
MAX_DAYS_AGO = 10951
EXTRACT-word = (?<word>[a-z]+)
EVAL-twice = mvappend(word, word)
"""
_STREAM = (
    "<stream><event><time>5</time><data>6 [bold]red</data><host>h</host><source>s</source>"
    "<sourcetype>st</sourcetype></event></stream>"
)


@pytest.fixture
def folder(app_folder: MakeFolder) -> Path:
    return app_folder(props=_PROPS)


def _file(folder: Path, data: bytes) -> str:
    path = folder / "in"
    path.write_bytes(data)
    return str(path)


def test_a_modular_input_s_stream_comes_out_as_json_lines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(folder, _STREAM.encode())

    assert main(["events", file, "--app", str(folder), "--format", "json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    fields = json.loads(line)
    assert (fields["_time"], fields["word"], fields["twice"]) == ("5", "bold", ["bold", "bold"])


def test_a_text_file_is_broken_and_bad_bytes_are_shown_in_hex(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Assumption 8; props.conf.spec, CHARSET."""
    file = _file(folder, b"1513717277 a\n1513717278 b\xf3\n")
    arguments = ["--app", str(folder), "--format", "json", "--sourcetype", "st", "--host", "x"]

    assert main(["events", file, *arguments]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["_time"], one["_raw"], one["host"], one["source"]) for one in found] == [
        ("1513717277", "1513717277 a", "x", file),
        ("1513717278", "1513717278 b\\xf3", "x", file),
    ]


def test_the_table_shows_every_field_and_markup_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", _file(folder, _STREAM.encode()), "--app", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "6 [bold]red" in shown
    assert [line.split()[1] for line in shown.splitlines() if "st" in line.split()] == [
        "sourcetype"
    ]


@pytest.mark.parametrize("form", ["table", "json"])
def test_control_characters_of_a_log_do_not_reach_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    file = _file(folder, "1513717277 \x1b[31mred\x9b\n".encode())

    assert main(["events", file, "--app", str(folder), "--sourcetype", "st", "--format", form]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "1b[31mred" in shown


def test_a_dash_reads_standard_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_STREAM.encode())))

    assert main(["events", "-", "--app", str(folder), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["word"] == "bold"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<stream><event>", "preview: modular input stream, line 1: no element found after 0"),
        (b"<stream><event><data/></event></stream>", "event 1 has no <host>"),
    ],
)
def test_an_error_is_one_line_and_exit_2(
    folder: Path, capsys: pytest.CaptureFixture[str], data: bytes, message: str
) -> None:
    assert main(["events", _file(folder, data), "--app", str(folder)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_missing_file_and_a_missing_app_are_one_line_and_exit_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", str(folder / "none"), "--app", str(folder)]) == 2
    assert main(["events", str(folder / "none"), "--app", str(folder / "none")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "No such file" in first
    assert "is no app" in second


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    event = (
        "<event><time>1</time><data>x</data><host>h</host><source>s</source>"
        "<sourcetype>aws:cloudhsm:audit</sourcetype></event>"
    )
    stream = tmp_path / "stream.xml"
    stream.write_text(f"<stream>{event * 2000}</stream>")
    command = [sys.executable, "-m", "preview", "events", str(stream), "--format", "json"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
