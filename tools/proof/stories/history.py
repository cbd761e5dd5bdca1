"""What clusters do on ordinary days: the history of the stories, and the quiet weeks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from samples.rng import Rng
from tools.proof.stories.cluster import (
    ADMIN,
    ALICE,
    BATCH,
    BRUNO,
    BUSY,
    CAROL,
    CRYPTO_USERS,
    DAY,
    HOUR,
    LOGGED_IN,
    MINUTE,
    MOMENT,
    PACKER,
    Cluster,
    Person,
    id_of,
)
from tools.proof.stories.record_text import Layout

Tables = dict[str, list[dict[str, str]]]

HISTORY_DAYS = 18
_KMS = Person("kmsuser", 8)
# When the tables were filled in, epoch seconds.
_ENTERED = str(MOMENT - 40 * DAY)
# What applications are there for.
_PLANNED = (
    (PACKER, "export"),
    (PACKER, "import"),
    (BATCH, "deletion"),
    (_KMS, "password change of kmsuser"),
)


def write_history(cluster: Cluster, *, exports: bool) -> None:
    """The days before the decisive moment, and two days that begin with it."""
    for day in range(HISTORY_DAYS, -2, -1):
        start = -day * DAY
        write_deletion(cluster, start + 16 * HOUR, day)
        if exports:
            write_export(cluster, start + 17 * HOUR)
        _write_backup(cluster, start + 18 * HOUR)
        cluster.copy_backup(start + 19 * HOUR, "backup-copy", "eu-central-1")
        if day in {4, 11, 18}:
            cluster.log_in(start, ALICE).log_out(start + HOUR)
        if day in {3, 10, 17}:
            cluster.log_in(start, BRUNO).log_out(start + HOUR)
        if day in {1, 8, 15}:
            cluster.log_in(start + HOUR, CAROL).log_out(start + 2 * HOUR)
        write_autoscaling(cluster, start + 2 * HOUR, day)


def write_deletion(cluster: Cluster, at: float, number: int) -> None:
    """The daily key of an application, made; that of the day before, deleted."""
    session = cluster.log_in(at, BATCH)
    session.generate(at + 5, 263_100 + 2 * number)
    session.run(at + 10, "CN_DESTROY_OBJECT", handle=263_102 + 2 * number)
    session.log_out(at + 15)


def write_export(cluster: Cluster, at: float) -> None:
    """Three keys exported, one imported, each night by one application."""
    session = cluster.log_in(at, PACKER)
    for number in range(3):
        session.wrap(at + 10 + number, 262_201 + number)
    session.unwrap(at + 60, 262_800)
    session.log_out(at + 90)


def write_autoscaling(cluster: Cluster, at: float, number: int) -> None:
    """An HSM added by a role for eight hours, as CloudTrail shows it."""
    added = id_of("hsm", f"{cluster.tag}/scaled{number}")
    cluster.create_hsm(at, "autoscaling")
    cluster.delete_hsm(at + 8 * HOUR, "autoscaling", added)


def _write_backup(cluster: Cluster, at: float) -> None:
    cluster.write(at, 0, "CN_BACKUP_BEGIN")
    cluster.write(at + 30, 0, "CN_BACKUP_END")


def filled_tables(clusters: list[Cluster]) -> Tables:
    """What a careful administrator enters for these clusters."""
    users = [
        {"known_user": f"{key}@{cluster.id}", "activity": activity}
        for cluster in clusters
        for person, activity in [
            *((user, "application") for user in (BATCH, PACKER, _KMS)),
            (CAROL, "person"),
        ]
        for key in (person.name, str(person.number))
    ]
    hours = [
        {"hour_of_week": str(hour), "business_hours": str(is_business(hour)).lower()}
        for hour in range(168)
    ]
    return {
        "cloudhsm_clusters": [
            {"cluster_id": cluster.id, "cluster_name": cluster.tag} for cluster in clusters
        ],
        "cloudhsm_known_users": users,
        "cloudhsm_confirmed_operations": [
            {"confirmed_key": f"{key}@{cluster.id} {operation}", "confirmed_from": _ENTERED}
            for cluster in clusters
            for person, operation in _PLANNED
            for key in (person.name, str(person.number))
        ],
        "cloudhsm_business_hours": hours,
    }


def is_business(hour_of_week: int) -> bool:
    """Monday to Friday, 08:00 to 18:00 UTC."""
    day, hour = divmod(hour_of_week, 24)
    return day < 5 and 8 <= hour < 18


# --- quiet weeks

Routine = Callable[[Cluster, float, int], None]

QUIET_DAYS = 44
NEW_DAYS = 30


@dataclass(frozen=True)
class QuietWeeks:
    """Clusters in which nothing unusual happens, from `since` to `until` (epoch seconds).

    Until `established`, the clusters are in their first 30 days.
    """

    clusters: list[Cluster]
    since: float
    established: float
    until: float


def quiet_weeks(number: int, seed: int = 11) -> QuietWeeks:
    """`number` clusters, half of them with records in each layout."""
    layouts = (Layout.PUBLISHED, Layout.INFERRED)
    clusters = [
        _quiet(
            Cluster(f"quiet{place:02}", layouts[place % 2]), place, Rng(seed).for_part(f"{place}")
        )
        for place in range(number)
    ]
    since = MOMENT - QUIET_DAYS * DAY
    return QuietWeeks(clusters, since, since + NEW_DAYS * DAY, MOMENT)


def _quiet(cluster: Cluster, place: int, rng: Rng) -> Cluster:
    for day in range(QUIET_DAYS, 0, -1):
        for minute, write in _routines(day, place):
            at = -day * DAY + minute * MINUTE + rng.between(0, 25) * MINUTE
            write(cluster, at, day)
    return cluster


def _routines(day: int, place: int) -> Iterator[tuple[int, Routine]]:
    """Minutes after 10:00 UTC, and what happens then. 2026-03-31 is a Tuesday."""
    weekday = (1 - day) % 7  # 0 is Monday
    yield 16 * 60, write_deletion
    yield 17 * 60, lambda cluster, at, _day: write_export(cluster, at)
    yield 18 * 60, lambda cluster, at, _day: _write_backup(cluster, at)
    yield 19 * 60, _copy_by_one_role
    if weekday < 5:
        yield 2 * 60, _scale
    if weekday == place % 5:
        yield 60, lambda cluster, at, _day: cluster.log_in(at, ALICE).log_out(at + HOUR)
    if weekday == (place + 2) % 5:
        yield 90, lambda cluster, at, _day: cluster.log_in(at, BRUNO).log_out(at + HOUR)
        yield 150, _rotate_keys
    if (day + place) % 10 == 3:
        yield 6 * 60, _rotate_password
    if (day + 3 * place) % 9 == 4:
        yield 15 * 60, _reboot
    if (day + place) % 6 == 2 and weekday < 5:
        yield 30, _mistype
    if (day + place) % 4 == 1:
        yield 8 * 60, _busy
    if day == 20 + place:
        yield 3 * 60, lambda cluster, at, _day: cluster.log_in(at, ADMIN).log_out(at + MINUTE)


def _copy_by_one_role(cluster: Cluster, at: float, day: int) -> None:
    """One role copies the backups of all clusters."""
    tag, cluster.tag = cluster.tag, "all"
    cluster.copy_backup(at, "backup-copy", "eu-central-1", id_of("backup", f"{tag}/{day}"))
    cluster.tag = tag


def _scale(cluster: Cluster, at: float, day: int) -> None:
    """An HSM is added for the day, with what it records, and removed in the evening."""
    added = id_of("hsm", f"{cluster.tag}/scaled{day}")
    cluster.hsms.append(added)
    cluster._next[added] = 0
    cluster.create_hsm(at, "autoscaling")
    cluster.write(at + 5 * MINUTE, 2, "CN_CLONE_TARGET_INIT")
    cluster.write(at + 5 * MINUTE + 1, 0, "CN_CLONE_SOURCE_INIT")
    cluster.write(at + 5 * MINUTE + 2, 0, "CN_CLONE_SOURCE_STAGE1")
    cluster.write(at + 5 * MINUTE + 3, 2, "CN_CLONE_TARGET_STAGE1")
    for hour in range(1, 8):
        cluster.write(at + hour * HOUR, 2, "CN_LOGIN", user=BATCH.name, session=0x3014005)
    cluster.delete_hsm(at + 8 * HOUR, "autoscaling", added)
    cluster.write(at + 8 * HOUR + 90, 2, "END_MARKER_OPCODE")
    cluster.hsms.remove(added)


def _rotate_keys(cluster: Cluster, at: float, day: int) -> None:
    """Five new keys for five old ones."""
    session = cluster.log_in(at, BATCH)
    for number in range(5):
        session.generate(at + 10 + number, 270_000 + 10 * (QUIET_DAYS - day) + number)
    for number in range(5):
        handle = 270_000 + 10 * (QUIET_DAYS - day) - 70 + number
        session.run(at + 60 + number, "CN_DESTROY_OBJECT", handle=handle)
    session.log_out(at + 90)


def _rotate_password(cluster: Cluster, at: float, _day: int) -> None:
    cluster.log_in(at, _KMS).manage(at + 5, "CN_CHANGE_PSWD", _KMS)


def _reboot(cluster: Cluster, at: float, day: int) -> None:
    """AWS reboots the second HSM; its numbers go on under another counter."""
    counter = 0x20 + QUIET_DAYS - day
    for number in range(3):
        cluster.write(at + number, 1, "CN_LOGIN", reboot_counter=counter, user=BATCH.name)


def _mistype(cluster: Cluster, at: float, _day: int) -> None:
    cluster.fail(at, CAROL)
    cluster.log_in(at + 20, CAROL).log_out(at + HOUR)


def _busy(cluster: Cluster, at: float, _day: int) -> None:
    for number in range(6):
        cluster.fail(at + number * 10, BATCH, BUSY if number % 2 else LOGGED_IN)


def users() -> Iterator[Person]:
    """All crypto users of a quiet cluster."""
    yield from (*CRYPTO_USERS, _KMS)
