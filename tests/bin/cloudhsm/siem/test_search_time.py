"""What is made of a record without Splunk is what Splunk's search time makes of it."""

from __future__ import annotations

import pytest

from cloudhsm.siem.search_time import Meaning
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
    seconds, rest = divmod(golden.usecs, 1_000_000)
    time = f"{seconds}.{rest:06d}" if rest else str(seconds)
    kept = ("_raw", "source", "host", "sourcetype")
    given = {"_time": time, **{name: golden.fields[name] for name in kept}}
    assert meaning.of(given) == {**golden.fields, "_time": time}


def test_a_record_without_origin_or_time_keeps_its_own_fields(meaning: Meaning) -> None:
    text = GOLDENS[0].text
    fields = meaning.of({"_raw": text, "sourcetype": "aws:cloudhsm:audit"})
    assert fields["opcode"] == GOLDENS[0].fields["opcode"]
    assert "hsm_id" not in fields
    assert "record_key" not in fields
