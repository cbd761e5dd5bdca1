"""The functions' own log: JSON lines with the event, its location and the next step."""

from __future__ import annotations

import json


def log(event: str, message: str, **details: object) -> None:
    """Write one line to the function's log group; JSON, since parts of it may be any text."""
    print(json.dumps({"event": event, "message": message, **details}), flush=True)
