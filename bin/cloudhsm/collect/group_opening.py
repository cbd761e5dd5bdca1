"""Opening the state of a log group: another input's, another start_time, requests for replays."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from cloudhsm.aws.log_source import FoundGroup
from cloudhsm.base.errors import StateLocked, pair
from cloudhsm.base.settings import Settings
from cloudhsm.collect.open_group import OpenGroup
from cloudhsm.collect.run_context import Run, StateFile
from cloudhsm.splunk.event_writer import Event
from cloudhsm.state.file_store import Loaded
from cloudhsm.state.replay_requests import Request
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail import window_plan
from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.windows import Replay

# An input that collected a group this recently is still active; a renamed one waits as long.
TWIN_MS = 10 * 60_000
# How often a run that finds nothing records in the state that the input is active.
_SIGN_OF_LIFE_MS = TWIN_MS // 4
# AWS's names: a group per cluster.
_GROUP = "/aws/cloudhsm/"

log = logging.getLogger("cloudhsm")


def opened(run: Run, file: StateFile, listed: FoundGroup) -> tuple[OpenGroup, bool]:
    """The group, and whether it was never collected.

    Raises StateLocked where another input collects it, and what the state file raises.
    """
    settings, now_ms = run.settings, run.logs.now_ms()
    loaded = file.load()
    state = loaded.state or _first_state(listed.id, settings, now_ms)
    is_changed = loaded.state is None or state.stanza != settings.stanza
    is_changed |= state.start_time != settings.start_time
    seen_ms = now_ms - state.run_ms
    _take_over(state, settings, now_ms)
    _apply_start_time(state, settings, now_ms)
    group = OpenGroup(run, file, state)
    # Others see by it that this input is active; a run that finds nothing need not write more.
    if is_changed or not 0 <= seen_ms < _SIGN_OF_LIFE_MS:
        group.save()
    requests = file.requests()
    events = [*_opening_events(group, loaded), *_adopted(group, requests)]
    if events or state.untold:
        group.deliver(events)
    for request in requests:  # now that they are in the state that was saved
        file.discard(request)
    return group, loaded.state is None


def _first_state(group: GroupId, settings: Settings, now_ms: int) -> GroupState:
    progress = window_plan.begin(settings.start_ms(now_ms), now_ms, settings.horizon_ms)
    return GroupState(group, settings.stanza, settings.start_time, progress, begun_ms=now_ms)


def _take_over(state: GroupState, settings: Settings, now_ms: int) -> None:
    """Refuse a second active input; a renamed input takes over a little later."""
    ago_ms, twin_ms = now_ms - state.run_ms, max(TWIN_MS, int(3000 * settings.interval_s))
    if state.stanza != settings.stanza and abs(ago_ms) < twin_ms:
        raise StateLocked(
            f"{state.stanza} collected this log group {ago_ms // 1000} s ago",
            place=state.group.place,
            next_step="Let one input per host collect a log group; if the other one was "
            f"renamed or removed, this one takes over {twin_ms // 1000} s after its "
            "last run, and goes on where it stopped",
        )
    state.stanza, state.run_ms = settings.stanza, now_ms


def _apply_start_time(state: GroupState, settings: Settings, now_ms: int) -> None:
    """`start_time` became an instant on the first run; only another text counts again."""
    if settings.start_time == state.start_time:
        return
    state.start_time = settings.start_time
    start_ms = settings.start_ms(now_ms)
    earlier = window_plan.extend_back(state.progress, start_ms, now_ms, settings.horizon_ms)
    if earlier:
        state.ledger.reopen_heads()
    log.info(
        "%s %s %s what=%s",
        pair("input", settings.stanza),
        pair("group", state.group.name),
        pair("start_time", settings.start_time),
        "older_records_will_be_collected" if earlier else "a_later_start_has_no_effect",
    )


def _opening_events(group: OpenGroup, loaded: Loaded) -> Iterator[Event]:
    if loaded.is_missing:
        yield group.reporter.state_missing(group.now_usecs())
    if loaded.recovered_from:
        yield group.reporter.state_recovered(group.now_usecs(), loaded.recovered_from)
    if not group.state.group.name.startswith(_GROUP) and group.state.note(""):
        yield group.reporter.unfamiliar_group(group.now_usecs())


def _adopted(group: OpenGroup, requests: list[Request]) -> Iterator[Event]:
    """Take requests into the state, where they survive."""
    progress = group.state.progress
    known = {*progress.replayed, *(replay.id for replay in progress.replays)}
    for request in requests:
        if request.id not in known:
            progress.replays.append(_replay(request))
            yield group.reporter.replay(group.now_usecs(), "started", progress.replays[-1])


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
