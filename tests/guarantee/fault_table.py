"""One fixed trail under every fault alone, and under all at once.

Three quarters of the trail arrive while the input runs; some of its records never do.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.fake_aws.faults import ALL_AT_ONCE, ONE_BY_ONE, Denial, Faults
from tests.fake_aws.trails import audit_trail
from tests.guarantee.simulation import DAY_MS, HOUR_MS, NOW_MS, SECOND_MS, World

HORIZON_MS = 12 * HOUR_MS
FAULTS: dict[str, Faults] = {
    **ONE_BY_ONE,
    "L3-pages-of-2000-bytes": Faults(page_bytes=2_000),
    "L5-outage-of-7-hours": Faults(outages=((NOW_MS + HOUR_MS, NOW_MS + 8 * HOUR_MS),)),
    "L7-latency": Faults(latency_s=1.0, page_events=100),
    "L21-short-lived-credentials": Faults(credentials_life_ms=SECOND_MS, page_events=500),
    "access-denied": Faults(denied=(Denial("FilterLogEvents"),)),
    **{f"all-at-once-{seed}": ALL_AT_ONCE(seed) for seed in range(3)},
}


class Row(NamedTuple):
    """What came of the trail under one fault.

    delivered, of: records, and how many were written. surplus: copies too many.
    gaps, judged: numbers that never arrived, and those with a verdict. calls: in all.
    """

    fault: str
    delivered: int
    of: int
    surplus: int
    gaps: int
    judged: int
    calls: int
    complaints: list[str]


def under(name: str, folder: Path, events: int) -> Row:
    """The trail of two days under the fault of this name, and what the oracle says."""
    faults = FAULTS[name]
    if faults.late is not None:  # the promise ends at the lateness horizon
        faults = replace(faults, late=replace(faults.late, horizon_ms=HORIZON_MS - HOUR_MS))
    world = World(folder, seed=len(name), faults=faults, horizon_ms=HORIZON_MS)
    trail = audit_trail(
        11,
        events,
        NOW_MS - DAY_MS // 2,
        NOW_MS + DAY_MS + DAY_MS // 2,
        lost_share=min(0.03, 100 / events),
        twice_share=0.01,
        reboots=2,
        certificates=10,
    )
    for arrival in trail.arrivals:
        world.put(arrival)
    world.oracle.lost = trail.missing
    for minutes in (0, 1, 60, 1, 200, 700, 16, 400):
        world.pass_minutes(minutes)
        world.run()
    world.calm_down()
    wanted, oracle = world.oracle.wanted(), world.oracle
    return Row(
        name,
        sum((wanted & oracle.got()).values()),
        sum(wanted.values()),
        sum(oracle.surplus().values()),
        *oracle.gaps(),
        len(world.service.requests),
        world.complaints(),
    )
