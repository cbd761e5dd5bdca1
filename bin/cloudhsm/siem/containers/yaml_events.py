"""What the AWS CLI prints with --output yaml and yaml-stream, event by event.

Only the block form that the AWS CLI writes is read: keys with plain, quoted or literal values, in
lists. A value is folded as YAML 1.1 does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cloudhsm.siem.containers.event_names import NO_NAMES, Names, names_in
from cloudhsm.siem.containers.json_events import Item, is_text_key, items_in
from cloudhsm.siem.containers.record_heads import HEAD, MOST_RECORD
from cloudhsm.siem.containers.text_buffer import TextBuffer

_PAIR = re.compile(
    r"(?P<indent> *)(?P<items>(?:- +)*)"
    r"(?:(?P<key>[\w@.-]{1,80}|'[^'\r\n]{1,80}'|\"[^\"\r\n]{1,80}\"):"
    r"(?=[ \r\n]|\Z) *)?"
)
_QUOTED = {
    "'": re.compile(r"'(?:[^']|'')*'"),
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
}
_LEFT_MARGIN = re.compile(r"[\r\n]+(?=[^ \t\r\n])")
_REST = re.compile(r"[^\r\n]*")
_LINE_END = re.compile(r"[ \t]*(?:\r?\n|\r|\Z)")
_FOLD = re.compile(r"[ \t]*\r?\n((?:[ \t]*\r?\n)*)[ \t]*")
_JOINED = re.compile(r"\\\r?\n[ \t]*")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPES = {
    **{"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f"},
    **{"v": "\v", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"},
}
_BEGINS = re.compile(
    r"(?:---[^\r\n]*[\r\n]+)?(?:[ \t]*(?:- +)*[\w@'\"-]{1,80}:(?: [^\r\n]*)?[\r\n]+){1,40}"
)
_YAML_LINE = re.compile(r"[ \t]*(?:- +)*[\w@'\"-]{1,80}:(?: |$)|[ \t]*- ")
_HAS_TEXT = re.compile(r"(?m)^[ -]*['\"]?([\w@.]{1,80})['\"]?: *(?:['\"|>]|\[\]|$)")


def begins_yaml(text: str, at: int) -> bool:
    """Whether YAML with log events begins at this line."""
    if HEAD.match(text, at) or not _BEGINS.match(text, at):
        return False
    keys = (match[1] for match in _HAS_TEXT.finditer(text, at, at + 4000))
    first = _PAIR.match(text, at)
    is_list = text[at : at + 3] == "---" or (
        first is not None and (first["items"] or _is_open(text, at))
    )
    return bool(is_list) and any(is_text_key(key) or key in ("events", "results") for key in keys)


def is_yaml(text: str, at: int, end: int) -> bool:
    """Whether every line between two places is one of YAML."""
    lines = text[at:end].splitlines()
    return all(line.startswith("---") or _YAML_LINE.match(line) for line in lines if line.strip())


def _is_open(text: str, at: int) -> bool:
    """Whether the first line is a key without a value, or with a list."""
    line = _REST.match(text, at)
    if line is not None and re.fullmatch(r"\w+:\s*(?:\[\])?", line[0]):
        return True
    return re.search(r"(?m)^\s*- +\w+:", text[at : at + 2000]) is not None


class YamlReader:
    """Reads a document from a buffer's position on, up to what is no part of one."""

    def __init__(self, buffer: TextBuffer, around: Names) -> None:
        self._buffer = buffer
        self._around = around
        self._event: dict[str, object] = {}
        self._outer: dict[str, object] = {}
        self._field: str | None = None
        self._depth = 0  # of the list whose element the event is

    def items(self) -> Iterator[Item]:
        """The items of the events."""
        buffer = self._buffer
        while buffer.ensure(1 << 16) or buffer.at < len(buffer.text):
            end = _LINE_END.match(buffer.text, buffer.at)
            if end and end.end() > buffer.at:
                buffer.at = end.end()
                continue
            if buffer.text.startswith(("---", "..."), buffer.at):
                yield from self._flush()
                buffer.at = self._rest_end()
                continue
            pair = _PAIR.match(buffer.text, buffer.at)
            if (
                pair is None
                or HEAD.match(buffer.text, buffer.at)
                or not (pair["key"] or pair["items"])
            ):
                break
            yield from self._pair(pair)
        yield from self._flush()

    def _rest_end(self) -> int:
        rest = _REST.match(self._buffer.text, self._buffer.at)
        return rest.end() if rest else self._buffer.at

    def _pair(self, pair: re.Match[str]) -> Iterator[Item]:
        depth = len(pair["indent"]) + len(pair["items"])
        is_row = pair["items"].count("-") > 1 or (pair["items"] and self._field is None)
        if is_row or depth < self._depth:
            yield from self._flush()
        if pair["items"] or depth < self._depth:
            self._depth = depth if pair["items"] else 0
        key = (pair["key"] or "").strip("'\"")
        self._buffer.at = pair.end()
        value = self._value(len(pair["indent"]) + len(pair["items"]))
        self._keep(key, value, depth)

    def _keep(self, key: str, value: str | None, depth: int) -> None:
        if value is None:
            return
        if key in ("field", "value") and (key == "field" or self._field is not None):
            if key == "field":
                self._field = value
            else:
                self._event[str(self._field)] = value
        elif self._depth and depth >= self._depth:
            self._event[key or f"item {len(self._event)}"] = value
        else:
            self._outer[key] = value

    def _flush(self) -> list[Item]:
        event, self._event = self._event, {}
        self._field = None
        outer = names_in(self._outer) if self._outer else NO_NAMES
        if not event and any(
            isinstance(one, str) and HEAD.match(one) for one in self._outer.values()
        ):
            event, self._outer = self._outer, {}
        return items_in(event, outer.over(self._around), True) if event else []

    def _value(self, indent: int) -> str | None:
        """The value after a key; None where there is none on its line."""
        buffer = self._buffer
        mark = buffer.text[buffer.at : buffer.at + 1]
        if mark in _QUOTED:
            return self._quoted(mark)
        rest = _REST.match(buffer.text, buffer.at)
        text = rest[0].strip() if rest else ""
        buffer.at = rest.end() if rest else buffer.at
        if re.fullmatch(r"[|>][+-]?\d?", text):
            return self._block(indent, text)
        return text or None

    def _quoted(self, mark: str) -> str:
        buffer = self._buffer
        while True:
            quoted = _QUOTED[mark].match(buffer.text, buffer.at)
            if (
                quoted is not None
                or len(buffer.text) - buffer.at > MOST_RECORD
                or not buffer.more()
            ):
                break
        text = quoted[0] if quoted else buffer.text[buffer.at : buffer.at + MOST_RECORD]
        left = _LEFT_MARGIN.search(text)
        if quoted is None or left is not None:  # its end is missing
            text = text[: left.start()] if left else text
            buffer.at += len(text)
            return text[1:]
        buffer.at = quoted.end()
        inside = quoted[0][1:-1]
        if mark == "'":
            return _folded(inside.replace("''", "'"))
        return _ESCAPE.sub(_character, _folded(_JOINED.sub("", inside)))

    def _block(self, indent: int, style: str) -> str:
        """A literal or folded block: the lines that are indented more than the key."""
        buffer = self._buffer
        end = _LINE_END.match(buffer.text, buffer.at)
        buffer.at = end.end() if end else buffer.at
        lines: list[str] = []
        inner = 0
        while buffer.ensure(1 << 14) or buffer.at < len(buffer.text):
            line = _REST.match(buffer.text, buffer.at)
            text = line[0] if line else ""
            spaces = len(text) - len(text.lstrip(" "))
            if text.strip() and not inner:
                inner = spaces
            if text.strip() and (spaces < inner or inner <= indent - 2):
                break
            lines.append(text[inner:])
            after = re.compile(r"\r?\n|\r|\Z").match(buffer.text, buffer.at + len(text))
            buffer.at = after.end() if after else len(buffer.text)
        content = ("\n" if style[0] == "|" else " ").join(lines)
        return content.rstrip("\n ") if "+" not in style else content


def _folded(text: str) -> str:
    """One line end becomes a space, of several all but the first stay."""
    if "\n" not in text:
        return text
    return _FOLD.sub(lambda fold: "\n" * fold[1].count("\n") or " ", text)


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)
