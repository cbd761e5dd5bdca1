"""The identity of one record: what the collector must know of it, and no more.

Which events are repeats is decided by `seen_ids` while collecting, and by `record_key` of
default/props.conf in a search.

Field extraction is the work of search-time rules; here only the few lines at the head of a record
are read, in their published order, so that nothing a user typed (a user name comes last) can pose
as them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

# Both generations of the text record, any separator before the colon, line breaks or (in flattened
# copies) single spaces between the keys. Quantifiers are bounded: hostile text costs linear time.
_HEAD = re.compile(
    r"\s{0,8}Time:[ \t]?\d\d/\d\d/\d\d[ ]\d\d:\d\d:\d\d\.\d{1,6},[ ]?"
    r"usecs:(?P<usecs>\d{1,19})(?!\d)"
    r"(?:\s{1,8}Version\ No[ \t]{0,8}:[^\n]{0,120}?(?=\s{1,8}Sequence\ No))?"
    r"(?:\s{1,8}Sequence\ No[ \t]{0,8}:[ \t]{0,8}"
    r"(?P<sequence_no>0x[0-9a-fA-F]{1,16})(?![0-9a-fA-F]))?"
    r"(?:\s{1,8}Reboot\ counter[ \t]{0,8}:[ \t]{0,8}"
    r"(?P<reboot_counter>0x[0-9a-fA-F]{1,8})(?![0-9a-fA-F]))?"
    r"(?:\s{1,8}Opcode[ \t]{0,8}:[^\n]{0,120}?(?=\s{1,8}Command\ Type))?"
    r"(?:\s{1,8}Command\ Type\(hex\)[ \t]{0,8}:[ \t]{0,8}(?P<command_type>\w{1,64}))?",
    re.ASCII,
)

# The two published layouts as HSMs print them, which is what nearly every record is. Whatever this
# accepts, `_HEAD` reads alike; it only takes two thirds of the time.
_USUAL_HEAD = re.compile(
    r"Time: \d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}, usecs:(\d{15,16})\n"
    r"(?:Version No ?: [\d.]{1,16}\n)?"
    r"Sequence No ?: (0x[0-9a-f]{1,16})\n"
    r"Reboot counter ?: (0x[0-9a-f]{1,8})\n"
    r"(?:Opcode ?: \w{1,64} \(0x[0-9a-f]{1,8}\)\n)?"
    r"Command Type\(hex\) ?: (\w{1,64})",
    re.ASCII,
)

_OPTIONAL = ("sequence_no", "reboot_counter", "command_type")

# An HSM clock outside these bounds is not believed: 2000-01-01 and 2100-01-01 in microseconds.
_EARLIEST_USECS = 946_684_800_000_000
_LATEST_USECS = 4_102_444_800_000_000


class Kind(Enum):
    """Which of the two published formats a record has."""

    AUDIT = "audit"
    CERTIFICATE = "certificate"

    # Members are keys for every record; Enum's own hash is a Python function.
    __hash__ = object.__hash__


_AUDIT = Kind.AUDIT


class Record(NamedTuple):
    """What one CloudWatch Logs message says of itself.

    usecs:          microseconds since 1970 UTC by the record's own clock; None if absent or absurd.
    sequence_no:    as printed, e.g. "0x1d"; None if absent. The text form is part of `record_key`.
    reboot_counter: as printed, e.g. "0xe8".
    command_type:   name such as "CN_MGMT_CMD".
    flaws:          why the record is not a complete one; empty for a well-formed record.
    """

    kind: Kind
    usecs: int | None = None
    sequence_no: str | None = None
    reboot_counter: str | None = None
    command_type: str | None = None
    flaws: tuple[str, ...] = ()

    @property
    def sequence(self) -> int | None:
        """The sequence number (0 to 2**64 - 1), or None."""
        return None if self.sequence_no is None else int(self.sequence_no, 16)


class Records(NamedTuple):
    """The identities of a page's records, as columns in the order of `Record`."""

    kinds: Sequence[Kind]
    usecs: Sequence[int | None]
    sequence_nos: Sequence[str | None]
    reboot_counters: Sequence[str | None]
    command_types: Sequence[str | None]
    flaws: Sequence[tuple[str, ...]]

    def of(self, index: int) -> Record:
        """One of them."""
        return _new(Record, [column[index] for column in self])

    def key(self, index: int, hsm_id: str) -> str | None:
        """The `record_key` of one of them, or None."""
        return record_key(self.of(index), hsm_id)


def identify_all(texts: Sequence[str]) -> Records:
    """As `identify` for each; a page of nothing but usual records is read at one go."""
    heads = [head.groups() for head in map(_usual_head, texts) if head]
    if texts and len(heads) == len(texts):
        digits, sequence_nos, reboot_counters, command_types = zip(*heads)
        usecs = [*map(int, digits)]
        if min(usecs) >= _EARLIEST_USECS and max(usecs) < _LATEST_USECS:
            kinds, flaws = [_AUDIT] * len(texts), [()] * len(texts)
            return Records(kinds, usecs, sequence_nos, reboot_counters, command_types, flaws)
    columns = [*zip(*map(identify, texts))] or [()] * len(Record._fields)
    return Records(*columns)


_new = tuple.__new__
_usual_head = _USUAL_HEAD.match


def identify(message: str) -> Record:
    """Read the identity of a message; never raises, whatever the text."""
    head = _usual_head(message)
    if head is None:
        return identify_unusual(message)
    digits, sequence_no, reboot_counter, command_type = head.groups()
    usecs = int(digits)
    if not _EARLIEST_USECS <= usecs < _LATEST_USECS:
        return identify_unusual(message)
    # As Record(...), at a third of its cost.
    return _new(Record, (_AUDIT, usecs, sequence_no, reboot_counter, command_type, ()))


def identify_unusual(message: str) -> Record:
    """As `identify`, for any text; the slower and complete way."""
    if message[:64].lstrip().startswith("{"):
        return _certificate(message)
    head = _HEAD.match(message)
    if head is None:
        return Record(Kind.AUDIT, flaws=("blank" if not message.strip() else "no_time",))
    digits, sequence_no, reboot_counter, command_type = head.groups()
    usecs, flaws = _believable(int(digits))
    if None in (sequence_no, reboot_counter, command_type):
        flaws += tuple(f"no_{name}" for name in _OPTIONAL if head[name] is None)
    return Record(Kind.AUDIT, usecs, sequence_no, reboot_counter, command_type, flaws)


def _certificate(message: str) -> Record:
    """A certificate-storage record is JSON with `timestamp` in milliseconds since 1970."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return Record(Kind.CERTIFICATE, flaws=("not_json",))
    timestamp = body.get("timestamp")
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        return Record(Kind.CERTIFICATE, flaws=("no_time",))
    usecs, flaws = _believable(timestamp * 1000)
    return Record(Kind.CERTIFICATE, usecs, flaws=flaws)


def _believable(usecs: int) -> tuple[int | None, tuple[str, ...]]:
    if _EARLIEST_USECS <= usecs < _LATEST_USECS:
        return usecs, ()
    return None, ("implausible_time",)


def record_key(record: Record, hsm_id: str) -> str | None:
    """`hsm_id|reboot_counter|sequence_no|usecs`, as search time builds it, or None."""
    if record.usecs is None or record.sequence_no is None or record.reboot_counter is None:
        return None
    return f"{hsm_id}|{record.reboot_counter}|{record.sequence_no}|{record.usecs}"
