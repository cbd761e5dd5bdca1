"""A record with its origin, and what a reader reports with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cloudhsm.siem.containers.event_names import NO_NAMES, Names


@dataclass(frozen=True)
class Origin:
    """Where records come from, where it is known; "" where it is not.

    file: the name of their file, for messages; it never becomes part of a record.
    """

    file: str = ""
    account: str = ""
    region: str = ""
    group: str = ""
    stream: str = ""

    def names(self) -> tuple[str, str]:
        """Splunk's source, <account>:<Region>:<log group>:<log stream>, and host, the stream.

        What is not known is left out, and so is an empty source; the stream has its colon always.
        """
        return source_and_host(Names(self.account, self.region, self.group, self.stream))

    def known(self) -> Names:
        """The names without the file."""
        return Names(self.account, self.region, self.group, self.stream)


@lru_cache(maxsize=4096)
def source_and_host(names: Names) -> tuple[str, str]:
    """Splunk's source and host of an origin; ("", "") of none."""
    if names == NO_NAMES:
        return "", ""
    return ":".join([*(name for name in names[:3] if name), names.stream]), names.stream


class Found(NamedTuple):
    """A record's text as it is.

    place: the line on which it starts; in JSON, CSV and YAML the event's number, from 1.
    arrived: CloudWatch's time in microseconds since 1970, where the container has it.
    """

    text: str
    origin: tuple[str, str]
    place: int
    arrived: int | None = None


@dataclass
class Report:
    """What a file had that is no record.

    control: messages by which CloudWatch Logs checks a subscription.
    pieces: (place, what it is) of what could not be read, and is not printed as a record.
    """

    control: int = 0
    pieces: list[tuple[str, str]] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.pieces = []

    def piece(self, place: str, what: str) -> None:
        """Note what could not be read."""
        self.pieces.append((place, what))

    def taken(self) -> list[tuple[str, str]]:
        """The pieces since the last call."""
        pieces, self.pieces = self.pieces, []
        return pieces
