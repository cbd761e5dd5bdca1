"""Users and quorum: the life of users. Every number compared with a count over raw records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from emulator.app import App
from emulator.session import Session
from samples.layout import Generation
from samples.scene import from_mapping, write
from tests.dashboards.conftest import View
from tests.dashboards.reading import Raw, hashed
from tests.dashboards.shown_views import Shown
from tests.dashboards.test_access import once, reason, shown_time
from tools.content.detections import ingest

MADE = {"CN_CREATE_USER", "CN_CREATE_CO", "CN_CREATE_APPLIANCE_USER"}
MANAGED = {*MADE, "CN_DELETE_USER", "CN_CHANGE_PSWD"}
TOKENS = {"CN_GET_TOKEN", "CN_APPROVE_TOKEN", "CN_DELETE_TOKEN"}
Scene = Callable[..., Shown]


def subject(record: Raw) -> str:
    return record.lines.get("Target User Name") or record.user or "unknown"


def actor(record: Raw) -> str:
    """Older records name the account only, newer ones the acting user's number."""
    if record.opcode not in MANAGED:
        return record.user or "unknown"
    return record.lines.get("User id", "unknown")


@pytest.fixture(scope="module")
def acts(trail: list[Raw]) -> list[Raw]:
    """Each act upon users and quorum once, in the order of time."""
    here = (r for r in trail if r.opcode in MANAGED | TOKENS | {"CN_SET_M_VALUE"})
    changes = once(here, lambda r: (r.opcode, subject(r), actor(r), r.failed))
    return sorted(changes, key=lambda r: r.at)


@pytest.mark.parametrize(
    ("number", "opcodes", "failed"),
    [
        ("made_or_deleted", {*MADE, "CN_DELETE_USER"}, False),
        ("passwords", {"CN_CHANGE_PSWD"}, False),
        ("quorum_values", {"CN_SET_M_VALUE"}, False),
        ("refused", {*MANAGED, *TOKENS, "CN_SET_M_VALUE"}, True),
    ],
)
def test_an_operation_counts_once_for_all_hsms_that_recorded_it(
    view: View, acts: list[Raw], number: str, opcodes: set[str], failed: bool
) -> None:
    expected = sum(1 for record in acts if record.opcode in opcodes and record.failed is failed)

    assert int(view("users").value(number)) == expected > 0
    assert len(view("users").records(number)) == expected


