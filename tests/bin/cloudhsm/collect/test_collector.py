from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.aws.log_source import LogEvent, Page
from cloudhsm.base.aws_clock import AwsClock
from cloudhsm.base.counters import RunResult
from cloudhsm.base.errors import (
    AccessDenied,
    EndpointUnreachable,
    OutputClosed,
    Place,
    ServiceFailure,
    StateError,
)
from cloudhsm.base.settings import parse
from cloudhsm.base.shutdown import Stop
from cloudhsm.collect.collector import Collector
from cloudhsm.collect.read_ahead import sequential
from cloudhsm.splunk.event_writer import Event, EventWriter
from cloudhsm.state import replay_requests
from cloudhsm.state.file_store import FileStateStore, StateFile
from cloudhsm.state.input_cache import InputFile
from cloudhsm.state.state_document import GroupState
from cloudhsm.trail.log_group import GroupId
from tests.bin.fakes import (
    DAY_MS,
    GROUP,
    HOUR_MS,
    HSM,
    NOW_MS,
    FakeLogs,
    Pipe,
    event,
    handed_over,
)

DENIED = AccessDenied("AWS denied it", place=Place(), next_step="Allow it")


class Run:
    """One run of an input after another over the same checkpoint folder, as splunkd starts them."""

    def __init__(self, folder: Path, logs: FakeLogs, **parameters: str) -> None:
        self.store = FileStateStore(folder)
        self.folder = folder
        self.told: list[dict[str, Any]] = []
        self.logs = logs
        self.parameters = {"aws_region": "us-east-1", **parameters}
        self.output = Pipe()
        self.result = RunResult()
        self.stop = Stop()
        self.stanza = "aws_cloudhsm://x"

    def once(self) -> list[dict[str, str]]:
        """What a run handed over; what the input says of itself is in `told`."""
        self.output = Pipe()
        writer = EventWriter(self.output, None)
        self.result = self.collector(writer).run()
        writer.close()
        events = handed_over(self.output)
        self.told = [json.loads(e["data"]) for e in events if e["source"] == self.stanza]
        return [e for e in events if e["source"] != self.stanza]

    def collector(
        self, writer: EventWriter, clock: Callable[[], float] = time.monotonic
    ) -> Collector:
        settings = parse(self.stanza, self.parameters, self.logs.now)
        memory = InputFile(self.folder, self.stanza)
        return Collector(
            settings,
            self.logs,
            self.store,
            memory,
            writer,
            self.stop,
            "splunk-1",
            clock,
            read=sequential,
        )

    def state(self) -> GroupState | None:
        return StateFile(self.store.path(GROUP), GROUP).load().state


@pytest.fixture
def logs() -> FakeLogs:
    return FakeLogs()


@pytest.fixture
def run(tmp_path: Path, logs: FakeLogs) -> Run:
    return Run(tmp_path, logs)


def records(events: Iterable[dict[str, str]]) -> list[str]:
    return [e["data"] for e in events if e["sourcetype"] == "aws:cloudhsm:audit"]


def own(events: Iterable[dict[str, str]]) -> list[dict[str, Any]]:
    return [json.loads(e["data"]) for e in events if e["sourcetype"] == "aws:cloudhsm:collector"]


def verdicts(events: Iterable[dict[str, str]]) -> list[str]:
    return [
        f"{e['verdict']} {e['first_sequence']}-{e['last_sequence']}"
        for e in own(events)
        if "verdict" in e
    ]


def messages(logs: FakeLogs) -> list[str]:
    return [e.message for e in logs.events]


def test_every_record_is_handed_over_once(run: Run) -> None:
    ages = (20 * DAY_MS, 3 * DAY_MS, DAY_MS, HOUR_MS, 60_000, 0, -HOUR_MS)
    run.logs.events = [event(n, NOW_MS - age) for n, age in enumerate(ages)]
    assert sorted(records(run.once())) == sorted(messages(run.logs))
    assert run.once() == []
    assert (run.result.counters.records, run.result.failures) == (0, [])


def test_a_record_has_its_own_time_and_the_identity_it_lacks(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS)]
    (found,) = run.once()
    assert found["time"] == f"{NOW_MS // 1000 - 1}.998500"
    assert found["host"] == HSM
    assert found["source"] == f"111122223333:us-east-1:{GROUP.name}:{HSM}"


def test_a_record_without_a_time_has_that_of_cloudwatch(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS - 5, message="no time here")]
    found = run.once()
    assert found[0]["time"] == f"{NOW_MS // 1000 - 1}.995000"


def test_the_state_names_the_input_that_wrote_it_and_forgets_what_is_settled(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - n * HOUR_MS) for n in range(20)]
    run.once()
    state = run.state()
    assert state is not None
    assert (state.start_time, len(state.seen)) == ("-30d", 20)
    run.stanza = "aws_cloudhsm://renamed"
    run.logs.now += 10 * 60_000
    assert run.once() == []
    state = run.state()
    assert state is not None
    assert state.stanza == "aws_cloudhsm://renamed"
    for _ in range(12):
        run.logs.now += 7 * HOUR_MS
        run.once()
    state = run.state()
    assert state is not None
    assert len(state.seen) == 0


def test_a_certificate_record_has_the_cluster_as_host(run: Run) -> None:
    text = '{"object_handle": 1, "op_code": "CreateObject", "timestamp": 1725482483671}'
    run.logs.events = [event(0, NOW_MS, stream="cluster-likphkxygsn", message=text)]
    (found,) = run.once()
    assert (found["sourcetype"], found["host"]) == (
        "aws:cloudhsm:certificate",
        "cluster-likphkxygsn",
    )
    assert found["time"] == "1725482483.671000"


