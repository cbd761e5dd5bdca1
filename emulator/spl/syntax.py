"""The text of a search: commands between pipes, subsearches in brackets, options, lists of fields.

Source: Search Manual, "About the search language" and "About subsearches".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from emulator.errors import SearchError

# Search Reference, "streamstats": an escaped quote can be outside quotes.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|[^"\\\[\]|]+|[\[\]|"\\]', re.DOTALL)
_NAME = re.compile(r"\s*(?P<name>[A-Za-z]\w*)(?=\s|\Z|\()(?P<rest>.*)\Z", re.DOTALL)
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?', re.DOTALL)
_OPTION = re.compile(
    r'(?P<key>[a-z_]+)\s*=\s*(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^\s",=]+))(?=\s|\Z)'
)
_TRUE = frozenset({"true", "t", "1"})
_FALSE = frozenset({"false", "f", "0"})


@dataclass(frozen=True)
class Call:
    """One command as written: its name, and the text after it."""

    name: str
    arguments: str


def calls(text: str) -> list[Call]:
    """The commands of a search whose macros are expanded; a leading `search` may be left out.

    Raises SearchError for brackets or quotes that do not match and for an empty command.
    """
    parts = _pipes(text)
    first = parts[0].strip()
    generating = not first and len(parts) > 1
    listed = [_call(part, text) for part in parts[1:]]
    if generating:
        return listed
    match = re.match(r"search(?=\s|\Z)", first)
    return [Call("search", first[match.end() :].strip() if match else first), *listed]


def _call(part: str, text: str) -> Call:
    match = _NAME.match(part)
    if not match:
        raise SearchError(f"an empty or malformed command {part.strip()[:40]!r} in: {text[:200]}")
    return Call(match["name"], match["rest"].strip())


def _pipes(text: str) -> list[str]:
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        if piece == '"':
            raise SearchError(f"unbalanced quotes in: {text[:200]}")
        depth += {"[": 1, "]": -1}.get(piece, 0)
        if depth < 0:
            raise SearchError(f"unbalanced brackets in: {text[:200]}")
        if piece == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    if depth:
        raise SearchError(f"unbalanced brackets in: {text[:200]}")
    return parts


def replace_subsearches(text: str, answer: Callable[[str], str]) -> str:
    """`text` with each outermost `[...]` replaced by what `answer` returns for its inside."""
    done, inside, depth = "", "", 0
    for piece in _PIECE.findall(text):
        depth -= piece == "]"
        if depth:
            inside += piece
        elif piece == "]":
            done, inside = done + answer(inside), ""
        elif piece != "[":
            done += piece
        depth += piece == "["
    return done


def words(text: str) -> list[str]:
    """Names or values, separated by blanks or commas, in double quotes if need be."""
    parsed, position = [], 0
    text = text.rstrip()
    while position < len(text):
        word = _WORD.match(text, position)
        if not word:
            raise SearchError(f"malformed list {text!r}")
        parsed.append(word[2] if word[1] is None else re.sub(r"\\(.)", r"\1", word[1]))
        position = word.end()
    return parsed


def options(text: str, command: str, known: frozenset[str]) -> tuple[dict[str, str], str]:
    """The `key=value` pairs at the start, and the rest. Raises SearchError for one not modelled."""
    settings: dict[str, str] = {}
    text = text.strip()
    while option := _OPTION.match(text):
        if option["key"] not in known:
            raise SearchError(
                f"the emulator does not model the option {option['key']} of {command}"
            )
        settings[option["key"]] = option["plain"] if option["quoted"] is None else option["quoted"]
        text = text[option.end() :].strip()
    return settings, text


def options_anywhere(text: str, command: str, known: frozenset[str]) -> tuple[dict[str, str], str]:
    """As `options`, for `key=value` pairs anywhere outside quotes and parentheses."""
    settings: dict[str, str] = {}
    rest: list[str] = []
    for part in split_top(text, " \t\n\r"):
        pair, other = options(part, command, known)
        settings.update(pair)
        rest.append(other)
    return settings, " ".join(part for part in rest if part)


def boolean(value: str, what: str) -> bool:
    """Splunk's booleans in options."""
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise SearchError(f"{what}={value}: write true or false")


def split_top(text: str, separators: str) -> Iterator[str]:
    """The parts between any of the separators that are outside quotes and parentheses."""
    part, depth = "", 0
    for piece in re.findall(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|\\.|.', text, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece in separators and depth == 0:
            yield part
            part = ""
        else:
            part += piece
    yield part
