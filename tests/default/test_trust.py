"""Which sources an administrator trusts: proposals, confirmations, and what they decide."""

from __future__ import annotations

import pytest

from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session
from emulator.spl.context import ResultRow
from tests.default.trails import CLUSTER, HSM, record
from tests.default.trails import GROUP as LOG_GROUP

ACCOUNT, REGION, GROUP = LOG_GROUP.account, LOG_GROUP.region, LOG_GROUP.name
OTHER_ACCOUNT, CENTRAL = "999988887777", "444455556666"
HOME = f"{ACCOUNT}:{REGION}:{GROUP}:{HSM}"
COPY = f"{CENTRAL}:us-west-2:{ACCOUNT}/{REGION}{GROUP}:{HSM}"
SOURCES = {
    "home": HOME,
    "no account": f"{REGION}:{GROUP}:{HSM}",
    "no account and Region": f"{GROUP}:{HSM}",
    "file": f"/var/log/{CLUSTER}/{HSM}.log",
    "certificate storage": f"{ACCOUNT}:{REGION}:{GROUP}:{CLUSTER}",
    "other account": HOME.replace(ACCOUNT, OTHER_ACCOUNT),
    "other Region": HOME.replace(REGION, "eu-west-1"),
    "other group of the account": f"{ACCOUNT}:{REGION}:/aws/cloudhsm/copies/{CLUSTER}:{HSM}",
    "group without a cluster": f"{ACCOUNT}:{REGION}:/aws/cloudhsm/sandbox:{HSM}",
    "other cluster": HOME.replace(CLUSTER, "cluster-abcdefghijk"),
    "copy": COPY,
    "copy under the group's own name": f"{CENTRAL}:us-west-2:{GROUP}:{HSM}",
    "copy with another owner": COPY.replace(f"{ACCOUNT}/", f"{OTHER_ACCOUNT}/"),
    "copy without its holder": f"us-west-2:{ACCOUNT}/{REGION}{GROUP}:{HSM}",
}
UNCONFIRMED = {
    "other account",
    "other Region",
    "other group of the account",
    "group without a cluster",
    "other cluster",
}
CONFIRMED = {"home", "no account", "no account and Region", "file", "certificate storage"}
COPIES = set(SOURCES) - UNCONFIRMED - CONFIRMED


def event(source: str, number: int = 1) -> IndexedEvent:
    one = record(number, 1_600_000_000 + number)
    host = source.rpartition(":")[2].removesuffix(".log").rpartition("/")[2]
    kind = "aws:cloudhsm:certificate" if host == CLUSTER else "aws:cloudhsm:audit"
    text = one.text if host != CLUSTER else '{"timestamp": 1600000000000, "op_code": "X"}'
    return IndexedEvent(text, round(1_600_000_000e6), host, source, kind, "main")


def session(app: App, *sources: str) -> Session:
    made = Session(app, now=1_700_000_000, user="alice")
    made.index(event(source, number) for number, source in enumerate(sources))
    return made


def trusted(made: Session) -> dict[str, str]:
    rows = made.search("`cloudhsm_records` | `cloudhsm_trust`").rows
    return {str(row["source"]): str(row["trust"]) for row in rows}


def confirm(made: Session, condition: str = "") -> list[ResultRow]:
    chosen = f"| search {condition} " if condition else ""
    return made.search(f"| `cloudhsm_proposed_clusters` {chosen}| `cloudhsm_confirm`").rows


def of_home(app: App, *others: str) -> Session:
    """Everything is read; the cluster's own log group is confirmed."""
    made = session(app, HOME, *others)
    confirm(made, f"aws_account_id={ACCOUNT} aws_region={REGION} log_group={GROUP}")
    return made


# --- before and after a confirmation


def test_an_empty_table_means_that_trust_is_not_configured(app: App) -> None:
    assert set(trusted(session(app, *SOURCES.values())).values()) == {"not_configured"}


def test_naming_a_cluster_confirms_nothing(app: App) -> None:
    made = session(app, HOME)
    made.search(f'| `cloudhsm_add_cluster("{CLUSTER}", "payments", "prod", "pki", "high")`')
    assert trusted(made) == {HOME: "not_configured"}


@pytest.mark.parametrize("name", sorted(CONFIRMED))
def test_a_source_that_contradicts_nothing_of_the_confirmed_row_is_confirmed(
    app: App, name: str
) -> None:
    assert trusted(of_home(app, SOURCES[name]))[SOURCES[name]] == "confirmed"


@pytest.mark.parametrize("name", sorted(UNCONFIRMED | COPIES))
def test_another_account_region_group_or_cluster_is_unconfirmed(app: App, name: str) -> None:
    made = of_home(app, SOURCES[name])
    assert trusted(made)[SOURCES[name]] == "unconfirmed"
    assert trusted(made)[HOME] == "confirmed"