def test_a_record_that_shows_up_late_is_handed_over_by_a_sweep(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - HOUR_MS + n) for n in (0, 2)]
    first = run.once()
    assert [found["event"] for found in own(first)] == ["gap_opened"]
    run.logs.events.append(event(1, NOW_MS - HOUR_MS + 1))
    run.logs.now += 7 * HOUR_MS
    late = run.once()
    assert records(late) == [event(1, NOW_MS - HOUR_MS + 1).message]
    assert [found["verdict"] for found in own(late)] == ["recovered"]


def test_a_missing_record_ends_in_a_verdict_after_the_horizon(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - HOUR_MS + n) for n in (0, 2)]
    run.once()
    verdicts = []
    for _ in range(5):
        run.logs.now += 7 * HOUR_MS
        verdicts += [found["verdict"] for found in own(run.once())]
    assert verdicts == ["absent_at_source"]


def test_after_an_outage_nothing_is_missing(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS)]
    run.once()
    run.logs.events += [event(n, NOW_MS + n * HOUR_MS) for n in range(1, 120)]
    run.logs.now += 120 * HOUR_MS
    assert sorted(records(run.once())) == sorted(messages(run.logs)[1:])


def test_many_events_of_one_millisecond_survive_any_page_size(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS) for n in range(20)]
    run.logs.events += [event(n, NOW_MS) for n in range(20, 40)]
    assert sorted(records(run.once())) == sorted(messages(run.logs))


def test_two_events_with_one_text_are_two_events(run: Run) -> None:
    twins = [event(0, NOW_MS, event_id="a"), event(0, NOW_MS, event_id="b")]
    run.logs.events = twins
    found = run.once()
    assert records(found) == [twin.message for twin in twins]
    assert [one["event"] for one in own(found)] == ["sequence_conflict"]


def test_an_earlier_start_time_adds_the_records_before_it(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - (9 - n) * DAY_MS) for n in range(9)]
    run.parameters["start_time"] = "-3d"
    assert len(records(run.once())) == 3
    run.parameters["start_time"] = "all"
    assert records(run.once()) == messages(run.logs)[:6]
    run.parameters["start_time"] = "now"
    assert run.once() == []


def test_an_earlier_start_inside_the_horizon_is_watched_for_late_records_too(run: Run) -> None:
    run.parameters["start_time"] = "now"
    run.once()
    run.parameters["start_time"] = "all"
    run.once()
    run.logs.events = [event(0, NOW_MS - HOUR_MS)]
    run.logs.now += 7 * HOUR_MS
    assert records(run.once()) == messages(run.logs)


def test_an_earlier_start_takes_back_what_was_called_before_it(run: Run) -> None:
    run.logs.events = [event(1, NOW_MS - 8 * DAY_MS), event(3, NOW_MS - 2 * DAY_MS)]
    run.parameters["start_time"] = "-5d"
    assert verdicts(run.once()) == ["pending 0-2", "before_start 0-2"]
    before_ms = NOW_MS - 5 * DAY_MS
    assert run.logs.reads[-2:] == [
        (before_ms - DAY_MS, before_ms - 1),
        (before_ms - 3 * DAY_MS, before_ms - DAY_MS - 1),
    ]
    run.parameters["start_time"] = "all"
    assert verdicts(run.once()) == [
        "recovered 1-1",
        "absent_at_source 0-0",
        "absent_at_source 2-2",
    ]


def test_a_head_that_is_nowhere_before_start_time_is_absent(run: Run) -> None:
    run.logs.events = [event(3, NOW_MS - 2 * DAY_MS)]
    run.parameters["start_time"] = "-5d"
    assert verdicts(run.once()) == ["pending 0-2", "absent_at_source 0-2"]


def test_a_relative_start_time_counts_again_only_when_it_is_rewritten(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - (9 - n) * DAY_MS) for n in range(9)]
    run.parameters["start_time"] = "-3d"
    assert len(records(run.once())) == 3
    run.logs.now -= DAY_MS
    assert run.once() == []
    run.parameters["start_time"] = "-6d"
    assert len(records(run.once())) == 4


def test_a_start_time_without_effect_says_so_once(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "cloudhsm")
    run.once()
    run.parameters["start_time"] = "now"
    run.once()
    run.once()
    assert [r.getMessage().rpartition("=")[2] for r in caplog.records] == [
        "a_later_start_has_no_effect"
    ]


def test_a_relative_start_time_is_pinned_on_the_first_run(run: Run) -> None:
    run.parameters["start_time"] = "-3d"
    run.once()
    run.logs.now += 10 * DAY_MS
    run.once()
    state = run.state()
    assert state is not None
    assert state.progress.start_ms == NOW_MS - 3 * DAY_MS


@pytest.mark.parametrize(
    ("text", "flaw"),
    [("Time: 12/19/17 21:0", "no_time"), ("<event>&]]>", "no_time"), ("{", "not_json")],
)
def test_a_damaged_record_is_one_event_with_its_text_and_a_flag(
    run: Run, text: str, flaw: str
) -> None:
    run.logs.events = [event(0, NOW_MS, message=text)]
    found = run.once()
    assert [one["data"] for one in found if one["sourcetype"] != "aws:cloudhsm:collector"] == [text]
    assert [(one["event"], one["flaws"]) for one in own(found)] == [("records_flawed", [flaw])]


@pytest.mark.parametrize("text", ["\x00\ud800", " ", "\x1b]0;x\x07"])
def test_a_record_that_cannot_be_carried_is_kept_beside_its_event(run: Run, text: str) -> None:
    run.logs.events = [event(0, NOW_MS, message=text)]
    altered = [one for one in own(run.once()) if one["event"] == "record_altered"]
    assert len(altered) == 1
    assert altered[0]["sha256"]


def test_a_page_of_foreign_text_is_flagged_once(run: Run) -> None:
    run.logs.page_size = 100
    run.logs.events = [event(n, NOW_MS, message=f"line {n}") for n in range(50)]
    found = run.once()
    assert len(records(found)) == 50
    assert [one["records"] for one in own(found)] == [50]


