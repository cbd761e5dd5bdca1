"""Times and numbers as JSON has them."""

from __future__ import annotations

from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # of UTC; one that knows its zone takes twice the time
_LARGEST = 2**53  # above it, readers of JSON lose digits


def instant(usecs: int) -> str | None:
    """ISO 8601 in UTC with microseconds; None for microseconds since 1970 that no calendar has."""
    try:
        moment = _EPOCH + timedelta(microseconds=usecs)
    except OverflowError:
        return None
    return moment.isoformat(timespec="microseconds") + "Z"


def number(text: object) -> int | None:
    """The number of a hexadecimal text such as 0x1d, if JSON can hold it."""
    try:
        found = int(text, 16) if isinstance(text, str) and len(text) <= 20 else -1
    except ValueError:
        return None
    return found if 0 <= found <= _LARGEST else None
