"""The people who work with the HSMs and the two clusters, before the trail starts.

A fictional card issuer. `payments` has the keys of its payment applications (older firmware,
three HSMs), `vault` is a KMS custom key store that a database team shares (newer firmware, two
HSMs, one of which will fail).
"""

from __future__ import annotations

from dataclasses import dataclass

from samples.layout import Generation, Separator
from samples.rng import Rng

# AWS's API: `cluster-[2-7a-zA-Z]{11,16}`, `hsm-[2-7a-zA-Z]{11,16}`; published ids have 11 small
# characters.
_ID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 11

# People come and go: names for short-lived crypto users.
TEMPORARY_STAFF = ("nadia", "oskar", "priya", "quentin", "rosa", "samir", "tomas", "ursula")

# Names that no HSM has ever known: a mistyped one and a forgotten one.
UNKNOWN_NAMES = ("paymnts_app", "old_batch", "carduser", "testuser")

# What someone tries who does not know the organisation ...
GUESSED_NAMES = ("admin", "root", "crypto_user", "test", "oracle", "hsm_admin", "backup", "user1")
# ... and what someone tries who hopes that a log is read by a program. At most 31 characters, as
# user names are.
HOSTILE_NAMES = (
    "x\nTime: 01/02/30 03:04:05.6789",
    "</data></event><event><data>",
    "\x1b[2J\x1b[31mroot",
    '" | delete index=*',
    "=cmd|' /C calc'!A0",
)


@dataclass(frozen=True)
class HsmPlan:
    """An HSM before it exists: its id, how its firmware prints, its count of reboots."""

    hsm_id: str
    separator: Separator
    reboot_counter: int


@dataclass(frozen=True)
class ClusterPlan:
    """A cluster before it exists; `spare` replaces an HSM that fails."""

    name: str
    cluster_id: str
    generation: Generation
    hsms: tuple[HsmPlan, ...]
    spare: HsmPlan
    officers: tuple[str, ...]
    crypto_users: tuple[str, ...]
    first_key_handle: int

    @property
    def log_group(self) -> str:
        """The log group that AWS names for the cluster."""
        return f"/aws/cloudhsm/{self.cluster_id}"


@dataclass(frozen=True)
class Organisation:
    """The two clusters."""

    payments: ClusterPlan
    vault: ClusterPlan


def plan_organisation(rng: Rng) -> Organisation:
    """The organisation of one seed: its people are always the same, ids and counters are random."""
    ids: list[str] = []

    def new_id() -> str:
        while True:
            candidate = rng.text(_ID_ALPHABET, _ID_LENGTH)
            if candidate not in ids:
                ids.append(candidate)
                return candidate

    def hsm(separator: Separator) -> HsmPlan:
        return HsmPlan(f"hsm-{new_id()}", separator, rng.between(0x0D, 0x1FF))

    payments = ClusterPlan(
        name="payments",
        cluster_id=f"cluster-{new_id()}",
        generation=Generation.OLDER,
        hsms=(hsm(Separator.SPACE), hsm(Separator.NONE), hsm(Separator.TAB)),
        spare=hsm(Separator.SPACE),
        officers=("admin", "alice", "bruno", "chiara"),
        crypto_users=("payments_app", "cardissuing", "tlsedge", "dora"),
        first_key_handle=262_144 + rng.between(1, 40),
    )
    vault = ClusterPlan(
        name="vault",
        cluster_id=f"cluster-{new_id()}",
        generation=Generation.NEWER,
        hsms=(hsm(Separator.PADDING_TABS), hsm(Separator.SPACE)),
        spare=hsm(Separator.TAB),
        officers=("admin", "alice", "henrik"),
        crypto_users=("kmsuser", "dbcrypto", "codesigning"),
        first_key_handle=2_490_368 + rng.between(1, 40),
    )
    return Organisation(payments, vault)


def plan_cluster(
    rng: Rng,
    name: str,
    generation: Generation,
    separators: tuple[Separator, ...],
    *,
    officers: tuple[str, ...],
    crypto_users: tuple[str, ...],
) -> ClusterPlan:
    """Another cluster, with an HSM for each separator; ids, counters and handles are random."""

    def hsm(separator: Separator) -> HsmPlan:
        hsm_id = f"hsm-{rng.text(_ID_ALPHABET, _ID_LENGTH)}"
        return HsmPlan(hsm_id, separator, rng.between(0x0D, 0x1FF))

    return ClusterPlan(
        name=name,
        cluster_id=f"cluster-{rng.text(_ID_ALPHABET, _ID_LENGTH)}",
        generation=generation,
        hsms=tuple(hsm(separator) for separator in separators),
        spare=hsm(separators[-1]),
        officers=officers,
        crypto_users=crypto_users,
        first_key_handle=rng.between(262_144, 3_000_000),
    )
