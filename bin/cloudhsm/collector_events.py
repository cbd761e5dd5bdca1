"""The collector's own events: what it did to a record, and what it found missing.

Sourcetype `aws:cloudhsm:collector`, one JSON object each. Every event has `time` (epoch seconds,
six decimals), `event` (its kind), `input`, `aws_account_id`, `aws_region`, `log_group`, mostly
`log_stream`, and a `message` for people.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass

from cloudhsm.event_writer import Event
from cloudhsm.ledger import Anomaly, GapChange, Verdict
from cloudhsm.state import GroupId

SOURCETYPE = "aws:cloudhsm:collector"

_ANOMALIES = {
    Anomaly.IMPLAUSIBLE_SEQUENCE: "Records whose number does not continue the HSM's sequence were "
    "delivered; for completeness they count only where they fill a gap",
    Anomaly.SEQUENCE_CONFLICT: "Records repeat a sequence number that this HSM used "
    "before; all were delivered",
    Anomaly.SEQUENCE_RESTARTED: "The HSM's sequence numbers began again",
}


@dataclass(frozen=True)
class Reporter:
    """Builds the events of one log group."""

    stanza: str
    group: GroupId

    def record_altered(
        self, now_usecs: int, stream: str, event_id: str, key: str | None, original: str
    ) -> Event:
        """A record held characters that XML cannot carry, or nothing that Splunk would keep."""
        as_bytes = original.encode("utf-8", "surrogatepass")
        return self._event(
            now_usecs,
            "record_altered",
            "Characters of this record that XML cannot carry were written as \\uXXXX, or it is "
            "blank; the original is kept here",
            stream,
            record_key=key,
            event_id=event_id,
            sha256=hashlib.sha256(as_bytes).hexdigest(),
            original_base64=base64.b64encode(as_bytes).decode(),
        )

    def records_flawed(
        self, now_usecs: int, stream: str, flaws: tuple[str, ...], records: int, event_id: str
    ) -> Event:
        """Records of one page and stream that are not complete; they were delivered."""
        return self._event(
            now_usecs,
            "records_flawed",
            "Records are not complete or not CloudHSM's; they were delivered as they are",
            stream,
            flaws=list(flaws),
            records=records,
            first_event_id=event_id,
        )

    def anomaly(
        self, now_usecs: int, stream: str, kind: Anomaly, records: int, key: str | None
    ) -> Event:
        """Records of one page and stream whose sequence numbers are odd in the same way."""
        return self._event(
            now_usecs, kind.value, _ANOMALIES[kind], stream, records=records, first_record_key=key
        )

    def gap(self, now_usecs: int, change: GapChange) -> Event:
        """A gap was opened, or closed with a verdict."""
        pending = change.verdict is Verdict.PENDING
        numbers = f"{change.first:#x} to {change.last:#x}"
        return self._event(
            now_usecs,
            "gap_opened" if pending else "gap_closed",
            f"{change.missing} records of {change.stream} ({numbers}): {_MEANING[change.verdict]}",
            change.stream,
            reboot_counter=change.reboot_counter,
            first_sequence=change.first,
            last_sequence=change.last,
            missing=change.missing,
            verdict=change.verdict.value,
            last_usecs_before=change.before and change.before.usecs,
            first_usecs_after=change.after and change.after.usecs,
        )

    def state_recovered(self, now_usecs: int, reason: str) -> Event:
        """The newest generation of the state was damaged; the one before it was used."""
        return self._event(
            now_usecs,
            "state_recovered",
            "The previous generation of the state is used; records may be repeated, none is lost",
            None,
            reason=reason,
        )

    def _event(
        self, now_usecs: int, kind: str, message: str, stream: str | None, **details: object
    ) -> Event:
        body = {
            "event": kind,
            "message": message,  # early: Splunk reads JSON fields from the first 5,000 bytes only
            "input": self.stanza,
            "aws_account_id": self.group.account,
            "aws_region": self.group.region,
            "log_group": self.group.name,
            "log_stream": stream,
            **details,
        }
        known = {name: value for name, value in body.items() if value is not None}
        seconds, usecs = divmod(now_usecs, 1_000_000)
        # Written by hand: a float would drop trailing zeros that the timestamp format counts on.
        text = f'{{"time":{seconds}.{usecs:06d},{json.dumps(known, separators=(",", ":"))[1:]}'
        cluster_id = self.group.cluster_id
        source = self.group.source(stream or cluster_id)
        return Event(now_usecs, text, stream or cluster_id, source, SOURCETYPE)


_MEANING = {
    Verdict.PENDING: "missing so far; they may still arrive",
    Verdict.RECOVERED: "arrived",
    Verdict.RECOVERED_LATE: "arrived after they had been given up",
    Verdict.ABSENT_AT_SOURCE: "CloudWatch Logs does not hold them",
    Verdict.BEFORE_START: "older than start_time, not collected",
}
