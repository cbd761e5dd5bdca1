"""What a dashboard's searches cost together, compared with one search over the same records."""

from __future__ import annotations

import gc
import statistics
import sys
from collections.abc import Iterator
from functools import partial

from emulator.dashboards.dashboard_studio import ShownView, ViewSearches, navigation, read_view
from emulator.session import Session
from tools.bench.parts import Extent, Ratio, cpu_seconds
from tools.bench.programs import ROOT, Python
from tools.content.detections import scenarios
from tools.content.installed_app import installed_app

BASELINE = "`cloudhsm_audit` | stats count by opcode, outcome"
_TRAIL = 5_000  # records of the sample trail, about


def views(python: Python, extent: Extent) -> Iterator[str]:
    """CPU time of each view as it opens, in times of one search that counts all records once.

    In this interpreter only, since no other one has the emulator; in the others it is not measured.
    """
    if python.version != f"{sys.version_info[0]}.{sys.version_info[1]}":
        return
    session = indexed(max(1, min(extent.records // _TRAIL, 4)))
    count = len(session.search(BASELINE.partition("|")[0]).rows)
    for name in navigation(ROOT):
        pairs: list[float] = []
        seconds: list[float] = []
        for _ in range(extent.rounds):
            seconds.append(cpu_seconds(partial(_open, session, name)))
            pairs.append(seconds[-1] / cpu_seconds(partial(session.search, BASELINE)))
        yield (
            f"{name}: {statistics.median(seconds):.1f} s over {count:,} records, {Ratio(pairs)} "
            "times as long as one search that counts them"
        )


def indexed(times: int) -> Session:
    """The sample trail with `times` as many records, and the collector's events about it."""
    session = scenarios.session(installed_app(ROOT), scenarios.sample_trail(volume=times))
    gc.collect()
    gc.freeze()
    return session


def _open(session: Session, name: str) -> None:
    view = ShownView(read_view(ROOT, name), ViewSearches(session))
    for source in view.definition["dataSources"]:
        view.source(source)
