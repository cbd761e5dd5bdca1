"""What crypto officers do: people come and go, passwords are reset, two officers must agree.

Which lines a quorum record has is not public; by AWS's table it names the user, so it is
printed like a login.
"""

from __future__ import annotations

from collections.abc import Iterator

from samples import codes
from samples.cluster import Cluster
from samples.codes import Coded, Response
from samples.details import ActingUser, ManagedUser
from samples.organisation import TEMPORARY_STAFF
from samples.routines.sessions import Session, log_in, log_out, on_every_hsm, open_session
from samples.steps import MILLISECOND, MINUTE, SECOND, Routine, Step, Timeline

_TEMPORARY_STAFF_AT_ONCE = 3


def enlist(session: Session, timeline: Timeline, name: str, user_type: Coded) -> Iterator[Step]:
    """A new user, created on every HSM."""
    cluster = session.cluster
    opcode = codes.CREATE_CO if user_type == codes.CRYPTO_OFFICER else codes.CREATE_USER
    user = cluster.add_user(name, user_type)
    detail = ManagedUser(user.name, user.user_type, user.user_id)
    yield from on_every_hsm(session, timeline, opcode, detail)


def dismiss(session: Session, timeline: Timeline, name: str) -> Iterator[Step]:
    """A user is deleted on every HSM."""
    user = session.cluster.users[name]
    session.cluster.remove_user(name)
    detail = ManagedUser(user.name, user.user_type, user.user_id)
    yield from on_every_hsm(session, timeline, codes.DELETE_USER, detail)


def reset_password(session: Session, timeline: Timeline, name: str) -> Iterator[Step]:
    """A user's password is changed on every HSM."""
    user = session.cluster.users[name]
    detail = ManagedUser(user.name, user.user_type, user.user_id)
    yield from on_every_hsm(session, timeline, codes.CHANGE_PSWD, detail)


def manage_staff(cluster: Cluster) -> Routine:
    """An officer enlists, dismisses or resets a password, with approval where required."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        officer = timeline.rng.pick(cluster.plan.officers)
        session = open_session(cluster, cluster.users[officer], timeline)
        yield from log_in(session, timeline)
        timeline.after(5 * SECOND, 30 * SECOND)
        if cluster.quorum_required:
            yield from gather_approvals(session, timeline)
        yield from _change_staff(session, timeline)
        if cluster.quorum_required:
            yield quorum_step(session, timeline, codes.DELETE_TOKEN)
        timeline.after(1 * SECOND, 20 * SECOND)
        yield from log_out(session, timeline)

    return routine


def require_quorum(cluster: Cluster) -> Routine:
    """From now on user management needs two officers; the first who forgets it is refused."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        officer = cluster.users[cluster.plan.officers[0]]
        session = open_session(cluster, officer, timeline)
        yield from log_in(session, timeline)
        timeline.after(5 * SECOND, 20 * SECOND)
        acting = ActingUser(officer.name, officer.user_type)
        yield from on_every_hsm(session, timeline, codes.SET_M_VALUE, acting)
        cluster.quorum_required = True
        at = timeline.after(1 * MINUTE, 2 * MINUTE)
        # Refused, so the user number of the newcomer stays 0 (none).
        newcomer = ManagedUser(TEMPORARY_STAFF[-1], codes.CRYPTO_OFFICER, user_id=0)
        yield session.command(at, codes.CREATE_CO, newcomer, codes.QUORUM_MISSING)
        yield from log_out(session, timeline)

    return routine


def _change_staff(session: Session, timeline: Timeline) -> Iterator[Step]:
    users = session.cluster.users
    present = [name for name in TEMPORARY_STAFF if name in users]
    absent = [name for name in TEMPORARY_STAFF if name not in users]
    action = timeline.rng.weighted([("enlist", 4), ("dismiss", 3), ("reset", 2)])
    if action == "reset":
        yield from reset_password(session, timeline, session.cluster.plan.crypto_users[-1])
    elif len(present) == _TEMPORARY_STAFF_AT_ONCE or (present and action == "dismiss"):
        yield from dismiss(session, timeline, timeline.rng.pick(present))
    else:
        yield from enlist(session, timeline, timeline.rng.pick(absent), codes.CRYPTO_USER)


def gather_approvals(
    session: Session,
    timeline: Timeline,
    pace: tuple[int, int] = (20 * SECOND, 90 * SECOND),
) -> Iterator[Step]:
    """An officer requests a token, and two colleagues approve, `pace` microseconds in between."""
    yield quorum_step(session, timeline, codes.GET_TOKEN)
    colleagues = [name for name in session.cluster.plan.officers if name != session.user.name]
    for name in colleagues[:2]:
        timeline.after(*pace)
        approver = open_session(session.cluster, session.cluster.users[name], timeline)
        yield from log_in(approver, timeline)
        timeline.after(5 * SECOND, 15 * SECOND)
        yield quorum_step(approver, timeline, codes.APPROVE_TOKEN)
        yield from log_out(approver, timeline)


def quorum_step(
    session: Session, timeline: Timeline, opcode: Coded, response: Response = codes.SUCCESS
) -> Step:
    """One quorum command of the session's user."""
    at = timeline.after(50 * MILLISECOND, 300 * MILLISECOND)
    detail = ActingUser(session.user.name, session.user.user_type)
    return session.command(at, opcode, detail, response)
