from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.trail.gap_ledger import (
    MAX_JUMP,
    Anomaly,
    Epoch,
    GapChange,
    Hole,
    Ledger,
    Mark,
    MissingRecords,
    Range,
    Verdict,
)
from cloudhsm.trail.gap_review import GapReview, Horizon
from cloudhsm.trail.record_identity import Kind, Record, Records

HSM = "hsm-a"
SECOND = 1_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 86_400_000
START_MS = 1_790_000_000_000


def record(
    sequence: int,
    usecs: int | None = None,
    reboot_counter: str = "0xe8",
    command_type: str = "CN_MGMT_CMD",
) -> Record:
    """Record number n is written n seconds after the start, unless told otherwise."""
    usecs = START_MS * 1000 + sequence * SECOND if usecs is None else usecs
    return Record(Kind.AUDIT, usecs, f"{sequence:#x}", reboot_counter, command_type)


def at(sequence: int) -> int:
    return START_MS + sequence * 1000


def ledger_of(*sequences: int) -> Ledger:
    ledger = Ledger()
    for sequence in sequences:
        assert ledger.enter(HSM, record(sequence), at(sequence)) is None
    return ledger


def ranges(ledger: Ledger, reboot_counter: str = "0xe8") -> list[list[tuple[int, int]]]:
    return [
        [(known.first.sequence, known.last.sequence) for known in epoch.ranges]
        for epoch in ledger.epochs[(HSM, reboot_counter)]
    ]


def judge(ledger: Ledger, horizon: Horizon) -> list[GapChange]:
    return GapReview(ledger, horizon).judge()


def judged(
    ledger: Ledger,
    *,
    settled: bool,
    start_ms: int = 0,
    held_before: bool = True,
    retention_ms: int | None = None,
) -> list[tuple[int, int, str]]:
    """What a judgement changes; where all is settled, with the last look that it asks for."""
    ledger.cover(0, START_MS + DAY_MS)
    settled_ms = START_MS + DAY_MS if settled else 0
    horizon = Horizon(
        START_MS + DAY_MS,
        start_ms,
        settled_ms,
        begun_ms=START_MS + DAY_MS,
        retention_ms=retention_ms,
    )
    changes = judge(ledger, horizon)
    if settled:
        changes = [*finals(changes), *look_again(ledger, horizon, held_before=held_before)]
    return [(change.first, change.last, change.verdict.value) for change in changes]


def finals(changes: list[GapChange]) -> list[GapChange]:
    return [change for change in changes if change.verdict is not Verdict.PENDING]


def look_again(ledger: Ledger, horizon: Horizon, *, held_before: bool = True) -> list[GapChange]:
    for window in GapReview(ledger, horizon).rereads():
        GapReview(ledger, horizon).was_reread(*window)
    for _, gap in GapReview(ledger, horizon).unprobed():
        gap.held_before = held_before
    return judge(ledger, horizon)


@given(
    st.sets(st.integers(0, 60), min_size=1).flatmap(
        lambda numbers: st.permutations(sorted(numbers))
    )
)
def test_ranges_are_the_numbers_entered_whatever_their_order(numbers: list[int]) -> None:
    ledger = ledger_of(*numbers)
    (found,) = ranges(ledger)
    covered = [n for first, last in found for n in range(first, last + 1)]
    assert covered == sorted(numbers)
    assert all(left[1] + 1 < right[0] for left, right in zip(found, found[1:]))


@given(
    st.sets(st.integers(0, 60), min_size=1).flatmap(
        lambda numbers: st.permutations(sorted(numbers))
    )
)
def test_after_the_horizon_exactly_the_missing_numbers_are_absent(numbers: list[int]) -> None:
    missing = {
        number
        for first, last, verdict in judged(ledger_of(*numbers), settled=True)
        for number in range(first, last + 1)
        if verdict == "absent_at_source"
    }
    assert missing == set(range(max(numbers))) - set(numbers)


