"""The completeness report: per HSM and month what is there, what is not, and who signed it."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest

from cloudhsm.collect.collector_events import Reporter
from cloudhsm.splunk.event_writer import Event
from cloudhsm.trail.gap_ledger import GapChange, Verdict
from cloudhsm.trail.log_group import GroupId
from emulator.app import App
from emulator.session import Session
from emulator.spl.context import ResultRow, Results
from samples.simulator import simulate
from tests.default.trails import (
    APRIL,
    DAY,
    GROUP,
    HOUR,
    HSM,
    MARCH,
    MAY,
    OTHER_HSM,
    handed_over,
    record,
    records,
    searching,
    verdict,
)

REPORT = "AWS CloudHSM - Completeness report"
GOLDEN = Path(__file__).resolve().parent / "golden" / "completeness.csv"
COLUMNS = (
    *("month", "aws_account_id", "aws_region", "log_group", "cluster_id", "hsm_id"),
    *("status", "records", "ranges", "gaps", "missing", "repeated", "unnumbered", "above_2_53"),
    *("denied", "digest", "sign_off", "signed_by", "signed_at", "remark"),
)
NOW = MAY + 3 * DAY


def reported(
    app: App, events: Sequence[Event], *, since: float = 0, now: float = NOW
) -> list[ResultRow]:
    return searching(app, events, now=now).saved(REPORT, earliest=since).rows


def shown(rows: list[ResultRow], *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row.get(name) for name in columns) for row in rows]


# --- rows


def test_a_row_per_hsm_and_month_with_all_columns(app: App) -> None:
    trail = [*records(range(5), MARCH), *records(range(3), APRIL - 90, hsm=OTHER_HSM)]
    results = searching(app, trail, now=NOW).saved(REPORT)
    assert results.columns == COLUMNS
    columns = ("month", "hsm_id", "status", "records", "ranges", "gaps", "missing")
    assert shown(results.rows, *columns) == [
        ("2026-03", OTHER_HSM, "complete", "2", "0xe8:0x0-0x1", "", "0"),
        ("2026-03", HSM, "complete", "5", "0xe8:0x0-0x4", "", "0"),
        ("2026-04", OTHER_HSM, "complete", "1", "0xe8:0x2-0x2", "", "0"),
    ]
    assert {(row["aws_account_id"], row["aws_region"]) for row in results.rows} == {
        ("111122223333", "us-east-1")
    }


def test_a_gap_belongs_to_the_month_of_the_record_after_it(app: App) -> None:
    trail = [*records(range(5), APRIL - HOUR), *records([7], APRIL)]
    assert shown(reported(app, trail), "month", "status", "ranges", "gaps") == [
        ("2026-03", "complete", "0xe8:0x0-0x4", ""),
        ("2026-04", "unexplained", "0xe8:0x7-0x7", "0xe8:0x5-0x6 lost_after_hand_over"),
    ]


def test_a_clock_that_steps_back_over_midnight_gives_each_month_its_own_ranges(app: App) -> None:
    trail = [*records([0, 1], APRIL - 90), record(2, APRIL + 1), record(3, APRIL - 1)]
    assert shown(reported(app, trail), "month", "status", "ranges") == [
        ("2026-03", "complete", "0xe8:0x0-0x1 0xe8:0x3-0x3"),
        ("2026-04", "complete", "0xe8:0x2-0x2"),
    ]


def test_a_month_is_reported_if_it_lies_wholly_in_the_searched_time(app: App) -> None:
    trail = [*records(range(3), MARCH), *records([3], APRIL), *records([4], MAY)]
    assert shown(reported(app, trail), "month") == [("2026-03",), ("2026-04",)]
    assert shown(reported(app, trail, since=MARCH), "month") == [("2026-04",)]
    assert shown(reported(app, trail, since=MARCH - 1), "month") == [("2026-03",), ("2026-04",)]
    assert shown(reported(app, trail, now=MAY - 1), "month") == [("2026-03",)]


def test_ranges_and_gaps_are_in_the_order_of_time_with_their_reboot_counters(app: App) -> None:
    trail = [
        *records([0, 1, 3], MARCH, counter="0xff"),
        *records([0, 1], MARCH + DAY, counter="0x100"),
        *records([0, 2], MARCH + 2 * DAY, counter="0x100"),
    ]
    assert shown(reported(app, trail), "ranges", "gaps", "missing") == [
        (
            "0xff:0x0-0x1 0xff:0x3-0x3 0x100:0x0-0x1 0x100:0x0-0x0 0x100:0x2-0x2",
            "0xff:0x2-0x2 lost_after_hand_over, 0x100:0x1-0x1 lost_after_hand_over",
            "2",
        )
    ]


def test_more_than_a_hundred_ranges_are_all_there(app: App) -> None:
    (row,) = reported(app, records(range(0, 500, 2), MARCH))
    assert len(str(row["ranges"]).split()) == 250
    assert (len(str(row["gaps"]).split(", ")), row["missing"]) == (249, "249")


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], "unexplained"),
        ([Verdict.PENDING], "unexplained"),
        ([Verdict.PENDING, Verdict.RECOVERED], "unexplained"),
        ([Verdict.PENDING, Verdict.ABSENT_AT_SOURCE], "explained"),
        ([Verdict.PENDING, Verdict.EXPIRED], "explained"),
    ],
)
def test_a_final_verdict_explains_a_gap(app: App, verdicts: list[Verdict], status: str) -> None:
    words = [verdict(3, 3, v, MARCH + day * DAY) for day, v in enumerate(verdicts, 1)]
    trail = [*records([0, 1, 2, 4], MARCH), *words]
    assert shown(reported(app, trail), "status", "missing") == [(status, "1")]


def test_one_gap_without_verdict_leaves_the_month_unexplained(app: App) -> None:
    late = verdict(1, 1, Verdict.EXPIRED, MARCH + DAY)
    assert shown(reported(app, [*records([0, 2, 4], MARCH), late]), "status") == [("unexplained",)]


def test_a_head_that_was_not_searched_is_neither_complete_nor_unexplained(app: App) -> None:
    trail = [*records(range(5), MARCH - 40 * DAY), *records(range(5, 9), MARCH)]
    complete, whole = reported(app, trail)[-1], reported(app, trail, since=MARCH - DAY)
    assert complete["status"] == "complete"
    assert shown(whole, "status", "gaps") == [("open_head", "0xe8:0x0-0x4 not_searched")]


def test_what_is_older_than_start_time_is_explained(app: App) -> None:
    before = verdict(0, 4, Verdict.BEFORE_START, MARCH + DAY)
    assert shown(reported(app, [*records([5, 6], MARCH), before]), "status") == [("explained",)]


def test_numbers_that_cannot_be_judged_are_counted_and_leave_the_month_unexplained(
    app: App,
) -> None:
    whole = records(range(3), MARCH)
    above = record(2**53, MARCH + HOUR)
    twice = record(1, MARCH + 70, user="somebody_else")
    torn = record("none", MARCH + HOUR)
    columns = ("status", "records", "repeated", "unnumbered", "above_2_53")
    assert shown(reported(app, [*whole, above]), *columns) == [("unexplained", "4", "0", "0", "1")]
    assert shown(reported(app, [*whole, twice]), *columns) == [("unexplained", "4", "1", "0", "0")]
    assert shown(reported(app, [*whole, torn]), *columns) == [("complete", "4", "0", "1", "0")]


def test_every_cell_is_one_line_of_text(app: App) -> None:
    """So that a CSV file has as many lines as the report has rows, and one."""
    foreign = f"{GROUP.name}:{HSM}"
    odd = [record(3, MARCH + HOUR, source=foreign), record(5, MARCH + 2 * HOUR)]
    odd += [record(6, MARCH + 3 * HOUR, source=GROUP.source(HSM).replace("us-east", "eu-west"))]
    rows = reported(app, [*records(range(3), MARCH), *odd])
    assert [row["aws_region"] for row in rows] == ["eu-west-1", "us-east-1", "unknown"]
    cells = [value for row in rows for value in row.values()]
    assert all(isinstance(value, str) and "\n" not in value for value in cells)


# --- the digest


def test_the_digest_is_the_same_until_the_content_changes(app: App) -> None:
    trail = [*records([0, 1, 3], MARCH), *records(range(9), MARCH, hsm=OTHER_HSM)]
    before = {row["hsm_id"]: row["digest"] for row in reported(app, trail)}
    later = [*trail, *trail, *records([9], MAY, hsm=OTHER_HSM)]
    assert {row["hsm_id"]: row["digest"] for row in reported(app, later, since=MARCH - 9)} == before
    changed = [*later, verdict(2, 2, Verdict.EXPIRED, MARCH + DAY)]
    after = {row["hsm_id"]: row["digest"] for row in reported(app, changed)}
    assert after[OTHER_HSM] == before[OTHER_HSM]
    assert after[HSM] != before[HSM]


def test_the_digest_can_be_computed_from_the_row(app: App) -> None:
    """As docs/completeness.md explains to an auditor."""
    expired = verdict(2, 2, Verdict.EXPIRED, MARCH + DAY)
    (row,) = reported(app, [*records([0, 1, 3], MARCH), expired])
    covered = [name for name in COLUMNS[: COLUMNS.index("sign_off")] if name != "digest"]
    text = "|".join(str(row[name]) for name in covered)
    assert row["digest"] == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_does_not_depend_on_where_the_search_begins_within_earlier_epochs(
    app: App,
) -> None:
    trail = [
        *records(range(9), MARCH - 60 * DAY),
        *records(range(5), MARCH - 40 * DAY),
        *records(range(5, 8), MARCH - 2 * DAY),
        *records(range(8, 11), MARCH),
    ]
    assert shown(reported(app, trail), "digest")[-1:] == shown(
        reported(app, trail, since=MARCH - 3 * DAY), "digest"
    )


# --- signing off


def sign(session: Session, month: str, remark: str, since: float = 0) -> Results:
    text = f'| savedsearch "{REPORT}" | `cloudhsm_sign_off("{month}", "{remark}")`'
    return session.search(text, earliest=since)


def test_a_signed_month_shows_who_signed_it_when_and_why(app: App) -> None:
    trail = [*records(range(5), MARCH), *records(range(5, 9), APRIL)]
    session = searching(app, trail, now=NOW, user="alice@example.com")
    columns = ("month", "sign_off", "signed_by", "signed_at", "remark")
    nobody = (None, None, None)
    assert shown(session.saved(REPORT).rows, *columns) == [
        ("2026-03", "unsigned", *nobody),
        ("2026-04", "unsigned", *nobody),
    ]
    signed = sign(session, "2026-03", "checked, ticket 4711")
    assert shown(signed.rows, "month", "hsm_id", "signed_by") == [
        ("2026-03", HSM, "alice@example.com")
    ]
    by_alice = ("alice@example.com", "2026-05-04T00:00:00Z", "checked, ticket 4711")
    assert shown(session.saved(REPORT).rows, *columns) == [
        ("2026-03", "signed", *by_alice),
        ("2026-04", "unsigned", *nobody),
    ]


def test_a_row_that_changed_since_it_was_signed_shows_it_until_signed_again(app: App) -> None:
    session = searching(app, records(range(5), MARCH), now=NOW, user="alice")
    sign(session, "2026-03", "")
    session.index(handed_over(app, [record(7, MARCH + DAY)]))
    assert shown(session.saved(REPORT).rows, "status", "sign_off", "signed_by") == [
        ("unexplained", "changed_since", "alice")
    ]
    session.now, session.user = NOW + DAY, "bob"
    sign(session, "2026-03", "known: disk failure")
    assert shown(session.saved(REPORT).rows, "sign_off", "signed_by", "remark") == [
        ("signed", "bob", "known: disk failure")
    ]
    assert [row["signed_by"] for row in session.stores["cloudhsm_sign_offs"]] == ["alice", "bob"]


def test_the_last_to_sign_counts_whatever_the_order_of_the_collection(app: App) -> None:
    session = searching(app, records(range(5), MARCH), now=NOW, user="alice")
    sign(session, "2026-03", "first")
    session.now, session.user = NOW + 1, "bob"
    sign(session, "2026-03", "second")
    session.stores["cloudhsm_sign_offs"].reverse()
    assert shown(session.saved(REPORT).rows, "signed_by", "remark") == [("bob", "second")]


def test_every_hsm_of_the_month_is_signed_and_a_new_one_is_not(app: App) -> None:
    session = searching(app, records(range(5), MARCH), now=NOW)
    sign(session, "2026-03", "")
    session.index(handed_over(app, records(range(5), MARCH, hsm=OTHER_HSM)))
    assert shown(session.saved(REPORT).rows, "hsm_id", "sign_off") == [
        (OTHER_HSM, "unsigned"),
        (HSM, "signed"),
    ]


def test_a_month_that_is_not_in_the_report_signs_nothing(app: App) -> None:
    session = searching(app, records(range(5), MARCH), now=NOW)
    for month in ("2026-05", "2026-3", "*", ""):
        assert sign(session, month, "").rows == []
    assert session.stores["cloudhsm_sign_offs"] == []


def test_a_users_name_cannot_break_out_of_the_search(app: App) -> None:
    hostile = 'x" . "y\\" | outputlookup z'
    session = searching(app, records(range(5), MARCH), now=NOW, user=hostile)
    (row,) = sign(session, "2026-03", "").rows
    assert row["signed_by"] == "x_ . _y__ _ outputlookup z"


# --- the sample trail, to the last byte


def test_the_report_of_the_sample_trail_as_csv(app: App) -> None:
    """Its gap was judged, three records were lost after indexing, a page was duplicated."""
    end = datetime(2026, 3, 2, 8, 30, tzinfo=timezone.utc)
    trail = simulate(7, end, 7.0)
    audit = [
        Event(
            int(event.message.split("usecs:", 1)[1].split("\n", 1)[0]),
            event.message,
            event.log_stream,
            f"111122223333:us-east-1:{event.log_group}:{event.log_stream}",
            "aws:cloudhsm:audit",
        )
        for event in trail.events
        if event.message.startswith("Time:")
    ]
    (gap,) = trail.facts.gaps
    change = GapChange(
        gap.log_stream,
        hex(gap.reboot_counter),
        gap.first_missing,
        gap.last_missing,
        Verdict.ABSENT_AT_SOURCE,
    )
    group = GroupId("aws", "111122223333", "us-east-1", gap.log_group)
    report = Reporter("aws_cloudhsm://main", group).gap((MARCH + DAY) * 1_000_000, change)
    indexed = [*audit[:1200], *audit[1203:], *audit[400:500], report]
    session = searching(app, indexed, now=APRIL + 2 * DAY, user="alice")
    sign(session, "2026-02", "reviewed")
    text = as_csv(session.saved(REPORT))
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def as_csv(results: Results) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, results.columns or (), lineterminator="\n")
    writer.writeheader()
    writer.writerows(results.rows)
    return text.getvalue()
