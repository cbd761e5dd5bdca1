"""Search macros: macros.conf, and their expansion in search text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from emulator.conf.conf_file import Conf, Stanza
from emulator.errors import ConfError, EmulatorError, SearchError

_SETTINGS = frozenset({"definition", "args"})
_IGNORED = frozenset({"description"})  # for people only
_UNMODELLED = frozenset({"validation", "errormsg", "iseval"})
_NAME = re.compile(r"(?P<name>[^()]+?)(?:\((?P<count>\d+)\))?\Z")
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<comment>```.*?```)|`(?!``)(?P<call>[^`]*)`', re.DOTALL)
_CALL = re.compile(r"\s*(?P<name>[^()]+?)\s*(?:\((?P<arguments>.*)\))?\s*\Z", re.DOTALL)
_ARGUMENT = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",]*))\s*(?:,|\Z)', re.DOTALL)
_DEEPEST = 100


@dataclass(frozen=True)
class Macro:
    """A definition with `$name$` in place of each argument."""

    definition: str
    arguments: tuple[str, ...]


def is_placeholder(name: str, definition: str) -> bool:
    """Whether [NAME] only calls a macro set_NAME_..., which does not exist.

    A search with it ends with an error that contains this name: what an administrator has to set.
    """
    call = f"`set_{re.escape(name)}_\\w+`"
    return re.fullmatch(call, definition.strip()) is not None


class Macros:
    """All macros of an app; the same name with another number of arguments is another macro."""

    def __init__(self, macros: Mapping[tuple[str, int], Macro]) -> None:
        self._macros = dict(macros)

    @classmethod
    def from_conf(cls, conf: Conf) -> Macros:
        """Raises ConfError with file, stanza and line for what is malformed or not modelled."""
        return cls(dict(_macro(stanza) for stanza in conf.with_defaults()))

    def with_local(self, definitions: Mapping[str, str]) -> Macros:
        """These macros with those that an administrator set: name to definition, no arguments.

        Admin Manual, "Configuration file precedence": local/macros.conf wins over default/.
        """
        local = {(name, 0): Macro(text, ()) for name, text in definitions.items()}
        return Macros({**self._macros, **local})

    def with_placeholders(self) -> Macros:
        """These macros for a check of texts that use a placeholder; it stands for any event."""
        names = {
            name for (name, _), one in self._macros.items() if is_placeholder(name, one.definition)
        }
        return self.with_local(dict.fromkeys(names, "index=*"))

    def expand(self, text: str) -> str:
        """`text` with every `` `macro(arguments)` `` outside quotes expanded, nested ones too.

        Raises SearchError for an unknown macro and for one that expands itself.
        """
        return self._expand(text, 0)

    def _expand(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise SearchError(f"macros expand each other more than {_DEEPEST} deep: {text[:80]}")

        def replaced(match: re.Match[str]) -> str:
            call = match["call"]
            if match["comment"]:
                return " "
            return match.group() if call is None else self._expand(self._called(call), depth + 1)

        expanded = _PARTS.sub(replaced, text)
        if "`" in _PARTS.sub("", text):
            raise SearchError(f"unbalanced backtick in: {text}")
        return expanded

    def _called(self, call: str) -> str:
        parts = _CALL.match(call)
        if not parts:
            raise SearchError(f"malformed macro call `{call}`")
        values = _arguments(parts["arguments"])
        macro = self._macros.get((parts["name"], len(values)))
        if macro is None:
            raise SearchError(self._missing(parts["name"], len(values)))
        text = macro.definition
        for name, value in zip(macro.arguments, values):
            text = text.replace(f"${name}$", value)
        return text

    def _missing(self, name: str, count: int) -> str:
        shown = f"{name}({count})" if count else name
        known = sorted(number for other, number in self._macros if other == name)
        hint = f" It exists with {known} arguments." if known else ""
        return f"The search macro '{shown}' cannot be found.{hint}"


def _macro(stanza: Stanza) -> tuple[tuple[str, int], Macro]:
    name = _NAME.match(stanza.name)
    if not name:
        raise ConfError("a macro's stanza is its name, or name(number)", stanza.location)
    for key, setting in stanza.settings.items():
        if key in _UNMODELLED:
            raise ConfError(f"the emulator does not model {key}", setting.location)
        if key not in _SETTINGS | _IGNORED:
            raise ConfError(f"unknown setting {key}", setting.location)
    if "definition" not in stanza.settings:
        raise ConfError("a macro needs a definition", stanza.location)
    listed = stanza.settings["args"].value.split(",") if "args" in stanza.settings else []
    arguments = tuple(argument.strip() for argument in listed)
    count = int(name["count"] or 0)
    if count != len(arguments) or len(set(arguments)) != len(arguments):
        raise ConfError(f"the name has {count} arguments, args lists {arguments}", stanza.location)
    return (name["name"], count), Macro(stanza.settings["definition"].value, arguments)


def _arguments(text: str | None) -> list[str]:
    """The values of a call; commas inside quotes do not separate, the quotes are dropped."""
    if text is None or not text.strip():
        return []
    values, position = [], 0
    while True:
        match = _ARGUMENT.match(text, position)
        if not match:
            raise SearchError(f"malformed macro arguments ({text})")
        values.append(match[1] if match[1] is not None else match[2].strip())
        position = match.end()
        if position >= len(text) and not match.group().endswith(","):
            return values


def check(macros: Macros, conf: Conf) -> None:
    """Expand every definition, so that a missing macro is reported where it is used.

    A placeholder may call a missing macro: that is what it is for.
    """
    complete = macros.with_placeholders()
    for stanza in conf.with_defaults():
        setting = stanza.settings["definition"]
        if is_placeholder(stanza.name, setting.value):
            continue
        try:
            complete.expand(setting.value)
        except EmulatorError as error:
            raise error.at(setting.location) from error
