"""Whatever happens between CloudWatch Logs and splunkd, the guarantee holds."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, note, settings

from cloudhsm.collect.read_ahead import concurrent
from tests.bin.fakes import audit_text
from tests.fake_aws.service import Arrival
from tests.fake_aws.trails import GROUP, hsm_name
from tests.guarantee.scenarios import TOLD_OFTEN, Story, stories, told
from tests.guarantee.simulation import World


def assert_alive(world: World) -> None:
    """A fresh record is handed over by the next run, or the one behind it."""
    at_ms = world.service.now_ms
    fresh = Arrival(GROUP, hsm_name(77), at_ms, audit_text(0, at_ms * 1000), at_ms)
    world.put(fresh)
    for _ in range(2):
        world.pass_minutes(1)
        world.run()
    assert world.oracle.got()[fresh.stream, fresh.message] == 1


@TOLD_OFTEN
@given(stories())
def test_whatever_happens_every_visible_record_arrives_and_every_gap_is_judged(
    story: Story,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = told(story, Path(folder))
        note(f"told: {world.told}")
        assert world.complaints() == []
        assert_alive(world)


@settings(TOLD_OFTEN, max_examples=max(5, TOLD_OFTEN.max_examples // 5))
@given(stories())
def test_the_same_holds_for_windows_that_are_read_side_by_side(story: Story) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert told(story, Path(folder), concurrent).complaints() == []
