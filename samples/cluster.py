"""An active cluster: the HSMs that are in it now, its users, its keys."""

from __future__ import annotations

from dataclasses import dataclass

from samples.codes import Coded
from samples.hsm import CertificateStore, Hsm
from samples.layout import Generation
from samples.organisation import ClusterPlan, HsmPlan
from samples.rng import Rng

# Enough to choose from; older keys are deleted, so that a long trail needs no more memory than a
# short one.
KEYS_KEPT = 60


@dataclass(frozen=True)
class User:
    """A user of a cluster, with the number that the newer generation prints."""

    name: str
    user_type: Coded
    user_id: int


@dataclass(frozen=True)
class Key:
    """A token key and the name of the crypto user who owns it."""

    handle: int
    owner: str


class Cluster:
    """State that routines read and change. Users and keys are the same on all HSMs of a cluster."""

    def __init__(self, plan: ClusterPlan, rng: Rng) -> None:
        self.plan = plan
        self.hsms: list[Hsm] = []
        self.every_hsm: list[Hsm] = []
        self.users: dict[str, User] = {}
        self.keys: list[Key] = []
        self.certificates: list[int] = []
        self.wrapping_key: int | None = None
        self.quorum_required = False
        self.certificate_store = CertificateStore(
            plan.cluster_id, plan.log_group, indented=plan.generation is Generation.OLDER
        )
        self._rng = rng
        self._last_handle = plan.first_key_handle

    @property
    def encrypts_sessions(self) -> bool:
        """Newer firmware records the set-up of an encrypted session before each login."""
        return self.plan.generation is Generation.NEWER

    def create_hsm(self, plan: HsmPlan, first_sequence: int = 0) -> Hsm:
        """A new HSM with a stream of its own, not yet in service."""
        rng = self._rng.for_part(plan.hsm_id)
        hsm = Hsm(plan, self.plan.log_group, self.plan.generation, rng, first_sequence)
        self.every_hsm.append(hsm)
        return hsm

    def take_in(self, hsm: Hsm) -> None:
        """From now on clients know `hsm`."""
        self.hsms.append(hsm)

    def put_out(self, hsm: Hsm) -> None:
        """From now on clients no longer use `hsm`."""
        self.hsms.remove(hsm)

    def add_user(self, name: str, user_type: Coded) -> User:
        """A new user with the smallest free number: HSMs reuse user IDs."""
        taken = [user.user_id for user in self.users.values()]
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        self.users[name] = User(name, user_type, number)
        return self.users[name]

    def remove_user(self, name: str) -> None:
        """Forget a user."""
        del self.users[name]

    def new_handle(self) -> int:
        """A key handle that was never used before."""
        self._last_handle += self._rng.between(1, 4)
        return self._last_handle

    def keep_key(self, handle: int, owner: str) -> None:
        """Remember a token key, forgetting the oldest if there are too many to choose from."""
        self.keys = [*self.keys, Key(handle, owner)][-KEYS_KEPT:]
