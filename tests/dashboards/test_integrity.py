"""Integrity: is the trail complete? Compared with numbers counted in the raw records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from cloudhsm.collect.collector_events import Reporter
from cloudhsm.splunk.event_writer import Event
from cloudhsm.trail.gap_ledger import Anomaly, Verdict
from emulator.app import App
from emulator.session import Session
from tests.dashboards.conftest import View
from tests.dashboards.reading import Raw
from tests.dashboards.shown_views import PanelRow, Shown
from tests.default.trails import (
    APRIL,
    CLUSTER,
    GROUP,
    HSM,
    MARCH,
    handed_over,
    record,
    records,
    searching,
    verdict,
)

_QUIET_S = 7200  # what the search leaves out
_NUMBERED = ("CN_MGMT_CMD", "CN_CERT_AUTH_CMD")
Trail = Callable[..., Shown]
_SAYS = Reporter("aws_cloudhsm://main", GROUP)


def _shown(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _clicked(row: PanelRow) -> PanelRow:
    return {name: value for name, value in row.items() if name.startswith("_")}


def _runs(trail: list[Raw], now: float) -> dict[tuple[str, str], list[list[Raw]]]:
    """Per HSM and reboot counter: runs of consecutive numbers."""
    numbered: dict[tuple[str, str], dict[int, Raw]] = defaultdict(dict)
    for r in trail:
        if "Sequence No" in r.lines and r.at <= now - _QUIET_S:
            numbered[r.stream, r.lines["Reboot counter"]][r.sequence] = r
    runs_by_hsm: dict[tuple[str, str], list[list[Raw]]] = {}
    for key, by_number in numbered.items():
        runs_by_hsm[key] = []
        for number in sorted(by_number):
            if number - 1 not in by_number:
                runs_by_hsm[key].append([])
            runs_by_hsm[key][-1].append(by_number[number])
    return runs_by_hsm


def test_ranges_are_the_runs_of_numbers_without_a_hole(
    view: View, trail: list[Raw], session: Session
) -> None:
    expected = {
        (stream, hex(run[0].sequence), hex(run[-1].sequence), len(run), _shown(run[0].at))
        for (stream, _counter), runs in _runs(trail, session.now).items()
        for run in runs
    }

    rows = view("integrity").panel("ranges")

    assert {
        (r["hsm_id"], r["first_number"], r["last_number"], int(r["records"]), r["first_record"])
        for r in rows
    } == expected
    row = rows[0]
    clicked = {name: row[name] for name in ("_place", "_from", "_to")}
    assert len(view("integrity").records("ranges", **clicked)) == int(row["records"])


def test_the_numbers_on_top_are_counted_in_the_index(
    view: View, trail: list[Raw], session: Session
) -> None:
    shown = view("integrity")
    runs = _runs(trail, session.now)
    holes = sum(
        later[0].sequence - earlier[-1].sequence - 1
        for places in runs.values()
        for earlier, later in zip(places, places[1:])
    )

    assert int(shown.value("records")) == sum(len(run) for own in runs.values() for run in own)
    assert int(shown.value("explained")) == holes == 14
    assert shown.value("unexplained") == "0"
    assert shown.value("differing") == "0"
    (opened,) = shown.records("explained")
    assert int(str(opened["missing"])) == holes


def test_each_hsm_has_its_records_ranges_and_last_record(
    view: View, trail: list[Raw], session: Session
) -> None:
    runs = _runs(trail, session.now)
    ends = {record.stream: record.at for record in trail if record.opcode == "END_MARKER_OPCODE"}

    rows = view("integrity").panel("hsms")

    assert {row["hsm_id"] for row in rows} == {stream for stream, _counter in runs}
    for row in rows:
        mine = [run for (stream, _), own in runs.items() if stream == row["hsm_id"] for run in own]
        last = max(run[-1].at for run in mine)
        assert int(row["records"]) == sum(map(len, mine))
        assert int(row["ranges"]) == len(mine)
        assert row["status"] == ("complete" if len(mine) == 1 else "explained")
        assert int(row["missing"]) == sum(
            later[0].sequence - earlier[-1].sequence - 1 for earlier, later in zip(mine, mine[1:])
        )
        assert row["ledger"] == "agrees"
        assert (row["outside"], row["reboots"], row["restarts"]) == ("0", "0", "0")
        assert row["first"] == _shown(min(run[0].at for run in mine))
        assert row["last"] == _shown(last)
        assert int(row["lag_min"]) == pytest.approx((session.now - last) / 60, abs=0.51)
        assert row["ended"] == (_shown(ends[row["hsm_id"]]) if row["hsm_id"] in ends else "")
    assert any(row["ended"] for row in rows)
    assert rows[0]["status"] == "explained"


def test_the_gap_has_the_collectors_verdict_and_opens_both_sides_of_it(view: View) -> None:
    (row,) = view("integrity").panel("gaps")

    assert (row["verdict"], row["numbers"]) == ("absent_at_source", "14")
    opened = view("integrity").records("gaps", **_clicked(row))
    assert [r["verdict"] for r in opened if r.get("event")] == ["pending", "absent_at_source"]
    assert sum(1 for r in opened if r.get("opcode")) > 1


def test_collector_events_are_listed_latest_first(view: View) -> None:
    rows = view("integrity").panel("said")

    assert [(row["event"], row["verdict"]) for row in rows] == [
        ("gap_closed", "absent_at_source"),
        ("gap_opened", "pending"),
    ]
    assert "14 records" in rows[0]["message"]


# --- other trails


@pytest.fixture
def trail_of(shipped: App) -> Trail:
    """The view over these events, as it opens three days into March."""

    def shown(*events: Event, **tokens: str) -> Shown:
        session = Session(shipped, now=MARCH + 3 * 86_400)
        session.index(handed_over(shipped, events))
        return Shown("integrity", session, **tokens)

    return shown


def _of(shown: Shown) -> dict[str, str]:
    (row,) = shown.panel("hsms")
    return {str(name): str(value) for name, value in row.items()}


def test_a_trail_without_gaps_is_complete_and_agrees(trail_of: Trail) -> None:
    row = _of(trail_of(*records(range(20), MARCH)))

    assert (row["status"], row["ledger"], row["ranges"]) == ("complete", "agrees", "1")


def _compared(shown: Shown) -> dict[str, tuple[str, str, str]]:
    return {
        row["what"]: (row["verdict"], row["index_says"], row["ledger_says"])
        for row in shown.panel("comparison")
    }


def test_numbers_that_the_index_lost_are_unexplained_and_the_ledger_differs(
    trail_of: Trail,
) -> None:
    shown = trail_of(*records([*range(5), *range(8, 20)], MARCH))

    row = _of(shown)
    assert (row["status"], row["ledger"], row["missing"]) == ("unexplained", "differs", "3")
    assert (shown.value("unexplained"), shown.value("differing")) == ("3", "1")
    assert shown.panel("gaps")[0]["verdict"] == "lost_after_hand_over"
    assert _compared(shown) == {"missing numbers": ("differs", "3", "0")}
    assert len(shown.records("unexplained")) == 1


def test_the_index_has_what_the_ledger_gave_up(trail_of: Trail) -> None:
    shown = trail_of(
        *records(range(20), MARCH), verdict(5, 7, Verdict.ABSENT_AT_SOURCE, MARCH + 7200)
    )

    row = _of(shown)
    assert (row["status"], row["ledger"], row["missing"]) == ("complete", "differs", "0")
    assert _compared(shown) == {"missing numbers": ("differs", "0", "3")}
    (gap,) = shown.panel("gaps")
    assert (gap["verdict"], gap["first_number"], gap["numbers"]) == ("denied_by_ledger", "0x5", "3")
    opened = shown.records("gaps", **_clicked(gap))
    assert [r["sequence_no"] for r in opened if r.get("opcode")] == ["0x5", "0x6", "0x7"]


def test_as_many_missing_in_both_is_no_agreement_if_they_are_others(trail_of: Trail) -> None:
    shown = trail_of(
        *records([*range(5), *range(8, 20)], MARCH),
        verdict(10, 12, Verdict.ABSENT_AT_SOURCE, MARCH + 7200),
    )

    assert _of(shown)["ledger"] == "differs"
    assert _compared(shown) == {"missing numbers": ("differs", "3", "3")}


def test_what_came_after_all_is_not_denied(trail_of: Trail) -> None:
    shown = trail_of(
        *records(range(20), MARCH),
        verdict(5, 9, Verdict.ABSENT_AT_SOURCE, MARCH + 7200),
        verdict(5, 9, Verdict.RECOVERED_LATE, MARCH + 9000),
    )

    assert _of(shown)["ledger"] == "agrees"
    assert shown.advice("gaps")


def test_verdicts_on_what_lies_before_the_time_range_do_not_differ(trail_of: Trail) -> None:
    shown = trail_of(
        *records([*range(5), *range(8, 20)], MARCH),
        verdict(5, 7, Verdict.ABSENT_AT_SOURCE, MARCH + 7200),
        **{"global_time.earliest": str(MARCH + 600), "global_time.latest": "now"},
    )

    row = _of(shown)
    assert (row["status"], row["ledger"]) == ("open_head", "agrees")


def test_a_gap_that_was_settled_in_parts_counts_once(trail_of: Trail) -> None:
    shown = trail_of(
        *records([*range(5), 7, 8, *range(10, 20)], MARCH),
        verdict(5, 9, Verdict.PENDING, MARCH + 7200),
        verdict(7, 8, Verdict.RECOVERED, MARCH + 9000),
        verdict(5, 6, Verdict.ABSENT_AT_SOURCE, MARCH + 90_000),
        verdict(9, 9, Verdict.ABSENT_AT_SOURCE, MARCH + 90_000),
    )

    row = _of(shown)
    assert (row["status"], row["ledger"], row["missing"]) == ("explained", "agrees", "3")
    assert _compared(shown) == {"missing numbers": ("agrees", "3", "3")}


def test_a_gap_that_may_still_close_is_unexplained_and_both_know_it(trail_of: Trail) -> None:
    shown = trail_of(
        *records([*range(5), *range(8, 20)], MARCH), verdict(5, 7, Verdict.PENDING, MARCH + 7200)
    )

    row = _of(shown)
    assert (row["status"], row["ledger"]) == ("unexplained", "agrees")
    assert shown.value("unexplained") == "3"
    assert shown.panel("gaps")[0]["verdict"] == "pending"


def test_records_without_a_number_are_counted_outside(trail_of: Trail) -> None:
    torn = record(4, MARCH + 300)
    torn = torn._replace(text=torn.text.replace("Sequence No", "Sequel No"))

    row = _of(trail_of(*records(range(4), MARCH), torn))

    assert (row["records"], row["outside"], row["status"]) == ("4", "1", "complete")


def test_a_repeated_number_is_unexplained(trail_of: Trail) -> None:
    shown = trail_of(*records(range(10), MARCH), record(4, MARCH + 241, user="somebody_else"))

    assert _of(shown)["status"] == "unexplained"
    assert "number_repeated" in {row["verdict"] for row in shown.panel("gaps")}


_RESTARTED = (*records(range(10), MARCH), *records(range(10), MARCH + 7200))


def test_reboots_and_restarts_are_counted(trail_of: Trail) -> None:
    shown = trail_of(*_RESTARTED, *records(range(10, 20), MARCH + 9000, counter="0xe9"))

    row = _of(shown)
    assert (row["reboots"], row["restarts"]) == ("1", "1")
    assert len(shown.panel("ranges")) == 3
    assert _compared(shown) == {"restarts of the numbers": ("differs", "1", "0")}


def test_a_restart_that_the_collector_saw_too_agrees(trail_of: Trail) -> None:
    at = (MARCH + 7260) * 1_000_000
    shown = trail_of(*_RESTARTED, _SAYS.anomaly(at, HSM, Anomaly.SEQUENCE_RESTARTED, 10, "key"))

    assert _of(shown)["ledger"] == "agrees"
    assert _compared(shown) == {"restarts of the numbers": ("agrees", "1", "1")}


def test_a_number_used_twice_that_the_collector_saw_too_agrees(trail_of: Trail) -> None:
    at = (MARCH + 300) * 1_000_000
    shown = trail_of(
        *records(range(10), MARCH),
        record(4, MARCH + 241, user="somebody_else"),
        _SAYS.anomaly(at, HSM, Anomaly.SEQUENCE_CONFLICT, 1, "key"),
    )

    assert (_of(shown)["status"], _of(shown)["ledger"]) == ("unexplained", "agrees")
    assert _compared(shown) == {"numbers used twice": ("agrees", "1", "1")}


def test_a_stream_that_names_no_hsm_is_judged_and_its_name_goes_nowhere(trail_of: Trail) -> None:
    odd = [
        record(number, MARCH + number, hsm="odd", source='x" | delete "')
        for number in (0, 1, 2, 5, 6)
    ]
    shown = trail_of(*odd)

    row = _of(shown)
    assert row["hsm_id"] == 'source x" | delete "'
    assert (row["_hsm"], row["_cluster"]) == ("*", "*")
    (gap,) = shown.panel("gaps")
    assert len(shown.records("gaps", **_clicked(gap))) == 5


def test_the_status_is_that_of_the_completeness_report(shipped: App) -> None:
    trails = (
        records(range(20), MARCH + 3600),
        records([0, 1, 2, 5, 6], MARCH + 3600),
        [*records([0, 1, 3], MARCH), verdict(2, 2, Verdict.EXPIRED, MARCH + 7200)],
        [*records([0, 1, 3], MARCH), verdict(2, 2, Verdict.PENDING, MARCH + 7200)],
        records([7, 8], MARCH),
        [*records(range(3), MARCH), record(1, MARCH + 61, user="other")],
    )
    march = {"global_time.earliest": str(MARCH - 86_400), "global_time.latest": "now"}
    seen = set()
    for events in trails:
        session = searching(shipped, events, now=APRIL + 3 * 86_400)
        report = session.saved("AWS CloudHSM - Completeness report", MARCH - 86_400)
        row = _of(Shown("integrity", session, **march))
        (signed,) = report.rows
        assert (row["status"], row["records"]) == (signed["status"], signed["records"])
        seen.add(row["status"])
    assert seen == {"complete", "unexplained", "explained", "open_head"}


def test_an_hsm_is_found_under_its_cluster(trail_of: Trail) -> None:
    row = _of(trail_of(*records(range(10), MARCH)))

    assert (row["_cluster"], row["hsm_id"]) == (CLUSTER, HSM)


def test_over_nothing_numbers_are_0_and_tables_show_what_to_do(empty_view: View) -> None:
    shown = empty_view("integrity")

    numbers = ("records", "unexplained", "explained", "differing")
    assert [shown.value(name) for name in numbers] == ["0"] * 4
    for table in ("hsms", "comparison", "gaps", "ranges", "said"):
        assert shown.advice(table)
