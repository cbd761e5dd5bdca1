from __future__ import annotations

import json
from collections import Counter

from samples.simulator import Trail
from tests.samples.reading import Parsed, matching


def test_kmsuser_is_the_busiest_user_and_hangs_up_instead_of_logging_out(
    trail: Trail, records: list[Parsed]
) -> None:
    vault = [r for r in records if r.log_group == trail.facts.clusters[1].log_group]
    logins = Counter(r.fields["User Name"] for r in vault if r.opcode == "CN_LOGIN")
    assert logins.most_common(1)[0][0] == "kmsuser"
    ends = Counter(r.opcode for r in vault if r.fields.get("User Name") == "kmsuser")
    assert ends["CN_APP_FINALIZE"] > ends["CN_CLOSE_SESSION"] > ends["CN_LOGOUT"]


def test_kmsuser_rotates_its_own_password(records: list[Parsed]) -> None:
    rotations = matching(
        records,
        lambda r: r.opcode == "CN_CHANGE_PSWD" and r.fields.get("Target User Name") == "kmsuser",
    )
    assert all(r.fields["User id"] == r.fields["Target User id"] for r in rotations)


def test_clock_records_hold_two_clocks_and_a_delay(records: list[Parsed]) -> None:
    clocks = matching(records, lambda r: r.fields["Log type"] == "TIME_INFO_LOG (16)")
    for record in clocks:
        assert record.opcode == "UNKNOWN_OPCODE"
        assert record.fields["Command Type(hex)"] == "TIME_INFO_CMD (0xeee2)"
        local = int(record.fields["local time"].split(", usec:")[1])
        host = int(record.fields["host time"].split(" usec:")[1])
        assert local == record.usecs < host
        assert record.fields["propagation delay"].startswith("usec:")


def test_certificate_changes_succeed_and_fail(trail: Trail) -> None:
    changes = [json.loads(e.message) for e in trail.events if e.message.startswith("{")]
    assert {change["op_code"] for change in changes} == {
        "CreateObject",
        "SetAttributeValues",
        "DestroyObject",
    }
    failed = [change for change in changes if change["object_handle"] is None]
    assert failed
    assert all(c["op_code"] == "CreateObject" and c["response"] != "OK" for c in failed)
    handles = [c["object_handle"] for c in changes if c["object_handle"] is not None]
    assert min(handles) > 2**53
    assert all(
        (c["attributes"] == ["Label"]) is (c["op_code"] == "SetAttributeValues") for c in changes
    )