def test_a_megabyte_record_arrives_whole(run: Run) -> None:
    text = event(0, NOW_MS, message=None).message + "x<&" * 350_000
    run.logs.events = [event(0, NOW_MS, message=text)]
    assert records(run.once()) == [text]


OTHER = GroupId("aws", "111122223333", "us-east-1", "/aws/cloudhsm/cluster-other")


def test_a_failing_group_stops_no_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.logs.groups = [OTHER, GROUP]
    run.logs.events = [event(0, NOW_MS)]
    read = run.logs.read

    def refuse_other(group: GroupId, *window: Any) -> Iterator[Page]:  # noqa: ANN401
        if group == OTHER:
            raise DENIED
        return read(group, *window)

    monkeypatch.setattr(run.logs, "read", refuse_other)
    assert len(records(run.once())) == 1
    assert run.result.failures == [DENIED]


def test_a_closed_output_ends_the_run_at_once_and_saves_nothing_more(run: Run) -> None:
    run.logs.groups = [GROUP, OTHER]
    run.logs.events = [event(0, NOW_MS)]

    class Closed(EventWriter):
        def write_page(self, *_: Any) -> list[int]:  # noqa: ANN401
            raise OutputClosed("closed", next_step="")

    with pytest.raises(OutputClosed):
        run.collector(Closed(run.output, None)).run()
    assert len(run.logs.reads) == 1
    assert len(records(run.once())) == 2


def test_what_discovery_could_not_find_is_reported_beside_the_rest(run: Run) -> None:
    run.logs.failures = [DENIED]
    run.logs.events = [event(0, NOW_MS)]
    assert len(records(run.once())) == 1
    assert run.result.failures == [DENIED]


def test_a_group_held_by_another_input_is_reported_and_left_alone(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS)]
    with run.store.open(GROUP, "aws_cloudhsm://twin"):
        assert run.once() == []
    (failure,) = run.result.failures
    assert "aws_cloudhsm://twin is reading this log group now" in failure.what


def test_a_failed_read_moves_no_position(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - n) for n in range(9)]

    def fail_third(page: int) -> None:
        if page == 2:
            raise ServiceFailure("503", place=Place(), next_step="wait")

    run.logs.before_page = fail_third
    first = records(run.once())
    assert len(first) == 6
    assert len(run.result.failures) == 1
    run.logs.before_page = lambda _: None
    run.logs.now += 60_000
    assert sorted(first + records(run.once())) == sorted(messages(run.logs))


def test_a_full_disk_is_noticed_before_anything_is_handed_over(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logs.events = [event(0, NOW_MS)]

    def full(_file: StateFile, _state: GroupState) -> None:
        raise StateError("No space left on device", place=Place(), next_step="Make room")

    monkeypatch.setattr(StateFile, "save", full)
    assert run.once() == []
    assert [failure.what for failure in run.result.failures] == ["No space left on device"]
    monkeypatch.undo()
    assert len(records(run.once())) == 1


def test_a_damaged_state_repeats_but_never_loses_and_says_so(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS)]
    run.once()
    path = run.store.path(GROUP)
    path.write_bytes(path.read_bytes()[:-5])
    run.logs.events.append(event(1, NOW_MS))
    found = run.once()
    assert [one["event"] for one in own(found)] == ["state_recovered"]
    assert event(1, NOW_MS).message in records(found)


def test_a_corrupt_state_stops_the_group_and_hands_over_nothing(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS)]
    run.once()
    for path in run.store.path(GROUP).parent.glob("*"):
        path.write_bytes(b"x")
    assert run.once() == []
    assert "set-aside" in run.result.failures[0].next_step


def test_a_surprise_in_one_group_stops_no_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.logs.groups = [OTHER, GROUP]
    run.logs.events = [event(0, NOW_MS)]
    read = run.logs.read

    def surprise(group: GroupId, *window: Any) -> Iterator[Page]:  # noqa: ANN401
        if group == OTHER:
            raise ZeroDivisionError("a fault of ours")
        return read(group, *window)

    monkeypatch.setattr(run.logs, "read", surprise)
    assert len(records(run.once())) == 1
    (failure,) = run.result.failures
    assert "ZeroDivisionError: a fault of ours" in failure.what
    assert "test_collector.py" in failure.what
    assert failure.place.group == OTHER.name


def test_a_stop_before_the_first_group_reads_nothing(run: Run) -> None:
    run.stop.requested = True
    run.logs.events = [event(0, NOW_MS)]
    assert run.once() == []
    assert run.logs.reads == []


def test_a_stop_ends_the_run_after_the_page_in_flight(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - n) for n in range(9)]

    def stop_at_second(page: int) -> None:
        run.stop.requested = page == 1

    run.logs.before_page = stop_at_second
    first = records(run.once())
    assert len(first) == 6
    run.logs.before_page = lambda _: None
    run.stop.requested = False
    assert sorted(first + records(run.once())) == sorted(messages(run.logs))


class Ticking:
    """A clock that a page costs a second, and everything else nothing."""

    def __init__(self, logs: FakeLogs) -> None:
        self.seconds = 0.0
        logs.before_page = self.tick

    def tick(self, _page: int) -> None:
        self.seconds += 1

    def __call__(self) -> float:
        return self.seconds


def timed(run: Run, clock: Ticking) -> list[str]:
    """One run on this clock; returns the records handed over."""
    run.output = Pipe()
    run.result = run.collector(EventWriter(run.output, None), clock).run()
    return records(handed_over(run.output))


def test_a_run_leaves_part_of_its_interval_and_the_next_goes_on(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS + n) for n in range(60)]
    run.parameters["interval"] = "10"
    clock = Ticking(run.logs)
    found: list[str] = []
    for _ in range(9):
        begun = clock.seconds
        found += timed(run, clock)
        assert clock.seconds - begun <= 9
    assert found == messages(run.logs)
    assert run.result.has_caught_up


