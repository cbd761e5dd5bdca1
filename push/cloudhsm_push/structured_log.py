"""The functions' own log: JSON lines that say what, where and what to do next."""

from __future__ import annotations

import json


def tell(event: str, message: str, **details: object) -> None:
    """One line into the function's log group; JSON, since part of it may be anybody's text."""
    print(json.dumps({"event": event, "message": message, **details}), flush=True)
