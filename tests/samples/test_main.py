from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from samples.__main__ import last_monday, last_month_end, main
from samples.quiet_month import QuietMonth
from samples.simulator import simulate

ROOT = Path(__file__).parents[2]
QUIET = ["--quiet", "--volume", "0.01", "--end", "2026-04-01T08:30:00Z"]
HOUR = ["--days", "0.05", "--end", "2026-03-02T08:30:00Z"]


def test_events_come_as_json_lines_with_the_names_of_the_api(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--seed", "3", *HOUR]) == 0
    out = capsys.readouterr().out
    lines = [json.loads(line) for line in out.splitlines()]
    expected = simulate(3, datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc), 0.05).events
    assert [list(line) for line in lines[:1]] == [["logGroup", "logStream", "timestamp", "message"]]
    assert [line["message"] for line in lines] == [event.message for event in expected]
    assert [line["timestamp"] for line in lines] == [event.timestamp_ms for event in expected]
    assert out.isascii()


def test_facts_alone_come_as_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*HOUR, "--facts"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["seed"] == 7
    assert len(facts["gaps"]) == 1


def test_a_quiet_month_comes_as_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", *QUIET]) == 0
    lines = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    month = QuietMonth(3, datetime(2026, 4, 1, 8, 30, tzinfo=timezone.utc), 0.01)
    assert lines == [event.message for event in month.stream()]


def test_the_facts_of_a_quiet_month_come_as_one_json_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*QUIET, "--facts"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["clusters"].keys() == {"payments", "vault", "signing"}
    assert sum(facts["operations"].values()) == facts["events"]


def test_an_offset_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    main(HOUR)
    there = capsys.readouterr().out
    main([*HOUR[:3], "2026-03-02T09:30:00+01:00"])
    assert capsys.readouterr().out == there


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--end", "yesterday"], "argument --end: not an ISO 8601 time such as"),
        (["--end", "2026-03-02"], "end needs a time zone, for example"),
        (["--days", "0"], "days must be a number above 0: got 0"),
        (["--days", "many"], "argument --days: invalid float value: 'many'"),
        (["--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--volume", "-1"], "volume must be above 0"),
        (["--quiet", "--volume", "0"], "volume must be above 0"),
        (["--quiet", "--volume", "nan"], "volume must be above 0"),
        (["--quiet", "--end", "2026-03-02"], "end needs a time zone, for example"),
        (["--quiet", "--end", "1970-01-30T00:00Z"], "the month would start before 1970"),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_a_bad_argument_is_named_in_one_line_without_output(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    captured = capsys.readouterr()
    assert stopped.value.code == 2
    assert message in captured.err.splitlines()[-1]
    assert captured.out == ""


def test_a_closed_pipe_ends_the_program_quietly() -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "samples", "--days", "1000", "--end", "2026-03-02T08:30:00Z"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    assert program.stderr.read() == b""
    program.stderr.close()
    assert program.wait(timeout=20) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_full_disk_is_one_clear_line() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "samples", *HOUR],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    message = "cannot write standard output: No space left on device"
    assert ended.stderr == f"python -m samples: error: {message}\n"
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (datetime(2026, 3, 2, 8, 30), datetime(2026, 3, 2, 8, 30)),
        (datetime(2026, 3, 2, 8, 29, 59), datetime(2026, 2, 23, 8, 30)),
        (datetime(2026, 3, 8, 23, 59), datetime(2026, 3, 2, 8, 30)),
    ],
)
def test_a_trail_without_an_end_ends_on_the_latest_monday_morning(
    now: datetime, monday: datetime
) -> None:
    assert last_monday(now) == monday


@pytest.mark.parametrize("day", range(1, 15))
def test_a_quiet_month_without_an_end_begins_on_a_real_monday_not_long_ago(day: int) -> None:
    now = datetime(2026, 3, day, 8, 29)
    end = last_month_end(now)
    assert timedelta() <= now - end < timedelta(weeks=1)
    assert (end - timedelta(days=30)).strftime("%a %H:%M") == "Mon 08:30"
