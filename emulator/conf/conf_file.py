"""Reading .conf files: stanzas, settings, continuation lines, and the location of each.

Stricter than Splunk on purpose: it takes the last of two equal keys silently, we refuse them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from emulator.errors import ConfError, Location

_STANZA = re.compile(r"\[(?P<name>.*)\]\s*\Z")
_TRUE = frozenset({"1", "true", "t", "yes", "y"})
_FALSE = frozenset({"0", "false", "f", "no", "n"})


@dataclass(frozen=True)
class Setting:
    """One `key = value`; `continued`: the value was written over several lines."""

    key: str
    value: str
    location: Location
    continued: bool = False

    def boolean(self) -> bool:
        """The value as Splunk's boolean; raises ConfError for anything else."""
        word = self.value.lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise ConfError(
            f"{self.key} = {self.value!r} is not a boolean: write true or false", self.location
        )

    def integer(self, *, least: int = 0) -> int:
        """The value as a whole number of at least `least`; raises ConfError for anything else."""
        if re.fullmatch(r"-?\d+", self.value) and int(self.value) >= least:
            return int(self.value)
        raise ConfError(
            f"{self.key} = {self.value!r}: write a whole number of {least} or more", self.location
        )

    def regex_text(self) -> str:
        """The value as a regular expression; what Splunk puts at a line's end is not documented."""
        if self.continued:
            raise ConfError(
                f"{self.key}: a regular expression over several lines is ambiguous: use one line",
                self.location,
            )
        return self.value


@dataclass
class Stanza:
    """A stanza with its settings in file order."""

    name: str
    location: Location
    settings: dict[str, Setting] = field(default_factory=dict)


@dataclass
class Conf:
    """A parsed .conf file; `stanzas` keeps file order."""

    path: str
    stanzas: dict[str, Stanza] = field(default_factory=dict)

    def value(self, stanza: str, key: str) -> str | None:
        """The value of a setting, or None."""
        setting = self.stanzas[stanza].settings.get(key) if stanza in self.stanzas else None
        return setting.value if setting else None

    def with_defaults(self) -> Iterator[Stanza]:
        """Each stanza but [default], completed with what [default] sets."""
        default = self.stanzas.get("default")
        inherited = default.settings if default else {}
        for stanza in self.stanzas.values():
            if stanza is not default:
                yield Stanza(stanza.name, stanza.location, {**inherited, **stanza.settings})


def read_conf(path: Path, shown_as: str | None = None) -> Conf:
    """Parse the file at `path`; a missing file is an empty one. Raises ConfError."""
    shown = shown_as or str(path)
    if not path.exists():
        return Conf(shown)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfError("not UTF-8: save the file as UTF-8", Location(shown, "", line)) from error
    return parse_conf(text, shown)


def parse_conf(text: str, shown_as: str) -> Conf:
    """Parse the text of a .conf file. Raises ConfError with file, stanza and line."""
    conf = Conf(shown_as)
    stanza: Stanza | None = None
    for line, content, continued in _logical_lines(text, shown_as):
        header = _STANZA.match(content)
        where = Location(shown_as, stanza.name if stanza else "", line)
        if header:
            stanza = _open_stanza(conf, header["name"], line)
        elif stanza is None:
            raise ConfError("a setting before the first stanza: put it under [default]", where)
        else:
            _add_setting(stanza, content, where, continued)
    return conf


def _logical_lines(text: str, shown_as: str) -> Iterator[tuple[int, str, bool]]:
    """Yields (line number, text, was continued); comments and blank lines are left out."""
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        where = Location(shown_as, "", number)
        if line.lstrip().startswith("#"):
            raise ConfError("a comment must start in the line's first column", where)
        parts = [line.rstrip("\r")]
        while parts[-1].endswith("\\"):
            parts[-1] = parts[-1][:-1]
            following = next(lines, None)
            if following is None:
                raise ConfError("the file ends in a continuation: remove the last '\\'", where)
            parts.append(following[1].rstrip("\r"))
        if re.search(r"\\[ \t]+\Z", parts[-1]):
            raise ConfError("blanks after a final '\\' end the continuation: remove them", where)
        yield number, "\n".join(parts).strip(), len(parts) > 1


def _open_stanza(conf: Conf, name: str, line: int) -> Stanza:
    location = Location(conf.path, name, line)
    if name in conf.stanzas:
        first = conf.stanzas[name].location.line
        raise ConfError(f"stanza is defined twice (first in line {first}): merge them", location)
    conf.stanzas[name] = Stanza(name, location)
    return conf.stanzas[name]


def _add_setting(stanza: Stanza, content: str, where: Location, continued: bool) -> None:
    key, equals, value = content.partition("=")
    key = key.strip()
    if not equals or not key:
        raise ConfError(f"expected 'key = value' or '[stanza]', found {content!r}", where)
    if key in stanza.settings:
        first = stanza.settings[key].location.line
        raise ConfError(f"{key} is set twice (first in line {first}): keep one", where)
    stanza.settings[key] = Setting(key, value.strip(), where, continued)
