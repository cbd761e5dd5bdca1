"""What was measured, `tools/bench/capacity/measured.json`, and the rates that follow from it.

The file has simulations (`python -m tools.bench.capacity measure`): `fleet`, the large one;
`dense`, one HSM with many records; `tiny`, one with hardly any. Rates are differences between
these, so that each cost is separate. A fourth, `check`, is not used for them: a test compares it
with what the model predicts.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

PATH = Path(__file__).with_name("measured.json")
ID_STATE_BYTES = 2 * 8 * 4 / 3


class MeasurementProblem(Exception):
    """The file of measurements cannot be used; the message states what to do."""


@dataclass(frozen=True)
class Measured:
    """Simulations as documents, and when and where they ran."""

    day: str
    machine: str
    fleet: dict[str, Any]
    dense: dict[str, Any]
    tiny: dict[str, Any]
    check: dict[str, Any]


class Rates(NamedTuple):
    """What each operation costs, in seconds of one core's CPU, bytes and MB.

    start: of a run. group: of one group in one run, its call included. id: of an event id that is
    kept, in one run; asked_id: of one whose group is swept now. record: of a new record. repeat: of
    one that is read again. stream: of an HSM. saves: how often a run without records writes the
    state of a group.
    """

    start_cpu_s: float
    group_cpu_s: float
    id_cpu_s: float
    record_cpu_s: float
    repeat_cpu_s: float
    stream_state_bytes: float
    base_mb: float
    id_mb: float
    asked_id_mb: float
    stream_mb: float
    saves_per_run: float
    heartbeat_bytes: float


def read(path: Path = PATH) -> Measured:
    """Raises MeasurementProblem."""
    again = "run `python -m tools.bench.capacity measure`"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Measured(**document)
    except OSError as error:
        raise MeasurementProblem(f"{path}: {error.strerror}; {again}") from error
    except (ValueError, TypeError) as error:
        raise MeasurementProblem(f"{path}: {error}; {again}") from error


def rates(measured: Measured) -> Rates:
    """Raises MeasurementProblem where a poll is missing."""
    try:
        return _rates(measured.fleet, measured.dense, measured.tiny)
    except (KeyError, IndexError, statistics.StatisticsError, ZeroDivisionError) as error:
        raise MeasurementProblem(
            f"{PATH}: what rates need is missing ({error!r}); "
            "run `python -m tools.bench.capacity measure`"
        ) from error


def _rates(fleet: dict[str, Any], dense: dict[str, Any], tiny: dict[str, Any]) -> Rates:
    """A cost that is lost in the noise is none, not a gain."""
    groups = fleet["asked"]["clusters"]
    streams = groups * fleet["asked"]["hsms"]
    start, still = _cpu(tiny, "quiet"), _last(dense, "still")
    kept, first, sweep = dense["records"], _first(dense, "first"), _first(dense, "sweep")
    id_cpu_s = max(0.0, still["cpu_s"] - start) / kept
    repeat = max(0.0, sweep["cpu_s"] - still["cpu_s"]) / sweep["repeats"]
    quiet = statistics.median(poll["cpu_s"] for poll in polls(fleet, "still"))
    ids = fleet["records"]
    group = max(0.0, quiet - start - ids * id_cpu_s) / groups
    ledger = _last(fleet, "still")["state_bytes"] - ids * ID_STATE_BYTES
    base, dense_mb = _first(tiny, "quiet")["peak_mb"], still["peak_mb"]
    id_mb = max(0.0, dense_mb - base) / kept
    fleet_mb = max(poll["peak_mb"] for poll in fleet["polls"])
    beats = [poll for poll in fleet["polls"] if poll["heartbeats"] == poll["own"] > 0]
    return Rates(
        start_cpu_s=start,
        group_cpu_s=group,
        id_cpu_s=id_cpu_s,
        record_cpu_s=max(0.0, first["cpu_s"] - start) / first["records"],
        repeat_cpu_s=repeat,
        stream_state_bytes=max(0.0, ledger) / streams,
        base_mb=base,
        id_mb=id_mb,
        asked_id_mb=max(id_mb, (sweep["peak_mb"] - base) / kept),
        saves_per_run=still["written_bytes"] / (still["state_bytes"] / 2),
        stream_mb=max(0.0, fleet_mb - base - ids * id_mb) / streams,
        heartbeat_bytes=statistics.median(poll["own_bytes"] / poll["own"] for poll in beats),
    )


def polls(document: dict[str, Any], kind: str) -> Sequence[dict[str, Any]]:
    """The polls of a kind, in their order."""
    return [poll for poll in document["polls"] if poll["kind"] == kind]


def _first(document: dict[str, Any], kind: str) -> dict[str, Any]:
    return polls(document, kind)[0]


def _last(document: dict[str, Any], kind: str) -> dict[str, Any]:
    return polls(document, kind)[-1]


def _cpu(document: dict[str, Any], kind: str) -> float:
    return float(statistics.median(poll["cpu_s"] for poll in polls(document, kind)))
