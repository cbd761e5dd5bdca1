"""Each forgery of docs/threat-model.md: what an outsider writes, and what becomes of it.

A test's number is that of its row. HEC tokens and forwarders write into the index; PutLogEvents
writes into a log group, which the real collector reads from the fake service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session
from emulator.spl.context import ResultRow
from tests.default.collected import DAY_MS, NOW_MS, CollectedGroups
from tests.default.trails import CLUSTER, HSM, OTHER_HSM
from tests.fake_aws.service import ACCOUNT, REGION

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
GROUP = f"/aws/cloudhsm/{CLUSTER}"
SOURCE = f"{ACCOUNT}:{REGION}:{GROUP}:{HSM}"
OTHER_ACCOUNT = "999988887777"
OTHER_CLUSTER, INVENTED = "cluster-abcdefghijk", "cluster-inventedone"
DAY = 86_400
NOW = NOW_MS // 1000
THEN = NOW - 25 * DAY  # in the month before, which a report covers
AUDIT = "aws:cloudhsm:audit"
CONFIRMED = {
    "cluster_id": CLUSTER,
    "aws_account_id": ACCOUNT,
    "aws_region": REGION,
    "log_group": GROUP,
    "log_account_ids": "",
    "trust": "confirmed",
}
CONTINUITY = "AWS CloudHSM - Continuity from the index"
REPORT = "AWS CloudHSM - Completeness report"


def text(number: int, opcode: str = "CN_WRAP_KEY", user: str = "", counter: str = "0xe8") -> str:
    lines = [
        f"Time: 01/01/26 00:00:00.000000, usecs:{(THEN + number * 60) * 1_000_000}",
        f"Sequence No : {number:#x}",
        f"Reboot counter : {counter}",
        "Command Type(hex) : CN_MGMT_CMD (0x0)",
        f"Opcode : {opcode} (0x15)",
        "Session Handle : 0x2014005",
        "Response : 0:HSM Return: SUCCESS",
        "Log type : MGMT_KEY_DETAILS_LOG (1)",
        "Priv/Secret Key Handle : 262150",
        "Public Key Handle : 0",
    ]
    return "\n".join([*lines, *([f"User Name : {user}"] if user else [])])


def event(raw: str, source: str = SOURCE, *, time: float = 0, index: str = "main") -> IndexedEvent:
    """A record as it is in the index. time: epoch seconds, by default the record's own."""
    own = re.search(r"usecs:(\d+)", raw)
    usecs = round(time * 1e6) if time else int(own[1]) if own else NOW * 1_000_000
    return IndexedEvent(raw, usecs, source.rpartition(":")[2], source, AUDIT, index, NOW - 60)


def trail(numbers: range | list[int], source: str = SOURCE) -> list[IndexedEvent]:
    return [event(text(number), source) for number in numbers]


def searching(app: App, *events: IndexedEvent, trusting: bool = False) -> Session:
    clusters: list[Mapping[str, str]] = [CONFIRMED] if trusting else []
    session = Session(app, now=NOW, user="alice", stores={"cloudhsm_clusters": clusters})
    session.index(events)
    return session


def once(app: App, *events: IndexedEvent) -> list[ResultRow]:
    return searching(app, *events).search("`cloudhsm_records` | `cloudhsm_once`").rows


def contradicting(app: App, *events: IndexedEvent) -> set[object]:
    found = searching(app, *events).search("`cloudhsm_audit` | `cloudhsm_contradicting`").rows
    return {row["_raw"] for row in found}


def trusted(app: App, *events: IndexedEvent) -> dict[str, str]:
    rows = searching(app, *events, trusting=True).search("`cloudhsm_records` | `cloudhsm_trust`")
    return {str(row["source"]): str(row["trust"]) for row in rows.rows}


def verdicts(app: App, *events: IndexedEvent, **options: bool) -> list[tuple[object, ...]]:
    rows = searching(app, *events, **options).saved(CONTINUITY).rows
    return [(row["aws_account_id"], row["verdict"], row["first_number"]) for row in rows]


def statuses(app: App, *events: IndexedEvent) -> dict[str, tuple[object, object]]:
    rows = searching(app, *events).saved(REPORT, earliest=THEN - 60 * DAY).rows
    return {str(row["log_group"]): (row["status"], row["denied"]) for row in rows}


