from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.app import App
from emulator.conf.conf_file import read_conf
from emulator.conf.macros import Macros, is_placeholder
from emulator.dashboards.dashboard_studio import navigation, read_view
from emulator.errors import SearchError
from emulator.session import Session
from emulator.spl.context import Context
from emulator.spl.pipeline import run

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "default"


@pytest.mark.parametrize(
    ("macro", "sourcetypes"),
    [
        ("cloudhsm_audit", ["audit"]),
        ("cloudhsm_certificate", ["certificate"]),
        ("cloudhsm_records", ["audit", "certificate"]),
        ("cloudhsm_collector", ["collector"]),
    ],
)
def test_a_macro_names_its_sourcetypes_in_the_index_that_one_macro_decides(
    macro: str, sourcetypes: list[str]
) -> None:
    macros = Macros.from_conf(read_conf(DEFAULT / "macros.conf"))
    text = macros.with_local({"cloudhsm_index": "(index=hsm)"}).expand(f"`{macro}`")
    assert text.startswith("((index=hsm) ")
    assert [
        kind
        for kind in ("audit", "certificate", "collector")
        if f'sourcetype="aws:cloudhsm:{kind}"' in text
    ] == sourcetypes


def test_the_index_of_each_kind_of_data_is_decided_in_one_place_only() -> None:
    stanzas = read_conf(DEFAULT / "macros.conf").stanzas.values()
    definitions = {stanza.name: stanza.settings["definition"].value for stanza in stanzas}
    deciding = [name for name, text in definitions.items() if is_placeholder(name, text)]
    assert deciding == ["cloudhsm_index", "cloudhsm_cloudtrail_index"]
    naming = [name for name, text in definitions.items() if "index=" in text]
    assert naming == ["cloudhsm_alert_events"]  # alerts, not records: where Splunk keeps them


def test_no_search_of_the_add_on_runs_before_the_index_macros_are_set() -> None:
    unset = App.load(ROOT)
    missing = r"'set_(?:cloudhsm|cloudhsm_cloudtrail)_index_under_Settings\w+' cannot be found"
    searches = {**unset.knowledge.saved_searches, **_searches_of_views()}
    of_alerts = [name for name in searches if "`cloudhsm_alert_events`" in searches[name]]
    assert of_alerts == ["AWS CloudHSM - Several detections at one cluster - Rule"]
    for name in searches.keys() - set(of_alerts):
        search = searches[name]
        with pytest.raises(SearchError) as raised:
            Session(unset, now=0).search(search)
        assert re.search(missing, str(raised.value)), name


def _searches_of_views() -> dict[str, str]:
    """The searches of all views that read events, not another one's results."""
    return {
        f"{name}: {source}": settings["options"]["query"]
        for name in navigation(ROOT)
        for source, settings in read_view(ROOT, name).definition["dataSources"].items()
        if settings["type"] == "ds.search"
    }


def test_repeats_are_removed_by_key_and_text_and_events_without_them_stay() -> None:
    text = Macros.from_conf(read_conf(DEFAULT / "macros.conf")).expand("`cloudhsm_dedup`")
    assert text == "dedup sourcetype record_key record_digest keepempty=true"


def evaluated(macro: str, **fields: str) -> dict[str, object]:
    macros = Macros.from_conf(read_conf(DEFAULT / "macros.conf"))
    events = [{"_time": "0", **fields}]
    (row,) = run(f"* | {macro} | fields - _*", Context(events=events, macros=macros)).rows
    return dict(row)


@given(st.integers(-(2**31), 2**33))
def test_a_time_is_written_in_utc_by_arithmetic_alone(seconds: int) -> None:
    """strftime would write it in the time zone of the searching user."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    fields = evaluated(
        "`cloudhsm_utc(s, text)`", s=f"{seconds}.999999" if seconds > 0 else f"{seconds}"
    )
    fields.pop("s")
    assert fields == {"text": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def test_no_time_gives_no_text() -> None:
    assert evaluated("`cloudhsm_utc(none, text)`", text="old") == {}


@pytest.mark.parametrize("number", [0, 0x341, 2**53 - 1])
def test_numbers_are_written_as_the_records_print_them(number: int) -> None:
    assert evaluated("eval x=`cloudhsm_hex(n)`", n=str(number))["x"] == hex(number)


def test_the_five_parts_of_the_continuity_search_are_in_order() -> None:
    stanzas = read_conf(DEFAULT / "macros.conf").stanzas
    parts = [name for name in stanzas if name.startswith("cloudhsm_continuity_")]
    text = stanzas["cloudhsm_continuity"].settings["definition"].value
    assert text.startswith(" | ".join(f"`{name}`" for name in parts))
