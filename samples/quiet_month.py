"""A quiet month: three clusters that were active before, and no incident.

What is worth an alert all the same - an officer's login, a user created or deleted, a new
HSM - happens a few times, in working hours, and is counted in the facts. Routines and delivery are
those of `samples.simulator`; the same arguments give the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from samples import codes
from samples.cluster import Cluster
from samples.codes import Coded
from samples.details import OneHandle
from samples.layout import Generation, Separator
from samples.organisation import ClusterPlan, plan_cluster
from samples.rng import Rng
from samples.routines import keys
from samples.routines.background import (
    KMS_USER,
    compare_clocks,
    maintain_certificates,
    rotate_password,
    stay_connected,
)
from samples.routines.incidents import mistype_password
from samples.routines.lifecycle import add_hsm, back_up
from samples.routines.sessions import log_in, log_out, open_session
from samples.routines.users import (
    dismiss,
    enlist,
    gather_approvals,
    quorum_step,
    reset_password,
)
from samples.simulator import checked_volume, delivered, milliseconds
from samples.steps import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Routine, Start, Step, Timeline
from samples.trail import TrailEvent
from samples.working_hours import Habit, next_working_hour

QUIET_DAYS = 30
_KEYS_AT_FIRST = 40
_CUSTODIAN = "dora"
_PEOPLE = {_CUSTODIAN, "release"}
# What applications do all day, and what the application does that keeps its keys outside, wrapped.
_APPLICATION = (
    (keys.generate_key, 24),
    (keys.generate_key_pair, 8),
    (keys.use_session_key_pair, 14),
    (keys.derive_key, 6),
    (keys.draw_random_number, 6),
)
_WRAPPING = (*_APPLICATION, (keys.export_key, 10), (keys.import_key, 8))


@dataclass(frozen=True)
class QuietFacts:
    """The users and HSMs of the month, and how often detections may raise an alert in it.

    users: name to number, by cluster id. applications: names that log in all day, by cluster id.
    joined: the cluster that gets another HSM, and that HSM. operations: records of each operation.
    """

    seed: int
    start_ms: int
    end_ms: int
    events: int
    clusters: dict[str, str]
    hsms: dict[str, tuple[str, ...]]
    users: dict[str, dict[str, int]]
    applications: dict[str, tuple[str, ...]]
    joined: tuple[str, str]
    operations: dict[str, int]

    def to_json(self) -> str:
        """The facts as indented JSON."""
        return json.dumps(asdict(self), indent=2)


@dataclass(frozen=True)
class ControlPlaneEvent:
    """A call to AWS's API as CloudTrail logs it: epoch seconds, and its JSON."""

    at: float
    text: str


