"""Incidents: mistyped passwords and names, refused operations, and one night of guessing.

AWS locks a user after five wrong passwords per HSM. The response to a login of a locked user is
not public, so no user here gets that far.
"""

from __future__ import annotations

from collections.abc import Iterator

from samples import codes
from samples.cluster import Cluster, User
from samples.codes import Coded, Response
from samples.details import Detail, KeyHandles, ManagedUser, OneHandle
from samples.layout import Generation
from samples.organisation import GUESSED_NAMES, HOSTILE_NAMES, TEMPORARY_STAFF, UNKNOWN_NAMES
from samples.routines.keys import change_attribute
from samples.routines.sessions import log_in, log_out, open_session
from samples.steps import MILLISECOND, SECOND, Routine, Step, Timeline

_PASSWORDS_TRIED_PER_USER = 4
_STRAY_HANDLE = 7


def mistype_password(cluster: Cluster, user_name: str) -> Routine:
    """One or two wrong passwords, then the right one."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        user = cluster.users[user_name]
        for _ in range(timeline.rng.between(1, 2)):
            yield from _fail_to_log_in(cluster, user, timeline, codes.LOGIN_FAILURE)
            timeline.after(3 * SECOND, 20 * SECOND)
        session = open_session(cluster, user, timeline)
        yield from log_in(session, timeline)
        timeline.after(5 * SECOND, 30 * SECOND)
        yield from change_attribute(session, timeline)
        yield from log_out(session, timeline)

    return routine


def mistype_name(cluster: Cluster) -> Routine:
    """Somebody logs in under a name that does not exist."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        nobody = User(timeline.rng.pick(UNKNOWN_NAMES), codes.CRYPTO_USER, user_id=0)
        yield from _fail_to_log_in(cluster, nobody, timeline, _unknown_user(cluster))

    return routine


def run_into_refusals(cluster: Cluster, user_name: str) -> Routine:
    """A session in which one operation after the other is refused."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        session = open_session(cluster, cluster.users[user_name], timeline)
        yield from log_in(session, timeline)
        for opcode, detail, response in _refusals(cluster, user_name):
            at = timeline.after(2 * SECOND, 15 * SECOND)
            yield session.command(at, opcode, detail, response)
        timeline.after(1 * SECOND, 5 * SECOND)
        yield from log_out(session, timeline)

    return routine


def guess_passwords(cluster: Cluster) -> Routine:
    """Some minutes of trying: usual names, known names, and each hostile name once."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        known = [name for name in cluster.plan.officers if name != GUESSED_NAMES[0]]
        for name in [*GUESSED_NAMES, *known, *HOSTILE_NAMES]:
            hostile = name in HOSTILE_NAMES
            for _ in range(1 if hostile else timeline.rng.between(2, _PASSWORDS_TRIED_PER_USER)):
                timeline.after(400 * MILLISECOND, 4 * SECOND)
                # Hostile names come from the intruder's own program, connected to one HSM only.
                yield from _guess(cluster, name, timeline, alone=hostile)

    return routine


def _guess(cluster: Cluster, name: str, timeline: Timeline, *, alone: bool) -> Iterator[Step]:
    user = cluster.users.get(name)
    response = codes.LOGIN_FAILURE if user else _unknown_user(cluster)
    user = user or User(name, codes.CRYPTO_USER, user_id=0)
    return _fail_to_log_in(cluster, user, timeline, response, alone=alone)


def _fail_to_log_in(
    cluster: Cluster, user: User, timeline: Timeline, response: Response, *, alone: bool = False
) -> Iterator[Step]:
    session = open_session(cluster, user, timeline, authenticated=False, alone=alone)
    return log_in(session, timeline, response)


def _unknown_user(cluster: Cluster) -> Response:
    older = cluster.plan.generation is Generation.OLDER
    return codes.USER_NOT_INITIALISED if older else codes.USER_UNKNOWN


def _refusals(cluster: Cluster, user_name: str) -> list[tuple[Coded, Detail, Response]]:
    foreign = [key.handle for key in cluster.keys if key.owner != user_name]
    foreign_key = foreign[-1] if foreign else _STRAY_HANDLE
    nobody = ManagedUser(TEMPORARY_STAFF[0], codes.CRYPTO_USER, user_id=0)
    return [
        (codes.TOMBSTONE_OBJECT, OneHandle(_STRAY_HANDLE), codes.INVALID_HANDLE),
        (codes.WRAP_KEY, KeyHandles(foreign_key), codes.KEY_ACCESS_DENIED),
        (codes.MODIFY_OBJECT, OneHandle(foreign_key), codes.KEY_ACCESS_DENIED),
        (codes.GENERATE_KEY_PAIR, KeyHandles(0), codes.POLICY_VIOLATION),
        (codes.GENERATE_KEY, KeyHandles(0), codes.BUSY),
        (codes.CREATE_USER, nobody, codes.INVALID_USER_TYPE),
    ]
