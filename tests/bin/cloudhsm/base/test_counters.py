from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.counters import Counters, RunResult
from cloudhsm.base.errors import CloudHsmError

COUNTS = st.builds(Counters, *[st.integers(0, 10**9)] * 8)


@given(COUNTS, COUNTS)
def test_tallies_add_up(one: Counters, other: Counters) -> None:
    total = Counters.from_json(one.to_json())
    total.add(other)
    assert total.to_json() == {
        name: count + other.to_json()[name] for name, count in one.to_json().items()
    }


def test_a_counter_of_another_release_is_passed_over() -> None:
    assert Counters.from_json({"runs": 2, "sighs": 9}) == Counters(runs=2)


def test_the_line_for_the_log_has_every_figure() -> None:
    result = RunResult(
        Counters(1, 2, 3, 4, 5, 6, 7, 8), groups=9, unreached=2, pending_gaps=1, backing_off=1
    )
    result.failures.append(CloudHsmError("x", next_step="y"))
    assert result.line() == (
        "groups=9 unreached=2 calls=2 throttled=3 pages=4 empty_pages=5 records=6 "
        "repeats=7 failures=8 backing_off=1 pending_gaps=1 caught_up=no"
    )
