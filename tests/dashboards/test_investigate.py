"""Investigate: from anything to its records, in order."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone

import pytest

from tests.dashboards.conftest import View
from tests.dashboards.reading import Raw, hashed, visible

_ENDS = ("CN_LOGOUT", "CN_CLOSE_SESSION", "CN_APP_FINALIZE")


def _shown(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _keys(record: Raw) -> set[str]:
    names = ("Priv/Secret Key Handle", "Public Key Handle", "Key Handle")
    return {record.lines[name] for name in names if record.lines.get(name, "0") != "0"}


def test_the_numbers_count_all_records_failures_and_sessions(view: View, trail: list[Raw]) -> None:
    shown = view("investigate")
    sessions = {(one.stream, one.session) for one in trail if one.session}

    assert int(shown.value("records")) == len(trail)
    assert int(shown.value("failures")) == sum(1 for one in trail if one.failed)
    assert int(shown.value("session_count")) == len(sessions)
    assert len(shown.records("records")) == len(trail)
    assert len(shown.records("session_count")) == len(sessions)


def test_the_records_come_in_order_with_their_raw_text_and_open_themselves(
    view: View, trail: list[Raw]
) -> None:
    rows = view("investigate").panel("trail")

    assert len(rows) == 1000
    assert [row["record"] for row in rows] == [one.text for one in trail[:1000]]
    for row, record in list(zip(rows, trail))[::97]:
        assert row["machine"] == record.stream
        assert row["time"].startswith(_shown(record.at))
        (opened,) = view("investigate").records("trail", _key=row["_key"])
        assert opened["_raw"] == record.text


def test_a_user_is_chosen_by_the_hash_of_the_name(view: View, trail: list[Raw]) -> None:
    names = Counter(one.user for one in trail if one.opcode == "CN_LOGIN")
    for name in [*names][:3]:
        assert name is not None
        wanted = {one.text for one in trail if one.opcode == "CN_LOGIN" and one.user == name}

        found = view("investigate", user=hashed(name), category="User Login").panel("trail")

        assert wanted <= {row["record"] for row in found}
        assert {row["user"] for row in found} == {name}


def test_a_session_of_one_hsm_shows_its_records_and_nothing_else(
    view: View, trail: list[Raw]
) -> None:
    (stream, session), count = Counter(
        (one.stream, one.session) for one in trail if one.session
    ).most_common(1)[0]
    wanted = [one for one in trail if (one.stream, one.session) == (stream, session)]

    shown = view("investigate", session=str(session).upper().replace("X", "x"), hsm=stream)

    assert int(shown.value("records")) == count
    (row,) = shown.panel("sessions")
    logins = [one.at for one in wanted if one.opcode == "CN_LOGIN" and not one.failed]
    ends = [one.at for one in wanted if one.opcode in _ENDS]
    assert row.get("login") == (_shown(min(logins)) if logins else None)
    assert row.get("logout") == (_shown(max(ends)) if ends else None)
    assert row["last"] == _shown(wanted[-1].at)


def test_a_key_is_found_by_any_of_its_handles(view: View, trail: list[Raw]) -> None:
    handles = Counter(handle for one in trail for handle in _keys(one))
    for handle, count in [handles.most_common(1)[0], handles.most_common()[-1]]:
        assert int(view("investigate", key=handle).value("records")) == count


def test_operations_and_users_add_up(view: View, trail: list[Raw]) -> None:
    shown = view("investigate")
    failed = Counter(one.opcode for one in trail if one.failed and not one.is_certificate)

    rows = shown.panel("operations")

    assert sum(int(row["records"]) for row in rows) == len(trail)
    for row in rows:
        if row["outcome"] == "failure" and row["opcode"] in failed:
            assert int(row["records"]) == failed[str(row["opcode"])]
    one = rows[3]
    opened = shown.records("operations", _opcode=one["_opcode"], outcome=one["outcome"])
    assert len(opened) == int(one["records"])
    people = {row["user"] for row in shown.panel("users")}
    assert {visible(one.user) for one in trail if one.opcode == "CN_LOGIN" and one.user} <= people
    assert int(shown.value("people")) == len(people)


def test_a_text_is_looked_for_as_it_stands(view: View, trail: list[Raw]) -> None:
    for text in ("wrap", "x\nTime: 01/02/30", "=cmd|' /C calc'!A0"):
        wanted = sum(1 for one in trail if text.lower() in one.text.lower())

        assert int(view("investigate", text=text).value("records")) == wanted > 0


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
    wanted = sum(1 for one in trail if text in visible(one.text)) if token == "text" else 0

    assert int(shown.value("records")) == wanted
    assert len(shown.records("records")) == wanted


def test_over_nothing_numbers_are_0_and_tables_say_what_to_do(empty_view: View) -> None:
    shown = empty_view("investigate")

    numbers = ("records", "failures", "people", "session_count")
    assert [shown.value(name) for name in numbers] == ["0"] * 4
    for table in ("trail", "sessions", "operations", "users"):
        assert shown.advice(table)
