"""Searching: an app, the events that it indexed, and collections that searches write to."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from emulator.app import App
from emulator.errors import SearchError
from emulator.event import IndexedEvent
from emulator.search_time.kv_store import by_collection
from emulator.spl.context import Context, Records, ResultRow, Results
from emulator.spl.pipeline import run, run_chained


@dataclass
class Session:
    """Searches see all events that were indexed, newest first; of one time, the last indexed first.

    now: epoch seconds. user: runs the searches. stores: the records of KV store collections,
    under the name of each collection and of each lookup on it: one list, which searches change.
    """

    app: App
    now: float
    user: str = "nobody"
    stores: dict[str, Records] = field(default_factory=dict)
    _events: list[tuple[IndexedEvent, ResultRow]] = field(default_factory=list)
    _seen: dict[str, Records] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.app.collection_names
        by_collection(self.stores, names)  # refuses unknown names
        for name, records in list(self.stores.items()):
            self.stores[names[name]] = records
        for name, collection in names.items():
            self.stores[name] = self.stores.setdefault(collection, [])

    def index(self, events: Iterable[IndexedEvent]) -> None:
        """Add events to the index."""
        self._follow_stores()
        listed = sorted(events, key=lambda event: event.time_usecs)
        indexed = [self._searched(event) for event in listed[::-1]]
        self._events = sorted(
            [*indexed, *self._events], key=lambda pair: pair[0].time_usecs, reverse=True
        )

    def _searched(self, event: IndexedEvent) -> tuple[IndexedEvent, ResultRow]:
        return event, self.app.search_time(event, self._seen)

    def _follow_stores(self) -> None:
        """Automatic lookups run in every search: repeat them after a record changed."""
        now = {name: self.stores[name] for name in self.app.automatic_collections}
        if now != self._seen:
            self._seen = deepcopy(now)
            self._events = [self._searched(event) for event, _fields in self._events]

    def search(self, text: str, earliest: float = 0, latest: float | None = None) -> Results:
        """Run a search over `earliest` (inclusive) to `latest` (exclusive), in epoch seconds."""
        self._follow_stores()
        return run(text, self._context(earliest, latest))

    def chained(
        self, base: Results, text: str, earliest: float = 0, latest: float | None = None
    ) -> Results:
        """Run `text`, which begins with a pipe, on the results of another search.

        The other search's results do not change, so that several can continue them; the times
        are those of that search (Dashboard Studio, "Chain searches together").
        """
        rows = Results([dict(row) for row in base.rows], base.columns)
        return run_chained(text, rows, self._context(earliest, latest))

    def _context(self, earliest: float, latest: float | None) -> Context:
        knowledge = self.app.knowledge
        return Context(
            events=[fields for _event, fields in self._events],
            earliest=earliest,
            latest=latest,
            now=self.now,
            user=self.user,
            macros=knowledge.macros,
            saved_searches=knowledge.saved_searches,
            lookups=knowledge.lookups,
            stores=self.stores,
        )

    def saved(self, name: str, earliest: float = 0, latest: float | None = None) -> Results:
        """Run a saved search by name. Raises SearchError if there is none."""
        text = self.app.knowledge.saved_searches.get(name)
        if text is None:
            raise SearchError(f"savedsearches.conf has no [{name}]")
        return self.search(text, earliest, latest)
