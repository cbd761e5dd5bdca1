"""Requests for replays that wait in KV Store, where the states of their groups are.

A document each: `_key` is `<key of the state>.request.<id>`, `for` that key, `kind` "request",
`request` what a file would hold (see `replay`). The owner of the group adopts it; hosts that stand
by never do. What is no request becomes `kind` "rejected", where people find it and runs do not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Protocol, Union

from cloudhsm.base.errors import CloudHsmError, Place, StateError
from cloudhsm.state import replay_requests
from cloudhsm.state.replay_requests import Request
from cloudhsm.trail.log_group import GroupId

log = logging.getLogger("cloudhsm")

_MOST = 1_000

Json = dict[str, Any]
# The key of the document, and what it holds or what is wrong with it.
Found = tuple[str, Union[Request, CloudHsmError]]


class Slots(Protocol):
    """A collection of KV Store; each call may raise KvStoreUnavailable."""

    def insert(self, document: Json) -> bool: ...
    def find(
        self, query: Json, limit: int, sort: str = "slot:-1", fields: str = ""
    ) -> list[Json]: ...
    def delete(self, query: Json) -> None: ...


def asked_of(slots: Slots) -> set[str]:
    """The keys of the groups for which requests wait: one question for all groups of a run."""
    rows = slots.find({"kind": "request"}, _MOST, sort="_key:1", fields="for")
    return {str(row.get("for")) for row in rows}


class KvRequests:
    """The requests for one group; key: that of its state, group: what they must name, if known."""

    def __init__(self, slots: Slots, key: str, group: GroupId | None) -> None:
        self._slots = slots
        self._key = key
        self._group = group

    def write(self, request: Request) -> None:
        """Leave a request for the next run of the owner."""
        document = replay_requests.document(request)
        self._insert(f"{self._key}.request.{request.id}", "request", document)

    def found(self) -> Iterator[Found]:
        """Every document that poses as a request for this group."""
        query = {"for": self._key, "kind": "request"}
        for row in self._slots.find(query, _MOST, sort="_key:1"):
            name = str(row.get("_key"))
            place = Place(file=f"KV Store {name}")
            try:
                yield name, replay_requests.understood(row.get("request"), place, self._group)
            except CloudHsmError as error:
                yield name, error

    def waiting(self) -> list[Request]:
        """The requests, oldest first; whatever else lies there is set aside and told in the log."""
        requests = []
        for name, request in [*self.found()]:
            if isinstance(request, Request):
                requests.append(request)
            else:
                log.error("%s", request.line())
                self._set_aside(name)
        return sorted(requests, key=lambda request: (request.requested_ms, request.id))

    def discard(self, request: Request) -> None:
        """The request need not wait any longer: it was adopted, or nobody wants it any more."""
        self._slots.delete({"_key": f"{self._key}.request.{request.id}"})

    def adopted(self, request: Request) -> None:
        """As `discard`; a run goes on where that fails, since the state knows the request now."""
        try:
            self.discard(request)
        except StateError as error:
            log.error("%s", error.line())

    def _set_aside(self, name: str) -> None:
        for row in self._slots.find({"_key": name}, 1):
            self._insert(f"{name}.rejected", "rejected", row.get("request"))
        self._slots.delete({"_key": name})

    def _insert(self, name: str, kind: str, request: object) -> None:
        document = {"_key": name, "for": self._key, "kind": kind, "request": request}
        self._slots.insert(document)
