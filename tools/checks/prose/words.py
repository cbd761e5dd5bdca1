"""The word list and the allow-list, validated, and their hits in a passage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import ConfigDict, Field, field_validator

from tools.checks.prose.passages import Passage
from tools.content import strict_yaml
from tools.content.strict_yaml import Strict, Text

WORDS, ALLOWED = "words.yaml", "allowed.yaml"
_MANUAL = "CONTRIBUTING.md"


def _compiled(pattern: str) -> re.Pattern[str]:
    """Complete words, without regard to case; a blank fits a line break too."""
    blanks = pattern.replace(" ", r"\s+")
    return re.compile(rf"\b(?:{blanks})(?!\w)", re.IGNORECASE)


class Hit(NamedTuple):
    """A word in a file: its line from 1, the word as it is written there, what to write."""

    path: str
    line: int
    word: str
    write: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: "{self.word}": write {self.write}'


class Word(Strict):
    """One entry of the list."""

    model_config = ConfigDict(populate_by_name=True)

    words: str
    write: Text
    exception: str | None = Field(None, alias="except")

    @field_validator("words", "exception")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            compiled = _compiled(pattern or "(?!)")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if compiled.search("x y"):
            raise ValueError("fits any text: write words")
        return pattern

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _compiled(self.words)

    @cached_property
    def _fine(self) -> re.Pattern[str]:
        return _compiled(self.exception or "(?!)")

    def found_in(self, text: str) -> Iterator[re.Match[str]]:
        """The uses that are not exceptions."""
        fine = [use.span() for use in self._fine.finditer(text)]
        for use in self._pattern.finditer(text):
            if not any(start <= use.start() and use.end() <= end for start, end in fine):
                yield use


class Allowed(Strict):
    """One use that was reviewed."""

    files: str
    text: Text | None = None
    why: Text

    def covers(self, path: str, line: str) -> bool:
        return fnmatchcase(path, self.files) and (self.text is None or self.text in line)


class _Words(Strict):
    words: list[Word]


class _AllowList(Strict):
    allowed: list[Allowed]


class WordList:
    """What to look for, and what was allowed.

    Raises MappingError for a fault of the files, with its line, and OSError without them.
    """

    def __init__(self, folder: Path) -> None:
        self.words = strict_yaml.read(folder / WORDS, _Words, "word list", _MANUAL).words
        listed = strict_yaml.read(folder / ALLOWED, _AllowList, "allow-list", _MANUAL)
        self.allowed: Sequence[Allowed] = listed.allowed
        self.used: set[int] = set()  # which of the allowed uses occurred

    def hits(self, path: str, passage: Passage, lines: Sequence[str]) -> Iterator[Hit]:
        """The hits in a passage of the file `path` with these lines, none of them allowed."""
        for word in self.words:
            for use in word.found_in(passage.text):
                number = _line_of(use, passage, lines)
                if not self._is_allowed(path, lines[number - 1]):
                    yield Hit(path, number, " ".join(use[0].lower().split()), word.write)

    def _is_allowed(self, path: str, line: str) -> bool:
        fitting = [n for n, entry in enumerate(self.allowed) if entry.covers(path, line)]
        self.used.update(fitting)
        return bool(fitting)

    def unused(self) -> list[Allowed]:
        """Allowed uses that did not occur in anything that was read."""
        return [entry for n, entry in enumerate(self.allowed) if n not in self.used]


def _line_of(use: re.Match[str], passage: Passage, lines: Sequence[str]) -> int:
    """The line of a use. Texts that are folded or joined are looked through for its first word."""
    number = passage.line + passage.text.count("\n", 0, use.start())
    first = str(use[0]).split()[0]
    places = [min(number, len(lines)), *range(passage.line, passage.last_line + 1)]
    line: int = next((at for at in places if first in lines[at - 1]), places[0])
    return line
