from __future__ import annotations

from collections import Counter

from samples.simulator import Trail
from tests.samples.reading import Parsed, matching


def test_each_hostile_name_is_confined_to_one_record(trail: Trail, records: list[Parsed]) -> None:
    assert len(trail.facts.hostile_names) == 5
    for name in trail.facts.hostile_names:
        (event,) = [event for event in trail.events if name in event.message]
        (record,) = [record for record in records if record.message == event.message]
        assert record.opcode == "CN_LOGIN"
        assert record.response == 157


def test_the_forged_line_is_where_a_record_could_begin(trail: Trail) -> None:
    lines = [line for event in trail.events for line in event.message.split("\n")[1:]]
    assert [line for line in lines if line.startswith("Time: ")] == ["Time: 01/02/30 03:04:05.6789"]


def test_each_cluster_answers_unknown_users_in_its_own_words(
    trail: Trail, records: list[Parsed]
) -> None:
    for cluster, response in zip(trail.facts.clusters, (157, 206)):
        unknown = [
            record.response
            for record in records
            if record.log_group == cluster.log_group and record.response in (157, 206)
        ]
        assert set(unknown) == {response}


def test_no_user_enters_a_fifth_wrong_password_in_a_row_on_any_hsm(records: list[Parsed]) -> None:
    wrong: Counter[tuple[str, str]] = Counter()
    for record in matching(records, lambda record: record.opcode == "CN_LOGIN"):
        key = (record.log_stream, record.fields["User Name"])
        wrong[key] = wrong[key] + 1 if record.response == 163 else 0
        assert wrong[key] < 5


def test_the_guessing_is_a_burst_at_night(trail: Trail, records: list[Parsed]) -> None:
    guesses = [record for record in records if record.fields.get("User Name") == "oracle"]
    assert guesses
    burst = [
        record
        for record in records
        if abs(record.usecs - guesses[0].usecs) < 300_000_000
        and record.response in (157, 163)
        and record.log_group == trail.facts.clusters[0].log_group
    ]
    assert len(burst) > 50
    assert "/26 02:4" in burst[0].message


def test_operations_are_refused_for_each_public_reason(records: list[Parsed]) -> None:
    refused = {(r.opcode, r.response) for r in matching(records, lambda r: r.response != 0)}
    assert refused >= {
        ("CN_LOGIN", 163),
        ("CN_TOMBSTONE_OBJECT", 168),
        ("CN_WRAP_KEY", 198),
        ("CN_GENERATE_KEY_PAIR", 179),
        ("CN_GENERATE_KEY", 187),
        ("CN_CREATE_USER", 219),
    }
