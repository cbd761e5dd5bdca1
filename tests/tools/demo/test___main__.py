"""The demo is the whole thread: package, local CloudWatch Logs, modular input, emulator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.progress import Progress

from tools.demo import __main__ as demo
from tools.demo import splunkd


def test_the_demo_shows_every_record_with_its_meaning_and_finds_the_gap(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # else it is as wide as somebody's terminal
    assert demo.main(["--days", "2"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"CN_LOGIN +User Login +A user logs in", said)
    assert re.search(r"CN_SAMPLE_UNLISTED_C\w* +Unknown", said)
    assert re.search(r"0x[0-9a-f]+-0x[0-9a-f]+ +(absent at source|pending)", said)
    assert "A second run collected nothing." in said
    loaded = re.search(r"loading the sample trail\D+(\d+)/\1", said)
    assert loaded is not None
    assert f"{int(loaded[1]):,} records and" in said
    assert said.rstrip().splitlines()[-4] == "What to try next:"


def lossy(run: splunkd.InputRun) -> splunkd.InputRun:
    first = run.events_xml.partition(b"</event>")[0] + b"</event>"
    return splunkd.InputRun(run.events_xml.replace(first, b"<stream>"), run.log, 0)


def repeating(run: splunkd.InputRun) -> splunkd.InputRun:
    again = b"<stream><event><time>1</time><data>x</data></event></stream>"
    return run if b"</event>" in run.events_xml else splunkd.InputRun(again, run.log, 0)


def refused(run: splunkd.InputRun) -> splunkd.InputRun:
    return splunkd.InputRun(run.events_xml, "INFO x\nERROR it was refused", 1)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lossy, "records were put in"),
        (repeating, "the second run delivered 1 event again"),
        (refused, "demo failed: ERROR it was refused"),
    ],
)
def test_the_demo_fails_where_the_product_would(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fault: object, says: str
) -> None:
    run_input = splunkd.run_input
    assert callable(fault)
    monkeypatch.setattr(splunkd, "run_input", lambda *asked: fault(run_input(*asked)))
    assert demo.main(["--days", "0.05"]) == 1
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["--aws"], ["--region", "us-east-1"], ["--log-group", "x"], ["--days", "20"], ["--days", "0"]],
)
def test_a_wrong_request_is_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        demo.main(arguments)
    assert end.value.code == 2
    assert "make demo AWS=1" in (said := capsys.readouterr().err) or "--days" in said


def test_an_account_of_ones_own_is_asked_with_ones_own_credentials(tmp_path: Path) -> None:
    asked = demo._options(["--aws", "--region", "eu-west-1", "--log-group", "/aws/cloudhsm/c*"])
    with demo._source(Progress(), asked, tmp_path) as source:
        assert source.environment is None
        assert source.parameters == {
            "aws_region": "eu-west-1",
            "log_groups": "/aws/cloudhsm/c*",
            "start_time": "-7d",
            "interval": "3600",
        }
