"""The sample trail read from the raw text of its records, by none of the add-on's rules.

Lines are `key: value` with blanks or tabs around the colon. A key that comes twice (a forged line
in a user's name) has the first value here, and `doubled` lists it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from samples.trail import TrailEvent

_LINE = re.compile(r"([A-Za-z][A-Za-z /()_]*?)[ \t]*:[ \t]?(.*)")


@dataclass(frozen=True)
class Raw:
    """One record. stream: HSM or cluster id; lines: value by key as printed, the first ones."""

    cluster: str
    stream: str
    at: float
    text: str
    lines: dict[str, str]
    doubled: frozenset[str]

    @property
    def is_certificate(self) -> bool:
        """Whether it is an object of the certificate storage."""
        return self.stream.startswith("cluster-")

    @cached_property
    def opcode(self) -> str:
        """The operation's name, without its code; empty for certificates."""
        return self.lines.get("Opcode", "").split(" (")[0]

    @cached_property
    def failed(self) -> bool | None:
        """None where no response is printed."""
        if self.is_certificate:
            return self.lines["response"] != "OK"
        response = self.lines.get("Response")
        return None if response is None else not response.startswith("0:")

    @property
    def response(self) -> str:
        """The HSM's response, the text after the number."""
        return self.lines.get("Response", ":").partition(":")[2]

    @property
    def user(self) -> str | None:
        """The printed name, if any: the target in older records of user management."""
        return self.lines.get("User Name")

    @property
    def session(self) -> str | None:
        """The session handle as printed."""
        return self.lines.get("Session Handle")

    @property
    def sequence(self) -> int:
        """The number of the record."""
        return int(self.lines["Sequence No"], 16)


def read(events: Iterable[TrailEvent]) -> list[Raw]:
    """All records in the order of their own time."""
    return sorted((_read(event) for event in events), key=lambda record: record.at)


def _read(event: TrailEvent) -> Raw:
    cluster = event.log_group.rpartition("/")[2]
    if event.log_stream.startswith("cluster-"):
        lines = {key: str(value) for key, value in json.loads(event.message).items()}
        at = event.timestamp_ms / 1000
        return Raw(cluster, event.log_stream, at, event.message, lines, frozenset())
    usecs = re.search(r"usecs:(\d+)", event.message)
    assert usecs is not None
    lines = {}
    doubled = set()
    for line in event.message.split("\n")[1:]:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        key = match[1].strip()
        if key in lines:
            doubled.add(key)
        lines.setdefault(key, match[2].strip())
    at = int(usecs[1]) / 1_000_000
    return Raw(cluster, event.log_stream, at, event.message, lines, frozenset(doubled))


def visible(text: str) -> str:
    """The text as the collector sends it to Splunk: what XML cannot carry is escaped."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", lambda match: f"\\u{ord(match[0]):04x}", text)


def hashed(name: str) -> str:
    """What a view puts in the place of a user's name."""
    return hashlib.sha256(name.encode()).hexdigest()
