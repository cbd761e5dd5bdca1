"""The format of eval's printf. Source: Search Reference, "Conversion functions"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from emulator.errors import EvalError
from emulator.eval.values import Value, number_of, text_of

_CONVERSION = re.compile(
    r"""%(?:(?P<percent>%)
    | (?P<flags>[-+ 0#']*)(?P<width>\d*)(?P<digits>\.\d*)?(?P<type>.)?)""",
    re.DOTALL | re.VERBOSE,
)
_ALIASES = {"i": "d", "u": "d", "z": "s", "p": "X"}
_TYPES = "sdxXocfFeEgG"
_FLOATS = "fFeEgG"


class PrintFormat:
    """A compiled format; `value_count` is the number of values that it takes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._conversions = [match for match in _CONVERSION.finditer(text) if not match["percent"]]
        self.value_count = len(self._conversions)
        for match in self._conversions:
            if not _is_modelled(match):
                raise EvalError(f"printf(): {match.group()!r} is not modelled in {text!r}")

    def write(self, values: Sequence[Value]) -> str | None:
        """The text; NULL if a value is NULL, or text where a number belongs."""
        written = [_written(match, value) for match, value in zip(self._conversions, values)]
        if None in written:
            return None
        following = iter(written)
        return _CONVERSION.sub(
            lambda match: "%" if match["percent"] else str(next(following)), self._text
        )


def _kind(match: re.Match[str]) -> str:
    letter = match["type"] or "?"
    return _ALIASES.get(letter, letter)


def _is_modelled(match: re.Match[str]) -> bool:
    kind = _kind(match)
    return kind in _TYPES and ("'" not in match["flags"] or kind in "dfF")


def _written(match: re.Match[str], value: Value) -> str | None:
    kind, number = _kind(match), number_of(value)
    if kind == "s" or (kind == "c" and number is None):
        text = text_of(value, "printf()")
        return None if text is None else _padded(match, text[:1] if kind == "c" else text)
    if number is None:
        return None
    converted = float(number) if kind in _FLOATS else int(number)
    if "'" in match["flags"]:
        return _grouped(match, converted)
    form = f"%{match['flags']}{match['width']}{match['digits'] or ''}{kind}"
    return form % converted


def _padded(match: re.Match[str], text: str) -> str:
    return f"%{match['flags']}{match['width']}{match['digits'] or ''}s" % text


def _grouped(match: re.Match[str], number: float) -> str:
    """With commas between thousands."""
    text = f"{number:,}" if isinstance(number, int) else f"{number:,{match['digits'] or '.6'}f}"
    width = int(match["width"] or 0)
    return text.ljust(width) if "-" in match["flags"] else text.rjust(width)