def test_a_run_without_time_still_takes_a_step(run: Run) -> None:
    """A slow discovery, or an interval of a second, must not mean that nothing is ever read."""
    run.logs.events = [event(n, NOW_MS - HOUR_MS + n) for n in range(9)]
    run.parameters["interval"] = "0.1"
    clock = Ticking(run.logs)
    found = [text for _ in range(6) for text in timed(run, clock)]
    assert found == messages(run.logs)


def test_a_group_with_much_to_read_starves_no_other(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logs.groups = [GROUP, OTHER]
    flood = [event(n, NOW_MS - n * 100) for n in range(600)]
    read = run.logs.read
    run.logs.events = flood

    def read_own(group: GroupId, *window: Any) -> Iterator[Page]:  # noqa: ANN401
        run.logs.events = flood if group == GROUP else [event(0, NOW_MS, stream="hsm-other")]
        return read(group, *window)

    monkeypatch.setattr(run.logs, "read", read_own)
    clock = Ticking(run.logs)
    first = timed(run, clock)
    assert any("hsm-other" in text for text in (e["host"] for e in handed_over(run.output)))
    assert not run.result.has_caught_up
    rest = [text for _ in range(20) for text in timed(run, clock)]
    assert set(first + rest) >= {e.message for e in flood}


def test_of_more_groups_than_a_run_has_time_for_each_has_its_turn(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run reaches eight of twenty: nobody may wait for longer than three runs."""
    run.logs.groups = [replace(GROUP, name=f"{GROUP.name}{n}") for n in range(20)]
    run.parameters["interval"] = "10"
    clock, read = Ticking(run.logs), run.logs.read
    runs: list[set[str]] = []

    def read_of(group: GroupId, *window: Any) -> Iterator[Page]:  # noqa: ANN401
        runs[-1].add(group.name)
        return read(group, *window)

    monkeypatch.setattr(run.logs, "read", read_of)
    for _ in range(12):
        runs.append(set())
        timed(run, clock)
        assert run.result.unreached > 0
        assert not run.result.has_caught_up
        run.logs.now += 10_000
    for three in zip(runs, runs[1:], runs[2:]):
        assert len(set().union(*three)) == 20


def test_groups_that_are_all_reached_take_turns_in_being_first(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logs.groups = [replace(GROUP, name=f"{GROUP.name}{n}") for n in range(3)]
    read, first = run.logs.read, list[str]()

    def read_of(group: GroupId, *window: Any) -> Iterator[Page]:  # noqa: ANN401
        asked.append(group.name[-1])
        return read(group, *window)

    monkeypatch.setattr(run.logs, "read", read_of)
    for _ in range(4):
        asked: list[str] = []
        run.once()
        first.append(asked[0])
    assert first == ["0", "1", "2", "0"]
    assert run.result.unreached == 0


def test_what_a_cut_poll_left_out_does_not_wait_for_hours(run: Run) -> None:
    run.once()
    run.logs.events = [event(n, NOW_MS - 60_000 + n) for n in range(300)]
    run.parameters["interval"] = "10"
    clock = Ticking(run.logs)
    found = [text for _ in range(30) for text in timed(run, clock)]
    assert sorted(found) == sorted(messages(run.logs))


class Crash(BaseException):
    """The process dies here."""


class CrashingWriter(EventWriter):
    """Dies before the given effect: an even number before a write, an odd one before a flush."""

    def __init__(self, output: Pipe, effects: list[int]) -> None:
        super().__init__(output, None)
        self._effects = effects

    def write(self, events: Iterable[Event]) -> None:
        self._step()
        super().write(events)

    def write_page(self, *columns: Any) -> list[int]:  # noqa: ANN401
        self._step()
        return super().write_page(*columns)

    def flush(self) -> None:
        self._step()
        super().flush()

    def _step(self) -> None:
        self._effects[0] -= 1
        if self._effects[0] < 0:
            raise Crash


@st.composite
def trails(draw: st.DrawFn) -> list[LogEvent]:
    ages = draw(st.lists(st.integers(-HOUR_MS, 40 * DAY_MS), max_size=12))
    return [event(n, NOW_MS - age) for n, age in enumerate(sorted(ages, reverse=True))]


@given(trails(), st.integers(1, 4), st.lists(st.integers(0, 12), max_size=5))
def test_whatever_step_a_run_dies_at_all_records_arrive_and_repeats_are_one_page_each(
    trail: list[LogEvent], page_size: int, deaths: list[int]
) -> None:
    logs = FakeLogs(events=trail, page_size=page_size)
    expected = [e.message for e in trail if e.timestamp_ms >= NOW_MS - 30 * DAY_MS]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), logs)
        found: list[str] = []
        for effects in deaths:
            output = Pipe()
            with suppress(Crash):
                run.collector(CrashingWriter(output, [effects])).run()
            found += records(handed_over(output))
        found += records(run.once())
        assert run.once() == []
    assert set(found) == set(expected)
    repeats = sum((Counter(found) - Counter(set(found))).values())
    assert repeats <= page_size * len(deaths)


@pytest.mark.parametrize("save", range(6))
def test_a_death_between_flush_and_save_repeats_at_most_that_page(
    run: Run, monkeypatch: pytest.MonkeyPatch, save: int
) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS + n) for n in range(9)]
    saves = iter(range(100))
    original = StateFile.commit

    def dying(file: StateFile) -> None:
        if next(saves) == save:
            raise Crash
        original(file)

    monkeypatch.setattr(StateFile, "commit", dying)
    output = Pipe()
    with pytest.raises(Crash):
        run.collector(EventWriter(output, None)).run()
    monkeypatch.undo()
    found = Counter(records(handed_over(output)) + records(run.once()))
    assert set(found) == set(messages(run.logs))
    assert sum(found.values()) <= 9 + 3


def kinds(told: Iterable[dict[str, Any]]) -> list[str]:
    return [one["event"] for one in told]


def minutes(run: Run, count: float) -> None:
    run.logs.now += int(count * 60_000)


def test_a_heartbeat_comes_at_once_and_then_every_quarter_of_an_hour(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - n) for n in range(4)]
    run.once()
    (first,) = run.told
    assert (first["event"], first["runs"], first["records"], first["pages"]) == (
        "heartbeat",
        1,
        4,
        # the first sweep of two pages, and a backfill of one without events
        first["empty_pages"] + 2,
    )
    beats = []
    for _ in range(31):
        minutes(run, 1)
        run.once()
        beats += run.told
    assert kinds(beats) == ["heartbeat", "heartbeat"]
    assert [(beat["runs"], beat["records"]) for beat in beats] == [(15, 0), (15, 0)]
    assert beats[1]["seconds"] == 15 * 60
    assert beats[1]["groups"] == 1
    assert beats[1]["caught_up"] is True


def test_a_clock_of_whole_seconds_makes_no_heartbeat_and_no_discovery_of_its_own(run: Run) -> None:
    run.once()
    run.logs.now -= 900
    run.once()
    assert run.told == []
    assert run.logs.discoveries == 1


def test_a_heartbeat_tells_how_far_behind_the_input_is(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 20 * DAY_MS + n) for n in (0, 2, 4, 5, 6, 7)]
    run.parameters["interval"] = "2"
    timed(run, Ticking(run.logs))
    beat = json.loads(handed_over(run.output)[-1]["data"])
    assert beat["history_left_s"] > 18 * 86_400
    assert beat["settled_age_s"] == 86_400
    assert beat["caught_up"] is False


def test_a_heartbeat_comes_even_where_everything_fails(run: Run) -> None:
    run.logs.groups, run.logs.failures = [], [DENIED]
    run.once()
    assert kinds(run.told) == ["collection_failed", "heartbeat"]
    assert run.told[1]["failing"] == ["log_groups="]


def test_the_own_events_of_an_input_bear_its_name_and_its_host(run: Run) -> None:
    run.once()
    (found,) = handed_over(run.output)
    assert (found["host"], found["source"]) == ("splunk-1", "aws_cloudhsm://x")
    assert found["sourcetype"] == "aws:cloudhsm:collector"


def failing_pages(run: Run, error: Exception) -> None:
    def fail(_page: int) -> None:
        raise error

    run.logs.before_page = fail


def test_a_failure_is_told_when_it_begins_and_when_it_ends(run: Run) -> None:
    failing_pages(run, DENIED)
    seen = []
    for minute in range(5):
        run.once()
        seen += run.told
        minutes(run, 1)
        if minute == 2:
            run.logs.before_page = lambda _: None
    assert kinds(seen) == ["collection_failed", "heartbeat", "collection_resumed"]
    failed, _, resumed = seen
    assert (failed["error"], failed["log_group"]) == ("AccessDenied", GROUP.name)
    assert failed["next_step"] == "Allow it"
    assert (resumed["error"], resumed["failed_s"]) == ("AccessDenied", 180)


def test_another_failure_of_the_same_group_is_told_too(run: Run) -> None:
    failing_pages(run, DENIED)
    run.once()
    failing_pages(run, StateError("full", place=Place(), next_step=""))
    minutes(run, 1)
    run.once()
    assert [one["error"] for one in run.told] == ["StateError"]


def test_a_failing_service_is_asked_at_growing_distances_and_others_are_not_held_up(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logs.groups = [OTHER, GROUP]
    read = run.logs.read
    tried: list[int] = []

    def throttle_other(group: GroupId, *window: Any) -> Iterator[Page]:  # noqa: ANN401
        if group == OTHER:
            tried.append((run.logs.now - NOW_MS) // 60_000)
            raise ServiceFailure("ThrottlingException", place=Place(), next_step="wait")
        return read(group, *window)

    monkeypatch.setattr(run.logs, "read", throttle_other)
    for minute in range(60):
        run.logs.events = [event(n, NOW_MS + n * 60_000) for n in range(minute + 1)]
        assert len(records(run.once())) == 1
        minutes(run, 1)
    distances = [later - earlier for earlier, later in zip(tried, tried[1:])]
    assert 5 <= len(tried) <= 24
    assert max(distances) <= 5
    assert distances[0] <= 2 < distances[-1]


def test_a_person_who_mends_access_sees_it_in_the_next_run(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS)]
    failing_pages(run, DENIED)
    for _ in range(9):
        run.once()
        minutes(run, 1)
    run.logs.before_page = lambda _: None
    assert len(records(run.once())) == 1


def test_log_groups_are_looked_for_every_five_minutes(run: Run) -> None:
    for _ in range(11):
        run.once()
        minutes(run, 1)
    assert run.logs.discoveries == 3
    run.parameters["log_groups"] = "/aws/cloudhsm/other*"
    run.once()
    assert run.logs.discoveries == 4


def test_a_known_group_is_collected_though_the_look_for_groups_fails(run: Run) -> None:
    run.once()
    minutes(run, 6)
    run.logs.groups, run.logs.failures = [], [DENIED]
    run.logs.events = [event(0, run.logs.now)]
    assert len(records(run.once())) == 1


def test_a_group_that_is_not_listed_any_more_is_read_until_it_is_gone(run: Run) -> None:
    run.logs.groups = [GROUP, OTHER]
    run.once()
    minutes(run, 6)
    run.logs.groups = [OTHER]
    run.once()
    assert run.result.groups == 2


def test_a_millisecond_of_many_pages_is_read_through_however_short_the_run(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS) for n in range(20)]
    run.parameters["interval"] = "0.1"
    clock = Ticking(run.logs)
    found = [text for _ in range(10) for text in timed(run, clock)]
    assert sorted(found) == sorted(messages(run.logs))


def test_more_groups_than_a_run_has_time_for_come_first_in_turn(run: Run) -> None:
    name = "/aws/cloudhsm/cluster-{}".format
    run.logs.groups = [GroupId("aws", "1", "us-east-1", name(n)) for n in range(30)]
    run.logs.events = [event(0, NOW_MS)]
    run.parameters["interval"] = "10"
    clock = Ticking(run.logs)
    found = []
    for _ in range(40):
        begun = clock.seconds
        found += timed(run, clock)
        assert clock.seconds - begun <= 12
    assert len(found) == 30


def test_a_stop_while_groups_are_opened_opens_no_more(run: Run) -> None:
    run.stop.requested = True
    run.once()
    assert [*run.folder.glob("*.state")] == []


def test_the_clock_of_aws_is_remembered_between_runs(run: Run) -> None:
    def learn(_page: int) -> None:
        run.logs.clock.offset_ms = 1_234

    run.logs.before_page = learn
    run.once()
    run.logs.before_page = lambda _: None
    run.logs.clock = AwsClock()
    run.once()
    assert run.logs.clock.offset_ms == 1_234


def test_a_quiet_group_costs_one_call_a_run(run: Run) -> None:
    run.once()
    run.logs.reads.clear()
    minutes(run, 1)
    run.once()
    assert len(run.logs.reads) == 1


def test_a_twin_of_an_input_at_work_is_refused_by_name(run: Run) -> None:
    run.once()
    minutes(run, 1)
    run.stanza = "aws_cloudhsm://twin"
    run.logs.events = [event(0, NOW_MS)]
    assert run.once() == []
    (failure,) = run.result.failures
    assert "aws_cloudhsm://x collected this log group 60 s ago" in str(failure)
    minutes(run, 9)
    assert len(records(run.once())) == 1


def test_a_gap_in_history_is_looked_for_once_more_before_it_is_called_absent(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS + n) for n in (0, 1, 4)]
    assert verdicts(run.once()) == ["pending 2-3", "absent_at_source 2-3"]
    slack_ms = 5 * 60_000
    old_ms = NOW_MS - 5 * DAY_MS
    assert run.logs.reads[-1] == (old_ms + 1 - slack_ms, old_ms + 4 + slack_ms)
    reads = len(run.logs.reads)
    minutes(run, 1)
    run.once()
    assert len(run.logs.reads) == reads + 1


def test_what_the_last_look_finds_in_history_is_handed_over_once(run: Run) -> None:
    old_ms = NOW_MS - 5 * DAY_MS
    run.logs.events = [event(n, old_ms + n) for n in (0, 1, 4)]
    late = [event(n, old_ms + n) for n in (2, 3)]

    def reveal(_page: int) -> None:
        start_ms, end_ms = run.logs.reads[-1]
        if end_ms - start_ms < HOUR_MS and late[0] not in run.logs.events:
            run.logs.events += late

    run.logs.before_page = reveal
    run.once()
    found = run.once()
    run.logs.before_page = lambda _: None
    assert records(found) == []


def test_an_open_gap_is_looked_for_between_the_sweeps(run: Run) -> None:
    run.once()
    run.logs.events = [event(n, NOW_MS - 9 + n) for n in (0, 2)]
    assert verdicts(run.once()) == ["pending 1-1"]
    minutes(run, 20)
    run.logs.events.append(event(1, NOW_MS - 8))
    found = run.once()
    assert records(found) == [run.logs.events[-1].message]
    assert verdicts(found) == ["recovered 1-1"]


def test_what_retention_deleted_before_it_was_read_is_expired(run: Run) -> None:
    run.logs.retention_ms = 7 * DAY_MS
    run.logs.events = [event(0, NOW_MS)]
    run.once()
    minutes(run, 20 * 24 * 60)
    run.logs.events.append(event(9, run.logs.now - 2 * DAY_MS))
    assert verdicts(run.once()) == ["pending 1-8", "expired 1-8"]


def test_a_foreign_group_and_a_foreign_stream_are_remarked_once(run: Run) -> None:
    run.logs.groups = [GroupId("aws", "111122223333", "us-east-1", "/my/app")]
    run.logs.events = [event(0, NOW_MS, stream="app-1"), event(0, NOW_MS)]
    found = run.once()
    assert len(records(found)) == 2
    assert sorted(kinds(own(found))) == ["unfamiliar_group", "unfamiliar_stream"]
    run.logs.events.append(event(1, NOW_MS, stream="app-1"))
    assert kinds(own(run.once())) == []


def test_remarks_on_streams_are_limited(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS, stream=f"app-{n}") for n in range(1_100)]
    assert len(own(run.once())) == 1_000
    assert own(run.once()) == []


def test_a_long_outage_keeps_only_the_ids_inside_the_horizon(run: Run) -> None:
    run.once()
    run.logs.events = [event(n, NOW_MS + n * HOUR_MS) for n in range(240)]
    run.logs.now += 240 * HOUR_MS
    assert len(records(run.once())) == 240
    state = run.state()
    assert state is not None
    assert len(state.seen) <= 25


def test_events_of_one_millisecond_in_an_old_sweep_survive_a_cut_run(run: Run) -> None:
    run.once()
    run.logs.events = [event(n, NOW_MS + HOUR_MS) for n in range(20)]
    run.logs.now += 240 * HOUR_MS
    run.parameters["interval"] = "30"
    clock = Ticking(run.logs)
    found = [text for _ in range(20) for text in timed(run, clock)]
    assert sorted(found) == sorted(messages(run.logs))


def test_empty_pages_for_longer_than_a_run_end_nevertheless(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sparse stretch costs a page for each of its days, whatever is on it."""
    run.logs.events = [event(n, NOW_MS - (20 - n) * DAY_MS) for n in range(3)]
    read = run.logs.read

    def sparse(group: GroupId, start_ms: int, end_ms: int, stream: str | None) -> Iterator[Page]:
        pages = list(read(group, start_ms, end_ms, stream))
        for _ in range((end_ms - start_ms) // DAY_MS):
            clock.tick(0)
            yield Page()
        yield from pages

    clock = Ticking(run.logs)
    monkeypatch.setattr(run.logs, "read", sparse)
    run.parameters["interval"] = "10"
    found: list[str] = []
    for _ in range(30):
        found += timed(run, clock)
    assert sorted(found) == sorted(messages(run.logs))
    assert run.result.has_caught_up


def request(
    run: Run, start_ms: int, end_ms: int, stream: str | None = None
) -> replay_requests.Request:
    """Ask for a replay, as the command does."""
    asked = replay_requests.Request(
        uuid.uuid4().hex, GROUP, stream, start_ms, end_ms, "alice", NOW_MS, "lost index"
    )
    replay_requests.write(run.store.path(GROUP), asked)
    return asked


def test_a_replay_hands_over_again_what_lies_in_its_range_between_two_marks(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - (9 - n) * DAY_MS) for n in range(9)]
    run.once()
    asked = request(run, NOW_MS - 6 * DAY_MS, NOW_MS - 4 * DAY_MS)
    found = run.once()
    assert records(found) == messages(run.logs)[3:6]
    started, finished = own(found)
    assert (started["event"], started["phase"], finished["phase"]) == (
        "replay",
        "started",
        "finished",
    )
    assert (started["replay_id"], started["requested_by"], started["reason"]) == (
        asked.id,
        "alice",
        "lost index",
    )
    assert (finished["records"], finished["replay_from"]) == (3, NOW_MS / 1000 - 6 * 86_400)
    assert found[0]["sourcetype"] == found[-1]["sourcetype"] == "aws:cloudhsm:collector"
    assert run.once() == []


def test_a_replay_of_one_stream_leaves_the_others_alone(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS - DAY_MS), event(0, NOW_MS - DAY_MS, stream="hsm-other")]
    run.once()
    request(run, 0, NOW_MS, "hsm-other")
    assert [e["host"] for e in run.once() if e["sourcetype"] == "aws:cloudhsm:audit"] == [
        "hsm-other"
    ]


def test_a_replay_changes_neither_ledger_nor_verdicts_nor_positions(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS + n) for n in (0, 1, 4)]
    run.once()
    before = run.state()
    request(run, 0, NOW_MS)
    replayed = run.once()
    after = run.state()
    assert before is not None
    assert after is not None
    assert verdicts(replayed) == []
    assert {one["event"] for one in own(replayed)} == {"replay"}
    assert after.ledger.epochs == before.ledger.epochs
    assert after.progress.settled_ms == before.progress.settled_ms


