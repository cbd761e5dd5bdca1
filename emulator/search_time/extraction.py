"""Field extraction: EXTRACT- of props.conf, REPORT- with its transform, KV_MODE = json.

Source: props.conf.spec (EXTRACT-<class>, KV_MODE), transforms.conf.spec (REGEX, FORMAT...).
A step takes the event's fields and changes them in place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pcre2

from emulator.conf.conf_file import Setting, Stanza
from emulator.errors import ConfError, EmulatorError
from emulator.eval.json_fields import json_fields
from emulator.eval.values import FieldValue
from emulator.event import METADATA_FIELDS
from emulator.regex import DEPTH_LIMIT, MATCH_LIMIT, Regex, compile_regex

EventFields = dict[str, FieldValue]
Step = Callable[[EventFields], None]

SETTINGS = frozenset(
    {
        "REGEX",
        "FORMAT",
        "SOURCE_KEY",
        "MV_ADD",
        "CLEAN_KEYS",
        "KEEP_EMPTY_VALS",
        "DELIMS",
        "FIELDS",
        "MATCH_LIMIT",
        "DEPTH_LIMIT",
    }
)
IGNORED = frozenset({"CAN_OPTIMIZE"})  # speed only

_IN_FIELD = re.compile(r"(?P<regex>.*)\s+in\s+(?P<field>[A-Za-z0-9_]+)\Z", re.DOTALL)
_PAIR = re.compile(r'\s*(?P<name>[^\s:]+)::(?:"(?P<quoted>[^"]*)"|(?P<value>\S+))(?:\s+|\Z)')
_GROUP = re.compile(r"\$(\d+)\Z")
_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*(?:,|\Z)')
_LISTED = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",]+?))\s*(?:,|\Z)')


@dataclass(frozen=True)
class FieldWriter:
    """How an extraction writes its values (transforms.conf: MV_ADD, ...)."""

    append: bool = False
    clean: bool = False
    keep_empty: bool = False

    def add(self, fields: EventFields, name: str, value: str | None) -> None:
        """Put a value in; a field that exists keeps its value unless values are appended."""
        if value is None or (not value and not self.keep_empty):
            return
        if self.clean:
            name = re.sub(r"[^A-Za-z0-9]", "_", name).lstrip("_0123456789")
        if not name:
            return
        existing = fields.get(name)
        if existing is None:
            fields[name] = value
        elif self.append and name not in METADATA_FIELDS:
            fields[name] = [*(existing if isinstance(existing, list) else [existing]), value]


def check_target(name: str, setting: Setting) -> None:
    """Refuse to write what Splunk sets itself: what happens then is not documented."""
    if name in METADATA_FIELDS or name.startswith("_"):
        raise ConfError(
            f"writing the field {name} is not modelled: use another name", setting.location
        )


# --- EXTRACT


@dataclass(frozen=True)
class InlineExtraction:
    """An EXTRACT-<class>: the fields it yields and its step."""

    names: tuple[str, ...]
    step: Step


def inline_extraction(
    setting: Setting, available: Callable[[str], bool], limits: tuple[int, int]
) -> InlineExtraction:
    """Compile an EXTRACT-; `available`: whether `in <field>` may name a field.

    Raises ConfError or RegexError with the setting's location.
    """
    text, source = setting.regex_text(), "_raw"
    if match := _IN_FIELD.fullmatch(text):
        text, source = match["regex"], match["field"]
        if not available(source):
            raise ConfError(
                f"'in {source}': EXTRACT knows only index-time fields and those of EXTRACT classes"
                " that sort before this one (write '[i]n' if this belongs to the regex)",
                setting.location,
            )
    regex = _compiled(setting, text, "(?ms)", limits)
    if not regex.names:
        raise ConfError("the regex needs named groups: (?<field>...)", setting.location)
    for name in regex.names:
        check_target(name, setting)
    return InlineExtraction(regex.names, _inline_step(regex, source))


def _inline_step(regex: Regex, source: str) -> Step:
    def step(fields: EventFields) -> None:
        text = fields.get(source)
        if text is None:
            return
        groups = regex.named(_single(text, source))
        if groups:
            for name, value in groups.items():
                if value and name not in fields:
                    fields[name] = value

    return step


def _single(value: FieldValue, name: str) -> str:
    if isinstance(value, list):
        raise EmulatorError(f"extracting from the multivalue field {name} is not modelled")
    return value


def _compiled(setting: Setting, text: str, options: str, limits: tuple[int, int]) -> Regex:
    try:
        return compile_regex(text, options=options, match_limit=limits[0], depth_limit=limits[1])
    except EmulatorError as error:
        raise error.at(setting.location) from error


# --- REPORT


def transform_step(stanza: Stanza) -> Step:
    """Compile a transform for use by REPORT-. Raises ConfError or RegexError with a location."""
    settings = stanza.settings
    for key, setting in settings.items():
        if key not in SETTINGS | IGNORED:
            raise ConfError(
                f"the emulator does not model {key} in a REPORT transform", setting.location
            )
    if ("REGEX" in settings) == ("DELIMS" in settings):
        raise ConfError("a transform for REPORT needs REGEX or DELIMS, not both", stanza.location)
    source = settings["SOURCE_KEY"].value if "SOURCE_KEY" in settings else "_raw"
    if ":" in source:
        raise ConfError("SOURCE_KEY with a prefix is not modelled", settings["SOURCE_KEY"].location)
    writer = FieldWriter(
        append=_flag(stanza, "MV_ADD", False),
        clean=_flag(stanza, "CLEAN_KEYS", True),
        keep_empty=_flag(stanza, "KEEP_EMPTY_VALS", False),
    )
    pairs = _regex_pairs(stanza, writer) if "REGEX" in settings else _delimited_pairs(stanza)

    def step(fields: EventFields) -> None:
        text = fields.get(source)
        if text is not None:
            for name, value in pairs(_single(text, source)):
                writer.add(fields, name, value)

    return step


PairsOf = Callable[[str], Iterable[tuple[str, "str | None"]]]


def _flag(stanza: Stanza, key: str, otherwise: bool) -> bool:
    return stanza.settings[key].boolean() if key in stanza.settings else otherwise


def limits_of(settings: dict[str, Setting]) -> tuple[int, int]:
    """MATCH_LIMIT and DEPTH_LIMIT of a stanza, or Splunk's defaults."""
    match, depth = settings.get("MATCH_LIMIT"), settings.get("DEPTH_LIMIT")
    return (
        match.integer(least=1) if match else MATCH_LIMIT,
        depth.integer(least=1) if depth else DEPTH_LIMIT,
    )


