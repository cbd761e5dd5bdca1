"""What crypto users do with keys.

AWS: the HSM that makes a key records the generation and CN_EXTRACT_MASKED_OBJECT_USER, the others
record CN_INSERT_MASKED_OBJECT_USER with the same handle. An export is CN_WRAP_KEY with the key's
handle, then CN_NIST_AES_WRAP with the wrapping key's; an import is CN_NIST_AES_WRAP, then
CN_UNWRAP_KEY with the new handle.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

from samples import codes
from samples.cluster import Cluster
from samples.codes import Coded
from samples.details import KeyHandles, NoDetail, OneHandle, Sharing
from samples.layout import Generation
from samples.routines.sessions import Session, hang_up, log_in, log_out, open_session
from samples.steps import MILLISECOND, SECOND, Routine, Step, Timeline, Wait

# Numbers of PKCS #11 mechanisms; that `Mechanism` contains these is inferred.
_AES_KEY_GEN = 0x1080
_EC_KEY_PAIR_GEN = 0x1040
_AES_KEY_WRAP = 0x2109
_SHA256_DERIVATION = 0x0393

Task = Callable[[Session, Timeline], Iterator[Step]]


def generate_key(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A symmetric token key, synchronised by the client."""
    handle = yield from _make_key(session, timeline)
    session.cluster.keep_key(handle, session.user.name)


