"""What OCSF events and ECS documents take from a record's fields alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cloudhsm.siem import ecs, ocsf
from tests.bin.cloudhsm.siem.records import LOGIN

Event = Callable[[Mapping[str, Any]], dict[str, Any]]
# What makes the event, and where it has the sequence number, and what has no place of its own.
each_standard = pytest.mark.parametrize(
    ("event", "numbered", "rest"),
    [
        pytest.param(ecs.event, "event", "cloudhsm", id="ecs"),
        pytest.param(ocsf.event, "metadata", "unmapped", id="ocsf"),
    ],
)


@each_standard
def test_the_first_of_several_values_has_the_place_and_all_are_kept(
    event: Event, numbered: str, rest: str
) -> None:
    several = {"user_name": ["app", "admin"], "sequence_no": ["0x1", "0x2"], "user_type": []}
    made = event({**LOGIN, **several, "ambiguous": "true"})
    assert made["user"] == {"name": "app"}
    assert made[numbered]["sequence"] == 1
    assert made[rest]["user_name"] == ["app", "admin"]
    assert made[rest]["sequence_no"] == ["0x1", "0x2"]
    assert made[rest]["ambiguous"] == "true"


@each_standard
@pytest.mark.parametrize("number", ["0x20000000000001", "29x", "-0x1", "", "0x" + "f" * 5000])
def test_a_number_that_is_none_stays_as_it_is(
    event: Event, numbered: str, rest: str, number: str
) -> None:
    made = event({**LOGIN, "sequence_no": number})
    assert "sequence" not in made[numbered]
    assert made[rest]["sequence_no"] == number
