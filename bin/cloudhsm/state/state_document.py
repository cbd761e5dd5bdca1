"""The state document of one log group: what it holds, and its form as JSON.

Version 1. Every time is in milliseconds (`*_ms`) or microseconds (`*_usecs`) since 1970 UTC::

    {"group":    {"partition", "account", "region", "name"},
     "stanza":   the input that wrote it last, "start_time": as that input wrote it,
     "begun_ms": when the group was collected first, "run_ms": when a run last began on it,
     "noted":    [what was remarked once: a foreign group, names of foreign streams],
     "unreadable": [IDs of the last events that were reported as unreadable],
     "progress": {"start_ms", "settled_ms", "last_sweep_ms", "polled_ms",
                  "sweep": null | {STRETCH, "started_ms", "horizon_ms"},
                  "rereads": [{STRETCH, "stream"}, ...],
                  "backfills": [{STRETCH}, ...],
                  "replays": [{STRETCH, "id", "stream", "requested_by", "reason",
                               "records"}, ...],
                  "replayed": [ids of the last replays that ended]},
     "seen":     {hour: base64},
     "ledger":   {"covered": [[start_ms, end_ms], ...],
                  "epochs": {stream: {reboot_counter: [
                      {"ranges": [...], "parked": [...], "rerun": null | range,
                       "gaps": [{"first", "last", "opened_ms", "verdict", "rereads",
                                 "last_look", "held_before", "probed_ms", "probe_ms"}, ...]},
                      ...]}}}}

STRETCH is `"start_ms", "end_ms", "position_ms", "boundary": [ms | null, base64], "bite_ms"`. A
range is `[sequence, usecs, at_ms, sequence, usecs, at_ms, min_usecs, max_usecs]`: its two ends;
a parked record is `[sequence, usecs, at_ms]`. The document grows with the events inside the
lateness horizon and with gaps, not with history.

Readers pass over keys that they do not know, and a key that a later release adds has a default, so
VERSION changes only when a document of the old form would be misread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from cloudhsm.trail.gap_ledger import Epoch, Gap, GapChange, Ledger, Mark, Range, Verdict
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.seen_ids import Boundary, Seen
from cloudhsm.trail.windows import Backfill, Progress, Replay, Reread, Stretch, Sweep

VERSION = 1

# Notes on streams that were deleted begin so; no name of a stream has a colon.
DELETED = "gone: "
_MOST_NOTES = 1000

Json = dict[str, Any]
# Members that have another key in the document.
_KEYS = {"chunk_ms": "bite_ms"}
S = TypeVar("S", bound=Stretch)


@dataclass
class GroupState:
    """Everything of one group that must survive between two runs.

    stanza:   the input that collects it. start_time: as that input wrote it.
    begun_ms: when the group was collected first. run_ms: when a run last began on it.
    noted:    what was remarked once and needs no repeating.
    unreadable: IDs of the last events that were reported as unreadable.
    untold:   what changed about gaps and may not have been handed over yet.
    """

    group: GroupId
    stanza: str
    start_time: str
    progress: Progress
    seen: Seen = field(default_factory=Seen)
    ledger: Ledger = field(default_factory=Ledger)
    begun_ms: int = 0
    run_ms: int = 0
    noted: list[str] = field(default_factory=list)
    untold: list[GapChange] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def note(self, remark: str) -> bool:
        """Whether this is to be reported now; from then on it was.

        Names that anybody may give to streams do not use up the notes on deleted ones.
        """
        alike = sum(remark.startswith(DELETED) is n.startswith(DELETED) for n in self.noted)
        if remark in self.noted or alike >= _MOST_NOTES:
            return False
        self.noted.append(remark)
        return True

    def to_json(self) -> Json:
        """The document, without the envelope that `state_store` adds."""
        return {
            "group": asdict(self.group),
            "stanza": self.stanza,
            "start_time": self.start_time,
            "begun_ms": self.begun_ms,
            "run_ms": self.run_ms,
            "noted": self.noted,
            "unreadable": self.unreadable,
            "untold": [_change_to_json(change) for change in self.untold],
            "progress": _progress_to_json(self.progress),
            "seen": self.seen.to_json(),
            "ledger": _ledger_to_json(self.ledger),
        }

    @classmethod
    def from_json(cls, document: Json) -> GroupState:
        """Raises LookupError, TypeError or ValueError where `to_json` did not write this."""
        group = document["group"]
        return cls(
            GroupId(group["partition"], group["account"], group["region"], group["name"]),
            document["stanza"],
            document["start_time"],
            _progress_from_json(document["progress"]),
            Seen.from_json(document["seen"]),
            _ledger_from_json(document["ledger"]),
            document.get("begun_ms", 0),
            document.get("run_ms", 0),
            list(document.get("noted", [])),
            [_change_from_json(row) for row in document.get("untold", [])],
            list(document.get("unreadable", [])),
        )


def _progress_to_json(progress: Progress) -> Json:
    return {
        "start_ms": progress.start_ms,
        "settled_ms": progress.settled_ms,
        "last_sweep_ms": progress.last_sweep_ms,
        "polled_ms": progress.polled_ms,
        "sweep": progress.sweep and _stretch_to_json(progress.sweep),
        "rereads": [*map(_stretch_to_json, progress.rereads)],
        "backfills": [*map(_stretch_to_json, progress.backfills)],
        "replays": [*map(_stretch_to_json, progress.replays)],
        "replayed": progress.replayed,
    }


def _stretch_to_json(stretch: Stretch) -> Json:
    members = {**vars(stretch), "boundary": stretch.boundary.to_json()}
    return {_KEYS.get(name, name): value for name, value in members.items()}


def _progress_from_json(document: Json) -> Progress:
    sweep = document["sweep"]
    return Progress(
        max(0, document["start_ms"]),
        max(0, document["settled_ms"]),
        document["last_sweep_ms"],
        sweep and _sweep_from_json(sweep, document["settled_ms"]),
        [_stretch_from_json(Backfill, row) for row in document["backfills"]],
        [_stretch_from_json(Replay, row) for row in document.get("replays", [])],
        list(document.get("replayed", [])),
        document.get("polled_ms"),
        [_stretch_from_json(Reread, row) for row in document.get("rereads", [])],
    )


def _sweep_from_json(document: Json, settled_ms: int) -> Sweep:
    """The first release kept no horizon, and the ids of all that a sweep read."""
    horizon_ms = max(0, document["started_ms"] - settled_ms)
    return _stretch_from_json(Sweep, {"horizon_ms": horizon_ms, **document})


def _stretch_from_json(kind: type[S], document: Json) -> S:
    boundary = Boundary(*document.get("boundary", ()))
    members = {"bite_ms": None, **document, "boundary": boundary}
    return kind(**{each.name: members[_KEYS.get(each.name, each.name)] for each in fields(kind)})


def _ledger_to_json(ledger: Ledger) -> Json:
    epochs: dict[str, dict[str, list[Json]]] = {}
    for (stream, reboot_counter), run in sorted(ledger.epochs.items()):
        epochs.setdefault(stream, {})[reboot_counter] = [_epoch_to_json(epoch) for epoch in run]
    return {"covered": [list(interval) for interval in ledger.covered], "epochs": epochs}


def _epoch_to_json(epoch: Epoch) -> Json:
    return {
        "ranges": [_range_to_json(known) for known in epoch.ranges],
        "rerun": epoch.conflict_run and _range_to_json(epoch.conflict_run),
        "parked": [[*mark] for mark in epoch.unconfirmed.values()],
        "gaps": [{**vars(gap), "verdict": gap.verdict.value} for gap in epoch.gaps],
    }


def _change_to_json(change: GapChange) -> Json:
    before, after = change.before and [*change.before], change.after and [*change.after]
    return {**vars(change), "verdict": change.verdict.value, "before": before, "after": after}


def _change_from_json(document: Json) -> GapChange:
    before, after = (document[name] and Mark(*document[name]) for name in ("before", "after"))
    members = {"cause": None, **document, "verdict": Verdict(document["verdict"])}
    members.update(before=before, after=after)
    return GapChange(**{each.name: members[each.name] for each in fields(GapChange)})


def _range_to_json(known: Range) -> list[int]:
    return [*known.first, *known.last, known.min_usecs, known.max_usecs]


def _ledger_from_json(document: Json) -> Ledger:
    streams: Mapping[str, Mapping[str, list[Json]]] = document["epochs"]
    return Ledger(
        {
            (stream, reboot_counter): [_epoch_from_json(epoch) for epoch in run]
            for stream, counters in streams.items()
            for reboot_counter, run in counters.items()
        },
        [(start_ms, end_ms) for start_ms, end_ms in document["covered"]],
    )


def _epoch_from_json(document: Json) -> Epoch:
    return Epoch(
        [_range_from_json(row) for row in document["ranges"]],
        [*map(_gap_from_json, document["gaps"])],
        {row[0]: Mark(*row) for row in document["parked"]},
        _range_from_json(document["rerun"]) if document.get("rerun") else None,
    )


def _gap_from_json(document: Json) -> Gap:
    members = {each.name: document[each.name] for each in fields(Gap) if each.name in document}
    return Gap(**{**members, "verdict": Verdict(document["verdict"])})


def _range_from_json(row: list[int]) -> Range:
    return Range(Mark(*row[0:3]), Mark(*row[3:6]), row[6], row[7])
