"""The output of the simulator: log events, and the facts about the complete trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from samples.details import Provenance
from samples.layout import Generation, Separator


@dataclass(frozen=True)
class TrailEvent:
    """One CloudWatch Logs event: one record, no newline at its end; milliseconds since 1970."""

    log_group: str
    log_stream: str
    timestamp_ms: int
    message: str

    def to_json(self) -> str:
        """One line of ASCII JSON with the names of the CloudWatch Logs API."""
        return json.dumps(
            {
                "logGroup": self.log_group,
                "logStream": self.log_stream,
                "timestamp": self.timestamp_ms,
                "message": self.message,
            }
        )


@dataclass(frozen=True, order=True)
class Shape:
    """A layout that occurs; the generation is `certificate` for JSON, which has no log type."""

    generation: str
    operation: str
    log_type: str
    provenance: Provenance


@dataclass(frozen=True)
class ShapeCount:
    """How many delivered events have a layout."""

    shape: Shape
    events: int


@dataclass(frozen=True)
class SequenceGap:
    """A run of records that an HSM wrote but that were never delivered; both ends are missing."""

    log_group: str
    log_stream: str
    reboot_counter: int
    first_missing: int
    last_missing: int


@dataclass(frozen=True)
class Replacement:
    """An HSM that failed, its stream ended by END_MARKER_OPCODE, and its successor."""

    log_group: str
    old_hsm: str
    new_hsm: str


@dataclass(frozen=True)
class HsmFacts:
    """One stream of text records, counting delivered ones; `last_sequence` is -1 if none was."""

    hsm_id: str
    generation: Generation
    separator: Separator
    reboot_counter: int
    events: int
    last_sequence: int
    ended: bool


@dataclass(frozen=True)
class ClusterFacts:
    """One log group. The stream of certificate records carries the cluster's name."""

    cluster_id: str
    log_group: str
    hsms: tuple[HsmFacts, ...]
    certificate_stream: str
    certificate_events: int


@dataclass(frozen=True)
class TrailFacts:
    """What a trail contains. Timestamps are from `start_usecs` to `end_usecs` (since 1970).

    `stand_in_codes` names the codes whose number is invented here, because the real number is not
    public.
    """

    seed: int
    days: float
    volume: float
    start_usecs: int
    end_usecs: int
    events: int
    clusters: tuple[ClusterFacts, ...]
    replacement: Replacement
    gaps: tuple[SequenceGap, ...]
    hostile_names: tuple[str, ...]
    unlisted_opcode: str
    shapes: tuple[ShapeCount, ...]
    stand_in_codes: tuple[str, ...]

    def to_json(self) -> str:
        """The facts as indented JSON."""
        return json.dumps(asdict(self), indent=2)

    def hsms(self) -> Iterator[HsmFacts]:
        """The HSMs of all clusters."""
        for cluster in self.clusters:
            yield from cluster.hsms


@dataclass(frozen=True)
class Trail:
    """All events by timestamp (ties keep the order of their stream), and the facts about them."""

    events: list[TrailEvent]
    facts: TrailFacts
