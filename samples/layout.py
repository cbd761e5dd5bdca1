"""The text of one audit record, in both generations and all published separators. Pure.

Sources. Older generation: the examples in the AWS CloudHSM user guide, "Interpreting HSM audit
logs", and the test fixtures of alphagov's CloudWatch decoder (separator of padding tabs). Newer
generation: no complete record is public; the order of its lines is the one that the parser of the
SIEM on Amazon OpenSearch Service accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from samples.codes import Coded, Response

_EPOCH = datetime(1970, 1, 1)  # no zone: records are UTC and print none
_VALUE_COLUMN = 24
_TAB_WIDTH = 8
# No value of this line is public; the digit is a stand-in.
STAND_IN_VERSION = "1"


class Generation(str, Enum):
    """Which of the two sets of lines an HSM prints."""

    OLDER = "older"
    NEWER = "newer"


class Separator(str, Enum):
    """The blank between a key and its colon; the same in all records of a stream."""

    SPACE = "space"
    NONE = "none"
    TAB = "tab"
    PADDING_TABS = "padding tabs"

    def after(self, key: str) -> str:
        """The blank between `key` and the colon."""
        if self is Separator.PADDING_TABS:
            # The published fixture fills up to column 24, for short and for long keys.
            return "\t" * max(1, -(-(_VALUE_COLUMN - len(key)) // _TAB_WIDTH))
        return {Separator.SPACE: " ", Separator.NONE: "", Separator.TAB: "\t"}[self]


@dataclass(frozen=True)
class Record:
    """The values of one record. Times in microseconds since 1970 (UTC), all counters as numbers.

    `lines` are the last lines, key and value, in their order. `user_id` is printed by the newer
    generation only.
    """

    usecs: int
    sequence: int
    reboot_counter: int
    command_type: Coded
    opcode: Coded
    session_handle: int
    response: Response
    log_type: Coded
    lines: tuple[tuple[str, str], ...] = ()
    user_id: int | None = None


def clock_text(usecs: int) -> str:
    """`mm/dd/yy HH:MM:SS.ffffff` in UTC."""
    return (_EPOCH + timedelta(microseconds=usecs)).strftime("%m/%d/%y %H:%M:%S.%f")


def coded_text(coded: Coded) -> str:
    """`NAME (n)`, decimal, as log types and user types are printed."""
    return f"{coded.name} ({coded.code})"


def render(record: Record, generation: Generation, separator: Separator) -> str:
    """The record's text: lines joined by a newline, none at the end.

    A value is printed unchanged: a user name that contains a newline breaks the line, as it would
    in a device that does not check names.
    """
    first = f"Time: {clock_text(record.usecs)}, usecs:{record.usecs}"
    lines = [*_head(record, generation), *record.lines]
    return "\n".join([first, *(f"{key}{separator.after(key)}: {value}" for key, value in lines)])


def _head(record: Record, generation: Generation) -> Iterator[tuple[str, str]]:
    command_type = ("Command Type(hex)", _hex_coded(record.command_type))
    opcode = ("Opcode", _hex_coded(record.opcode))
    if generation is Generation.NEWER:
        yield "Version No", STAND_IN_VERSION
    yield "Sequence No", f"{record.sequence:#x}"
    yield "Reboot counter", f"{record.reboot_counter:#x}"
    if generation is Generation.NEWER:
        yield from (opcode, command_type)
        if record.user_id is not None:
            yield "User id", str(record.user_id)
    else:
        yield from (command_type, opcode)
    yield "Session Handle", f"{record.session_handle:#x}"
    yield "Response", f"{record.response.code}:{record.response.text}"
    yield "Log type", coded_text(record.log_type)


def _hex_coded(coded: Coded) -> str:
    return f"{coded.name} ({coded.code:#x})"
