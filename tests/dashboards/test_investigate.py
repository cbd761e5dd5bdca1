"""Investigate: from anything to its records, in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

import pytest

from emulator.app import App
from emulator.session import Session
from samples.layout import Generation
from samples.scene import from_mapping, write
from tests.dashboards.conftest import ROOT, View
from tests.dashboards.reading import Raw, hashed, visible
from tests.dashboards.shown_views import Shown
from tools.content.detections import ingest
from tools.content.mappings import OperationList

_CATEGORIES = {
    operation.name: operation.category for operation in OperationList(ROOT / "mappings").checked()
}
_ENDS = ("CN_LOGOUT", "CN_CLOSE_SESSION", "CN_APP_FINALIZE")


def _shown(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _keys(record: Raw) -> set[str]:
    names = ("Priv/Secret Key Handle", "Public Key Handle", "Key Handle")
    return {record.lines[name] for name in names if record.lines.get(name, "0") != "0"}


def _sessions(trail: Iterable[Raw]) -> list[list[Raw]]:
    """The records of each session: after its end, or a reboot, its handle means another session."""
    open_ones: dict[tuple[str, str, str], list[Raw]] = {}
    sessions = []
    for record in trail:
        if not record.session:
            continue
        by = (record.stream, record.lines["Reboot counter"], record.session)
        if by not in open_ones:
            sessions.append(open_ones.setdefault(by, []))
        open_ones[by].append(record)
        if record.opcode in _ENDS:
            del open_ones[by]
    return sessions


def test_the_numbers_count_all_records_failures_and_sessions(view: View, trail: list[Raw]) -> None:
    shown = view("investigate")
    sessions = _sessions(trail)

    assert int(shown.value("records")) == len(trail)
    assert int(shown.value("failures")) == sum(1 for record in trail if record.failed)
    assert int(shown.value("session_count")) == len(sessions)
    assert len(shown.records("records")) == len(trail)
    assert len(shown.records("session_count")) == len(sessions)


def test_the_records_come_in_order_with_their_raw_text_and_open_themselves(
    view: View, trail: list[Raw]
) -> None:
    rows = view("investigate").panel("trail")

    assert len(rows) == 1000
    assert [row["record"] for row in rows] == [record.text for record in trail[:1000]]
    for row, record in list(zip(rows, trail))[::97]:
        assert row["machine"] == record.stream
        assert row["time"].startswith(_shown(record.at))
        (opened,) = view("investigate").records("trail", _key=row["_key"])
        assert opened["_raw"] == record.text


def test_a_user_is_chosen_by_the_hash_of_the_name(view: View, trail: list[Raw]) -> None:
    names = Counter(r.user for r in trail if r.opcode == "CN_LOGIN")
    for name in [*names][:3]:
        assert name is not None
        expected = {r.text for r in trail if r.opcode == "CN_LOGIN" and r.user == name}

        actual = view("investigate", user=hashed(name), category="User Login").panel("trail")

        assert expected <= {row["record"] for row in actual}
        assert {row["user"] for row in actual} == {name}


def _as_row(session: list[Raw]) -> tuple[str | None, ...]:
    logins = [record.at for record in session if record.opcode == "CN_LOGIN" and not record.failed]
    ends = [record.at for record in session if record.opcode in _ENDS]
    return (
        session[0].stream,
        session[0].session,
        str(len(session)),
        _shown(max(logins)) if logins else None,
        _shown(max(ends)) if ends else None,
        _shown(session[-1].at),
    )


_COLUMNS = ("hsm_id", "session_handle", "records", "login", "logout", "last")


def test_sessions_begin_and_end_with_their_records_the_latest_first(
    view: View, trail: list[Raw]
) -> None:
    rows = view("investigate").panel("sessions")
    latest = sorted(_sessions(trail), key=lambda session: -session[-1].at)

    assert len(rows) == 1000 < len(latest)
    actual = Counter(tuple(row.get(name) for name in _COLUMNS) for row in rows)
    edge = latest[999][-1].at
    assert actual <= Counter(_as_row(session) for session in latest if session[-1].at >= edge)
    assert [row["last"] for row in rows] == [_shown(session[-1].at) for session in latest[:1000]]


def test_a_handle_of_one_hsm_shows_its_records_and_nothing_else(
    view: View, trail: list[Raw]
) -> None:
    (stream, session), count = Counter(
        (record.stream, record.session) for record in trail if record.session
    ).most_common(1)[0]
    expected = [record for record in trail if (record.stream, record.session) == (stream, session)]

    shown = view("investigate", session=str(session).upper().replace("X", "x"), hsm=stream)

    assert int(shown.value("records")) == count
    rows = shown.panel("sessions")
    actual = Counter(tuple(row.get(name) for name in _COLUMNS) for row in rows)
    assert actual == Counter(_as_row(session) for session in _sessions(expected))


def test_a_users_sessions_come_with_all_that_others_did_in_them(
    view: View, trail: list[Raw]
) -> None:
    name = str(Counter(r.user for r in trail if r.opcode == "CN_LOGOUT").most_common(1)[0][0])
    user = hashed(name)
    expected = [session for session in _sessions(trail) if any(it.user == name for it in session)]

    shown = view("investigate", user=user)
    rows = shown.panel("sessions")

    actual = Counter(tuple(row.get(column) for column in _COLUMNS) for row in rows)
    assert actual == Counter(_as_row(session) for session in expected)
    assert sum(int(row["records"]) for row in rows) > sum(int(row["chosen"]) for row in rows)
    assert int(shown.value("session_count")) == len(expected) == len(shown.records("session_count"))


def test_a_key_is_found_by_any_of_its_handles(view: View, trail: list[Raw]) -> None:
    handles = Counter(handle for record in trail for handle in _keys(record))
    for handle, count in [handles.most_common(1)[0], handles.most_common()[-1]]:
        assert int(view("investigate", key=handle).value("records")) == count


def _outcome(record: Raw) -> str:
    return {True: "failure", False: "success", None: "unknown"}[record.failed]


def test_operations_are_counted_by_outcome_with_their_last_record(
    view: View, trail: list[Raw]
) -> None:
    shown = view("investigate")
    expected: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in trail:
        expected[record.opcode or record.lines["op_code"], _outcome(record)].append(record.at)

    rows = shown.panel("operations")

    actual = {(row["opcode"], row["outcome"]): (int(row["records"]), row["last"]) for row in rows}
    assert actual == {key: (len(times), _shown(max(times))) for key, times in expected.items()}
    assert [int(row["records"]) for row in rows] == sorted(map(len, expected.values()))[::-1]
    clicked = rows[3]
    opened = shown.records("operations", _opcode=clicked["_opcode"], outcome=clicked["outcome"])
    assert len(opened) == int(clicked["records"])


def test_users_are_counted_at_each_cluster_with_their_failures(
    view: View, trail: list[Raw]
) -> None:
    shown = view("investigate", category="User Login")
    named = [
        r
        for r in trail
        if _CATEGORIES.get(r.opcode) == "User Login" and (r.user or r.lines.get("User id"))
    ]
    records, failures = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for r in named:
        who = visible(r.user or r.lines["User id"]), r.cluster
        records[who] += 1
        failures[who] += bool(r.failed)

    rows = shown.panel("users")

    actual = {(row["user"], row["cluster_id"]): row for row in rows}
    assert {who: int(row["records"]) for who, row in actual.items()} == records
    assert {who: int(row["failures"]) for who, row in actual.items()} == failures
    assert int(shown.value("people")) == len({name for name, _cluster in records})
    assert len(shown.records("people")) == int(shown.value("people"))
    assert len(shown.records("failures")) == int(shown.value("failures"))


def test_activity_over_time_is_counted_by_outcome_in_every_bin(
    view: View, trail: list[Raw]
) -> None:
    expected = Counter((int(record.at // 3600 * 3600), _outcome(record)) for record in trail)
    actual = {
        (int(float(str(row["_time"]))), outcome): int(str(row[outcome]))
        for row in view("investigate").panel("by_outcome")
        for outcome in ("failure", "success", "unknown")
        if row.get(outcome, "0") != "0"
    }

    assert actual == expected
    for outcome in ("failure", "success"):
        count = sum(expected[key] for key in expected if key[1] == outcome)
        assert int(view("investigate", outcome=outcome).value("records")) == count
    assert len(view("investigate").records("by_outcome")) > 20


def test_a_text_is_searched_unchanged(view: View, trail: list[Raw]) -> None:
    for text in ("wrap", "x\nTime: 01/02/30", "=cmd|' /C calc'!A0"):
        expected = sum(1 for record in trail if text.lower() in record.text.lower())

        assert int(view("investigate", text=text).value("records")) == expected > 0


@pytest.mark.parametrize(
    "text",
    [
        '" OR 1=1 OR "',
        "\\",
        '\\" | delete',
        "[| inputlookup x]",
        "`cloudhsm_audit`",
        ".*",
        "%",
        "$x$",
    ],
)
@pytest.mark.parametrize("token", ["text", "session", "key"])
def test_what_somebody_types_is_compared_and_never_run(
    view: View, trail: list[Raw], token: str, text: str
) -> None:
    shown = view("investigate", **{token: text})
    expected = sum(1 for record in trail if text in visible(record.text)) if token == "text" else 0

    assert int(shown.value("records")) == expected
    assert len(shown.records("records")) == expected


def test_over_nothing_numbers_are_0_and_tables_show_what_to_do(empty_view: View) -> None:
    shown = empty_view("investigate")

    numbers = ("records", "failures", "people", "session_count")
    assert [shown.value(name) for name in numbers] == ["0"] * 4
    for table in ("trail", "sessions", "operations", "users"):
        assert shown.advice(table)


# --- scenes: what does not happen in the sample trail


_START = 1_772_532_000


@pytest.fixture
def scene(shipped: App) -> Callable[..., Shown]:
    """`scene(line ..., token=value ...)`: the view over records that are written by hand."""

    def shown(*lines: dict[str, Any], **tokens: str) -> Shown:
        events = write(map(from_mapping, lines), Generation.OLDER, start_usecs=_START * 1_000_000)
        session = Session(shipped, now=_START + 86_400)
        session.index(
            event for _at, event in ingest.records(shipped, ((_START, event) for event in events))
        )
        return Shown("investigate", session, **tokens)

    return shown


def test_a_forged_record_counts_once_and_as_what_it_is(scene: Callable[..., Shown]) -> None:
    forged = (
        "x\nOpcode : CN_LOGOUT (0xe)\nSession Handle : 0x99\nResponse : 0:HSM Return: SUCCESS"
        "\nUser Name : admin\nReboot counter : 0x1\nSequence No : 0x1"
    )
    lines = (
        {"opcode": "CN_LOGIN", "user": forged, "session": 0x11, "response": "login_failure"},
        {"at": "1s", "opcode": "CN_LOGOUT", "user": "bob", "session": 0x99},
    )

    shown = scene(*lines)

    assert [shown.value(name) for name in ("records", "failures", "people")] == ["2", "1", "2"]
    assert [(row["opcode"], row["outcome"]) for row in shown.panel("operations")] == [
        ("CN_LOGIN", "failure"),
        ("CN_LOGOUT", "success"),
    ]
    assert [row["session_handle"] for row in shown.panel("sessions")] == ["0x99", "0x11"]
    assert "User Name : admin" in shown.panel("trail")[0]["record"]
    assert scene(*lines, session="0x99").value("records") == "1"
    assert scene(*lines, user=hashed("admin")).value("records") == "0"


def test_a_reused_handle_is_another_session(scene: Callable[..., Shown]) -> None:
    shown = scene(
        {"at": "0s", "opcode": "CN_LOGIN", "user": "alice"},
        {"at": "1m", "opcode": "CN_LOGOUT", "user": "alice"},
        {"at": "2m", "opcode": "CN_LOGIN", "user": "bob"},
        {"at": "3m", "opcode": "CN_GENERATE_KEY", "secret": 5},
        {"at": "4m", "opcode": "CN_LOGIN", "user": "carl", "reboot_counter": 0xE9},
    )

    actual = [(row["user"], row["login"], row.get("logout")) for row in shown.panel("sessions")]

    assert actual == [
        ("carl", _shown(_START + 240), None),
        ("bob", _shown(_START + 120), None),
        ("alice", _shown(_START), _shown(_START + 60)),
    ]


def test_a_key_is_found_as_the_tools_of_aws_print_it(scene: Callable[..., Shown]) -> None:
    lines = (
        {"opcode": "CN_GENERATE_KEY", "secret": 1843715},
        {"opcode": "CN_WRAP_KEY", "secret": 3},
    )

    for typed in ("1843715", "0x00000000001c2203", "0X1C2203", " 1843715 "):
        assert scene(*lines, key=typed).value("records") == "1"
