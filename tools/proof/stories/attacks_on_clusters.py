"""Attacks on HSMs, backups and the audit trail, and those that only CloudTrail shows."""

from __future__ import annotations

from tools.content.detections import ingest
from tools.proof.stories.cluster import ALICE, DAY, HOUR, MINUTE, Cluster, Person, id_of
from tools.proof.stories.record_text import Layout
from tools.proof.stories.story import WITHIN_A_DAY, Stories

CLUSTER_ATTACKS = Stories()
# CloudTrail delivers within about five minutes, and a run follows at most five minutes later.
_CLOUDTRAIL = 11 * MINUTE
_ONE = (Layout.PUBLISHED,)


@CLUSTER_ATTACKS.add("hsm_zeroized")
def hsm_erased(cluster: Cluster) -> None:
    """An HSM is erased."""
    cluster.write(0, 0, "CN_ZEROIZE")


@CLUSTER_ATTACKS.add("restore_or_clone_onto_an_active_hsm")
def restored_onto_an_active_hsm(cluster: Cluster) -> None:
    """An old backup is restored onto an HSM that is in use, with the users of that time."""
    cluster.write(-5, 0, "CN_RESTORE_BEGIN")
    cluster.write(0, 0, "CN_RESTORE_END")


@CLUSTER_ATTACKS.add("hsm_cloned_outside_its_cluster", within=WITHIN_A_DAY)
def cloned_outside_its_cluster(cluster: Cluster) -> None:
    """An HSM's content is cloned, and no HSM of the cluster receives it."""
    cluster.write(-5, 0, "CN_CLONE_SOURCE_INIT")
    cluster.write(0, 0, "CN_CLONE_SOURCE_STAGE1")


@CLUSTER_ATTACKS.add("cluster_activation_by_the_pre_crypto_officer")
def pre_officer_used(cluster: Cluster) -> None:
    """The pre-crypto officer sets a password at a cluster in use."""
    officer = Person("admin", 1, "CN_CRYPTO_PRE_OFFICER")
    cluster.log_in(-MINUTE, officer).manage(0, "CN_CHANGE_PSWD", officer)


@CLUSTER_ATTACKS.add("ambiguous_record", within=1200)
def forged_user_name(cluster: Cluster) -> None:
    """A user name with line breaks poses as another record."""
    cluster.fail(0, Person("x\nOpcode : CN_LOGOUT (0xe)\nResponse : 0:HSM Return: SUCCESS", 0))


@CLUSTER_ATTACKS.add("audit_records_missing_at_the_source")
def records_missing_at_the_source(cluster: Cluster) -> None:
    """Records of an HSM are not in CloudWatch Logs."""
    cluster.collector.append(
        {"event": "gap_closed", "at": 0, "first": 500, "last": 520, "verdict": "absent_at_source"}
    )


@CLUSTER_ATTACKS.add("contradicting_audit_records", within=WITHIN_A_DAY + HOUR)
def second_text_of_a_record(cluster: Cluster) -> None:
    """Somebody who can write to the log group adds a harmless copy of a record."""
    person = Person("mallory", 9, "CN_CRYPTO_OFFICER")
    cluster.log_in(-2 * MINUTE, ALICE).manage(-MINUTE, "CN_CREATE_CO", person)
    true = cluster.records[-1].event.message
    cluster.write_text(0, 1, true.replace("CN_CREATE_CO (0x4)", "CN_LOGOUT (0xe)"))


@CLUSTER_ATTACKS.add("unknown_operation_or_layout", within=1200)
def unlisted_operation(cluster: Cluster) -> None:
    """An operation that no table knows."""
    cluster.log_in(-MINUTE, ALICE).run(0, "CN_DIAGNOSTIC_DUMP")


@CLUSTER_ATTACKS.add("backup_copied_or_deleted", within=_CLOUDTRAIL, layouts=_ONE)
def backup_copied_by_a_stranger(cluster: Cluster) -> None:
    """A role that never copied backups copies one to another Region."""
    cluster.copy_backup(0, "intruder", "eu-south-1")


