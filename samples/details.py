"""What a record contains after its head, and how each generation prints it. Pure.

`provenance` returns which of these layouts a vendor has published. All others are inferred: from
the AWS table that lists which opcodes name a user or a key, and from the optional lines that the
parser of the SIEM on Amazon OpenSearch Service accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Union

from samples import codes
from samples.codes import Coded
from samples.layout import Generation, clock_text, coded_text


class Provenance(str, Enum):
    """Where a layout comes from."""

    PUBLISHED = "published"
    INFERRED = "inferred"


@dataclass(frozen=True)
class NoDetail:
    """A record that ends with its log type."""

    log_type: Coded = codes.MINIMAL_LOG


MINIMAL = NoDetail()


@dataclass(frozen=True)
class ActingUser:
    """A login, a logout or a quorum command: `User Name` is the acting user."""

    name: str
    user_type: Coded


@dataclass(frozen=True)
class ManagedUser:
    """A user created, deleted or changed. The older generation prints it as `User Name` too."""

    name: str
    user_type: Coded
    user_id: int


@dataclass(frozen=True)
class KeyHandles:
    """A key operation. Handle 0 means none; `mechanism` is printed by the newer generation only."""

    secret: int
    public: int = 0
    mechanism: int | None = None


@dataclass(frozen=True)
class OneHandle:
    """An operation on one existing object (modify, delete)."""

    handle: int


@dataclass(frozen=True)
class Sharing:
    """A key shared or unshared with one user. The older generation prints no detail at all."""

    handle: int
    operation: Coded
    user_id: int


@dataclass(frozen=True)
class ClockReading:
    """The HSM's clock compared with its host's, which is ahead; both values in microseconds."""

    host_ahead_usecs: int
    delay_usecs: int


@dataclass(frozen=True)
class BackupStep:
    """A backup or restore; its lines are not public, so none are printed."""


Detail = Union[
    NoDetail, ActingUser, ManagedUser, KeyHandles, OneHandle, Sharing, ClockReading, BackupStep
]
Line = tuple[str, str]

_HANDLE_OPCODES = (
    codes.GENERATE_KEY,
    codes.GENERATE_KEY_PAIR,
    codes.WRAP_KEY,
    codes.UNWRAP_KEY,
    codes.NIST_AES_WRAP,
    codes.EXTRACT_MASKED,
    codes.INSERT_MASKED,
)
_MANAGED_USER_OPCODES = (
    codes.CREATE_APPLIANCE_USER,
    codes.CREATE_USER,
    codes.CREATE_CO,
    codes.DELETE_USER,
    codes.CHANGE_PSWD,
)
# Opcode and detail of the records that vendors have published in full, all of the older generation.
_PUBLISHED: frozenset[tuple[str, type[object]]] = frozenset(
    [
        *((opcode.name, KeyHandles) for opcode in _HANDLE_OPCODES),
        *((opcode.name, ManagedUser) for opcode in _MANAGED_USER_OPCODES),
        (codes.LOGIN.name, ActingUser),
        (codes.LOGOUT.name, ActingUser),
        (codes.DESTROY_OBJECT.name, OneHandle),
        (codes.SHARE_OBJECT.name, Sharing),
        (codes.INIT_TOKEN.name, NoDetail),
        (codes.GEN_PSWD_ENC_KEY.name, NoDetail),
        (codes.INIT_DONE.name, NoDetail),
    ]
)


def provenance(generation: Generation, opcode: Coded, detail: Detail) -> Provenance:
    """Whether a complete record of this layout is public."""
    published = generation is Generation.OLDER and (opcode.name, type(detail)) in _PUBLISHED
    return Provenance.PUBLISHED if published else Provenance.INFERRED


def log_type_and_lines(
    detail: Detail, generation: Generation, usecs: int
) -> tuple[Coded, tuple[Line, ...]]:
    """The log type and the last lines of a record written at `usecs` (microseconds since 1970)."""
    if isinstance(detail, NoDetail):
        return detail.log_type, ()
    if isinstance(detail, ClockReading):
        return codes.TIME_INFO_LOG, tuple(_clock_lines(detail, usecs))
    if generation is Generation.OLDER:
        return _older(detail)
    return _newer(detail)


def _older(
    detail: ActingUser | ManagedUser | KeyHandles | OneHandle | Sharing | BackupStep,
) -> tuple[Coded, tuple[Line, ...]]:
    if isinstance(detail, (ActingUser, ManagedUser)):
        return codes.MGMT_USER_DETAILS_LOG, _user_lines("User", detail)
    if isinstance(detail, KeyHandles):
        return codes.MGMT_KEY_DETAILS_LOG, (_secret(detail.secret), _public(detail.public))
    if isinstance(detail, OneHandle):
        return codes.MGMT_KEY_DETAILS_LOG, (_secret(detail.handle), _public(0))
    return (codes.UNKNOWN_LOG_TYPE if isinstance(detail, Sharing) else codes.MINIMAL_LOG), ()


def _newer(
    detail: ActingUser | ManagedUser | KeyHandles | OneHandle | Sharing | BackupStep,
) -> tuple[Coded, tuple[Line, ...]]:
    if isinstance(detail, ActingUser):
        return codes.USER_AUTH_LOG, (*_user_lines("User", detail), ("Mfa enabled", "No"))
    if isinstance(detail, ManagedUser):
        target_id = ("Target User id", str(detail.user_id))
        return codes.USER_MANAGE_LOG, (*_user_lines("Target User", detail), target_id)
    if isinstance(detail, KeyHandles):
        return codes.KEY_DETAILS_LOG, tuple(_newer_key_lines(detail))
    if isinstance(detail, OneHandle):
        return codes.MGMT_KEY_DETAILS_LOG, (_public(0), _object(detail.handle))
    if isinstance(detail, Sharing):
        return codes.KEY_DETAILS_LOG, tuple(_sharing_lines(detail))
    return codes.BACKUP_RESTORE_LOG, ()


def _user_lines(whose: str, user: ActingUser | ManagedUser) -> tuple[Line, Line]:
    return (f"{whose} Name", user.name), (f"{whose} Type", coded_text(user.user_type))


def _secret(handle: int) -> Line:
    return "Priv/Secret Key Handle", str(handle)


def _public(handle: int) -> Line:
    return "Public Key Handle", str(handle)


def _object(handle: int) -> Line:
    return "Key Handle", str(handle)


def _newer_key_lines(detail: KeyHandles) -> Iterator[Line]:
    yield _public(detail.public)
    yield _secret(detail.secret)
    if detail.mechanism is not None:
        yield "Mechanism", str(detail.mechanism)


def _sharing_lines(detail: Sharing) -> Iterator[Line]:
    yield _object(detail.handle)
    yield "Operation", coded_text(detail.operation)
    yield "Number of Users", "1"
    yield "UserIDs", str(detail.user_id)


def _clock_lines(detail: ClockReading, usecs: int) -> Iterator[Line]:
    host = usecs + detail.host_ahead_usecs
    # The published fragment has a comma before the first `usec:` and none before the second.
    yield "local time", f"{clock_text(usecs)}, usec:{usecs}"
    yield "host time", f"{clock_text(host)} usec:{host}"
    yield "propagation delay", f"usec:{detail.delay_usecs}"