class QuietMonth:
    """The 30 days before `end` (with a time zone); days of the week are the trail's own.

    The first of them is a Monday. Raises ValueError for an `end` without a time zone, a month that
    starts before 1970, and a `volume` (how many times as much as usual) that is out of range.
    """

    def __init__(self, seed: int, end: datetime, volume: float = 1.0) -> None:
        self._seed = seed
        self._volume = checked_volume(volume)
        self._end_ms = milliseconds(end)
        self._start_ms = self._end_ms - QUIET_DAYS * DAY // MILLISECOND
        if self._start_ms < 0:
            raise ValueError(f"the month would start before 1970: give a later end than {end}")
        self._facts: QuietFacts | None = None
        rng = Rng(seed).for_part("quiet month")
        self._plans = _plans(rng.for_part("organisation"))

    @property
    def facts(self) -> QuietFacts:
        """What was in the month, once `stream()` has been read to its end; else RuntimeError."""
        if self._facts is None:
            raise RuntimeError("facts are known when stream() has been read to its end")
        return self._facts

    @property
    def _joins_at(self) -> int:
        return next_working_hour(15 * DAY + 2 * HOUR)

    def stream(self) -> Iterator[TrailEvent]:
        """All events by timestamp; each call starts over."""
        rng = Rng(self._seed).for_part("quiet month")
        clusters = [_at_work(plan, rng.for_part(plan.name)) for plan in self._plans]
        operations: Counter[str] = Counter()
        events = 0
        for event, shape, _number in delivered(
            self._schedule(clusters, rng), rng, self._start_ms, self._end_ms
        ):
            events += 1
            operations[shape.operation] += 1
            yield event
        self._facts = QuietFacts(
            seed=self._seed,
            start_ms=self._start_ms,
            end_ms=self._end_ms,
            events=events,
            clusters={cluster.plan.name: cluster.plan.cluster_id for cluster in clusters},
            hsms={
                cluster.plan.cluster_id: tuple(hsm.log_stream for hsm in cluster.every_hsm)
                for cluster in clusters
            },
            users={
                cluster.plan.cluster_id: {u.name: u.user_id for u in cluster.users.values()}
                for cluster in clusters
            },
            applications={
                plan.cluster_id: tuple(n for n in plan.crypto_users if n not in _PEOPLE)
                for plan in self._plans
            },
            joined=(self._plans[1].cluster_id, self._plans[1].spare.hsm_id),
            operations=dict(sorted(operations.items())),
        )

    def control_plane(self) -> Iterator[ControlPlaneEvent]:
        """The AWS API calls: clusters and backups are listed each morning; the new HSM."""
        for day in range(QUIET_DAYS):
            for call in ("DescribeClusters", "DescribeBackups"):
                yield self._call(day * DAY + 10 * MINUTE, call, {}, read_only=True)
            if day == self._joins_at // DAY:
                request = {"clusterId": self._plans[1].cluster_id, "availabilityZone": "us-east-1b"}
                yield self._call(self._joins_at - 6 * MINUTE, "CreateHsm", request)

    def _call(
        self, at: int, name: str, request: dict[str, str], *, read_only: bool = False
    ) -> ControlPlaneEvent:
        second = self._start_ms / 1000 + at / SECOND
        moment = datetime.fromtimestamp(second, timezone.utc)
        body = {
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "AssumedRole",
                "arn": "arn:aws:sts::111122223333:assumed-role/operations/deploy",
            },
            "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "cloudhsm.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": "192.0.2.10",
            "requestParameters": request or None,
            "readOnly": read_only,
            "recipientAccountId": "111122223333",
        }
        return ControlPlaneEvent(second, json.dumps(body))

    def _schedule(self, clusters: list[Cluster], rng: Rng) -> Iterator[Iterator[Start]]:
        length = QUIET_DAYS * DAY
        for at, name, routine in self._single_events(*clusters):
            yield iter([Start(next_working_hour(at), ("once", name), routine)])
        for habit in _habits(*clusters):
            yield habit.starts(5 * MINUTE, length, self._volume, rng.for_part("habit", habit.name))

    def _single_events(
        self, payments: Cluster, vault: Cluster, signing: Cluster
    ) -> list[tuple[int, str, Routine]]:
        return [
            (2 * DAY, "mistyped", mistype_password(payments, _CUSTODIAN)),
            (3 * DAY + 1 * HOUR, "newcomer", _by_officer(payments, "alice", "enlist", "nadia")),
            (8 * DAY + 2 * HOUR, "renewal", maintain_certificates(payments)),
            (9 * DAY + 3 * HOUR, "forgotten", _by_officer(signing, "henrik", "reset", "release")),
            (10 * DAY + 1 * HOUR, "mistyped again", mistype_password(payments, _CUSTODIAN)),
            (14 * DAY + 1 * HOUR, "approved", _by_officer(vault, "alice", "approved", "oskar")),
            (self._joins_at, "joins", add_hsm(vault)),
            (11 * DAY + 2 * HOUR, "renewal of vault", maintain_certificates(vault)),
            (17 * DAY + 2 * HOUR, "label", _on_an_old_key(payments, codes.MODIFY_OBJECT)),
            (21 * DAY + 1 * HOUR, "leaver", _by_officer(payments, "bruno", "dismiss", "nadia")),
            (22 * DAY + 3 * HOUR, "mistyped by release", mistype_password(signing, "release")),
            (24 * DAY + 1 * HOUR, "review", _by_officer(signing, "admin", "look", "")),
            (28 * DAY + 2 * HOUR, "old key", _on_an_old_key(payments, codes.TOMBSTONE_OBJECT)),
        ]


