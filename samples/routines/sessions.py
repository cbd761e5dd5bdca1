"""Logging in, running commands, leaving.

AWS: every HSM of the cluster records a login within moments, each with its own sequence number and
session handle; what follows is recorded by the HSM that runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from samples import codes
from samples.cluster import Cluster, User
from samples.codes import Coded, Response
from samples.details import ActingUser, Detail, NoDetail
from samples.hsm import Entry, Hsm, SessionHandles
from samples.steps import MILLISECOND, HsmStep, Step, Timeline


@dataclass(frozen=True)
class Session:
    """A client's connections: to `home`, which runs its commands, and to the other HSMs."""

    cluster: Cluster
    user: User
    home: Hsm
    others: tuple[Hsm, ...]
    handles: dict[str, SessionHandles]
    authenticated: bool = True

    @property
    def hsms(self) -> tuple[Hsm, ...]:
        """All HSMs of the session, the one that works first."""
        return (self.home, *self.others)

    def command(
        self,
        at: int,
        opcode: Coded,
        detail: Detail,
        response: Response = codes.SUCCESS,
        on: Hsm | None = None,
    ) -> HsmStep:
        """One command, run by `home` unless another HSM is given."""
        hsm = on or self.home
        entry = Entry(
            opcode,
            detail,
            response,
            self.handles[hsm.log_stream].command,
            self.user.user_id if self.authenticated else None,
        )
        return HsmStep(at, hsm, entry, ends_routine=hsm is self.home)


def open_session(
    cluster: Cluster,
    user: User,
    timeline: Timeline,
    home: Hsm | None = None,
    *,
    authenticated: bool = True,
    alone: bool = False,
) -> Session:
    """Connections to all HSMs in service, or to `home` alone; chance picks it if not given."""
    home = home or timeline.rng.pick(cluster.hsms)
    others = () if alone else tuple(hsm for hsm in cluster.hsms if hsm is not home)
    handles = {hsm.log_stream: hsm.open_session() for hsm in (home, *others)}
    return Session(cluster, user, home, others, handles, authenticated)


def log_in(
    session: Session, timeline: Timeline, response: Response = codes.SUCCESS
) -> Iterator[Step]:
    """A login on every HSM of the session, within a few hundredths of a second."""
    detail = ActingUser(session.user.name, session.user.user_type)
    succeeded = response == codes.SUCCESS
    for hsm in session.hsms:
        handle = session.handles[hsm.log_stream].login
        at_home = hsm is session.home
        if session.cluster.encrypts_sessions:
            at = timeline.after(2 * MILLISECOND, 9 * MILLISECOND)
            entry = Entry(codes.ENCRYPT_SESSION_V2, NoDetail(), session_handle=handle)
            yield HsmStep(at, hsm, entry, at_home)
        at = timeline.after(9 * MILLISECOND, 60 * MILLISECOND)
        actor = session.user.user_id if succeeded else None
        yield HsmStep(at, hsm, Entry(codes.LOGIN, detail, response, handle, actor), at_home)


def log_out(session: Session, timeline: Timeline) -> Iterator[Step]:
    """An orderly end, recorded by the HSM that worked."""
    detail = ActingUser(session.user.name, session.user.user_type)
    at = timeline.after(1 * MILLISECOND, 40 * MILLISECOND)
    yield session.command(at, codes.LOGOUT, detail)


def hang_up(session: Session, timeline: Timeline, opcode: Coded) -> Iterator[Step]:
    """A client ends without a logout: each HSM sees its connection go (inferred)."""
    detail = ActingUser(session.user.name, session.user.user_type)
    for hsm in session.hsms:
        at = timeline.after(1 * MILLISECOND, 25 * MILLISECOND)
        yield session.command(at, opcode, detail, on=hsm)


def on_every_hsm(
    session: Session, timeline: Timeline, opcode: Coded, detail: Detail
) -> Iterator[Step]:
    """A change of users, repeated on each HSM, since each keeps its own list (inferred)."""
    for hsm in session.hsms:
        at = timeline.after(20 * MILLISECOND, 120 * MILLISECOND)
        yield session.command(at, opcode, detail, on=hsm)
