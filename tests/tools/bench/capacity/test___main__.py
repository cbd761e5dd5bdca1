"""The command line: an administrator's answers, and what it says to numbers that make no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.bench.capacity import __main__ as capacity

FORTY = ["model", "--clusters", "40", "--hsms", "6", "--records-per-day", "200,000"]


def answers(printed: str) -> dict[str, str]:
    """Values by what they are of; these stand in columns."""
    return {line[:28].strip(): line[28:].strip() for line in printed.splitlines()}


def test_an_administrator_is_told_what_to_expect(capsys: pytest.CaptureFixture[str]) -> None:
    assert capacity.main([*FORTY, "--region", "eu-west-1"]) == 0
    told = answers(capsys.readouterr().out)
    assert told["records"].startswith("48,000,000 a day, 16.13 GB")
    assert "of 10 (eu-west-1)" in told["FilterLogEvents"]
    assert told["way"].startswith("pull, `interval = 180`, ")
    assert told["way"].endswith(" forwarders; or push")
    assert "heartbeats" in told["Splunk license"]


def test_assumptions_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    def counted(*options: str) -> str:
        assert capacity.main([*FORTY, *options]) == 0
        return answers(capsys.readouterr().out)["AWS counts"]

    assert counted("--assume", "stored_share=0").endswith(" logged, 0 GB stored")
    assert counted("--assume", "stored_share=1") != counted()


def test_the_answer_names_amounts_and_leaves_prices_to_aws(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert capacity.main(FORTY) == 0
    printed = capsys.readouterr().out
    assert answers(printed)["prices"] == "https://calculator.aws/"
    assert "$" not in printed


def test_a_small_fleet_that_is_quiet_is_pulled(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["model", "--clusters", "3", "--hsms", "2", "--records-per-day", "0"]
    assert capacity.main(given) == 0
    told = answers(capsys.readouterr().out)
    assert told["way"] == "pull"
    assert told["records"] == "0 a day, 0 GB"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--clusters", "0"], "clusters is 0, but must be from 1"),
        (["--hsms", "29"], "hsms is 29, but must be from 1 to 28"),
        (["--interval", "0"], "interval_s is 0"),
        (["--region", "Ireland"], "region is 'Ireland', but must be like"),
        (["--assume", "luck=1"], "no assumption is called 'luck'"),
    ],
)
def test_a_number_that_makes_no_sense_is_named(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert capacity.main([*FORTY, *given]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--clusters", "many"], "'many' is no number"),
        (["--clusters", "1.5"], "'1.5' is no whole number"),
        (["--records-per-day", "inf"], "'inf' is no number"),
        (["--assume", "stored_share"], "is not of the form NAME=NUMBER"),
        (["--assume", "stored_share=-1"], "must not be below 0"),
    ],
)
def test_what_is_no_number_is_refused_by_its_option(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        capacity.main([*FORTY, *given])
    assert said in capsys.readouterr().err


def test_a_simulation_is_told_poll_by_poll_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "new" / "simulation.json"
    options = "--clusters 2 --hsms 2 --polls 1 --quiet 0 --backlog 3 --calls-per-second 100"
    given = ["simulate", *options.split(), "--region", "us-east-1", "--write", str(kept)]
    assert capacity.main(given) == 0
    printed = capsys.readouterr().out
    assert "of 4 HSMs were delivered once each and unchanged" in printed
    document = json.loads(kept.read_text())
    assert document["asked"]["region_calls_per_second"] == 25
    assert "python" not in document["asked"]
    assert printed.count("FilterLogEvents") == len(document["polls"])


@pytest.mark.parametrize("given", [["--backlog", "0"], ["--polls", "-1"], ["--hsms", "29"]])
def test_a_simulation_of_nothing_is_refused(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert capacity.main(["simulate", *given]) == 2
    assert given[0].removeprefix("--") in capsys.readouterr().err
