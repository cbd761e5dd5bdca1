from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.splunk.event_writer import Event, EventWriter
from cloudhsm.trail.record_identity import identify, record_key
from emulator.app import App
from emulator.event import IndexedEvent

Fields = dict[str, Union[str, list[str]]]
FieldsOf = Callable[..., Fields]

CLUSTER = "cluster-likphkxygsn"
HSM = "hsm-nwbbiqbj4jk"
GROUP = f"/aws/cloudhsm/{CLUSTER}"
SOURCE = f"111122223333:us-east-1:{GROUP}:{HSM}"
AUDIT = "aws:cloudhsm:audit"
CERTIFICATE = "aws:cloudhsm:certificate"
COLLECTOR = "aws:cloudhsm:collector"

NOW_USECS = 1_795_374_000_000_000  # 2026-11-22 19:00 UTC, so that no test depends on the day
DAY_USECS = 86_400_000_000

TIME = "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812"
OLDER = {
    "Sequence No": "0x1d",
    "Reboot counter": "0xe8",
    "Command Type(hex)": "CN_MGMT_CMD (0x0)",
    "Opcode": "CN_LOGIN (0xd)",
    "Session Handle": "0x2014005",
    "Response": "0:HSM Return: SUCCESS",
    "Log type": "MGMT_USER_DETAILS_LOG (2)",
    "User Name": "crypto_user",
    "User Type": "CN_CRYPTO_USER (1)",
}
OLDER_FIELDS = {
    "usecs": "1513717277140812",
    "sequence_no": "0x1d",
    "sequence": "29",
    "reboot_counter": "0xe8",
    "command_type": "CN_MGMT_CMD",
    "command_type_code": "0x0",
    "opcode": "CN_LOGIN",
    "opcode_code": "0xd",
    "session_handle": "0x2014005",
    "response": "SUCCESS",
    "response_code": "0",
    "response_label": "HSM Return",
    "outcome": "success",
    "log_type": "MGMT_USER_DETAILS_LOG",
    "log_type_code": "2",
    "user_name": "crypto_user",
    "user_type": "CN_CRYPTO_USER",
    "user_type_code": "1",
    "record_status": "complete",
}
# No complete record of the newer generation is published. These are all its known keys in the
# order that the one public parser accepts, with invented values: an inferred layout.
NEWER = {
    "Version No": "1.0",
    "Sequence No": "0x1d",
    "Reboot counter": "0xe8",
    "Opcode": "CN_SHARE_OBJECT (0x12)",
    "Command Type(hex)": "CN_MGMT_CMD (0x0)",
    "User id": "3",
    "Session Handle": "0x2014005",
    "Response": "206:HSM Error: This user doesn't exist",
    "Log type": "KEY_DETAILS_LOG (7)",
    "Public Key Handle": "131078",
    "Priv/Secret Key Handle": "131079",
    "Key Handle": "2490398",
    "local time": "04/22/22 20:13:18.189504, usec:1650658398189504",
    "host time": "04/22/22 20:13:18.191729 usec:1650658398191729",
    "propagation delay": "usec:39",
    "User Name": "kmsuser",
    "User Type": "CN_CRYPTO_USER (1)",
    "Mechanism": "4224",
    "Target User Name": "bob",
    "Target User Type": "CN_CRYPTO_OFFICER (2)",
    "Target User id": "9",
    "Mfa enabled": "no",
    "Operation": "SHARE (1)",
    "Number of Users": "2",
    "UserIDs": "4 5",
}
NEWER_FIELDS = {
    "record_version": "1.0",
    "user_id": "3",
    "response": "This user doesn't exist",
    "response_code": "206",
    "response_label": "HSM Error",
    "outcome": "failure",
    "log_type": "KEY_DETAILS_LOG",
    "log_type_code": "7",
    "private_key_handle": "131079",
    "public_key_handle": "131078",
    "object_handle": "2490398",
    "key_handle": ["131079", "131078", "2490398"],
    "hsm_time_usecs": "1650658398189504",
    "host_time_usecs": "1650658398191729",
    "propagation_delay_usecs": "39",
    "user_name": "kmsuser",
    "user_type": "CN_CRYPTO_USER",
    "mechanism": "4224",
    "target_user_name": "bob",
    "target_user_type": "CN_CRYPTO_OFFICER",
    "target_user_type_code": "2",
    "target_user_id": "9",
    "mfa_enabled": "no",
    "operation": "SHARE",
    "operation_code": "1",
    "number_of_users": "2",
    "user_ids": "4 5",
    "record_status": "complete",
}


