"""Errors with the location of the fault and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Location:
    """A location in a .conf file: path as shown to people, stanza name, line number from 1."""

    path: str
    stanza: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line} [{self.stanza}]"


class EmulatorError(Exception):
    """What the emulator refuses: a fault in the content, or something that it does not model."""

    def __init__(self, message: str, location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.location = location

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message

    def at(self, location: Location) -> EmulatorError:
        """The same error with a location, unless it has one already (the innermost is the best)."""
        if self.location is None:
            self.location = location
        return self


class ConfError(EmulatorError):
    """A .conf file is malformed, or uses a setting that is not modelled."""


class RegexError(EmulatorError):
    """A regular expression does not compile, or ran into its limits."""


class EvalError(EmulatorError):
    """An eval expression is malformed, or uses what is not modelled."""


class SearchError(EmulatorError):
    """A search expression (event type, macro) is malformed, or uses what is not modelled."""


class LookupTableError(EmulatorError):
    """A lookup table or its definition cannot be used."""


class StreamError(EmulatorError):
    """A modular input's output is not what splunkd accepts."""
