from __future__ import annotations

from collections import Counter

from samples.simulator import Trail
from tests.samples.reading import Parsed, matching

CREATIONS = ("CN_CREATE_USER", "CN_CREATE_CO")


def test_a_newcomer_is_created_on_every_hsm_in_service(trail: Trail, records: list[Parsed]) -> None:
    payments = trail.facts.clusters[0]
    joined = [r.usecs for r in records if r.log_stream == payments.hsms[-1].hsm_id]
    created = Counter(
        r.fields["User Name"]
        for r in records
        if r.log_group == payments.log_group
        and r.opcode in CREATIONS
        and r.response == 0
        and r.usecs > joined[0]
    )
    assert created
    assert all(count % len(payments.hsms) == 0 for count in created.values())


def test_no_user_logs_in_successfully_before_creation(records: list[Parsed]) -> None:
    known: set[tuple[str, str]] = set()
    for record in sorted(records, key=lambda r: r.usecs):
        name = record.fields.get("User Name") or record.fields.get("Target User Name", "")
        user = (record.log_group, name)
        if record.opcode in CREATIONS and record.response == 0:
            known.add(user)
        if record.opcode == "CN_LOGIN" and record.response == 0 and name != "admin":
            assert user in known


def test_a_quorum_needs_two_approvals_between_request_and_deletion_of_the_token(
    trail: Trail, records: list[Parsed]
) -> None:
    quorum = ("CN_GET_TOKEN", "CN_APPROVE_TOKEN", "CN_DELETE_TOKEN")
    payments = trail.facts.clusters[0].log_group
    approvals = matching(records, lambda r: r.opcode in quorum and r.log_group == payments)
    steps = [r.opcode for r in sorted(approvals, key=lambda r: r.usecs)]
    assert steps == [*quorum[:2], "CN_APPROVE_TOKEN", quorum[2]] * (len(steps) // 4)


def test_a_creation_without_approval_is_refused_once_a_quorum_is_required(
    records: list[Parsed],
) -> None:
    (refused,) = matching(records, lambda r: "RET_MXN_AUTH_FAILED" in r.fields["Response"])
    required = [r.usecs for r in matching(records, lambda r: r.opcode == "CN_SET_M_VALUE")]
    assert refused.opcode == "CN_CREATE_CO"
    assert refused.usecs > max(required)
