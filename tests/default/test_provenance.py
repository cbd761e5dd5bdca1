"""What a record is, and where it comes from, follows from its head, its text and its place only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Union

import pytest

from emulator.app import App
from emulator.event import IndexedEvent
from emulator.session import Session
from tests.default import ingest_paths
from tests.default.conftest import CLUSTER, HSM, SOURCE

Fields = dict[str, Union[str, list[str]]]
FieldsOf = Callable[..., Fields]

GROUP = f"/aws/cloudhsm/{CLUSTER}"
OTHER_HSM, OTHER_CLUSTER = "hsm-aaaaaaaaaaa", "cluster-aaaaaaaaaaa"
RECORD = "\n".join(
    [
        "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812",
        "Sequence No : 0x1d",
        "Reboot counter : 0xe8",
        "Command Type(hex) : CN_MGMT_CMD (0x0)",
        "Opcode : CN_WRAP_KEY (0x15)",
        "Session Handle : 0x2014005",
        "Response : 0:HSM Return: SUCCESS",
        "Log type : MGMT_KEY_DETAILS_LOG (1)",
        "Priv/Secret Key Handle : 262150",
        "Public Key Handle : 0",
    ]
)
FORGED = RECORD.replace("CN_WRAP_KEY (0x15)", "CN_LOGOUT (0xe)")


@pytest.mark.parametrize(
    ("source", "cluster", "hsm"),
    [
        (SOURCE, CLUSTER, HSM),
        (f"us-east-1:{GROUP}:{HSM}", CLUSTER, HSM),
        (f"{GROUP}:{HSM}", CLUSTER, HSM),
        (f"111122223333:us-east-1:444455556666/us-east-1/{GROUP}:{HSM}", CLUSTER, HSM),
        (f"111122223333:us-east-1:{GROUP}", CLUSTER, None),
        (f"111122223333:us-east-1:{GROUP}:app-1", CLUSTER, None),
        (f"111122223333:us-east-1:{GROUP}:{OTHER_HSM}/{HSM}", CLUSTER, None),
        (f"111122223333:us-east-1:{GROUP}:{HSM}.copy", CLUSTER, None),
        (f"111122223333:us-east-1:{GROUP}:x/{OTHER_CLUSTER}", CLUSTER, None),
        (f"111122223333:us-east-1:/my/{OTHER_HSM}/app:app-1", None, None),
        (f"111122223333:us-east-1:/my/app:x/{OTHER_CLUSTER}", None, None),
        (f"111122223333:us-east-1:{GROUP}/sub:{HSM}", None, HSM),
        (f"111122223333:us-east-1:/{OTHER_CLUSTER}{GROUP}:{HSM}", CLUSTER, HSM),
        (f"111122223333:us-east-1:/{OTHER_HSM}{GROUP}:{HSM}", CLUSTER, HSM),
        (f'111122223333:us-east-1:{GROUP}:"| delete {HSM}', CLUSTER, None),
        (f"/srv/{CLUSTER}/{HSM}.2026-02.log", CLUSTER, HSM),
        (f"/srv/{CLUSTER}/{HSM}/000000.gz", CLUSTER, HSM),
        (f"/srv/{OTHER_CLUSTER}/a/b/{HSM}.log", None, HSM),
        (f"/srv/{OTHER_HSM}/a/trail.log", None, None),
        (rf"D:\logs\{CLUSTER}\{HSM}.log", CLUSTER, HSM),
        ("http:token", None, None),
    ],
)
def test_cluster_and_hsm_are_at_the_place_of_group_and_stream(
    fields_of: FieldsOf, source: str, cluster: str | None, hsm: str | None
) -> None:
    fields = fields_of(RECORD, source=source, host="forwarder")
    assert (fields.get("cluster_id"), fields.get("hsm_id")) == (cluster, hsm)


@pytest.mark.parametrize("host", [f"x:{HSM}", f"/{HSM}", f"{HSM}.example.com", f"{HSM}/x"])
def test_a_host_counts_only_if_it_is_nothing_but_an_hsm(fields_of: FieldsOf, host: str) -> None:
    assert "hsm_id" not in fields_of(RECORD, source="http:token", host=host)
    assert fields_of(RECORD, source="http:token", host=HSM)["hsm_id"] == HSM


WAYS = {
    "as it is": RECORD,
    "Windows line ends": RECORD.replace("\n", "\r\n"),
    "a line end after it": f"{RECORD}\n",
    "blanks at the end of lines": RECORD.replace("\n", " \t\n") + "  ",
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_way_changes_is_no_other_record(fields_of: FieldsOf, way: str) -> None:
    genuine, other = fields_of(RECORD), fields_of(WAYS[way])
    assert (genuine["record_key"], genuine["record_digest"]) == (
        other["record_key"],
        other["record_digest"],
    )


def test_characters_that_xml_cannot_carry_are_the_same_in_every_form(fields_of: FieldsOf) -> None:
    by_hec = RECORD.replace("CN_WRAP_KEY", "CN_\x07\x1bKEY")
    by_input = RECORD.replace("CN_WRAP_KEY", r"CN_\u0007\u001bKEY")
    assert fields_of(by_hec)["record_digest"] == fields_of(by_input)["record_digest"]


@pytest.mark.parametrize(
    "text",
    [
        FORGED,
        RECORD.replace("262150", "262151"),
        f"{RECORD}\nUser Name : x",
        RECORD.replace("SUCCESS", "SUCCESS "[::-1].strip()),
        RECORD.replace("CN_WRAP_KEY", r"CN_WRAP_KEY\u0041"),
        RECORD.replace("\n", " "),
    ],
)
def test_another_text_is_another_record(fields_of: FieldsOf, text: str) -> None:
    genuine, other = fields_of(RECORD), fields_of(text)
    assert genuine["record_key"] == other["record_key"]
    assert genuine["record_digest"] != other["record_digest"]


def test_every_ingest_path_gives_a_record_the_same_identity(app: App) -> None:
    (pulled,) = ingest_paths.from_collector(app, [RECORD])
    (read,) = ingest_paths.from_file(app, RECORD)
    foreign = IndexedEvent(
        RECORD, pulled.time_usecs, "fwd", f"us-east-1:{GROUP}:{HSM}", "aws:cloudwatchlogs", "main"
    )
    identities = {
        (fields["record_key"], fields["record_digest"])
        for fields in map(app.search_time, (pulled, read, foreign))
    }
    assert len(identities) == 1


def rows_of(app: App, search: str, events: Iterable[IndexedEvent]) -> list[Fields]:
    session = Session(app, now=1_513_800_000)
    session.index(events)
    return [*session.search(search, earliest=0, latest=1_600_000_000).rows]


def event(text: str, seconds: float = 0, source: str = SOURCE) -> IndexedEvent:
    usecs = 1_513_717_277_140_812 + int(seconds * 1_000_000)
    return IndexedEvent(text, usecs, HSM, source, "aws:cloudhsm:audit", "main")


@pytest.mark.parametrize("seconds", [-3600, 0, 3600])
@pytest.mark.parametrize("forged_first", [True, False])
def test_a_forged_copy_never_replaces_the_genuine_record(
    app: App, seconds: float, forged_first: bool
) -> None:
    """Whatever time its sender chose, and whichever was indexed first."""
    genuine, forged = event(RECORD), event(FORGED, seconds, "http:token")
    events = [forged, genuine, event(RECORD)] if forged_first else [genuine, forged, genuine]
    rows = rows_of(app, "`cloudhsm_audit` | `cloudhsm_dedup` | table opcode", events)
    assert sorted(str(row["opcode"]) for row in rows) == ["CN_LOGOUT", "CN_WRAP_KEY"]
    search = "`cloudhsm_audit` `cloudhsm_operation(CN_WRAP_KEY)` | `cloudhsm_once` | stats count"
    assert rows_of(app, search, events) == [{"count": "1"}]


def test_both_texts_of_a_record_are_flagged_and_repeats_are_not(app: App) -> None:
    alone = RECORD.replace("0x1d", "0x1e")
    events = [event(RECORD), event(RECORD), event(FORGED, 60, "http:token"), event(alone)]
    rows = rows_of(app, "`cloudhsm_audit` | `cloudhsm_contradicting` | table opcode, texts", events)
    assert sorted((str(row["opcode"]), str(row["texts"])) for row in rows) == [
        ("CN_LOGOUT", "2"),
        ("CN_WRAP_KEY", "2"),
        ("CN_WRAP_KEY", "2"),
    ]


def test_a_certificate_record_is_the_same_whatever_way_it_came(fields_of: FieldsOf) -> None:
    body = {"object_handle": 7, "op_code": "CreateObject", "response": "OK", "attributes": ["a"]}
    text = json.dumps({**body, "timestamp": 1725482483671})
    keys = {
        (fields["record_key"], fields["record_digest"])
        for fields in (
            fields_of(text, sourcetype="aws:cloudhsm:certificate", source=source)
            for source in (f"111122223333:us-east-1:{GROUP}:{CLUSTER}", f"{GROUP}:{CLUSTER}")
        )
    }
    assert len(keys) == 1