def verdict(number: int, value: str, source: str = SOURCE, **fields: str) -> IndexedEvent:
    """What the collector, or someone who imitates it, reports about one missing number."""
    account, region, group, stream = source.split(":")
    said = {
        "time": f"{THEN + 5 * DAY}.000000",
        "event": "gap_closed",
        "input": "aws_cloudhsm://main",
        "aws_account_id": account,
        "aws_region": region,
        "log_group": group,
        "log_stream": stream,
        "reboot_counter": "0xe8",
        "verdict": value,
        **fields,
    }
    numbers = f'"first_sequence": {number}, "last_sequence": {number}, "missing": 1'
    body = ", ".join(f'"{key}": "{item}"' for key, item in said.items())
    at = (THEN + 5 * DAY) * 1_000_000
    raw = f"{{{body}, {numbers}}}"
    return IndexedEvent(raw, at, stream, source, "aws:cloudhsm:collector", "main", NOW - 60)


def rule(app: App, name: str, *events: IndexedEvent, trusting: bool = False) -> list[ResultRow]:
    """What a detection finds in all of these events."""
    return searching(app, *events, trusting=trusting).saved(f"AWS CloudHSM - {name} - Rule").rows


# --- a copy with another text


FORGED = text(5, "CN_LOGOUT")
GENUINE = event(text(5))


def both_are_kept_and_flagged(app: App, copy: IndexedEvent) -> None:
    for order in ([GENUINE, copy], [copy, GENUINE]):
        assert {row["_raw"] for row in once(app, *order)} == {GENUINE.raw, copy.raw}
        assert contradicting(app, *order) == {GENUINE.raw, copy.raw}
    assert rule(app, "Contradicting audit records", *_lately(GENUINE, copy))


def _lately(*events: IndexedEvent) -> list[IndexedEvent]:
    return [replace(one, time_usecs=(NOW - 3600) * 1_000_000) for one in events]


def test_f01_a_copy_with_another_text_under_the_genuine_source(app: App) -> None:
    both_are_kept_and_flagged(app, event(FORGED))


def test_f02_a_copy_in_an_index_that_the_macro_names(app: App) -> None:
    both_are_kept_and_flagged(app, event(FORGED, index="web"))


def test_f03_a_copy_with_a_later_time_of_the_senders_choice(app: App) -> None:
    both_are_kept_and_flagged(app, event(FORGED, time=NOW + 3600))


def test_f04_a_copy_with_an_earlier_time_of_the_senders_choice(app: App) -> None:
    both_are_kept_and_flagged(app, event(FORGED, time=THEN))


def test_f05_a_copy_that_was_indexed_before_the_genuine_record(app: App) -> None:
    both_are_kept_and_flagged(app, replace(event(FORGED), indexed_at=NOW - 2 * DAY))


def test_f06_a_copy_in_another_log_group_of_the_account(app: App) -> None:
    copy = event(FORGED, f"{ACCOUNT}:{REGION}:/aws/cloudhsm/sandbox:{HSM}")
    both_are_kept_and_flagged(app, copy)
    assert trusted(app, GENUINE, copy) == {SOURCE: "confirmed", copy.source: "unconfirmed"}


def test_f07_a_copy_in_a_log_group_of_the_same_name_in_another_account(app: App) -> None:
    copy = event(FORGED, SOURCE.replace(ACCOUNT, OTHER_ACCOUNT))
    both_are_kept_and_flagged(app, copy)
    assert trusted(app, GENUINE, copy)[copy.source] == "unconfirmed"


def test_f08_a_copy_without_account_and_region(app: App) -> None:
    both_are_kept_and_flagged(app, event(FORGED, f"{GROUP}:{HSM}"))


def test_f09_a_copy_that_lacks_lines(app: App) -> None:
    both_are_kept_and_flagged(app, event("\n".join(text(5).splitlines()[:5])))


def test_f10_a_complete_trail_copied_with_one_record_changed(app: App) -> None:
    sandbox = f"{ACCOUNT}:{REGION}:/aws/cloudhsm/sandbox:{HSM}"
    copy = [*trail(range(5), sandbox), event(FORGED, sandbox), *trail(range(6, 9), sandbox)]
    assert contradicting(app, *trail(range(9)), *copy) == {GENUINE.raw, FORGED}
    assert statuses(app, *trail(range(9)), *copy) == {
        GROUP: ("complete", "0"),
        "/aws/cloudhsm/sandbox": ("complete", "0"),
    }


# --- the same record in another way raises nothing


def test_f11_the_same_trail_pulled_and_pushed(app: App) -> None:
    pushed = [event(text(n), SOURCE) for n in range(9)]
    assert len(once(app, *trail(range(9)), *pushed)) == 9
    assert contradicting(app, *trail(range(9)), *pushed) == set()
    assert verdicts(app, *trail(range(9)), *pushed) == []


