"""What is usual, and must raise no finding; ceremonies, with the findings they must have."""

from __future__ import annotations

from tools.proof.stories.cluster import (
    ALICE,
    BATCH,
    BRUNO,
    BUSY,
    CAROL,
    DAY,
    HOUR,
    LOGGED_IN,
    MINUTE,
    PACKER,
    REFUSED,
    Cluster,
    Person,
    id_of,
)
from tools.proof.stories.record_text import Layout
from tools.proof.stories.story import Stories

BENIGN = Stories()
CEREMONIES = Stories()
_ONE = (Layout.PUBLISHED,)


@BENIGN.add()
def mistyped_twice(cluster: Cluster) -> None:
    """A person mistypes a password twice and then logs in."""
    cluster.fail(0, CAROL)
    cluster.fail(20, CAROL)
    cluster.log_in(40, CAROL).log_out(HOUR)


@BENIGN.add()
def usual_export(cluster: Cluster) -> None:
    """The application that exports three keys a night does so again."""
    session = cluster.log_in(0, PACKER)
    for number in range(3):
        session.wrap(MINUTE + number, 262_201 + number)
    session.log_out(2 * MINUTE)


@BENIGN.add()
def usual_deletion(cluster: Cluster) -> None:
    """The application that deletes its daily key deletes it again."""
    session = cluster.log_in(0, BATCH)
    session.run(MINUTE, "CN_DESTROY_OBJECT", handle=262_199)


@BENIGN.add()
def usual_import(cluster: Cluster) -> None:
    """The application that imports a key a night does so again."""
    session = cluster.log_in(0, PACKER)
    session.wrap(MINUTE, 262_201)
    session.unwrap(2 * MINUTE, 262_800)


@BENIGN.add()
def session_keys(cluster: Cluster) -> None:
    """An application makes sixty session keys and deletes each of them."""
    session = cluster.log_in(0, BATCH)
    for number in range(60):
        session.generate(MINUTE + number * 20, 263_000 + number)
        session.run(MINUTE + number * 20 + 9, "CN_DESTROY_OBJECT", handle=263_000 + number)


@BENIGN.add()
def session_logged_in_already(cluster: Cluster) -> None:
    """An application logs in again and again on a session that is logged in."""
    cluster.log_in(-HOUR, BATCH)
    for number in range(40):
        cluster.fail(number * MINUTE, BATCH, LOGGED_IN)


@BENIGN.add()
def busy_hsm(cluster: Cluster) -> None:
    """The HSM is busy and refuses thirty logins and deletions, which are repeated."""
    session = cluster.log_in(-HOUR, BATCH)
    for number in range(15):
        cluster.fail(number * 30, BATCH, BUSY)
        session.run(number * 30 + 5, "CN_DESTROY_OBJECT", handle=262_199, response=BUSY)


@BENIGN.add()
def restarted_application(cluster: Cluster) -> None:
    """An application with fifty workers restarts."""
    for number in range(50):
        cluster.log_in(number * 0.4, BATCH)


@BENIGN.add()
def one_refused_export(cluster: Cluster) -> None:
    """The exporter tries a key that is not exportable, once."""
    cluster.log_in(0, PACKER).run(MINUTE, "CN_WRAP_KEY", handle=262_500, response=REFUSED)


@BENIGN.add()
def duplicates(cluster: Cluster) -> None:
    """Records of a usual export are delivered three times."""
    usual_export(cluster)
    cluster.records += cluster.records * 2


@BENIGN.add()
def late_records(cluster: Cluster) -> None:
    """Records of a usual export arrive two hours late."""
    session = cluster.log_in(-2 * HOUR, PACKER, late=2 * HOUR)
    session.run(-2 * HOUR + 60, "CN_WRAP_KEY", handle=262_201, late=2 * HOUR)
    session.run(-2 * HOUR + 60.1, "CN_NIST_AES_WRAP", handle=7, late=2 * HOUR)


@BENIGN.add()
def backup_taken(cluster: Cluster) -> None:
    """AWS takes the daily backup."""
    cluster.write(0, 0, "CN_BACKUP_BEGIN")
    cluster.write(40, 0, "CN_BACKUP_END")


@BENIGN.add()
def rebooted_by_aws(cluster: Cluster) -> None:
    """AWS reboots an HSM; its numbers start again, and applications log in again."""
    cluster.write(0, 0, "CN_LOGIN", reboot_counter=0x1B, sequence=0, user="batch")
    cluster.write(1, 0, "CN_LOGIN", reboot_counter=0x1B, user="packer")


@BENIGN.add()
def weekly_officer(cluster: Cluster) -> None:
    """The officer who logs in each week does so, in business hours."""
    cluster.log_in(0, ALICE).log_out(10 * MINUTE)