@given(
    st.sets(st.integers(0, 40), min_size=1),
    st.sets(st.integers(0, 40), min_size=1),
)
def test_every_number_of_a_gap_ends_either_recovered_or_absent(
    first: set[int], second: set[int]
) -> None:
    ledger = ledger_of(*sorted(first))
    opened = judged(ledger, settled=False)
    for number in sorted(second - first):
        ledger.enter(HSM, record(number), at(number))
    closed = judged(ledger, settled=True)
    recovered = {n for a, b, verdict in closed if verdict == "recovered" for n in range(a, b + 1)}
    absent = {
        n for a, b, verdict in closed if verdict == "absent_at_source" for n in range(a, b + 1)
    }
    pending = {n for a, b, _ in opened for n in range(a, b + 1)}
    assert recovered == pending & second
    assert absent == set(range(max(first | second))) - first - second


def test_a_gap_is_reported_once() -> None:
    ledger = ledger_of(0, 1, 5)
    assert judged(ledger, settled=False) == [(2, 4, "pending")]
    assert judged(ledger, settled=False) == []
    assert ledger.pending() == 1
    assert judged(ledger, settled=True) == [(2, 4, "absent_at_source")]
    assert judged(ledger, settled=True) == []
    assert ledger.pending() == 0


def test_a_gap_filled_in_its_middle_closes_in_part() -> None:
    ledger = ledger_of(0, 9)
    judged(ledger, settled=False)
    ledger.enter(HSM, record(4), at(4))
    assert judged(ledger, settled=False) == [(4, 4, "recovered")]
    assert judged(ledger, settled=True) == [(1, 3, "absent_at_source"), (5, 8, "absent_at_source")]


def test_what_arrives_after_the_verdict_is_recovered_late() -> None:
    ledger = ledger_of(0, 2)
    assert judged(ledger, settled=True) == [(1, 1, "absent_at_source")]
    ledger.enter(HSM, record(1), at(1))
    assert judged(ledger, settled=True) == [(1, 1, "recovered_late")]


def test_a_gap_is_not_judged_before_all_between_its_neighbours_was_read() -> None:
    ledger = ledger_of(0, 5)
    horizon = Horizon(START_MS + DAY_MS, 0, START_MS + DAY_MS)
    ledger.cover(at(0), at(2))
    ledger.cover(at(4), at(5))
    assert judge(ledger, horizon) == []
    ledger.cover(at(2) + 1, at(4) - 1)
    (change,) = judge(ledger, horizon)
    assert (change.first, change.last, change.missing) == (1, 4, 4)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.sequence, change.after.sequence) == (0, 5)


def test_a_head_gap_behind_a_start_time_was_before_it() -> None:
    assert judged(ledger_of(7), settled=True, start_ms=1) == [(0, 6, "before_start")]


def test_a_head_gap_with_everything_read_is_absent() -> None:
    assert judged(ledger_of(7), settled=True, start_ms=0) == [(0, 6, "absent_at_source")]


def test_a_head_gap_is_settled_by_one_look_before_the_start_time() -> None:
    ledger = ledger_of(7)
    assert judged(ledger, settled=True, start_ms=1, held_before=False) == [
        (0, 6, "absent_at_source")
    ]
    assert GapReview(ledger, Horizon(START_MS + DAY_MS, 1, START_MS + DAY_MS)).unprobed() == []


def test_a_head_of_a_stream_older_than_its_collection_may_have_expired() -> None:
    old = judged(ledger_of(7), settled=True, start_ms=0, retention_ms=DAY_MS)
    assert old == [(0, 6, "expired")]