def test_f12_line_ends_and_trailing_blanks(app: App) -> None:
    changed = event(text(5).replace("\n", " \r\n") + "\n ")
    assert len(once(app, GENUINE, changed)) == 1
    assert contradicting(app, GENUINE, changed) == set()


def test_f13_the_other_part_of_a_trail_without_account(app: App) -> None:
    other = trail([3, 4], f"{GROUP}:{HSM}")
    assert verdicts(app, *trail([0, 1, 2, 5]), *other) == []


def test_f14_a_copy_on_one_line(app: App) -> None:
    one_line = event(text(5).replace("\n", " "))
    assert len(once(app, GENUINE, one_line)) == 2
    assert contradicting(app, GENUINE, one_line) == set()


# --- identity by position


@pytest.mark.parametrize(
    "source",
    [
        f"{ACCOUNT}:{REGION}:/aws/cloudhsm/{INVENTED}:{HSM}/{CLUSTER}",
        f"{ACCOUNT}:{REGION}:/my/{CLUSTER}/app:{HSM}",
        f"/srv/{CLUSTER}/a/b/{HSM}.log",
    ],
)
def test_f15_the_id_of_a_cluster_elsewhere_in_the_source(app: App, source: str) -> None:
    (row,) = once(app, event(text(5), source))
    assert row.get("cluster_id") != CLUSTER


def test_f16_a_stream_with_quotes_and_pipes(app: App) -> None:
    hostile = event(text(5), f'{ACCOUNT}:{REGION}:{GROUP}:"|outputlookup cloudhsm_clusters|"')
    (row,) = once(app, hostile)
    assert row.get("hsm_id") is None
    session = searching(app, hostile, trusting=True)
    assert session.search("| `cloudhsm_sources`").rows
    assert session.stores["cloudhsm_clusters"] == [CONFIRMED]


def test_f17_the_host_of_a_genuine_hsm_with_a_foreign_source(app: App) -> None:
    foreign = replace(event(text(3), "tcp:9997"), host=HSM)
    found = verdicts(app, *trail([0, 1, 2, 4]), foreign, verdict(3, "absent_at_source"))
    assert (ACCOUNT, "absent_at_source", "0x3") in found or found == []
    assert trusted(app, foreign)["tcp:9997"] == "unconfirmed"


def test_f18_a_log_group_with_another_prefix(app: App) -> None:
    source = f"{ACCOUNT}:{REGION}:/aws/other/{CLUSTER}:{HSM}"
    assert trusted(app, event(text(5), source)) == {source: "unconfirmed"}


def test_f19_an_invented_cluster(app: App) -> None:
    invented = [
        event(text(n), f"{ACCOUNT}:{REGION}:/aws/cloudhsm/cluster-{n:011d}:{HSM}")
        for n in range(50)
    ]
    (row,) = rule(app, "Records from an unconfirmed source", GENUINE, *invented, trusting=True)
    assert (row["records"], row["account"]) == ("50", ACCOUNT)


def test_f20_an_owner_that_only_the_name_of_a_group_claims(app: App) -> None:
    source = f"{OTHER_ACCOUNT}:{REGION}:{ACCOUNT}/{REGION}{GROUP}:{HSM}"
    assert trusted(app, event(text(5), source)) == {source: "unconfirmed"}
    (row,) = (
        searching(app, event(text(5), source), trusting=True)
        .search("`cloudhsm_records` | `cloudhsm_trust`")
        .rows
    )
    assert (row["account"], row["owner_account_id"]) == (OTHER_ACCOUNT, ACCOUNT)


# --- what forgeries would explain away


def test_f21_another_accounts_verdict_about_a_stream_of_the_same_name(app: App) -> None:
    foreign = verdict(3, "absent_at_source", SOURCE.replace(ACCOUNT, OTHER_ACCOUNT))
    found = verdicts(app, *trail([0, 1, 2, 4]), foreign)
    assert (ACCOUNT, "lost_after_hand_over", "0x3") in found


def test_f22_filler_records_close_a_gap(app: App) -> None:
    filled = [*trail(range(6)), verdict(3, "absent_at_source")]
    assert statuses(app, *filled) == {GROUP: ("unexplained", "1")}


def test_f23_filler_records_in_another_log_group(app: App) -> None:
    filler = event(text(3), f"{ACCOUNT}:{REGION}:/aws/cloudhsm/copies/{CLUSTER}:{HSM}")
    found = verdicts(app, *trail([0, 1, 2, 4]), filler)
    assert (ACCOUNT, "lost_after_hand_over", "0x3") in found


