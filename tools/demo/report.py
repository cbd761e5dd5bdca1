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


def text_of(fields: Fields, name: str) -> str:
    """A field's value as one line without anything that a terminal would act on."""
    value = fields.get(name, "")
    joined = value if isinstance(value, str) else ", ".join(value)
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char).startswith("C") else char
        for char in joined
    )


def is_worth_a_look(fields: Fields) -> bool:
    """Failures, risky operations, and whatever no table or rule understands."""
    return (
        fields.get("outcome") == "failure"
        or fields.get("risk") in _RISKY
        or fields.get("category") == "Unknown"
        or fields.get("record_status") != "complete"
    )


def newest_of_each_kind(records: Iterable[Fields], most: int) -> list[Fields]:
    """The newest record of each opcode and outcome, at most so many, oldest first.

    records: in order of time. A day of routine must not hide the one rare operation.
    """
    kinds: dict[tuple[str, str], Fields] = {}
    for record in records:
        kind = (text_of(record, "opcode"), text_of(record, "outcome"))
        kinds.pop(kind, None)
        kinds[kind] = record
    return list(kinds.values())[-most:]


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def record_table(title: str, records: Iterable[Fields], *, wide: bool = True) -> Table:
    """Time, HSM, opcode, category, description, user, outcome; narrow: only the main columns."""
    table = _table(title)
    for column, width in (("Time (UTC)", 18), ("HSM", 15), ("Opcode", 20)):
        table.add_column(column, no_wrap=True, min_width=width)
    if wide:
        table.add_column("Category", no_wrap=True, min_width=18)
        table.add_column("Description", ratio=1)
        table.add_column("User", no_wrap=True, min_width=12, max_width=24)
    table.add_column("Outcome", no_wrap=True, min_width=7)
    for record in records:
        outcome = text_of(record, "outcome")
        risk = _RISK_STYLES.get(text_of(record, "risk"), "")
        meaning = (
            Text(text_of(record, "category")),
            Text(text_of(record, "description"), style=risk),
            Text(_user(record), overflow="ellipsis"),
        )
        table.add_row(
            _time(record),
            Text(text_of(record, "hsm_id") or text_of(record, "cluster_id")),
            Text(text_of(record, "opcode") or "(none)", style="" if wide else risk),
            *(meaning if wide else ()),
            Text(outcome, style=_OUTCOME_STYLES.get(outcome, "")),
        )
    return table


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
