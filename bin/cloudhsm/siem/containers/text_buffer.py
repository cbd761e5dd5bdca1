"""A text that is read on when needed, and the position in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLANK = re.compile(r"[\s\ufeff\x00\x1e,]*")  # between containers; \x1e: RFC 7464


class TextBuffer:
    """The text from the position on, which grows by chunks; what was read before it is dropped.

    offset: characters before `text`. line: the number of the line at the position, from 1.
    """

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks: Iterator[str] = filter(None, chunks)
        self.text = ""
        self.at = 0
        self.offset = 0
        self.is_ended = False
        self._line = 1
        self._counted = 0

    @property
    def position(self) -> int:
        """Characters of the text before this place."""
        return self.offset + self.at

    @property
    def line(self) -> int:
        """The line of the position; lines are counted once, from the last call on."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def more(self) -> bool:
        """Read a chunk; False at the end of the text. The rest of the text moves to the front."""
        chunk = next(self._chunks, "")
        if not chunk:
            self.is_ended = True
            return False
        _count = self.line
        self.offset += self.at
        self.text = self.text[self.at :] + chunk
        self.at = self._counted = 0
        return True

    def ensure(self, count: int) -> bool:
        """Whether so many characters follow, read if they have to."""
        while len(self.text) - self.at < count:
            if self.is_ended or not self.more():
                return False
        return True

    def skip_blank(self) -> bool:
        """Pass what may separate containers; False at the end of the text."""
        while True:
            blank = _BLANK.match(self.text, self.at)
            self.at = blank.end() if blank else self.at
            if self.at < len(self.text):
                return True
            if not self.more():
                return False

    def rest(self) -> Iterator[str]:
        """All that is still to come, the text from the position on first; ends this buffer."""
        yield self.text[self.at :]
        yield from self._chunks

    def replace_rest(self, chunks: Iterator[str]) -> None:
        """Read these chunks instead of what was still to come, after a look at `rest`."""
        self._chunks = filter(None, chunks)
