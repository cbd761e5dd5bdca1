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
    """A compiled format; `wants` is the number of values that it takes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._conversions = [one for one in _CONVERSION.finditer(text) if not one["percent"]]
        self.wants = len(self._conversions)
        for found in self._conversions:
            if not _is_modelled(found):
                raise EvalError(f"printf(): {found.group()!r} is not modelled in {text!r}")

    def write(self, values: Sequence[Value]) -> str | None:
        """The text; NULL if a value is NULL, or text where a number belongs."""
        written = [_written(one, value) for one, value in zip(self._conversions, values)]
        if None in written:
            return None
        following = iter(written)
        return _CONVERSION.sub(
            lambda found: "%" if found["percent"] else str(next(following)), self._text
        )


def _kind(found: re.Match[str]) -> str:
    letter = found["type"] or "?"
    return _ALIASES.get(letter, letter)


def _is_modelled(found: re.Match[str]) -> bool:
    kind = _kind(found)
    return kind in _TYPES and ("'" not in found["flags"] or kind in "dfF")


def _written(found: re.Match[str], value: Value) -> str | None:
    kind, number = _kind(found), number_of(value)
    if kind == "s" or (kind == "c" and number is None):
        text = text_of(value, "printf()")
        return None if text is None else _padded(found, text[:1] if kind == "c" else text)
    if number is None:
        return None
    converted = float(number) if kind in _FLOATS else int(number)
    if "'" in found["flags"]:
        return _grouped(found, converted)
    form = f"%{found['flags']}{found['width']}{found['digits'] or ''}{kind}"
    return form % converted


def _padded(found: re.Match[str], text: str) -> str:
    return f"%{found['flags']}{found['width']}{found['digits'] or ''}s" % text


def _grouped(found: re.Match[str], number: float) -> str:
    """With commas between thousands."""
    text = f"{number:,}" if isinstance(number, int) else f"{number:,{found['digits'] or '.6'}f}"
    width = int(found["width"] or 0)
    return text.ljust(width) if "-" in found["flags"] else text.rjust(width)
