"""The golden records, as `make goldens` wrote them: what Splunk's search time makes of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudhsm.siem.record_files import Origin, records
from tests.bin.conftest import ROOT

FOLDER = ROOT / "tests" / "default" / "golden"
_ARRIVED_USECS = 1_750_000_000_000_000  # tests/default/ingest_paths.py
_ORIGINS = {
    origin["sourcetype"]: origin
    for origin in json.loads((FOLDER / "place.expected.json").read_text("utf-8"))
}
# Set by an index, or for nobody but Splunk.
_SPLUNKS = {"index", "time_usecs", "_record"}


@dataclass(frozen=True)
class Golden:
    """A record and its fields. usecs: its time."""

    name: str
    text: str
    usecs: int
    fields: dict[str, Any]

    @property
    def origin(self) -> tuple[str, str]:
        return self.fields["source"], self.fields["host"]


def goldens() -> Iterator[Golden]:
    """All that have a text; the damaged ones stand without."""
    for log in sorted(FOLDER.glob("*/*.log")):
        (expected,) = FOLDER.glob(f"{log.parent.name}/{log.stem}.expected.json*")
        texts = _texts(log)
        told = _told(expected)
        assert len(texts) == len(told), log.name
        for number, (text, fields) in enumerate(zip(texts, told)):
            kind = "certificate" if text.lstrip().startswith("{") else "audit"
            whole = {**_ORIGINS[f"aws:cloudhsm:{kind}"], **fields, "_raw": text}
            kept = {name: value for name, value in whole.items() if name not in _SPLUNKS}
            yield Golden(f"{log.stem} {number}", text, int(fields["time_usecs"]), kept)


def _texts(log: Path) -> list[str]:
    """A fragment, which no file of records begins with, is one record as it is."""
    whole = log.read_bytes().decode()
    if log.name.startswith("fragment_"):
        return [whole]
    with log.open("rb") as file:
        texts = [found.text for found in records(file, Origin())]
    # To Splunk a line end behind the last record is part of it.
    return [*texts[:-1], texts[-1] + whole[len(whole.rstrip("\r\n")) :]]


def _told(expected: Path) -> list[dict[str, Any]]:
    text = expected.read_text("utf-8")
    lines = text.splitlines() if expected.suffix == ".jsonl" else []
    found: list[dict[str, Any]] = [*map(json.loads, lines)] if lines else json.loads(text)
    return found
