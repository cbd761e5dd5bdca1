"""The continuity search: which numbers the index lacks, and the collector's verdicts on them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.splunk.event_writer import Event
from cloudhsm.trail.gap_ledger import Ledger, Verdict
from cloudhsm.trail.gap_review import GapReview, Horizon
from cloudhsm.trail.record_identity import identify
from emulator.app import App
from emulator.conf.conf_file import read_conf
from emulator.spl.context import ResultRow
from tests.default.trails import (
    APRIL,
    CLUSTER,
    DAY,
    GROUP,
    HOUR,
    HSM,
    MARCH,
    MAY,
    OTHER_HSM,
    record,
    records,
    searching,
    verdict,
)

ROOT = Path(__file__).resolve().parents[2]
# They fill the tables that detections look up.
TABLES = ("AWS CloudHSM - Sessions, users and keys seen", "AWS CloudHSM - Usual operations")
CONTINUITY = "AWS CloudHSM - Continuity from the index"
SEARCHES = {
    name: stanza
    for name, stanza in read_conf(ROOT / "default" / "savedsearches.conf").stanzas.items()
    if "counttype" not in stanza.settings  # alerts: tests/detections
}
LOST = "lost_after_hand_over"
OPEN = "not_searched"


def findings(app: App, events: Iterable[Event], *, since: float = 0) -> list[tuple[str, ...]]:
    """What is found: verdict, first and last number, how many are missing."""
    results = searching(app, events, now=MAY).saved(CONTINUITY, earliest=since)
    columns = ("verdict", "first_number", "last_number", "missing")
    return [tuple(str(row[name]) for name in columns if name in row) for row in results.rows]


# --- settings


def test_every_report_has_the_prefix_a_description_and_no_schedule_switched_on() -> None:
    assert set(SEARCHES) == {CONTINUITY, "AWS CloudHSM - Completeness report", *TABLES}
    for stanza in SEARCHES.values():
        assert stanza.settings["enableSched"].value == "0"
        assert len(stanza.settings["cron_schedule"].value.split()) == 5
        assert stanza.settings["description"].value
        assert "disabled" not in stanza.settings  # it must run when a person asks for it


def test_the_report_sends_csv_once_a_recipient_is_set() -> None:
    report = SEARCHES["AWS CloudHSM - Completeness report"].settings
    assert report["action.email.sendcsv"].value == "1"
    assert "action.email" not in report
    assert not [key for key in report if key.startswith("action.email.to")]


def test_the_searched_time_of_the_report_begins_after_the_first_of_a_month() -> None:
    """So that this month, which only shows what came before, is not reported in any time zone."""
    report = SEARCHES["AWS CloudHSM - Completeness report"].settings
    assert report["dispatch.earliest_time"].value == "-3mon@mon+1d"


# --- complete trails


def test_a_complete_trail_has_no_findings(app: App) -> None:
    assert findings(app, records(range(20), MARCH)) == []


def test_a_record_delivered_twice_counts_once(app: App) -> None:
    trail = records(range(20), MARCH)
    assert findings(app, [*trail, *trail[3:7]]) == []


def test_records_of_one_time_are_taken_in_the_order_of_their_numbers(app: App) -> None:
    assert findings(app, records([3, 1, 0, 2], MARCH, every=0)) == []


def test_each_hsm_has_its_own_numbers(app: App) -> None:
    """An HSM that fails is replaced by one with another id: a new sequence."""
    trail = [*records(range(9), MARCH), *records(range(5), MARCH + HOUR, hsm=OTHER_HSM)]
    assert findings(app, trail) == []


def test_records_that_another_collector_sent_without_account_fill_in(app: App) -> None:
    stripped = record(2, MARCH + 120, source=f"{GROUP.name}:{HSM}")
    trail = [*records([0, 1], MARCH), stripped, *records([3, 4], MARCH + 180)]
    assert findings(app, trail) == []


def test_hostile_user_names_change_nothing(app: App) -> None:
    forged = 'x\nSequence No : 0x99\nReboot counter : 0x1\n"| outputlookup x'
    trail = [*records([0, 1], MARCH), record(2, MARCH + 120, user=forged)]
    assert findings(app, [*trail, *records([3], MARCH + 180)]) == []


# --- gaps and verdicts


def test_a_gap_that_no_verdict_covers_was_lost_after_indexing(app: App) -> None:
    trail = [*records(range(5), MARCH), *records(range(8, 10), MARCH + HOUR)]
    (row,) = searching(app, trail, now=MAY).saved(CONTINUITY).rows
    assert row == {
        "aws_account_id": "111122223333",
        "aws_region": "us-east-1",
        "log_group": GROUP.name,
        "cluster_id": CLUSTER,
        "hsm_id": HSM,
        "reboot_counter": "0xe8",
        "epoch": "0",
        "verdict": LOST,
        "first_number": "0x5",
        "last_number": "0x7",
        "missing": "3",
        "time_before": "2026-03-01T00:04:00Z",
        "time_after": "2026-03-01T01:00:00Z",
    }


@pytest.mark.parametrize(
    ("last", "finding"),
    [
        (Verdict.PENDING, "pending"),
        (Verdict.ABSENT_AT_SOURCE, "absent_at_source"),
        (Verdict.EXPIRED, "expired"),
        (Verdict.BEFORE_START, "before_start"),
        (Verdict.RECOVERED, LOST),
        (Verdict.RECOVERED_LATE, LOST),
    ],
)
def test_a_gap_has_the_last_verdict_and_a_recovered_one_was_lost(
    app: App, last: Verdict, finding: str
) -> None:
    trail = [*records(range(5), MARCH), *records(range(8, 10), MARCH + HOUR)]
    opened = verdict(5, 7, Verdict.PENDING, MARCH + 2 * HOUR)
    closed = verdict(5, 7, last, MARCH + 2 * DAY)
    assert findings(app, [*trail, opened, closed]) == [(finding, "0x5", "0x7", "3")]


def test_every_verdict_of_the_collector_is_known_to_the_search() -> None:
    text = read_conf(ROOT / "default" / "macros.conf").stanzas["cloudhsm_continuity_verdicts"]
    for known in Verdict:
        assert f'"{known.value}"' in text.settings["definition"].value


def test_records_that_came_late_after_all_are_lost_if_the_index_lacks_them(app: App) -> None:
    verdicts = [Verdict.PENDING, Verdict.ABSENT_AT_SOURCE, Verdict.RECOVERED_LATE]
    trail = [*records([0, 1], MARCH), *records([3], MARCH + HOUR)]
    words = [verdict(2, 2, v, MARCH + day * DAY) for day, v in enumerate(verdicts)]
    assert findings(app, [*trail, *words]) == [(LOST, "0x2", "0x2", "1")]


def test_a_gap_is_cut_where_the_verdict_changes(app: App) -> None:
    trail = [*records(range(5), MARCH), *records([20], MARCH + HOUR)]
    events = [
        verdict(5, 19, Verdict.PENDING, MARCH + HOUR),
        verdict(8, 9, Verdict.RECOVERED, MARCH + 2 * HOUR),
        verdict(5, 7, Verdict.ABSENT_AT_SOURCE, MARCH + 2 * DAY),
        verdict(10, 14, Verdict.ABSENT_AT_SOURCE, MARCH + 2 * DAY),
    ]
    assert findings(app, [*trail, *events]) == [
        (LOST, "0x8", "0x9", "2"),
        ("pending", "0xf", "0x13", "5"),
        ("absent_at_source", "0x5", "0x7", "3"),
        ("absent_at_source", "0xa", "0xe", "5"),
    ]


def test_neighbouring_pieces_with_one_verdict_are_one(app: App) -> None:
    trail = [*records(range(5), MARCH), *records([9], MARCH + HOUR)]
    events = [
        verdict(5, 8, Verdict.PENDING, MARCH + HOUR),
        verdict(5, 6, Verdict.EXPIRED, MARCH + 2 * DAY),
        verdict(7, 8, Verdict.EXPIRED, MARCH + 2 * DAY),
        verdict(7, 8, Verdict.EXPIRED, MARCH + 2 * DAY),
    ]
    assert findings(app, [*trail, *events]) == [("expired", "0x5", "0x8", "4")]


def test_one_verdict_may_cover_several_gaps_and_numbers_that_came(app: App) -> None:
    trail = records([0, 1, 4, 5, 9], MARCH)
    event = verdict(2, 8, Verdict.ABSENT_AT_SOURCE, MARCH + 2 * DAY)
    assert findings(app, [*trail, event]) == [
        ("absent_at_source", "0x2", "0x3", "2"),
        ("absent_at_source", "0x6", "0x8", "3"),
    ]


def test_a_verdict_on_another_hsm_or_counter_explains_nothing(app: App) -> None:
    trail = records([0, 1, 3], MARCH)
    others = [
        verdict(2, 2, Verdict.ABSENT_AT_SOURCE, MARCH + 2 * DAY, hsm=OTHER_HSM),
        verdict(2, 2, Verdict.ABSENT_AT_SOURCE, MARCH + 2 * DAY, counter="0xe9"),
    ]
    assert findings(app, [*trail, *others]) == [(LOST, "0x2", "0x2", "1")]


def test_a_counter_printed_in_capitals_is_the_same_counter(app: App) -> None:
    trail = [record(number, MARCH + number, counter="0xE8") for number in (0, 1, 3)]
    event = verdict(2, 2, Verdict.EXPIRED, MARCH + 2 * DAY)
    assert findings(app, [*trail, event]) == [("expired", "0x2", "0x2", "1")]


def test_the_last_two_hours_are_not_judged_yet(app: App) -> None:
    recent = MAY - 2 * HOUR
    trail = [*records([0, 1], MARCH), record(5, recent + 1)]
    assert findings(app, trail) == []
    assert findings(app, [*trail, record(3, recent)]) == [(LOST, "0x2", "0x2", "1")]


# --- heads, counters, epochs


def test_the_head_of_a_trail_may_lie_before_the_searched_time(app: App) -> None:
    trail = [*records(range(10), MARCH), *records(range(10, 20), APRIL)]
    assert findings(app, trail) == []
    assert findings(app, trail, since=APRIL) == [(OPEN, "0x0", "0x9", "10")]


def test_the_head_of_a_trail_has_the_verdict_that_it_got(app: App) -> None:
    event = verdict(0, 6, Verdict.BEFORE_START, MARCH + DAY)
    assert findings(app, [*records([7, 8], MARCH), event]) == [("before_start", "0x0", "0x6", "7")]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0, 1], []),
        ([10, 11], []),
        ([12, 13], [(LOST, "0xa", "0xb", "2")]),
        ([2, 3], [(LOST, "0x0", "0x1", "2")]),
    ],
)
def test_a_new_reboot_counter_starts_at_zero_or_carries_on(
    app: App, numbers: list[int], expected: list[tuple[str, ...]]
) -> None:
    trail = [*records(range(10), MARCH), *records(numbers, MARCH + DAY, counter="0xe9")]
    assert findings(app, trail) == expected


def test_numbers_that_restart_under_one_counter_begin_an_epoch(app: App) -> None:
    trail = [*records(range(10), MARCH), *records([0, 1, 3], MARCH + DAY)]
    rows = searching(app, trail, now=MAY).saved(CONTINUITY).rows
    assert [(row["epoch"], row["first_number"], row["verdict"]) for row in rows] == [
        ("1", "0x2", LOST)
    ]


def test_a_verdict_counts_in_every_epoch(app: App) -> None:
    trail = [*records([0, 2, 3], MARCH), *records([0, 1, 3], MARCH + DAY)]
    event = verdict(2, 2, Verdict.ABSENT_AT_SOURCE, MARCH + 3 * DAY)
    assert findings(app, [*trail, event]) == [
        (LOST, "0x1", "0x1", "1"),
        ("absent_at_source", "0x2", "0x2", "1"),
    ]


def test_an_epoch_that_does_not_begin_at_zero_lacks_its_head(app: App) -> None:
    trail = [*records(range(10), MARCH), *records([2, 3], MARCH + DAY)]
    assert findings(app, trail) == [(LOST, "0x0", "0x1", "2")]


def test_an_hsm_clock_that_steps_back_a_little_restarts_nothing(app: App) -> None:
    trail = [*records(range(10), MARCH), *records(range(10, 20), MARCH + 9 * 60 - 290)]
    assert findings(app, trail) == []


@pytest.mark.parametrize("late", [1, 300])
def test_a_number_used_twice_at_about_the_same_time_is_shown(app: App, late: int) -> None:
    trail = records(range(10), MARCH, every=0.001)
    again = record(4, MARCH + 0.009 + late, user="somebody_else")
    rows = searching(app, [*trail, again], now=MAY).saved(CONTINUITY).rows
    assert [(row["verdict"], row["first_number"], row["records"]) for row in rows] == [
        ("number_repeated", "0x0", "11")
    ]


# --- numbers that cannot be what they seem


def test_gaps_are_exact_up_to_two_to_the_53rd_and_what_lies_above_is_shown(app: App) -> None:
    top = 2**53 - 1
    trail = records([top - 5, top - 4, top, top + 1, top + 2, 2**64 - 1], MARCH)
    event = verdict(0, top - 6, Verdict.BEFORE_START, MARCH + DAY)
    rows = searching(app, [*trail, event], now=MAY).saved(CONTINUITY).rows
    columns = ("verdict", "first_number", "last_number", "missing", "records")
    assert [tuple(row.get(name) for name in columns) for row in rows] == [
        (LOST, hex(top - 3), hex(top - 1), "3", None),
        ("not_computable", None, None, None, "3"),
        ("before_start", "0x0", hex(top - 6), str(top - 5), None),
    ]


def test_a_verdict_above_two_to_the_53rd_changes_nothing_below(app: App) -> None:
    trail = records([0, 1, 3], MARCH)
    event = verdict(2**53 + 1, 2**64 - 2, Verdict.ABSENT_AT_SOURCE, MARCH + DAY)
    assert findings(app, [*trail, event]) == [(LOST, "0x2", "0x2", "1")]


def test_a_collector_event_without_numbers_changes_nothing(app: App) -> None:
    torn = '{"time":1772323200.000000,"event":"gap_closed","verdict":"expired"}'
    event = Event(MARCH * 1_000_000, torn, HSM, GROUP.source(HSM), "aws:cloudhsm:collector")
    assert findings(app, [*records([0, 1, 3], MARCH), event]) == [(LOST, "0x2", "0x2", "1")]


def test_a_lone_number_far_ahead_is_implausible_and_no_restart_follows(app: App) -> None:
    trail = [*records([0, 1], MARCH), record(5_000_000, MARCH + HOUR)]
    trail += records([2, 3], MARCH + 2 * HOUR)
    assert findings(app, trail) == [("implausible_sequence", "0x4", "0x4c4b3f", "4999996")]


def test_numbers_far_ahead_that_the_collector_believed_have_its_verdict(app: App) -> None:
    trail = [*records([0, 1], MARCH), *records([2_000_000, 2_000_001], MARCH + HOUR)]
    event = verdict(2, 1_999_999, Verdict.EXPIRED, MARCH + 2 * DAY)
    assert findings(app, [*trail, event]) == [("expired", "0x2", "0x1e847f", "1999998")]


@pytest.mark.parametrize("number", [77, 5_000_000, 2**40])
def test_a_command_type_that_is_not_known_to_be_numbered_makes_no_gap(
    app: App, number: int
) -> None:
    clock = record(number, MARCH + 90, command_type="TIME_INFO_CMD (0xeee2)")
    assert findings(app, [*records(range(5), MARCH), clock]) == []


def test_such_a_record_fills_a_gap(app: App) -> None:
    clock = record(2, MARCH + 90, command_type="TIME_INFO_CMD (0xeee2)")
    assert findings(app, [*records([0, 1, 3], MARCH), clock]) == []
    assert findings(app, [*records([0, 1, 4], MARCH), clock]) == [(LOST, "0x3", "0x3", "1")]


def test_such_a_record_that_falls_back_fills_nothing(app: App) -> None:
    """As in the ledger: what lies far below at a later time is odd."""
    clock = record(1, MARCH + DAY, command_type="TIME_INFO_CMD (0xeee2)")
    assert findings(app, [*records([0, 2], MARCH), clock]) == [(LOST, "0x1", "0x1", "1")]


def test_such_a_record_below_the_first_number_of_a_counter_changes_nothing(app: App) -> None:
    clock = record(1, MARCH + HOUR, command_type="TIME_INFO_CMD (0xeee2)", counter="0xe9")
    carried_on = records([4, 5], MARCH + HOUR + 1, counter="0xe9")
    assert findings(app, [*records(range(4), MARCH), clock, *carried_on]) == []


@pytest.mark.parametrize("printed", ["zz", "0x"])
def test_a_record_whose_number_cannot_be_read_leaves_a_gap(app: App, printed: str) -> None:
    trail = [*records([0, 1], MARCH), record(printed, MARCH + 90), *records([3], MARCH + 180)]
    assert findings(app, trail) == [(LOST, "0x2", "0x2", "1")]


def test_a_stream_of_another_name_is_identified_by_its_source(app: App) -> None:
    odd = GROUP.source('odd "name" | delete index=*')
    trail = [
        record(n, MARCH + n, hsm="localhost", source=source)
        for source, numbers in ((odd, (0, 1, 3)), (odd + "2", (0, 1, 2)))
        for n in numbers
    ]
    (row,) = searching(app, trail, now=MAY).saved(CONTINUITY).rows
    cells = (row["hsm_id"], row["first_number"], row["cluster_id"])
    assert cells == (f"source {odd}", "0x2", CLUSTER)


def test_no_source_becomes_a_formula_of_a_spreadsheet(app: App) -> None:
    formula = "=cmd|' /C calc'!A0"
    trail = [record(n, MARCH + n, hsm="localhost", source=formula) for n in (0, 1, 3)]
    (row,) = searching(app, trail, now=MAY).saved(CONTINUITY).rows
    assert row["hsm_id"] == f"source {formula}"


# --- against a plain count

_STEPS = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 1, 2, 5]),  # how far the number goes ahead
        st.sampled_from(["", "", "", "", "twice", "restart", "reboot"]),
        st.booleans(),  # whether the index has it
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60)
@given(_STEPS)
def test_the_search_finds_exactly_the_numbers_that_are_missing(
    app: App, steps: list[tuple[int, str, bool]]
) -> None:
    """Counted one by one: what is not there below the last number of each epoch."""
    trail: list[Event] = []
    received: dict[tuple[int, int], set[int]] = {}
    number, counter, epoch, at = -1, 0xE8, 0, float(MARCH)
    for ahead, what, indexed in [(1, "", True), *steps]:
        if what in {"restart", "reboot"}:
            number, ahead, indexed = -1, 1, True  # heads have tests of their own
            counter, epoch = (counter + 1, 0) if what == "reboot" else (counter, epoch + 1)
        number, at = number + ahead, at + 600
        if indexed:
            trail += [record(number, at, counter=hex(counter))] * (2 if what == "twice" else 1)
            received.setdefault((counter, epoch), set()).add(number)
    rows = searching(app, trail, now=MAY).saved(CONTINUITY).rows
    lacked = {
        (hex(counter), str(epoch), missing)
        for (counter, epoch), numbers in received.items()
        for missing in set(range(max(numbers))) - numbers
    }
    assert lacked == {
        (row["reboot_counter"], row["epoch"], missing)
        for row in rows
        for missing in range(
            int(str(row["first_number"]), 16), int(str(row["last_number"]), 16) + 1
        )
    }
    assert {row["verdict"] for row in rows} <= {LOST}


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 1, 2, 5]),  # how far the number goes ahead: more than 1 is a gap
        st.sampled_from(["", "", "", "", "clock", "restart", "reboot", "carry on", "skip"]),
        st.sampled_from([0.1, 60, 600]),  # seconds later
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60)
@given(_EVENTS)
def test_over_a_complete_index_the_search_agrees_with_the_collectors_ledger(
    app: App, steps: list[tuple[int, str, float]]
) -> None:
    """Nothing was lost after indexing, so each missing number has the collector's verdict."""
    ledger, trail = Ledger(), []
    number, counter, at = -1, 0xE8, float(MARCH)
    for position, (ahead, what, later) in enumerate([(1, "", 0.0), *steps]):
        if what == "restart":
            number, at = -1, at + 400
        if what in {"reboot", "carry on", "skip"}:
            counter, number = counter + 1, {"reboot": -1, "skip": number + 3}.get(what, number)
        number, at = number + (1 if what == "clock" else ahead), at + later
        kind = "TIME_INFO_CMD (0xeee2)" if what == "clock" else "CN_MGMT_CMD (0x0)"
        event = record(number, at, counter=hex(counter), command_type=kind)
        trail.append(event)
        ledger.enter(HSM, identify(event.text), MARCH * 1000 + position)
    ledger.cover(0, MAY * 1000)
    changes = GapReview(ledger, Horizon(MAY * 1000, 0, 0)).judge()
    events = [
        verdict(c.first, c.last, c.verdict, MARCH + 20 * DAY, counter=c.reboot_counter)
        for c in changes
    ]
    rows = searching(app, [*trail, *events], now=MAY).saved(CONTINUITY).rows
    assert {row["verdict"] for row in rows} <= {"pending", "number_repeated"}
    if "number_repeated" not in {row["verdict"] for row in rows}:
        assert _numbers_of(rows) == {
            (c.reboot_counter, missing) for c in changes for missing in range(c.first, c.last + 1)
        }


def _numbers_of(rows: list[ResultRow]) -> set[tuple[str, int]]:
    return {
        (str(row["reboot_counter"]), missing)
        for row in rows
        for missing in range(
            int(str(row["first_number"]), 16), int(str(row["last_number"]), 16) + 1
        )
    }
