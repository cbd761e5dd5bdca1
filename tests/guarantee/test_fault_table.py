from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from tests.fake_aws.faults import Faults
from tests.guarantee.fault_table import FAULTS, under

# How much, how long or how often: they change nothing without the knob that they belong to.
MEASURES = {
    "empty_in_a_row",
    "token_faults",
    "retry_after_ms",
    "quota_in_real_time",
    "slow_s",
    "in_a_row",
}
# botocore signs by the real clock, which a test in virtual time cannot follow.
OVER_HTTP_ONLY = {"signature_life_ms"}


@pytest.mark.parametrize("name", FAULTS)
def test_under_every_fault_each_record_arrives_once_and_each_gap_is_judged(
    name: str, tmp_path: Path
) -> None:
    row = under(name, tmp_path, events=120)
    assert row.complaints == []
    assert (row.delivered, row.surplus, row.judged) == (row.of, 0, row.gaps)
    assert row.gaps > 0


def test_every_knob_of_the_fake_service_is_turned() -> None:
    turned = {
        knob.name
        for faults in FAULTS.values()
        for knob in fields(Faults)
        if getattr(faults, knob.name) != knob.default
    }
    assert {knob.name for knob in fields(Faults)} - MEASURES - OVER_HTTP_ONLY <= turned