def record(
    keys: dict[str, str] = OLDER,
    *,
    before: str = " ",
    newline: str = "\n",
    drop: str = "",
    **changed: str,
) -> str:
    """A record with `before` in front of each colon; `changed` names keys as fields are named."""
    replaced = {key: value for key, value in keys.items() if key != drop}
    for name, value in changed.items():
        (key,) = [key for key in keys if key.lower().replace(" ", "_") == name]
        replaced[key] = value
    lines = [TIME, *(f"{key}{before}: {value}" for key, value in replaced.items())]
    return newline.join(lines)


def part(fields: Fields, like: Mapping[str, object]) -> Fields:
    return {key: value for key, value in fields.items() if key in like}


def first(fields: Fields, names: Iterable[str]) -> dict[str, str | None]:
    """The first value of each field: that of the record's own line."""
    values = {name: fields.get(name) for name in names}
    return {name: value[0] if isinstance(value, list) else value for name, value in values.items()}


# --- index time


def in_file(app: App, text: str, sourcetype: str = AUDIT, host: str = HSM) -> list[IndexedEvent]:
    events = app.index_text(
        text, sourcetype=sourcetype, source=SOURCE, host=host, clock=lambda: NOW_USECS
    )
    return list(events)


def from_collector(app: App, text: str, sourcetype: str = AUDIT) -> list[IndexedEvent]:
    """As the modular input prints it and Splunk takes it."""
    usecs = identify(text).usecs
    assert usecs is not None
    output = io.BytesIO()
    writer = EventWriter(output, "main")
    writer.write([Event(usecs, text, HSM, SOURCE, sourcetype)])
    writer.close()
    return list(app.index_modular_input(output.getvalue(), clock=lambda: NOW_USECS))


