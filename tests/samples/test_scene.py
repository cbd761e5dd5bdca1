from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.splunk.event_writer import Event, EventWriter
from emulator.app import App
from samples.layout import Generation
from samples.scene import FIRST_SEQUENCE, Line, Scene, cluster_id, from_mapping, hsm_id, write
from samples.trail import TrailEvent
from samples.vocabulary import CERTIFICATE_OPERATIONS, OPCODES, RESPONSES, USER_TYPES
from tests.samples.reading import Parsed, read
from tools.content.installed_app import installed_app

ROOT = Path(__file__).resolve().parents[2]
START = 1_772_532_000_000_000  # 2026-03-03 10:00 UTC
BOTH = pytest.mark.parametrize("generation", list(Generation))
OLDER, NEWER = Generation.OLDER, Generation.NEWER


@pytest.fixture(scope="module")
def app() -> App:
    return installed_app(ROOT)


def seen(app: App, events: list[TrailEvent]) -> list[dict[str, object]]:
    """The search-time fields of records that the shipped writer indexes."""
    stream = io.BytesIO()
    writer = EventWriter(stream, "main")
    for event in events:
        kind = "certificate" if event.message.startswith("{") else "audit"
        source = f"111122223333:us-east-1:{event.log_group}:{event.log_stream}"
        sourcetype = f"aws:cloudhsm:{kind}"
        usecs = event.timestamp_ms * 1000
        writer.write([Event(usecs, event.message, event.log_stream, source, sourcetype)])
    writer.close()
    return [dict(app.search_time(event)) for event in app.index_modular_input(stream.getvalue())]


def written(*lines: Mapping[str, object], generation: Generation = OLDER) -> list[TrailEvent]:
    return write([from_mapping(line) for line in lines], generation, START)


def records(*lines: Mapping[str, object], generation: Generation = OLDER) -> list[Parsed]:
    return [read(event) for event in written(*lines, generation=generation)]


def needed(opcode: str) -> dict[str, object]:
    managing = re.match("CN_(CREATE_(USER|CO|APPL)|DELETE_USER|CHANGE)", opcode)
    return {"opcode": opcode, "target": "dora"} if managing else {"opcode": opcode}


@BOTH
def test_every_opcode_is_read_back_by_the_shipped_configuration(
    app: App, generation: Generation
) -> None:
    rows = seen(app, written(*map(needed, OPCODES), generation=generation))
    assert [row["opcode"] for row in rows] == list(OPCODES)
    assert not [row for row in rows if "unparsed" in row]


@BOTH
def test_every_answer_and_user_type_is_read_back(app: App, generation: Generation) -> None:
    answers = [{"opcode": "CN_LOGIN", "response": word, "user": "x"} for word in RESPONSES]
    types = [{"opcode": "CN_LOGIN", "user_type": name, "user": "x"} for name in USER_TYPES]
    rows = seen(app, written(*answers, *types, generation=generation))
    texts = [row["response"] for row in rows[: len(answers)]]
    assert texts == [answer.text.partition(": ")[2] for answer in RESPONSES.values()]
    assert [row["user_type"] for row in rows[len(answers) :]] == list(USER_TYPES)


def test_records_of_the_certificate_store_are_in_the_cluster_s_own_stream(app: App) -> None:
    lines = [{"certificate": name, "handle": 77} for name in CERTIFICATE_OPERATIONS]
    events = written(*lines)
    assert {event.log_stream for event in events} == {cluster_id("payments")}
    assert [json.loads(event.message)["object_handle"] for event in events] == [77] * 3
    assert [row["opcode"] for row in seen(app, events)] == list(CERTIFICATE_OPERATIONS)


def test_a_change_that_the_certificate_store_refused_has_its_own_words() -> None:
    (event,) = written({"certificate": "DestroyObject", "response": "ObjectNotFound"})
    assert json.loads(event.message)["response"] == "ObjectNotFound"


