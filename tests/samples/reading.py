"""Reads trails for the tests, on its own: nothing here comes from the code that wrote them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from samples.trail import Trail, TrailEvent, TrailFacts

_FIRST_LINE = re.compile(r"Time: (\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}), usecs:(\d+)")


@dataclass(frozen=True)
class Parsed:
    """One text record: its stream, its times, and its lines after the first."""

    log_group: str
    log_stream: str
    timestamp_ms: int
    usecs: int
    fields: dict[str, str]
    message: str

    @property
    def opcode(self) -> str:
        """The opcode's name."""
        return self.fields["Opcode"].split(" ")[0]

    @property
    def sequence(self) -> int:
        """The sequence number."""
        return int(self.fields["Sequence No"], 16)

    @property
    def handle(self) -> int:
        """The handle that a masked object has, whatever the line is called."""
        return int(self.fields["Priv/Secret Key Handle"])

    @property
    def response(self) -> int:
        """The response's code."""
        return int(self.fields["Response"].split(":")[0])


def read(event: TrailEvent) -> Parsed:
    """A record from its text; the first colon of a line ends its key."""
    first, *rest = event.message.split("\n")
    match = _FIRST_LINE.fullmatch(first)
    assert match, first
    pairs = [line.partition(":") for line in rest]
    fields = {key.rstrip(" \t"): value.lstrip(" ") for key, _, value in pairs}
    return Parsed(
        event.log_group,
        event.log_stream,
        event.timestamp_ms,
        int(match.group(2)),
        fields,
        event.message,
    )


def is_text(event: TrailEvent) -> bool:
    """Whether the event comes from an HSM; certificate records are JSON."""
    return not event.message.startswith("{")


def text_records(trail: Trail) -> list[Parsed]:
    """All text records of a trail."""
    return [read(event) for event in trail.events if is_text(event)]


def by_stream(records: list[Parsed]) -> dict[str, list[Parsed]]:
    """The records of each stream, in their order."""
    streams: dict[str, list[Parsed]] = {}
    for record in records:
        streams.setdefault(record.log_stream, []).append(record)
    return streams


def missing(facts: TrailFacts, log_stream: str) -> set[int]:
    """The sequence numbers that were planned to be lost in a stream."""
    return {
        number
        for gap in facts.gaps
        if gap.log_stream == log_stream
        for number in range(gap.first_missing, gap.last_missing + 1)
    }


def matching(records: list[Parsed], condition: Callable[[Parsed], bool]) -> Iterator[Parsed]:
    """The records that match; none is an error, since a test would have proved nothing."""
    matches = [record for record in records if condition(record)]
    assert matches, "no record is of the kind that this test is about"
    return iter(matches)
