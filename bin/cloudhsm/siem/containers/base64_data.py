"""Payloads inside strings: Base64 of gzip or of text. Pure.

Lambda gets {"awslogs": {"data": Base64 of gzip}}, Kinesis and Firehose {"data": Base64}.
"""

from __future__ import annotations

import base64
import re

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}\s*", re.ASCII)
# gzip, and text that begins as JSON, CSV, YAML or a record does, with or without a mark.
_BEGINS = ("H4sI", "ey", "ew", "W3", "Ww", "Cg", "VGltZT", "77u/", "//5", "/v8", "IC", "IH")


def payload(text: str) -> bytes | None:
    """The bytes that a string of Base64 stands for; None if it is no such string."""
    if not text.startswith(_BEGINS) or not _BASE64.fullmatch(text):
        return None
    standard = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        return None
