from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("rich", reason="a development tool's table; not there where only tests run")

from emulator.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
MakeFolder = Callable[..., Path]
RunSearch = Callable[..., tuple[int, str, str]]
_PROPS = """
[st]
SHOULD_LINEMERGE = false
KV_MODE = none
TIME_FORMAT = %s
MAX_DAYS_AGO = 10951
EXTRACT-word = (?<word>[a-z]+)
EVAL-twice = mvappend(word, word)
[aws:cloudhsm:audit]
KV_MODE = none
"""
_STREAM = (
    "<stream><event><time>5</time><data>6 [bold]red</data><host>h</host><source>s</source>"
    "<sourcetype>st</sourcetype></event></stream>"
)
_TEXT = "".join(f"{1_513_717_270 + at} {word}\n" for at, word in enumerate(["a", "b", "a"]))
_LINE = '{"logGroup": "/g", "logStream": "hsm-a", "timestamp": 1000, "message": "n=7"}\n'


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
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["_time"], row["_raw"], row["host"], row["source"]) for row in rows] == [
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
        (b"<stream><event>", "emulator: modular input stream, line 1: no element found after 0"),
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
    command = [sys.executable, "-m", "emulator", "events", str(stream), "--format", "json"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


# --- search


@pytest.fixture
def search(app_folder: MakeFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> RunSearch:
    """Runs a search over a file with `data`; the status, and what was printed."""
    folder = app_folder(props=_PROPS)

    def run(spl: str, data: str, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "in"
        path.write_text(data, encoding="utf-8", newline="")
        status = main(["search", spl, str(path), "--app", str(folder), *options])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        (_STREAM, [], [{"sourcetype": "st", "count": "1"}]),
        (_LINE * 2, [], [{"sourcetype": "aws:cloudhsm:audit", "count": "2"}]),
        (_TEXT, ["--sourcetype", "st"], [{"sourcetype": "st", "count": "3"}]),
    ],
)
def test_a_file_may_be_a_stream_json_lines_or_text(
    search: RunSearch, data: str, options: list[str], expected: list[dict[str, str]]
) -> None:
    status, out, _err = search("* | stats count by sourcetype", data, "--format", "json", *options)

    assert (status, [json.loads(line) for line in out.splitlines()]) == (0, expected)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--earliest", "1513717271"], 2),
        (["--latest", "1513717271"], 1),
        (["--now", "1513717272", "--earliest", "-1s", "--latest", "now"], 1),
        (["--earliest", "2017-12-19T21:01:11"], 2),
        (["--earliest", "2017-12-19T22:01:11+01:00"], 2),
    ],
)
def test_the_time_range_is_relative_to_now_or_a_moment(
    search: RunSearch, options: list[str], count: int
) -> None:
    _status, out, _err = search(
        "* | stats count", _TEXT, "--sourcetype", "st", "--format", "json", *options
    )

    assert json.loads(out) == {"count": str(count)}


def test_the_table_shows_the_first_rows_and_how_many_there_are_more(search: RunSearch) -> None:
    _status, out, _err = search(
        "* | table _time, word", _TEXT, "--sourcetype", "st", "--limit", "2"
    )

    assert [line.split()[1:4] for line in out.splitlines() if "2017" in line] == [
        ["2017-12-19", "21:01:12", "│"],
        ["2017-12-19", "21:01:11", "│"],
    ]
    assert "... 1 more" in out


def test_wide_events_are_shown_by_their_time_and_text(search: RunSearch) -> None:
    wide = " ".join(f"| eval f{number}=1" for number in range(12))
    _status, out, _err = search(f"* {wide}", _LINE)

    header = out.splitlines()[1]
    assert [name for name in ("_time", "host", "_raw", "f1") if name in header.split()] == [
        "_time", "host", "_raw",
    ]  # fmt: skip
    assert "1970-01-01 00:00:01 " in out


def test_csv_has_what_commands_decided_and_what_came_later(search: RunSearch) -> None:
    _status, out, _err = search(
        '* | stats values(word) AS words count | eval more="x,y"',
        _TEXT,
        "--sourcetype", "st", "--format", "csv",
    )  # fmt: skip

    assert list(csv.reader(io.StringIO(out))) == [["words", "count", "more"], ["a\nb", "3", "x,y"]]


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_text_from_logs_does_not_reach_the_terminal_as_control(
    search: RunSearch, form: str
) -> None:
    status, out, _err = search(
        "* | table _raw", "1513717277 \x1b[31m[bold]red\n", "--sourcetype", "st", "--format", form
    )

    assert status == 0
    assert "\x1b" not in out
    assert "1b[31m[bold]red" in out


def test_no_rows_are_reported_and_a_chart_hides_its_span(search: RunSearch) -> None:
    assert "no results" in search("nothing", _LINE)[1]
    out = search("* | timechart span=1d count", _LINE)[1]
    assert ("count" in out, "_span" in out) == (True, False)


@pytest.mark.parametrize(
    ("spl", "options", "message"),
    [
        ("* | statz count", [], "Unknown search command 'statz'"),
        ("* | eval a=(1", [], "(1"),
        ("* |\n eval a=foo(\n1)", [], "'foo' function"),
        ("`none`", [], "The search macro 'none' cannot be found."),
        ("* | join a [search b]", [], "'join' must not be used"),
        ("*", ["--earliest", "x"], "Invalid relative time 'x'"),
        ("*", ["--now", "\x1b"], "Invalid relative time '\\x1b'"),
        ("* | where \x1b", [], "\\x1b"),
        ("*", ["--app", "/none"], "/none"),
    ],
)
def test_a_fault_is_one_line_that_quotes_it_and_exit_2(
    search: RunSearch, spl: str, options: list[str], message: str
) -> None:
    status, out, err = search(spl, _LINE, *options)

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_file_of_another_kind_is_refused(search: RunSearch) -> None:
    status, _out, err = search("*", "plain text")

    assert status == 2
    assert "is neither XML nor JSON lines: give --sourcetype for text" in err
    assert "line 2 is no JSON" in search("*", _LINE + "x")[2]


def test_without_a_file_the_sample_trail_is_searched() -> None:
    """From the command line: its last event is not after Monday 08:30, which is now."""
    completed = subprocess.run(
        [
            *(sys.executable, "-m", "emulator", "search", "--format", "json", "--earliest", "-1d"),
            "`cloudhsm_audit` | eval age=now()-_time | stats count min(age) AS youngest max(age)"
            " AS oldest dc(hsm_id) AS hsms | eval day=strftime(now(), \"%H:%M\")",
        ],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    row = json.loads(completed.stdout)

    assert int(row["count"]) > 20
    assert 0 <= float(row["youngest"]) <= float(row["oldest"]) <= 86_400
    assert (row["hsms"] >= "2", row["day"]) == (True, "08:30")
