from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from tools.demo import report
from tools.demo.report import Fields

RECORD: Fields = {
    "_time": "1513717277.140812",
    "hsm_id": "hsm-nwbbiqbj4jk",
    "opcode": "CN_LOGIN",
    "category": "User Login",
    "description": "A user logs in.",
    "user_name": "admin",
    "outcome": "success",
    "risk": "low",
    "record_status": "complete",
}


def drawn(table: Table, width: int = 170) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_record_is_one_line_with_its_meaning() -> None:
    text = drawn(report.record_table("t", [RECORD]))
    line = next(line for line in text.splitlines() if "CN_LOGIN" in line)
    for part in ("12-19 21:01:17.140", "hsm-nwbbiqbj4jk", "User Login", "A user logs in.", "admin"):
        assert part in line


def test_a_narrow_terminal_still_shows_when_where_what_and_how_it_ended() -> None:
    text = drawn(report.record_table("t", [RECORD], wide=False), width=80)
    line = next(line for line in text.splitlines() if "CN_LOGIN" in line)
    for part in ("12-19 21:01:17.140", "hsm-nwbbiqbj4jk", "success"):
        assert part in line


def test_actor_and_target_are_told_apart() -> None:
    newer = {**RECORD, "user_name": "", "user_id": "1", "target_user_name": "bob"}
    assert "id 1 -> bob" in drawn(report.record_table("t", [newer]))


@given(st.text(st.characters(exclude_categories=[]), max_size=12))
def test_nothing_in_a_record_acts_on_the_terminal_or_on_markup(text: str) -> None:
    shown = drawn(report.record_table("t", [{**RECORD, "user_name": f"[red]{text}[/]"}]))
    assert not set(shown) & {chr(n) for n in [*range(10), *range(11, 32), 127, 0x202E]}
    assert "[red]" in shown


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "failure"},
        {"risk": "critical"},
        {"category": "Unknown"},
        {"record_status": "ambiguous"},
    ],
)
def test_failures_risks_and_the_unknown_are_worth_a_look(change: dict[str, str]) -> None:
    assert report.is_worth_a_look({**RECORD, **change})
    assert not report.is_worth_a_look(RECORD)


def test_routine_does_not_hide_the_one_rare_operation() -> None:
    rare = {**RECORD, "opcode": "CN_ZEROIZE"}
    later = [{**RECORD, "_time": str(n)} for n in range(50)]
    assert report.newest_of_each_kind([rare, *later], 5) == [rare, later[-1]]


def test_categories_are_counted_with_their_failures() -> None:
    failed = {**RECORD, "outcome": "failure", "risk": "high"}
    lines = drawn(report.category_table([RECORD, RECORD, failed])).splitlines()
    assert next(line for line in lines if "User Login" in line).split()[-3:] == ["3", "1", "1"]


def numbered(*numbers: int) -> list[Fields]:
    return [{"hsm_id": "hsm-a", "reboot_counter": "0xe8", "sequence": str(n)} for n in numbers]


def test_holes_are_recomputed_from_the_events_themselves() -> None:
    (found,) = report.sequences([*numbered(0, 1, 5, 9), {"hsm_id": "hsm-b"}])
    assert (found.first, found.last, found.count) == (0, 9, 4)
    assert found.holes == ((2, 4), (6, 8))


def collector_event(**body: object) -> Fields:
    return {"_raw": json.dumps(body)}


def test_the_last_verdict_of_a_gap_counts() -> None:
    gap = {"log_stream": "hsm-a", "first_sequence": 2, "last_sequence": 4}
    said = [
        collector_event(event="gap_opened", verdict="pending", **gap),
        collector_event(event="record_altered"),
        collector_event(event="gap_closed", verdict="absent_at_source", **gap),
    ]
    assert report.verdicts(said) == {("hsm-a", 2, 4): "absent_at_source"}


def test_a_hole_without_a_verdict_is_not_called_complete() -> None:
    holes = report.sequences(numbered(0, 2))
    assert "no verdict" in drawn(report.integrity_table(holes, {}))
    assert "complete" not in drawn(report.integrity_table(holes, {}))
    judged = {("hsm-a", 1, 1): "absent_at_source"}
    assert "absent at source" in drawn(report.integrity_table(holes, judged))


def test_a_missing_head_is_named() -> None:
    judged = {("hsm-a", 0, 6): "before_start"}
    assert "before_start" in drawn(report.integrity_table(report.sequences(numbered(7, 8)), judged))