@pytest.mark.parametrize("effects", range(12))
def test_a_replay_survives_the_death_of_its_run(run: Run, effects: int) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS + n) for n in range(9)]
    run.once()
    request(run, 0, NOW_MS)
    output = Pipe()
    with suppress(Crash):
        run.collector(CrashingWriter(output, [effects])).run()
    found = records(handed_over(output)) + records(run.once())
    assert set(found) == set(messages(run.logs))
    assert len(found) <= 9 + run.logs.page_size
    assert run.once() == []


def test_a_replay_that_a_run_has_no_time_for_goes_on_in_the_next_ones(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS + n) for n in range(60)]
    run.once()
    request(run, 0, NOW_MS)
    run.parameters["interval"] = "5"
    clock = Ticking(run.logs)
    found = [text for _ in range(12) for text in timed(run, clock)]
    assert found == messages(run.logs)


def test_a_damaged_request_stops_nothing_and_is_set_aside(run: Run) -> None:
    run.logs.events = [event(0, NOW_MS)]
    run.once()
    asked = request(run, 0, NOW_MS)
    path = replay_requests.path(run.store.path(GROUP), asked)
    path.write_text("{")
    run.logs.events.append(event(1, NOW_MS))
    assert records(run.once()) == [event(1, NOW_MS).message]
    assert [one.name for one in run.folder.glob("*.rejected")] == [f"{path.name}.rejected"]