def _plans(rng: Rng) -> tuple[ClusterPlan, ClusterPlan, ClusterPlan]:
    older, newer = Generation.OLDER, Generation.NEWER
    return (
        plan_cluster(
            rng.for_part("payments"),
            "payments",
            older,
            (Separator.SPACE, Separator.NONE, Separator.TAB),
            officers=("admin", "alice", "bruno"),
            crypto_users=("payments_app", "cardissuing", "tlsedge", _CUSTODIAN),
        ),
        plan_cluster(
            rng.for_part("vault"),
            "vault",
            newer,
            (Separator.PADDING_TABS, Separator.SPACE),
            officers=("admin", "alice", "henrik"),
            crypto_users=(KMS_USER, "dbcrypto"),
        ),
        plan_cluster(
            rng.for_part("signing"),
            "signing",
            newer,
            (Separator.SPACE, Separator.SPACE),
            officers=("admin", "henrik"),
            crypto_users=("codesigning", "timestamping", "release"),
        ),
    )


def _at_work(plan: ClusterPlan, rng: Rng) -> Cluster:
    """The cluster as it was before the month: HSMs with many earlier records, users, keys."""
    cluster = Cluster(plan, rng.for_part("cluster"))
    for name in plan.officers:
        cluster.add_user(name, codes.CRYPTO_OFFICER)
    for name in plan.crypto_users:
        cluster.add_user(name, codes.CRYPTO_USER)
    for hsm in plan.hsms:
        cluster.take_in(cluster.create_hsm(hsm, rng.between(40_000, 400_000)))
    for _ in range(_KEYS_AT_FIRST):
        cluster.keep_key(cluster.new_handle(), rng.pick(plan.crypto_users))
    cluster.wrapping_key = cluster.new_handle()
    return cluster


def _habits(payments: Cluster, vault: Cluster, signing: Cluster) -> list[Habit]:
    def application(
        cluster: Cluster, user: str, minutes: int, *, wraps: bool = False, by_day: bool = False
    ) -> Habit:
        routine = keys.work(cluster, user, _WRAPPING if wraps else _APPLICATION)
        name = f"{cluster.plan.name} {user}"
        return Habit(name, routine, minutes * MINUTE, by_people=by_day)

    each = (payments, vault, signing)
    return [
        application(payments, "payments_app", 15),
        application(payments, "cardissuing", 19, wraps=True),
        application(payments, "tlsedge", 8, by_day=True),
        application(vault, "dbcrypto", 19),
        application(signing, "codesigning", 8, by_day=True),
        application(signing, "timestamping", 16),
        Habit("vault kms", stay_connected(vault), 30 * MINUTE, by_people=False),
        Habit("vault rotation", rotate_password(vault), 10 * DAY, by_people=False),
        Habit("vault clocks", compare_clocks(vault), 12 * HOUR, by_people=False),
        *(Habit(f"{c.plan.name} backup", back_up(c), 1 * DAY, by_people=False) for c in each),
    ]


def _on_an_old_key(cluster: Cluster, opcode: Coded) -> Routine:
    """The custodian runs one operation on a key that is older than the month."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        session = open_session(cluster, cluster.users[_CUSTODIAN], timeline)
        yield from log_in(session, timeline)
        at = timeline.after(20 * SECOND, 2 * MINUTE)
        yield session.command(at, opcode, OneHandle(cluster.plan.first_key_handle))
        timeline.after(5 * SECOND, 40 * SECOND)
        yield from log_out(session, timeline)

    return routine


def _by_officer(cluster: Cluster, officer: str, act: str, user: str) -> Routine:
    """An officer logs in, runs one operation, and logs out."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        session = open_session(cluster, cluster.users[officer], timeline)
        yield from log_in(session, timeline)
        timeline.after(20 * SECOND, 2 * MINUTE)
        if act == "approved":
            yield from gather_approvals(session, timeline, (4 * MINUTE, 9 * MINUTE))
        if act in {"enlist", "approved"}:
            yield from enlist(session, timeline, user, codes.CRYPTO_USER)
        elif act == "dismiss":
            yield from dismiss(session, timeline, user)
        elif act == "reset":
            yield from reset_password(session, timeline, user)
        if act == "approved":
            yield quorum_step(session, timeline, codes.DELETE_TOKEN)
        timeline.after(5 * SECOND, 40 * SECOND)
        yield from log_out(session, timeline)

    return routine
