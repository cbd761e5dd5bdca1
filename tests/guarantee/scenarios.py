"""Random schedules: what arrives when, what goes wrong meanwhile, and how each run ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from cloudhsm.collect.read_ahead import Read, sequential
from tests.fake_aws.faults import Faults, every, share
from tests.fake_aws.service import Arrival
from tests.fake_aws.trails import CLUSTER, GROUP, HOSTILE_TEXTS, certificate_text
from tests.guarantee.crashes import End, How
from tests.guarantee.simulation import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS, Hsm, World

# The same ones each time, so that a change is judged by itself; `make proof` tells more of them.
# With GUARANTEE_RANDOM they are others each time: to search for what nobody has thought of.
TOLD_OFTEN = settings(
    deadline=None,
    derandomize="GUARANTEE_RANDOM" not in os.environ,
    print_blob=True,
    max_examples=int(os.environ.get("GUARANTEE_EXAMPLES", "25")),
    suppress_health_check=list(HealthCheck),
)


class Moment(NamedTuple):
    """One record.

    hsm:      which of them writes it. wait_ms: after the record before it, of whatever HSM.
    copies:   how often it is ingested; 0 makes a hole.
    late_ms:  how long after its timestamp it becomes visible, or before (AWS allows 2 h).
    reboot:   what happens to the HSM before: nothing, or an entry of REBOOTS.
    beside:   something else at the same moment: "certificate", "odd", or nothing.
    """

    hsm: int = 0
    wait_ms: int = 0
    copies: int = 1
    late_ms: int = 0
    reboot: str = ""
    beside: str = ""


# Whether the numbers begin again, and whether the reboot counter rises.
REBOOTS = {"restart": (True, True), "carry on": (False, True), "silent": (True, False)}


class Step(NamedTuple):
    """Time passes, something may be damaged (`state`, `memory`), then the input runs.

    horizon_ms, start_before_ms: as the settings are from now on; None leaves them as they are.
    skew_ms: how far the host's clock is ahead of AWS's from now on.
    """

    minutes: float = 1
    interval_s: float = 60
    end: End | None = None
    damage: str = ""
    horizon_ms: int | None = None
    start_before_ms: int | None = None
    skew_ms: int | None = None


class Story(NamedTuple):
    """Everything that happens to one world.

    hsms:   for each, the number of its first record and how far its clock is off (ms).
    begun:  how long before the first run the trail begins. knobs: see `faults.Faults`.
    """

    horizon_ms: int
    start_before_ms: int
    begun_before_ms: int
    skew_ms: int
    windows: int
    knobs: dict[str, object]
    hsms: list[tuple[int, int]]
    trail: list[Moment]
    steps: list[Step]


def told(story: Story, folder: Path, read: Read = sequential) -> World:
    """A world in which the story has happened, and then everything calmed down."""
    world = World(
        folder,
        faults=Faults(**story.knobs),  # type: ignore[arg-type]  # of the knobs' own types
        horizon_ms=story.horizon_ms,
        start_ms=NOW_MS - story.start_before_ms,
        skew_ms=story.skew_ms,
        windows=story.windows,
        read=read,
    )
    write(story, world)
    for step in story.steps:
        take(step, world)
    world.calm_down()
    return world


def take(step: Step, world: World) -> None:
    """One step of a story."""
    world.pass_minutes(step.minutes)
    if step.damage == "state":
        world.damage_state()
    elif step.damage:
        world.damage_memory()
    if step.horizon_ms is not None:
        world.set_horizon(step.horizon_ms)
    if step.start_before_ms is not None:
        world.set_start(NOW_MS - step.start_before_ms)
    if step.skew_ms is not None:
        world.skew_ms = step.skew_ms
    world.run(step.end, step.interval_s)


def write(story: Story, world: World) -> None:
    """Put the story's trail into a world."""
    hsms = [Hsm(world, n, first, off_ms) for n, (first, off_ms) in enumerate(story.hsms)]
    at_ms = NOW_MS - story.begun_before_ms
    for number, moment in enumerate(story.trail):
        hsm = hsms[moment.hsm % len(hsms)]
        at_ms += moment.wait_ms
        if moment.reboot:
            restarts, counts = REBOOTS[moment.reboot]
            # A reboot takes a while, and what is lost right behind one is ambiguous.
            at_ms += (2 if counts else 12) * MINUTE_MS
            hsm.reboot(restarts=restarts, counts=counts)
        if moment.copies or moment.reboot:
            hsm.write(at_ms, moment.late_ms, max(1, moment.copies))
        else:
            hsm.lose()
        if moment.beside == "certificate":
            world.put(Arrival(GROUP, CLUSTER, at_ms, certificate_text(number, at_ms), at_ms))
        if moment.beside == "odd":
            text = HOSTILE_TEXTS[number % len(HOSTILE_TEXTS)]
            world.put(Arrival(GROUP, "=odd", at_ms, text, at_ms + moment.late_ms))


