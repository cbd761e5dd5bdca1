"""props.conf: which stanzas apply to an event, and which of equal settings wins.

Source: props.conf.spec, "[<spec>] stanza precedence", "patterns" and "collisions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from emulator.conf.conf_file import Conf, Setting, Stanza
from emulator.errors import ConfError, RegexError
from emulator.regex import Regex, compile_regex

INDEX_TIME = frozenset(
    {
        "DATETIME_CONFIG",
        "LINE_BREAKER",
        "MAX_DAYS_AGO",
        "MAX_DAYS_HENCE",
        "MAX_TIMESTAMP_LOOKAHEAD",
        "SHOULD_LINEMERGE",
        "TIME_FORMAT",
        "TIME_PREFIX",
        "TRUNCATE",
        "TZ",
    }
)
SEARCH_TIME = frozenset({"KV_MODE", "AUTO_KV_JSON", "MATCH_LIMIT", "DEPTH_LIMIT"})
CLASSES = ("EXTRACT-", "REPORT-", "FIELDALIAS-", "EVAL-", "LOOKUP-")
# On purpose without effect here: what people see, other machines (universal forwarder), speed,
# warnings, and how Splunk guesses source types of files.
IGNORED = frozenset(
    {
        "category",
        "description",
        "pulldown_type",
        "EVENT_BREAKER",
        "EVENT_BREAKER_ENABLE",
        "NO_BINARY_CHECK",
        "ANNOTATE_PUNCT",
        "MAX_DIFF_SECS_AGO",
        "MAX_DIFF_SECS_HENCE",
        "LEARN_SOURCETYPE",
        "LEARN_MODEL",
        "maxDist",
    }
)
_REFUSED_STANZAS = ("rule::", "delayedrule::", "(?")
_PIECE = re.compile(r"\.\.\.|\*|\.|\\\\|[^.*\\]+|\\.")
_TRANSLATED = {"...": ".*", "*": "[^/]*", ".": r"\.", "\\\\": r"\\"}
_PATTERN_CHARACTERS = re.compile(r"\.\.\.|[*|()\[\]?+^$\\]")
_LITERAL_PRIORITY = 100

_METACHARACTER = re.compile(r"[()\[\]|]")

Rules = Mapping[str, Setting]


@dataclass(frozen=True)
class _Pattern:
    """A [source::...] or [host::...] stanza."""

    stanza: Stanza
    regex: Regex
    priority: int

    def order(self) -> tuple[int, str]:
        """Sorts the stanza that wins first."""
        return (-self.priority, self.stanza.name)


class Props:
    """The stanzas of a props.conf, by what they match."""

    def __init__(self, conf: Conf) -> None:
        self._default: dict[str, Setting] = {}
        self.sourcetypes: dict[str, Stanza] = {}
        self._hosts: list[_Pattern] = []
        self._sources: list[_Pattern] = []
        for stanza in conf.stanzas.values():
            _check_settings(stanza)
            self._file(stanza)
        self._hosts.sort(key=_Pattern.order)
        self._sources.sort(key=_Pattern.order)

    def _file(self, stanza: Stanza) -> None:
        if stanza.name == "default":
            self._default = stanza.settings
        elif stanza.name.startswith("source::"):
            self._sources.append(_pattern(stanza, "source::", "(?s)"))
        elif stanza.name.startswith("host::"):
            self._hosts.append(_pattern(stanza, "host::", "(?si)"))
        elif stanza.name.startswith(_REFUSED_STANZAS) or "*" in stanza.name:
            raise ConfError("the emulator does not model this kind of stanza", stanza.location)
        else:
            self.sourcetypes[stanza.name] = stanza

    @property
    def patterns(self) -> list[Stanza]:
        """The [source::...] and [host::...] stanzas."""
        return [pattern.stanza for pattern in (*self._sources, *self._hosts)]

    def matching(self, sourcetype: str, host: str, source: str) -> tuple[str, ...]:
        """The names of the stanzas that apply, the strongest first."""
        names = [pattern.stanza.name for pattern in self._sources if pattern.regex.matches(source)]
        names += [pattern.stanza.name for pattern in self._hosts if pattern.regex.matches(host)]
        return (*names, *([sourcetype] if sourcetype in self.sourcetypes else ()))

    def rules(self, names: tuple[str, ...]) -> Rules:
        """The settings of those stanzas over [default]; the first that sets a key wins."""
        stanzas = {stanza.name: stanza for stanza in self.patterns} | self.sourcetypes
        merged = dict(self._default)
        for name in reversed(names):
            merged.update(stanzas[name].settings)
        merged.pop("priority", None)
        return merged


def _check_settings(stanza: Stanza) -> None:
    for key, setting in stanza.settings.items():
        if key in INDEX_TIME | SEARCH_TIME | IGNORED:
            continue
        if key == "priority":
            setting.integer()
        elif key == "CHARSET":
            if setting.value.upper() not in {"UTF-8", "UTF8"}:
                raise ConfError("only CHARSET = UTF-8 is modelled", setting.location)
        elif not any(key.startswith(prefix) and key != prefix for prefix in CLASSES):
            raise ConfError(f"the emulator does not model the setting {key}", setting.location)


def _check_metacharacters(text: str, stanza: Stanza) -> None:
    """props.conf.spec 10: they are a regex only in or after a segment that has a wildcard."""
    for segment in text.split("/"):
        if "*" in segment or "..." in segment:
            return
        if _METACHARACTER.search(segment):
            raise ConfError(
                "a metacharacter is read as a regex only in or after a segment with * or ...",
                stanza.location,
            )


def _pattern(stanza: Stanza, prefix: str, options: str) -> _Pattern:
    text = stanza.name[len(prefix) :]
    literal = not _PATTERN_CHARACTERS.search(text)
    if prefix == "source::":
        _check_metacharacters(text, stanza)
    translated = "".join(_TRANSLATED.get(piece, piece) for piece in _PIECE.findall(text))
    try:
        regex = compile_regex(rf"{options}\A(?:{translated})\z")
    except RegexError as error:
        raise ConfError(f"bad pattern in the stanza's name: {error}", stanza.location) from error
    setting = stanza.settings.get("priority")
    priority = setting.integer() if setting else _LITERAL_PRIORITY if literal else 0
    return _Pattern(stanza, regex, priority)
