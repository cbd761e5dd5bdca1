"""How HSMs begin, join, are saved and end; what AWS and the first crypto officer do.

AWS: the first HSM of a cluster starts its stream with CN_INIT_TOKEN, CN_GEN_PSWD_ENC_KEY,
CN_CREATE_APPLIANCE_USER, CN_INIT_DONE; one cloned from a backup starts with a login. The password
change of the pre-crypto officer activates the cluster. A measured cluster of the newer HSM type: a
joining HSM starts with restore and certificate records; a deleted one ends with END_MARKER_OPCODE.
"""

from __future__ import annotations

from collections.abc import Iterator

from samples import codes
from samples.cluster import Cluster, User
from samples.codes import Coded
from samples.details import BackupStep, Detail, ManagedUser, NoDetail
from samples.hsm import Entry, Hsm
from samples.organisation import HsmPlan
from samples.rng import Rng
from samples.routines.sessions import Session, log_in, log_out, open_session
from samples.routines.users import enlist
from samples.steps import MILLISECOND, MINUTE, SECOND, HsmStep, Routine, Step, Timeline

_FIRST_OFFICER = "admin"
_APPLIANCE_USER = "app_user"


def found_cluster(cluster: Cluster) -> Routine:
    """From nothing to a cluster in service: first HSM, activation, staff, then the other HSMs."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        first, *others = cluster.plan.hsms
        hsm = cluster.create_hsm(first)
        yield from _initialise(cluster, hsm, timeline)
        cluster.take_in(hsm)
        timeline.after(1 * MINUTE, 2 * MINUTE)
        yield from _activate(cluster, timeline)
        timeline.after(20 * SECOND, 60 * SECOND)
        yield from _appoint_staff(cluster, timeline)
        for plan in others:
            timeline.after(1 * MINUTE, 2 * MINUTE)
            yield from _join(cluster, plan, timeline)

    return routine


def back_up(cluster: Cluster) -> Routine:
    """AWS's regular backup, taken from one HSM."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        yield from _back_up(timeline.rng.pick(cluster.hsms), timeline)

    return routine


def replace_last_hsm(cluster: Cluster) -> Routine:
    """The last HSM fails; minutes later the spare joins, with an id and a stream of its own."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        failing = cluster.hsms[-1]
        yield HsmStep(
            timeline.now, failing, Entry(codes.END_MARKER, command_type=codes.SPECIAL_CMD)
        )
        cluster.put_out(failing)
        timeline.after(3 * MINUTE, 6 * MINUTE)
        yield from _join(cluster, cluster.plan.spare, timeline)

    return routine


def add_hsm(cluster: Cluster) -> Routine:
    """The spare HSM joins a cluster that needs more of them."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        yield from _join(cluster, cluster.plan.spare, timeline)

    return routine


def _initialise(cluster: Cluster, hsm: Hsm, timeline: Timeline) -> Iterator[Step]:
    handle = hsm.open_session().command
    appliance = ManagedUser(_APPLIANCE_USER, codes.APPLIANCE_USER, user_id=2)
    commands: list[tuple[Coded, Detail]] = [
        (codes.INIT_TOKEN, NoDetail()),
        (codes.GEN_PSWD_ENC_KEY, NoDetail()),
        (codes.CREATE_APPLIANCE_USER, appliance),
        (codes.INIT_DONE, NoDetail()),
    ]
    if cluster.encrypts_sessions:
        commands.insert(2, (codes.GEN_KEY_ENC_KEY, NoDetail()))
    for opcode, detail in commands:
        at = timeline.after(30 * MILLISECOND, 180 * MILLISECOND)
        yield HsmStep(at, hsm, Entry(opcode, detail, session_handle=handle))
    yield _certificate_step(hsm, codes.CERT_AUTH_STORE_CERT, timeline)


