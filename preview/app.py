"""An app's folder, loaded and cross-checked, ready to index and to search events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from preview import index_time, macros
from preview.conf import Conf, read_conf
from preview.errors import ConfError, Location, PreviewError
from preview.event import IndexedEvent
from preview.extraction import EventFields, Step, transform_step
from preview.knowledge import event_type_step, event_types, tag_step, tags
from preview.kv_store import collections, store_lookups
from preview.lookups import Lookup
from preview.macros import Macros
from preview.props import Props
from preview.saved_searches import saved_searches
from preview.search_time import Transforms, check_rules, compile_steps

# Files without effect on index time and search time as far as an event's fields go.
_OTHER_FILES = frozenset(
    {
        "app.conf",
        "inputs.conf",
        "restmap.conf",
        "server.conf",
        "web.conf",
    }
)
_READ_FILES = frozenset(
    {
        "collections.conf",
        "eventtypes.conf",
        "fields.conf",
        "macros.conf",
        "props.conf",
        "savedsearches.conf",
        "tags.conf",
        "transforms.conf",
    }
)
_FIELD_SETTINGS = frozenset({"INDEXED", "INDEXED_VALUE"})  # which tokens a search asks for
_META_SETTINGS = frozenset({"access", "export", "owner", "version", "modtime"})

Clock = Callable[[], int]


def _now_usecs() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True)
class SearchKnowledge:
    """What searches refer to by name: macros, saved searches, the fields of KV store lookups."""

    macros: Macros
    saved_searches: dict[str, str]
    store_fields: dict[str, tuple[str, ...]]


class App:
    """The shipped configuration. `App.load` is the way to get one."""

    def __init__(
        self,
        props: Props,
        transforms: Transforms,
        last_steps: list[Step],
        knowledge: SearchKnowledge,
    ) -> None:
        self.props = props
        self.transforms = transforms
        self.knowledge = knowledge
        self._last_steps = last_steps
        self._index_rules_of = lru_cache(maxsize=4096)(self._index_rules)
        self._steps_of = lru_cache(maxsize=4096)(self._compile)
        self._matching = lru_cache(maxsize=4096)(props.matching)

    @classmethod
    def load(cls, folder: Path) -> App:
        """Read `default/`, `lookups/` and `metadata/` of an app's folder.

        Raises PreviewError with file, stanza and line for everything that is malformed, refers to
        nothing, or is not modelled.
        """
        confs = _read_folder(Path(folder))
        search_macros = Macros.from_conf(confs["macros.conf"])
        macros.check(search_macros, confs["macros.conf"])
        _check_fields(confs["fields.conf"])
        transforms, stores = _transforms(confs, Path(folder) / "lookups")
        knowledge = SearchKnowledge(
            search_macros, saved_searches(confs["savedsearches.conf"], search_macros), stores
        )
        types = event_types(confs["eventtypes.conf"], search_macros)
        last = [event_type_step(types), tag_step(tags(confs["tags.conf"]))]
        app = cls(Props(confs["props.conf"]), transforms, last, knowledge)
        app._check()
        return app

    def index_modular_input(
        self, stream: str | bytes | IO[str] | IO[bytes], clock: Clock = _now_usecs
    ) -> Iterator[IndexedEvent]:
        """The events of the XML stream that a modular input prints.

        Raises StreamError where the stream is malformed or ends early, behind the events that were
        complete before. `clock` gives microseconds since the epoch.
        """
        return index_time.modular_input_events(stream, self._index_rules_of, clock)

    def index_text(
        self,
        text: str,
        *,
        sourcetype: str,
        source: str,
        host: str,
        index: str = "main",
        clock: Clock = _now_usecs,
    ) -> Iterator[IndexedEvent]:
        """The events of a file's text: line breaking, truncation, timestamps."""
        origin = index_time.Origin(host, source, sourcetype, index)
        return index_time.text_events(text, origin, self._index_rules_of(origin), clock)

    def search_time(self, event: IndexedEvent) -> EventFields:
        """All fields of the event as a search sees them; values are str or, if several, list."""
        fields = event.fields()
        names = self._matching(event.sourcetype, event.host, event.source)
        for step in self._steps_of(names):
            step(fields)
        return fields

    def _compile(self, names: tuple[str, ...]) -> list[Step]:
        if not names:
            raise ConfError(
                "no stanza of props.conf matches this event, so KV_MODE is auto: not modelled"
            )
        return [*compile_steps(self.props.rules(names), self.transforms), *self._last_steps]

    def _index_rules(self, origin: index_time.Origin) -> index_time.IndexRules:
        names = self.props.matching(origin.sourcetype, origin.host, origin.source)
        return index_time.IndexRules.from_props(self.props.rules(names))

    def _check(self) -> None:
        """Compile everything once, so that a fault shows at load time."""
        for stanza in self.transforms.reports.values():
            transform_step(stanza)
        for name in self.props.sourcetypes:
            self._compile((name,))
            index_time.IndexRules.from_props(self.props.rules((name,)))
        for stanza in self.props.patterns:
            check_rules(stanza.settings, self.transforms)
            index_time.IndexRules.from_props(stanza.settings)


def _read_folder(folder: Path) -> dict[str, Conf]:
    default = folder / "default"
    if not default.is_dir():
        raise PreviewError(f"{folder} is no app: it has no folder default/")
    if (folder / "local").exists():
        raise PreviewError(f"{folder}/local: layers over default/ are not modelled: remove it")
    for path in sorted(default.glob("*.conf")):
        if path.name not in _READ_FILES | _OTHER_FILES:
            raise ConfError("preview does not know this file", Location(str(path), "", 1))
    _check_metadata(read_conf(folder / "metadata" / "default.meta", "metadata/default.meta"))
    return {name: read_conf(default / name, f"default/{name}") for name in sorted(_READ_FILES)}


def _check_metadata(conf: Conf) -> None:
    for stanza in conf.stanzas.values():
        for key, setting in stanza.settings.items():
            if key not in _META_SETTINGS:
                raise ConfError(f"unknown setting {key}", setting.location)
            if key == "export" and setting.value not in ("system", "none"):
                raise ConfError("export is system or none", setting.location)


def _check_fields(conf: Conf) -> None:
    for stanza in conf.stanzas.values():
        for key, setting in stanza.settings.items():
            if key not in _FIELD_SETTINGS:
                raise ConfError(f"preview does not model {key}", setting.location)
            setting.boolean()


def _transforms(
    confs: dict[str, Conf], lookups: Path
) -> tuple[Transforms, dict[str, tuple[str, ...]]]:
    """What the search-time steps use, and the fields of the KV store lookups."""
    reports, tables, stores = {}, {}, []
    for stanza in confs["transforms.conf"].with_defaults():
        if "filename" in stanza.settings:
            tables[stanza.name] = Lookup(stanza, lookups, "lookups")
        elif "external_type" in stanza.settings:
            stores.append(stanza)
        elif {"REGEX", "DELIMS"} & set(stanza.settings):
            reports[stanza.name] = stanza
        else:
            raise ConfError(
                "neither REGEX, DELIMS, filename nor external_type: this kind of transform is not"
                " modelled",
                stanza.location,
            )
    known = collections(confs["collections.conf"])
    return Transforms(reports, tables), store_lookups(stores, known)