def _regex_pairs(stanza: Stanza, writer: FieldWriter) -> PairsOf:
    regex, plan = _regex_plan(stanza)
    repeated = writer.append or any(isinstance(name, int) for name, _ in plan)

    def pairs(text: str) -> Iterator[tuple[str, str | None]]:
        first = regex.first(text)
        for match in regex.each(text) if repeated else [first] if first else []:
            for name, value in plan:
                key = _part(match, name)
                if key:
                    yield key, _part(match, value)

    return pairs


Plan = list[tuple["int | str", "int | str"]]


def _regex_plan(stanza: Stanza) -> tuple[Regex, Plan]:
    setting = stanza.settings["REGEX"]
    regex = _compiled(setting, setting.regex_text(), "", limits_of(stanza.settings))
    if not regex.groups:
        raise ConfError("REGEX needs a capturing group, even if it is not used", setting.location)
    if "FIELDS" in stanza.settings:
        raise ConfError("FIELDS belongs to DELIMS", stanza.settings["FIELDS"].location)
    if "FORMAT" in stanza.settings:
        return regex, _format(stanza.settings["FORMAT"], regex)
    return regex, _named_plan(setting, regex)


def constant_fields(stanza: Stanza) -> list[str]:
    """The fields that a transform's FORMAT gives a value that is not in the text."""
    if "FORMAT" not in stanza.settings:
        return []
    _regex, plan = _regex_plan(stanza)
    return [name for name, value in plan if isinstance(name, str) and isinstance(value, str)]


