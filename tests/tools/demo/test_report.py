from __future__ import annotations

import json
import re

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


FIELDS_SHOWN = ("hsm_id", "opcode", "category", "user_name", "outcome", "risk")
SHOWN = tuple(str(RECORD[name]) for name in FIELDS_SHOWN)
COLUMN_STARTS = re.compile(r"Time \(UTC\)|[A-Z][a-z]+|HSM")


def drawn(table: Table, width: int = 170) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_record_on_a_wide_terminal_is_one_line_with_its_description() -> None:
    text = drawn(report.record_table("t", [RECORD], 160), width=160)
    line = next(line for line in text.splitlines() if "CN_LOGIN" in line)
    for part in (*SHOWN, "12-19 21:01:17.140", "A user logs in."):
        assert part in line


def test_a_record_on_a_terminal_of_120_columns_is_one_line() -> None:
    text = drawn(report.record_table("t", [RECORD], 120), width=120)
    line = next(line for line in text.splitlines() if "CN_LOGIN" in line)
    for part in (*SHOWN, "12-19 21:01:17.140"):
        assert part in line


@pytest.mark.parametrize("width", [80, 100, 120, 140, 160, 200])
def test_no_width_leaves_out_or_cuts_what_a_person_decides_by(width: int) -> None:
    longest = {
        **RECORD,
        "opcode": "CN_SAMPLE_UNLISTED_COMMAND",
        "category": "Certificate-Based Authentication",
        "user_name": "a-user-with-quite-a-long-name",
        "outcome": "failure",
        "risk": "informational",
    }
    text = drawn(report.record_table("t", [longest], width), width=width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    together = re.sub(r"\s", "", "".join(column_texts(text)))
    for part in ("12-19", "21:01:17.140", *(str(longest[name]) for name in FIELDS_SHOWN)):
        assert part.replace(" ", "") in together


def column_texts(text: str) -> list[str]:
    """The text of each column, line after line; the rule below the header has its position."""
    lines = text.splitlines()
    header = next(number for number, line in enumerate(lines) if "HSM" in line)
    names = [*COLUMN_STARTS.finditer(lines[header])]
    starts = [match.start() for match in names]
    ends = [*starts[1:], None]
    return ["".join(line[a:b] for line in lines) for a, b in zip(starts, ends, strict=True)]


def test_actor_and_target_are_shown_separately() -> None:
    newer = {**RECORD, "user_name": "", "user_id": "1", "target_user_name": "bob"}
    assert "id 1 -> bob" in drawn(report.record_table("t", [newer], 160))


@given(st.text(st.characters(exclude_categories=[]), max_size=12))
def test_nothing_in_a_record_acts_on_the_terminal_or_on_markup(text: str) -> None:
    shown = drawn(report.record_table("t", [{**RECORD, "user_name": f"[red]{text}[/]"}], 160))
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
def test_failures_risks_and_the_unknown_need_review(change: dict[str, str]) -> None:
    assert report.needs_review({**RECORD, **change})
    assert not report.needs_review(RECORD)


def test_routine_does_not_hide_the_one_rare_operation() -> None:
    rare = {**RECORD, "opcode": "CN_ZEROIZE"}
    later = [{**RECORD, "_time": str(n)} for n in range(50)]
    assert report.newest_of_each_kind([rare, *later], 5) == [later[-1], rare]
    assert report.newest_of_each_kind([rare, *later], 1) == [later[-1]]


def test_categories_are_counted_with_their_failures() -> None:
    failed = {**RECORD, "outcome": "failure", "risk": "high"}
    lines = drawn(report.category_table([RECORD, RECORD, failed])).splitlines()
    assert next(line for line in lines if "User Login" in line).split()[-3:] == ["3", "1", "1"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 gaps"), (1, "1 gap"), (2, "2 gaps"), (5120, "5,120 gaps")]
)
def test_a_count_agrees_with_its_noun(count: int, text: str) -> None:
    assert report.counted(count, "gap") == text


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
