"""Event types and tags: the last two search-time steps.

Source: eventtypes.conf.spec, tags.conf.spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from emulator.conf.conf_file import Conf, Setting, Stanza
from emulator.conf.macros import Macros
from emulator.errors import ConfError, EmulatorError
from emulator.eval.values import Fields, collapse, values_of
from emulator.search_time.extraction import EventFields, Step
from emulator.search_time.search_expression import Predicate, compile_search

_SETTINGS = frozenset({"search", "priority", "disabled"})
_IGNORED = frozenset({"description", "color"})  # for people only


@dataclass(frozen=True)
class EventType:
    """A named search; 1 is the highest priority."""

    name: str
    priority: int
    matches: Predicate


def event_types(conf: Conf, macros: Macros) -> list[EventType]:
    """The enabled event types, by priority, then name. Raises EmulatorError with a location."""
    types = [_event_type(stanza, macros) for stanza in conf.with_defaults()]
    enabled = [event_type for event_type in types if event_type is not None]
    return sorted(enabled, key=lambda event_type: (event_type.priority, event_type.name))


def _event_type(stanza: Stanza, macros: Macros) -> EventType | None:
    for key, setting in stanza.settings.items():
        if key not in _SETTINGS | _IGNORED:
            raise ConfError(f"the emulator does not model {key} in an event type", setting.location)
    if "%" in stanza.name:
        raise ConfError("event types named after fields are not modelled", stanza.location)
    search = stanza.settings.get("search")
    if search is None or not search.value:
        raise ConfError("an event type needs a search", stanza.location)
    try:
        matches = compile_search(macros.expand(search.value))
    except EmulatorError as error:
        raise error.at(search.location) from error
    priority = stanza.settings["priority"].integer(least=1) if "priority" in stanza.settings else 1
    if priority > 10:
        raise ConfError("priority goes from 1 to 10", stanza.settings["priority"].location)
    if "disabled" in stanza.settings and stanza.settings["disabled"].boolean():
        return None
    return EventType(stanza.name, priority, _located(matches, search))


def _located(matches: Predicate, search: Setting) -> Predicate:
    def run(event: Fields) -> bool:
        try:
            return matches(event)
        except EmulatorError as error:
            raise error.at(search.location) from error

    return run


def event_type_step(types: list[EventType]) -> Step:
    """Sets `eventtype` to the names of all event types that match."""

    def step(fields: EventFields) -> None:
        names = collapse([event_type.name for event_type in types if event_type.matches(fields)])
        if names is not None:
            fields["eventtype"] = names

    return step


Tags = Mapping[tuple[str, str], tuple[str, ...]]


def tags(conf: Conf) -> Tags:
    """(field, value) -> the tags enabled for it. Raises ConfError with a location."""
    return dict(_tagged(stanza) for stanza in conf.stanzas.values())


def _tagged(stanza: Stanza) -> tuple[tuple[str, str], tuple[str, ...]]:
    field, equals, value = stanza.name.partition("=")
    if not (field and equals and value) or "*" in value:
        raise ConfError("a tag's stanza is [field=value], without wildcards", stanza.location)
    enabled = []
    for name, setting in stanza.settings.items():
        if setting.value not in {"enabled", "disabled"}:
            raise ConfError(f"{name}: write enabled or disabled", setting.location)
        if setting.value == "enabled":
            enabled.append(name)
    return (field, unquote(value)), tuple(enabled)


def tag_step(tagged: Tags) -> Step:
    """Sets `tag` (all tags) and `tag::<field>` (those of the field's value)."""
    names = sorted({field for field, _value in tagged})

    def step(fields: EventFields) -> None:
        all_tags: dict[str, None] = {}
        for name in names:
            values = values_of(fields, name)
            own_tags = [tag for value in values for tag in tagged.get((name, value), ())]
            own_values = collapse(sorted(dict.fromkeys(own_tags)))
            if own_values is not None:
                fields[f"tag::{name}"] = own_values
                all_tags.update(dict.fromkeys(own_tags))
        all_values = collapse(sorted(all_tags))
        if all_values is not None:
            fields["tag"] = all_values

    return step