def test_a_run_that_ends_right_behind_the_last_page_of_a_window_has_finished_it(run: Run) -> None:
    """With many groups a slice is shorter than one call; then nothing would ever be settled."""
    run.logs.events = [event(n, NOW_MS - HOUR_MS + n) for n in (0, 2)]
    run.parameters["interval"] = "0.1"
    clock = Ticking(run.logs)
    told = []
    for _ in range(60):
        timed(run, clock)
        told += verdicts(handed_over(run.output))
        minutes(run, 60)
    assert told == ["pending 1-1", "absent_at_source 1-1"]


def test_what_came_while_nobody_could_read_does_not_wait_for_the_next_sweep(run: Run) -> None:
    run.parameters["lateness_horizon"] = "30d"
    run.once()
    run.logs.events = [event(n, NOW_MS + n * 60_000) for n in range(120)]
    minutes(run, 121)
    assert sorted(records(run.once())) == sorted(messages(run.logs))


def test_history_that_cannot_be_read_does_not_delay_the_live_window(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = run.logs.read

    def no_history(group: GroupId, start_ms: int, *window: Any) -> Iterator[Page]:  # noqa: ANN401
        if start_ms < NOW_MS - 2 * DAY_MS:
            raise ServiceFailure("no usable page token", place=Place(), next_step="wait")
        return read(group, start_ms, *window)

    monkeypatch.setattr(run.logs, "read", no_history)
    told = []
    for minute in range(60):
        run.logs.events.append(event(minute, run.logs.now))
        assert len(records(run.once())) == 1
        told += [(one["event"], one.get("part")) for one in run.told]
        minutes(run, 1)
    assert ("collection_failed", "history") in told
    assert ("collection_failed", "live") not in told


def test_a_clock_that_was_wrong_once_keeps_nobody_waiting(run: Run) -> None:
    run.logs.now = NOW_MS + 365 * DAY_MS
    failing_pages(run, ServiceFailure("TLS", place=Place(), next_step="x"))
    run.once()
    run.logs.before_page = lambda _: None
    run.logs.now = NOW_MS
    run.logs.events = [event(0, NOW_MS)]
    assert len(records(run.once())) == 1


def test_a_clock_that_was_put_back_repeats_nothing_that_was_settled(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS + 60_000 + n) for n in range(4)]
    assert len(records(run.once())) == 4
    run.logs.now = NOW_MS + 3 * DAY_MS
    run.once()
    run.logs.now, run.logs.true_now = NOW_MS + 1000, NOW_MS + 3 * DAY_MS + 60_000
    assert records(run.once()) == []


