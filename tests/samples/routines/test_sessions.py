from __future__ import annotations

from samples.simulator import Trail
from tests.samples.reading import Parsed, by_stream, matching, missing

SOME_MOMENTS = 1_000_000


def logins(records: list[Parsed], group: str) -> list[Parsed]:
    own = [r for r in records if r.opcode == "CN_LOGIN" and r.log_group == group]
    return sorted(own, key=lambda record: record.usecs)


def test_every_hsm_of_a_cluster_records_each_login_within_moments(
    trail: Trail, records: list[Parsed]
) -> None:
    payments = trail.facts.clusters[0]
    founded = by_stream(records)[payments.hsms[-1].hsm_id][0].usecs + SOME_MOMENTS
    (gap,) = trail.facts.gaps
    # Hostile names are tried on one HSM only, and a login may lie in the gap.
    ordinary = [
        login
        for login in logins(records, payments.log_group)
        if login.usecs > founded and login.fields["User Name"] not in fragments(trail)
    ]
    streams = {hsm.hsm_id for hsm in payments.hsms}
    for login in ordinary:
        around = {
            other.log_stream
            for other in ordinary
            if abs(other.usecs - login.usecs) < SOME_MOMENTS
            and other.fields["User Name"] == login.fields["User Name"]
            and other.fields["Response"] == login.fields["Response"]
        }
        assert around in (streams, streams - {gap.log_stream})


def fragments(trail: Trail) -> set[str]:
    return {name.split("\n")[0] for name in trail.facts.hostile_names}


def test_logins_missing_on_one_hsm_lie_in_the_gap(trail: Trail, records: list[Parsed]) -> None:
    payments = trail.facts.clusters[0]
    lossless, lossy = payments.hsms[2].hsm_id, payments.hsms[1].hsm_id
    count = {
        stream: sum(r.opcode == "CN_LOGIN" and r.log_stream == stream for r in records)
        for stream in (lossless, lossy)
    }
    assert abs(count[lossless] - count[lossy]) <= len(missing(trail.facts, lossy))
    assert count[lossless] > 100


def test_a_logout_is_recorded_by_one_hsm(trail: Trail, records: list[Parsed]) -> None:
    payments = trail.facts.clusters[0]
    outs = [r for r in records if r.opcode == "CN_LOGOUT" and r.log_group == payments.log_group]
    ins = [r for r in logins(records, payments.log_group) if r.response == 0]
    assert 0 < len(outs) < len(ins) / 2


def test_the_logins_of_one_user_differ_in_sequence_and_handle_between_hsms(
    trail: Trail, records: list[Parsed]
) -> None:
    vault = trail.facts.clusters[1].log_group
    times = logins(records, vault)
    pairs = [
        (first, second)
        for first, second in zip(times, times[1:])
        if second.usecs - first.usecs < 200_000 and first.log_stream != second.log_stream
    ]
    assert len(pairs) > 100
    handles = [
        first.fields["Session Handle"] == second.fields["Session Handle"] for first, second in pairs
    ]
    assert sum(handles) < len(handles) * 0.1


def test_newer_firmware_records_an_encrypted_session_before_each_login(
    trail: Trail, records: list[Parsed]
) -> None:
    vault = trail.facts.clusters[1]
    for hsm in vault.hsms:
        stream = by_stream(records)[hsm.hsm_id]
        for login in matching(stream, lambda record: record.opcode == "CN_LOGIN"):
            earlier = [r for r in stream[: login.sequence] if r.opcode == "CN_ENCRYPT_SESSION_V2"]
            assert any(
                r.fields["Session Handle"] == login.fields["Session Handle"]
                and login.usecs - r.usecs < SOME_MOMENTS
                for r in earlier[-5:]
            )


def test_newer_records_carry_the_actor_unless_the_login_failed(
    trail: Trail, records: list[Parsed]
) -> None:
    vault = trail.facts.clusters[1].log_group
    for login in matching(records, lambda r: r.opcode == "CN_LOGIN" and r.log_group == vault):
        assert ("User id" in login.fields) is (login.response == 0)
