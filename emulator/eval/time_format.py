"""Time formats: the part of Splunk's strptime/strftime that is documented and modelled here.

Source: Splunk Search Reference, "Date and time format variables". Times are microseconds since the
epoch, so that nothing is lost to floating point.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator.errors import EmulatorError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_VARIABLE = re.compile(r"%(?P<digits>[369])?(?P<letter>[A-Za-z%])|(?P<text>[^%]+)|(?P<bad>%)")
_EXPANDED = {"T": "%H:%M:%S", "F": "%Y-%m-%d"}
_PATTERNS = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>1[0-2]|0?[1-9])",
    "d": r"(?P<d>3[01]|[12]\d|0?[1-9])",
    "e": r"(?P<d>3[01]|[12]\d| ?[1-9])",
    "b": rf"(?P<b>{'|'.join(_MONTHS)})",
    "H": r"(?P<H>2[0-3]|[01]?\d)",
    "I": r"(?P<I>1[0-2]|0?[1-9])",
    "p": r"(?P<p>[AaPp][Mm])",
    "M": r"(?P<M>[0-5]?\d)",
    "S": r"(?P<S>[0-5]?\d)",
    "z": r"(?P<z>[+-]\d{4}|Z)",
    "Z": r"(?P<Z>UTC|GMT)",
    "s": r"(?P<s>\d{1,11})",
    "%": "%",
}
_SUBSECONDS = {"N": 9, "Q": 3, "f": 6}
_NEEDED = (("s",), ("Y", "m", "d"), ("y", "m", "d"), ("Y", "b", "d"), ("y", "b", "d"))


class TimeFormat:
    """A compiled format for reading times."""

    def __init__(self, text: str, pattern: re.Pattern[str]) -> None:
        self.text = text
        self._pattern = pattern
        self.has_zone = bool({"s", "z", "Z"} & set(pattern.groupindex))

    def read(self, text: str, zone: tzinfo, *, complete: bool = False) -> int | None:
        """Microseconds since the epoch of the time that `text` starts with (or is), else None."""
        match = self._pattern.fullmatch(text) if complete else self._pattern.match(text)
        if not match:
            return None
        parts = match.groupdict()
        micros = int(f"{parts.get('sub') or '0':0<6}"[:6])
        if parts.get("s"):
            return int(parts["s"]) * 1_000_000 + micros
        try:
            moment = _moment(parts, zone)
        except ValueError:  # the 31st of February
            return None
        return (moment - _EPOCH) // timedelta(microseconds=1) + micros


@cache
def compile_time_format(text: str) -> TimeFormat:
    """Compile a format for reading. Raises EmulatorError for a variable that is not modelled."""
    pieces = list(_pieces(text))
    pattern = "".join(_reading(index, pieces, text) for index in range(len(pieces)))
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise EmulatorError(f"time format {text!r} has a variable twice: {error}") from error
    if not any(set(needed) <= set(compiled.groupindex) for needed in _NEEDED):
        raise EmulatorError(f"time format {text!r} has no full date and no %s: not modelled")
    return TimeFormat(text, compiled)


def zone_of(name: str) -> tzinfo:
    """The time zone of that tz database name. Raises EmulatorError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
        raise EmulatorError(
            f"unknown time zone {name!r}: use a tz database name, as UTC"
        ) from error


def write_time(usecs: int, text: str) -> str:
    """The time in UTC, written in the format. Raises EmulatorError for unmodelled variables."""
    moment = _EPOCH + timedelta(microseconds=usecs)
    return "".join(_written(moment, usecs, *piece, text) for piece in _pieces(text))


def _pieces(text: str) -> list[tuple[str, str]]:
    """(letter, digits) of each variable, ("", text) for the text between."""
    for short, long in _EXPANDED.items():
        text = text.replace(f"%{short}", long)
    variables = list(_VARIABLE.finditer(text))
    if any(piece["bad"] for piece in variables):
        raise EmulatorError(f"time format {text!r} has a lone or unmodelled '%'")
    return [(piece["letter"] or "", piece["digits"] or piece["text"] or "") for piece in variables]


def _reading(index: int, pieces: list[tuple[str, str]], text: str) -> str:
    """The regular expression for one piece; a subsecond directly after %s takes the last digits."""
    letter, detail = pieces[index]
    if not letter:
        return re.sub(r"\s+", r"\\s+", re.escape(detail).replace("\\ ", " "))
    if letter in _SUBSECONDS and (letter == "f") <= (not detail):
        digits = int(detail or _SUBSECONDS[letter])
        return rf"(?P<sub>\d{{1,{digits}}})" if not detail else rf"(?P<sub>\d{{{digits}}})(?!\d)"
    if letter not in _PATTERNS or detail:
        raise EmulatorError(f"time format {text!r}: %{detail}{letter} is not modelled")
    following = pieces[index + 1][0] if index + 1 < len(pieces) else ""
    if letter == "s" and following not in _SUBSECONDS:
        return _PATTERNS["s"] + r"(?!\d)"
    return _PATTERNS[letter]


def _moment(parts: dict[str, str | None], zone: tzinfo) -> datetime:
    def number(name: str) -> int:
        return int(parts.get(name) or 0)

    year = number("Y") or number("y") + (2000 if number("y") < 69 else 1900)
    month = _MONTHS.index(parts["b"]) + 1 if parts.get("b") else number("m")
    hour = number("H")
    if parts.get("I"):
        hour = number("I") % 12 + (12 if (parts.get("p") or "").lower() == "pm" else 0)
    return datetime(
        year, month, number("d"), hour, number("M"), number("S"), tzinfo=_zone(parts, zone)
    )


def _zone(parts: dict[str, str | None], zone: tzinfo) -> tzinfo:
    if parts.get("Z") or parts.get("z") == "Z":
        return timezone.utc
    offset = parts.get("z")
    if not offset:
        return zone
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


_WRITERS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda moment: f"{moment.year:04d}",
    "y": lambda moment: f"{moment.year % 100:02d}",
    "m": lambda moment: f"{moment.month:02d}",
    "d": lambda moment: f"{moment.day:02d}",
    "e": lambda moment: f"{moment.day:2d}",
    "b": lambda moment: _MONTHS[moment.month - 1],
    "H": lambda moment: f"{moment.hour:02d}",
    "I": lambda moment: f"{(moment.hour - 1) % 12 + 1:02d}",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "M": lambda moment: f"{moment.minute:02d}",
    "S": lambda moment: f"{moment.second:02d}",
    "z": lambda _moment: "+0000",
    "Z": lambda _moment: "UTC",
    "%": lambda _moment: "%",
}


def _written(moment: datetime, usecs: int, letter: str, detail: str, text: str) -> str:
    if not letter:
        return detail
    if letter == "s":
        return str(usecs // 1_000_000)
    if letter in _SUBSECONDS:
        return f"{usecs % 1_000_000:06d}000"[: int(detail or _SUBSECONDS[letter])]
    if letter not in _WRITERS or detail:
        raise EmulatorError(f"time format {text!r}: %{detail}{letter} is not modelled")
    return _WRITERS[letter](moment)
