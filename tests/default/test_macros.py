from __future__ import annotations

from pathlib import Path

import pytest

from preview.conf import read_conf
from preview.macros import Macros

DEFAULT = Path(__file__).resolve().parents[2] / "default"


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
    text = Macros.from_conf(read_conf(DEFAULT / "macros.conf")).expand(f"`{macro}`")
    assert text.startswith("((index=*) ")
    assert [
        kind
        for kind in ("audit", "certificate", "collector")
        if f'sourcetype="aws:cloudhsm:{kind}"' in text
    ] == sourcetypes


def test_the_index_is_decided_in_one_place_only() -> None:
    stanzas = read_conf(DEFAULT / "macros.conf").stanzas.values()
    deciding = [
        stanza.name for stanza in stanzas if "index=" in stanza.settings["definition"].value
    ]
    assert deciding == ["cloudhsm_index"]


def test_repeats_are_removed_by_record_key_and_events_without_one_stay() -> None:
    text = Macros.from_conf(read_conf(DEFAULT / "macros.conf")).expand("`cloudhsm_dedup`")
    assert text == "dedup sourcetype record_key keepempty=true"