HORIZONS_MS = (HOUR_MS, 6 * HOUR_MS, DAY_MS)
SKEWS_MS = (0, -40 * DAY_MS, 3 * HOUR_MS)
STARTS_BEFORE_MS = (HOUR_MS, 2 * DAY_MS, 7 * DAY_MS)

_often = st.sampled_from
steps = st.builds(
    Step,
    _often((0, 0.1, 1, 1, 5, 16, 61, 400, 3 * 24 * 60)),
    _often((60, 60, 300, 2)),
    st.none() | st.builds(End, st.integers(0, 150), st.sampled_from(How)),
    _often(("",) * 18 + ("state", "memory")),
    _often((None,) * 30 + HORIZONS_MS),
    _often((None,) * 30 + STARTS_BEFORE_MS),
    _often((None,) * 12 + SKEWS_MS),
)
_nth = st.integers(2, 9).map(every)
knobs: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"page_events": st.sampled_from((1, 2, 3, 7, 10_000))},
    optional={
        "empty_page": st.just(share(0.4)),
        "partial_page": st.just(share(0.5)),
        "overlap_events": st.integers(1, 5),
        "repeat_token": _nth,
        "refuse_token": _nth,
        "token_life_ms": st.just(1_000),
        "throttle": _nth,
        "retry_after": st.just(share(0.5)),
        "calls_per_second": st.sampled_from((0.5, 5.0)),
        "server_error": _nth,
        "reset": _nth,
        "cut": _nth,
        "slow": st.just(every(4)),
        "expire_credentials": _nth,
        "date_skew_ms": st.sampled_from((-90_000, 90_000)),
        "in_a_row": st.integers(1, 5),
        "outages": st.just(((NOW_MS + HOUR_MS, NOW_MS + 7 * HOUR_MS),)),
    },
)


def moments(horizon_ms: int) -> st.SearchStrategy[Moment]:
    """Records of a trail, mostly in order and on time."""
    late_ms = (
        0,
        0,
        0,
        20_000,
        20 * MINUTE_MS,
        horizon_ms * 9 // 10,
        horizon_ms + HOUR_MS,
        -HOUR_MS,
    )
    return st.builds(
        Moment,
        st.integers(0, 2),
        _often((0, 0, 0, 1, 700, MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 9 * HOUR_MS)),
        _often((1, 1, 1, 1, 1, 0, 2)),
        _often(late_ms),
        _often(("",) * 20 + (*REBOOTS,)),
        _often(("",) * 10 + ("certificate", "odd")),
    )


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Any of them."""
    horizon_ms = draw(st.sampled_from(HORIZONS_MS))
    first = st.tuples(_often((0, 0, 3)), _often((0, -90_000, HOUR_MS)))
    return Story(
        horizon_ms,
        draw(st.sampled_from((7 * DAY_MS, *STARTS_BEFORE_MS))),
        draw(st.sampled_from((0, HOUR_MS, DAY_MS, 5 * DAY_MS))),
        draw(st.sampled_from((0, *SKEWS_MS))),
        draw(st.sampled_from((1, 2, 4))),
        draw(knobs),
        draw(st.lists(first, min_size=1, max_size=3)),
        draw(st.lists(moments(horizon_ms), min_size=1, max_size=40)),
        draw(st.lists(steps, min_size=1, max_size=12)),
    )
