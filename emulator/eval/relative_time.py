"""Relative time modifiers, `-7d@h`: an offset from a moment, then a snap to the unit's beginning.

Source: Search Manual, "Specify time modifiers in your search". In UTC (Splunk takes the user's time
zone), where every day has 24 hours.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

from emulator.errors import SearchError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MONTHS = {"mon": 1, "q": 3, "y": 12}
_NAMES = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
    **dict.fromkeys(("mon", "month", "months"), "mon"),
    **dict.fromkeys(("q", "qtr", "qtrs", "quarter", "quarters"), "q"),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), "y"),
}
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<number>\d{0,9})(?P<unit>[a-z]+)")
_SNAP = re.compile(r"@(?:w(?P<weekday>[0-7])|(?P<unit>[a-z]+))")
# 1970-01-04 was a Sunday, which is day 0 of Splunk's week.
_FIRST_SUNDAY = 3 * _SECONDS["d"]


def relative_time(now: float, modifier: str) -> float:
    """The moment that `modifier` names, relative to `now`; both in epoch seconds.

    Parts apply from left to right; a number alone is epoch seconds. Raises SearchError for what is
    malformed or not modelled.
    """
    if modifier == "now":
        return now
    if re.fullmatch(r"\d{1,11}(?:\.\d+)?", modifier):
        return float(modifier)
    moment, position = now, 0
    while position < len(modifier):
        match = _OFFSET.match(modifier, position) or _SNAP.match(modifier, position)
        if match is None:
            break
        moment = _applied(moment, match, modifier)
        position = match.end()
    if not modifier or position < len(modifier):
        raise SearchError(f"Invalid relative time {modifier!r}: write for example -7d@h or now")
    return moment


def _applied(moment: float, match: re.Match[str], modifier: str) -> float:
    groups = match.groupdict()
    if groups.get("weekday") is not None:
        day = int(groups["weekday"])  # 0 and 7 are Sunday
        return moment - (moment - _FIRST_SUNDAY - day * _SECONDS["d"]) % _SECONDS["w"]
    unit = _NAMES.get(groups["unit"])
    if unit is None:
        raise SearchError(
            f"the emulator does not model the unit {groups['unit']!r} of {modifier!r}"
        )
    offset = "sign" in groups
    number = int(f"{groups['sign']}{groups['number'] or 1}") if offset else 0
    try:
        if unit in _MONTHS:
            moved = _months_later(moment, number * _MONTHS[unit])
            return moved if offset else _first_of(moment, _MONTHS[unit])
    except (ValueError, OverflowError) as error:
        raise SearchError(f"{modifier!r} leads to a date that does not exist: {error}") from error
    if offset:
        return moment + number * _SECONDS[unit]
    return moment - (moment - (_FIRST_SUNDAY if unit == "w" else 0)) % _SECONDS[unit]


def _months_later(moment: float, months: int) -> float:
    """The same day and clock of another month. ValueError: that month has no such day."""
    day = datetime.fromtimestamp(moment // 1, timezone.utc)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1).timestamp() + moment % 1


def _first_of(moment: float, months: int) -> float:
    """The beginning of the month, quarter or year."""
    day = datetime.fromtimestamp(moment // 1, timezone.utc)
    month = (day.month - 1) // months * months + 1
    return datetime(day.year, month, 1, tzinfo=timezone.utc).timestamp()
