"""Text into tokens, for every expression language that the emulator reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from emulator.errors import EmulatorError

Token = tuple[str, str]


def tokens(
    pattern: re.Pattern[str],
    text: str,
    unescape: Mapping[str, Callable[[str], str]],
    malformed: Callable[[str], EmulatorError],
) -> list[Token]:
    """(kind, value) of every token, the last one of kind "end".

    pattern: one named group per kind, `end` among them. unescape: by kind, what turns the text of
    a token into its value. malformed: makes the error for the rest that the pattern does not match.
    """
    parsed: list[Token] = []
    position = 0
    while not parsed or parsed[-1][0] != "end":
        match = pattern.match(text, position)
        if not match:
            raise malformed(text[position:].strip()[:20])
        kind = match.lastgroup or "end"
        value = match[kind]
        parsed.append((kind, unescape[kind](value) if kind in unescape else value))
        position = match.end()
    return parsed