def generate_key_pair(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A token key pair; both halves are synchronised."""
    public, private = session.cluster.new_handle(), session.cluster.new_handle()
    detail = KeyHandles(private, public, _EC_KEY_PAIR_GEN)
    yield _at_home(session, timeline, codes.GENERATE_KEY_PAIR, detail)
    session.cluster.keep_key(private, session.user.name)
    yield from _synchronise(session, timeline, public)
    yield from _synchronise(session, timeline, private)


def use_session_key_pair(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A key pair for the session only; its halves are deleted within two milliseconds."""
    public, private = session.cluster.new_handle(), session.cluster.new_handle()
    detail = KeyHandles(private, public, _EC_KEY_PAIR_GEN)
    yield _at_home(session, timeline, codes.GENERATE_KEY_PAIR, detail)
    timeline.after(30 * MILLISECOND, 90 * MILLISECOND)
    for handle in (public, private):
        at = timeline.after(300, 1_900)
        yield session.command(at, codes.DESTROY_OBJECT, OneHandle(handle))


def export_key(session: Session, timeline: Timeline) -> Iterator[Step]:
    """One of the user's keys leaves, wrapped."""
    wrapping = yield from _wrapping_key(session, timeline)
    handle = _own_key(session, timeline) or wrapping
    yield _at_home(session, timeline, codes.WRAP_KEY, KeyHandles(handle, 0, _AES_KEY_WRAP))
    yield _nist_aes_wrap(session, timeline, wrapping)


def import_key(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A wrapped key comes in and is synchronised."""
    wrapping = yield from _wrapping_key(session, timeline)
    handle = session.cluster.new_handle()
    yield _nist_aes_wrap(session, timeline, wrapping)
    at = timeline.after(20 * MILLISECOND, 40 * MILLISECOND)
    yield session.command(at, codes.UNWRAP_KEY, KeyHandles(handle, 0, _AES_KEY_WRAP))
    session.cluster.keep_key(handle, session.user.name)
    yield from _synchronise(session, timeline, handle)


def derive_key(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A token key derived from another."""
    handle = session.cluster.new_handle()
    yield _at_home(session, timeline, codes.DERIVE_KEY, KeyHandles(handle, 0, _SHA256_DERIVATION))
    session.cluster.keep_key(handle, session.user.name)
    yield from _synchronise(session, timeline, handle)


def import_public_key(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A public key comes in as it is."""
    handle = session.cluster.new_handle()
    yield _at_home(session, timeline, codes.CREATE_OBJECT, KeyHandles(0, handle))
    yield from _synchronise(session, timeline, handle)


def share_key(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A key is shared with another crypto user, or no longer."""
    handle = _own_key(session, timeline)
    partners = [
        user
        for user in session.cluster.users.values()
        if user.user_type == codes.CRYPTO_USER and user != session.user
    ]
    if handle is None or not partners:
        return
    operation = timeline.rng.weighted([(codes.SHARE, 3), (codes.UNSHARE, 1)])
    detail = Sharing(handle, operation, timeline.rng.pick(partners).user_id)
    yield _at_home(session, timeline, codes.SHARE_OBJECT, detail)


def change_attribute(session: Session, timeline: Timeline) -> Iterator[Step]:
    """An attribute of a key is set."""
    handle = _own_key(session, timeline)
    if handle is not None:
        yield _at_home(session, timeline, codes.MODIFY_OBJECT, OneHandle(handle))


def delete_token_key(session: Session, timeline: Timeline) -> Iterator[Step]:
    """A token key is deleted: AWS's newest table calls that CN_TOMBSTONE_OBJECT."""
    handle = _own_key(session, timeline)
    if handle is None:
        return
    keys = session.cluster.keys
    session.cluster.keys = [key for key in keys if key.handle != handle]
    yield _at_home(session, timeline, codes.TOMBSTONE_OBJECT, OneHandle(handle))


def draw_random_number(session: Session, timeline: Timeline) -> Iterator[Step]:
    """CN_FIPS_RAND, which only the older HSM type records."""
    if session.cluster.plan.generation is Generation.OLDER:
        yield _at_home(session, timeline, codes.FIPS_RAND, NoDetail())


TASKS: tuple[tuple[Task, int], ...] = (
    (generate_key, 22),
    (generate_key_pair, 8),
    (use_session_key_pair, 12),
    (export_key, 9),
    (import_key, 7),
    (derive_key, 4),
    (import_public_key, 3),
    (share_key, 6),
    (change_attribute, 8),
    (delete_token_key, 14),
    (draw_random_number, 4),
)
_MOST_TASKS = 5


def work(cluster: Cluster, user_name: str, tasks: Sequence[tuple[Task, int]] = TASKS) -> Routine:
    """A crypto user logs in, does a few of the tasks (with weights), leaves; now and then without a
    logout.
    """

    def routine(timeline: Timeline) -> Iterator[Step]:
        session = open_session(cluster, cluster.users[user_name], timeline)
        yield from log_in(session, timeline)
        for _ in range(timeline.rng.between(1, _MOST_TASKS)):
            yield Wait(timeline.after(1 * SECOND, 40 * SECOND))
            task = timeline.rng.weighted(tasks)
            yield from task(session, timeline)
        timeline.after(1 * SECOND, 60 * SECOND)
        yield from _leave(session, timeline)

    return routine


def issue_batch(cluster: Cluster, user_name: str, keys: int, losing: int) -> Routine:
    """Many keys are made on one HSM, and `losing` of its records are never delivered."""

    def routine(timeline: Timeline) -> Iterator[Step]:
        home = cluster.hsms[1]
        session = open_session(cluster, cluster.users[user_name], timeline, home)
        yield from log_in(session, timeline)
        for number in range(keys):
            if number == keys // 3:
                home.lose(losing)
            timeline.after(100 * MILLISECOND, 900 * MILLISECOND)
            yield from generate_key(session, timeline)
        yield from log_out(session, timeline)

    return routine


def _leave(session: Session, timeline: Timeline) -> Iterator[Step]:
    ending = timeline.rng.weighted([("logout", 8), ("finalize", 1), ("close", 1)])
    if ending == "logout":
        yield from log_out(session, timeline)
    else:
        opcode = codes.APP_FINALIZE if ending == "finalize" else codes.CLOSE_SESSION
        yield from hang_up(session, timeline, opcode)


def _at_home(
    session: Session,
    timeline: Timeline,
    opcode: Coded,
    detail: KeyHandles | OneHandle | Sharing | NoDetail,
) -> Step:
    at = timeline.after(40 * MILLISECOND, 160 * MILLISECOND)
    return session.command(at, opcode, detail)


def _make_key(session: Session, timeline: Timeline) -> Generator[Step, None, int]:
    handle = session.cluster.new_handle()
    yield _at_home(session, timeline, codes.GENERATE_KEY, KeyHandles(handle, 0, _AES_KEY_GEN))
    yield from _synchronise(session, timeline, handle)
    return handle


def _synchronise(session: Session, timeline: Timeline, handle: int) -> Iterator[Step]:
    at = timeline.after(1 * MILLISECOND, 4 * MILLISECOND)
    yield session.command(at, codes.EXTRACT_MASKED, KeyHandles(handle))
    for hsm in session.others:
        at = timeline.after(30 * MILLISECOND, 90 * MILLISECOND)
        yield session.command(at, codes.INSERT_MASKED, KeyHandles(handle), on=hsm)


def _nist_aes_wrap(session: Session, timeline: Timeline, wrapping: int) -> Step:
    at = timeline.after(30 * MILLISECOND, 60 * MILLISECOND)
    return session.command(at, codes.NIST_AES_WRAP, KeyHandles(wrapping, 0, _AES_KEY_WRAP))


def _wrapping_key(session: Session, timeline: Timeline) -> Generator[Step, None, int]:
    cluster = session.cluster
    if cluster.wrapping_key is None:
        cluster.wrapping_key = yield from _make_key(session, timeline)
    return cluster.wrapping_key


def _own_key(session: Session, timeline: Timeline) -> int | None:
    own = [key.handle for key in session.cluster.keys if key.owner == session.user.name]
    return timeline.rng.pick(own) if own else None
