"""What each release left behind in the midst of its work, and a world that goes on from there.

    PYTHONPATH=bin python -m tests.guarantee.upgrade

writes tests/guarantee/released/<version>/ for the version of this source, once. For each of the
MOMENTS: the files of the checkpoint folder, and what had happened until then.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import astuple
from pathlib import Path
from typing import Any

import tests.bin.conftest  # noqa: F401  (the vendored botocore)
from cloudhsm import __version__
from tests.fake_aws.faults import Faults
from tests.fake_aws.service import Arrival
from tests.fake_aws.trails import CLUSTER, GROUP, HOSTILE_TEXTS, Missing, certificate_text
from tests.guarantee.crashes import End
from tests.guarantee.oracle import Written
from tests.guarantee.simulation import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS, Hsm, World

RELEASED = Path(__file__).with_name("released")
_STORY = "until_then.json.gz"


# In which run, and before which of its effects, the process is killed.
MOMENTS = {"sweep": (0, 100), "gaps": (1, 165)}


def releases() -> list[tuple[str, str]]:
    """The versions of which something is kept, with each of their moments."""
    return sorted(
        (path.parent.name, path.name) for path in RELEASED.glob("*/*") if path.name in MOMENTS
    )


def lived(folder: Path, moment: str) -> World:
    """A life with history, late records, gaps, a restart and hostile text, until it is killed."""
    world = World(folder, faults=Faults(page_events=3), start_ms=NOW_MS - 3 * DAY_MS)
    first, second = Hsm(world, 1), Hsm(world, 2, sequence=40, clock_off_ms=30_000)
    for number in range(30):
        first.write(NOW_MS - 3 * DAY_MS + number * 2 * HOUR_MS)
        if number == 20:
            first.lose(2)
    for number in range(12):
        late_ms = 50 * MINUTE_MS if number == 5 else 0
        second.write(NOW_MS - (12 - number) * 20 * MINUTE_MS, late_ms)
        if number == 8:
            second.reboot(restarts=True)
    first.write(NOW_MS - 10 * MINUTE_MS, 3 * HOUR_MS)
    first.write(NOW_MS - 9 * MINUTE_MS)
    for text in HOSTILE_TEXTS:
        world.put(Arrival(GROUP, "=odd", NOW_MS - HOUR_MS, text, NOW_MS - HOUR_MS))
    at_ms = NOW_MS - 30 * MINUTE_MS
    world.put(Arrival(GROUP, CLUSTER, at_ms, certificate_text(1, at_ms), at_ms))
    last, effect = MOMENTS[moment]
    for _ in range(last):
        world.run(interval_s=1)
        world.pass_minutes(1)
    world.run(End(effect))
    return world


def leave_behind(target: Path) -> None:
    """Write what this version leaves behind."""
    for moment in MOMENTS:
        with tempfile.TemporaryDirectory() as folder:
            world = lived(Path(folder), moment)
            shutil.copytree(folder, target / moment, ignore=shutil.ignore_patterns("*.lock"))
        data = json.dumps(_until_now(world), sort_keys=True).encode()
        (target / moment / _STORY).write_bytes(gzip.compress(data, mtime=0))


def going_on(left: Path, folder: Path) -> World:
    """The world in which a release left off, with its files in `folder`."""
    shutil.copytree(left, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(_STORY))
    said = json.loads(gzip.decompress((left / _STORY).read_bytes()))
    world = World(
        folder,
        faults=Faults(page_events=3),
        start_ms=said["start_ms"],
        horizon_ms=said["horizon_ms"],
    )
    world.service.advance(said["now_ms"] - NOW_MS)
    for stream, at_ms, visible_ms, event_id, text in said["events"]:
        world.service.put(GROUP, stream, at_ms, text, visible_ms=visible_ms, event_id=event_id)
        world.oracle.written.append(Written(stream, at_ms, text, visible_ms))
    world.oracle.delivered += said["delivered"]
    world.oracle.told += said["told"]
    world.oracle.lost += [Missing(*one) for one in said["lost"]]
    world.oracle.excused += Counter({(stream, text): n for stream, text, n in said["excused"]})
    return world


def _until_now(world: World) -> dict[str, Any]:
    now_ms = world.service.now_ms
    world.service.advance(30 * DAY_MS)  # everything is visible then
    oracle = world.oracle
    return {
        "now_ms": now_ms,
        "start_ms": world.start_ms,
        "horizon_ms": world.horizon_ms,
        "events": [
            (one.stream, one.at_ms, one.ingested_ms, one.event_id, one.message)
            for one in world.service.visible(GROUP)
        ],
        "delivered": oracle.delivered,
        "told": oracle.told,
        "lost": [astuple(one) for one in oracle.lost],
        "excused": [(*key, count) for key, count in oracle.excused.items()],
    }


if __name__ == "__main__":
    if (RELEASED / __version__).exists():
        sys.exit(f"{RELEASED / __version__} is there already: what was released does not change")
    leave_behind(RELEASED / __version__)
