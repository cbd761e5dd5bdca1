"""Spans of time, as in `span=5m`: how long a bin is, and where the bin of a time begins."""

from __future__ import annotations

import re

from emulator.errors import SearchError

_SPAN = re.compile(r"(?P<number>\d+)(?P<unit>[smhd])")
_THRESHOLDS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 86_400)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(span: str, command: str) -> int:
    """The seconds of `30s`, `5m`, `1h`, `1d`. Raises SearchError for other forms.

    Search Reference, "bin": a day begins at midnight in the user's time zone, which is UTC here;
    where several days begin is not documented, so that is refused.
    """
    match = _SPAN.fullmatch(span)
    seconds = int(match["number"]) * _UNITS[match["unit"]] if match else 0
    if match is None or seconds == 0 or (match["unit"] == "d" and seconds > _UNITS["d"]):
        raise SearchError(f"{command}: span={span} is not modelled: write 30s, 5m, 1h or 1d")
    return seconds


def chosen_span(seconds: float, bins: int, least: int) -> int:
    """The seconds of a bin where no span is given, so that there are at most so many bins.

    Search Reference, "timechart", "Spans used when minspan is specified". Raises SearchError where
    that would be 30 days: whether they are counted or those of the calendar is not documented.
    """
    for span in _THRESHOLDS:
        if span >= least and seconds / span <= bins:
            return span
    raise SearchError(f"timechart: {bins} bins of a day are too few for this time range")


def bin_start(number: float, span: int) -> int:
    """The beginning of the bin of `number`; bins are counted from 0, so from 1970."""
    return int(number // span) * span
