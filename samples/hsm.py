"""The sources of records: an HSM with its own stream, and a cluster's certificate store."""

from __future__ import annotations

import json
from dataclasses import dataclass

from samples import codes
from samples.codes import Coded, Response
from samples.details import MINIMAL, Detail, Provenance, log_type_and_lines, provenance
from samples.layout import Generation, Record, render
from samples.organisation import HsmPlan
from samples.rng import Rng
from samples.trail import SequenceGap, Shape

_CERTIFICATE_SHAPE = "certificate"
_PUBLISHED_CHANGES = ("CreateObject", "DestroyObject")


@dataclass(frozen=True)
class Entry:
    """What an HSM is to record; `actor_id` is None if no user is logged in."""

    opcode: Coded
    detail: Detail = MINIMAL
    response: Response = codes.SUCCESS
    session_handle: int = 0
    actor_id: int | None = None
    command_type: Coded = codes.MGMT_CMD


@dataclass(frozen=True)
class Written:
    """A message to be delivered, its layout and its sequence number (JSON has none)."""

    message: str
    shape: Shape
    sequence: int | None = None


@dataclass(frozen=True)
class SessionHandles:
    """The handles of one session on one HSM: in published records, logins differ from commands."""

    login: int
    command: int


class Hsm:
    """One HSM: a fixed reboot counter, a clock that always advances, and sequence numbers.

    `first_sequence` is above 0 for one that was active before the trail begins.
    """

    def __init__(
        self,
        plan: HsmPlan,
        log_group: str,
        generation: Generation,
        rng: Rng,
        first_sequence: int = 0,
    ) -> None:
        self.plan = plan
        self.log_group = log_group
        self.log_stream = plan.hsm_id
        self.generation = generation
        self.gaps: list[SequenceGap] = []
        self.ended = False
        self._rng = rng
        self._next_sequence = first_sequence
        self._last_usecs = 0
        self._to_lose = 0

    def open_session(self) -> SessionHandles:
        """Handles shaped like `0x7014006`; what their bits mean is not public."""
        slot = self._rng.between(1, 15) << 24 | self._rng.pick((0x04, 0x08, 0x10, 0x14)) << 12
        number = self._rng.between(0, 6)
        return SessionHandles(slot | number, slot | number + 1)

    def lose(self, count: int) -> None:
        """The next `count` records are written but never delivered."""
        first = self._next_sequence
        self._to_lose = count
        self.gaps.append(
            SequenceGap(
                self.log_group,
                self.log_stream,
                self.plan.reboot_counter,
                first,
                first + count - 1,
            )
        )

    def write(self, usecs: int, entry: Entry) -> Written | None:
        """The record of `entry` at `usecs` (microseconds since 1970), or None if it gets lost.

        The second of two entries at one instant is written a microsecond later.

        Raises:
            ValueError: the HSM has ended its audit trail.
        """
        if self.ended:
            raise ValueError(f"{self.log_stream} has ended its trail and cannot log {entry.opcode}")
        record = self._record(usecs, entry)
        self.ended = entry.opcode == codes.END_MARKER
        if self._to_lose:
            self._to_lose -= 1
            return None
        shape = Shape(
            self.generation.value,
            entry.opcode.name,
            record.log_type.name,
            provenance(self.generation, entry.opcode, entry.detail),
        )
        text = render(record, self.generation, self.plan.separator)
        return Written(text, shape, record.sequence)

    def _record(self, usecs: int, entry: Entry) -> Record:
        self._last_usecs = max(usecs, self._last_usecs + 1)
        log_type, lines = log_type_and_lines(entry.detail, self.generation, self._last_usecs)
        record = Record(
            usecs=self._last_usecs,
            sequence=self._next_sequence,
            reboot_counter=self.plan.reboot_counter,
            command_type=entry.command_type,
            opcode=entry.opcode,
            session_handle=entry.session_handle,
            response=entry.response,
            log_type=log_type,
            lines=lines,
            user_id=entry.actor_id,
        )
        self._next_sequence += 1
        return record


@dataclass(frozen=True)
class CertificateChange:
    """A change in the PKCS #11 certificate store; the handle is None if a creation failed."""

    op_code: str
    object_handle: int | None
    response: str = "OK"
    attributes: tuple[str, ...] | None = None


class CertificateStore:
    """A cluster's certificate records: JSON, without user or sequence, in the cluster's own stream.

    Keys and their order are published, indented. Whether deliveries are indented is not: one
    cluster writes them so, the other on one line.
    """

    ended = False

    def __init__(self, cluster_id: str, log_group: str, *, indented: bool) -> None:
        self.log_group = log_group
        self.log_stream = cluster_id
        self._indent = 4 if indented else None

    def write(self, usecs: int, change: CertificateChange) -> Written:
        """The record of `change` at `usecs` (microseconds since 1970)."""
        content = {
            "object_handle": change.object_handle,
            "op_code": change.op_code,
            "response": change.response,
            "attributes": change.attributes,
            "timestamp": usecs // 1000,
        }
        published = self._indent is not None and change.op_code in _PUBLISHED_CHANGES
        source = Provenance.PUBLISHED if published else Provenance.INFERRED
        shape = Shape(_CERTIFICATE_SHAPE, change.op_code, "", source)
        return Written(json.dumps(content, indent=self._indent), shape)
