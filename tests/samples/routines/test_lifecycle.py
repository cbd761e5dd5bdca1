from __future__ import annotations

from collections.abc import Iterator

from samples.cluster import Cluster
from samples.organisation import plan_organisation
from samples.rng import Rng
from samples.routines.lifecycle import found_cluster, replace_last_hsm
from samples.scheduler import Scheduler
from samples.simulator import Trail
from samples.steps import DAY, HsmStep, Routine, Timeline
from tests.samples.reading import Parsed, by_stream, matching


def opcodes(records: list[Parsed], hsm_id: str) -> list[str]:
    return [record.opcode for record in by_stream(records)[hsm_id]]


def test_the_first_hsm_of_an_older_cluster_starts_as_published(
    trail: Trail, records: list[Parsed]
) -> None:
    first = trail.facts.clusters[0].hsms[0].hsm_id
    assert opcodes(records, first)[:4] == [
        "CN_INIT_TOKEN",
        "CN_GEN_PSWD_ENC_KEY",
        "CN_CREATE_APPLIANCE_USER",
        "CN_INIT_DONE",
    ]


def test_each_cluster_is_activated_once_by_its_pre_officer(
    trail: Trail, records: list[Parsed]
) -> None:
    for cluster in trail.facts.clusters:
        changes = [
            record
            for record in records
            if record.log_group == cluster.log_group
            and record.opcode == "CN_CHANGE_PSWD"
            and "CN_CRYPTO_PRE_OFFICER (6)" in record.fields.values()
        ]
        assert [record.log_stream for record in changes] == [cluster.hsms[0].hsm_id]


def test_a_cloned_hsm_starts_with_a_login_if_older_and_with_a_restore_if_newer(
    trail: Trail, records: list[Parsed]
) -> None:
    payments, vault = trail.facts.clusters
    for hsm in payments.hsms[1:]:
        assert opcodes(records, hsm.hsm_id)[0] == "CN_LOGIN"
    for hsm in vault.hsms[1:]:
        assert opcodes(records, hsm.hsm_id)[:6] == [
            "CN_RESTORE_BEGIN",
            "CN_CERT_AUTH_STORE_CERT",
            "CN_CERT_AUTH_VALIDATE_PEER_CERTS",
            "CN_CERT_AUTH_TARGET_KEY_EXCHANGE",
            "CN_GEN_KEY_ENC_KEY",
            "CN_RESTORE_END",
        ]


def test_a_backup_ends_on_the_hsm_where_it_began(records: list[Parsed]) -> None:
    for stream in by_stream(records).values():
        steps = [r for r in stream if r.opcode in ("CN_BACKUP_BEGIN", "CN_BACKUP_END")]
        assert [r.opcode for r in steps] == ["CN_BACKUP_BEGIN", "CN_BACKUP_END"] * (len(steps) // 2)


def test_a_backup_precedes_each_clone(trail: Trail, records: list[Parsed]) -> None:
    for cluster in trail.facts.clusters:
        source = by_stream(records)[cluster.hsms[0].hsm_id]
        ends = [record.usecs for record in source if record.opcode == "CN_BACKUP_END"]
        for hsm in cluster.hsms[1:]:
            born = by_stream(records)[hsm.hsm_id][0].usecs
            assert any(0 < born - end < 120_000_000 for end in ends)


def test_the_end_marker_has_a_command_type_of_its_own(records: list[Parsed]) -> None:
    (end,) = matching(records, lambda record: record.opcode == "END_MARKER_OPCODE")
    assert end.fields["Opcode"] == "END_MARKER_OPCODE (0xffff)"
    assert end.fields["Command Type(hex)"] == "SPECIAL (0xffff)"


def test_certificate_commands_have_theirs(records: list[Parsed]) -> None:
    commands = matching(records, lambda record: record.opcode.startswith("CN_CERT_AUTH_"))
    assert {r.fields["Command Type(hex)"] for r in commands} == {"CN_CERT_AUTH_CMD (0x9)"}


def run(cluster: Cluster, routine: Routine) -> Iterator[HsmStep]:
    """The routine's steps, each written before it is shown."""
    scheduler = Scheduler(Rng(7))
    scheduler.add(routine(Timeline(0, Rng(7))))
    for step in scheduler.steps(end=DAY):
        assert isinstance(step, HsmStep)
        step.stream.write(step.at, step.entry)
        yield step


def test_no_client_finds_a_clone_before_its_first_record() -> None:
    cluster = Cluster(plan_organisation(Rng(7)).payments, Rng(7))
    first_steps: dict[str, bool] = {}
    for step in run(cluster, found_cluster(cluster)):
        first_steps.setdefault(step.stream.log_stream, step.stream in cluster.hsms)
    assert list(first_steps.values()) == [False, False, False]
    assert [hsm.plan for hsm in cluster.hsms] == list(cluster.plan.hsms)


def test_a_replaced_hsm_is_out_of_service_and_its_successor_in() -> None:
    cluster = Cluster(plan_organisation(Rng(7)).vault, Rng(7))
    for _ in run(cluster, found_cluster(cluster)):
        pass
    steps = run(cluster, replace_last_hsm(cluster))
    next(steps)
    next(steps)
    assert [hsm.plan for hsm in cluster.hsms] == [cluster.plan.hsms[0]]
    for _ in steps:
        pass
    assert [hsm.plan for hsm in cluster.hsms] == [cluster.plan.hsms[0], cluster.plan.spare]
