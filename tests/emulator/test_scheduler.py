"""Alerts on their schedule: index time, late records, throttling."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.app import App
from emulator.scheduler import Index, Scheduler
from emulator.spl.alerts import Alert, Throttling, TimeRange
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[2]
SLICE = TimeRange("-6m@m", "-1m@m")
WEEK = TimeRange("-7d", "+30d")
START = 1_772_532_000


@pytest.fixture(scope="module")
def app() -> App:
    return installed_app(ROOT)


def alert(search: str, throttling: Throttling | None = None, index: TimeRange = SLICE) -> Alert:
    return Alert("A", search, "*/5 * * * *", WEEK, index, throttling)


def event(time: float, **fields: str) -> dict[str, str | list[str]]:
    return {"_time": str(time), "index": "main", "_raw": "x", **fields}


RunAlert = Callable[..., list[tuple[int, str]]]


@pytest.fixture
def run(app: App) -> RunAlert:
    def runs(
        events: list[tuple[float, dict[str, str | list[str]]]],
        search: str = "index=main | table n",
        throttling: Throttling | None = None,
        index: TimeRange = SLICE,
    ) -> list[tuple[int, str]]:
        fired = Scheduler(app, Index(events)).fired(
            alert(search, throttling, index), START, START + 7200
        )
        return [(result.run - START, str(result.row.get("n"))) for result in fired]

    return runs


def test_a_record_is_reported_by_the_run_with_its_slice_of_index_time(run: RunAlert) -> None:
    """Assumption 61."""
    fired = run([(START + 10, event(START, n="1")), (START + 299, event(START, n="2"))])
    assert fired == [(300, "1"), (600, "2")]


def test_a_late_record_is_reported_when_it_arrives(run: RunAlert) -> None:
    assert run([(START + 3610, event(START - 3 * 86400, n="1"))]) == [(3900, "1")]


def test_a_record_older_than_the_alert_looks_back_is_not_reported(run: RunAlert) -> None:
    assert run([(START + 10, event(START - 8 * 86400, n="1"))]) == []


@settings(max_examples=60, deadline=None)
@given(seconds=st.lists(st.integers(0, 6000), max_size=30))
def test_every_record_is_reported_once_by_adjacent_slices(app: App, seconds: list[int]) -> None:
    events = [
        (float(START + second), event(START, n=str(number)))
        for number, second in enumerate(seconds)
    ]
    fired = Scheduler(app, Index(events)).fired(alert("index=main | table n"), START, START + 7200)
    assert sorted(int(str(result.row["n"])) for result in fired) == list(range(len(seconds)))


def test_rows_come_newest_first_and_of_one_time_the_last_indexed_first(run: RunAlert) -> None:
    events = [
        (START + 10.0, event(START, n="1")),
        (START + 11.0, event(START, n="2")),
        (START + 12.0, event(START - 5, n="3")),
    ]
    assert [n for _run, n in run(events)] == ["2", "1", "3"]


def test_throttled_results_wait_by_the_values_of_their_fields(run: RunAlert) -> None:
    """Assumption 62."""
    events = [
        (START + 10.0 + 300 * number, event(START, n=n))
        for number, n in enumerate(["a", "a", "b", "a", "a"])
    ]
    fired = run(events, throttling=Throttling(("n",), 900))
    assert fired == [(300, "a"), (900, "b"), (1200, "a")]


def test_a_run_sees_nothing_that_was_indexed_later(run: RunAlert) -> None:
    search = "| tstats count where index=main by index | rename count as n"
    events = [(START + 10.0, event(START, n="1")), (START + 700.0, event(START, n="2"))]
    counts = [n for _run, n in run(events, search, index=TimeRange("", ""))]
    assert counts[:4] == ["1", "1", "2", "2"]


def test_a_search_that_knows_the_time_is_run_again_each_time(run: RunAlert) -> None:
    search = f"index=main | where now()-_time>600 | eval n=now()-{START}"
    fired = run([(START + 1.0, event(START))], search, index=TimeRange("", ""))
    assert fired[:2] == [(900, "900"), (1200, "1200")]


def test_a_subsearch_sees_what_has_been_indexed_by_its_run(run: RunAlert) -> None:
    search = "| tstats count where index=main by index | append [search n=1 | stats count as n]"
    events = [(START + 10.0, event(START, n="1")), (START + 700.0, event(START, n="1"))]
    counts = [n for _run, n in run(events, search, index=TimeRange("", "")) if n != "None"]
    assert counts[:4] == ["0", "1", "1", "2"]


def test_a_calculated_field_may_choose_events(app: App) -> None:
    """Assumption 63."""
    scheduler = Scheduler(app, Index([(START + 1.0, event(START, command="CN_LOGIN"))]))
    assert len(scheduler.search("command=CN_LOGIN", START, START + 1).rows) == 1


def test_a_search_over_the_index_sees_all_its_events(app: App) -> None:
    scheduler = Scheduler(app, Index([(START + 9e6, event(START, n="1"))]))
    assert len(scheduler.search("index=main", START, START + 1).rows) == 1
    assert scheduler.search("index=main", START + 1, START + 2).rows == []


LOGIN = {
    "sourcetype": "aws:cloudhsm:audit",
    "opcode": "CN_LOGIN",
    "opcode_family": "CN_LOGIN",
    "outcome": "success",
    "hsm_id": "hsm-a",
    "reboot_counter": "0x1A",
    "session_handle": "0x2014005",
    "cluster_id": "cluster-a",
}
WHO = (
    'index=main n=* | eval seen_key="hsm-a 0x1a 0x2014005"'
    " | lookup local=true cloudhsm_seen seen_key OUTPUT seen_user AS n | table n"
)


def test_an_alert_reads_what_scheduled_searches_wrote_before_its_run(run: RunAlert) -> None:
    events = [
        (START + 10.0, event(START, user="batch", **LOGIN)),
        (START + 30.0, event(START + 20, n="?")),
        (START + 1510.0, event(START + 1500, user="mallory", **LOGIN)),
        (START + 1900.0, event(START + 1890, n="?")),
    ]
    fired = run(events, WHO)
    assert {second: who for second, who in fired if who != "None"} == {2100: "mallory"}


def test_a_login_of_weeks_ago_is_still_in_the_table(run: RunAlert) -> None:
    month = 30 * 86400
    events = [
        (START - month, event(START - month, user="batch", **LOGIN)),
        (START + 30.0, event(START + 20, n="?")),
    ]
    assert run(events, WHO) == [(300, "batch")]


def test_an_older_login_that_arrives_late_does_not_replace_a_newer_one(run: RunAlert) -> None:
    events = [
        (START - 7200.0, event(START - 7200, user="batch", **LOGIN)),
        (START - 3600.0, event(START - 90000, user="alice", **LOGIN)),
        (START + 30.0, event(START + 20, n="?")),
    ]
    assert run(events, WHO) == [(300, "batch")]