def test_a_gap_that_retention_reached_before_the_collector_is_expired() -> None:
    for retention_ms, verdict in ((DAY_MS // 2, "expired"), (2 * DAY_MS, "absent_at_source")):
        found = judged(ledger_of(0, 2), settled=True, retention_ms=retention_ms)
        assert found == [(1, 1, verdict)]


def test_a_settled_gap_is_looked_at_once_more_before_it_is_called_absent() -> None:
    ledger = ledger_of(0, 2)
    ledger.cover(0, START_MS + DAY_MS)
    horizon = Horizon(START_MS + DAY_MS, 0, START_MS + DAY_MS)
    assert [change.verdict for change in judge(ledger, horizon)] == [Verdict.PENDING]
    assert judge(ledger, horizon) == []
    assert GapReview(ledger, horizon).rereads() == [
        (HSM, at(0) - 5 * MINUTE_MS, at(2) + 5 * MINUTE_MS)
    ]
    assert [change.verdict for change in look_again(ledger, horizon)] == [Verdict.ABSENT_AT_SOURCE]
    assert GapReview(ledger, horizon).rereads() == []


def test_an_open_gap_is_looked_for_in_growing_surroundings_at_growing_distances() -> None:
    ledger = ledger_of(0, 2)
    opened_ms = START_MS + HOUR_MS
    ledger.cover(0, opened_ms)
    judge(ledger, Horizon(opened_ms, 0, 0))
    looks = []
    for minute in range(24 * 60):
        horizon = Horizon(opened_ms + minute * MINUTE_MS, 0, 0)
        for window in GapReview(ledger, horizon).rereads():
            GapReview(ledger, horizon).was_reread(*window)
            looks.append((minute, (at(0) - window[1]) // MINUTE_MS))
    assert looks == [(15, 5), (30, 10), (60, 20), (120, 40), (240, 80), (480, 160), (960, 320)]


def test_a_look_before_the_horizon_passed_is_not_the_last_one() -> None:
    ledger = ledger_of(0, 2)
    ledger.cover(0, START_MS + 3 * DAY_MS)
    early = Horizon(START_MS + HOUR_MS, 0, 0)
    judge(ledger, early)
    for window in GapReview(ledger, early).rereads():
        GapReview(ledger, early).was_reread(*window)
    late = Horizon(START_MS + 3 * DAY_MS, 0, START_MS + 2 * DAY_MS)
    assert judge(ledger, late) == []
    assert len(GapReview(ledger, late).rereads()) == 1


def test_gaps_of_a_stream_beside_each_other_are_looked_for_in_one_window() -> None:
    ledger = ledger_of(0, 2, 4, 4000, 4002)
    for number in (0, 2):
        ledger.enter("hsm-b", record(number), at(number))
    ledger.cover(0, START_MS + DAY_MS)
    horizon = Horizon(START_MS + DAY_MS, 0, START_MS + DAY_MS)
    judge(ledger, horizon)
    assert GapReview(ledger, horizon).rereads() == [
        (HSM, at(0) - 5 * MINUTE_MS, at(4002) + 5 * MINUTE_MS),
        ("hsm-b", at(0) - 5 * MINUTE_MS, at(2) + 5 * MINUTE_MS),
    ]
    assert {(change.first, change.verdict) for change in look_again(ledger, horizon)} == {
        (first, Verdict.ABSENT_AT_SOURCE) for first in (1, 3, 5, 4001)
    }


def test_a_number_that_was_read_first_and_is_too_far_ahead_is_taken_out_once_that_is_known() -> (
    None
):
    ledger = Ledger()
    ledger.enter(HSM, record(2**63, START_MS * 1000 + 50 * SECOND), at(50))
    for number in range(5):
        ledger.enter(HSM, record(number), at(number))
    assert ledger.expel_outliers() == []
    ledger.cover(0, at(60))
    ((counter, mark),) = ledger.expel_outliers()
    assert (counter, mark.sequence) == ((HSM, "0xe8"), 2**63)
    assert ranges(ledger) == [[(0, 4)]]
    assert ledger.enter(HSM, record(5), at(5)) is None
    assert judged(ledger, settled=True) == []


def test_a_jump_over_what_is_still_to_be_read_is_believed() -> None:
    """History is read in several stretches at once: a later one may begin millions further."""
    ledger = ledger_of(0)
    jump = record(3 * MAX_JUMP, START_MS * 1000 + SECOND)
    assert ledger.enter(HSM, jump, at(9), read_from_ms=at(8)) is None
    ledger = ledger_of(0)
    ledger.cover(at(0), at(8))
    assert ledger.enter(HSM, jump, at(9), read_from_ms=at(8)) is Anomaly.IMPLAUSIBLE_SEQUENCE
    assert ledger.enter(HSM, jump, at(9), read_from_ms=at(0)) is Anomaly.IMPLAUSIBLE_SEQUENCE


def test_what_is_missing_is_told_by_stream_and_counter() -> None:
    ledger = ledger_of(0, 5)
    judged(ledger, settled=False)
    missing = MissingRecords(ledger)

    def includes(sequence: int, usecs: int | None, reboot_counter: str = "0xE8") -> bool:
        return missing.includes(
            HSM, Record(Kind.AUDIT, usecs, f"{sequence:#x}", reboot_counter, None)
        )

    usecs = START_MS * 1000 + 2 * SECOND
    assert [sequence for sequence in range(9) if includes(sequence, usecs)] == [1, 2, 3, 4]
    assert includes(4, None)
    assert not includes(5, usecs)
    assert not includes(2, usecs - 3600 * SECOND)
    assert not includes(2, usecs + 3600 * SECOND)
    assert not includes(2, usecs, "0xe9")
    assert not missing.includes("hsm-b", record(2))
    assert not missing.includes(HSM, Record(Kind.AUDIT, usecs))
    ledger.enter(HSM, record(2), at(2))
    assert not includes(2, usecs)


@pytest.mark.parametrize("order", ["as written", "newest first", "the newest, then history"])
def test_a_counter_that_began_again_is_two_epochs_in_whatever_order_it_is_read(order: str) -> None:
    hour = 3600 * SECOND
    old = [(n, record(n, START_MS * 1000 + n * hour)) for n in range(20)]
    new = [(n, record(n, START_MS * 1000 + (100 + n) * hour)) for n in range(24)]
    trail = {
        "as written": [*old, *new],
        "newest first": [*new, *old],
        "the newest, then history": [*new[21:], *old, *new[:21]],
    }[order]
    ledger = Ledger()
    anomalies = [ledger.enter(HSM, one, at(n)) for n, one in trail]
    assert [one for one in anomalies if one] == [Anomaly.SEQUENCE_RESTARTED]
    assert ranges(ledger) == [[(0, 19)], [(0, 23)]]
    assert judged(ledger, settled=True) == []


@pytest.mark.parametrize(
    ("first", "last", "reboot_counter", "lost"),
    [(5, 9, "0x2", (0, 4)), (18, 22, "0x2", (15, 17)), (2, 7, "0x1", (0, 1))],
    ids=["began again", "carried on", "restarted"],
)
def test_a_loss_behind_a_reboot_is_a_gap_like_any_other_whatever_came_before_start_time(
    first: int, last: int, reboot_counter: str, lost: tuple[int, int]
) -> None:
    ledger = Ledger()
    for n in range(15):
        ledger.enter(HSM, record(n, reboot_counter="0x1"), at(n))
    for n in range(first, last + 1):
        later = record(n, START_MS * 1000 + (4000 + n) * SECOND, reboot_counter)
        ledger.enter(HSM, later, at(4000 + n))
    found = judged(ledger, settled=True, start_ms=at(0), held_before=True)
    assert found == [(*lost, "absent_at_source")]


def test_a_reboot_may_carry_the_numbers_on_or_restart_them() -> None:
    ledger = ledger_of(0, 1, 2)
    later = START_MS * 1000 + 3600 * SECOND
    ledger.enter(HSM, record(3, later, "0xe9"), at(3))
    ledger.enter(HSM, record(0, 2 * later, "0xea"), at(4))
    assert judged(ledger, settled=True) == []


def test_the_same_number_much_later_starts_a_new_epoch() -> None:
    ledger = ledger_of(0, 1, 2)
    later = START_MS * 1000 + 3600 * SECOND
    assert ledger.enter(HSM, record(0, later), at(3600)) is Anomaly.SEQUENCE_RESTARTED
    assert ledger.enter(HSM, record(1, later + 1), at(3601)) is None
    assert ranges(ledger) == [[(0, 2)], [(0, 1)]]
    assert judged(ledger, settled=True) == []


def test_a_restart_soon_after_the_last_record_leaves_no_gap_at_its_head() -> None:
    """Within the slack of clocks its first numbers look like conflicts; they were delivered."""
    ledger = ledger_of(*range(10))
    last = START_MS * 1000 + 9 * SECOND
    for number in range(6):
        again = record(number, last + (number + 1) * 100 * SECOND)
        ledger.enter(HSM, again, at(9) + number * 100_000)
    assert ranges(ledger) == [[(0, 9)], [(0, 5)]]
    assert judged(ledger, settled=True) == []


def test_a_single_conflict_is_no_head_of_what_begins_elsewhere() -> None:
    ledger = ledger_of(*range(10))
    ledger.enter(HSM, record(3), at(9))
    ledger.enter(HSM, record(2, START_MS * 1000 + 3600 * SECOND), at(3600))
    assert ranges(ledger) == [[(0, 9)], [(2, 2)]]


def test_a_late_record_of_an_older_epoch_is_entered_there() -> None:
    ledger = ledger_of(0, 2)
    later = START_MS * 1000 + 3600 * SECOND
    ledger.enter(HSM, record(0, later), at(3600))
    ledger.enter(HSM, record(1), at(1))
    assert ranges(ledger) == [[(0, 2)], [(0, 0)]]


def test_a_restart_is_noticed_even_where_its_numbers_were_never_seen() -> None:
    ledger = ledger_of(5000, 5001)
    later = START_MS * 1000 + 24 * 3600 * SECOND
    assert ledger.enter(HSM, record(0, later), at(86_400)) is Anomaly.SEQUENCE_RESTARTED


def test_one_number_with_two_records_is_a_conflict_and_changes_nothing() -> None:
    ledger = ledger_of(0, 1, 2)
    assert ledger.enter(HSM, record(1), at(1)) is Anomaly.SEQUENCE_CONFLICT
    assert ranges(ledger) == [[(0, 2)]]


@pytest.mark.parametrize(
    ("jump", "anomaly"), [(MAX_JUMP, None), (MAX_JUMP + 1, Anomaly.IMPLAUSIBLE_SEQUENCE)]
)
def test_a_jump_of_more_than_a_million_is_not_believed(jump: int, anomaly: Anomaly | None) -> None:
    assert ledger_of(0).enter(HSM, record(jump, START_MS * 1000), at(1)) is anomaly


@pytest.mark.parametrize(
    ("sequence", "anomaly"),
    [(3, None), (9, Anomaly.IMPLAUSIBLE_SEQUENCE), (0xFFFF, Anomaly.IMPLAUSIBLE_SEQUENCE)],
)
def test_another_command_type_takes_part_only_where_it_continues_the_sequence(
    sequence: int, anomaly: Anomaly | None
) -> None:
    special = record(sequence, command_type="SPECIAL")
    assert ledger_of(0, 1, 2).enter(HSM, special, at(3)) is anomaly


def test_a_record_without_number_or_counter_is_passed_over() -> None:
    ledger = Ledger()
    assert ledger.enter(HSM, Record(Kind.AUDIT), 0) is None
    assert ledger.enter(HSM, Record(Kind.CERTIFICATE, 1), 0) is None
    assert ledger.epochs == {}


def test_streams_are_judged_apart() -> None:
    ledger = ledger_of(0)
    ledger.enter("hsm-b", record(1), at(1))
    ledger.cover(0, START_MS + DAY_MS)
    horizon = Horizon(START_MS + DAY_MS, 0, START_MS + DAY_MS)
    for changes, verdict in (
        (judge(ledger, horizon), Verdict.PENDING),
        (look_again(ledger, horizon), Verdict.ABSENT_AT_SOURCE),
    ):
        (change,) = changes
        assert (change.stream, change.first, change.last) == ("hsm-b", 0, 0)
        assert change.verdict is verdict


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9))))
def test_covered_intervals_are_the_union_and_never_touch(intervals: list[tuple[int, int]]) -> None:
    ledger = Ledger()
    for start, length in intervals:
        ledger.cover(start, start + length)
    points = {p for start, length in intervals for p in range(start, start + length + 1)}
    assert {p for start, end in ledger.covered for p in range(start, end + 1)} == points
    assert all(left[1] + 1 < right[0] for left, right in zip(ledger.covered, ledger.covered[1:]))