def test_the_chart_has_each_act_in_its_hour(view: View, acts: list[Raw]) -> None:
    expected = Counter((int(record.at // 3600 * 3600), bool(record.failed)) for record in acts)

    actual: Counter[tuple[int, bool]] = Counter()
    for row in view("users").panel("by_act"):
        for act, count in row.items():
            if not act.startswith("_") and count is not None:
                actual[int(row["_time"]), act == "failure"] += int(count)

    assert actual == expected
    assert len(view("users").records("by_act")) == len(acts)


def test_each_act_shows_when_on_whom_and_by_whom(view: View, acts: list[Raw]) -> None:
    words = {
        "CN_CREATE_USER": "Crypto user created",
        "CN_CREATE_CO": "Crypto officer created",
        "CN_CREATE_APPLIANCE_USER": "Appliance user created",
        "CN_DELETE_USER": "User deleted",
        "CN_CHANGE_PSWD": "User password changed",
        "CN_SET_M_VALUE": "Quorum changed",
        "CN_GET_TOKEN": "Quorum token requested",
        "CN_APPROVE_TOKEN": "Quorum token approved",
        "CN_DELETE_TOKEN": "Quorum token deleted",
    }

    def by_whom(record: Raw) -> str:
        who = actor(record)
        return {"unknown": "not recorded"}.get(who, f"user id {who}" if who.isdigit() else who)

    rows = view("users").panel("life")

    assert Counter(
        (row["time"], row["act"], row["user"], row["by_whom"], row["cluster_id"], row["response"])
        for row in rows
    ) == Counter(
        (
            shown_time(record.at),
            words[record.opcode],
            subject(record) if record.opcode in MANAGED else "",
            by_whom(record),
            record.cluster,
            reason(record),
        )
        for record in acts
    )
    times = [row["time"] for row in rows]
    assert times == sorted(times)[::-1]


def test_each_act_opens_its_record_of_every_hsm(view: View, trail: list[Raw]) -> None:
    for row in view("users").panel("life"):
        opened = view("users").records("life", **row)
        assert len({row["hsm_id"] for row in opened}) == len(opened) == int(row["hsms"])
    three = [row for row in view("users").panel("life") if row["hsms"] == "3"]
    assert {row["user"] for row in three} >= {"ursula", "quentin", "oskar"}


def test_who_exists_is_who_was_not_deleted_last(view: View, trail: list[Raw]) -> None:
    states: dict[tuple[str, str], str] = {}
    moments: dict[tuple[str, str, str], float] = {}
    for record in trail:
        if record.opcode in {"CN_LOGIN", *MANAGED} and not record.failed:
            states[record.cluster, subject(record)] = (
                "deleted" if record.opcode == "CN_DELETE_USER" else "exists"
            )
            kind = "made" if record.opcode in MADE else record.opcode
            moments[kind, record.cluster, subject(record)] = record.at

    rows = view("users").panel("people")

    def moment(kind: str, row: dict[str, Any], without: str) -> str:
        at = moments.get((kind, row["cluster_id"], row["user"]))
        return without if at is None else shown_time(at)

    assert {(row["cluster_id"], row["user"]): row["state"] for row in rows} == states
    for row in rows:
        assert row["created"] == moment("made", row, "before this time")
        assert row["password_set"] == moment("CN_CHANGE_PSWD", row, "")
        assert row["last_login"] == moment("CN_LOGIN", row, "none")
        assert row["deleted_at"] == moment("CN_DELETE_USER", row, "")
    assert rows[0]["type"] == "crypto officer"
    assert rows[-1]["state"] == "deleted"


def test_users_are_counted_by_their_latest_type(view: View, trail: list[Raw]) -> None:
    types: dict[tuple[str, str], str] = {}
    for record in trail:
        if record.opcode in {"CN_LOGIN", *MANAGED} and not record.failed:
            kind = record.lines.get("Target User Type") or record.lines["User Type"]
            types[record.cluster, subject(record)] = kind.split(" (")[0]
            if record.opcode == "CN_DELETE_USER":
                del types[record.cluster, subject(record)]
    names = {
        "CN_CRYPTO_USER": "crypto user",
        "CN_CRYPTO_OFFICER": "crypto officer",
        "CN_APPLIANCE_USER": "appliance user",
    }

    rows = view("users").panel("by_type")

    assert {row["user_type_label"]: int(row["users"]) for row in rows} == Counter(
        names[kind] for kind in types.values()
    )


def test_a_token_has_its_approvals_and_what_followed_them(view: View, acts: list[Raw]) -> None:
    expected = []
    for at, r in enumerate(acts):
        if r.opcode != "CN_GET_TOKEN":
            continue
        approvers, used = [], []
        for later in (other for other in acts[at + 1 :] if other.cluster == r.cluster):
            if later.opcode in ("CN_GET_TOKEN", "CN_DELETE_TOKEN"):
                break
            if later.opcode == "CN_APPROVE_TOKEN":
                approvers.append(actor(later))
            elif approvers and not later.failed:
                used.append(later)
        (act,) = used
        seconds = str(round(act.at - r.at))
        expected.append((shown_time(r.at), r.user, sorted(approvers), subject(act), seconds))

    rows = view("users").panel("tokens")

    assert [
        (row["requested_at"], row["requester"], row["approver"], row["used_on"], row["seconds"])
        for row in rows
    ] == expected[::-1]
    assert {(row["state"], row["approvals"], row["uses"]) for row in rows} == {("used", "2", "1")}


def test_a_token_opens_all_that_happened_in_its_time(view: View, trail: list[Raw]) -> None:
    for row in view("users").panel("tokens"):
        expected = sum(
            1
            for record in trail
            if record.cluster == row["cluster_id"]
            and record.opcode in MANAGED | TOKENS
            and float(row["_from"]) <= record.at <= float(row["_to"])
        )
        assert len(view("users").records("tokens", **row)) == expected == 7


def test_quorum_values_name_who_set_them(view: View, acts: list[Raw]) -> None:
    rows = view("users").panel("values_set")

    assert [(row["time"], row["by_whom"], row["cluster_id"], row["hsms"]) for row in rows] == [
        (shown_time(record.at), record.user, record.cluster, "3")
        for record in acts
        if record.opcode == "CN_SET_M_VALUE"
    ]


def test_a_cluster_an_hsm_or_a_user_can_be_chosen(view: View, trail: list[Raw]) -> None:
    clusters = {record.cluster for record in trail}
    for cluster in clusters:
        assert {row["cluster_id"] for row in view("users", cluster=cluster).panel("people")} == {
            cluster
        }
    hsms = {record.stream for record in trail if record.opcode == "CN_SET_M_VALUE"}
    assert [view("users", hsm=hsm).value("quorum_values") for hsm in hsms] == ["1"] * 3
    oskar = view("users", user=hashed("oskar"))
    assert [row["act"] for row in oskar.panel("life")] == ["Crypto user created"]
    assert [row["used_on"] for row in oskar.panel("tokens")] == ["oskar"]


def test_a_click_on_a_user_investigates_it(view: View) -> None:
    row = view("users").panel("people")[0]

    path, tokens = view("users").address("people", **row)

    assert path == "/app/TA-aws-cloudhsm/cloudhsm_investigate"
    assert (tokens["form.user"], tokens["form.cluster"]) == (hashed(row["user"]), row["cluster_id"])


def test_over_nothing_numbers_are_0_and_tables_show_what_to_do(empty_view: View) -> None:
    shown = empty_view("users")

    numbers = ("made_or_deleted", "passwords", "quorum_values", "refused")
    assert [shown.value(name) for name in numbers] == ["0"] * 4
    for table in ("life", "people", "tokens", "values_set"):
        assert shown.advice(table)


# --- scenes: what does not happen in the sample trail


START = 1_772_532_000
OFFICER = {"user_type": "CN_CRYPTO_OFFICER"}


@pytest.fixture
def scene(shipped: App) -> Scene:
    """The view over handwritten records; now is three hours after their start."""

    def shown(*lines: dict[str, Any], generation: Generation = Generation.OLDER) -> Shown:
        events = write(map(from_mapping, lines), generation, start_usecs=START * 1_000_000)
        session = Session(shipped, now=START + 3 * 3600)
        session.index(
            event for _at, event in ingest.records(shipped, ((START, event) for event in events))
        )
        return Shown("users", session)

    return shown


def _token(act: str, at: str, user: str) -> dict[str, Any]:
    return {"at": at, "opcode": f"CN_{act}_TOKEN", "user": user, **OFFICER}


def test_tokens_end_with_the_next_request_a_deletion_or_an_hour(scene: Scene) -> None:
    created = {"opcode": "CN_CREATE_USER", "hsm": "all"}
    shown = scene(
        _token("GET", "0s", "alice"),
        _token("APPROVE", "1m", "bruno"),
        _token("GET", "10m", "chiara"),
        {"at": "11m", **created, "target": "early"},
        _token("APPROVE", "12m", "bruno"),
        _token("DELETE", "13m", "chiara"),
        {"at": "14m", **created, "target": "late"},
        _token("GET", "20m", "dora"),
        _token("GET", "30m", "emil"),
        _token("APPROVE", "31m", "bruno"),
        {"at": "91m", **created, "target": "much_later"},
    )

    states = {row["requester"]: (row["state"], row["uses"]) for row in shown.panel("tokens")}

    assert states == {
        "alice": ("approved", "0"),
        "chiara": ("deleted unused", "0"),
        "dora": ("requested", "0"),
        "emil": ("approved", "0"),
    }


def test_a_token_used_within_minutes_comes_first(scene: Scene) -> None:
    shown = scene(
        _token("GET", "0s", "alice"),
        _token("APPROVE", "10s", "bruno"),
        {"at": "40s", "opcode": "CN_CREATE_CO", "hsm": "all", "target": "mallory"},
        _token("GET", "1h", "alice"),
        _token("APPROVE", "1.1h", "bruno"),
        {"at": "1.2h", "opcode": "CN_SET_M_VALUE", "hsm": "all", "user": "alice", **OFFICER},
    )

    hasty, slow = shown.panel("tokens")

    assert (hasty["used_for"], hasty["used_on"], hasty["seconds"]) == (
        "Crypto officer created",
        "mallory",
        "40",
    )
    assert (slow["used_for"], slow["seconds"]) == ("Quorum changed", "720")


def test_the_same_act_twice_counts_twice(scene: Scene) -> None:
    shown = scene(
        {"opcode": "CN_CHANGE_PSWD", "hsm": "all", "target": "bob", "repeat": 2, "every": "1s"},
        {"at": "1h", "opcode": "CN_CHANGE_PSWD", "hsm": "all", "target": "bob", "copies": 2},
    )

    assert shown.value("passwords") == "3"
    assert {row["hsms"] for row in shown.panel("life")} == {"3"}


def test_operations_on_two_hsms_after_ten_seconds_are_two(scene: Scene) -> None:
    shown = scene(
        {"opcode": "CN_CREATE_USER", "hsm": "a", "target": "bob"},
        {"at": "10s", "opcode": "CN_CREATE_USER", "hsm": "b", "target": "bob"},
    )

    assert shown.value("made_or_deleted") == "2"
    assert {row["hsms"] for row in shown.panel("life")} == {"1"}


def test_operations_of_two_users_in_one_second_open_their_own_records(scene: Scene) -> None:
    changed = {"opcode": "CN_CHANGE_PSWD", "target": "bob", "target_id": 9}
    shown = scene(
        {**changed, "user_id": 4},
        {"at": "0.2s", **changed, "user_id": 5},
        generation=Generation.NEWER,
    )

    rows = shown.panel("life")

    assert [row["by_whom"] for row in rows] == ["user id 5", "user id 4"]
    assert [[row["actor"] for row in shown.records("life", **row)] for row in rows] == [
        ["5"],
        ["4"],
    ]


def test_a_newer_record_has_the_number_of_the_acting_user(scene: Scene) -> None:
    made = {"opcode": "CN_CREATE_USER", "target": "bob", "target_id": 9, "user_id": 4}

    (row,) = scene(made, generation=Generation.NEWER).panel("life")

    assert (row["user"], row["user_id"], row["by_whom"]) == ("bob", "9", "user id 4")


def test_who_is_made_again_exists(scene: Scene) -> None:
    shown = scene(
        {"opcode": "CN_CREATE_USER", "hsm": "all", "target": "bob"},
        {"at": "1m", "opcode": "CN_DELETE_USER", "hsm": "all", "target": "bob"},
        {"at": "2m", "opcode": "CN_CREATE_USER", "hsm": "all", "target": "bob"},
        {"at": "3m", "opcode": "CN_DELETE_USER", "target": "eve"},
    )

    states = {row["user"]: (row["state"], row["deleted_at"]) for row in shown.panel("people")}

    assert states == {"bob": ("exists", ""), "eve": ("deleted", shown_time(START + 180))}


def test_a_forged_line_makes_no_act(scene: Scene) -> None:
    forged = "x\nOpcode : CN_DELETE_USER (0xa1)\nResponse : 0:HSM Return: SUCCESS"

    shown = scene({"opcode": "CN_LOGIN", "user": forged, "response": "login_failure"})

    assert shown.value("refused") == "0"
    for table in ("life", "people"):
        assert shown.advice(table)