def _activate(cluster: Cluster, timeline: Timeline) -> Iterator[Step]:
    pre_officer = User(_FIRST_OFFICER, codes.PRE_OFFICER, user_id=1)
    session = open_session(cluster, pre_officer, timeline)
    yield from log_in(session, timeline)
    at = timeline.after(8 * SECOND, 25 * SECOND)
    own_password = ManagedUser(_FIRST_OFFICER, codes.PRE_OFFICER, pre_officer.user_id)
    yield session.command(at, codes.CHANGE_PSWD, own_password)
    cluster.add_user(_FIRST_OFFICER, codes.CRYPTO_OFFICER)
    cluster.add_user(_APPLIANCE_USER, codes.APPLIANCE_USER)
    yield from log_out(session, timeline)


def _appoint_staff(cluster: Cluster, timeline: Timeline) -> Iterator[Step]:
    session = open_session(cluster, cluster.users[_FIRST_OFFICER], timeline)
    yield from log_in(session, timeline)
    staff = [
        *((name, codes.CRYPTO_OFFICER) for name in cluster.plan.officers[1:]),
        *((name, codes.CRYPTO_USER) for name in cluster.plan.crypto_users),
    ]
    for name, user_type in staff:
        timeline.after(4 * SECOND, 12 * SECOND)
        yield from enlist(session, timeline, name, user_type)
    timeline.after(1 * SECOND, 5 * SECOND)
    yield from log_out(session, timeline)


def _join(cluster: Cluster, plan: HsmPlan, timeline: Timeline) -> Iterator[Step]:
    yield from _back_up(cluster.hsms[0], timeline)
    timeline.after(30 * SECOND, 60 * SECOND)
    joining = cluster.create_hsm(plan)
    if cluster.encrypts_sessions:
        yield from _restore(cluster.hsms[0], joining, timeline)
        cluster.take_in(joining)
        return
    # No client uses the HSM before the officer's login is the first record of its stream.
    session = _first_visit(cluster, joining, timeline.rng, timeline)
    login = log_in(session, timeline)
    yield next(login)
    cluster.take_in(joining)
    yield from login
    timeline.after(5 * SECOND, 20 * SECOND)
    yield from log_out(session, timeline)


def _first_visit(cluster: Cluster, joining: Hsm, rng: Rng, timeline: Timeline) -> Session:
    officer = cluster.users[rng.pick(cluster.plan.officers)]
    others = tuple(cluster.hsms)
    timeline.after(1 * SECOND, 5 * SECOND)
    handles = {hsm.log_stream: hsm.open_session() for hsm in (joining, *others)}
    return Session(cluster, officer, joining, others, handles)


def _back_up(hsm: Hsm, timeline: Timeline) -> Iterator[Step]:
    handle = hsm.open_session().command
    for opcode in (codes.BACKUP_BEGIN, codes.BACKUP_END):
        at = timeline.after(2 * SECOND, 15 * SECOND)
        yield HsmStep(at, hsm, Entry(opcode, BackupStep(), session_handle=handle))


def _restore(source: Hsm, joining: Hsm, timeline: Timeline) -> Iterator[Step]:
    handle = joining.open_session().command
    begin = timeline.after(1 * SECOND, 3 * SECOND)
    yield HsmStep(begin, joining, Entry(codes.RESTORE_BEGIN, BackupStep(), session_handle=handle))
    yield _certificate_step(joining, codes.CERT_AUTH_STORE_CERT, timeline)
    yield _certificate_step(joining, codes.CERT_AUTH_VALIDATE_PEER_CERTS, timeline)
    yield _certificate_step(source, codes.CERT_AUTH_SOURCE_KEY_EXCHANGE, timeline)
    yield _certificate_step(joining, codes.CERT_AUTH_TARGET_KEY_EXCHANGE, timeline)
    kek = timeline.after(20 * MILLISECOND, 90 * MILLISECOND)
    yield HsmStep(kek, joining, Entry(codes.GEN_KEY_ENC_KEY, session_handle=handle))
    end = timeline.after(5 * SECOND, 12 * SECOND)
    yield HsmStep(end, joining, Entry(codes.RESTORE_END, BackupStep(), session_handle=handle))


def _certificate_step(hsm: Hsm, opcode: Coded, timeline: Timeline) -> Step:
    at = timeline.after(50 * MILLISECOND, 250 * MILLISECOND)
    handle = hsm.open_session().command
    entry = Entry(opcode, session_handle=handle, command_type=codes.CERT_AUTH_CMD)
    return HsmStep(at, hsm, entry)
