"""Access: who gets in? Every number compared with a count over the raw records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

import pytest

from emulator.app import App
from emulator.session import Session
from samples.layout import Generation
from samples.scene import from_mapping, write
from tests.dashboards.conftest import View
from tests.dashboards.reading import Raw, hashed
from tests.dashboards.shown_views import Shown
from tools.content.detections import ingest

OFFICERS = {"CN_CRYPTO_OFFICER", "CN_CRYPTO_PRE_OFFICER"}
ENDS = {"CN_LOGOUT", "CN_CLOSE_SESSION", "CN_APP_FINALIZE"}
Key = Callable[[Raw], tuple[Any, ...]]


def once(records: Iterable[Raw], key: Key) -> Iterator[Raw]:
    """The first record of each act of a cluster, of records in the order of time.

    Records with the same key, each less than 5 seconds after the one before, hold as many acts as
    the HSM that recorded most of them.
    """
    groups = defaultdict(list)
    for record in records:
        groups[record.cluster, key(record)].append(record)
    for group in groups.values():
        last, seen = float("-inf"), Counter[str]()
        counted = 0
        for record in group:
            if record.at - last >= 5:
                seen, counted = Counter(), 0
            last = record.at
            seen[record.stream] += 1
            if seen[record.stream] > counted:
                counted += 1
                yield record


def user_type(record: Raw) -> str:
    return record.lines.get("User Type", "").split(" (")[0]


def reason(record: Raw) -> str:
    return record.response.partition(": ")[2]


def visible(name: str | None) -> str:
    """A name as the collector sends it to Splunk: XML carries no escape character."""
    return (name or "").replace("\x1b", r"\u001b")


def shown_time(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture(scope="module")
def logins(trail: list[Raw]) -> list[Raw]:
    """Each login of a user at a cluster once."""
    of_logins = (r for r in trail if r.opcode == "CN_LOGIN")
    return sorted(once(of_logins, lambda r: (r.user, user_type(r), r.failed)), key=lambda r: r.at)


def test_failed_logins_count_once_per_cluster(view: View, logins: list[Raw]) -> None:
    failed = [record for record in logins if record.failed]

    assert int(view("access").value("failures")) == len(failed) == 70
    assert len(view("access").records("failures")) == len(failed)


def test_logins_of_officers_are_those_that_worked(view: View, logins: list[Raw]) -> None:
    worked = sum(1 for record in logins if not record.failed and user_type(record) in OFFICERS)

    assert int(view("access").value("officer_logins")) == worked > 0
    assert len(view("access").records("officer_logins")) == worked


def test_the_chart_has_each_login_in_its_hour(view: View, logins: list[Raw]) -> None:
    expected = Counter(
        (int(r.at // 3600 * 3600), "failure" if r.failed else "success") for r in logins
    )

    rows = {
        (int(row["_time"]), outcome): int(count)
        for row in view("access").panel("by_outcome")
        for outcome, count in row.items()
        if not outcome.startswith("_") and count is not None
    }

    assert rows == expected
    assert len(view("access").records("by_outcome")) == len(logins)


def test_failures_have_the_reason_that_the_hsm_printed(view: View, logins: list[Raw]) -> None:
    expected = Counter(reason(record) for record in logins if record.failed)
    words = Counter(
        "wrong_password" if "LOGIN_FAILURE" in reason(record) else "unknown_user"
        for record in logins
        if record.failed
    )

    shown = {row["reason"]: int(row["failures"]) for row in view("access").panel("by_reason")}
    opened = view("access").records("by_reason")

    assert shown == words
    assert {row["response"]: int(row["failures"]) for row in opened} == expected


def test_each_reason_and_user_opens_its_failures(view: View, logins: list[Raw]) -> None:
    expected = defaultdict(list)
    for record in logins:
        if record.failed:
            expected[reason(record), record.cluster, visible(record.user)].append(record.at)

    rows = view("access").panel("reasons")

    assert len(rows) == len(expected)
    assert [int(row["failures"]) for row in rows] == sorted(map(len, expected.values()))[::-1]
    for row in rows:
        times = expected[row["response"], row["cluster_id"], row["user"]]
        assert int(row["failures"]) == len(times)
        assert row["last_failure"] == shown_time(max(times))
        assert len(view("access").records("reasons", **row)) == len(times)


def _runs(failures: list[Raw]) -> Iterator[list[Raw]]:
    run: list[Raw] = []
    for record in failures:
        if run and record.at - run[-1].at > 600:
            yield run
            run = []
        run.append(record)
    if run:
        yield run


def test_a_run_is_three_failures_of_one_user_or_failures_of_three_users(
    view: View, logins: list[Raw]
) -> None:
    failed = [r for r in logins if r.failed]
    expected = []
    for cluster in {r.cluster for r in failed}:
        here = [r for r in failed if r.cluster == cluster]
        expected += [("cluster", run) for run in _runs(here) if len({r.user for r in run}) >= 3]
        for user in {r.user for r in here}:
            runs = _runs([r for r in here if r.user == user])
            expected += [("one user", run) for run in runs if len(run) >= 3]

    rows = view("access").panel("runs")

    cells = {
        (row["against"], row["cluster_id"], row["first_failure"], row["failures"]) for row in rows
    }
    assert cells == {
        (against, run[0].cluster, shown_time(run[0].at), str(len(run))) for against, run in expected
    }
    assert int(view("access").value("run_count")) == len(expected) > 1
    assert view("access").value("runs_that_worked") == "0"
    assert rows[0]["against"] == "cluster"
    assert len(view("access").records("run_count")) == len(expected)


def test_a_run_opens_its_records_of_every_hsm(view: View, trail: list[Raw]) -> None:
    for row in view("access").panel("runs"):
        opened = view("access").records("runs", **row)
        expected = [
            record
            for record in trail
            if record.opcode == "CN_LOGIN"
            and record.cluster == row["cluster_id"]
            and float(row["_from"]) <= record.at <= float(row["_to"])
            and (row["against"] == "cluster" or record.user == row["user"])
        ]
        assert len(opened) == len(expected) >= int(row["failures"])
        assert len({row["user"] for row in opened}) == int(row["users"])


def test_a_run_against_many_names_some_of_them(view: View) -> None:
    first, *others = view("access").panel("runs")

    assert (len(first["user"]), first["user"][-1]) == (4, "and 13 more")
    assert {row["user"] for row in others} >= {"alice", "admin"}


def test_the_last_record_of_a_user_at_an_hsm_shows_its_session(
    view: View, trail: list[Raw]
) -> None:
    expected = {}
    here = [r for r in trail if r.opcode in {"CN_LOGIN", *ENDS} and not r.failed]
    for key, group in groupby(sorted(here, key=_place_key), key=_place_key):
        records = list(group)
        last, user = records[-1], key[2]
        expected[key] = "open"
        if last.opcode in ENDS:
            expected[key] = "closed"
        elif any(
            r.opcode == "END_MARKER_OPCODE" and r.stream == last.stream and r.at > last.at
            for r in trail
        ):
            expected[key] = "closed by the HSM"
        elif any(
            r.opcode in ENDS and (r.cluster, r.user) == (last.cluster, user)
            for r in here
            if r.at > last.at
        ):
            expected[key] = "closed on another HSM"

    rows = view("access").panel("sessions")

    cells = {(row["cluster_id"], row["hsm_id"], row["user"]): row["state"] for row in rows}
    assert cells == expected
    assert {"closed", "closed by the HSM", "closed on another HSM"} <= set(cells.values())


def _place_key(record: Raw) -> tuple[str, str, str]:
    return record.cluster, record.stream, record.user or ""


def test_of_sessions_that_are_closed_the_latest_comes_first(view: View) -> None:
    for state in ("closed", "closed on another HSM"):
        rows = [row for row in view("access").panel("sessions") if row["state"] == state]
        times = [max(row[name] for name in ("last_login", "last_end")) for row in rows]
        moments = [t for t in times if t[0].isdigit()]
        assert len(moments) > 1
        assert moments == sorted(moments)[::-1]


def test_what_another_hsm_recorded_counts_when_one_hsm_is_chosen(view: View) -> None:
    everywhere = view("access").panel("sessions")
    for hsm in {row["hsm_id"] for row in everywhere}:
        rows = view("access", hsm=hsm).panel("sessions")
        states = {(row["user"], row["state"]) for row in rows}
        assert states == {(row["user"], row["state"]) for row in everywhere if row["hsm_id"] == hsm}


def test_officers_have_their_logins_and_failures(view: View, logins: list[Raw]) -> None:
    expected: Counter[tuple[str, str | None, str, bool | None]] = Counter(
        (record.cluster, record.user, user_type(record), record.failed)
        for record in logins
        if user_type(record) in OFFICERS
    )
    labels = {
        "crypto officer": "CN_CRYPTO_OFFICER",
        "pre-crypto officer": "CN_CRYPTO_PRE_OFFICER",
    }

    actual: Counter[tuple[str, str | None, str, bool | None]] = Counter()
    for row in view("access").panel("officers"):
        who = (row["cluster_id"], row["user"], labels[row["type"]])
        actual[(*who, False)] += int(row["logins"])
        actual[(*who, True)] += int(row["failures"])

    assert +actual == expected


def test_users_are_first_seen_at_their_first_login_that_worked(
    view: View, trail: list[Raw]
) -> None:
    first: dict[tuple[str, str | None], float] = {}
    made: dict[tuple[str, str | None], float] = {}
    for r in trail:
        if r.failed:
            continue
        if r.opcode == "CN_LOGIN":
            first.setdefault((r.cluster, r.user), r.at)
        elif r.opcode in ("CN_CREATE_USER", "CN_CREATE_CO"):
            made.setdefault((r.cluster, r.lines.get("Target User Name", r.user)), r.at)

    rows = view("access").panel("newcomers")

    assert {(row["cluster_id"], row["user"]): row["first_login"] for row in rows} == {
        key: shown_time(at) for key, at in first.items()
    }
    for row in rows:
        at = made.get((row["cluster_id"], row["user"]))
        assert row["created"] == ("before this time" if at is None else shown_time(at))
    assert [row["first_login"] for row in rows] == sorted(map(shown_time, first.values()))[::-1]


def test_a_cluster_an_hsm_or_a_user_can_be_chosen(view: View, trail: list[Raw]) -> None:
    for cluster in {record.cluster for record in trail}:
        rows = view("access", cluster=cluster).panel("reasons")
        assert {row["cluster_id"] for row in rows} == {cluster}
    failed = [record for record in trail if record.opcode == "CN_LOGIN" and record.failed]
    for hsm in {record.stream for record in failed}:
        here = sum(1 for record in failed if record.stream == hsm)  # one HSM records a login once
        assert int(view("access", hsm=hsm).value("failures")) == here
    for hostile in ('" | delete index=*', "</data></event><event><data>", "x"):
        assert view("access", user=hashed(hostile)).value("failures") == "1"


def test_a_click_investigates_the_user_with_any_name(view: View) -> None:
    row = view("access").panel("sessions")[0]

    path, tokens = view("access").address("sessions", **row)

    assert path == "/app/TA-aws-cloudhsm/cloudhsm_investigate"
    assert tokens["form.user"] == hashed(row["user"])
    assert (tokens["form.cluster"], tokens["form.hsm"]) == (row["cluster_id"], row["hsm_id"])


def test_over_nothing_numbers_are_0_and_tables_show_what_to_do(empty_view: View) -> None:
    shown = empty_view("access")

    numbers = ("failures", "run_count", "runs_that_worked", "officer_logins")
    assert [shown.value(name) for name in numbers] == ["0"] * 4
    for table in ("runs", "reasons", "sessions", "officers", "newcomers"):
        assert shown.advice(table)


# --- scenes: what does not happen in the sample trail


START = 1_772_532_000


@pytest.fixture
def scene(shipped: App) -> Callable[..., Shown]:
    """The view over handwritten records; now is an hour after their start."""

    def shown(*lines: dict[str, Any]) -> Shown:
        events = write(map(from_mapping, lines), Generation.OLDER, start_usecs=START * 1_000_000)
        session = Session(shipped, now=START + 3600)
        session.index(
            event for _at, event in ingest.records(shipped, ((START, event) for event in events))
        )
        return Shown("access", session)

    return shown


def _login(at: str, user: str, **others: object) -> dict[str, Any]:
    return {"at": at, "opcode": "CN_LOGIN", "hsm": "all", "user": user, **others}


def test_a_login_after_a_run_is_shown_and_comes_first(scene: Callable[..., Shown]) -> None:
    wrong = {"response": "login_failure", "every": "20s"}
    shown = scene(
        _login("0s", "eve", **wrong, repeat=9),
        _login("10m", "bob", **wrong, repeat=3),
        _login("12m", "bob"),
        _login("13m", "carl"),
        _login("41m", "eve"),
    )

    first, second = shown.panel("runs")

    assert (first["user"], first["failures"], first["worked_user"]) == ("bob", "3", "bob")
    assert (first["worked"], first["login_after"]) == ("1", shown_time(START + 12 * 60))
    assert (second["user"], second["failures"], second["worked"]) == ("eve", "9", "0")
    assert shown.value("runs_that_worked") == "1"
    assert [row["user"] for row in shown.records("runs_that_worked")] == ["bob"]


def test_a_login_belongs_to_the_run_in_which_its_user_failed(scene: Callable[..., Shown]) -> None:
    wrong = {"response": "login_failure"}
    shown = scene(
        *(_login(f"{at}s", name, **wrong) for at, name in ((0, "a"), (60, "b"), (120, "c"))),
        *(_login(f"{at}m", name, **wrong) for at, name in ((20, "d"), (21, "e"), (22, "f"))),
        _login("23m", "c"),
    )

    first, second = shown.panel("runs")

    assert (first["user"], first["worked_user"]) == (["a", "b", "c"], "c")
    assert (second["user"], second["worked"]) == (["d", "e", "f"], "0")


def test_failures_hours_later_and_two_mistakes_are_no_run(
    scene: Callable[..., Shown],
) -> None:
    shown = scene(
        _login("0s", "alice", response="login_failure", repeat=4, every="11m"),
        _login("50m", "bob", response="login_failure", repeat=2, every="5s"),
    )

    assert shown.value("run_count") == "0"
    assert shown.value("failures") == "6"


def test_open_sessions_of_officers_come_first_and_show_how_long(
    scene: Callable[..., Shown],
) -> None:
    shown = scene(
        _login("0s", "batch"),
        _login("30m", "alice", user_type="CN_CRYPTO_OFFICER", hsm="b"),
        {"at": "40m", "opcode": "CN_CLOSE_PARTITION_SESSIONS", "hsm": "c"},
    )

    states = [(row["user"], row["state"], row.get("hours")) for row in shown.panel("sessions")]

    assert states == [
        ("alice", "open", "0.5"),
        ("batch", "open", "1"),
        ("batch", "open", "1"),
        ("batch", "closed by the HSM", None),
    ]


def test_a_forged_second_operation_is_no_login(scene: Callable[..., Shown]) -> None:
    shown = scene(
        {"opcode": "CN_LOGOUT", "user": "x\nOpcode : CN_LOGIN (0xd)\nResponse : 163:HSM Error: no"}
    )

    assert shown.value("failures") == "0"
    assert [row["state"] for row in shown.panel("sessions")] == ["closed"]
    assert shown.advice("newcomers")
