"""Searching: an app, the events that it indexed, and collections that searches write to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from preview.app import App
from preview.errors import SearchError
from preview.eval_values import FieldValue
from preview.event import IndexedEvent
from preview.spl.context import Context, Records, Results
from preview.spl.pipeline import run


@dataclass
class Session:
    """Searches see all events that were indexed, newest first; of one time, the last indexed first.

    now: epoch seconds. user: whom the searches run as.
    """

    app: App
    now: float
    user: str = "nobody"
    stores: dict[str, Records] = field(default_factory=dict)
    _events: list[dict[str, FieldValue]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in self.app.knowledge.store_fields:
            self.stores.setdefault(name, [])

    def index(self, events: Iterable[IndexedEvent]) -> None:
        """Add events to the index."""
        listed = sorted(events, key=lambda event: event.time_usecs)
        found = [dict(self.app.search_time(event)) for event in listed]
        self._events = sorted(
            [*found[::-1], *self._events], key=lambda one: float(str(one["_time"])), reverse=True
        )

    def search(self, text: str, earliest: float = 0, latest: float | None = None) -> Results:
        """Run a search over `earliest` (inclusive) to `latest` (exclusive), in epoch seconds."""
        knowledge = self.app.knowledge
        context = Context(
            events=self._events,
            earliest=earliest,
            latest=latest,
            now=self.now,
            user=self.user,
            macros=knowledge.macros,
            saved_searches=knowledge.saved_searches,
            stores=self.stores,
            store_fields=knowledge.store_fields,
        )
        return run(text, context)

    def saved(self, name: str, earliest: float = 0, latest: float | None = None) -> Results:
        """Run a saved search by name. Raises SearchError if there is none."""
        text = self.app.knowledge.saved_searches.get(name)
        if text is None:
            raise SearchError(f"savedsearches.conf has no [{name}]")
        return self.search(text, earliest, latest)
