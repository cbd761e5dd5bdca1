"""Relative time modifiers, `-7d@h`: an offset from a moment, then a snap to the unit's beginning.

Source: Search Manual, "Specify time modifiers in your search". In UTC (Splunk takes the user's time
zone). Months, quarters and years are not modelled.
"""

from __future__ import annotations

import re

from preview.errors import SearchError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_NAMES = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<number>\d*)(?P<unit>[a-z]+)")
_SNAP = re.compile(r"@(?:w(?P<weekday>[0-7])|(?P<unit>[a-z]+))")
# 1970-01-04 was a Sunday, which is day 0 of Splunk's week.
_FIRST_SUNDAY = 3 * 86400


def relative_time(now: float, modifier: str) -> float:
    """The moment that `modifier` names, seen from `now`; both in epoch seconds.

    Parts apply from left to right; a number alone is epoch seconds. Raises SearchError for what is
    malformed or not modelled.
    """
    if modifier == "now":
        return now
    if re.fullmatch(r"\d{1,11}(?:\.\d+)?", modifier):
        return float(modifier)
    moment, place = now, 0
    while place < len(modifier):
        found = _OFFSET.match(modifier, place) or _SNAP.match(modifier, place)
        if found is None:
            break
        moment = _applied(moment, found, modifier)
        place = found.end()
    if not modifier or place < len(modifier):
        raise SearchError(f"Invalid relative time {modifier!r}: write for example -7d@h or now")
    return moment


def _applied(moment: float, found: re.Match[str], modifier: str) -> float:
    groups = found.groupdict()
    if groups.get("weekday") is not None:
        day = int(groups["weekday"]) % 7
        start = _FIRST_SUNDAY + day * _UNITS["d"]
        return moment - (moment - start) % _UNITS["w"]
    unit = _NAMES.get(groups["unit"])
    if unit is None:
        raise SearchError(f"preview does not model the unit {groups['unit']!r} of {modifier!r}")
    if "sign" in groups:
        distance = int(groups["number"] or 1) * _UNITS[unit]
        return moment + (distance if groups["sign"] == "+" else -distance)
    start = _FIRST_SUNDAY if unit == "w" else 0
    return moment - (moment - start) % _UNITS[unit]
