"""An app's folder, loaded and cross-checked, ready to index and to search events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import IO

from emulator.conf import macros
from emulator.conf.app_folder import AppFolder, is_own, merged, read_app, read_neighbour
from emulator.conf.conf_file import Conf, Stanza
from emulator.conf.macros import Macros
from emulator.conf.props import Props
from emulator.errors import ConfError
from emulator.event import IndexedEvent
from emulator.index_time import indexing
from emulator.index_time.hec import hec_events
from emulator.index_time.indexing import Clock, InputMetadata
from emulator.search_time.extraction import EventFields, Step, constant_fields, transform_step
from emulator.search_time.knowledge import event_type_step, event_types, tag_step, tags
from emulator.search_time.kv_store import StoreLookup, by_collection, collection_names, collections
from emulator.search_time.lookups import AnyLookup, Lookup, LookupRow
from emulator.search_time.operations import (
    Steps,
    Transforms,
    check_rules,
    classes,
    compile_steps,
    words_of,
)
from emulator.spl.alerts import Alert, alerts, maintenance
from emulator.spl.saved_searches import saved_searches

_FIELD_SETTINGS = frozenset({"INDEXED", "INDEXED_VALUE"})  # which tokens a search looks for


def _now_usecs() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True)
class SearchKnowledge:
    """What searches refer to by name, and what is scheduled; `maintenance` writes collections."""

    macros: Macros
    saved_searches: dict[str, str]
    lookups: Mapping[str, AnyLookup]
    alerts: Mapping[str, Alert]
    maintenance: Mapping[str, Alert] = field(default_factory=dict)

    @property
    def store_lookups(self) -> list[StoreLookup]:
        """The lookups whose rows are records of a KV store collection."""
        return [lookup for lookup in self.lookups.values() if isinstance(lookup, StoreLookup)]


class App:
    """The shipped configuration. Use `App.load` to create one."""

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
        self.collection_names = collection_names(knowledge.store_lookups)
        self._index_rules_of = lru_cache(maxsize=4096)(self._index_rules)
        self._steps_of = lru_cache(maxsize=4096)(self._compile)
        self._matching = lru_cache(maxsize=4096)(props.matching)

    @classmethod
    def load(
        cls,
        folder: Path,
        neighbours: Sequence[Path] = (),
        local_macros: Mapping[str, str] = MappingProxyType({}),
    ) -> App:
        """Read `default/`, `lookups/` and `metadata/` of an app's folder.

        `neighbours`: folders of other apps whose exported props.conf, transforms.conf and
        collections.conf apply too; their errors are raised when they apply to an event.
        `local_macros`: what an administrator set in local/macros.conf, name to definition.
        Raises EmulatorError with file, stanza and line for everything that is malformed, refers to
        nothing, or is not modelled; also where two apps set one setting differently.
        """
        folders = [read_app(Path(folder)), *(read_neighbour(Path(path)) for path in neighbours)]
        confs = merged(folders)
        search_macros = Macros.from_conf(confs["macros.conf"]).with_local(local_macros)
        checked_macros = search_macros.with_placeholders()
        macros.check(search_macros, confs["macros.conf"])
        transforms = _transforms(confs, folders)
        _check_constants(transforms, _fields_not_in_raw(confs["fields.conf"]))
        knowledge = SearchKnowledge(
            search_macros,
            saved_searches(confs["savedsearches.conf"], checked_macros),
            transforms.lookups,
            alerts(confs["savedsearches.conf"]),
            maintenance(confs["savedsearches.conf"]),
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

        Raises StreamError where the stream is malformed or ends early, after the events that were
        complete before. `clock` gives microseconds since the epoch.
        """
        return indexing.modular_input_events(stream, self._index_rules_of, clock)

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
        metadata = InputMetadata(host, source, sourcetype, index)
        return indexing.text_events(text, metadata, self._index_rules_of(metadata), clock)

    def index_hec(
        self,
        body: str,
        *,
        sourcetype: str,
        source: str,
        host: str,
        index: str = "main",
        clock: Clock = _now_usecs,
    ) -> Iterator[IndexedEvent]:
        """The events of a request to the HTTP Event Collector's event endpoint.

        The arguments are the token's settings; an object of the body can override them. (The raw
        endpoint is `index_text`.) Raises StreamError for what is malformed or not modelled.
        """
        token = InputMetadata(host, source, sourcetype, index)
        return hec_events(body, token, self._index_rules_of, clock)

    def search_time(
        self, event: IndexedEvent, stores: Mapping[str, Sequence[LookupRow]] | None = None
    ) -> EventFields:
        """All fields of the event as a search sees them; values are str or, if several, list.

        `stores`: the records of KV store collections, by the name of the collection or of a lookup
        on it; one that is not named is empty. Raises LookupTableError for an unknown name.
        """
        known = by_collection(stores, self.collection_names) if stores else {}
        fields = event.fields()
        steps = self._steps_of(self._matching(event.sourcetype, event.host, event.source))
        for step in steps.before:
            step(fields)
        for lookup_step in steps.lookups:
            lookup_step(fields, known)
        for step in self._last_steps:
            step(fields)
        return fields

    @property
    def automatic_collections(self) -> frozenset[str]:
        """The collections that automatic lookups read, by name."""
        used = [self.props.rules((name,)) for name in self.props.sourcetypes]
        used += [stanza.settings for stanza in self.props.patterns]
        names = [words_of(setting)[0] for rules in used for setting in classes(rules, "LOOKUP-")]
        return frozenset(
            self.collection_names[name] for name in names if name in self.collection_names
        )

    def _compile(self, names: tuple[str, ...]) -> Steps:
        if not names:
            raise ConfError(
                "no stanza of props.conf matches this event, so KV_MODE is auto: not modelled"
            )
        return compile_steps(self.props.rules(names), self.transforms)

    def _index_rules(self, metadata: InputMetadata) -> indexing.IndexRules:
        names = self.props.matching(metadata.sourcetype, metadata.host, metadata.source)
        return indexing.IndexRules.from_props(self.props.rules(names))

    def _check(self) -> None:
        """Compile all of this app once, so that errors are raised at load time."""
        for stanza in filter(is_own, self.transforms.reports.values()):
            transform_step(stanza)
        for stanza in filter(is_own, self.props.sourcetypes.values()):
            self._compile((stanza.name,))
            indexing.IndexRules.from_props(self.props.rules((stanza.name,)))
        for stanza in filter(is_own, self.props.patterns):
            check_rules(stanza.settings, self.transforms)
            indexing.IndexRules.from_props(stanza.settings)