def test_f24_an_invented_verdict_that_a_record_was_recovered(app: App) -> None:
    found = verdicts(app, *trail([0, 1, 2, 4]), verdict(3, "recovered"))
    assert found == [(ACCOUNT, "lost_after_hand_over", "0x3")]


def test_f25_an_invented_verdict_that_a_record_is_absent_at_source(app: App) -> None:
    lately = replace(verdict(3, "absent_at_source"), time_usecs=(NOW - 60) * 1_000_000)
    assert rule(app, "Audit records missing at the source", *trail([0, 1, 2, 4]), lately)


def test_f26_a_number_used_twice_with_another_head(app: App) -> None:
    a_moment_later = GENUINE.time_usecs + 7
    twice = event(text(5).replace(f"usecs:{GENUINE.time_usecs}", f"usecs:{a_moment_later}"))
    (found,) = verdicts(app, *trail(range(9)), twice)
    assert found[:2] == (ACCOUNT, "number_repeated")


def test_f27_an_invented_reboot_counter_closes_no_gap(app: App) -> None:
    other = event(text(3, counter="0xff"))
    found = verdicts(app, *trail([0, 1, 2, 4]), other)
    assert (ACCOUNT, "lost_after_hand_over", "0x3") in found


def test_f28_a_number_far_ahead_opens_no_gap_of_millions(app: App) -> None:
    far = event(text(9).replace("Sequence No : 0x9", "Sequence No : 0xfffffff"))
    found = verdicts(app, *trail(range(9)), far)
    assert found == [(ACCOUNT, "implausible_sequence", "0x9")]


@pytest.mark.parametrize("name", ["Key deleted", "Mass key deletion"])
def test_f29_an_invented_generation_does_not_excuse_a_deletion(app: App, name: str) -> None:
    many = [
        event(text(n, "CN_DESTROY_OBJECT").replace("262150", str(262150 + n)))
        for n in range(40, 70)
    ]
    excuses = [
        event(one.raw.replace("CN_DESTROY_OBJECT", "CN_GENERATE_KEY"), source)
        for one in many
        for source in (
            SOURCE.replace(ACCOUNT, OTHER_ACCOUNT),
            f"{ACCOUNT}:{REGION}:/aws/cloudhsm/copies/{CLUSTER}:{OTHER_HSM}",
        )
    ]
    without = rule(app, name, *many)
    assert without
    assert rule(app, name, *many, *excuses) == without


def hours_of_work(until: float, source: str = SOURCE) -> list[IndexedEvent]:
    return [event(text(n), source, time=until - 3600 * n) for n in range(1, 100)]


@pytest.mark.parametrize(
    "end",
    [
        event(text(500, "END_MARKER_OPCODE"), time=NOW - 2 * DAY),
        event(text(500, "END_MARKER_OPCODE"), f"{GROUP}:{HSM}", time=NOW - 60),
        event(text(500, "END_MARKER_OPCODE"), SOURCE.replace(ACCOUNT, OTHER_ACCOUNT), time=NOW),
    ],
    ids=["before later records", "from another source", "in another account"],
)
def test_f30_an_invented_end_marker_explains_no_silence(app: App, end: IndexedEvent) -> None:
    work = hours_of_work(NOW - 6 * 3600)
    (row,) = rule(app, "HSM inactive longer than usual", *work, end)
    assert row["hsm_id"] == HSM


# --- texts within a record


def test_f31_lines_of_a_record_in_a_user_name(app: App) -> None:
    forged = event(text(5, "CN_LOGIN", "eve\nOpcode : CN_LOGOUT (0xe)\nResponse : 0:HSM Return: X"))
    (row,) = once(app, forged)
    assert (row["ambiguous"], row["opcode"]) == ("true", "CN_LOGIN")


@pytest.mark.parametrize("name", ["kmsuser ", "KMSUSER", "kmsusеr", "kmsuser\u200b", "kmsuser\x1b"])
def test_f32_a_name_that_looks_like_a_known_user(app: App, name: str) -> None:
    known = {"known_user": f"kmsuser@{CLUSTER}", "activity": "application"}
    session = Session(app, now=NOW, stores={"cloudhsm_known_users": [known]})
    login = text(5, "CN_LOGIN", name) + "\nUser Type : CN_CRYPTO_USER (1)"
    session.index([event(login)])
    (row,) = session.search("`cloudhsm_audit` | `cloudhsm_once` | `cloudhsm_context`").rows
    assert row["activity"] == "user"