def test_a_name_that_nobody_asks_for_any_more_fails_no_more(run: Run) -> None:
    run.logs.groups = [GROUP, OTHER]
    failing_pages(run, DENIED)
    run.once()
    assert sorted(run.told[-1]["failing"]) == sorted([GROUP.name, OTHER.name])
    run.logs.before_page = lambda _: None
    run.logs.groups = [OTHER]
    minutes(run, 20)
    run.once()
    assert run.told[-1]["failing"] == []


def test_failures_that_alternate_are_told_once(run: Run) -> None:
    told = []
    for minute in range(40):
        kind = ServiceFailure if minute % 2 else EndpointUnreachable
        failing_pages(run, kind("x", place=Place(), next_step="y"))
        run.once()
        told += kinds(run.told)
        minutes(run, 1)
    assert told.count("collection_failed") == 1


@pytest.mark.parametrize("windows", ["1", "4"])
def test_a_counter_that_began_again_in_history_leaves_no_gap_and_no_repeat(
    run: Run, windows: str
) -> None:
    old = [event(n, NOW_MS - 20 * DAY_MS + n * HOUR_MS) for n in range(100)]
    new = [event(n, NOW_MS - 10 * DAY_MS + n * HOUR_MS, event_id=f"again/{n}") for n in range(240)]
    run.logs.events = [*old, *new]
    run.parameters["windows_in_flight"] = windows
    found = run.once()
    for _ in range(40):
        minutes(run, 60)
        found += run.once()
    assert sorted(records(found)) == sorted(messages(run.logs))
    assert kinds(own(found)) == ["sequence_restarted"]


