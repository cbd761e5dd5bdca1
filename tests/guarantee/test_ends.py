"""A run that ends anywhere loses nothing, and repeats at most the page in flight."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.fake_aws.faults import Faults
from tests.guarantee.crashes import End, How
from tests.guarantee.scenarios import TOLD_OFTEN
from tests.guarantee.simulation import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS, Hsm, World

# Each effect has its turn in `make proof`.
SPARSELY = 1 if TOLD_OFTEN.max_examples > 100 else 7


def short_world(folder: Path) -> World:
    """Nine events, in pages of three, and one that is lost; four of them in one millisecond."""
    world = World(folder, faults=Faults(page_events=3), horizon_ms=HOUR_MS)
    hsm = Hsm(world, 1)
    for number in range(9):
        if number == 6:
            hsm.lose()
        hsm.write(NOW_MS - DAY_MS if number < 4 else NOW_MS - (9 - number) * MINUTE_MS)
    return world


@cache
def effects() -> list[str]:
    """Of the first run."""
    with tempfile.TemporaryDirectory() as folder:
        return short_world(Path(folder)).run().effects


def after(end: End) -> World:
    """The world some runs after one that ended so."""
    with tempfile.TemporaryDirectory() as folder:
        world = short_world(Path(folder))
        assert world.run(end).has_met_its_end
        for minutes in (70, 16):
            world.pass_minutes(minutes)
            world.run()
        assert world.complaints() == [], (end, effects()[end.at])
    return world


def test_a_run_has_an_effect_for_every_step_of_reading_writing_and_saving() -> None:
    assert {
        "ask FilterLogEvents",
        "write",
        "written",
        "flush",
        "flush the rest",
        "flushed",
        "write .new",
        "write the rest of .new",
        "rename .state to .previous",
        "rename .new to .state",
        "sync the folder",
        "synced the folder",
        "write .input-new",
        "write the rest of .input-new",
        "rename .input-new to .input",
    } <= {*effects()}


def test_killed_before_any_effect() -> None:
    repeated = 0
    for at in range(len(effects())):
        repeated += sum(after(End(at)).oracle.surplus().values())
    assert repeated > 0  # else nothing was in flight when it was killed


def test_stopped_before_any_effect_repeats_nothing() -> None:
    for at in range(0, len(effects()), SPARSELY):
        assert not after(End(at, How.STOPPED)).oracle.surplus()


@pytest.mark.parametrize("how", [How.DISK_FULL, How.PIPE_CLOSED])
def test_without_a_disk_or_a_reader_before_any_effect(how: How) -> None:
    for at in range(0, len(effects()), SPARSELY):
        after(End(at, how))


def test_a_gap_that_was_told_is_judged_though_the_run_died_right_behind_the_telling(
    tmp_path: Path,
) -> None:
    for at in range(15, 40):  # around the end of the first sweep, which tells the gap
        world = World(tmp_path / str(at), faults=Faults(page_events=3), horizon_ms=HOUR_MS)
        hsm = Hsm(world, 1)
        hsm.write(NOW_MS - 9 * MINUTE_MS)
        hsm.lose()
        hsm.write(NOW_MS - 8 * MINUTE_MS, delay_ms=10 * MINUTE_MS)  # before the next run
        hsm.write(NOW_MS - 7 * MINUTE_MS)
        assert world.run(End(at)).has_met_its_end
        world.pass_minutes(4)
        world.run()
        world.calm_down()
        assert world.complaints() == [], at


def test_a_full_disk_repeats_no_page_in_run_after_run(tmp_path: Path) -> None:
    world = short_world(tmp_path)
    world.run(End(effects().index("flushed"), How.DISK_FULL))
    for _ in range(5):
        world.pass_minutes(1)
        world.run(End(0, How.DISK_FULL))
    assert len(world.oracle.delivered) <= world.faults.page_events
    world.calm_down()
    assert world.complaints() == []
