"""Any text stays inside its event and its field, and no search runs it.

Users choose user names; most other places are AWS's, but nothing here relies on that. Each test
compares with the same record, or the same index, with a harmless word instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.splunk.event_writer import Event, visible
from emulator.app import App
from emulator.conf.conf_file import read_conf
from emulator.session import Session
from emulator.spl.context import Results
from emulator.spl.syntax import calls
from tests.default.hostile_texts import HARMLESS, HOSTILE, SLOTS
from tests.default.trails import (
    CLUSTER,
    DAY,
    GROUP,
    HSM,
    MARCH,
    MAY,
    OTHER_HSM,
    handed_over,
    record,
    records,
)

ROOT = Path(__file__).resolve().parents[2]
Fields = dict[str, Union[str, list[str]]]
FieldsOf = Callable[..., Fields]

each_hostile_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)

# How the same record comes into Splunk: source type and source.
INGEST_PATHS = {
    "our own input": ("aws:cloudhsm:audit", GROUP.source(HSM)),
    "Splunk Add-on for AWS": ("aws:cloudwatchlogs", f"us-east-1:/aws/cloudhsm/{CLUSTER}:{HSM}"),
    "HTTP Event Collector": ("httpevent", f"/aws/cloudhsm/{CLUSTER}:{HSM}"),
}


def with_text(fields: Mapping[str, str | list[str]], text: str) -> Fields:
    """What the fields of the harmless record would be with this text in it."""

    def changed(value: str | list[str]) -> str | list[str]:
        if isinstance(value, list):
            return [item.replace(HARMLESS, text) for item in value]
        return value.replace(HARMLESS, text)

    return {name: changed(value) for name, value in fields.items()}


# --- inside its event


@each_hostile_text
@pytest.mark.parametrize("slot", SLOTS)
def test_from_the_collector_a_text_stays_inside_its_event(app: App, text: str, slot: str) -> None:
    events = [record(0, MARCH), replace_text(SLOTS[slot](text)), record(2, MARCH + 2)]
    indexed = handed_over(app, events)
    assert [event.raw for event in indexed] == [visible(event.text) for event in events]
    assert {(event.host, event.sourcetype) for event in indexed} == {(HSM, "aws:cloudhsm:audit")}


def replace_text(text: str) -> Event:
    return record(1, MARCH)._replace(text=text)


@each_hostile_text
def test_host_and_source_may_be_hostile_too(app: App, text: str) -> None:
    event = record(1, MARCH)._replace(host=text, source=text)
    (indexed,) = handed_over(app, [event])
    assert (indexed.host, indexed.source, indexed.raw) == (visible(text), visible(text), event.text)


# --- inside its field


@each_hostile_text
@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("path", INGEST_PATHS)
def test_a_text_is_found_in_the_fields_of_its_place_only(
    fields_of: FieldsOf, text: str, slot: str, path: str
) -> None:
    """It is their complete value; no field comes or goes, none of the others changes."""
    sourcetype, source = INGEST_PATHS[path]
    harmless = fields_of(SLOTS[slot](HARMLESS), sourcetype=sourcetype, source=source)
    shown = visible(text)
    hostile = fields_of(SLOTS[slot](shown), sourcetype=sourcetype, source=source)
    assert hostile.pop("record_digest") != harmless.pop("record_digest")
    assert hostile == with_text(harmless, shown)
    assert any(HARMLESS in value for name, value in harmless.items() if name != "_raw")


NASTY = [
    "<",
    "&",
    "]]>",
    '"',
    "'",
    "|",
    "`",
    "$",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    ":",
    "(",
    ")",
    "\\",
]
WORDS = ["User Type", "Opcode", "Response", "Target User Name", "usecs", "HSM Error", "0x1", "Time"]
hostile_lines = st.lists(
    st.one_of(st.sampled_from([*NASTY, *WORDS, " ", "\t"]), st.text(max_size=3)), max_size=20
).map(lambda parts: "x" + re.sub(r"[\r\n]", "", visible("".join(parts))) + "x")


@settings(max_examples=80)
@given(text=hostile_lines, slot=st.sampled_from([*SLOTS]), path=st.sampled_from([*INGEST_PATHS]))
def test_any_line_is_found_in_the_fields_of_its_place_only(
    fields_of: FieldsOf, text: str, slot: str, path: str
) -> None:
    sourcetype, source = INGEST_PATHS[path]
    harmless = fields_of(SLOTS[slot](HARMLESS), sourcetype=sourcetype, source=source)
    hostile = fields_of(SLOTS[slot](text), sourcetype=sourcetype, source=source)
    del harmless["record_digest"], hostile["record_digest"]
    assert hostile == with_text(harmless, text)


@pytest.mark.parametrize("slot", SLOTS)
def test_a_line_of_100_kb_is_kept_and_moves_nothing(fields_of: FieldsOf, slot: str) -> None:
    """A response is cut after 1,002 characters; the record keeps all of it."""
    text = "=1|`x` " * 15_000 + "."
    harmless, hostile = fields_of(SLOTS[slot](HARMLESS)), fields_of(SLOTS[slot](text))
    del harmless["record_digest"], hostile["record_digest"]
    expected = with_text(harmless, text)
    assert set(hostile) == set(harmless)
    for name, value in hostile.items():
        whole = str(expected[name])
        assert value == expected[name] or (slot == "response" and whole.startswith(str(value)))


@each_hostile_text
def test_a_certificate_attribute_changes_nothing_but_the_attributes(
    fields_of: FieldsOf, text: str
) -> None:
    """To a regex, a brace in it may end the record: that is flagged."""

    def certificate(attribute: str) -> Fields:
        body = {"object_handle": 463180677312929947, "op_code": "CreateObject", "response": "OK"}
        raw = json.dumps({**body, "attributes": [attribute, "b"], "timestamp": 1725482483671})
        return fields_of(raw, sourcetype="aws:cloudhsm:certificate", source=GROUP.source(CLUSTER))

    changing = {"_raw", "record_key", "record_digest", "attributes", "object_attrs"}
    if "}" in text:
        changing |= {"ambiguous", "record_status", "eventtype"}
    harmless, hostile = certificate(HARMLESS), certificate(text)
    assert set(hostile) - changing == set(harmless) - changing
    assert all(hostile[name] == harmless[name] for name in set(hostile) - changing)
    for value in [*values(hostile, "attributes"), *values(hostile, "object_attrs")]:
        assert value in str(hostile["_raw"])


def values(fields: Fields, name: str) -> list[str]:
    value = fields.get(name, [])
    return value if isinstance(value, list) else [value]


ORIGINS = {
    "aws_account_id": r"\d{12}",
    "vendor_account": r"\d{12}",
    "aws_region": r"[a-z]{2,4}(-[a-z]{2,12}){1,3}-\d{1,2}",
    "vendor_region": r"[a-z]{2,4}(-[a-z]{2,12}){1,3}-\d{1,2}",
    "cluster_id": r"cluster-[0-9A-Za-z]{11,32}",
    "cluster_in_host": r"cluster-[0-9A-Za-z]{11,32}",
    "cluster_in_source": r"cluster-[0-9A-Za-z]{11,32}",
    "hsm_id": r"hsm-[0-9A-Za-z]{11,32}",
    "hsm_in_host": r"hsm-[0-9A-Za-z]{11,32}",
    "hsm_in_source": r"hsm-[0-9A-Za-z]{11,32}",
    "dest": r"(cluster|hsm)-[0-9A-Za-z]{11,32}",
    "dvc": r"(cluster|hsm)-[0-9A-Za-z]{11,32}",
}
origins = st.lists(
    st.one_of(
        st.sampled_from(["111122223333", ":", "/", "us-east-1", f"/aws/cloudhsm/{CLUSTER}", HSM]),
        st.sampled_from([*HOSTILE.values()]).map(visible),
        st.text(max_size=5).map(visible),
    ),
    max_size=6,
).map("".join)


@settings(max_examples=120)
@given(source=origins, host=origins)
def test_an_origin_gives_ids_that_look_like_ids_or_nothing(
    fields_of: FieldsOf, source: str, host: str
) -> None:
    known = fields_of(SLOTS["user name"](HARMLESS))
    fields = fields_of(SLOTS["user name"](HARMLESS), source=source, host=host)
    for name, form in ORIGINS.items():
        assert re.fullmatch(form, str(fields.get(name, ""))) or name not in fields
    free = {*ORIGINS, "source", "host", "record_key", "known_user", "object", "object_id"}
    assert {name: fields[name] for name in fields if name not in free} == {
        name: known[name] for name in known if name not in free
    }


# --- searches

MACROS = read_conf(ROOT / "default" / "macros.conf").stanzas
SAVED = read_conf(ROOT / "default" / "savedsearches.conf").stanzas
# Alerts have users' names in their rows on purpose: tests/detections shows what becomes of them.
REPORTS = [
    name
    for name, stanza in SAVED.items()
    if "counttype" not in stanza.settings and "outputlookup" not in stanza.settings["search"].value
]
# Searches that fill the tables which detections look up, and the one table that each writes.
TABLES = {
    "AWS CloudHSM - Sessions, users and keys seen": "cloudhsm_seen",
    "AWS CloudHSM - Usual operations": "cloudhsm_usual_operations",
}
REPORT = "AWS CloudHSM - Completeness report"
BEHIND = "`cloudhsm_audit` | "
TIMES = "first_time=_time, last_time=_time"
# A search that runs each macro; one that is missing here fails a test.
SEARCHES = {
    "cloudhsm_index": "`cloudhsm_index`",
    "cloudhsm_audit": "`cloudhsm_audit`",
    "cloudhsm_certificate": "`cloudhsm_certificate`",
    "cloudhsm_records": "`cloudhsm_records`",
    "cloudhsm_collector": "`cloudhsm_collector`",
    "cloudhsm_dedup": f"{BEHIND}`cloudhsm_dedup`",
    "cloudhsm_with_head": f"{BEHIND}`cloudhsm_with_head`",
    "cloudhsm_contradicting": f"{BEHIND}`cloudhsm_contradicting`",
    "cloudhsm_cloudtrail_index": "`cloudhsm_cloudtrail_index`",
    "cloudhsm_cloudtrail": "`cloudhsm_cloudtrail`",
    "cloudhsm_at_work": f"{BEHIND}search `cloudhsm_at_work`",
    "cloudhsm_operation(1)": f"{BEHIND}search `cloudhsm_operation(CN_LOGIN)`",
    "cloudhsm_once": f"{BEHIND}`cloudhsm_once`",
    "cloudhsm_context": f"{BEHIND}`cloudhsm_once` | `cloudhsm_context`",
    "cloudhsm_cluster_names": f"{BEHIND}`cloudhsm_cluster_names`",
    "cloudhsm_actor": f"{BEHIND}`cloudhsm_once` | `cloudhsm_actor`",
    "cloudhsm_of_user(1)": f"{BEHIND}`cloudhsm_of_user(0)`",
    "cloudhsm_call_failed": f"{BEHIND}where NOT `cloudhsm_call_failed`",
    "cloudhsm_acts(1)": f"{BEHIND}fillnull value=none opcode | `cloudhsm_acts(opcode)`",
    "cloudhsm_bursts(2)": f"{BEHIND}`cloudhsm_bursts(600, hsm_id)`",
    "cloudhsm_alert": f"{BEHIND}eval {TIMES} | `cloudhsm_alert` | fields - user_hash",
    "cloudhsm_plain_id(2)": f"{BEHIND}eval x=`cloudhsm_plain_id(user, hsm)` | fields - x",
    "cloudhsm_shown(1)": f"{BEHIND}eval x=`cloudhsm_shown(user)` | fields - x",
    "cloudhsm_counted(3)": f"{BEHIND}eval x=`cloudhsm_counted(user_id, key, keys)`",
    "cloudhsm_duration(1)": f"{BEHIND}eval x=`cloudhsm_duration(user_id)`",
    "cloudhsm_detail(2)": f"{BEHIND}eval x=`cloudhsm_detail(User, user)` | fields - x",
    "cloudhsm_detail_cluster": f"{BEHIND}eval cluster_shown=user"
    " | eval x=`cloudhsm_detail_cluster` | fields - x, cluster_shown",
    "cloudhsm_detail_text(2)": f"{BEHIND}eval x=`cloudhsm_detail_text(User, user)` | fields - x",
    "cloudhsm_detail_time(2)": f"{BEHIND}eval x=`cloudhsm_detail_time(User, user_id)`",
    "cloudhsm_splunk_web": f"{BEHIND}eval x=`cloudhsm_splunk_web`",
    "cloudhsm_view_link(1)": f"{BEHIND}eval {TIMES} | `cloudhsm_alert`"
    " | eval x=`cloudhsm_view_link(keys)` | fields - user_hash",
    "cloudhsm_view_link_of_user(1)": f"{BEHIND}eval {TIMES} | `cloudhsm_alert`"
    " | eval x=`cloudhsm_view_link_of_user(keys)` | fields - user_hash, x",
    "cloudhsm_alert_events": "`cloudhsm_alert_events`",
    "cloudhsm_alerts_of_cluster(1)": "`cloudhsm_alert_events`"
    f" | `cloudhsm_alerts_of_cluster({CLUSTER})`",
    "cloudhsm_detail_lines(2)": f"{BEHIND}eval x=`cloudhsm_detail_lines(User, user)` | fields - x",
    "cloudhsm_risk_actor(1)": f"{BEHIND}eval risk_cluster=cluster_id"
    " | eval x=`cloudhsm_risk_actor(user)` | fields - x, risk_cluster",
    "cloudhsm_addresses(1)": f"{BEHIND}eval x=`cloudhsm_addresses(user)` | fields - x",
    "cloudhsm_wrapped_with": f"{BEHIND}`cloudhsm_once` | `cloudhsm_who` | `cloudhsm_wrapped_with`",
    "cloudhsm_of_cluster(1)": f"{BEHIND}`cloudhsm_of_cluster({CLUSTER})`",
    "cloudhsm_of_hsm(1)": f"{BEHIND}`cloudhsm_of_hsm({HSM})`",
    "cloudhsm_login_once": f"{BEHIND}search opcode=CN_LOGIN | `cloudhsm_login_once`",
    "cloudhsm_officer": f"{BEHIND}where NOT `cloudhsm_officer`",
    "cloudhsm_login_runs": f"{BEHIND}search opcode=CN_LOGIN | `cloudhsm_login_once`"
    " | `cloudhsm_login_runs`",
    "cloudhsm_user_management": "`cloudhsm_audit` `cloudhsm_user_management`",
    "cloudhsm_act_once(1)": f"{BEHIND}`cloudhsm_act_once(opcode)`",
    "cloudhsm_key_act": f"{BEHIND}`cloudhsm_key_act`",
    "cloudhsm_session_runs": f"{BEHIND}`cloudhsm_session_runs`",
    "cloudhsm_set_business_hours(5)": "| `cloudhsm_set_business_hours(1, 5, 8, 18, 1)`",
    "cloudhsm_add_cluster(5)": '| `cloudhsm_add_cluster("cluster-x", "n", "e", "o", "c")`',
    "cloudhsm_add_known_user(5)": '| `cloudhsm_add_known_user("u", "c", "person", "o", "r")`',
    "cloudhsm_add_known_caller(5)": '| `cloudhsm_add_known_caller("a", "s", "n", "o", "r")`',
    "cloudhsm_write_clusters": '| makeresults | eval cluster_id="c" | `cloudhsm_write_clusters`',
    "cloudhsm_origin": f"{BEHIND}`cloudhsm_origin`",
    "cloudhsm_trust": f"{BEHIND}`cloudhsm_trust`",
    "cloudhsm_trail": f"{BEHIND}`cloudhsm_trail`",
    "cloudhsm_trail_parts": f"{BEHIND}`cloudhsm_trail` | `cloudhsm_trail_parts`",
    "cloudhsm_sources": "| `cloudhsm_sources`",
    "cloudhsm_proposed_clusters": "| `cloudhsm_proposed_clusters`",
    "cloudhsm_confirm": "| `cloudhsm_proposed_clusters` | `cloudhsm_confirm`",
    "cloudhsm_withdraw_confirmation(1)": f'| `cloudhsm_withdraw_confirmation("{CLUSTER}")`',
    "cloudhsm_who": f"{BEHIND}`cloudhsm_once` | `cloudhsm_who`",
    "cloudhsm_run_at": f"{BEHIND}`cloudhsm_run_at`",
    "cloudhsm_without_harmless": f"{BEHIND}`cloudhsm_without_harmless`",
    "cloudhsm_operation_kind": f"{BEHIND}`cloudhsm_once` | `cloudhsm_operation_kind`",
    "cloudhsm_deleted_keys(1)": f"{BEHIND}`cloudhsm_deleted_keys(86400)`",
    "cloudhsm_current_user": "| makeresults | eval user=`cloudhsm_current_user`",
    "cloudhsm_usual": f"{BEHIND}`cloudhsm_once` | `cloudhsm_who` | `cloudhsm_operation_kind`"
    " | `cloudhsm_usual`",
    "cloudhsm_role": f"{BEHIND}eval x=`cloudhsm_role` | fields - x",
    "cloudhsm_api_kind": f"{BEHIND}`cloudhsm_api_kind`",
    "cloudhsm_confirm_operation(4)": '| `cloudhsm_confirm_operation("u", "c", "export", "r")`',
    "cloudhsm_utc(2)": f"{BEHIND}`cloudhsm_utc(_time, user_name)`",
    "cloudhsm_hex(1)": f"{BEHIND}eval x=`cloudhsm_hex(sequence)`",
    "cloudhsm_continuity_events": "`cloudhsm_continuity_events`",
    "cloudhsm_continuity": "`cloudhsm_continuity`",
    "cloudhsm_ledger": "`cloudhsm_ledger`",
    "cloudhsm_denied": "`cloudhsm_continuity` | append [search `cloudhsm_ledger`]"
    " | `cloudhsm_denied`",
    "cloudhsm_trail_names": "`cloudhsm_continuity` | `cloudhsm_trail_names`",
    "cloudhsm_signed_trail": "`cloudhsm_continuity` | `cloudhsm_signed_trail`",
    "cloudhsm_sign_off(2)": f'| savedsearch "{REPORT}" | `cloudhsm_sign_off("2026-03", "fine")`',
}


def trail(text: str) -> list[Event]:
    """Records with this text wherever a record may have text, and a gap after them."""
    hostile = [
        record(number, MARCH + DAY + number)._replace(text=slot(text))
        for number, slot in enumerate(SLOTS.values(), start=1)
    ]
    numbered = [
        event._replace(text=event.text.replace("Sequence No : 0x1\n", f"Sequence No : {n:#x}\n"))
        for n, event in enumerate(hostile, start=1)
    ]
    named = [record(n, MARCH + DAY + n, user=text) for n in (10, 11, 15)]
    other = records(range(3), MARCH + DAY, hsm=OTHER_HSM)
    return [record(0, MARCH + DAY), *numbered, *named, *other]


def session(app: App, text: str) -> Session:
    made = Session(app, now=MAY + 3 * DAY, user="auditor")
    made.index(handed_over(app, trail(text)))
    return made


def harmless_again(results: Results, text: str) -> list[Fields]:
    """The rows with the harmless word in place of the text; a name decides the order of some."""
    kept = [
        {key: row[key] for key in row if key not in {"record_key", "record_digest"}}
        for row in results.rows
    ]
    return sorted((with_text_back(row, text) for row in kept), key=str)


def with_text_back(fields: Mapping[str, str | list[str]], text: str) -> Fields:
    def back(value: str | list[str]) -> str | list[str]:
        if isinstance(value, list):
            return [item.replace(text, HARMLESS) for item in value]
        return value.replace(text, HARMLESS)

    return {name: back(value) for name, value in fields.items()}


def all_searches() -> Iterator[str]:
    yield from SEARCHES.values()
    yield from (f'| savedsearch "{name}"' for name in REPORTS)


def test_every_macro_is_run_here() -> None:
    inner = {name for name in MACROS if name.startswith("cloudhsm_continuity_")}
    constant = {
        name
        for name, stanza in MACROS.items()
        # A number, a filter, or the macro of a former name.
        if re.fullmatch(r"\d+|search \*|`cloudhsm_\w+`", stanza.settings["definition"].value)
    }
    assert set(SEARCHES) | inner | constant == set(MACROS)


SEARCHED = {name: text for name, text in HOSTILE.items() if name not in {"wildcard", "look-alike"}}


@pytest.fixture(scope="module")
def harmless_results(app: App) -> dict[str, Results]:
    index = session(app, HARMLESS)
    return {search: index.search(search) for search in all_searches()}


@pytest.mark.parametrize("name", SEARCHED)
def test_a_hostile_text_is_a_cell_of_the_results_and_nothing_else(
    app: App, harmless_results: dict[str, Results], name: str
) -> None:
    """Same columns, same rows, and the collections hold what the searches themselves write."""
    text = visible(SEARCHED[name])
    hostile, harmless = session(app, SEARCHED[name]), session(app, HARMLESS)
    for search, expected in harmless_results.items():
        results = hostile.search(search)
        assert results.columns == expected.columns
        assert harmless_again(results, text) == harmless_again(expected, HARMLESS)
    for search in all_searches():
        harmless.search(search)
    assert hostile.stores == harmless.stores


@each_hostile_text
@pytest.mark.parametrize("name", REPORTS)
def test_no_record_puts_its_text_into_what_a_report_sends(app: App, text: str, name: str) -> None:
    """A spreadsheet runs a cell of a CSV file that begins with one of these signs."""
    rows = session(app, text).saved(name).rows
    cells = [cell for row in rows for column in row for cell in values(row, column)]
    assert rows
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r") or visible(text) in cell[1:]]


# --- what searches may be made of

FORBIDDEN = {"map", "foreach", "collect", "delete", "script", "run", "sendemail", "outputcsv"}


def shipped_searches() -> Iterator[tuple[str, str]]:
    for name, stanza in MACROS.items():
        yield name, stanza.settings["definition"].value
    for name, stanza in SAVED.items():
        yield name, stanza.settings["search"].value
    for name, stanza in read_conf(ROOT / "default" / "eventtypes.conf").stanzas.items():
        yield name, stanza.settings["search"].value


@pytest.mark.parametrize(("name", "search"), shipped_searches())
def test_no_search_is_made_of_texts_of_records(name: str, search: str) -> None:
    search = re.sub(r"^appendpipe", "| appendpipe", search)
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', search)
    assert not re.search(rf"\|\s*(?:{'|'.join(FORBIDDEN)})\b", plain)
    assert "{" not in plain  # eval {field}=... and foreach
    rows_only = re.sub(r"\| append \[search |\| appendpipe \[", "| append ", plain)  # rows, no text
    assert not re.search(r"\[(?!\| rest /services/authentication/current-context )", rows_only)
    tokens = set(re.findall(r"\$(\w*)\$", search))
    arguments = MACROS[name].settings.get("args") if name in MACROS else None
    listed = {name.strip() for name in arguments.value.split(",")} if arguments else set()
    assert tokens <= listed


@pytest.mark.parametrize("name", [name for name in SAVED if name not in TABLES])
def test_no_saved_search_writes_anything(app: App, name: str) -> None:
    expanded = app.knowledge.macros.expand(SAVED[name].settings["search"].value)
    assert not {call.name for call in calls(expanded)} & {"outputlookup", "outputcsv", "collect"}


@pytest.mark.parametrize("text", SEARCHED.values(), ids=SEARCHED)
@pytest.mark.parametrize("name", TABLES)
def test_a_search_that_fills_a_table_writes_to_no_other(app: App, name: str, text: str) -> None:
    """Whatever the texts of records are; and it writes as many rows as for a harmless one."""
    written = {}
    for shown in (text, HARMLESS):
        index = session(app, shown)
        before = {table: list(rows) for table, rows in index.stores.items()}
        index.saved(name)
        changed = {table for table, rows in index.stores.items() if list(rows) != before[table]}
        assert changed <= {TABLES[name]}
        written[shown] = len(index.stores[TABLES[name]])
    assert written[text] == written[HARMLESS]
