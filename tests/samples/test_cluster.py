from __future__ import annotations

import pytest

from samples import codes
from samples.cluster import KEYS_KEPT, Cluster
from samples.organisation import plan_organisation
from samples.rng import Rng


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(plan_organisation(Rng(7)).payments, Rng(7))


def test_the_number_of_a_removed_user_is_reused(cluster: Cluster) -> None:
    numbers = [cluster.add_user(name, codes.CRYPTO_USER).user_id for name in ("a", "b", "c")]
    cluster.remove_user("b")
    assert numbers == [1, 2, 3]
    assert cluster.add_user("d", codes.CRYPTO_USER).user_id == 2
    assert cluster.add_user("e", codes.CRYPTO_USER).user_id == 4


def test_key_handles_are_never_given_twice(cluster: Cluster) -> None:
    handles = [cluster.new_handle() for _ in range(500)]
    assert handles == sorted(set(handles))


def test_only_the_latest_keys_are_remembered(cluster: Cluster) -> None:
    for handle in range(KEYS_KEPT + 5):
        cluster.keep_key(handle, "bob")
    assert [key.handle for key in cluster.keys] == list(range(5, KEYS_KEPT + 5))


def test_a_new_hsm_is_out_of_service_until_it_is_taken_in(cluster: Cluster) -> None:
    hsm = cluster.create_hsm(cluster.plan.spare)
    assert (cluster.hsms, cluster.every_hsm) == ([], [hsm])
    cluster.take_in(hsm)
    assert cluster.hsms == [hsm]
    cluster.put_out(hsm)
    assert (cluster.hsms, cluster.every_hsm) == ([], [hsm])
