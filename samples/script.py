"""What happens in the organisation, and when: founding, habits, and what every trail has once.

Times of single events are shares of the trail's length, so that a short trail has them all; in a
trail of days they move to a fitting hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

from samples import codes
from samples.cluster import Cluster
from samples.organisation import Organisation
from samples.rng import Rng
from samples.routines.background import (
    compare_clocks,
    log_oddity,
    maintain_certificates,
    rotate_password,
    stay_connected,
)
from samples.routines.incidents import (
    guess_passwords,
    mistype_name,
    mistype_password,
    run_into_refusals,
)
from samples.routines.keys import issue_batch, work
from samples.routines.lifecycle import back_up, found_cluster, replace_last_hsm
from samples.routines.users import manage_staff, require_quorum
from samples.steps import DAY, HOUR, MINUTE, Routine, Start
from samples.working_hours import Habit, next_night, next_working_hour

# Both clusters are in service by then, for every seed.
SETTLED = 20 * MINUTE
_VAULT_FOUNDED = 2 * MINUTE
_BATCH_KEYS = 24
_LATEST_SHARE = 0.9

Hour = Callable[[int], int]


def _any_hour(at: int) -> int:
    return at


class Script:
    """The two clusters and all their events in `length` microseconds."""

    def __init__(self, organisation: Organisation, length: int, volume: float, rng: Rng) -> None:
        self.payments = Cluster(organisation.payments, rng.for_part("payments"))
        self.vault = Cluster(organisation.vault, rng.for_part("vault"))
        self._length = length
        self._volume = volume
        self._rng = rng

    @property
    def clusters(self) -> tuple[Cluster, Cluster]:
        """Both clusters."""
        return self.payments, self.vault

    def plans(self) -> Iterator[Iterator[Start]]:
        """All plans for the scheduler: each item yields starts in the order of time."""
        yield iter([Start(0, ("found", "payments"), found_cluster(self.payments))])
        yield iter([Start(_VAULT_FOUNDED, ("found", "vault"), found_cluster(self.vault))])
        for share, hour, name, routine in self._single_events():
            yield iter([Start(self._at(share, hour), ("once", name), routine)])
        for habit in (*self._habits_of_payments(), *self._habits_of_vault()):
            rng = self._rng.for_part("habit", habit.name)
            yield habit.starts(SETTLED, self._length, self._volume, rng)

    def _at(self, share: float, hour: Hour) -> int:
        at = SETTLED + int((self._length - SETTLED) * share)
        fitting = hour(at)
        return fitting if fitting < self._length * _LATEST_SHARE else at

    def _single_events(self) -> list[tuple[float, Hour, str, Routine]]:
        payments, vault = self.payments, self.vault
        lost = self._rng.between(9, 21)
        batch = issue_batch(payments, "cardissuing", _BATCH_KEYS, lost)
        unlisted = log_oddity(payments, codes.UNLISTED)
        return [
            (0.04, next_working_hour, "work-payments", work(payments, "payments_app")),
            (0.06, next_working_hour, "refusals-payments", run_into_refusals(payments, "dora")),
            (0.09, next_working_hour, "refusals-vault", run_into_refusals(vault, "codesigning")),
            (0.12, next_working_hour, "name-payments", mistype_name(payments)),
            (0.14, next_working_hour, "name-vault", mistype_name(vault)),
            (0.16, next_working_hour, "password-payments", mistype_password(payments, "dora")),
            (0.18, next_working_hour, "password-vault", mistype_password(vault, "dbcrypto")),
            (0.22, next_working_hour, "quorum", require_quorum(payments)),
            (0.30, next_working_hour, "staff-payments", manage_staff(payments)),
            (0.33, next_working_hour, "certificates-payments", maintain_certificates(payments)),
            (0.34, next_working_hour, "certificates-vault", maintain_certificates(vault)),
            (0.36, next_night, "guessing", guess_passwords(payments)),
            (0.40, _any_hour, "clocks", compare_clocks(vault)),
            (0.42, _any_hour, "oddity", log_oddity(vault, codes.UNKNOWN_OPCODE)),
            (0.44, _any_hour, "unlisted", unlisted),
            (0.46, _any_hour, "replacement", replace_last_hsm(vault)),
            (0.70, _any_hour, "rotation", rotate_password(vault)),
            (0.78, _any_hour, "batch", batch),
        ]

    def _habits_of_payments(self) -> list[Habit]:
        cluster = self.payments
        return [
            Habit("payments-app", work(cluster, "payments_app"), 42 * MINUTE),
            Habit("payments-issuing", work(cluster, "cardissuing"), 60 * MINUTE),
            Habit("payments-tls", work(cluster, "tlsedge"), 2 * HOUR),
            Habit("payments-custodian", work(cluster, "dora"), 5 * HOUR),
            Habit("payments-staff", manage_staff(cluster), 7 * HOUR),
            Habit("payments-password", mistype_password(cluster, "dora"), 6 * HOUR),
            Habit("payments-name", mistype_name(cluster), 9 * HOUR),
            Habit("payments-refusals", run_into_refusals(cluster, "dora"), 14 * HOUR),
            Habit("payments-certificates", maintain_certificates(cluster), 3 * HOUR),
            Habit("payments-backup", back_up(cluster), 1 * DAY, by_people=False),
        ]

    def _habits_of_vault(self) -> list[Habit]:
        cluster = self.vault
        return [
            Habit("vault-kms", stay_connected(cluster), 50 * MINUTE, by_people=False),
            Habit("vault-rotation", rotate_password(cluster), 60 * HOUR, by_people=False),
            Habit("vault-clocks", compare_clocks(cluster), 12 * HOUR, by_people=False),
            Habit(
                "vault-oddities",
                log_oddity(cluster, codes.UNKNOWN_OPCODE),
                15 * HOUR,
                by_people=False,
            ),
            Habit("vault-database", work(cluster, "dbcrypto"), 70 * MINUTE),
            Habit("vault-signing", work(cluster, "codesigning"), 105 * MINUTE),
            Habit("vault-staff", manage_staff(cluster), 9 * HOUR),
            Habit("vault-password", mistype_password(cluster, "dbcrypto"), 8 * HOUR),
            Habit("vault-name", mistype_name(cluster), 14 * HOUR),
            Habit("vault-refusals", run_into_refusals(cluster, "codesigning"), 18 * HOUR),
            Habit("vault-certificates", maintain_certificates(cluster), 5 * HOUR),
            Habit("vault-backup", back_up(cluster), 1 * DAY, by_people=False),
        ]
