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
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self.words})\b", re.IGNORECASE)

    @cached_property
    def _fine(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self.exception or '(?!)'})", re.IGNORECASE)

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
        self._any = re.compile("|".join(f"(?:{one.words})" for one in self.words), re.IGNORECASE)

    def hits(self, path: str, passage: Passage) -> Iterator[Hit]:
        """The hits in a passage of the file `path`, none of them allowed."""
        if not self._any.search(passage.text):
            return
        for word in self.words:
            for use in word.found_in(passage.text):
                start = passage.text.rfind("\n", 0, use.start()) + 1
                end = passage.text.find("\n", use.end())
                line = passage.text[start : end if end >= 0 else None]
                if not any(one.covers(path, line) for one in self.allowed):
                    number = passage.line + passage.text.count("\n", 0, use.start())
                    yield Hit(path, number, use[0].lower(), word.write)
