from __future__ import annotations

from collections.abc import Iterator

from samples import codes
from samples.hsm import Entry, Hsm
from samples.layout import Generation, Separator
from samples.organisation import HsmPlan
from samples.rng import Rng
from samples.scheduler import Scheduler
from samples.steps import HsmStep, Start, Step, Timeline, Wait

ENTRY = Entry(codes.FIPS_RAND)


def make_hsm(name: str = "hsm-a") -> Hsm:
    return Hsm(HsmPlan(name, Separator.NONE, 1), "group", Generation.OLDER, Rng(7))


def at_times(hsm: Hsm, *times: int, essential: bool = False) -> Iterator[Step]:
    for time in times:
        yield HsmStep(time, hsm, ENTRY, ends_routine=essential)


def test_steps_of_many_routines_come_in_the_order_of_time() -> None:
    scheduler, hsm = Scheduler(Rng(7)), make_hsm()
    scheduler.add(at_times(hsm, 1, 5, 6))
    scheduler.add(at_times(hsm, 2, 3, 9))
    assert [step.at for step in scheduler.steps(end=9)] == [1, 2, 3, 5, 6]


def test_a_started_routine_begins_at_its_time_with_dice_of_its_own() -> None:
    scheduler, hsm, seen = Scheduler(Rng(7)), make_hsm(), []

    def routine(timeline: Timeline) -> Iterator[Step]:
        seen.append((timeline.now, timeline.rng.text("abcdef", 9)))
        yield Wait(timeline.now + 5)
        yield HsmStep(timeline.now + 5, hsm, ENTRY)

    scheduler.add(iter([Start(10, ("x", 1), routine), Start(20, ("x", 2), routine)]))
    assert [step.at for step in scheduler.steps(end=100)] == [15, 25]
    assert [time for time, _ in seen] == [10, 20]
    assert seen[0][1] == Rng(7, "x", 1).text("abcdef", 9) != seen[1][1]


def test_what_a_routine_decides_after_a_wait_it_decides_then() -> None:
    scheduler, hsm, log = Scheduler(Rng(7)), make_hsm(), []

    def patient() -> Iterator[Step]:
        yield Wait(50)
        log.append("decided")
        yield HsmStep(51, hsm, ENTRY)

    scheduler.add(patient())
    scheduler.add(at_times(hsm, 40))
    log.extend(str(step.at) for step in scheduler.steps(end=100))
    assert log == ["40", "decided", "51"] or log.index("decided") < log.index("51")


def test_a_step_on_a_gone_hsm_is_left_out_and_ends_the_routine_if_its_client_was_there() -> None:
    scheduler, gone, alive = Scheduler(Rng(7)), make_hsm("hsm-gone"), make_hsm("hsm-alive")
    gone.ended = True

    def routine(*, essential: bool, later: int) -> Iterator[Step]:
        yield HsmStep(1, gone, ENTRY, ends_routine=essential)
        yield HsmStep(later, alive, ENTRY)

    scheduler.add(routine(essential=False, later=2))
    scheduler.add(routine(essential=True, later=3))
    assert [step.at for step in scheduler.steps(end=100)] == [2]