@CLUSTER_ATTACKS.add("backup_copied_or_deleted", within=_CLOUDTRAIL, layouts=_ONE)
def usual_role_copies_elsewhere(cluster: Cluster) -> None:
    """The role of the nightly copies copies a backup to a Region that it never used."""
    cluster.copy_backup(0, "backup-copy", "af-south-1")


@CLUSTER_ATTACKS.add("backup_copied_or_deleted", visible=0, within=_CLOUDTRAIL, layouts=_ONE)
def backups_deleted(cluster: Cluster) -> None:
    """All backups are deleted."""
    for number in range(20):
        backup = id_of("backup", f"{cluster.tag}/old{number}")
        cluster.call(
            number - 20, "DeleteBackup", "intruder", requestParameters={"backupId": backup}
        )


@CLUSTER_ATTACKS.add("backup_copied_or_deleted", within=_CLOUDTRAIL, layouts=_ONE)
def backup_shared(cluster: Cluster) -> None:
    """A backup is shared with another account."""
    arn = f"arn:aws:cloudhsm:us-east-1:{ingest.ACCOUNT}:backup/{id_of('backup', cluster.tag)}"
    cluster.call(0, "PutResourcePolicy", "intruder", requestParameters={"resourceArn": arn})


@CLUSTER_ATTACKS.add("audit_log_group_changed_or_deleted", within=_CLOUDTRAIL, layouts=_ONE)
def log_group_deleted(cluster: Cluster) -> None:
    """The log group is deleted."""
    group = {"logGroupName": f"/aws/cloudhsm/{cluster.id}"}
    cluster.call(
        0, "DeleteLogGroup", "intruder", eventSource="logs.amazonaws.com", requestParameters=group
    )


@CLUSTER_ATTACKS.add("audit_log_group_changed_or_deleted", within=_CLOUDTRAIL, layouts=_ONE)
def retention_shortened(cluster: Cluster) -> None:
    """The log group keeps its records for one day only."""
    request = {"logGroupName": f"/aws/cloudhsm/{cluster.id}", "retentionInDays": 1}
    cluster.call(
        0, "PutRetentionPolicy", "deploy", eventSource="logs.amazonaws.com",
        requestParameters=request,
    )  # fmt: skip


@CLUSTER_ATTACKS.add("hsm_deleted", within=_CLOUDTRAIL, layouts=_ONE)
def all_hsms_deleted_by_the_usual_role(cluster: Cluster) -> None:
    """The role of the autoscaling deletes every HSM of the cluster."""
    for number in range(6):
        cluster.delete_hsm(
            number * 20 - 100, "autoscaling", id_of("hsm", f"{cluster.tag}/x{number}")
        )


@CLUSTER_ATTACKS.add("hsm_deleted", within=_CLOUDTRAIL, layouts=_ONE)
def cluster_deleted(cluster: Cluster) -> None:
    """The cluster is deleted."""
    cluster.call(0, "DeleteCluster", "autoscaling", requestParameters={"clusterId": cluster.id})


@CLUSTER_ATTACKS.add("cluster_modified", within=_CLOUDTRAIL, layouts=_ONE)
def cluster_created_from_a_backup(cluster: Cluster) -> None:
    """A stranger makes a second cluster of a copied backup."""
    request = {"sourceBackupId": id_of("backup", cluster.tag), "hsmType": "hsm1.medium"}
    cluster.call(0, "CreateCluster", "intruder", requestParameters=request)


@CLUSTER_ATTACKS.add("hsm_disappeared_without_deletehsm", within=WITHIN_A_DAY)
def hsm_disappears(cluster: Cluster) -> None:
    """An HSM ends its trail, and no API call deleted it."""
    cluster.write(0, 1, "END_MARKER_OPCODE")


@CLUSTER_ATTACKS.add("collector_inactive", visible=HOUR, within=1200, layouts=_ONE, since=-DAY)
def collector_stopped(cluster: Cluster) -> None:
    """The input that collects this cluster stops."""
    for number in range(48):
        stanza = f"aws_cloudhsm://{cluster.tag}"
        cluster.collector.append(
            {"event": "heartbeat", "at": -number * 1800 - 60, "input": stanza, "host": cluster.tag}
        )
