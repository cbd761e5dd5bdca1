from __future__ import annotations

import re

import pytest

from samples.layout import Generation, Separator
from samples.organisation import (
    GUESSED_NAMES,
    HOSTILE_NAMES,
    TEMPORARY_STAFF,
    UNKNOWN_NAMES,
    plan_organisation,
)
from samples.rng import Rng


@pytest.mark.parametrize("seed", range(20))
def test_ids_have_the_shape_of_the_api_and_are_all_different(seed: int) -> None:
    plan = plan_organisation(Rng(seed))
    clusters = [plan.payments, plan.vault]
    hsms = [hsm.hsm_id for cluster in clusters for hsm in (*cluster.hsms, cluster.spare)]
    assert all(re.fullmatch("cluster-[2-7a-zA-Z]{11,16}", c.cluster_id) for c in clusters)
    assert all(re.fullmatch("hsm-[2-7a-zA-Z]{11,16}", hsm_id) for hsm_id in hsms)
    assert len(set(hsms)) == 7


def test_there_are_two_clusters_five_hsms_both_generations_and_all_separators() -> None:
    plan = plan_organisation(Rng(7))
    assert (len(plan.payments.hsms), len(plan.vault.hsms)) == (3, 2)
    assert {plan.payments.generation, plan.vault.generation} == set(Generation)
    both = plan.payments.hsms + plan.vault.hsms
    assert {hsm.separator for hsm in both} == set(Separator)


def test_names_keep_to_what_cloudhsm_accepts_and_strangers_are_strangers() -> None:
    plan = plan_organisation(Rng(7))
    staff = {*TEMPORARY_STAFF, *plan.payments.officers, *plan.vault.officers}
    staff |= {*plan.payments.crypto_users, *plan.vault.crypto_users}
    assert all(re.fullmatch("[a-z0-9_]{1,31}", name) for name in staff)
    assert any("_" in name for name in staff)
    assert not staff & {*UNKNOWN_NAMES, *HOSTILE_NAMES}
    assert staff & set(GUESSED_NAMES) == {"admin"}
    assert all(len(name) <= 31 for name in HOSTILE_NAMES)