def _fields_not_in_raw(conf: Conf) -> set[str]:
    """The fields of fields.conf whose values a search must not expect in the raw text."""
    names = set()
    for stanza in conf.with_defaults():
        for key, setting in stanza.settings.items():
            if key not in _FIELD_SETTINGS:
                raise ConfError(f"the emulator does not model {key}", setting.location)
            if not setting.boolean() and key == "INDEXED_VALUE":
                names.add(stanza.name)
    return names


def _check_constants(transforms: Transforms, declared: set[str]) -> None:
    """transforms.conf.spec, FORMAT: a value that is no token of the text must be declared."""
    for stanza in filter(is_own, transforms.reports.values()):
        for name in constant_fields(stanza):
            if name not in declared:
                raise ConfError(
                    f"a search for the constant value of {name} would find nothing: set"
                    f" INDEXED_VALUE = false under [{name}] in fields.conf, or use EVAL-",
                    stanza.settings["FORMAT"].location,
                )


def _transforms(confs: dict[str, Conf], folders: Sequence[AppFolder]) -> Transforms:
    """What the search-time steps use: stanzas for REPORT, lookups in files or in collections."""
    apps = {app.confs["transforms.conf"].path: app for app in folders}
    reports: dict[str, Stanza] = {}
    lookups: dict[str, AnyLookup] = {}
    known = collections(confs["collections.conf"])
    for stanza in confs["transforms.conf"].with_defaults():
        if "filename" in stanza.settings:
            app = apps[stanza.settings["filename"].location.path]
            lookups[stanza.name] = Lookup(stanza, app.folder / "lookups", app.shown("lookups"))
        elif "external_type" in stanza.settings:
            lookups[stanza.name] = StoreLookup(stanza, known)
        elif {"REGEX", "DELIMS"} & set(stanza.settings):
            reports[stanza.name] = stanza
        else:
            raise ConfError(
                "neither REGEX, DELIMS, filename nor external_type: this kind of transform is not"
                " modelled",
                stanza.location,
            )
    return Transforms(reports, lookups)