def test_a_late_record_before_a_restart_leaves_no_false_gap_and_no_repeat(run: Run) -> None:
    run.parameters |= {"lateness_horizon": "1h", "start_time": "now"}
    run.once()
    old = [event(n, NOW_MS + n * 1000) for n in range(61)]
    new = [event(n, NOW_MS + (n + 2) * 60_000, event_id=f"again/{n}") for n in range(120)]
    late = old.pop(50)
    found: list[dict[str, str]] = []
    for minute in range(400):
        run.logs.events = [one for one in (*old, *new) if one.timestamp_ms <= run.logs.now]
        if minute >= 20:
            run.logs.events.append(late)
        found += run.once()
        minutes(run, 1)
    assert sorted(records(found)) == sorted(one.message for one in (*old, late, *new))
    finals = [one for one in verdicts(found) if not one.startswith("pending")]
    assert finals == ["recovered 50-50"]


def test_a_replay_that_brings_what_was_missing_closes_its_gap(run: Run) -> None:
    run.logs.events = [event(n, NOW_MS - 5 * DAY_MS + n) for n in (0, 2)]
    run.once()
    run.logs.events.append(event(1, NOW_MS - 5 * DAY_MS + 1))
    request(run, 0, NOW_MS)
    assert verdicts(run.once()) == ["recovered_late 1-1"]


def test_a_longer_horizon_in_the_middle_of_a_sweep_repeats_nothing(run: Run) -> None:
    run.parameters |= {"lateness_horizon": "1h", "interval": "10"}
    clock = Ticking(run.logs)
    timed(run, clock)
    run.logs.events = [event(n, NOW_MS + n * 20 * 60_000) for n in range(100)]
    run.logs.now += 10 * DAY_MS
    found = timed(run, clock)
    run.parameters["lateness_horizon"] = "24h"
    found += [text for _ in range(30) for text in timed(run, clock)]
    assert sorted(found) == sorted(messages(run.logs))


def test_a_gap_whose_surroundings_are_larger_than_a_run_is_judged_nevertheless(run: Run) -> None:
    busy = [event(n, NOW_MS - 26 * DAY_MS + n * 600_000) for n in range(3000)]
    quiet = [event(n, NOW_MS - (25 - n) * DAY_MS, stream="hsm-quiet") for n in (0, 23)]
    run.logs.events = [*busy, *quiet]
    run.logs.page_size = 100
    run.parameters["interval"] = "10"
    clock = Ticking(run.logs)
    told = []
    for _ in range(60):
        timed(run, clock)
        told += verdicts(handed_over(run.output))
    assert told == ["pending 1-22", "absent_at_source 1-22"]


def test_a_probe_of_a_sparse_past_ends_at_some_time_and_holds_up_nobody(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.parameters |= {"start_time": "-1d", "interval": "40"}
    run.logs.events = [event(3, NOW_MS)]
    read = run.logs.read

    def sparse(group: GroupId, start_ms: int, end_ms: int, stream: str | None) -> Iterator[Page]:
        if stream is not None:
            for _ in range(min(6, (end_ms - start_ms) // DAY_MS)):
                clock.tick(0)
                yield Page()
        yield from read(group, start_ms, end_ms, stream)

    clock = Ticking(run.logs)
    monkeypatch.setattr(run.logs, "read", sparse)
    told = []
    for _ in range(60):
        begun = clock.seconds
        timed(run, clock)
        assert clock.seconds - begun <= 40
        told += verdicts(handed_over(run.output))
        minutes(run, 60)
    assert told == ["pending 0-2", "absent_at_source 0-2"]
