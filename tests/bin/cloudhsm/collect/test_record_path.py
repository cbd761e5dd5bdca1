"""How many times a record passes from a module to another, from its page to the saved state.

Counted is each function of another module that a module of `collect/` calls, or is called by, with
a record or with what was found about it, while a page is taken that has every kind of finding.
Not counted: properties, `len()`, `bool()` and the construction of values, which pass nothing on;
`flush` and `commit`, which concern what was passed before; `source`, of the collector's own events;
calls among the modules below, which are their own business.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from cloudhsm.aws.log_source import Page, Unreadable
from tests.bin.cloudhsm.collect.test_collector import Run, own
from tests.bin.fakes import HOUR_MS, HSM, NOW_MS, FakeLogs, event

TAKES_A_PAGE = ("cloudhsm.collect.window_reader", "_take")
CARRY_NOTHING = {"flush", "commit", "source"}
Call = tuple[str, str, str]  # the module that calls, the one that is called, the function


def properties() -> set[CodeType]:
    """The code of every property of the collector."""
    modules = [module for name, module in sys.modules.items() if name.startswith("cloudhsm.")]
    types = {kind for module in modules for kind in vars(module).values() if type(kind) is type}
    members = [member for kind in types for member in vars(kind).values()]
    return {one.fget.__code__ for one in members if isinstance(one, property) and one.fget}


def module_of(frame: FrameType | None) -> str:
    """The module of the collector that a frame is in, or the nearest that called it."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith("cloudhsm."):
            return name
        frame = frame.f_back
    return ""


@contextmanager
def crossings() -> Iterator[list[Call]]:
    """What is counted, in the order of the first call."""
    calls: list[Call] = []
    ignored, depth = properties(), 0

    def watch(frame: FrameType, what: str, _: Any) -> None:  # noqa: ANN401
        nonlocal depth
        code, module = frame.f_code, str(frame.f_globals.get("__name__"))
        if (module, code.co_name) == TAKES_A_PAGE:
            depth += {"call": 1, "return": -1}.get(what, 0)
        if what != "call" or not depth or not module.startswith("cloudhsm."):
            return
        caller = module_of(frame.f_back)
        is_value = code in ignored or code.co_name.startswith("__")
        collects = "cloudhsm.collect." in f"{caller} {module}"
        call = (caller, module, code.co_name)
        if caller == module or is_value or not collects or code.co_name in CARRY_NOTHING:
            return
        if call not in calls:
            calls.append(call)

    sys.setprofile(watch)
    try:
        yield calls
    finally:
        sys.setprofile(None)


class Flawed(FakeLogs):
    """Each page has an event that is not complete."""

    def read(self, *where: Any) -> Iterator[Page]:  # noqa: ANN401
        for page in super().read(*where):
            yield replace(page, unreadable=[Unreadable(f"torn {self.now}", HSM, self.now, b"x")])


def test_a_record_passes_from_a_module_to_another_at_most_12_times(tmp_path: Path) -> None:
    logs = Flawed(page_size=50)
    run = Run(tmp_path, logs)
    logs.events = [event(number, NOW_MS - HOUR_MS + number) for number in range(5)]
    run.once()
    logs.now += 60_000
    at_ms = logs.now - 50_000
    logs.events += [
        event(5, at_ms),
        event(3, at_ms + 1, event_id="another record of number 3"),
        event(6, at_ms + 2, message="no record"),
        event(7, at_ms + 3, stream="strange"),
        event(8, at_ms + 4, message=event(8, at_ms + 4).message + "\x01"),
    ]
    with crossings() as calls:
        events = run.once()
    assert {
        "event_unreadable",
        "unfamiliar_stream",
        "records_flawed",
        "sequence_conflict",
        "record_altered",
    } <= {report["event"] for report in own(events)}
    assert {"stage", "write_page", "write"} <= {function for _, _, function in calls}
    assert len(calls) <= 12, calls