def test_a_confirmation_can_be_withdrawn_and_leaves_the_names(app: App) -> None:
    made = of_home(app)
    made.search(f'| `cloudhsm_add_cluster("{CLUSTER}", "payments", "prod", "pki", "high")`')
    assert trusted(made) == {HOME: "confirmed"}
    made.search(f'| `cloudhsm_withdraw_confirmation("{CLUSTER}")`')
    assert trusted(made) == {HOME: "not_configured"}
    (row,) = made.search("| inputlookup cloudhsm_clusters").rows
    assert row["cluster_name"] == "payments"


# --- copies of a centralization account


def test_the_owner_in_a_groups_name_counts_only_in_a_confirmed_centralization_account(
    app: App,
) -> None:
    made = session(app, HOME, COPY, SOURCES["copy with another owner"])
    confirm(made, f'cluster_id={CLUSTER} (log_group="{GROUP}" OR owner_account_id={ACCOUNT})')
    assert trusted(made) == {
        HOME: "confirmed",
        COPY: "confirmed",
        SOURCES["copy with another owner"]: "unconfirmed",
    }


def test_a_confirmed_copy_belongs_to_the_log_group_of_its_owner(app: App) -> None:
    made = session(app, HOME, COPY)
    confirm(made)
    rows = made.search("`cloudhsm_records` | `cloudhsm_trust`").rows
    assert {places(row) for row in rows} == {(ACCOUNT, REGION, GROUP)}
    assert {row["aws_account_id"] for row in rows} == {ACCOUNT, CENTRAL}


def test_before_it_is_confirmed_a_copy_belongs_to_its_own_log_group(app: App) -> None:
    rows = session(app, HOME, COPY).search("`cloudhsm_records` | `cloudhsm_trust`").rows
    assert {places(row) for row in rows} == {
        (ACCOUNT, REGION, GROUP),
        (CENTRAL, "us-west-2", f"{ACCOUNT}/{REGION}{GROUP}"),
    }


def places(row: ResultRow) -> tuple[object, ...]:
    return row["account"], row["region"], row["group"]


def test_another_copy_is_added_to_the_earlier_ones(app: App) -> None:
    made = of_home(app, COPY, COPY.replace(CENTRAL, "123456789012"))
    for account in (CENTRAL, "123456789012"):
        confirm(made, f"aws_account_id={account}")
    (row,) = made.search("| inputlookup cloudhsm_clusters").rows
    assert row["log_account_ids"] == f"{CENTRAL} 123456789012"
    assert set(trusted(made).values()) == {"confirmed"}


# --- proposals


def test_proposals_are_what_was_read_and_is_not_confirmed(app: App) -> None:
    made = of_home(app, SOURCES["other account"], SOURCES["group without a cluster"])
    (row,) = made.search("| `cloudhsm_proposed_clusters`").rows
    assert (row["cluster_id"], row["aws_account_id"]) == (CLUSTER, OTHER_ACCOUNT)
    assert (row["records"], row["streams"]) == ("1", "1")


def test_a_confirmation_names_who_made_it_and_when(app: App) -> None:
    made = of_home(app)
    (row,) = made.search("| inputlookup cloudhsm_clusters").rows
    assert (row["confirmed_by"], row["confirmed_at"]) == ("alice", "1700000000")
    assert (row["aws_account_id"], row["aws_region"], row["log_group"]) == (ACCOUNT, REGION, GROUP)


def test_rows_that_contradict_each_other_are_not_confirmed(app: App) -> None:
    made = session(app, HOME, SOURCES["other account"])
    (row,) = confirm(made)
    assert str(row["result"]).startswith("not confirmed: choose rows of one account")
    assert made.search("| inputlookup cloudhsm_clusters").rows == []


@pytest.mark.parametrize(
    ("hostile", "trust"),
    [
        (f'x"|outputlookup cloudhsm_clusters:{HSM}', "unconfirmed"),
        (f"{ACCOUNT}:{REGION}:{GROUP}:a`b$c$[d]|e", "confirmed"),  # a stream may have any name
        (f"{ACCOUNT}:{REGION}:{GROUP}|x:{HSM}", "unconfirmed"),
        (f"x:{HOME}", "confirmed"),  # neither account nor group is known: no contradiction
        (HOME.upper(), "unconfirmed"),
        ("::::", "unconfirmed"),
        (" " * 200, "unconfirmed"),
    ],
)
def test_a_hostile_source_is_confirmed_by_its_group_only(
    app: App, hostile: str, trust: str
) -> None:
    made = of_home(app, hostile)
    assert trusted(made) == {HOME: "confirmed", hostile: trust}
    assert len(made.search("| inputlookup cloudhsm_clusters").rows) == 1
