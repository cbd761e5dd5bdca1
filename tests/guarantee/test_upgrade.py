"""An upgrade from any release loses nothing, repeats nothing and forgets no gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guarantee.simulation import World
from tests.guarantee.upgrade import MOMENTS, RELEASED, going_on, leave_behind, releases

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=releases(), ids="-".join)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Where a release left off."""
    return going_on(RELEASED.joinpath(*request.param), tmp_path)


def test_every_release_has_left_something_behind() -> None:
    """Both `tools.build.published_names` and `tests.guarantee.upgrade` belong to a release."""
    published = {path.stem for path in (ROOT / "mappings" / "published").glob("*.yaml")}
    assert {*releases()} == {(one, moment) for one in published for moment in MOMENTS}


def test_it_was_in_the_midst_of_its_work(world: World, request: pytest.FixtureRequest) -> None:
    """Otherwise the test below would prove little."""
    state = world.state()
    assert state is not None
    if "sweep" in request.node.name:
        assert state.progress.sweep is not None
        assert state.progress.backfills
    else:
        assert state.ledger.pending() > 1
    assert len(state.seen) > 10


def test_an_upgrade_goes_on_where_it_was(world: World) -> None:
    before = len(world.oracle.delivered)
    world.calm_down()
    assert world.complaints() == []
    assert len(world.oracle.delivered) > before
    assert world.oracle.gaps()[0] > 1


def test_without_what_was_left_behind_it_would_be_noticed(world: World) -> None:
    """A state that is not understood and passed over repeats what was handed over."""
    for path in world.folder.iterdir():
        path.unlink()
    world.calm_down()
    assert any("repeated" in one for one in world.complaints())


def test_what_this_source_would_leave_behind_is_of_the_same_kind(tmp_path: Path) -> None:
    leave_behind(tmp_path)
    for moment in MOMENTS:
        world = going_on(tmp_path / moment, tmp_path / f"{moment} goes on")
        world.calm_down()
        assert world.complaints() == []