def test_a_bigger_number_without_head_of_a_non_sequenced_command_opens_nothing() -> None:
    ledger = Ledger()
    assert (
        ledger.enter(HSM, record(9, command_type="SPECIAL"), at(9)) is Anomaly.IMPLAUSIBLE_SEQUENCE
    )
    assert judged(ledger, settled=True) == []


def test_a_delivered_record_is_never_called_absent_whatever_its_command_type() -> None:
    """A poll sees 2 and 3 before a sweep brings 0 and 1, and 2 is a clock record."""
    ledger = Ledger()
    ledger.enter(HSM, record(2, command_type="TIME_INFO_CMD"), at(2))
    ledger.enter(HSM, record(3), at(3))
    ledger.enter(HSM, record(0), at(0))
    ledger.enter(HSM, record(1), at(1))
    assert judged(ledger, settled=True) == []
    assert ranges(ledger) == [[(0, 3)]]


@given(
    st.permutations(range(12)),
    st.sets(st.integers(0, 11), max_size=6),
    st.sets(st.integers(0, 11), max_size=3),
)
def test_only_what_never_came_is_missing_whatever_the_order_and_the_command_types(
    order: list[int], special: set[int], lost: set[int]
) -> None:
    ledger = Ledger()
    for number in order:
        if number not in lost:
            kind = "SPECIAL" if number in special else "CN_MGMT_CMD"
            ledger.enter(HSM, record(number, command_type=kind), at(number))
    absent = {n for first, last, _ in judged(ledger, settled=True) for n in range(first, last + 1)}
    sequenced = set(order) - special - lost
    highest = max(sequenced, default=0)
    assert absent == {n for n in lost if n < highest}


