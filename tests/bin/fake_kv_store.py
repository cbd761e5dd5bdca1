"""KV Store in memory: a captain that takes every write, members that follow it in order, later."""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
_MOST_BYTES = 16 * 1024 * 1024
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$lt": operator.lt,
    "$lte": operator.le,
    "$gt": operator.gt,
    "$gte": operator.ge,
}


class FakeKvStore:
    """What the captain holds, by `_key`, and every change in the order of its happening."""

    def __init__(self) -> None:
        self.documents: dict[str, Json] = {}
        self.changes: list[tuple[str, Json | None]] = []
        self.lock = threading.Lock()

    def member(self, *, lags: bool = False) -> Member:
        """A member; one that lags shows nothing new until it is told to catch up."""
        return Member(self, lags=lags)

    def change(self, key: str, document: Json | None) -> None:
        if document is None:
            del self.documents[key]
        else:
            self.documents[key] = document
        self.changes.append((key, document))


class Member:
    """KV Store as one host sees it: writes go to the captain, reads are its own."""

    def __init__(self, store: FakeKvStore, *, lags: bool) -> None:
        self.store = store
        self.lags = lags
        self._documents: dict[str, Json] = {}
        self._applied = 0

    def catch_up(self, changes: int | None = None) -> None:
        """Apply so many more of the captain's changes; all by default."""
        left = self.store.changes[self._applied :]
        for key, document in left if changes is None else left[:changes]:
            self._applied += 1
            if document is None:
                del self._documents[key]
            else:
                self._documents[key] = document

    def insert(self, document: Json) -> bool:
        copy = json.loads(json.dumps(document))
        assert len(json.dumps(document)) < _MOST_BYTES, "KV Store refuses documents above 16 MB"
        with self.store.lock:
            if copy["_key"] in self.store.documents:
                return False
            self.store.change(copy["_key"], copy)
            return True

    def find(self, query: Json, limit: int, sort: str = "slot:-1", fields: str = "") -> list[Json]:
        with self.store.lock:
            if not self.lags:
                self.catch_up()
            found = [one for one in self._documents.values() if matches(one, query)]
        field, _, direction = sort.partition(":")
        found.sort(key=lambda one: one.get(field, 0), reverse=direction == "-1")
        names = fields.split(",") if fields else None
        return [{name: one[name] for name in names or one if name in one} for one in found[:limit]]

    def delete(self, query: Json) -> None:
        with self.store.lock:
            doomed = [key for key, one in self.store.documents.items() if matches(one, query)]
            for key in doomed:
                self.store.change(key, None)


def matches(document: Json, query: Json) -> bool:
    """The part of MongoDB's queries that KV Store documents; anything else is refused."""
    for name, wanted in query.items():
        if name == "$or":
            if not any(matches(document, one) for one in wanted):
                return False
        elif isinstance(wanted, dict):
            ((sign, value),) = wanted.items()
            if sign == "$ne":
                if document.get(name) == value:
                    return False
            elif name not in document or not _COMPARE[sign](document[name], value):
                return False
        elif document.get(name) != wanted:
            return False
    return True