@pytest.mark.parametrize("usecs", [1513717277140812, 1513717277000000, 1795374000000001])
@pytest.mark.parametrize("keys", [OLDER, NEWER], ids=["older", "newer"])
def test_the_collectors_time_and_the_one_read_from_the_text_are_the_same_microsecond(
    app: App, keys: dict[str, str], usecs: int
) -> None:
    moment = datetime.fromtimestamp(usecs // 1_000_000, timezone.utc)
    line = f"Time: {moment:%m/%d/%y %H:%M:%S}.{usecs % 1_000_000:06d}, usecs:{usecs}"
    text = record(keys).replace(TIME, line)
    (read,), (handed_over,) = in_file(app, text), from_collector(app, text)
    assert read.time_usecs == handed_over.time_usecs == usecs
    assert read.raw == handed_over.raw == text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("keys", [OLDER, NEWER], ids=["older", "newer"])
def test_a_file_is_broken_before_each_time_line_only(
    app: App, keys: dict[str, str], newline: str
) -> None:
    text = record(keys, newline=newline)
    events = in_file(app, newline.join([text, text, text]) + newline)
    assert [event.raw.rstrip() for event in events] == [text, text, text]


def test_flattened_records_are_one_event_a_line(app: App) -> None:
    flat = record().replace("\n", " ")
    assert [event.raw for event in in_file(app, f"{flat}\n{flat}")] == [flat, flat]


def test_no_user_name_of_31_characters_breaks_an_event_of_a_file(app: App) -> None:
    name = "\nTime: 12/19/17 21:01:17.140812"
    assert len(name) == 31
    text = record(user_name=name)
    assert [event.raw for event in in_file(app, f"{text}\n{record()}")] == [text, record()]


def test_from_the_collector_even_a_complete_forged_record_stays_inside_its_event(app: App) -> None:
    text = record(user_name=f"eve\n{record()}")
    (event,) = from_collector(app, text)
    assert event.raw == text


@pytest.mark.parametrize(
    ("usecs", "kept"),
    [
        (NOW_USECS - 10_950 * DAY_USECS, True),
        (NOW_USECS - 10_952 * DAY_USECS, False),
        (1513717277140812, True),
        (NOW_USECS + 29 * DAY_USECS, True),
        (NOW_USECS + 31 * DAY_USECS, False),
    ],
)
def test_a_time_is_kept_for_30_years_back_and_30_days_ahead(
    app: App, usecs: int, kept: bool
) -> None:
    (event,) = in_file(app, record().replace("usecs:1513717277140812", f"usecs:{usecs}"))
    assert (event.time_usecs == usecs) is kept


@pytest.mark.parametrize("size", [1_000_000])
def test_a_record_of_a_megabyte_is_one_event_and_keeps_its_fields(
    app: App, fields_of: FieldsOf, size: int
) -> None:
    name = "x" * size
    text = record(user_name=name)
    (event,) = in_file(app, text)
    assert event.raw == text
    fields = app.search_time(event)
    expected = {**OLDER_FIELDS, "user_name": name}
    assert part(dict(fields), expected) == expected


@pytest.mark.parametrize(
    "filler", ["\\u0000", "a b ", "\n", "a\n", "Opcode : ", " ", "User Name :\n"]
)
def test_hostile_filler_neither_breaks_an_event_nor_gives_a_wrong_field(
    app: App, fields_of: FieldsOf, filler: str
) -> None:
    """200 kB after the user name; the emulator raises when a regex hits Splunk's limits."""
    text = record(user_name="eve" + filler * (200_000 // len(filler)))
    (event,) = in_file(app, text)
    fields = app.search_time(event)
    assert fields["opcode"] == "CN_LOGIN"
    assert str(fields["user_name"]).startswith("eve")
    assert fields["outcome"] == "success"


@pytest.mark.parametrize("key", ["Sequence No", "Opcode", "Response", "Log type"])
def test_long_runs_of_blanks_inside_the_head_cost_no_regex_its_limit(
    fields_of: FieldsOf, key: str
) -> None:
    fields = fields_of(record().replace(f"{key} : ", f"{key} : " + " " * 100_000))
    assert part(fields, OLDER_FIELDS) == OLDER_FIELDS


# --- the audit record


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", " ", "\t", "\t\t\t", " \t "])
@pytest.mark.parametrize(
    ("keys", "expected"), [(OLDER, OLDER_FIELDS), (NEWER, NEWER_FIELDS)], ids=["older", "newer"]
)
def test_every_separator_gives_the_same_fields(
    fields_of: FieldsOf, keys: dict[str, str], expected: Fields, before: str, newline: str
) -> None:
    fields = fields_of(record(keys, before=before, newline=newline))
    assert part(fields, expected) == expected
    assert "unparsed" not in fields


def test_values_may_follow_the_colon_at_once_or_after_tabs(fields_of: FieldsOf) -> None:
    for after in (":", ":\t", ":\t\t "):
        text = record().replace(" : ", f" {after}")
        assert part(fields_of(text), OLDER_FIELDS) == OLDER_FIELDS


def test_a_second_blank_after_the_colon_belongs_to_a_name_and_to_nothing_else(
    fields_of: FieldsOf,
) -> None:
    fields = fields_of(record().replace(" : ", " :  "))
    assert fields["user_name"] == f" {OLDER_FIELDS['user_name']}"
    rest = {name: value for name, value in OLDER_FIELDS.items() if name != "user_name"}
    assert part(fields, rest) == rest


def test_a_field_that_a_record_lacks_is_absent(fields_of: FieldsOf) -> None:
    absent = {
        "key_handle",
        "user_id",
        "target_user_name",
        "mechanism",
        "unparsed",
        "hsm_time_usecs",
    }
    assert not absent & set(fields_of(record()))


@pytest.mark.parametrize("before", ["", " "])
def test_a_record_flattened_to_one_line_gives_the_same_fields(
    fields_of: FieldsOf, before: str
) -> None:
    fields = fields_of(record(before=before).replace("\n", " "))
    assert part(fields, OLDER_FIELDS) == OLDER_FIELDS
    assert "unparsed" not in fields


def test_a_flattened_record_gives_its_key_handles(fields_of: FieldsOf) -> None:
    keys = {key: value for key, value in OLDER.items() if not key.startswith("User")}
    keys |= {"Log type": "MGMT_KEY_DETAILS_LOG (1)", "Priv/Secret Key Handle": "7"}
    fields = fields_of(record({**keys, "Public Key Handle": "0"}).replace("\n", " "))
    assert (fields["key_handle"], fields["public_key_handle"]) == ("7", "0")
    assert fields["record_status"] == "complete"


def test_a_flattened_user_name_cannot_pose_as_a_user_type(fields_of: FieldsOf) -> None:
    name = "eve User Type : CN_CRYPTO_OFFICER (2)"
    fields = fields_of(record(user_name=name).replace("\n", " "))
    assert (fields["user_name"], fields["user_type"]) == (name, "CN_CRYPTO_USER")


@pytest.mark.parametrize(
    ("sequence_no", "sequence"),
    [
        ("0x0", "0"),
        ("0xff", "255"),
        ("0x00000000000000ff", "255"),
        ("0xFFFFFFFF", "4294967295"),
        ("0x1fffffffffffff", "9007199254740991"),
        ("0x20000000000000", None),
        ("0xffffffffffffffff", None),
    ],
)
def test_sequence_is_the_decimal_number_as_long_as_a_double_is_exact(
    fields_of: FieldsOf, sequence_no: str, sequence: str | None
) -> None:
    fields = fields_of(record(sequence_no=sequence_no))
    assert (fields["sequence_no"], fields.get("sequence")) == (sequence_no, sequence)


@pytest.mark.parametrize(
    ("response", "code", "text", "outcome"),
    [
        ("0:HSM Return: SUCCESS", "0", "SUCCESS", "success"),
        ("163:HSM Error: RET_USER_LOGIN_FAILURE", "163", "RET_USER_LOGIN_FAILURE", "failure"),
        ("999:HSM Error: a : b, c's", "999", "a : b, c's", "failure"),
        ("HSM Error: Key not found", None, "Key not found", "failure"),
        ("0:HSM Error: odd", "0", "odd", "failure"),
        ("5:HSM Return: SUCCESS", "5", "SUCCESS", "failure"),
        ("5:odd", "5", "odd", "failure"),
        ("206", "206", None, "failure"),
        ("0:HSM Return: PENDING", "0", "PENDING", "unknown"),
        ("odd", None, "odd", "unknown"),
        ("", None, None, "unknown"),
    ],
)
def test_the_response_is_split_and_gives_the_outcome(
    fields_of: FieldsOf, response: str, code: str | None, text: str | None, outcome: str
) -> None:
    fields = fields_of(record(response=response))
    assert (fields.get("response_code"), fields.get("response")) == (code, text)
    assert fields["outcome"] == outcome


def test_a_record_without_a_response_has_an_unknown_outcome(fields_of: FieldsOf) -> None:
    fields = fields_of(record(drop="Response"))
    assert (fields["outcome"], fields["record_status"]) == ("unknown", "incomplete")
    assert "response_class" not in fields


@pytest.mark.parametrize(
    ("value", "name", "code"),
    [
        ("CN_NEW (0x1f)", "CN_NEW", "0x1f"),
        ("CN_NEW(0x1F)", "CN_NEW", "0x1F"),
        ("CN_NEW", "CN_NEW", None),
        ("CN_NEW (d)", "CN_NEW", None),
        ("two words (0x1)", "two words", "0x1"),
        ("(0x1f)", None, "0x1f"),
        ("", None, None),
    ],
)
def test_a_coded_value_is_split_into_name_and_code(
    fields_of: FieldsOf, value: str, name: str | None, code: str | None
) -> None:
    fields = fields_of(record(opcode=value))
    assert (fields.get("opcode"), fields.get("opcode_code")) == (name, code)
    assert fields["session_handle"] == "0x2014005"


@pytest.mark.parametrize(
    ("handles", "expected"),
    [
        ({"Priv/Secret Key Handle": "131079", "Public Key Handle": "131078"}, ["131079", "131078"]),
        ({"Public Key Handle": "131078", "Priv/Secret Key Handle": "131079"}, ["131079", "131078"]),
        ({"Priv/Secret Key Handle": "262152", "Public Key Handle": "0"}, "262152"),
        ({"Priv/Secret Key Handle": "0", "Public Key Handle": "0", "Key Handle": "5"}, "5"),
        ({"Priv/Secret Key Handle": "7", "Public Key Handle": "7"}, "7"),
        ({"Priv/Secret Key Handle": "0", "Public Key Handle": "0"}, None),
        ({"Priv/Secret Key Handle": "18446744073709551615"}, "18446744073709551615"),
    ],
)
def test_key_handle_has_every_handle_but_zero(
    fields_of: FieldsOf, handles: dict[str, str], expected: str | list[str] | None
) -> None:
    head = {key: value for key, value in OLDER.items() if not key.startswith("User")}
    fields = fields_of(record({**head, "Log type": "MGMT_KEY_DETAILS_LOG (1)", **handles}))
    assert fields.get("key_handle") == expected
    assert fields["record_status"] == "complete"


# --- where a record comes from


@pytest.mark.parametrize(
    ("source", "account", "region"),
    [
        (SOURCE, "111122223333", "us-east-1"),
        (f"111122223333:us-gov-west-1:{GROUP}:{HSM}", "111122223333", "us-gov-west-1"),
        (f"111122223333:eusc-de-east-1:{GROUP}:{HSM}", "111122223333", "eusc-de-east-1"),
        (f"us-east-1:{GROUP}:{HSM}", None, "us-east-1"),
        (f"111122223333:{GROUP}:{HSM}", "111122223333", None),
        (f"{GROUP}:{HSM}", None, None),
        (f"/var/log/{CLUSTER}/{HSM}.log", None, None),
    ],
)
def test_account_and_region_are_read_from_the_source_if_they_are_there(
    fields_of: FieldsOf, source: str, account: str | None, region: str | None
) -> None:
    fields = fields_of(record(), source=source, host="forwarder")
    assert (fields.get("aws_account_id"), fields.get("aws_region")) == (account, region)
    assert (fields["cluster_id"], fields["hsm_id"]) == (CLUSTER, HSM)


def test_the_host_is_used_for_an_hsm_that_the_source_does_not_name(fields_of: FieldsOf) -> None:
    fields = fields_of(record(), source="/tmp/trail.txt", host="hsm-abcdefghijk")
    assert (fields["hsm_id"], fields.get("cluster_id")) == ("hsm-abcdefghijk", None)
    assert fields["record_key"] == "hsm-abcdefghijk|0xe8|0x1d|1513717277140812"


def test_a_host_that_is_no_hsm_is_not_taken_for_one(fields_of: FieldsOf) -> None:
    fields = fields_of(record(), source="/tmp/trail.txt", host="hsm-gateway.example.com")
    assert "hsm_id" not in fields
    digest = hashlib.sha256(record().encode()).hexdigest()
    assert fields["record_key"] == f"/tmp/trail.txt|1513717277.140812|{digest}"


# --- record_key and record_status


@pytest.mark.parametrize("keys", [OLDER, NEWER], ids=["older", "newer"])
@pytest.mark.parametrize("flat", [False, True])
def test_record_key_is_the_one_that_the_collector_reports(
    fields_of: FieldsOf, keys: dict[str, str], flat: bool
) -> None:
    text = record(keys)
    text = text.replace("\n", " ") if flat and keys is OLDER else text
    expected = f"{HSM}|0xe8|0x1d|1513717277140812"
    assert fields_of(text)["record_key"] == record_key(identify(text), HSM) == expected


@pytest.mark.parametrize("drop", ["Sequence No", "Reboot counter"])
def test_a_record_without_a_complete_identity_is_keyed_by_its_text(
    fields_of: FieldsOf, drop: str
) -> None:
    text = record(drop=drop)
    digest = hashlib.sha256(text.encode()).hexdigest()
    fields = fields_of(text)
    assert fields["record_key"] == f"{HSM}|1513717277.140812|{digest}"
    assert fields["record_status"] == "incomplete"


@pytest.mark.parametrize("lines", range(1, 10))
def test_a_record_cut_at_any_line_is_incomplete_and_keeps_what_it_has(
    fields_of: FieldsOf, lines: int
) -> None:
    text = "\n".join(record().split("\n")[:lines])
    fields = fields_of(text)
    assert fields["_raw"] == text
    assert fields["record_status"] == "incomplete"
    assert fields["usecs"] == "1513717277140812"


@pytest.mark.parametrize(
    "drop",
    ["Command Type(hex)", "Session Handle", "Response", "Log type", "User Type", "Reboot counter"],
)
def test_a_record_that_lacks_a_line_is_incomplete(fields_of: FieldsOf, drop: str) -> None:
    text = record(drop=drop)
    fields = fields_of(text)
    assert (fields["_raw"], fields["record_status"]) == (text, "incomplete")


def test_a_key_record_without_any_handle_is_incomplete(fields_of: FieldsOf) -> None:
    keys = {key: value for key, value in OLDER.items() if not key.startswith("User")}
    fields = fields_of(record({**keys, "Log type": "MGMT_KEY_DETAILS_LOG (1)"}))
    assert fields["record_status"] == "incomplete"


def test_a_target_user_is_not_taken_for_the_acting_user(fields_of: FieldsOf) -> None:
    keys = {key: value for key, value in NEWER.items() if key not in {"User Name", "User Type"}}
    fields = fields_of(record(keys))
    assert not {"user_name", "user_type", "user_type_label"} & set(fields)
    assert (fields["target_user_name"], fields["user_id"]) == ("bob", "3")


def test_a_record_without_an_opcode_is_complete_but_of_an_unknown_category(
    fields_of: FieldsOf,
) -> None:
    fields = fields_of(record(drop="Opcode"))
    assert (fields["record_status"], fields["category"]) == ("complete", "Unknown")
    assert "names no operation" in fields["description"]


@pytest.mark.parametrize("text", ["x", " ", "hello\nworld", "{}", "Time:", "12/19/17"])
def test_a_text_that_is_no_record_is_unrecognized_and_intact(
    fields_of: FieldsOf, text: str
) -> None:
    fields = fields_of(text)
    assert (fields["_raw"], fields["record_status"]) == (text, "unrecognized")
    assert (fields["outcome"], fields["category"]) == ("unknown", "Unknown")


def test_a_fragment_without_its_time_line_keeps_its_fields_but_is_unrecognized(
    fields_of: FieldsOf,
) -> None:
    fields = fields_of("\n".join(record().split("\n")[1:]))
    expected = {key: OLDER_FIELDS[key] for key in OLDER_FIELDS if key not in {"usecs"}}
    assert part(fields, expected) == {**expected, "record_status": "unrecognized"}


def test_lines_that_no_key_explains_are_kept_as_unparsed(fields_of: FieldsOf) -> None:
    text = record() + "\nNode Id : 7\n\nmore text"
    fields = fields_of(text.replace("Session", "M Value : 2\nSession", 1))
    assert fields["unparsed"] == "M Value : 2\nNode Id : 7\n\nmore text"
    assert part(fields, OLDER_FIELDS) == OLDER_FIELDS


# --- hostile names

FORGED = "CN_ZEROIZE (0x99)"


@pytest.mark.parametrize(
    "name",
    [
        f"Opcode : {FORGED}",
        "Time: 01/01/20 00:00:00.000000, usecs:1577836800000000",
        "eve Response : 0:HSM Return: SUCCESS",
        "eve\tUser Type : CN_CRYPTO_OFFICER (2)",
        "x | delete index=main",
        "<event><data>x</data></event>",
        "naïve\u2028user",
        "eve\\nOpcode : x",
        "* OR 1=1",
    ],
)
def test_a_user_name_on_one_line_is_a_user_name_with_any_text(
    fields_of: FieldsOf, name: str
) -> None:
    fields = fields_of(record(user_name=name))
    expected = {**OLDER_FIELDS, "user_name": name}
    assert part(fields, expected) == expected


@pytest.mark.parametrize("missing", ["", "Opcode", "Response", "Sequence No", "Session Handle"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_name_with_line_breaks_cannot_forge_lines_above_it(
    fields_of: FieldsOf, missing: str, newline: str
) -> None:
    """Not even when the record lacks the line that it forges."""
    genuine = fields_of(record(drop=missing))
    forged = newline.join(
        [
            "eve",
            "Time: 01/01/20 00:00:00.000000, usecs:1577836800000000",
            "Sequence No : 0x0",
            "Reboot counter : 0x0",
            f"Opcode : {FORGED}",
            "Session Handle : 0x0",
            "Response : 5:HSM Error: x",
            "Log type : X (9)",
            "Priv/Secret Key Handle : 5",
        ]
    )
    fields = fields_of(record(drop=missing, user_name=forged))
    trusted = [
        *("usecs", "sequence_no", "reboot_counter", "opcode", "session_handle", "response"),
        *("log_type", "private_key_handle", "key_handle", "outcome", "category"),
    ]
    assert first(fields, trusted) == first(genuine, trusted)
    computed = ("outcome", "category", "description", "risk", "record_key", "sequence", "cim_model")
    if missing not in {"Opcode", "Response", "Sequence No"}:
        assert part(fields, dict.fromkeys(computed)) == part(genuine, dict.fromkeys(computed))
    assert (fields["record_status"], fields["ambiguous"]) == ("ambiguous", "true")


@pytest.mark.parametrize(
    "name",
    [
        "eve\nUser Type : CN_CRYPTO_OFFICER (2)",
        "eve\nTarget User Name : bob",
        "eve\nMfa enabled : yes",
        "eve\nfree text",
        "eve\n\n\nUser Type : x",
    ],
)
def test_a_name_with_line_breaks_makes_the_record_ambiguous(fields_of: FieldsOf, name: str) -> None:
    assert fields_of(record(user_name=name))["record_status"] == "ambiguous"
    changed = {"Target User Name": name.replace("\nUser", "\nTarget User")}
    assert fields_of(record({**NEWER, **changed}))["record_status"] == "ambiguous"


@pytest.mark.parametrize("key", ["Time", *NEWER])
def test_a_doubled_key_makes_the_record_ambiguous(fields_of: FieldsOf, key: str) -> None:
    assert fields_of(record(NEWER))["record_status"] == "complete"
    fields = fields_of(f"{record(NEWER)}\n{key} : x")
    assert (fields["record_status"], fields["ambiguous"]) == ("ambiguous", "true")
    assert "unparsed" not in fields
    single = {name: value for name, value in NEWER_FIELDS.items() if not isinstance(value, list)}
    assert first(fields, single) == {**single, "record_status": "ambiguous"}
    assert fields["key_handle"] == NEWER_FIELDS["key_handle"]


@settings(max_examples=150, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_no_user_name_changes_who_when_and_what(fields_of: FieldsOf, name: str) -> None:
    """The head is the same with any name; a name with line breaks is flagged."""
    fields = fields_of(record(user_name=name))
    head = {key: OLDER_FIELDS[key] for key in OLDER_FIELDS if not key.startswith(("user", "rec"))}
    assert part(fields, head) == head
    stripped = name.strip("\r\n \t")
    if "\n" in stripped or "\r" in stripped:
        assert fields["record_status"] == "ambiguous"


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=400))
def test_no_text_makes_a_rule_fail(fields_of: FieldsOf, text: str) -> None:
    fields = fields_of(text)
    assert fields["_raw"] == text
    assert {"record_status", "outcome", "category", "record_key"} <= set(fields)


# --- certificate storage

CREATED = {
    "object_handle": 463180677312929947,
    "op_code": "CreateObject",
    "response": "OK",
    "attributes": None,
    "timestamp": 1725482483671,
}
CLUSTER_SOURCE = f"111122223333:us-east-1:{GROUP}:{CLUSTER}"


def certificate(fields_of: FieldsOf, text: str) -> Fields:
    return fields_of(text, sourcetype=CERTIFICATE, source=CLUSTER_SOURCE, host=CLUSTER)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(CREATED),
        json.dumps(CREATED, indent=4),
        json.dumps(CREATED, indent="\t").replace("\n", "\r\n"),
        json.dumps(CREATED, separators=(",", ":")),
        json.dumps(dict(reversed(CREATED.items()))),
    ],
)
def test_a_certificate_record_gives_its_fields_however_it_is_written(
    app: App, fields_of: FieldsOf, text: str
) -> None:
    (event,) = in_file(app, text, CERTIFICATE, CLUSTER)
    assert (event.raw, event.time_usecs) == (text, 1725482483671000)
    fields = certificate(fields_of, text)
    expected = {
        "object_handle": "463180677312929947",
        "opcode": "CreateObject",
        "response": "OK",
        "outcome": "success",
        "category": "Certificate Storage",
        "risk": "low",
        "response_class": "success",
        "record_status": "complete",
        "cluster_id": CLUSTER,
        "aws_account_id": "111122223333",
        "aws_region": "us-east-1",
    }
    assert part(fields, expected) == expected
    assert not {"hsm_id", "attributes", "key_handle"} & set(fields)


@pytest.mark.parametrize("indent", [None, 4])
def test_a_file_of_certificate_records_gives_one_event_each(app: App, indent: int | None) -> None:
    texts = [
        json.dumps({**CREATED, "timestamp": 1725482483671 + n}, indent=indent) for n in (0, 1, 2)
    ]
    events = in_file(app, "\n".join(texts) + "\n", CERTIFICATE)
    assert [event.raw.rstrip() for event in events] == texts
    assert [event.time_usecs % 10_000 for event in events] == [1000, 2000, 3000]


def test_the_certificate_time_of_the_collector_and_of_the_text_agree(app: App) -> None:
    text = json.dumps(CREATED)
    (event,) = from_collector(app, text, CERTIFICATE)
    assert event.time_usecs == in_file(app, text, CERTIFICATE)[0].time_usecs == 1725482483671000


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (["Label"], "Label"),
        (["Label", "Id", "Token"], ["Label", "Id", "Token"]),
        ([], None),
        (None, None),
    ],
)
@pytest.mark.parametrize("indent", [None, 4])
def test_attributes_are_a_multivalue_field_or_absent(
    fields_of: FieldsOf, attributes: list[str] | None, expected: str | list[str] | None, indent: int
) -> None:
    text = json.dumps({**CREATED, "attributes": attributes}, indent=indent)
    assert certificate(fields_of, text).get("attributes") == expected