def test_an_end_marker_far_ahead_opens_no_gap_and_is_forgotten_once_settled() -> None:
    ledger = ledger_of(0, 1)
    ledger.enter(HSM, record(0xFFFF, START_MS * 1000, command_type="SPECIAL"), at(2))
    (epoch,) = ledger.epochs[(HSM, "0xe8")]
    assert set(epoch.unconfirmed) == {0xFFFF}
    assert judged(ledger, settled=False) == []
    assert set(epoch.unconfirmed) == {0xFFFF}
    assert judged(ledger, settled=True) == []
    assert epoch.unconfirmed == {}


def test_an_earlier_start_takes_back_what_was_called_before_it() -> None:
    ledger = ledger_of(3)
    assert judged(ledger, settled=True, start_ms=1) == [(0, 2, "before_start")]
    ledger.reopen_heads()
    ledger.enter(HSM, record(1), at(1))
    assert judged(ledger, settled=True, start_ms=0) == [
        (1, 1, "recovered"),
        (0, 0, "absent_at_source"),
        (2, 2, "absent_at_source"),
    ]


@pytest.mark.parametrize("newer", ["before", "after"])
def test_a_gap_is_pending_while_either_neighbour_is_younger_than_the_settled_mark(
    newer: str,
) -> None:
    times = {"before": START_MS, "after": START_MS, newer: START_MS + DAY_MS}
    ledger = Ledger()
    ledger.enter(HSM, record(0), times["before"])
    ledger.enter(HSM, record(2), times["after"])
    ledger.cover(0, START_MS + 2 * DAY_MS)
    (change,) = judge(ledger, Horizon(START_MS + 2 * DAY_MS, 0, START_MS + DAY_MS // 2))
    assert change.verdict is Verdict.PENDING


def test_records_may_reach_cloudwatch_a_little_out_of_order_before_a_gap_is_final() -> None:
    ledger = ledger_of(0, 2)
    ledger.cover(0, START_MS + DAY_MS)
    just_settled = Horizon(START_MS + DAY_MS, 0, at(2) + 1)
    assert [change.verdict for change in judge(ledger, just_settled)] == [Verdict.PENDING]


def test_a_clock_that_steps_back_a_little_restarts_nothing() -> None:
    ledger = ledger_of(10, 11, 12)
    stepped = START_MS * 1000 + 12 * SECOND + 4 * 60 * SECOND
    assert ledger.enter(HSM, record(9, stepped), at(13)) is None
    assert ledger.enter(HSM, record(11, stepped), at(13)) is Anomaly.SEQUENCE_CONFLICT


def test_the_numbers_of_another_stream_or_of_a_later_reboot_are_not_carried_on() -> None:
    ledger = ledger_of(5, 6)
    later = START_MS * 1000 + 3600 * SECOND
    ledger.enter("hsm-b", record(4, 1), at(0))
    ledger.enter(HSM, record(2, later, "0xe9"), at(7))
    ledger.cover(0, START_MS + DAY_MS)
    changes = judge(ledger, Horizon(START_MS + DAY_MS, 0, START_MS + DAY_MS))
    heads = {(c.stream, c.reboot_counter): (c.first, c.last) for c in changes}
    assert heads == {(HSM, "0xe8"): (0, 4), ("hsm-b", "0xe8"): (0, 3), (HSM, "0xe9"): (0, 1)}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hsm-a", "hsm-b"]),
        st.sampled_from(["0xe8", "0xE8", "0xe9"]),
        st.integers(0, 12),
        st.sampled_from([0, 0, 0, 3600]),
        st.sampled_from(["CN_MGMT_CMD", "CN_MGMT_CMD", "SPECIAL"]),
    ),
    max_size=40,
)


