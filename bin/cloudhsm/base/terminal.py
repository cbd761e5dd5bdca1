"""Text for a terminal: names from logs, states and settings never control it."""

from __future__ import annotations

import sys
from typing import TextIO


def printable(text: object) -> str:
    """The text with every character that controls a terminal, or is invisible there, as an escape.

    Line breaks stay. Control characters, bidirectional overrides, and what cannot be encoded become
    `\\x1b`, `\\u202e` and the like.
    """
    return "".join(
        char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in str(text)
    )


def show(text: object, file: TextIO | None = None) -> None:
    """Print it to `file`, which is stdout unless given."""
    output = sys.stdout if file is None else file
    encoding = output.encoding or "ascii"
    shown = printable(text).encode(encoding, "backslashreplace").decode(encoding)
    print(shown, file=output)