@pytest.mark.parametrize(
    ("response", "outcome", "kind"),
    [
        ("OK", "success", "success"),
        ("DuplicateAttribute", "failure", "invalid_input"),
        ("InternalFailure", "failure", "internal_failure"),
        ("BrandNew", "failure", "Unknown"),
    ],
)
def test_a_certificate_response_gives_outcome_and_class(
    fields_of: FieldsOf, response: str, outcome: str, kind: str
) -> None:
    fields = certificate(fields_of, json.dumps({**CREATED, "response": response}))
    assert (fields["outcome"], fields["response_class"]) == (outcome, kind)


def test_a_failed_create_has_no_handle_and_is_complete(fields_of: FieldsOf) -> None:
    fields = certificate(fields_of, json.dumps({**CREATED, "object_handle": None}))
    assert "object_handle" not in fields
    assert fields["record_status"] == "complete"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (json.dumps(CREATED)[:-1], "incomplete"),
        (json.dumps(CREATED)[:60], "incomplete"),
        ("{}", "incomplete"),
        (json.dumps({key: CREATED[key] for key in CREATED if key != "response"}), "incomplete"),
        (record(), "unrecognized"),
        (" ", "unrecognized"),
    ],
)
def test_a_damaged_certificate_record_is_flagged(
    fields_of: FieldsOf, text: str, status: str
) -> None:
    assert certificate(fields_of, text)["record_status"] == status