def test_f33_an_officer_who_is_entered_as_an_application(app: App) -> None:
    known = {"known_user": f"alice@{CLUSTER}", "activity": "application"}
    session = Session(app, now=NOW, stores={"cloudhsm_known_users": [known]})
    login = text(5, "CN_LOGIN", "alice") + "\nUser Type : CN_CRYPTO_OFFICER (2)"
    session.index([event(login)])
    (row,) = session.search("`cloudhsm_audit` | `cloudhsm_once` | `cloudhsm_context`").rows
    assert row["activity"] == "user"


# --- written into a log group, and collected


@pytest.fixture
def groups(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CollectedGroups:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE00000001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    made = CollectedGroups(tmp_path, app)
    for number in range(6):
        made.put(GROUP, HSM, _at_ms(number), text(number))
    return made


def _at_ms(number: int) -> int:
    return (THEN + number * 60) * 1000


def collected(groups: CollectedGroups) -> list[IndexedEvent]:
    return [one for _ in range(3) for one in groups.run()]


def reported(events: list[IndexedEvent]) -> set[str]:
    own = [one.raw for one in events if one.sourcetype == "aws:cloudhsm:collector"]
    return {found[1] for raw in own if (found := re.search(r'"event": ?"(\w+)"', raw))}


def test_f34_an_altered_copy_in_the_genuine_stream(app: App, groups: CollectedGroups) -> None:
    groups.put(GROUP, HSM, _at_ms(5), FORGED)
    events = collected(groups)
    assert "sequence_conflict" in reported(events)
    assert contradicting(app, *events) == {GENUINE.raw, FORGED}


def test_f35_a_copy_with_a_backdated_event_time(app: App, groups: CollectedGroups) -> None:
    events = collected(groups)
    groups.put(GROUP, HSM, NOW_MS - DAY_MS // 2, FORGED)
    groups.pass_days(0.3)
    events += collected(groups)
    assert FORGED in {one.raw for one in events}
    assert contradicting(app, *events) == {GENUINE.raw, FORGED}


def test_f36_a_stream_that_is_named_like_nothing(app: App, groups: CollectedGroups) -> None:
    groups.put(GROUP, "eve", _at_ms(6), text(6))
    assert "unfamiliar_stream" in reported(collected(groups))


def test_f37_a_log_group_under_the_prefix(app: App, groups: CollectedGroups) -> None:
    groups.put("/aws/cloudhsm/sandbox", HSM, _at_ms(5), FORGED)
    events = collected(groups)
    assert contradicting(app, *events) == {GENUINE.raw, FORGED}
    (row,) = rule(app, "Records from an unconfirmed source", *events, trusting=True)
    assert row["log_group"] == "/aws/cloudhsm/sandbox"


def test_f38_a_damaged_record(app: App, groups: CollectedGroups) -> None:
    groups.put(GROUP, HSM, _at_ms(7), "Opcode : CN_WRAP_KEY (0x15)")
    events = collected(groups)
    assert "records_flawed" in reported(events)
    assert any(one.raw == "Opcode : CN_WRAP_KEY (0x15)" for one in events)


# --- what cannot be distinguished from genuine records


def test_f39_a_record_that_continues_the_genuine_stream_is_taken_for_genuine(app: App) -> None:
    assert verdicts(app, *trail(range(6)), event(text(6)), trusting=True) == []


def test_f40_the_genuine_record_of_that_number_then_contradicts_it(app: App) -> None:
    found = searching(app, event(text(6, "CN_LOGOUT")), event(text(6))).search(
        "`cloudhsm_audit` | `cloudhsm_contradicting`"
    )
    assert len(found.rows) == 2


def test_f41_a_heartbeat_that_imitates_the_collector_is_taken_for_it(app: App) -> None:
    raw = (
        f'{{"time": "{NOW - 120}.000000", "event": "heartbeat", "input": "aws_cloudhsm://main",'
        ' "host": "hf1", "groups": 1}'
    )
    beat = IndexedEvent(
        raw, (NOW - 120) * 1_000_000, "hf1", "aws_cloudhsm://main", "aws:cloudhsm:collector", "main"
    )
    assert rule(app, "Collector inactive", replace(beat, indexed_at=NOW - 100)) == []


# --- the page


def test_every_row_of_the_page_has_a_test_of_its_number_and_every_test_a_row() -> None:
    rows = {int(number) for number in re.findall(r"^\| F(\d\d) \|", PAGE, re.MULTILINE)}
    tests = {int(found[1]) for name in globals() if (found := re.match(r"test_f(\d\d)_", name))}
    assert rows == tests == set(range(1, len(tests) + 1))
    assert len(rows) >= 7 + 20