@BENIGN.add(layouts=_ONE)
def nightly_copy(cluster: Cluster) -> None:
    """The role of the nightly copies copies the backup of the day."""
    cluster.copy_backup(0, "backup-copy", "eu-central-1")


@BENIGN.add()
def autoscaling_adds_an_hsm(cluster: Cluster) -> None:
    """The autoscaling adds an HSM, which is cloned from another one, and removes it later."""
    cluster.create_hsm(0, "autoscaling")
    added = id_of("hsm", f"{cluster.tag}/added")
    cluster.hsms.append(added)
    cluster._next[added] = 0
    cluster.write(5 * MINUTE, 2, "CN_CLONE_TARGET_INIT")
    cluster.write(5 * MINUTE + 1, 0, "CN_CLONE_SOURCE_INIT")
    cluster.write(5 * MINUTE + 2, 0, "CN_CLONE_SOURCE_STAGE1")
    cluster.write(5 * MINUTE + 3, 2, "CN_CLONE_TARGET_STAGE1")
    cluster.write(3 * HOUR, 2, "CN_LOGIN", user="batch")
    cluster.delete_hsm(4 * HOUR, "autoscaling", added)
    cluster.write(4 * HOUR + 120, 2, "END_MARKER_OPCODE")


@BENIGN.add(layouts=_ONE)
def clusters_listed(cluster: Cluster) -> None:
    """A monitoring role lists clusters and backups."""
    for number, name in enumerate(("DescribeClusters", "DescribeBackups", "ListTags")):
        cluster.call(number, name, "monitoring", readOnly=True)


@BENIGN.add(layouts=_ONE)
def retention_of_another_service(cluster: Cluster) -> None:
    """The retention of another service's log group is set."""
    cluster.call(
        0, "PutRetentionPolicy", "deploy", eventSource="logs.amazonaws.com",
        requestParameters={"logGroupName": f"/aws/lambda/{cluster.tag}", "retentionInDays": 1},
    )  # fmt: skip


@BENIGN.add()
def keys_used_for_signing(cluster: Cluster) -> None:
    """An application generates keys, and keeps them."""
    session = cluster.log_in(0, BATCH)
    for number in range(30):
        session.generate(MINUTE + number * 60, 263_500 + number)


@BENIGN.add()
def mistyped_once_a_week(cluster: Cluster) -> None:
    """A person mistypes a password once, as last week."""
    for at in (-7 * DAY, 0):
        cluster.fail(at, CAROL)
        cluster.log_in(at + 20, CAROL)


@BENIGN.add()
def long_session(cluster: Cluster) -> None:
    """The exporter works in a connection that it opened ten days ago."""
    session = cluster.log_in(-10 * DAY, PACKER)
    for number in range(3):
        session.wrap(MINUTE + number, 262_201 + number)


@BENIGN.add(layouts=_ONE)
def calls_refused(cluster: Cluster) -> None:
    """A role without the permission tries to read tags."""
    cluster.call(0, "ListTags", "developer", errorCode="AccessDenied")


# --- ceremonies and exercises: expected findings


@CEREMONIES.add("user_created", visible=12 * MINUTE, ceremony=True)
def approved_user(cluster: Cluster) -> None:
    """Two officers create a user together, and take ten minutes for it."""
    session = cluster.log_in(0, ALICE)
    session.as_officer(MINUTE, "CN_GET_TOKEN")
    cluster.log_in(8 * MINUTE, BRUNO).as_officer(9 * MINUTE, "CN_APPROVE_TOKEN")
    session.manage(12 * MINUTE, "CN_CREATE_USER", Person("erin", 8))


@CEREMONIES.add("crypto_officer_created", visible=12 * MINUTE, ceremony=True)
def new_officer(cluster: Cluster) -> None:
    """A new officer is created."""
    officer = Person("frida", 8, "CN_CRYPTO_OFFICER")
    cluster.log_in(0, ALICE).manage(12 * MINUTE, "CN_CREATE_CO", officer)


@CEREMONIES.add("user_deleted", visible=MINUTE, ceremony=True)
def leaver(cluster: Cluster) -> None:
    """A user who left is deleted."""
    cluster.log_in(0, ALICE).manage(MINUTE, "CN_DELETE_USER", CAROL)


@CEREMONIES.add("cluster_modified", visible=MINUTE, within=660, layouts=_ONE, ceremony=True)
def recovery_exercise(cluster: Cluster) -> None:
    """A cluster is made of a backup, for an exercise."""
    request = {"sourceBackupId": id_of("backup", cluster.tag), "hsmType": "hsm1.medium"}
    cluster.call(MINUTE, "CreateCluster", "operations", requestParameters=request)


@CEREMONIES.add("quorum_value_set", visible=MINUTE, ceremony=True)
def quorum_introduced(cluster: Cluster) -> None:
    """A quorum is introduced."""
    cluster.log_in(0, ALICE).as_officer(MINUTE, "CN_SET_M_VALUE")
