"""The collector's own events: what it did to a record, and what it found missing.

Sourcetype `aws:cloudhsm:collector`, one JSON object each. Every event has `time` (epoch seconds,
six decimals), `event` (its kind), `input`, `aws_region` and a `message` for people; those of a log
group have `aws_account_id`, `log_group` and mostly `log_stream`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from cloudhsm import __version__
from cloudhsm.aws.log_source import Page, Unreadable
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.counters import RunResult
from cloudhsm.base.errors import CloudHsmError
from cloudhsm.base.redaction import redacted
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.input_cache import Failure, InputState, part_of
from cloudhsm.trail.gap_ledger import Anomaly, GapChange, Verdict
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.record_identity import Records
from cloudhsm.trail.windows import Replay

SOURCETYPE = "aws:cloudhsm:collector"
# Splunk reads JSON fields from the first 5,000 bytes of an event only.
# Failures that may end without anybody doing something.
_PASSING = ("ServiceFailure", "EndpointUnreachable", "StateLocked", "Unexpected")
_MOST_FAILURES = 10
_LONGEST_TEXT = 500
# Of an event that cannot be read; CloudWatch Logs takes 1 MB.
_LONGEST_CONTENT = 2_000_000

_ANOMALIES = {
    Anomaly.IMPLAUSIBLE_SEQUENCE: "Records whose number does not continue the HSM's sequence were "
    "delivered; for completeness they count only where they fill a gap",
    Anomaly.SEQUENCE_CONFLICT: "Records repeat a sequence number that this HSM used "
    "before; all were delivered",
    Anomaly.SEQUENCE_RESTARTED: "The HSM's sequence numbers began again",
}


_REMARKS = {
    # A log stream that was to be read again does not exist any more; reported once.
    "stream_gone": "This log stream was deleted from CloudWatch Logs; its records cannot be read "
    "again",
    # A log group that was collected does not exist any more, as a direct read confirms.
    "group_gone": "This log group was deleted from CloudWatch Logs, or is in another account or "
    "Region than the credentials; what was not read is lost",
    # Both generations of the state are missing although the group was collected here.
    "state_missing": "The state of this log group is missing although it was collected before, or "
    "its first run was killed; it is collected from start_time again, so records may be repeated",
    # The newest generation of the state was damaged; `reason` describes it.
    "state_recovered": "The previous generation of the state is used; records may be repeated, "
    "none is lost",
    # The name of the log group is not one that CloudHSM gives; reported once.
    "unfamiliar_group": "This log group is not named like those of CloudHSM "
    "(/aws/cloudhsm/CLUSTER); it is collected as log_groups asks",
    # The name of a log stream is neither an HSM's nor a cluster's; reported once per stream.
    "unfamiliar_stream": "This log stream is named like neither an HSM nor a cluster; its records "
    "are delivered",
}


@dataclass(frozen=True)
class PageFindings:
    """What identity, ledger and memory found on a page; False where there is nothing to deliver.

    page, records:  its new events, and which records they are.
    unreadable:     events that are not complete. new_names: of log streams, neither an HSM's nor a
                    cluster's; both were not reported before.
    deleted_stream: the log stream to read, where it does not exist any more.
    are_known:      the records, whose flaws were reported before.
    anomalies:      the index of each record with an odd sequence number, and what is odd.
    """

    page: Page
    records: Records
    unreadable: Sequence[Unreadable]
    deleted_stream: str | None
    new_names: Sequence[str]
    are_known: bool
    anomalies: Sequence[tuple[int, Anomaly]]

    def __bool__(self) -> bool:
        return bool(self.page) or bool(self.unreadable) or self.deleted_stream is not None


@dataclass(frozen=True)
class Reporter:
    """Builds the events of one log group."""

    stanza: str
    group: GroupId

    def page(self, now_usecs: int, findings: PageFindings, altered: list[int]) -> Iterator[Event]:
        """All events about a page: one per log stream and kind, so volume does not double.

        altered: the index of each record that XML cannot carry as it is.
        """
        page, records = findings.page, findings.records
        rows = enumerate(records.flaws if any(records.flaws) else ())
        flawed_rows = [(index, flaws) for index, flaws in rows if flaws]
        blank = [index for index, flaws in flawed_rows if "blank" in flaws]
        for index in sorted({*altered, *blank}):
            stream, key = page.streams[index], records.key(index, page.streams[index])
            yield self.record_altered(now_usecs, stream, page.ids[index], key, page.texts[index])
        for event in findings.unreadable:
            yield self.event_unreadable(now_usecs, event)
        if findings.deleted_stream is not None:
            yield self.remark(now_usecs, "stream_gone", findings.deleted_stream)
        for name in findings.new_names:
            yield self.remark(now_usecs, "unfamiliar_stream", name)
        flawed: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for index, flaws in () if findings.are_known else flawed_rows:
            flawed.setdefault((page.streams[index], flaws), []).append(page.ids[index])
        for (stream, flaws), ids in flawed.items():
            yield self.records_flawed(now_usecs, stream, flaws, len(ids), ids[0])
        odd: dict[tuple[str, Anomaly], list[int]] = {}
        for index, anomaly in findings.anomalies:
            odd.setdefault((page.streams[index], anomaly), []).append(index)
        for (stream, anomaly), indexes in odd.items():
            key = records.key(indexes[0], stream)
            yield self.anomaly(now_usecs, stream, anomaly, len(indexes), key)

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

    def event_unreadable(self, now_usecs: int, event: Unreadable) -> Event:
        """An event of CloudWatch Logs lacks a member, or one has another type than documented."""
        content = base64.b64encode(event.content[:_LONGEST_CONTENT]).decode()
        return self._event(
            now_usecs,
            "event_unreadable",
            "CloudWatch Logs returned an event that is not complete; its bytes are kept here",
            event.stream,
            event_id=event.id,
            timestamp_ms=event.at_ms,
            bytes=len(event.content),
            original_base64=content,
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
            cause=change.cause,
        )

    def remark(self, now_usecs: int, kind: str, stream: str | None = None, **more: object) -> Event:
        """An event of one of the kinds in _REMARKS."""
        return self._event(now_usecs, kind, _REMARKS[kind], stream, **more)

    def mark_reset(self, now_usecs: int, was_ms: int, is_ms: int) -> Event:
        """The settled mark was in the future, where a wrong clock had moved it."""
        return self._event(
            now_usecs,
            "mark_reset",
            f"The settled mark was at {_utc(was_ms)}, in the future; it is set back to "
            f"{_utc(is_ms)}, so records may be repeated",
            None,
            was=was_ms / 1000,
            now=is_ms / 1000,
        )

    def replay(self, now_usecs: int, phase: str, replay: Replay) -> Event:
        """A replay began or ended; what lies between was handed over whatever had been before."""
        return self._event(
            now_usecs,
            "replay",
            f"Replay {phase}: {_utc(replay.start_ms)} to {_utc(replay.end_ms)}, "
            f"{replay.stream or 'all streams'}; remove repeats with the macro cloudhsm_dedup",
            replay.stream,
            phase=phase,
            replay_id=replay.id,
            replay_from=replay.start_ms / 1000,
            replay_to=replay.end_ms / 1000,
            requested_by=replay.requested_by,
            reason=replay.reason or None,
            records=replay.records if phase == "finished" else None,
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
        cluster_id = self.group.cluster_id
        source = self.group.source(stream or cluster_id)
        return Event(now_usecs, _text(now_usecs, body), stream or cluster_id, source, SOURCETYPE)


@dataclass(frozen=True)
class InputReporter:
    """Builds the events of one input; `host` is the Splunk host that runs it."""

    stanza: str
    region: str
    host: str

    def heartbeat(self, now_ms: int, state: InputState, result: RunResult) -> Event:
        """The input is alive: what it did since the last heartbeat, and how things stand."""
        counters = state.counters
        settled_ms = result.oldest_settled_ms
        return self._event(
            now_ms,
            "heartbeat",
            f"{counters.records} records in {counters.runs} runs; {result.pending_gaps} gaps "
            f"pending, {len(state.failures)} failures",
            **counters.to_json(),
            seconds=(now_ms - state.heartbeat_ms) // 1000 if state.heartbeat_ms else None,
            groups=len(state.groups),
            pending_gaps=result.pending_gaps,
            absent_gaps=result.absent_gaps,
            history_left_s=result.history_left_ms // 1000,
            settled_age_s=None if settled_ms is None else (now_ms - settled_ms) // 1000,
            caught_up=result.has_caught_up,
            clock_offset_ms=state.clock.offset_ms,
            failing=list(state.failures)[:_MOST_FAILURES],
            needs_action=[
                name for name, failure in state.failures.items() if failure.error not in _PASSING
            ][:_MOST_FAILURES],
            gone=[group.name for group, _ in state.gone][:_MOST_FAILURES] or None,
            advisories=[
                redacted(text)[:_LONGEST_TEXT] for text in result.advisories[:_MOST_FAILURES]
            ],
            version=__version__,
            python=platform.python_version(),
        )

    def clock_difference(self, now_ms: int, clock: AwsClock, *, is_over: bool) -> Event:
        """This host's clock and AWS's differ by more than 5 minutes, or agree again."""
        minutes = abs(clock.offset_ms) // 60_000
        side = "ahead of" if clock.offset_ms < 0 else "after"
        return self._event(
            now_ms,
            "clock_difference",
            "This host's clock agrees with AWS's again"
            if is_over
            else f"This host's clock is {minutes} minutes {side} AWS's".replace("after", "behind"),
            clock_offset_ms=clock.offset_ms,
            confirmed=clock.is_confirmed,
            resolved=is_over,
        )

    def collection_failed(self, now_ms: int, name: str, error: CloudHsmError) -> Event:
        """A log group, or the look for log groups, began to fail, or fails otherwise now."""
        return self._event(
            now_ms,
            "collection_failed",
            redacted(error.what)[:_LONGEST_TEXT],
            **_part(name),
            aws_account_id=error.place.account,
            error=type(error).__name__,
            next_step=redacted(error.next_step)[:_LONGEST_TEXT],
        )

    def collection_resumed(self, now_ms: int, name: str, failure: Failure) -> Event:
        """What failed works again; what had to wait is collected from where it stopped."""
        return self._event(
            now_ms,
            "collection_resumed",
            f"Works again after {failure.tries} failed runs; nothing was skipped",
            **_part(name),
            error=failure.error,
            failed_s=(now_ms - failure.since_ms) // 1000,
        )

    def _event(self, now_ms: int, kind: str, message: str, **details: object) -> Event:
        where = {"input": self.stanza, "aws_region": self.region}
        text = _text(now_ms * 1000, {"event": kind, "message": message, **where, **details})
        return Event(now_ms * 1000, text, self.host, self.stanza, SOURCETYPE)


def _part(name: str) -> dict[str, object]:
    """What a failure in the memory of an input concerns."""
    part, group = part_of(name)
    return {"part": part, "log_group": group or None}


def _text(now_usecs: int, body: dict[str, object]) -> str:
    known = {name: value for name, value in body.items() if value is not None}
    seconds, usecs = divmod(now_usecs, 1_000_000)
    # Written by hand: a float would drop trailing zeros that the timestamp format counts on.
    return f'{{"time":{seconds}.{usecs:06d},{json.dumps(known, separators=(",", ":"))[1:]}'


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


_MEANING = {
    Verdict.PENDING: "missing so far; they may still arrive",
    Verdict.RECOVERED: "arrived",
    Verdict.RECOVERED_LATE: "arrived after they had been given up",
    Verdict.ABSENT_AT_SOURCE: "CloudWatch Logs does not hold them",
    Verdict.EXPIRED: "deleted by the log group's retention before they could be read",
    Verdict.BEFORE_START: "older than start_time, not collected",
}
