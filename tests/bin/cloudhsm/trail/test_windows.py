from __future__ import annotations

from copy import deepcopy

import pytest

from cloudhsm.aws.log_source import LogEvent, Page
from cloudhsm.trail.gap_ledger import Anomaly, Ledger, MissingRecords
from cloudhsm.trail.gap_review import GapReview, Horizon
from cloudhsm.trail.record_identity import identify_all
from cloudhsm.trail.seen_ids import Seen
from cloudhsm.trail.windows import (
    Backfill,
    End,
    Kind,
    Memory,
    Poll,
    Progress,
    Replay,
    Reread,
    Sweep,
    Window,
)
from tests.bin.fakes import HSM, event

SETTLED_MS, START_MS, END_MS = 1_790_000_000_000, 1_789_999_000_000, 1_790_001_000_000
KINDS: dict[str, Kind] = {
    "poll": Poll(),
    "sweep": Sweep(START_MS, END_MS, START_MS, started_ms=SETTLED_MS + 5_000, horizon_ms=5_000),
    "backfill": Backfill(START_MS, END_MS, START_MS),
    "re-read": Reread(START_MS, END_MS, START_MS, stream=HSM),
    "replay": Replay(START_MS, END_MS, START_MS, id="r"),
}


def memory() -> Memory:
    """Records 0 and 3 are in, 1 and 2 are a gap; record 3 is younger than the settled mark."""
    progress, ledger, seen = Progress(START_MS, SETTLED_MS), Ledger(), Seen()
    known = page(0, 3)
    ledger.enter_all(known.streams, identify_all(known.texts), known.times_ms)
    ledger.cover(0, END_MS)
    GapReview(ledger, Horizon(END_MS, 0, 0)).judge()
    assert seen.fresh(known.ids[1:], known.times_ms[1:]) == [True]
    return Memory(progress, seen, ledger, MissingRecords(ledger))


def at(number: int) -> int:
    return SETTLED_MS + (number - 3) * 1_000


def page(*numbers: int) -> Page:
    return Page.of(LogEvent(*event(number, at(number))) for number in numbers)


@pytest.mark.parametrize(
    ("name", "fresh"),
    [
        ("poll", [True, True, False, True]),
        # Ids before the settled mark are not kept: a stretch returns each of its events once.
        ("sweep", [True, True, False, True]),
        ("backfill", [True, True, False, True]),
        # Only what fills a gap is new before the settled mark.
        ("re-read", [False, True, False, True]),
        ("replay", [True, True, True, True]),
    ],
)
def test_each_kind_decides_which_events_are_new(name: str, fresh: list[bool]) -> None:
    window = Window(START_MS, END_MS, deepcopy(KINDS[name]))
    assert window.take(page(0, 1, 3, 4), memory()) == fresh


@pytest.mark.parametrize("name", KINDS)
def test_what_was_taken_once_is_a_repeat_in_the_same_millisecond(name: str) -> None:
    known, window = memory(), Window(START_MS, END_MS, deepcopy(KINDS[name]))
    taken = page(4)
    window.take(taken, known)
    assert window.take(taken, known) == [False]


def test_only_what_was_missing_enters_the_ledger_from_a_replay() -> None:
    known, replay = memory(), Replay(START_MS, END_MS, START_MS, id="r")
    taken = page(1, 3, 4)
    window = Window(START_MS, END_MS, replay)
    assert replay.enter(taken, identify_all(taken.texts), window, known) == []
    (epoch,) = known.ledger.epochs[HSM, "0xe8"]
    ranges = [(known.first.sequence, known.last.sequence) for known in epoch.ranges]
    assert (ranges, replay.records) == ([(0, 1), (3, 3)], 3)


@pytest.mark.parametrize("name", ["poll", "sweep", "backfill", "re-read"])
def test_other_kinds_enter_every_record_and_return_what_is_odd(name: str) -> None:
    known, kind, taken = memory(), deepcopy(KINDS[name]), page(3, 4)
    anomalies = kind.enter(taken, identify_all(taken.texts), Window(START_MS, 0, kind), known)
    assert anomalies == [(0, Anomaly.SEQUENCE_CONFLICT)]


def test_the_end_of_a_window_returns_what_is_complete() -> None:
    reread, replay = Reread(1, 9, 1, stream=HSM), Replay(1, 9, 1, id="r")
    progress = Progress(0, 0, rereads=[reread], replays=[replay])
    assert reread.finish(progress, reread.window(), 20) == End(reread=reread)
    assert replay.finish(progress, replay.window(), 20) == End(replay=replay)
    assert Poll().finish(progress, Window(5, 30, Poll()), 20) == End((5, 20))
    assert (progress.rereads, progress.replays, progress.replayed) == ([], [], ["r"])


def test_a_part_of_a_stretch_ends_nothing() -> None:
    replay = Replay(1, 9, 1, chunk_ms=4, id="r")
    progress = Progress(0, 0, replays=[replay])
    assert replay.finish(progress, replay.window(), 20) == End()
    assert (replay.position_ms, replay.chunk_ms, progress.replays) == (5, 8, [replay])


def test_an_empty_page_moves_no_position() -> None:
    backfill = Backfill(1, 9, 1)
    assert backfill.window().take(Page(), memory()) == []
    assert backfill.position_ms == 1
