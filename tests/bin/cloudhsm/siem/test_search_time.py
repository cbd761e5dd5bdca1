"""What is made of a record without Splunk is what Splunk's search time makes of it."""

from __future__ import annotations

import pytest

from cloudhsm.siem.search_time import Meaning, epoch_seconds
from tests.bin.cloudhsm.siem.goldens import Golden, goldens
from tests.bin.conftest import ROOT

GOLDENS = [*goldens()]


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    return Meaning(ROOT)


def test_there_are_goldens_of_all_46_published_operations() -> None:
    assert len(GOLDENS) > 500
    assert len({str(golden.fields.get("opcode")) for golden in GOLDENS}) > 46


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_every_golden_has_the_fields_that_splunk_gives_it(meaning: Meaning, golden: Golden) -> None:
    event = {name: golden.fields[name] for name in ("_raw", "source", "host", "sourcetype")}
    event["_time"] = epoch_seconds(golden.usecs)
    expected = {**golden.fields, "_time": event["_time"], "tag::eventtype": golden.fields["tag"]}
    assert meaning.of(event) == expected


@pytest.mark.parametrize(
    ("usecs", "text"),
    [(0, "0"), (1_500_000, "1.500000"), (-1, "-0.000001"), (-2_000_000, "-2")],
)
def test_a_time_has_six_decimals_or_none(usecs: int, text: str) -> None:
    assert epoch_seconds(usecs) == text


def test_a_record_without_origin_or_time_keeps_its_own_fields(meaning: Meaning) -> None:
    text = GOLDENS[0].text
    fields = meaning.of({"_raw": text, "sourcetype": "aws:cloudhsm:audit"})
    assert fields["opcode"] == GOLDENS[0].fields["opcode"]
    assert "hsm_id" not in fields
    assert "record_key" not in fields
