from __future__ import annotations

from collections import Counter

import pytest

from samples.simulator import Trail
from tests.samples.reading import Parsed, by_stream, matching, missing

EXTRACT, INSERT = "CN_EXTRACT_MASKED_OBJECT_USER", "CN_INSERT_MASKED_OBJECT_USER"


def handles(records: list[Parsed], opcode: str, group: str) -> Counter[int]:
    return Counter(r.handle for r in records if r.opcode == opcode and r.log_group == group)


def test_an_extracted_key_is_inserted_under_its_handle_on_every_other_hsm(
    trail: Trail, records: list[Parsed]
) -> None:
    payments = trail.facts.clusters[0]
    inserted = handles(records, INSERT, payments.log_group)
    extracted = handles(records, EXTRACT, payments.log_group)
    lost = sum(len(missing(trail.facts, hsm.hsm_id)) for hsm in payments.hsms)
    complete = [handle for handle in extracted if inserted[handle] == len(payments.hsms) - 1]
    assert len(extracted) > 100
    assert set(extracted.values()) == {1}
    assert len(extracted) - len(complete) <= lost
    # The records in the gap can still be seen from the other side.
    unexplained = [handle for handle in inserted if handle not in extracted]
    assert 0 < len(unexplained) <= lost


def test_a_key_is_extracted_milliseconds_after_its_generation_on_the_same_hsm(
    trail: Trail, records: list[Parsed]
) -> None:
    extracted = {(r.log_stream, r.handle): r for r in records if r.opcode == EXTRACT}
    made = [r for r in records if r.opcode == "CN_GENERATE_KEY" and r.response == 0]
    unpaired = [r for r in made if (r.log_stream, r.handle) not in extracted]
    assert len(made) > 100
    assert all(missing(trail.facts, record.log_stream) for record in unpaired)
    assert len(unpaired) <= 1
    for record in (r for r in made if r not in unpaired):
        assert 1_000 <= extracted[record.log_stream, record.handle].usecs - record.usecs <= 4_000


def test_a_session_key_pair_is_deleted_at_once_and_never_leaves(records: list[Parsed]) -> None:
    gone = {
        r.handle
        for r in records
        if r.opcode == "CN_DESTROY_OBJECT" and "Key Handle" not in r.fields
    }
    moved = {r.handle for r in records if r.opcode in (EXTRACT, INSERT)}
    assert gone
    assert not gone & moved


@pytest.mark.parametrize(
    ("first", "second"),
    [("CN_WRAP_KEY", "CN_NIST_AES_WRAP"), ("CN_NIST_AES_WRAP", "CN_UNWRAP_KEY")],
)
def test_wrapping_comes_in_pairs_with_the_wrapping_key(
    records: list[Parsed], first: str, second: str
) -> None:
    kinds = ("CN_WRAP_KEY", "CN_NIST_AES_WRAP", "CN_UNWRAP_KEY")
    for stream in by_stream(records).values():
        steps = [r for r in stream if r.opcode in kinds and r.response == 0]
        anchor = "CN_UNWRAP_KEY" if second == "CN_UNWRAP_KEY" else "CN_WRAP_KEY"
        for index, record in enumerate(steps):
            if record.opcode == anchor:
                partner = steps[index + (1 if anchor == first else -1)]
                assert partner.opcode == "CN_NIST_AES_WRAP"
                assert abs(partner.usecs - record.usecs) < 100_000


def test_one_wrapping_key_serves_a_cluster(trail: Trail, records: list[Parsed]) -> None:
    for cluster in trail.facts.clusters:
        used = handles(records, "CN_NIST_AES_WRAP", cluster.log_group)
        assert len(used) == 1
        assert sum(used.values()) > 10


def test_a_deleted_key_is_deleted_once(trail: Trail, records: list[Parsed]) -> None:
    for cluster in trail.facts.clusters:
        deletions = Counter(
            record.fields.get("Key Handle") or record.fields["Priv/Secret Key Handle"]
            for record in records
            if record.opcode == "CN_TOMBSTONE_OBJECT"
            and record.response == 0
            and record.log_group == cluster.log_group
        )
        assert len(deletions) > 5
        assert set(deletions.values()) == {1}


def test_sharing_prints_nothing_in_older_records_and_the_partner_in_newer_ones(
    records: list[Parsed],
) -> None:
    shared = list(matching(records, lambda record: record.opcode == "CN_SHARE_OBJECT"))
    older = [record for record in shared if "Version No" not in record.fields]
    newer = [record for record in shared if "Version No" in record.fields]
    assert older
    assert all(list(r.fields)[-1] == "Log type" for r in older)
    assert newer
    assert all(r.fields["UserIDs"] != r.fields["User id"] for r in newer)


def test_random_numbers_are_recorded_by_the_older_type_only(records: list[Parsed]) -> None:
    drawn = matching(records, lambda record: record.opcode == "CN_FIPS_RAND")
    assert not any("Version No" in record.fields for record in drawn)
