from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.rng import Rng


def test_the_same_path_throws_the_same_values() -> None:
    first, second = Rng(7, "a"), Rng(7, "a")
    assert [first.between(0, 9_999) for _ in range(20)] == [
        second.between(0, 9_999) for _ in range(20)
    ]


def test_throws_are_pinned_so_that_a_change_of_the_generator_is_noticed() -> None:
    rng = Rng(7, "pinned")
    assert [rng.between(0, 999) for _ in range(5)] == [195, 757, 662, 853, 575]


def test_dice_for_a_part_do_not_depend_on_earlier_throws() -> None:
    fresh, used = Rng(7), Rng(7)
    used.between(1, 6)
    assert fresh.for_part("x").text("abcdef", 30) == used.for_part("x").text("abcdef", 30)


@pytest.mark.parametrize("seed", [-7, 8])
def test_another_seed_throws_other_values(seed: int) -> None:
    assert Rng(seed).text("abcdef", 30) != Rng(7).text("abcdef", 30)


@given(st.integers(), st.integers(0, 2**40), st.integers(0, 2**40))
def test_between_keeps_both_bounds(seed: int, low: int, span: int) -> None:
    assert low <= Rng(seed).between(low, low + span) <= low + span


def test_between_reaches_both_bounds() -> None:
    rng = Rng(7)
    assert {rng.between(1, 3) for _ in range(100)} == {1, 2, 3}


def test_weighted_follows_the_weights() -> None:
    rng = Rng(7)
    throws = [rng.weighted([("often", 9), ("seldom", 1)]) for _ in range(2_000)]
    assert 100 < throws.count("seldom") < 300


def test_weighted_without_a_choice_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one choice"):
        Rng(7).weighted([])