# Stretches of numbers as several windows of history bring them; the clock may step within one.
RUNS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 8), st.integers(0, 12)), max_size=8
).map(
    lambda runs: [
        ("hsm-a", "0xe8", first + n, 3600 if n >= step else 0, "CN_MGMT_CMD")
        for first, length, step in runs
        for n in range(length)
    ][:40]
)


@given(st.one_of(STEPS, RUNS), st.lists(st.integers(0, 40), max_size=3))
def test_a_page_entered_at_once_leaves_what_its_records_one_by_one_would(
    steps: list[tuple[str, str, int, int, str]], cuts: list[int]
) -> None:
    entries = [
        (stream, record(n, START_MS * 1000 + (n + late) * SECOND, reboot, command), at(n))
        for stream, reboot, n, late, command in steps
    ]
    one_by_one, at_once = Ledger(), Ledger()
    anomalies = [one_by_one.enter(*entry) for entry in entries]
    found: list[Anomaly | None] = [None] * len(entries)
    edges = sorted({0, len(entries), *(cut for cut in cuts if cut < len(entries))})
    for first, last in zip(edges, edges[1:]):
        streams, records, times = zip(*entries[first:last])
        for place, anomaly in at_once.enter_all(streams, Records(*zip(*records)), times):
            found[first + place] = anomaly
    assert found == anomalies
    assert at_once == one_by_one
    assert ranges_are_findable(at_once)


