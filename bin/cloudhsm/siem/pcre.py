"""Splunk's regular expressions (PCRE) in Python's `re`, as far as this add-on's own use them.

Python knows possessive quantifiers and atomic groups since 3.11 only, and Splunk runs 3.9: there
`X*+` becomes `(?=(?P<p1>X*))(?P=p1)`, which matches the same, since nothing goes back into a
lookahead.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

NATIVE = sys.version_info >= (3, 11)
_QUANTIFIER = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_BEHIND = ("(?<!", "(?<=")
# Letters that are the same to PCRE, whose texts are Unicode, and not to `re.ASCII`: the long s and
# the Kelvin sign.
_OTHER_CASES = {"s": "[s\u017f]", "k": "[k\u212a]"}


class UnknownSyntax(ValueError):
    """A regular expression with something that is not translated."""


class Regex:
    """A compiled expression; classes such as `\\w` are ASCII, as in Splunk."""

    def __init__(self, source: str, options: str = "", *, native: bool = NATIVE) -> None:
        def pattern(text: str) -> re.Pattern[str]:
            return re.compile(options + _Translation(text, native=native).whole(), re.ASCII)

        self._pattern = pattern(source.replace("\\G", "(?!)"))
        # What \G allows where the match before ended; it never is the beginning in ours.
        self._behind = pattern(source.replace("\\G", "")) if "\\G" in source else None
        self.names = tuple(name for name in self._pattern.groupindex if not name.startswith("_"))

    def named(self, text: str) -> dict[str, str | None] | None:
        """The named groups of the first match, or None."""
        match = self._pattern.search(text)
        return None if match is None else {name: match[name] for name in self.names}

    def matches(self, text: str) -> bool:
        """Whether the expression is found anywhere."""
        return self._pattern.search(text) is not None

    def each(self, text: str) -> Iterator[dict[str, str | None]]:
        """The named groups of every match."""
        match = self._next(text, 0)
        while match:
            yield {name: match[name] for name in self.names}
            match = self._next(text, max(match.end(), match.start() + 1))

    def _next(self, text: str, position: int) -> re.Match[str] | None:
        adjacent = self._behind.match(text, position) if self._behind and position else None
        return adjacent or self._pattern.search(text, position)

    def replaced(self, text: str, by: str) -> str:
        """`text` with every match replaced; `\\1` in `by` stands for the first group."""
        return self._pattern.sub(by.replace("\\1", "\\g<_g1>"), text)


class _Translation:
    """One pass over the source. Every piece is remembered, since a quantifier may follow it.

    Groups without a name get one, `_g1`, so that the groups that are added shift no number.
    """

    def __init__(self, source: str, *, native: bool) -> None:
        self._source = source
        self._native = native
        self._at = 0
        self._ignores_case = False
        self._groups: list[str] = []
        self._added = 0

    def whole(self) -> str:
        text = self._sequence()
        if self._at < len(self._source):
            raise UnknownSyntax(f"a ')' too many at {self._at}: {self._source}")
        return text

    def _sequence(self) -> str:
        """Up to the closing parenthesis, or the end."""
        pieces: list[str] = []
        while self._at < len(self._source) and self._source[self._at] != ")":
            pieces.append(self._quantified(self._piece()))
        return "".join(pieces)

    def _piece(self) -> str:
        character = self._source[self._at]
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._class()
        if character == "(":
            return self._group()
        self._at += 1
        return _OTHER_CASES.get(character.lower(), character) if self._ignores_case else character

    def _escape(self) -> str:
        letter = self._source[self._at + 1]
        self._at += 2
        if letter == "z":
            return "\\Z"
        if letter.isdigit():
            return f"(?P={self._groups[int(letter) - 1]})"
        if letter.isalpha() and letter not in "AdDwWsSrntu":
            raise UnknownSyntax(f"\\{letter} in {self._source}")
        return f"\\{letter}"

    def _class(self) -> str:
        end = self._at + 1
        end += self._source[end] == "^"
        end += self._source[end] == "]"
        while self._source[end] != "]":
            end += 2 if self._source[end] == "\\" else 1
        text = self._source[self._at : end + 1]
        self._at = end + 1
        return text.replace("[", "\\[").replace("\\[", "[", 1)

    def _group(self) -> str:
        rest = self._source[self._at :]
        if option := re.match(r"\(\?[imsx]+\)", rest):
            self._at += option.end()
            return option[0]
        if rest.startswith(_BEHIND):
            return self._behind()
        opening, is_atomic = self._opening(rest)
        outside, self._ignores_case = self._ignores_case, self._ignores_case or opening == "(?i:"
        inner = self._sequence()
        self._ignores_case = outside
        self._at += 1  # the closing parenthesis
        if is_atomic:
            return f"(?>{inner})" if self._native else self._atomic(inner)
        return f"{opening}{inner})"

    def _opening(self, rest: str) -> tuple[str, bool]:
        if rest.startswith("(?>"):
            self._at += 3
            return "", True
        if plain := re.match(r"\(\?(?:[imsx]*:|[=!])", rest):
            self._at += plain.end()
            return plain[0], False
        named = re.match(r"\(\?P?<(\w+)>", rest)
        if rest.startswith("(?") and not named:
            raise UnknownSyntax(f"{rest[:4]} in {self._source}")
        name = named[1] if named else f"_g{len(self._groups) + 1}"
        self._groups.append(name)
        self._at += named.end() if named else 1
        return f"(?P<{name}>", False

    def _behind(self) -> str:
        """Python wants one width: a choice that must not stand before becomes several."""
        opening = self._source[self._at : self._at + 4]
        self._at += 4
        inner = self._sequence()
        self._at += 1
        if opening == "(?<=" or "[" in inner:
            return f"{opening}{inner})"
        return "".join(f"{opening}{choice})" for choice in inner.split("|"))

    def _quantified(self, piece: str) -> str:
        quantifier = _QUANTIFIER.match(self._source, self._at)
        if not quantifier:
            return piece
        self._at = quantifier.end()
        repeated = piece + quantifier[0]
        following = self._source[self._at : self._at + 1]
        if following == "+":
            self._at += 1
            return f"{repeated}+" if self._native else self._atomic(repeated)
        if following == "?":
            self._at += 1
            return f"{repeated}?"
        return repeated

    def _atomic(self, inner: str) -> str:
        self._added += 1
        return f"(?=(?P<_p{self._added}>{inner}))(?P=_p{self._added})"
