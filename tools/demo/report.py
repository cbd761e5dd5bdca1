"""What a person should see of enriched events: tables, counts, and the sequence check."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from rich import box
from rich.table import Table
from rich.text import Text

Fields = Mapping[str, "str | list[str]"]

_OUTCOME_STYLES = {"success": "green", "failure": "bold red", "unknown": "yellow"}
_RISK_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow"}
_RISKY = ("critical", "high")
# Columns of a terminal that a record needs on one line, without and with its description.
_ONE_LINE, _WITH_DESCRIPTION = 116, 150
# Longer texts are folded; `User` and `Description` share what is left.
_WIDTHS = {
    "Date / Time": 12,
    "Time (UTC)": 18,
    "HSM": 15,
    "Operation / Category": 21,
    "Operation": 21,
    "Category": 18,
    "Outcome / Risk": 13,
    "Outcome": 7,
    "Risk": 13,
}


def text_of(fields: Fields, name: str) -> str:
    """A field's value as one line without anything that a terminal would act on."""
    value = fields.get(name, "")
    joined = value if isinstance(value, str) else ", ".join(value)
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char).startswith("C") else char
        for char in joined
    )


def needs_review(fields: Fields) -> bool:
    """Failures, risky operations, and whatever no table or rule understands."""
    return (
        fields.get("outcome") == "failure"
        or fields.get("risk") in _RISKY
        or fields.get("category") == "Unknown"
        or fields.get("record_status") != "complete"
    )


def newest_of_each_kind(records: Iterable[Fields], most: int) -> list[Fields]:
    """The newest record of each operation and outcome, at most so many, newest first.

    records: in order of time. A day of routine must not hide the one rare operation.
    """
    kinds: dict[tuple[str, str], Fields] = {}
    for record in records:
        kind = (text_of(record, "opcode"), text_of(record, "outcome"))
        kinds.pop(kind, None)
        kinds[kind] = record
    return list(kinds.values())[: -most - 1 : -1]


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def record_table(title: str, records: Iterable[Fields], width: int) -> Table:
    """Time, HSM, operation, category, user, outcome and risk of each record.

    width: columns of the terminal. Wide ones show the description too; on narrow ones, category
    and risk are on a second line.
    """
    table = _table(title)
    table.expand = True
    stacked = width < _ONE_LINE
    for column in _columns(width):
        share = None if column in _WIDTHS else 2 if column == "Description" else 1
        heading = column.replace(" / ", "\n") if stacked else column
        table.add_column(heading, overflow="fold", width=_WIDTHS.get(column), ratio=share)
    for record in records:
        cells = _cells(record)
        parts = [[cells[name] for name in column.split(" / ")] for column in _columns(width)]
        table.add_row(*(Text("\n").join(part) for part in parts))
    return table


def _columns(width: int) -> tuple[str, ...]:
    if width < _ONE_LINE:
        return ("Date / Time", "HSM", "Operation / Category", "User", "Outcome / Risk")
    described = ("Description",) if width >= _WITH_DESCRIPTION else ()
    head = ("Time (UTC)", "HSM", "Operation", "Category")
    return (*head, *described, "User", "Outcome", "Risk")


def _cells(record: Fields) -> dict[str, Text]:
    moment = _time(record)
    outcome, risk = text_of(record, "outcome"), text_of(record, "risk")
    return {
        "Time (UTC)": Text(moment),
        "Date": Text(moment[:5]),
        "Time": Text(moment[6:]),
        "HSM": Text(text_of(record, "hsm_id") or text_of(record, "cluster_id")),
        "Operation": Text(text_of(record, "opcode") or "(none)"),
        "Category": Text(text_of(record, "category")),
        "Description": Text(text_of(record, "description")),
        "User": Text(_user(record)),
        "Outcome": Text(outcome, style=_OUTCOME_STYLES.get(outcome, "")),
        "Risk": Text(risk, style=_RISK_STYLES.get(risk, "")),
    }


def _time(record: Fields) -> str:
    seconds, _, fraction = text_of(record, "_time").partition(".")
    moment = datetime.fromtimestamp(int(seconds), timezone.utc)
    return f"{moment:%m-%d %H:%M:%S}.{fraction:0<3}"[:18]