def ranges_are_findable(ledger: Ledger) -> bool:
    """What is entered next finds its place: an old number is a conflict, wherever it stands."""
    return all(
        ledger.enter(stream, record(known.first.sequence, known.first.usecs, reboot), 0)
        is Anomaly.SEQUENCE_CONFLICT
        for (stream, reboot), epochs in [*ledger.epochs.items()]
        if len(epochs) == 1
        for known in [*epochs[0].ranges]
    )


def epoch_of(first: int, last: int, usecs: int) -> Epoch:
    """An epoch of one range, all of whose records were written at this time."""
    ends = (Mark(first, usecs, usecs // 1000), Mark(last, usecs, usecs // 1000))
    return Epoch([Range(*ends, usecs, usecs)])


EPOCHS = st.tuples(st.sampled_from("abcd"), st.integers(0, 9), st.integers(0, 3), st.integers(0, 9))


@given(st.lists(EPOCHS, max_size=12))
def test_an_epoch_begins_at_zero_or_right_after_the_nearest_smaller_number_of_an_earlier_counter(
    epochs: list[tuple[str, int, int, int]],
) -> None:
    ledger = Ledger()
    for counter, first, length, usecs in epochs:
        begun = epoch_of(first, first + length, usecs * SECOND)
        ledger.epochs.setdefault((HSM, counter), []).append(begun)
    earlier: list[tuple[str, Mark]] = []
    for (_, counter), epoch, holes in ledger.holes():
        first_mark = epoch.ranges[0].first
        marks = [mark for _, mark in earlier]
        expected, before = 0, max(marks, key=lambda mark: mark.usecs, default=None)
        smaller = [mark for mark in marks if mark.sequence < first_mark.sequence]
        if smaller and counter not in {other for other, _ in earlier}:
            before = max(smaller)
            expected = before.sequence + 1
        if first_mark.sequence > expected:
            assert holes == [Hole(expected, first_mark.sequence - 1, before, first_mark)]
        else:
            assert holes == []
        earlier.append((counter, epoch.ranges[-1].last))


class CountedInt(int):
    """A number that counts how often it is compared."""

    compared = 0
    __hash__ = int.__hash__

    def __lt__(self, other: int) -> bool:
        CountedInt.compared += 1
        return int.__lt__(self, other)

    def __gt__(self, other: int) -> bool:
        CountedInt.compared += 1
        return int.__gt__(self, other)

    def __eq__(self, other: object) -> bool:
        CountedInt.compared += 1
        return int.__eq__(self, other)


@pytest.mark.parametrize("falls", [False, True], ids=["rising", "falling"])
def test_invented_reboot_counters_are_not_compared_with_each_other(falls: bool) -> None:
    counters = 2_000
    ledger = Ledger()
    for number in range(counters):
        first = CountedInt(1 + 2 * (counters - number if falls else number))
        epoch = epoch_of(first, first, CountedInt(number * SECOND))
        ledger.epochs[HSM, f"{number:#x}"] = [epoch]
    CountedInt.compared = 0
    assert sum(len(holes) for *_, holes in ledger.holes()) == counters
    assert CountedInt.compared < 100 * counters


def test_a_loss_at_a_genuine_hsm_is_reported_among_ten_thousand_invented_counters() -> None:
    ledger = ledger_of(0, 1, 2)
    for number in range(10_000):
        forged = record(number, reboot_counter=f"{0x1000 + number:#x}")
        assert ledger.enter("forged", forged, at(3)) is None
        assert ledger.enter(HSM, forged, at(number + 3)) is None
    ledger.enter(HSM, record(5), at(5))
    ledger.cover(0, at(20_000))
    changes = judge(ledger, Horizon(at(20_000), 0, 0))
    genuine = [one for one in changes if (one.stream, one.reboot_counter) == (HSM, "0xe8")]
    assert [(one.first, one.last, one.verdict) for one in genuine] == [(3, 4, Verdict.PENDING)]