@pytest.mark.parametrize(
    ("line", "generation", "fields"),
    [
        ({"opcode": "CN_LOGIN", "user": "dora"}, OLDER, {"User Name": "dora"}),
        ({"opcode": "CN_LOGIN", "user_id": 4}, NEWER, {"User id": "4"}),
        (
            {"opcode": "CN_DELETE_USER", "target": "dora", "target_id": 5},
            NEWER,
            {"Target User Name": "dora", "Target User id": "5"},
        ),
        ({"opcode": "CN_DELETE_USER", "target": "dora"}, OLDER, {"User Name": "dora"}),
        (
            {"opcode": "CN_GENERATE_KEY_PAIR", "secret": 9, "public": 8, "mechanism": 4160},
            NEWER,
            {"Priv/Secret Key Handle": "9", "Public Key Handle": "8", "Mechanism": "4160"},
        ),
        ({"opcode": "CN_TOMBSTONE_OBJECT", "handle": 9}, NEWER, {"Key Handle": "9"}),
        (
            {"opcode": "CN_SHARE_OBJECT", "handle": 9, "operation": "UNSHARE", "user_ids": [3]},
            NEWER,
            {"Key Handle": "9", "Operation": "UNSHARE (0)", "UserIDs": "3"},
        ),
        ({"clock": True}, NEWER, {"Command Type(hex)": "TIME_INFO_CMD (0xeee2)"}),
        ({"opcode": "CN_LOGIN", "reboot_counter": 9}, OLDER, {"Reboot counter": "0x9"}),
        ({"opcode": "CN_LOGIN", "session": 16}, OLDER, {"Session Handle": "0x10"}),
        (
            {"opcode": "CN_CERT_AUTH_STORE_CERT", "command_type": "CN_CERT_AUTH_CMD"},
            OLDER,
            {"Command Type(hex)": "CN_CERT_AUTH_CMD (0x9)"},
        ),
    ],
)
def test_a_key_of_a_line_is_in_the_record(
    line: dict[str, object], generation: Generation, fields: dict[str, str]
) -> None:
    (record,) = records(line, generation=generation)
    assert record.fields.items() >= fields.items()


def test_a_text_is_unchanged() -> None:
    assert written({"text": "no\nrecord"})[0].message == "no\nrecord"


@pytest.mark.parametrize(("at", "seconds"), [(1.5, 1.5), ("90s", 90), ("-3d", -259200), (0, 0)])
def test_times_count_from_the_scene_s_beginning(at: object, seconds: float) -> None:
    (record,) = records({"at": at, "opcode": "CN_LOGOUT"})
    assert record.usecs == START + seconds * 1_000_000


def test_records_come_in_the_order_of_their_time() -> None:
    parsed = records({"at": "2m", "opcode": "CN_LOGOUT"}, {"at": "1m", "opcode": "CN_LOGIN"})
    assert [record.opcode for record in parsed] == ["CN_LOGIN", "CN_LOGOUT"]
    assert [record.sequence for record in parsed] == [FIRST_SEQUENCE, FIRST_SEQUENCE + 1]


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=30))
def test_each_hsm_counts_for_itself_without_a_gap(hsms: list[str]) -> None:
    parsed = records(*({"hsm": hsm, "opcode": "CN_LOGIN"} for hsm in hsms))
    for name in set(hsms):
        own = [r.sequence for r in parsed if r.log_stream == hsm_id("payments", name)]
        assert own == list(range(FIRST_SEQUENCE, FIRST_SEQUENCE + hsms.count(name)))


def test_lost_numbers_are_skipped_and_a_sequence_is_where_to_go_on() -> None:
    parsed = records(
        {"opcode": "CN_LOGIN"},
        {"opcode": "CN_LOGIN", "lost": 3, "repeat": 2},
        {"opcode": "CN_LOGIN", "sequence": 0, "repeat": 2},
        {"opcode": "CN_LOGIN"},
    )
    assert [record.sequence for record in parsed] == [1000, 1004, 1005, 0, 1, 2]


def test_repeats_come_at_the_interval_on_each_hsm() -> None:
    parsed = records({"opcode": "CN_LOGIN", "hsm": "all", "repeat": 2, "every": "1m"})
    assert [(record.usecs - START) / 1e6 for record in parsed] == [0, 0.1, 0.2, 60, 60.1, 60.2]
    assert [record.log_stream for record in parsed] == [hsm_id("payments", x) for x in "abc"] * 2


