"""Fields of a JSON text, named as Splunk's KV_MODE=json and `spath` name them.

`a.b` for members, `a{}` for the elements of a list, `a{}.b` for members of its elements.
Values keep their spelling in the text (1.50 stays 1.50). Source: Search Reference, "spath".
"""

from __future__ import annotations

import contextlib
import json
import re

from emulator.errors import EvalError

EXTRACTION_CUTOFF = 5000  # bytes; limits.conf.spec, [spath] extraction_cutoff

_STEP = re.compile(r"(?P<name>[^.{}]+)?(?P<index>\{\d*\})?(?:\.|\Z)")
_BLANKS = " \t\r\n"
_BLANK = re.compile(rf"[{_BLANKS}]*")
_LITERAL = re.compile(r"-?\d[-+.eE\d]*|true|false|null")
_DECODE = json.JSONDecoder()


def is_json(text: str) -> bool:
    """Whether the text is one JSON object or array (bare numbers and strings have no fields)."""
    return _parsed(text) is not None


def json_fields(text: str, cutoff: int = EXTRACTION_CUTOFF) -> dict[str, list[str]]:
    """Field name -> values in order; {} when the text is no JSON object or array.

    Values that end after the first `cutoff` bytes are left out, as Splunk leaves them.
    """
    if not is_json(text):
        return {}
    scan = _Scan(text, _characters_within(text, cutoff))
    with contextlib.suppress(_CutOffError):
        scan.value(len(text) - len(text.lstrip(_BLANKS)), "")
    return scan.fields


def json_at(text: str, path: str) -> list[str] | None:
    """The values at an spath-like path (`a.b{0}.c`, `{}` for all), or None when `text` is no JSON.

    Objects and arrays come as JSON text. Raises EvalError for a malformed path.
    """
    document = _parsed(text)
    if document is None:
        return None
    values: list[object] = [document]
    for name, index in _steps(path):
        values = [below for value in values for below in _below(value, name, index)]
    return [_spelled(value) for value in values]


class _CutOffError(Exception):
    """The cut-off is reached; the fields so far are kept."""


class _Scan:
    """One walk over a text that is known to be valid JSON."""

    def __init__(self, text: str, end: int) -> None:
        self.fields: dict[str, list[str]] = {}
        self._text = text
        self._end = end

    def value(self, at: int, name: str) -> int:
        """Scan the value at `at` and return where it ends, the blanks after it included."""
        first = self._text[at]
        if first in "{[":
            end = self._container(at, name, first)
        elif first == '"':
            decoded, end = _DECODE.raw_decode(self._text, at)
            self._add(name, decoded, end)
        else:
            literal = _LITERAL.match(self._text, at)
            end = literal.end() if literal else at + 1
            self._add(name, self._text[at:end], end)
        return self._blank(end)

    def _container(self, at: int, name: str, opening: str) -> int:
        closing = "}" if opening == "{" else "]"
        at = self._blank(at + 1)
        while self._text[at] != closing:
            below = f"{name}{{}}"
            if opening == "{":
                key, at = _DECODE.raw_decode(self._text, at)
                at = self._blank(self._blank(at) + 1)
                below = f"{name}.{key}" if name else key
            at = self.value(at, below)
            if self._text[at] == ",":
                at = self._blank(at + 1)
        return at + 1

    def _add(self, name: str, value: str, end: int) -> None:
        if end > self._end:
            raise _CutOffError
        self.fields.setdefault(name, []).append(value)

    def _blank(self, at: int) -> int:
        match = _BLANK.match(self._text, at)
        return match.end() if match else at


def _characters_within(text: str, limit: int) -> int:
    """The number of characters in the first `limit` bytes of the text."""
    head = text[:limit]
    return len(head) if head.isascii() else len(head.encode()[:limit].decode(errors="ignore"))


def _parsed(text: str) -> object | None:
    if not text.lstrip(_BLANKS).startswith(("{", "[")):
        return None
    try:
        document: object = json.loads(text, parse_float=_Spelling, parse_int=_Spelling)
    except (ValueError, RecursionError):
        return None
    return document


class _Spelling(str):
    """A number as it is written."""

    __slots__ = ()


def _steps(path: str) -> list[tuple[str, str]]:
    steps, position = [], 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match or not (match["name"] or match["index"]):
            raise EvalError(f"malformed JSON path {path!r}: write it as a.b{{0}}.c")
        steps.append((match["name"] or "", match["index"] or ""))
        position = match.end()
    return steps


def _below(value: object, name: str, index: str) -> list[object]:
    if name:
        if not isinstance(value, dict) or name not in value:
            return []
        value = value[name]
    if not index:
        return [value]
    if not isinstance(value, list):
        return []
    if index == "{}":
        return value
    position = int(index[1:-1])
    return value[position : position + 1]


def _spelled(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def _plain(value: object) -> object:
    """The value with its numbers as numbers again."""
    if isinstance(value, _Spelling):
        return float(value) if set(value) & set(".eE") else int(value)
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    return value
