"""The proof: what it finds on the stories, and what it says where a number differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.scheduler import Index, Scheduler
from emulator.search_time.kv_store import by_collection
from tests.detections.conftest import DETECTIONS, ROOT
from tools.content.detections import ingest, scenarios
from tools.content.detections.correlated import correlated
from tools.content.detections.scenarios import Scenario
from tools.proof import backtest

TRAIL = scenarios.sample_trail(1 / 6)
QUIET = scenarios.quiet_month(0.02)
THREE_DAYS = replace(QUIET, until=QUIET.since + 3 * 86400)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stories of some thousand records."""
    monkeypatch.setattr(scenarios, "sample_trail", lambda: TRAIL)
    monkeypatch.setattr(scenarios, "quiet_month", lambda: THREE_DAYS)


@pytest.mark.parametrize("story", [TRAIL, THREE_DAYS], ids=["sample trail", "quiet month"])
def test_no_field_that_a_search_reads_is_left_out_on_the_way(story: Scenario) -> None:
    """The proof keeps of each record what the searches name: the same alerts as with all of it."""
    app = ingest.load(ROOT)
    known = by_collection(story.tables, app.collection_names)
    events = [
        *ingest.records(app, ((one.timestamp_ms / 1000, one) for one in story.records)),
        *ingest.collector_events(app, story.collector_events),
        *ingest.cloudtrail(story.calls),
    ]
    index = Index((second, app.search_time(event, known)) for second, event in events)
    scheduler = Scheduler(app, index, story.tables)
    whole = {
        one.stem: scheduler.fired(app.knowledge.alerts[one.title], story.since, story.until)
        for one in DETECTIONS
    }
    whole |= correlated(app, DETECTIONS, whole, story.since, story.until)
    assert backtest.run_alerts(app, story, DETECTIONS) == whole
    assert sum(map(len, whole.values())) > 0


@pytest.mark.usefixtures("small")
def test_a_number_that_differs_is_told_with_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest.main(["crypto_officer_login", "hsm_zeroized"]) == 1
    said = capsys.readouterr()
    assert "2 detections" in said.out
    assert "detections/crypto_officer_login.yml: " in said.err
    assert "alerts on the sample trail, expected 24" in said.err
    assert "hsm_zeroized" not in said.err


@pytest.mark.usefixtures("small")
def test_the_expected_numbers_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest.main(["hsm_zeroized", "--rows"]) == 0
    assert "1 detections, 0 differences" in capsys.readouterr().out


def test_a_name_that_no_detection_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        backtest.main(["hsm_zeroised"])
    assert "there is no detections/hsm_zeroised.yml" in capsys.readouterr().err


def test_the_quiet_month_must_be_a_whole_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = scenarios.Scenario("quiet month", [], [], [], {}, 0, 1, least_records=200_000)
    monkeypatch.setattr(scenarios, "sample_trail", lambda: few)
    with pytest.raises(SystemExit):
        backtest.main(["hsm_zeroized"])
    assert "has fewer than 200,000 records" in capsys.readouterr().err
