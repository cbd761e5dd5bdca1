"""Regular expressions as Splunk runs them: PCRE2, with its resource limits.

The interpreter is used, not PCRE2's just-in-time compiler: only the former counts both limits as
documented, so that a regex that is slow on hostile text is detected here.

Positions in big texts (`Match.start`, `Match.end`, `Pattern.split`) take linear time each in
pcre2 0.7.1, unless the text is bytes; so groups are used here, and positions in small texts only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Optional

import pcre2

from emulator.errors import RegexError

MATCH_LIMIT = 100_000
DEPTH_LIMIT = 1_000
_SMALL = 4_096  # characters
_POSITION = re.compile(r"(?<=position )\d+")
_VERBS = re.compile(r"(?:\(\*[A-Z_0-9]+(?:=\d+)?\))*")


Expand = Callable[[Sequence[Optional[str]]], str]


def _decoded(group: str | bytes | None) -> str | None:
    return group.decode() if isinstance(group, bytes) else group


class Regex:
    """A compiled pattern. Each method raises RegexError when a match hits a limit."""

    __slots__ = ("_as_bytes", "_pattern", "group_numbers", "groups", "names", "source")

    def __init__(self, source: str, pattern: pcre2.Pattern, as_bytes: pcre2.Pattern | None) -> None:
        self.source = source
        self._pattern = pattern
        self._as_bytes = as_bytes
        self.group_numbers: dict[str, int] = dict(pattern.groupindex)
        self.names: tuple[str, ...] = tuple(self.group_numbers)
        self.groups: int = pattern.groups

    def matches(self, text: str) -> bool:
        """Whether the pattern matches anywhere in `text`."""
        try:
            return self._pattern.search(text) is not None
        except pcre2.LibraryError as error:
            raise self._limit(error, text) from error

    def named(self, text: str) -> dict[str, str | None] | None:
        """The named groups of the first match, or None."""
        try:
            match = self._pattern.search(text)
            return None if match is None else match.groupdict()
        except pcre2.LibraryError as error:
            raise self._limit(error, text) from error

    def each(self, text: str, start: int = 0) -> Iterator[pcre2.Match]:
        """Every match from `start` on. Take positions from it only if `text` is small."""
        try:
            yield from self._pattern.finditer(text, start)
        except pcre2.LibraryError as error:
            raise self._limit(error, text) from error

    def first(self, text: str) -> pcre2.Match | None:
        """The first match or None. Take positions from it only if `text` is small."""
        try:
            return self._pattern.search(text)
        except pcre2.LibraryError as error:
            raise self._limit(error, text) from error

    def substitute(self, text: str, expand: Expand) -> str:
        """`text` with every match replaced by what `expand` returns for its groups (from 1 on).

        In time linear in the text when text and pattern are ASCII, else only for few matches.
        """
        data: str | bytes = text
        pattern = self._pattern
        if len(text) > _SMALL and text.isascii() and self._as_bytes is not None:
            data, pattern = text.encode(), self._as_bytes
        pieces, after = [], 0
        try:
            for match in pattern.finditer(data):
                start, end = match.span()
                pieces += [text[after:start], expand([_decoded(group) for group in match.groups()])]
                after = end
        except pcre2.LibraryError as error:
            raise self._limit(error, text) from error
        return "".join([*pieces, text[after:]])

    def _limit(self, error: Exception, text: str) -> RegexError:
        return RegexError(
            f"regex stopped ({error}) on a text of {len(text)} characters: {self.source}"
            " - make it faster (anchor it, use possessive quantifiers)"
        )


@cache
def compile_regex(
    source: str,
    *,
    options: str = "",
    match_limit: int = MATCH_LIMIT,
    depth_limit: int = DEPTH_LIMIT,
) -> Regex:
    """Compile `source`, with inline `options` such as "(?ms)" before it.

    Text is UTF-8 and classes such as `\\w` are ASCII, unless the pattern itself starts with (*UCP).
    Raises RegexError with PCRE2's message when the pattern is bad.
    """
    if "(?J)" in source:
        raise RegexError(f"(?J), duplicate group names, is not modelled: rename a group: {source}")
    leading = match.group() if (match := _VERBS.match(source)) else ""
    limits = f"(*LIMIT_MATCH={match_limit})(*LIMIT_DEPTH={depth_limit})"
    prefix = f"{limits}{leading}{options}"
    try:
        complete = prefix + source[len(leading) :]
        pattern = pcre2.compile(complete, flags=pcre2.ASCII, jit=False)
        as_bytes = None
        if source.isascii() and not leading:  # without UTF, so the same on ASCII text only
            as_bytes = pcre2.compile(complete.encode(), flags=pcre2.ASCII, jit=False)
    except pcre2.PatternError as error:
        shift = len(prefix.encode()) - len(leading)
        message = _POSITION.sub(lambda position: str(int(position.group()) - shift), str(error))
        raise RegexError(f"bad regex ({message}): {source}") from error
    return Regex(source, pattern, as_bytes)