def _part(match: pcre2.Match, part: int | str) -> str | None:
    return part if isinstance(part, str) else match.group(part)


def _named_plan(setting: Setting, regex: Regex) -> Plan:
    """Named groups; _KEY_x and _VAL_x are a varying name and its value."""
    groups = regex.group_numbers
    plan: Plan = []
    for name, number in groups.items():
        if name.startswith("_KEY_"):
            value = groups.get(f"_VAL_{name[5:]}")
            if value is None:
                raise ConfError(f"{name} has no _VAL_{name[5:]}", setting.location)
            plan.append((number, value))
        elif not name.startswith("_VAL_"):
            check_target(name, setting)
            plan.append((name, number))
    if not plan:
        raise ConfError("REGEX needs named groups, or a FORMAT", setting.location)
    return plan


def _format(setting: Setting, regex: Regex) -> Plan:
    """FORMAT = name::value pairs, each part fixed text or one $n; no concatenation."""
    plan: Plan = []
    text, position = setting.value, 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if not match:
            raise ConfError(f"FORMAT: write name::value pairs, found {text!r}", setting.location)
        quoted = match["quoted"]
        value = quoted if quoted is not None else _format_part(setting, regex, match["value"])
        name = _format_part(setting, regex, match["name"])
        if isinstance(name, str):
            check_target(name, setting)
        plan.append((name, value))
        position = match.end()
    if not plan:
        raise ConfError("FORMAT is empty", setting.location)
    return plan


def _format_part(setting: Setting, regex: Regex, part: str) -> int | str:
    if "$" not in part:
        return part
    match = _GROUP.match(part)
    if not match:
        raise ConfError(
            f"FORMAT: {part!r} concatenates, which search time cannot: use EVAL-", setting.location
        )
    number = int(match[1])
    if not 1 <= number <= regex.groups:
        raise ConfError(f"FORMAT: {part} has no group, REGEX has {regex.groups}", setting.location)
    return number


def _delimited_pairs(stanza: Stanza) -> PairsOf:
    setting = stanza.settings["DELIMS"]
    sets = _list_of(setting, _QUOTED)
    if not 1 <= len(sets) <= 2 or not all(sets):
        raise ConfError('DELIMS takes one or two quoted sets, as "|", "="', setting.location)
    names = _list_of(stanza.settings["FIELDS"], _LISTED) if "FIELDS" in stanza.settings else []
    if names and len(sets) == 2:
        raise ConfError("FIELDS with two sets of DELIMS is not modelled", setting.location)
    outer = re.compile(f"[{re.escape(sets[0])}]" + ("" if names else "+"))
    inner = re.compile(f"[{re.escape(sets[1])}]") if len(sets) == 2 else None

    def pairs(text: str) -> Iterable[tuple[str, str | None]]:
        if '"' in text:
            raise EmulatorError("DELIMS on text with a double quote is not modelled: use REGEX")
        pieces = outer.split(text)
        if names:
            return zip(names, pieces)
        pieces = [piece for piece in pieces if piece]
        if inner is None:
            return zip(pieces[::2], pieces[1::2])
        halves = (inner.split(piece, maxsplit=1) for piece in pieces)
        return [(half[0], half[1]) for half in halves if len(half) == 2]

    return pairs


def _list_of(setting: Setting, pattern: re.Pattern[str]) -> list[str]:
    items, position = [], 0
    while position < len(setting.value):
        match = pattern.match(setting.value, position)
        if not match:
            raise ConfError(f"{setting.key}: malformed list {setting.value!r}", setting.location)
        items.append(next(part for part in match.groups() if part is not None))
        position = match.end()
    return [
        re.sub(r"\\(.)", lambda escape: {"t": "\t", "n": "\n"}.get(escape[1], escape[1]), item)
        for item in items
    ]


# --- KV_MODE


def json_step(fields: EventFields) -> None:
    """KV_MODE = json over _raw; fields that an extraction set before keep their values."""
    for name, values in json_fields(_single(fields["_raw"], "_raw")).items():
        if name not in fields:
            fields[name] = values if len(values) > 1 else values[0]
