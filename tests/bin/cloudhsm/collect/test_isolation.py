"""What is gone, hangs or fails keeps nothing else waiting, and is reported as what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudhsm.aws.log_source import Page
from cloudhsm.base.errors import (
    AccessDenied,
    CloudHsmError,
    EndpointUnreachable,
    GroupNotFound,
    Place,
    ServiceFailure,
)
from cloudhsm.base.shutdown import NetworkTimeOver, Stop
from cloudhsm.state import replay_requests
from cloudhsm.state.input_cache import InputFile
from cloudhsm.trail.log_group import GroupId
from tests.bin.cloudhsm.collect.test_collector import (
    Run,
    kinds,
    logs,
    minutes,
    own,
    records,
    run,
    verdicts,
)
from tests.bin.fakes import DAY_MS, GROUP, HOUR_MS, NOW_MS, event

__all__ = ["logs", "run"]  # fixtures

OTHER = GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-other")
GONE = GroupNotFound("The log group does not exist", place=Place(), next_step="Check")
FAILED = ServiceFailure("InternalFailure", place=Place(), next_step="wait")


def reading(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    instead: Callable[[GroupId, int, int, str | None], Iterator[Page] | None],
) -> None:
    """Let some readings return, or raise, something else."""
    read = run.logs.read

    def changed(group: GroupId, start: int, end: int, stream: str | None = None) -> Iterator[Page]:
        other = instead(group, start, end, stream)
        return read(group, start, end, stream) if other is None else other

    monkeypatch.setattr(run.logs, "read", changed)


def with_gap(run: Run) -> None:
    """A group with one missing record."""
    run.logs.events = [event(n, NOW_MS - HOUR_MS + n) for n in (0, 1, 3, 4)]
    assert verdicts(run.once()) == ["pending 2-2"]


def test_a_stream_that_is_gone_is_reported_once_and_its_gap_ends(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gap(run)

    def is_gone(_: GroupId, _start: int, _end: int, stream: str | None) -> Iterator[Page] | None:
        return iter([Page(is_last=True, is_gone=True)]) if stream else None

    reading(run, monkeypatch, is_gone)
    events = []
    for _ in range(40):
        minutes(run, 60)
        events += run.once()
    assert kinds(own(events)).count("stream_gone") == 1
    assert verdicts(events) == ["absent_at_source 2-2"]
    assert run.result.failures == []


def test_foreign_streams_in_any_number_do_not_hide_that_a_stream_is_gone(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = [event(0, NOW_MS - HOUR_MS, stream=f"app-{n}") for n in range(1_000)]
    run.logs.events = [*foreign, *(event(n, NOW_MS - HOUR_MS + n) for n in (0, 1, 3, 4))]
    assert "pending 2-2" in verdicts(run.once())

    def is_gone(_: GroupId, _start: int, _end: int, stream: str | None) -> Iterator[Page] | None:
        return iter([Page(is_last=True, is_gone=True)]) if stream else None

    reading(run, monkeypatch, is_gone)
    minutes(run, 60)
    assert "stream_gone" in kinds(own(run.once()))


@pytest.mark.parametrize("listed", [True, False])
def test_a_group_that_is_gone_ends_its_gaps_and_is_named_by_heartbeats(
    run: Run, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    with_gap(run)

    def gone(group: GroupId, *_: object) -> None:
        if group == GROUP:
            raise GONE

    run.logs.groups = [GROUP] if listed else []
    reading(run, monkeypatch, gone)
    minutes(run, 20)
    events = run.once()
    assert kinds(own(events)) == ["group_gone", "gap_closed"]
    assert verdicts(events) == ["absent_at_source 2-2"]
    assert [e["cause"] for e in own(events) if "verdict" in e] == ["group_gone"]
    assert [one["gone"] for one in run.told if one["event"] == "heartbeat"] == [[GROUP.name]]
    if not listed:
        assert run.result.failures == []
        minutes(run, 60)
        run.once()
        assert (run.result.failures, run.result.groups) == ([], 0)
        minutes(run, 31 * 24 * 60)
        run.once()
        assert ["gone" in one for one in run.told if one["event"] == "heartbeat"] == [False]


@pytest.mark.parametrize("error", [AccessDenied("no", place=Place(), next_step="x"), FAILED])
def test_a_group_that_is_only_denied_or_fails_is_not_gone(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: CloudHsmError
) -> None:
    with_gap(run)

    def fails(*_: object) -> None:
        raise error

    run.logs.groups = []
    reading(run, monkeypatch, fails)
    minutes(run, 20)
    assert own(run.once()) == []
    assert run.result.failures == [error]
    assert InputFile(run.folder, run.stanza).load().gone == []


def test_a_group_that_comes_back_is_collected_from_where_it_stopped(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gap(run)

    def gone(*_: object) -> None:
        raise GONE

    run.logs.groups = []
    with monkeypatch.context() as patched:
        reading(run, patched, gone)
        minutes(run, 20)
        run.once()
    minutes(run, 6)
    run.logs.groups = [GROUP]
    run.logs.events.append(event(5, run.logs.now))
    assert len(records(run.once())) == 1
    assert InputFile(run.folder, run.stanza).load().gone == []


def test_a_group_that_never_existed_is_a_failure_not_gone(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise GONE

    reading(run, monkeypatch, gone)
    assert run.once() == []
    assert run.result.failures == [GONE]


LIVE = "live"
WORK = ("sweep", "gap", "history", "replay")


@pytest.mark.parametrize("poison", [LIVE, *WORK])
@pytest.mark.parametrize("error", [FAILED, AccessDenied("no", place=Place(), next_step="x")])
def test_one_kind_of_work_that_always_fails_keeps_no_other_waiting(
    run: Run, monkeypatch: pytest.MonkeyPatch, poison: str, error: CloudHsmError
) -> None:
    run.parameters["start_time"] = "-5d"
    gap = [event(n, NOW_MS - 4 * HOUR_MS + n) for n in (0, 1, 3, 4)]
    old = [event(n, NOW_MS - 4 * DAY_MS + n, stream="hsm-oldoldoldol") for n in range(5)]
    run.logs.events = [*gap, *old]
    wanted = replay_requests.Request(
        "0123456789abcdef0123456789abcdef",
        GROUP,
        None,
        NOW_MS - 2 * DAY_MS,
        NOW_MS - DAY_MS,
        "me",
        NOW_MS,
        "why",
    )
    ok: set[str] = set()

    def kind(start: int, end: int, stream: str | None) -> str:
        if stream is not None:
            return "gap"
        if (start, end) == (wanted.start_ms, wanted.end_ms):
            return "replay"
        if end < run.logs.now - DAY_MS:
            return "history"
        return LIVE if run.logs.now - start < 3 * HOUR_MS else "sweep"

    def fails(_: GroupId, start: int, end: int, stream: str | None) -> None:
        if kind(start, end, stream) == poison:
            raise error
        ok.add(kind(start, end, stream))

    run.once()  # a state, from which everything else follows
    run.parameters["start_time"] = "-9d"
    replay_requests.write(run.store.path(GROUP), wanted)
    reading(run, monkeypatch, fails)
    for _ in range(80):
        minutes(run, 10)
        run.once()
    assert ok == {LIVE, *WORK} - {poison}


def test_an_endpoint_that_cannot_be_reached_is_tried_once_per_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logs.groups = [GROUP, OTHER]
    run.once()
    unreachable = EndpointUnreachable("no way", place=Place(), next_step="Check")
    unreachable.concerns_every_call = True
    tried: list[GroupId] = []

    def fails(group: GroupId, *_: object) -> None:
        tried.append(group)
        raise unreachable

    reading(run, monkeypatch, fails)
    minutes(run, 1)
    run.once()
    assert len(tried) == 1
    assert run.result.unreached == 1


def test_a_group_that_hangs_until_the_deadline_is_reported_and_comes_last_from_then_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logs.groups = [GROUP, OTHER]
    run.once()
    order: list[GroupId] = []

    def hangs(group: GroupId, *_: object) -> None:
        order.append(group)
        if group == GROUP:
            raise NetworkTimeOver

    reading(run, monkeypatch, hangs)
    for _ in range(4):
        order.clear()
        minutes(run, 6)
        run.once()
    assert order == [OTHER, GROUP]
    (failure,) = run.result.failures
    assert "did not respond in the time of this run" in failure.what


def test_a_run_over_two_thousand_groups_makes_its_first_call_before_it_opens_them_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logs.groups = [
        GroupId("aws", "1", "us-east-1", f"/aws/cloudhsm/cluster-{n:05}") for n in range(50)
    ]
    opened: list[int] = []
    first: list[int] = []
    open_state = run.store.open

    def counted(*arguments: Any) -> Any:  # noqa: ANN401
        opened.append(1)
        return open_state(*arguments)

    monkeypatch.setattr(run.store, "open", counted)
    reading(run, monkeypatch, lambda *_: first.append(len(opened)))
    run.once()
    assert first[0] == 1
    assert len(opened) == 50


def test_a_state_that_is_missing_next_to_its_lock_is_reported(run: Run) -> None:
    run.once()
    for path in run.folder.glob("*.state"):
        path.unlink()
    for path in run.folder.glob("*.previous"):
        path.unlink()
    minutes(run, 1)
    assert kinds(own(run.once())) == ["state_missing"]
    minutes(run, 1)
    assert kinds(own(run.once())) == []


def test_a_listing_that_hangs_does_not_keep_known_groups_waiting_in_every_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.once()

    def hangs(*_: object) -> None:
        raise NetworkTimeOver

    monkeypatch.setattr(run.logs, "discover", hangs)
    found: list[str] = []
    for minute in range(12):
        minutes(run, 1)
        run.logs.events.append(event(minute, run.logs.now))
        run.stop = Stop()
        found += records(run.once())
    assert len(found) == 12
    (failure,) = InputFile(run.folder, run.stanza).load().failures
    assert failure == "log_groups="


def test_a_group_that_is_listed_but_gone_is_reported_gone_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gap(run)

    def gone(*_: object) -> None:
        raise GONE

    reading(run, monkeypatch, gone)
    events = []
    for _ in range(5):
        minutes(run, 6)
        events += run.once()
    assert kinds(own(events)).count("group_gone") == 1
    assert run.result.failures == [GONE]


def test_a_name_that_was_never_a_group_stays_a_failure(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise GONE

    reading(run, monkeypatch, gone)
    for _ in range(3):
        assert kinds(own(run.once())) == []
        assert run.result.failures == [GONE]
        minutes(run, 6)


def test_a_group_whose_live_window_failed_is_read_though_no_more_states_may_be_open(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gap(run)

    def fails(*_: object) -> None:
        raise AccessDenied("no", place=Place(), next_step="x")

    with monkeypatch.context() as patched:
        reading(run, patched, fails)
        minutes(run, 1)
        run.once()
    monkeypatch.setattr("cloudhsm.collect.collector.MOST_OPEN", 0)
    minutes(run, 20)
    run.logs.events.append(event(5, run.logs.now))
    assert len(records(run.once())) == 1