def test_copies_and_late_records_have_the_time_at_which_they_can_be_read() -> None:
    line = from_mapping({"opcode": "CN_LOGIN", "copies": 2, "arrives": "1h"})
    first, second = Scene(OLDER, START).arrivals([line])
    assert first == second
    assert first[0] == START / 1e6 + 0.9 + 3600


def test_a_scene_goes_on_counting_from_one_writing_to_the_next() -> None:
    scene, line = Scene(OLDER, START), Line(opcode="CN_LOGIN")
    sequences = [read(event).sequence for _ in range(3) for _, event in scene.arrivals([line])]
    assert sequences == [1000, 1001, 1002]


@given(st.text(min_size=1), st.text(min_size=1))
def test_ids_are_valid_stable_and_each_cluster_s_own(name: str, other_name: str) -> None:
    ids = [hsm_id(cluster, letter) for cluster in {name, other_name} for letter in "abcde"]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("hsm-[2-7a-z]{11}", hsm) for hsm in ids)
    assert re.fullmatch("cluster-[2-7a-z]{11}", cluster_id(name))
    assert (cluster_id(name) == cluster_id(other_name)) is (name == other_name)
    assert hsm_id(name, "a") == hsm_id(name, "a")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"opcode": "CN_LOGIN", "usr": "x"}, "usr is no key of a record; known: at, arrives"),
        ({"opcode": "CN_LOGIN", "repeat": 0}, "repeat: 0 is less than 1"),
        ({"opcode": "CN_LOGIN", "lost": -1}, "lost: -1 is less than 0"),
        ({"opcode": "CN_LOGIN", "repeat": "2"}, "repeat: '2' is no whole number"),
        ({"opcode": "CN_LOGIN", "repeat": True}, "repeat: True is no whole number"),
        ({"opcode": "CN_LOGIN", "user": 7}, "user: 7 is no text"),
        ({"opcode": "CN_LOGIN", "clock": 1}, "clock: 1 is no truth value"),
        ({"opcode": "CN_LOGIN", "at": "soon"}, "at: 'soon': write seconds, or 90s"),
        ({"opcode": "CN_LOGIN", "at": float("nan")}, "at: nan is no time"),
        ({"opcode": "CN_LOGIN", "at": True}, "at: True: write seconds, or 90s"),
        ({"opcode": "CN_LOGIN", "every": "1m"}, "every has no effect without repeat"),
        ({"opcode": "CN_LOGIN", "user_type": "PCO"}, "user_type has no effect without user"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_the_record(
    line: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        from_mapping(line)
    assert str(raised.value).startswith("record {opcode: CN_LOGIN, ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (Line(opcode="CN_LOGN"), "(CN_LOGN at 0 s): opcode: 'CN_LOGN' is not known; is it CN_LOGI"),
        (Line(opcode="CN_LOGIN", response="nope"), "response: 'nope' is not known; one of"),
        (Line(opcode="CN_LOGIN", hsm="z"), "hsm: 'z' is not known; one of a, b, c, d, e"),
        (
            Line(opcode="CN_LOGIN", user="x", user_type="CN_CRYPTO_USR"),
            "user_type: 'CN_CRYPTO_USR' is not known; is it CN_CRYPTO_USER?",
        ),
        (Line(opcode="CN_LOGIN", command_type="MGMT"), "command_type: 'MGMT' is not known"),
        (Line(opcode="CN_SHARE_OBJECT", operation="share"), "operation: 'share' is not known"),
        (Line(certificate="CreateObjekt"), "certificate: 'CreateObjekt' is not known; is it Creat"),
        (Line(certificate="CreateObject", response="busy"), "response: 'busy' is not known"),
        (Line(opcode="CN_CREATE_USER"), "target: CN_CREATE_USER needs the user whom it concerns"),
        (Line(opcode="CN_WRAP_KEY", user="x", handle=3), "one of them has no place"),
        (Line(), "a record needs one of opcode, certificate, text, clock"),
        (Line(opcode="CN_LOGIN", text="x"), "not opcode and text"),
        (Line(opcode="CN_LOGIN", repeat=0), "repeat and copies are at least 1"),
    ],
)
@BOTH
def test_a_line_that_no_record_can_be_made_of_is_named(
    line: Line, message: str, generation: Generation
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        write([Line(opcode="CN_LOGIN"), line], generation, START)
    assert str(raised.value).startswith("line 2 (")
