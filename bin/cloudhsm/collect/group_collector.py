"""One log group in one run: read, judge, stage, write, flush, commit.

The order of effects is the guarantee. Page by page, the state that remembers the events is written
to disk where no one reads it, so that a full disk is noticed before anything is delivered; the
events are written; splunkd reads them; then that state becomes the current one. A crash can repeat
the page in flight, never lose one. Whatever fails in between, the state in memory is never saved.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from cloudhsm.aws.log_source import FoundGroup, LogEvent, LogSource, Page
from cloudhsm.base.counters import Counters
from cloudhsm.base.errors import (
    AccessDenied,
    CloudHsmError,
    CredentialsError,
    EndpointUnreachable,
    GroupNotFound,
    Place,
    RefusedUntilChanged,
    ServiceFailure,
    StateLocked,
    pair,
)
from cloudhsm.base.settings import Settings
from cloudhsm.base.shutdown import Stop, StopRequested
from cloudhsm.collect.collector_events import Reporter
from cloudhsm.collect.read_ahead import Arrival, Read
from cloudhsm.splunk.event_writer import Event, is_carried
from cloudhsm.state.file_store import Loaded
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.gap_ledger import Anomaly, Counter, Gap, Hole, Horizon
from cloudhsm.trail.log_group import GroupId, Origin
from cloudhsm.trail.record_identity import Kind, Record, Records, identify, identify_all, record_key
from cloudhsm.trail.window_plan import Replay, Reread, Stretch, Window

# An input that collected a group this recently is still at it; a renamed one waits as long.
TWIN_MS = 10 * 60_000
# How often a run that finds nothing records in the state that the input is active.
_SIGN_OF_LIFE_MS = TWIN_MS // 4
# AWS's names: a group per cluster, in it a stream per HSM and one for certificate storage.
_GROUP = "/aws/cloudhsm/"
_STREAM = re.compile(r"(hsm|cluster)-[a-z0-9]{4,40}")
_MOST_NOTES = 1000
# Notes on streams that were deleted begin so; no name of a stream has a colon.
_GONE = "gone: "
_MOST_UNREADABLE = 10_000

# Failures of calls to AWS: what was read before them is saved, so other work can go on.
UNTORN = (
    AccessDenied,
    CredentialsError,
    EndpointUnreachable,
    GroupNotFound,
    RefusedUntilChanged,
    ServiceFailure,
)

log = logging.getLogger("cloudhsm")


def _nothing() -> None:
    """No records are written."""


class StateFile(Protocol):
    """The state of one group, held by this process, and the replays that people asked for."""

    def load(self) -> Loaded: ...
    def save(self, state: GroupState) -> None: ...
    def stage(self, state: GroupState) -> None: ...
    def commit(self) -> None: ...
    def requests(self) -> list[Request]: ...
    def discard(self, request: Request) -> None: ...


class Store(Protocol):
    """Where states are kept."""

    def open(self, group: GroupId, stanza: str) -> AbstractContextManager[StateFile]: ...


class Writer(Protocol):
    """Where events go."""

    def write(self, events: Iterable[Event]) -> None: ...
    def write_page(
        self,
        times_usecs: Sequence[int],
        texts: Sequence[str],
        senders: Sequence[Hashable],
        origins: Mapping[Any, Origin],
    ) -> bool: ...
    def flush(self) -> None: ...


@dataclass
class Run:
    """What all groups of a run share.

    read:    turns readings into pages, side by side or one after the other, until it is over.
    is_over: whether to end here: a stop was asked for, or this group's part of the time is used.
    """

    settings: Settings
    logs: LogSource
    writer: Writer
    stop: Stop
    read: Read
    is_over: Callable[[], bool]
    counters: Counters = field(default_factory=Counters)


class GroupCollector:
    """Steps that a run takes for one group; each returns early when the run is over.

    Raises StateLocked where another input collects the group, and whatever the rooms below raise.
    """

    def __init__(self, run: Run, file: StateFile, found: FoundGroup) -> None:
        self._run = run
        self._file = file
        self._retention_ms = found.retention_ms
        self._reporter = Reporter(run.settings.stanza, found.id)
        self._group = found.id
        self._missing: dict[Counter, list[Hole]] = {}
        self.is_over = False  # a step failed: nothing more is to be done, or saved, in this run
        self._is_stuck = False
        self._has_moved = False  # since the state was saved, over pages without anything new
        self._origins: dict[tuple[str, Kind], Origin] = {}
        loaded = file.load()
        self._is_new = loaded.state is None
        self._state = loaded.state or self._first_state()
        is_changed = self._is_new or self._state.stanza != run.settings.stanza
        is_changed |= self._state.start_time != run.settings.start_time
        seen_ms = self._now_ms() - self._state.run_ms
        self._take_over()
        self._apply_start_time()
        # Others see by it that this input is active; a run that finds nothing need not write more.
        if is_changed or not 0 <= seen_ms < _SIGN_OF_LIFE_MS:
            file.save(self._state)
        first: list[Event] = []
        if loaded.is_missing:
            first.append(self._reporter.state_missing(self._now_usecs()))
        if loaded.recovered_from:
            first.append(self._reporter.state_recovered(self._now_usecs(), loaded.recovered_from))
        first += self._unfamiliar_group()
        requests = file.requests()
        first += self._adopted(requests)
        if first or self._state.untold:
            self._hand_over(first)
        for request in requests:  # now that they stand in the state that was saved
            file.discard(request)

    @property
    def id(self) -> GroupId:
        """Which group this is."""
        return self._group

    @property
    def state(self) -> GroupState:
        """How far its collection has come."""
        return self._state

    @property
    def has_caught_up(self) -> bool:
        """Whether nothing is left to read until new records come."""
        progress = self._state.progress
        return not window_plan.unfinished(progress) and not progress.replays

    def poll(self) -> None:
        """Read the freshest events; what does not fit into this run is left to a sweep."""
        progress, horizon_ms = self._state.progress, self._run.settings.horizon_ms
        if self._now_ms() < progress.settled_ms:
            # This host's clock was put back, or a killed run took what it had learned of AWS's
            # with it. What was settled must not be read again: its ids are not kept.
            with self._run.stop.interruptible():
                self._run.logs.may_read(self._group)
            self._undo_future()
        if self._is_new:  # the first sweep begins at once, and has all that a poll would read
            self.sweep()
        elif not self._read(
            [window_plan.poll(progress, self._now_ms(), horizon_ms, self._latest_ms())]
        ):
            window_plan.demand_sweep(self._state.progress)

    def sweep(self) -> None:
        """Read everything since the settled mark, when its time has come."""
        now_ms = self._now_ms()
        if window_plan.sweep_is_due(self._state.progress, now_ms, self._run.settings.horizon_ms):
            horizon_ms = self._run.settings.horizon_ms
            self._read(
                [window_plan.sweep(self._state.progress, now_ms, horizon_ms, self._latest_ms())]
            )

    def _undo_future(self) -> None:
        """A settled mark that is ahead of AWS's confirmed time was moved there by a wrong clock."""
        progress, now_ms, was_ms = self._state.progress, self._now_ms(), 0
        if not self._run.logs.clock.is_trusted or progress.settled_ms <= now_ms:
            return
        was_ms = progress.settled_ms
        window_plan.set_back(progress, now_ms, self._run.settings.horizon_ms)
        self._state.ledger.uncover_after(now_ms)
        reset = self._reporter.mark_reset(self._now_usecs(), was_ms, progress.settled_ms)
        self._hand_over([reset])

    def look_again(self) -> None:
        """Read the surroundings of open gaps again, and look before the heads of streams.

        What fails comes last the next time, so that it keeps none of the others waiting.
        """
        progress, horizon = self._state.progress, self._horizon(self._now_ms())
        if not progress.rereads:
            for stream, *around in self._state.ledger.rereads(horizon):
                window_plan.look_for(progress, stream, (around[0], around[1]), horizon.now_ms)
        windows = window_plan.rereads(progress)
        if self._probes_first:
            self._probe_heads(horizon)
        for number, window in enumerate(windows):
            if number and self._run.is_over():
                return
            with self._last_if_it_fails(window.stretch, progress.rereads):
                if not self._read([window]):
                    return
        if not self._probes_first:
            self._probe_heads(horizon)

    def catch_up(self) -> None:
        """Go on with a sweep under way, then with history, where the time allows."""
        at_once = self._run.settings.windows_in_flight
        while windows := window_plan.unfinished(self._state.progress, at_once):
            if not self._read(windows) or self._run.is_over():
                return

    def replay(self) -> None:
        """Collect again what people asked for; one that fails comes last the next time."""
        replays = self._state.progress.replays
        while replays:
            replay = replays[0]
            with self._last_if_it_fails(replay, replays):
                if not self._read([window_plan.rest_of(replay)]) or self._run.is_over():
                    return

    @contextmanager
    def _last_if_it_fails(self, stretch: Stretch | None, stretches: list[Any]) -> Iterator[None]:
        try:
            yield
        except UNTORN:
            if stretch in stretches:
                stretches.remove(stretch)
                stretches.append(stretch)
                self._file.save(self._state)  # nothing is in flight
            raise

    @property
    def _probes_first(self) -> bool:
        """Every other time, so that neither of the two kinds of looks keeps the other waiting."""
        return bool(self._state.run_ms // 60_000 % 2)

    def report_gone(self) -> None:
        """The log group is gone: nothing can be read any more, so every gap ends."""
        changes = self._state.ledger.give_up(self._now_ms(), "group_gone")
        self._state.untold += changes
        self._state.progress.rereads.clear()
        self._file.save(self._state)
        self._hand_over([self._reporter.group_gone(self._now_usecs())])

    @property
    def was_read(self) -> bool:
        """Whether any window of it was ever read to its end."""
        return bool(self._state.ledger.covered)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left for this run once the live window was read."""
        progress, now_ms = self._state.progress, self._now_ms()
        if window_plan.sweep_is_due(progress, now_ms, self._run.settings.horizon_ms):
            return False
        if progress.backfills or progress.replays or progress.rereads:
            return False
        horizon, ledger = self._horizon(now_ms), self._state.ledger
        return not ledger.rereads(horizon) and not ledger.unprobed(horizon)

    def compact(self) -> None:
        """Other groups have their turn: keep no more in memory than they leave room for."""
        self._state.seen.compact()

    def _first_state(self) -> GroupState:
        settings, now_ms = self._run.settings, self._now_ms()
        progress = window_plan.begin(settings.start_ms(now_ms), now_ms, settings.horizon_ms)
        return GroupState(
            self._group, settings.stanza, settings.start_time, progress, begun_ms=now_ms
        )

    def _take_over(self) -> None:
        """Refuse a twin of an input that is at work; a renamed input takes over a little later."""
        settings, state, now_ms = self._run.settings, self._state, self._now_ms()
        ago_ms = now_ms - state.run_ms
        if state.stanza != settings.stanza and abs(ago_ms) < self._twin_ms():
            raise StateLocked(
                f"{state.stanza} collected this log group {ago_ms // 1000} s ago",
                place=Place(self._group.account, self._group.region, self._group.name),
                next_step="Let one input per host collect a log group; if the other one was "
                f"renamed or removed, this one takes over {self._twin_ms() // 1000} s after its "
                "last run, and goes on where it stopped",
            )
        state.stanza, state.run_ms = settings.stanza, now_ms

    def _twin_ms(self) -> int:
        return max(TWIN_MS, int(3000 * self._run.settings.interval_s))

    def _apply_start_time(self) -> None:
        """`start_time` became an instant on the first run; only another text counts again."""
        settings, state, now_ms = self._run.settings, self._state, self._now_ms()
        if settings.start_time == state.start_time:
            return
        state.start_time = settings.start_time
        earlier = window_plan.extend_back(
            state.progress, settings.start_ms(now_ms), now_ms, settings.horizon_ms
        )
        if earlier:
            state.ledger.reopen_heads()
        log.info(
            "%s %s %s what=%s",
            pair("input", settings.stanza),
            pair("group", self._group.name),
            pair("start_time", settings.start_time),
            "older_records_will_be_collected" if earlier else "a_later_start_has_no_effect",
        )

    def _unfamiliar_group(self) -> Iterator[Event]:
        if not self._group.name.startswith(_GROUP) and self._note(""):
            yield self._reporter.unfamiliar_group(self._now_usecs())

    def _adopted(self, requests: list[Request]) -> Iterator[Event]:
        """Take requests into the state, where they survive."""
        progress = self._state.progress
        known = {*progress.replayed, *(replay.id for replay in progress.replays)}
        for request in requests:
            if request.id not in known:
                progress.replays.append(_replay(request))
                yield self._reporter.replay(self._now_usecs(), "started", progress.replays[-1])

    def _read(self, windows: list[Window]) -> bool:
        """Read windows, one page at least, until their ends or this group's time; True at the end.

        AWS's time at the beginning is what a complete window covers.
        """
        begun_ms = self._now_ms()
        self._missing = self._state.ledger.missing()
        logs, group = self._run.logs, self._group
        readings = [
            partial(logs.read, group, one.start_ms, one.end_ms, one.stream) for one in windows
        ]
        unfinished = {*range(len(windows))}
        begun: set[int] = set()
        self._is_stuck = False
        with closing(self._run.read(readings, self._may_leave)) as arrivals:
            while unfinished and (arrival := self._next(arrivals)) is not None:
                number, page = arrival
                if page is not None:
                    begun.add(number)
                    self._take(windows[number], page)
                # Told by the last page: to ask for what follows it could be too late.
                if (page is None or page.is_last) and number in unfinished:
                    unfinished.remove(number)
                    self._finish(windows[number], begun_ms)
                del page, arrival  # not to be kept while the next one is awaited
        for number in begun & unfinished:
            self._has_moved |= window_plan.give_up_for_now(windows[number])
        self._save_position()
        return not unfinished

    def _may_leave(self) -> bool:
        """Not inside a millisecond of several pages: the next run would begin it from the start."""
        return self._run.stop.requested or (self._run.is_over() and not self._is_stuck)

    def _next(self, arrivals: Iterator[Arrival]) -> Arrival | None:
        try:
            with self._run.stop.interruptible():
                return next(arrivals, None)
        except (CloudHsmError, StopRequested):
            self._save_position()
            raise

    def _save_position(self) -> None:
        """Only where nothing is in flight: all that this state remembers was handed over."""
        if self._has_moved:
            self._file.save(self._state)
            self._has_moved = False

    def _take(self, window: Window, page: Page) -> None:
        """Hand over what is new on a page, then remember it."""
        fresh = page.only(self._are_fresh(window, page))
        counters = self._run.counters
        counters.pages += 1
        counters.empty_pages += not page
        counters.records += len(fresh)
        counters.repeats += len(page) - len(fresh)
        if page.resume_ms is not None:
            window_plan.advance(window, page.resume_ms)
            self._is_stuck = window.stretch is not None and page.resume_ms <= window.start_ms
        if isinstance(window.stretch, Replay):
            window.stretch.records += len(fresh)
        unreadable = [*self._unreadable(page), *self._gone(window, page)]
        if fresh:
            records = identify_all(fresh.texts)
            remarks = [*unreadable, *self._remarks(window, fresh, records)]
            self._hand_over(remarks, partial(self._write_records, fresh, records))
        elif unreadable:
            self._hand_over(unreadable)
        elif window.stretch is not None:
            # A page of repeats counts too: else a run cut short would read it again for ever.
            self._has_moved = True

    def _are_fresh(self, window: Window, page: Page) -> list[bool]:
        """What was not handed over before, told by event ids as far as they are kept."""
        if isinstance(window.stretch, Reread):
            return [*map(self._is_found, page.events)]
        seen, ids, times = self._state.seen, page.ids, page.times_ms
        if window.stretch is None:
            return seen.fresh(ids, times)
        boundary = window.stretch.boundary
        if isinstance(window.stretch, Replay):
            return boundary.fresh(ids, times)
        settled_ms = window_plan.settled_before(window)
        cut = bisect_left(times, settled_ms)
        young = seen.fresh(ids[cut:], times[cut:])
        if not cut or not seen.knows_hours(times[0], times[cut - 1]):
            return [*boundary.fresh(ids[:cut], times[:cut]), *young]
        old = [
            not seen.knows(event_id, at_ms) and boundary.is_new(event_id, at_ms)
            for event_id, at_ms in zip(ids[:cut], times)
        ]
        return [*old, *young]

    def _is_found(self, event: LogEvent) -> bool:
        """Whether the re-read of a gap brought something new.

        Before the settled mark ids are not kept, but all was handed over that was there: only what
        fills a gap can be new.
        """
        if event.timestamp_ms >= self._state.progress.settled_ms:
            return self._state.seen.is_new(event.event_id, event.timestamp_ms)
        return self._is_missing(event.stream, identify(event.message))

    def _is_missing(self, stream: str, record: Record) -> bool:
        if record.sequence is None or record.reboot_counter is None:
            return False
        holes = self._missing.get((stream, record.reboot_counter.lower()), ())
        if not holes or self._state.ledger.holds(stream, record):
            return False
        return any(hole.is_filled_by(record.sequence, record.usecs) for hole in holes)

    def _write_records(self, fresh: Page, records: Records) -> None:
        are_carried = self._write(fresh, records)
        self._run.writer.write(self._altered(fresh, records, are_carried=are_carried))

    def _write(self, fresh: Page, records: Records) -> bool:
        """Hand records over as they are; whether XML could carry all of them."""
        times = [
            at_ms * 1000 if usecs is None else usecs
            for usecs, at_ms in zip(records.usecs, fresh.times_ms)
        ]
        audit = {stream: self._group.origin(stream, Kind.AUDIT) for stream in {*fresh.streams}}
        if records.kinds.count(Kind.AUDIT) == len(fresh):
            return self._run.writer.write_page(times, fresh.texts, fresh.streams, audit)
        senders = [*zip(fresh.streams, records.kinds)]
        origins = {sender: self._group.origin(*sender) for sender in {*senders}}
        return self._run.writer.write_page(times, fresh.texts, senders, origins)

    def _remarks(self, window: Window, fresh: Page, records: Records) -> Iterator[Event]:
        """What is to be said about the records of a page, which enter the ledger here."""
        if isinstance(window.stretch, Replay):  # the ledger has the others, and told their flaws
            self._enter_found(fresh, records)
            return
        yield from self._unfamiliar_streams({*fresh.streams})
        yield from self._flawed(fresh, records)
        odd: dict[tuple[str, Anomaly], list[str | None]] = {}
        for place, anomaly in self._state.ledger.enter_all(
            fresh.streams, records, fresh.times_ms, window.start_ms
        ):
            stream = fresh.streams[place]
            key = record_key(records.of(place), stream)
            odd.setdefault((stream, anomaly), []).append(key)
        # One event per stream and kind: a page of foreign text must not double in volume.
        for (stream, anomaly), keys in odd.items():
            yield self._reporter.anomaly(self._now_usecs(), stream, anomaly, len(keys), keys[0])

    def _enter_found(self, fresh: Page, records: Records) -> None:
        """Only what was missing so far is news to the ledger."""
        for place, event in enumerate(fresh.events if self._missing else ()):
            if self._is_missing(event.stream, records.of(place)):
                self._state.ledger.enter(event.stream, records.of(place), event.timestamp_ms)

    def _altered(self, fresh: Page, records: Records, *, are_carried: bool) -> Iterator[Event]:
        """Records that XML cannot carry as they are, or that Splunk would drop as blank."""
        if are_carried and not any(records.flaws):
            return
        for place, event in enumerate(fresh.events):
            if "blank" in records.flaws[place] or not is_carried(event.message):
                key = record_key(records.of(place), event.stream)
                yield self._reporter.record_altered(
                    self._now_usecs(), event.stream, event.event_id, key, event.message
                )

    def _flawed(self, fresh: Page, records: Records) -> Iterator[Event]:
        flawed: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        if any(records.flaws):
            for event_id, stream, flaws in zip(fresh.ids, fresh.streams, records.flaws):
                if flaws:
                    flawed.setdefault((stream, flaws), []).append(event_id)
        for (stream, flaws), ids in flawed.items():
            yield self._reporter.records_flawed(self._now_usecs(), stream, flaws, len(ids), ids[0])

    def _gone(self, window: Window, page: Page) -> Iterator[Event]:
        stream = window.stream
        if page.is_gone and stream and self._note(f"{_GONE}{stream}"):
            yield self._reporter.stream_gone(self._now_usecs(), stream)

    def _unreadable(self, page: Page) -> Iterator[Event]:
        """Events that are not complete, each reported once."""
        if not page.unreadable:
            return
        reported = dict.fromkeys(self._state.unreadable)
        for event in page.unreadable:
            if event.id[-24:] not in reported:
                reported[event.id[-24:]] = None
                yield self._reporter.event_unreadable(self._now_usecs(), event)
        self._state.unreadable = [*reported][-_MOST_UNREADABLE:]

    def _unfamiliar_streams(self, streams: Iterable[str]) -> Iterator[Event]:
        for stream in sorted(streams):
            if not _STREAM.fullmatch(stream) and self._note(stream):
                yield self._reporter.unfamiliar_stream(self._now_usecs(), stream)

    def _note(self, what: str) -> bool:
        """Whether this is to be remarked now; from then on it was.

        Names that anybody may give to streams do not use up the remarks on deleted ones.
        """
        noted = self._state.noted
        alike = sum(what.startswith(_GONE) is note.startswith(_GONE) for note in noted)
        if what in noted or alike >= _MOST_NOTES:
            return False
        noted.append(what)
        return True

    def _finish(self, window: Window, begun_ms: int) -> None:
        """A window was read to its end: cover it, judge the gaps, forget what is settled."""
        state, horizon_ms = self._state, self._run.settings.horizon_ms
        events: list[Event] = []
        covered = window_plan.finish(state.progress, window, begun_ms)
        if covered is not None:
            state.ledger.cover(*covered)
            state.seen.forget_before(
                window_plan.oldest_needed(state.progress, begun_ms, horizon_ms)
            )
        stretch = window.stretch
        if isinstance(stretch, Reread) and stretch not in state.progress.rereads:
            around = (stretch.start_ms, stretch.end_ms)
            state.ledger.was_reread(stretch.stream, *around, self._horizon(begun_ms))
        if isinstance(stretch, Replay) and stretch not in state.progress.replays:
            events.append(self._reporter.replay(self._now_usecs(), "finished", stretch))
        self._judge(begun_ms, events)

    def _probe_heads(self, horizon: Horizon) -> None:
        """Whether the first numbers of a stream are older than `start_time` or nowhere."""
        unprobed = self._state.ledger.unprobed(horizon)
        try:
            for number, (stream, gap) in enumerate(unprobed):
                if not self._probe(stream, gap) and number == 0:
                    # Too far for all of this group's time: half as far next time.
                    gap.probe_ms = max(1, gap.probe_ms // 2)
                while gap.held_before is None and not self._run.is_over():
                    self._probe(stream, gap)
                if self._run.is_over():
                    break
        finally:  # nothing is in flight, and what was looked at needs no second look
            self._save_position()
        if unprobed:
            self._judge(horizon.now_ms, [])

    def _probe(self, stream: str, gap: Gap) -> bool:
        """Look one step back: first a day, since most streams are busy, then twice as far.

        False where there was not time enough for it.
        """
        before_ms = self._state.progress.start_ms if gap.probed_ms is None else gap.probed_ms
        start_ms = max(0, before_ms - gap.probe_ms)
        reading = partial(self._run.logs.read, self._group, start_ms, before_ms - 1, stream)
        found, done = False, False
        with closing(self._run.read([reading], self._run.is_over)) as arrivals:
            while not (found or done) and (arrival := self._next(arrivals)) is not None:
                page = arrival[1]
                found, done = bool(page), page is None or page.is_last
        self._has_moved = True
        if found or (done and start_ms == 0):
            gap.held_before = found
        elif done:
            gap.probed_ms, gap.probe_ms = start_ms, gap.probe_ms * 2
        return found or done

    def _judge(self, now_ms: int, events: list[Event]) -> None:
        """Hand over these events, and what changed about gaps.

        The changes are saved before they are told: else a crash right behind the telling would
        leave a gap that somebody read of and that the state, and so every later verdict, forgot.
        """
        outliers = [*self._outliers()]
        changes = self._state.ledger.judge(self._horizon(now_ms))
        if changes:
            self._state.untold += changes
            self._file.save(self._state)
        self._hand_over([*events, *outliers])

    def _outliers(self) -> Iterator[Event]:
        for counter, mark in self._state.ledger.expel_outliers():
            key = f"{counter[0]}|{counter[1]}|{mark.sequence:#x}|{mark.usecs}"
            yield self._reporter.anomaly(
                self._now_usecs(), counter[0], Anomaly.IMPLAUSIBLE_SEQUENCE, 1, key
            )

    def _horizon(self, now_ms: int) -> Horizon:
        progress = self._state.progress
        return Horizon(
            now_ms,
            progress.start_ms,
            progress.settled_ms,
            self._state.begun_ms,
            self._retention_ms,
        )

    def _hand_over(self, events: list[Event], write_records: Callable[[], None] = _nothing) -> None:
        """Deliver events, then let the state remember them.

        The state is on disk before, since a full disk must not deliver a page in every run; it
        counts once splunkd has read the events.
        """
        now_usecs = self._now_usecs()
        gaps = [self._reporter.gap(now_usecs, change) for change in self._state.untold]
        self._state.untold = []
        self._file.stage(self._state)
        write_records()
        self._run.writer.write([*events, *gaps])
        self._run.writer.flush()
        self._file.commit()
        self._has_moved = False

    def _now_ms(self) -> int:
        return self._run.logs.now_ms()

    def _latest_ms(self) -> int:
        return self._run.logs.latest_ms()

    def _now_usecs(self) -> int:
        return self._now_ms() * 1000


def _replay(request: Request) -> Replay:
    return Replay(
        request.start_ms,
        request.end_ms,
        request.start_ms,
        id=request.id,
        stream=request.stream,
        requested_by=request.requested_by,
        reason=request.reason,
    )
