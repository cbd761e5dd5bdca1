"""States in KV Store, where several hosts may run one input: one works, the others stand by.

KV Store has no compare-and-swap, only an insert that fails where its `_key` exists. So the state
of a log group is a row of slots, numbered upwards, each written once and never changed::

    claim    somebody opened the group: its epoch is one above that of the slot before
    state    a generation: envelope and document as in a file, in parts where it is long
    release  the last word of an epoch: its run ended in order
    moved    the state is in a file now; aside: a person had it set aside

The newest slot is the truth. Why two collectors can never both advance:

- Every slot follows the one that its writer wrote or saw last. Of two that write the same number
  one is refused (409), and stops with StateLocked.
- A claim counts once a read shows it as the newest slot. Members of a cluster replicate in order:
  a member that shows the claim shows all that was written before it, so old views cannot win.
- The claim behind an epoch without a last word is a barrier, kept for BARRIER_DAYS while other old
  slots are deleted. A process that was paused, for however long, writes into exactly that slot
  next and is refused. All that it can have done is to hand over what the new owner also reads:
  repeats, which `cloudhsm_dedup` removes. A slot is written after its records were handed over, so
  a slot that is refused, lost or late never loses any.

Ownership lasts: another host takes over once the newest slot is TAKEOVER_MS old, or three
intervals of its writer. Every run writes slots: such a silence means that host or input is gone.
Clocks of members may differ; a wrong one can hand the group over too early or late, no more.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cloudhsm.base.errors import Place, StateCorrupt, StateError, StateLocked
from cloudhsm.splunk.splunkd_rest import KvStoreUnavailable, Server
from cloudhsm.state.file_store import Damaged, Envelopes, FileStateStore, Loaded, StateFile, sealed
from cloudhsm.state.kv_replay_requests import KvRequests, Slots, asked_of
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.log_group import GroupId

COLLECTION = "cloudhsm_collector_states"
# As long as a renamed input waits. An input that waits out a failure of AWS is silent for 5 min.
TAKEOVER_MS = 10 * 60_000
BARRIER_DAYS = 30
# KV Store takes documents of 16 MB. Documents of states are ASCII, so characters are bytes.
PART_CHARACTERS = 8_000_000
_LAST_WORDS = ("release", "moved", "aside")
_MOST_DOCUMENTS, _MOST_GENERATIONS = 10_000, 20
_TRIES, _PAUSE_S = 10, 0.2
_REPAIR = (
    "disable the input and run `splunk cmd python aws_cloudhsm_state.py set-aside --kvstore "
    "FILE.state` in the add-on's bin folder: the next run collects again from start_time, and the "
    "macro cloudhsm_dedup removes the repeats"
)

Json = dict[str, Any]


class StateMoved(StateError):
    """The state that was in KV Store is in a file now."""


@dataclass(frozen=True)
class Owner:
    """Who opens states: this installation of Splunk, for runs of this many seconds."""

    server: Server
    interval_s: float = 60

    @property
    def patience_ms(self) -> int:
        """How long the others wait for a sign of life."""
        return max(TAKEOVER_MS, int(3000 * self.interval_s))


class SlotRow:
    """The slots of one group, until another host claims it. Reading them needs no claim.

    key: the name of the group's state file without its suffix.
    """

    def __init__(self, slots: Slots, key: str, owner: Owner, place: Place) -> None:
        self.slots = slots
        self.key = key
        self.slot = 0  # the newest one that was written or seen
        self._owner = owner
        self._place = place
        self._stanza = ""
        self._writer = uuid.uuid4().hex
        self._epoch = 0
        self._loss: StateLocked | None = None

    def claim(self, stanza: str) -> None:
        """Take ownership; raises StateLocked where another host has it."""
        self._stanza = stanza
        rows = self.slots.find({"group": self.key, "kind": {"$ne": "part"}}, 1)
        newest = _checked(rows[0], self._place) if rows else None
        self.slot, self._epoch, barrier = 0, 1, False
        if newest is not None:
            self._wait_for(newest)
            self.slot, self._epoch = newest["slot"], newest["epoch"] + 1
            barrier = newest["kind"] not in _LAST_WORDS
        self.append("claim", barrier=int(barrier))
        self._confirm()

    def release(self) -> None:
        """Write the last word of this epoch, where it still can be written."""
        if self._loss is None and self.slot:
            with suppress(StateError):
                self.append("release")

    def contents(self) -> Iterator[Json]:
        """The slots about the state, the newest first, until no more are needed.

        Mostly two are kept; damaged ones are, too, as long as one before them is needed.
        """
        query: Json = {"group": self.key, "content": 1}
        for _ in range(_MOST_GENERATIONS):
            rows = self.slots.find(query, 1)
            if not rows:
                return
            head = _checked(rows[0], self._place)
            yield head
            query["slot"] = {"$lt": head["slot"]}

    def require(self) -> None:
        """Raises StateLocked where another host took over."""
        if self._loss is not None:
            raise self._loss

    def append(self, kind: str, **more: object) -> None:
        """Write the next slot, as the owner of this epoch. Raises StateLocked."""
        self.require()
        slot, server = self.slot + 1, self._owner.server
        document = {
            **_document(self.key, slot, kind, uuid.uuid4().hex),
            "epoch": self._epoch,
            "owner": server.guid,
            "host": server.name,
            "stanza": self._stanza,
            "writer": self._writer,
            "patience_ms": self._owner.patience_ms,
            **more,
        }
        if not self.slots.insert(document):
            self._was_refused(document)
        self.slot = slot

    def _wait_for(self, newest: Json) -> None:
        """Raises StateLocked while another host shows signs of life."""
        ago_ms = _now_ms() - newest["at_ms"]
        if newest["owner"] == self._owner.server.guid or abs(ago_ms) >= newest["patience_ms"]:
            return
        raise StateLocked(
            f"{newest['stanza']} on {newest['host']} collected this log group {ago_ms // 1000} s "
            "ago",
            place=self._place,
            next_step=f"Nothing need be done: this host takes over {newest['patience_ms'] // 1000} "
            "s after the other one's last sign of life, and goes on where it stopped. Let one "
            "input collect a log group",
        )

    def _was_refused(self, document: Json) -> None:
        """Returns where it had been written after all, by a try whose answer was lost.

        Raises StateLocked where another host took over, StateError where an earlier save of this
        run came through late, or this member does not show yet what it was.
        """
        slot = document["slot"]
        query = {"group": self.key, "slot": slot, "kind": {"$ne": "part"}}
        for head in self._visible(query):
            if head["nonce"] == document["nonce"]:
                return
            if head["writer"] == self._writer:
                self.slot = slot
                raise _lag(self._place)
            self._loss = _taken_over(self._place)
            raise self._loss
        raise _lag(self._place)

    def _confirm(self) -> None:
        """Raises StateLocked unless the claim is the newest slot, StateError while it is unseen."""
        query = {"group": self.key, "slot": {"$gte": self.slot}, "kind": {"$ne": "part"}}
        for head in self._visible(query):
            if head["writer"] == self._writer:
                return
            if head["slot"] > self.slot:
                self._loss = _taken_over(self._place)
                raise self._loss
            # An old view of what was in this slot before it was deleted.
        raise _lag(self._place)

    def _visible(self, query: Json) -> Iterator[Json]:
        """What a query finds, as soon as this member shows it."""
        for _ in range(_TRIES):
            for row in self.slots.find(query, 1):
                yield _checked(row, self._place)
            time.sleep(_PAUSE_S)


class KvState:
    """The state of one group in its slots. Loading needs no claim."""

    def __init__(self, slots: Slots, key: str, group: GroupId | None, owner: Owner) -> None:
        self._group = group
        self._place = _place(key, group)
        self._row = SlotRow(slots, key, owner, self._place)
        self._complete: list[int] = []  # slots of complete generations, the newest last
        self.claim, self.release = self._row.claim, self._row.release

    def load(self) -> Loaded:
        """The newest complete generation; raises what a file does, and where it was moved."""
        reasons: list[str] = []
        for head in self._row.contents():
            if head["kind"] == "moved" and not reasons:
                raise _moved_away(head, self._place)
            if head["kind"] != "state":
                break
            try:
                state = self._opened(head)
            except Damaged as error:
                reasons.append(f"slot {head['slot']} {error}")
                continue
            self._complete = [head["slot"]]
            return Loaded(state, "; ".join(reasons) or None)
        if reasons:
            raise StateCorrupt(
                f"Neither generation of the state can be used: {'; '.join(reasons)}",
                place=self._place,
                next_step=_REPAIR[0].upper() + _REPAIR[1:],
            )
        return Loaded(None)

    def save(self, state: GroupState) -> None:
        """Make this the newest generation; replicated, as KV Store has it, before it returns.

        Raises StateLocked where another host took over, StateError where KV Store cannot be used;
        the generation before is then still complete.
        """
        row = self._row
        row.require()
        envelope, _, document = sealed(state, row.slot + 1).decode("ascii").partition("\n")
        first, *others = _cut(document)
        nonce = uuid.uuid4().hex
        for number, text in enumerate(others, 1):
            part = _document(row.key, row.slot + 1, "part", nonce)
            part.update(_key=f"{part['_key']}.{nonce}.{number}", number=number, document=text)
            row.slots.insert(part)
        content = {"envelope": envelope, "document": first, "parts": len(others), "content": 1}
        row.append("state", nonce=nonce, **content)
        self._complete = [*self._complete[-1:], row.slot]
        self._forget()

    def mark(self, kind: str) -> None:
        """The state is no longer here: `moved` to a file of this host, or set `aside`."""
        self._row.append(kind, content=1)

    def raw(self) -> list[Json]:
        """Every document of this group, for a person to keep."""
        return self._row.slots.find({"group": self._row.key}, _MOST_DOCUMENTS)

    def _opened(self, head: Json) -> GroupState:
        texts, key = [str(head.get("document", ""))], self._row.key
        if parts := head.get("parts"):
            query = {"group": key, "kind": "part", "nonce": head["nonce"]}
            rows = {row.get("number"): row for row in self._row.slots.find(query, 1000)}
            if missing := [number for number in range(1, int(parts) + 1) if number not in rows]:
                raise Damaged(f"lacks parts {missing}")
            texts += [str(rows[number].get("document")) for number in range(1, int(parts) + 1)]
        content = f"{head.get('envelope', '')}\n{''.join(texts)}".encode()
        name = f"slot {head['slot']} of {key}"
        return Envelopes(self._group, self._place, _REPAIR).opened(content, name)[0]

    def _forget(self) -> None:
        """Delete what precedes the generation before this one; whatever stays does no harm."""
        old_ms = _now_ms() - BARRIER_DAYS * 86_400_000
        query = {
            "group": self._row.key,
            "slot": {"$lt": self._complete[0]},
            "$or": [{"barrier": 0}, {"at_ms": {"$lt": old_ms}}],
        }
        with suppress(KvStoreUnavailable):
            self._row.slots.delete(query)


def _document(key: str, slot: int, kind: str, nonce: str) -> Json:
    """What every document of a group has; its `_key` is that of a slot."""
    name, at_ms = f"{key}.{slot:012d}", _now_ms()
    numbers = {"slot": slot, "barrier": 0, "content": 0, "at_ms": at_ms}
    return {"_key": name, "group": key, "kind": kind, "nonce": nonce, **numbers}


def _taken_over(place: Place) -> StateLocked:
    return StateLocked(
        "Another host took this log group over while this one was held up",
        place=place,
        next_step="Nothing need be done: it goes on from the last state that was saved, so "
        "records of this moment may be there twice; the macro cloudhsm_dedup removes them",
    )


def _lag(place: Place) -> StateError:
    return StateError(
        "KV Store of this host does not show what was just written to it",
        place=place,
        next_step="See `splunk show kvstore-status` for a member that lags; nothing was lost, "
        "the next run tries again",
    )


def _moved_away(head: Json, place: Place) -> StateMoved:
    return StateMoved(
        f"The state of this log group was moved to a file of {head['host']}",
        place=place,
        next_step="Set state_store = file there, or move it back on that host: `splunk cmd "
        "python aws_cloudhsm_state.py to-kvstore FILE.state` in the add-on's bin folder",
    )


class HeldState:
    """A state in KV Store, and what this host has in its checkpoint folder."""

    def __init__(self, kv: KvState, file: StateFile, requests: KvRequests | None) -> None:
        self._kv = kv
        self._file = file
        self._requests = requests
        self._staged: GroupState | None = None
        self.save = kv.save

    def stage(self, state: GroupState) -> None:
        """Keep it until `commit`: what KV Store has counts at once."""
        self._staged = state

    def commit(self) -> None:
        """Save the staged state."""
        if self._staged is not None:
            state, self._staged = self._staged, None
            self.save(state)

    def load(self) -> Loaded:
        """As KvState; where KV Store has nothing, this host must have nothing either."""
        loaded = self._kv.load()
        if loaded.state is None and (left := self._file.generations()):
            raise StateError(
                "KV Store has no state of this log group, this host has one in a file",
                place=Place(file=str(left[0])),
                next_step="Move it, so that collection goes on where it stopped: `splunk cmd "
                "python aws_cloudhsm_state.py to-kvstore FILE.state` in the add-on's bin folder "
                "(rename FILE.moved-to-kvstore to FILE.state first if KV Store was emptied), or "
                "begin anew with `set-aside`",
            )
        return loaded

    def requests(self) -> list[Request]:
        """The replays that people asked for, in KV Store or on this host, not adopted yet."""
        in_kv_store = [] if self._requests is None else self._requests.waiting()
        return [*in_kv_store, *self._file.requests()]

    def discard(self, request: Request) -> None:
        """A request was adopted: it is in the state now."""
        if self._requests is not None:
            self._requests.adopted(request)
        self._file.discard(request)


class KvStateStore:
    """The states of all groups, in KV Store, for one run.

    folder: the checkpoint folder of this host.
    """

    def __init__(self, folder: Path, slots: Slots, owner: Owner) -> None:
        self._files = FileStateStore(folder)
        self._slots = slots
        self._owner = owner
        self._asked: set[str] | None = None  # of which groups something was asked, once known

    @contextmanager
    def open(self, group: GroupId, stanza: str) -> Iterator[HeldState]:
        """Own the group's state. Raises StateLocked where another process or host does."""
        with self._files.open(group, stanza) as file:
            key = self._files.path(group).stem
            kv = KvState(self._slots, key, group, self._owner)
            kv.claim(stanza)
            try:
                yield HeldState(kv, file, self._requests(key, group))
            finally:
                kv.release()

    def _requests(self, key: str, group: GroupId) -> KvRequests | None:
        if self._asked is None:
            self._asked = asked_of(self._slots)
        return KvRequests(self._slots, key, group) if key in self._asked else None

    def at_work(self, stanza: str) -> str | None:
        """The host that collects for this input, where this one had better stand by.

        Only to spare calls to AWS: whether a state may be written is decided by its slots. Where
        two hosts share the groups of an input, the one whose guid comes first keeps working.
        """
        guid, since = self._owner.server.guid, {"$gt": _now_ms() - self._owner.patience_ms}
        signs = {"stanza": stanza, "at_ms": since, "kind": {"$ne": "part"}}
        others = self._slots.find({**signs, "owner": {"$ne": guid}}, 1, "owner:1")
        if not others:
            return None
        is_first = guid < str(others[0].get("owner"))
        if is_first and self._slots.find({**signs, "owner": guid}, 1):
            return None
        return str(others[0].get("host"))


def known(slots: Slots) -> list[str]:
    """The keys of all states in KV Store."""
    rows = slots.find({"content": 1}, _MOST_DOCUMENTS, "group:1", "group")
    return sorted({str(row["group"]) for row in rows})


def _checked(head: Json, place: Place) -> Json:
    """What somebody wrote into the collection by hand must not pass for a slot."""
    numbers = ("slot", "epoch", "at_ms", "patience_ms")
    texts = ("kind", "owner", "host", "stanza", "writer", "nonce")
    if all(isinstance(head.get(name), (int, float)) for name in numbers) and all(
        isinstance(head.get(name), str) for name in texts
    ):
        return {**head, **{name: int(head[name]) for name in numbers}}
    raise StateCorrupt(
        f"The collection {COLLECTION} has a document that this add-on did not write: "
        f"{head.get('_key')!r}",
        place=place,
        next_step="Delete this document from KV Store, by its _key",
    )


def _place(key: str, group: GroupId | None) -> Place:
    return replace(group.place if group else Place(), file=f"KV Store {COLLECTION}/{key}")


def _cut(document: str) -> list[str]:
    size = PART_CHARACTERS
    return [document[at : at + size] for at in range(0, len(document), size)]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
