"""Records that were never published, made by rule: the inferred half of the golden files. Pure.

`samples.details` lists what is known and what is inferred. Every number here that no public text
gives is a stand-in, the same one everywhere, and no statement about real HSMs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from samples import codes
from samples.codes import Coded, Response
from samples.details import Detail, Line, log_type_and_lines
from samples.layout import Generation, Record, Separator, render

_BASE_USECS = 1_650_000_000_000_000  # April 2022, when both generations were seen in one cluster
REBOOT_COUNTER = 0x107
SESSION = 0x7014006
ACTOR_ID = 3
STAND_IN_OPCODE = 0x9000
STAND_IN_RESPONSE = 9000


@dataclass(frozen=True)
class Sample:
    """One record under a name that describes it; `lines` are those that it has.

    `lines`: key and value of every line but the first, where a test asks for them.
    """

    name: str
    text: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """The records of one golden file; `indented`: few enough for a person to read their fields."""

    name: str
    samples: Sequence[Sample]
    sourcetype: str = "aws:cloudhsm:audit"
    indented: bool = False


def usecs_of(name: str) -> int:
    """When the record of this name was written, in microseconds since 1970.

    From the name alone, so that a new record changes no other.
    """
    return _BASE_USECS + zlib.crc32(name.encode()) * 1009


def basic(
    name: str,
    opcode: Coded,
    response: Response = codes.SUCCESS,
    command_type: Coded = codes.MGMT_CMD,
    user_id: int | None = ACTOR_ID,
) -> Record:
    """A record without details."""
    usecs = usecs_of(name)
    sequence = zlib.crc32(name.encode()) & 0xFFFF
    log_type = codes.MINIMAL_LOG
    return Record(
        usecs,
        sequence,
        REBOOT_COUNTER,
        command_type,
        opcode,
        SESSION,
        response,
        log_type,
        user_id=user_id,
    )


def detailed(record: Record, detail: Detail, generation: Generation) -> Record:
    """The same record with the log type and the last lines of this detail."""
    log_type, lines = log_type_and_lines(detail, generation, record.usecs)
    return replace(record, log_type=log_type, lines=lines)


def printed(
    name: str,
    record: Record,
    generation: Generation,
    separator: Separator = Separator.SPACE,
) -> Sample:
    """The record as an HSM of this generation prints it."""
    return Sample(name, render(record, generation, separator))


def on_one_line(text: str) -> str:
    """A record as it is in copies of AWS's web page: single blanks, no line ends."""
    return " ".join(text.replace("\t", " ").split())


def lines_of(text: str) -> Iterator[Line]:
    """Key and value of each line but the first; the first colon of a line ends its key."""
    for line in text.split("\n")[1:]:
        key, _, value = line.partition(":")
        yield key.rstrip(), value.strip()
