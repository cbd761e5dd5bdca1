"""Where the guarantee is broken: what was written to CloudWatch Logs against what was handed over.

Pure, and independent of the collector's own code: the oracle knows which events became visible
when, and which records the HSMs lost before anybody could deliver them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.fake_aws.trails import Missing

COLLECTOR = "aws:cloudhsm:collector"
_HEAD = re.compile(
    r"Time: [^\n]*, usecs:(\d+)\nSequence No : (0x[0-9a-f]+)\nReboot counter : (0x[0-9a-f]+)\n"
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CERTIFICATE = re.compile(r'"timestamp": (\d+)\n?}$')

Key = tuple[str, str]  # log stream and text as XML carries it


class Written(NamedTuple):
    """An event that was put into CloudWatch Logs.

    visible_ms: when it can be read; None where the faults decide, within the lateness horizon.
    """

    stream: str
    at_ms: int
    text: str
    visible_ms: int | None

    @property
    def key(self) -> Key:
        return self.stream, carried(self.text)

    @property
    def late_ms(self) -> int:
        """How long after its timestamp it could be read."""
        return 0 if self.visible_ms is None else self.visible_ms - self.at_ms


@dataclass
class Oracle:
    """What was written and what became of it.

    start_ms:   events before it are not collected.
    limit_ms:   so late an event may become visible and is still promised.
    lost:       numbers that the HSMs wrote and nobody ever delivers.
    ambiguous:  reboot counters of streams whose numbers began again without another counter.
    delivered:  records as handed over: time, data, host, source, sourcetype.
    told:       the collector's own events.
    excused:    what crashes explain being handed over once more.
    """

    start_ms: int
    limit_ms: int
    written: list[Written] = field(default_factory=list)
    lost: list[Missing] = field(default_factory=list)
    ambiguous: set[tuple[str, int]] = field(default_factory=set)
    delivered: list[dict[str, str]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    excused: Counter[Key] = field(default_factory=Counter)

    def complaints(self) -> list[str]:
        """Where the guarantee is broken, once every event is settled and every gap judged."""
        return [*self._delivery(), *self._identity(), *self._verdicts()]

    def wanted(self) -> Counter[Key]:
        """What must be handed over, as often as it was written."""
        return Counter(
            one.key
            for one in self.written
            if one.late_ms <= self.limit_ms and one.at_ms >= self.start_ms
        )

    def got(self) -> Counter[Key]:
        """What was handed over."""
        return Counter(map(key_of, self.delivered))

    def surplus(self) -> Counter[Key]:
        """What was handed over more often than it was written."""
        return self.got() - Counter(one.key for one in self.written)

    def last_verdicts(self) -> dict[Missing, str]:
        """The last that was said of each number of an HSM's stream."""
        said: dict[Missing, str] = {}
        for event in self.told:
            if "verdict" in event and event["log_stream"].startswith("hsm-"):
                counter = int(event["reboot_counter"], 16)
                for number in range(event["first_sequence"], event["last_sequence"] + 1):
                    said[Missing(event["log_stream"], counter, number)] = event["verdict"]
        return said

    def gaps(self) -> tuple[int, int]:
        """How many of the lost numbers lie below a delivered one, and how many have a verdict."""
        below = [one for one in self._missing() if one in {*self.lost}]
        said = self.last_verdicts()
        return len(below), sum(said.get(one, "pending") != "pending" for one in below)

    def _delivery(self) -> Iterator[str]:
        for (stream, text), count in (self.wanted() - self.got()).items():
            yield f"{count} not delivered: {stream} {text[:90]!r}"
        known = {one.key for one in self.written}
        for (stream, text), count in (self.surplus() - self.excused).items():
            what = "repeated" if (stream, text) in known else "invented"
            yield f"{count} {what}: {stream} {text[:90]!r}"

    def _identity(self) -> Iterator[str]:
        """Host, sourcetype and time, where a text is one of which they are clear."""
        for event in self.delivered:
            stream, text = key_of(event)
            found, certificate = _HEAD.match(text), _CERTIFICATE.search(text)
            usecs = None
            if stream.startswith("hsm-") and found:
                usecs, kind = int(found[1]), "aws:cloudhsm:audit"
            elif stream.startswith("cluster-") and certificate:
                usecs, kind = int(certificate[1]) * 1000, "aws:cloudhsm:certificate"
            if usecs is not None:
                time = f"{usecs // 1_000_000}.{usecs % 1_000_000:06d}"
                if (event["time"], event["host"], event["sourcetype"]) != (time, stream, kind):
                    yield f"wrong time, host or sourcetype: {event}"

    def _verdicts(self) -> Iterator[str]:
        said = self.last_verdicts()
        for one in self._there():
            if said.get(one) in ("absent_at_source", "expired") and not self._is_ambiguous(one):
                yield f"delivered, but called {said[one]}: {one}"
        for one, verdict in said.items():
            if verdict == "pending":
                yield f"never judged: {one}"
        for one, allowed in self._missing().items():
            if said.get(one) not in allowed and not self._is_ambiguous(one):
                yield f"{one} was said to be {said.get(one)}, not one of {sorted(allowed)}"

    def _missing(self) -> dict[Missing, set[str]]:
        """Numbers below delivered ones that were not delivered, and what may be said of them."""
        there = self._there()
        highest: dict[tuple[str, int], int] = {}
        lowest: dict[str, tuple[int, int]] = {}
        for one in there:
            counter, place = (one.stream, one.reboot_counter), (one.reboot_counter, one.sequence)
            highest[counter] = max(one.sequence, highest.get(counter, 0))
            lowest[one.stream] = min(place, lowest.get(one.stream, place))
        written = (numbered(one.stream, one.text) for one in self.written)
        never = {*self.lost, *(one for one in written if one)} - there
        return {
            one: self._allowed(one, is_head=(one.reboot_counter, one.sequence) < lowest[one.stream])
            for one in never
            if one.sequence < highest.get((one.stream, one.reboot_counter), -1)
        }

    def _allowed(self, one: Missing, *, is_head: bool) -> set[str]:
        before = [w for w in self.written if w.stream == one.stream and w.at_ms < self.start_ms]
        if not is_head or not before:
            return {"absent_at_source"}
        # What shows up after the look before the start is no reason to take a verdict back.
        return {"before_start"} | (
            {"absent_at_source"} if any(w.late_ms for w in before) else set()
        )

    def _there(self) -> set[Missing]:
        found = (numbered(*key_of(event)) for event in self.delivered)
        return {one for one in found if one}

    def _is_ambiguous(self, one: Missing) -> bool:
        return (one.stream, one.reboot_counter) in self.ambiguous


def key_of(event: dict[str, str]) -> Key:
    """What identifies a record that was handed over."""
    return event["source"].rpartition(":")[2], event["data"]


def is_own(event: dict[str, str]) -> bool:
    """Whether the collector itself says this."""
    return event["sourcetype"] == COLLECTOR


def records_of(events: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The events that came from CloudWatch Logs."""
    return [event for event in events if not is_own(event)]


def carried(text: str) -> str:
    """A text as XML 1.0 carries it: what its Char production lacks, written as \\uXXXX."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def numbered(stream: str, text: str) -> Missing | None:
    """Which number of which HSM a record has, if any."""
    found = _HEAD.match(text) if stream.startswith("hsm-") else None
    return found and Missing(stream, int(found[3], 16), int(found[2], 16))