def _user(record: Fields) -> str:
    target = text_of(record, "target_user_name")
    actor = text_of(record, "user_name") or (
        f"id {text_of(record, 'user_id')}" if "user_id" in record else ""
    )
    return f"{actor} -> {target}" if target else actor


def category_table(records: Sequence[Fields]) -> Table:
    """Events, failures and risky operations per category, largest first."""
    table = _table("Records by category")
    table.add_column("Category")
    for column in ("Records", "Failures", "High risk"):
        table.add_column(column, justify="right")
    total = Counter(text_of(record, "category") for record in records)
    failures = Counter(
        text_of(record, "category") for record in records if record.get("outcome") == "failure"
    )
    risky = Counter(
        text_of(record, "category") for record in records if record.get("risk") in _RISKY
    )
    for category, count in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(
            category,
            f"{count:,}",
            Text(f"{failures[category] or ''}", style="red"),
            f"{risky[category] or ''}",
        )
    return table


def counted(count: int, singular: str, plural: str = "") -> str:
    """A number with its noun: `1 gap`, `2,000 gaps`."""
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


@dataclass(frozen=True)
class HsmSequence:
    """The numbers of one HSM and reboot counter, as recomputed from the events themselves."""

    hsm_id: str
    reboot_counter: str
    first: int
    last: int
    count: int
    holes: tuple[tuple[int, int], ...]


def sequences(records: Iterable[Fields]) -> list[HsmSequence]:
    """Recompute every HSM's sequence from the fields that Splunk would search."""
    numbers: dict[tuple[str, str], set[int]] = {}
    for record in records:
        if "sequence" in record and "hsm_id" in record:
            key = (text_of(record, "hsm_id"), text_of(record, "reboot_counter"))
            numbers.setdefault(key, set()).add(int(text_of(record, "sequence")))
    sequences = []
    for (hsm_id, reboot_counter), seen in sorted(numbers.items()):
        ordered = sorted(seen)
        holes = tuple(
            (left + 1, right - 1)
            for left, right in zip(ordered, ordered[1:], strict=False)
            if left + 1 < right
        )
        sequences.append(
            HsmSequence(hsm_id, reboot_counter, ordered[0], ordered[-1], len(ordered), holes)
        )
    return sequences


def verdicts(collector_events: Iterable[Fields]) -> dict[tuple[str, int, int], str]:
    """The last verdict of the collector per stream and gap."""
    verdicts: dict[tuple[str, int, int], str] = {}
    for event in collector_events:
        body = json.loads(str(event["_raw"]))
        if body["event"] in ("gap_opened", "gap_closed"):
            gap = (body["log_stream"], body["first_sequence"], body["last_sequence"])
            verdicts[gap] = body["verdict"]
    return verdicts


def integrity_table(
    sequences: Iterable[HsmSequence], judged: Mapping[tuple[str, int, int], str]
) -> Table:
    """Each HSM's numbers, and the collector's verdict on every hole."""
    table = _table("Integrity: every HSM numbers its records from 0")
    for column in ("HSM", "Reboot counter", "Sequence numbers", "Records", "Missing", "Verdict"):
        table.add_column(column, justify="right" if column in ("Records", "Missing") else "left")
    for sequence in sequences:
        missing = ", ".join(f"{first:#x}-{last:#x}" for first, last in sequence.holes)
        verdicts = ", ".join(
            judged.get((sequence.hsm_id, *hole), "no verdict") for hole in sequence.holes
        )
        verdicts = verdicts.replace("_", " ")
        head = judged.get((sequence.hsm_id, 0, sequence.first - 1)) if sequence.first else None
        table.add_row(
            sequence.hsm_id,
            sequence.reboot_counter,
            f"{sequence.first:#x}-{sequence.last:#x}",
            f"{sequence.count:,}",
            missing or "none",
            Text(verdicts, style="bold red")
            if verdicts
            else Text(f"complete; earlier ones {head}" if head else "complete", style="green"),
        )
    return table
