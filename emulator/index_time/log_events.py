"""CloudWatch Logs events, indexed under the identity that the collector gives them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from emulator.errors import StreamError
from emulator.event import IndexedEvent

ACCOUNT, REGION = "111122223333", "us-east-1"
_NAMES = {"logGroup": str, "logStream": str, "timestamp": int, "message": str}
# A record begins with the HSM's clock, in microseconds; an object of a certificate store does not.
_CLOCK = re.compile(r"\s{0,8}Time:[^\n]{0,60}?usecs:(?P<usecs>\d{15,16})(?!\d)")


def log_event(group: str, stream: str, timestamp_ms: int, message: str) -> IndexedEvent:
    """The event of one record; source and source type differ for HSMs and certificate stores."""
    clock = _CLOCK.match(message)
    kind = "certificate" if stream.startswith("cluster-") else "audit"
    return IndexedEvent(
        raw=message,
        time_usecs=int(clock["usecs"]) if clock else timestamp_ms * 1_000,
        host=stream,
        source=f"{ACCOUNT}:{REGION}:{group}:{stream}",
        sourcetype=f"aws:cloudhsm:{kind}",
        index="main",
    )


def from_json_lines(lines: Iterable[bytes]) -> Iterator[IndexedEvent]:
    """One event per line, with the names of the CloudWatch Logs API, as `python -m samples` writes.

    Raises StreamError with the line's number.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError as error:
            raise StreamError(f"line {number} is no JSON: {error}") from error
        wrong = [
            name
            for name, kind in _NAMES.items()
            if not isinstance(event, dict) or type(event.get(name)) is not kind
        ]
        if wrong:
            raise StreamError(f"line {number} needs {', '.join(wrong)}: one CloudWatch Logs event")
        yield log_event(*(event[name] for name in _NAMES))