def test_certificate_records_are_keyed_by_their_text(fields_of: FieldsOf) -> None:
    text = json.dumps(CREATED)
    fields = fields_of(
        text,
        sourcetype=CERTIFICATE,
        source=CLUSTER_SOURCE,
        host=CLUSTER,
        time_usecs=1725482483671000,
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert fields["record_key"] == f"{CLUSTER}|1725482483.671000|{digest}"


def test_the_cluster_may_be_known_from_the_host_alone(fields_of: FieldsOf) -> None:
    fields = fields_of(json.dumps(CREATED), sourcetype=CERTIFICATE, source="tcp:514", host=CLUSTER)
    assert fields["cluster_id"] == CLUSTER


# --- the collector's own events


def test_a_collector_event_gives_its_json_keys_and_its_own_time(
    app: App, fields_of: FieldsOf
) -> None:
    text = (
        '{"time":1513717277.140800,"event":"gap_opened","aws_region":"us-east-1","missing":3,'
        '"message":"3 records are missing"}'
    )
    (event,) = in_file(app, text, COLLECTOR)
    assert event.time_usecs == 1513717277140800
    fields = fields_of(text, sourcetype=COLLECTOR)
    assert (fields["event"], fields["missing"]) == ("gap_opened", "3")
    assert (fields["message"], fields["aws_region"]) == ("3 records are missing", "us-east-1")
    assert (fields["cluster_id"], fields["hsm_id"]) == (CLUSTER, HSM)
    assert "record_key" not in fields


def test_a_collector_event_about_a_record_keeps_that_records_key(fields_of: FieldsOf) -> None:
    text = '{"time":1513717277.140812,"event":"record_altered","record_key":"hsm-x|0x1|0x2|3"}'
    assert fields_of(text, sourcetype=COLLECTOR)["record_key"] == "hsm-x|0x1|0x2|3"


NAMED = (
    "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812\n"
    "Sequence No : 0x1\nReboot counter : 0xe8\nCommand Type(hex) : CN_MGMT_CMD (0x0)\n"
    "Opcode : CN_LOGIN (0xd)\nSession Handle : 0x1004001\nResponse : 0:HSM Return: SUCCESS\n"
    "Log type : MGMT_USER_DETAILS_LOG (2)\nUser Name : {name}\nUser Type : CN_CRYPTO_USER (1)"
)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "name",
    [
        "admin\n",
        "admin\r",
        "admin\rUser Type:",
        "x\nUser Type : CN_CRYPTO_OFFICER (2)\n" + "filler\n" * 62,
    ],
    ids=["line feed", "carriage return", "half a line", "far from the forged line"],
)
def test_no_line_end_in_a_name_passes_for_a_complete_record(
    fields_of: FieldsOf, name: str, ends: str
) -> None:
    raw = NAMED.replace("\n", ends).format(name=name)
    assert fields_of(raw)["record_status"] == "ambiguous"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_name_keeps_its_own_blanks(fields_of: FieldsOf, ends: str) -> None:
    fields = fields_of(NAMED.replace("\n", ends).format(name=" admin "))
    assert (fields["user_name"], fields["record_status"]) == (" admin ", "complete")


def test_a_key_is_found_after_many_unknown_lines(fields_of: FieldsOf) -> None:
    raw = NAMED.format(name="admin").replace("Opcode", "A : b\n" * 20 + "Opcode")
    assert fields_of(raw)["opcode"] == "CN_LOGIN"
