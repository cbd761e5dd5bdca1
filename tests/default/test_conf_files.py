"""Relations between the shipped files: sharing, references, and the order of Splunk's steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulator.conf.conf_file import read_conf
from emulator.eval.expression import compile_calculated_field

ROOT = Path(__file__).resolve().parents[2]
SOURCETYPES = ("aws:cloudhsm:audit", "aws:cloudhsm:certificate", "aws:cloudhsm:collector")
PROPS = read_conf(ROOT / "default" / "props.conf")


@pytest.mark.parametrize(
    "kind",
    ["props", "transforms", "lookups", "eventtypes", "tags", "macros", "savedsearches"],
)
def test_search_time_knowledge_is_exported_to_every_app(kind: str) -> None:
    meta = read_conf(ROOT / "metadata" / "default.meta")
    assert meta.stanzas[kind].settings["export"].value == "system"


@pytest.mark.parametrize(
    "stanza", ["", "collections/cloudhsm_sign_offs", "transforms/cloudhsm_sign_offs"]
)
def test_only_administrators_may_write(stanza: str) -> None:
    access = read_conf(ROOT / "metadata" / "default.meta").stanzas[stanza].settings["access"].value
    assert access == "read : [ * ], write : [ admin, sc_admin ]"


@pytest.mark.parametrize("sourcetype", SOURCETYPES)
def test_no_eval_reads_what_a_lookup_gives(sourcetype: str) -> None:
    settings = PROPS.stanzas[sourcetype].settings
    outputs = {
        name
        for key, setting in settings.items()
        if key.startswith("LOOKUP-")
        for name in re.sub(r"\S+ AS ", "", setting.value.split(" OUTPUT ")[1]).split()
    }
    for key, setting in settings.items():
        if key.startswith("EVAL-"):
            assert not outputs & compile_calculated_field(setting.value).fields, key


@pytest.mark.parametrize("sourcetype", SOURCETYPES)
def test_no_eval_reads_the_result_of_another(sourcetype: str) -> None:
    """All are computed at once, so it would read what an EXTRACT gave, or nothing."""
    settings = PROPS.stanzas[sourcetype].settings
    extracted = set()
    for key, setting in settings.items():
        if key.startswith("EXTRACT-"):
            extracted |= set(re.findall(r"\(\?<(\w+)>", setting.value))
    computed = {key[len("EVAL-") :] for key in settings if key.startswith("EVAL-")}
    for name in computed:
        reads = compile_calculated_field(settings[f"EVAL-{name}"].value).fields
        assert not reads & (computed - extracted), name


@pytest.mark.parametrize("sourcetype", SOURCETYPES)
def test_every_sourcetype_sets_what_would_otherwise_cost_evidence(sourcetype: str) -> None:
    settings = {key: setting.value for key, setting in PROPS.stanzas[sourcetype].settings.items()}
    assert settings["SHOULD_LINEMERGE"] == "false"
    assert int(settings["TRUNCATE"]) > 6 * 1024 * 1024
    assert settings["MAX_DAYS_AGO"] == "10951"
    assert settings["CHARSET"] == "UTF-8"
    assert settings["NO_BINARY_CHECK"] == "true"
    assert settings["EVENT_BREAKER"] == settings["LINE_BREAKER"]


def test_every_generated_lookup_has_one_definition_with_a_last_resort() -> None:
    transforms = read_conf(ROOT / "default" / "transforms.conf")
    generated = [stanza for stanza in transforms.stanzas.values() if "filename" in stanza.settings]
    files = {stanza.settings["filename"].value for stanza in generated}
    assert files == {path.name for path in (ROOT / "lookups").glob("cloudhsm_*.csv")}
    for stanza in generated:
        if stanza.name in {"cloudhsm_former_titles", "cloudhsm_detections"}:
            continue  # asked for titles of our own searches, never for a value of a record
        key = (ROOT / "lookups" / f"{stanza.name}.csv").read_text(encoding="utf-8").split(",")[0]
        assert stanza.settings["match_type"].value == f"WILDCARD({key})"
        assert stanza.settings["max_matches"].value == "1"


@pytest.mark.parametrize(
    ("file", "stanza", "setting", "value"),
    [
        ("inputs.conf", "aws_cloudhsm", "python.version", "python3"),
        ("inputs.conf", "aws_cloudhsm", "python.required", "3.13,3.9"),
        ("inputs.conf", "aws_cloudhsm", "interval", "60"),
        ("app.conf", "shclustering", "deployer_lookups_push_mode", "always_overwrite"),
    ],
)
def test_what_splunk_reads_at_start_up_is_as_documented(
    file: str, stanza: str, setting: str, value: str
) -> None:
    conf = read_conf(ROOT / "default" / file)
    assert conf.stanzas[stanza].settings[setting].value == value


def test_what_customers_write_is_a_collection_of_the_search_heads_and_no_file() -> None:
    """Searches look it up with local=true, so that no indexer needs a copy."""
    transforms = read_conf(ROOT / "default" / "transforms.conf")
    collections = read_conf(ROOT / "default" / "collections.conf").stanzas
    written = [s.settings for s in transforms.stanzas.values() if "collection" in s.settings]
    assert {s["external_type"].value for s in written} == {"kvstore"}
    states = {"cloudhsm_collector_states"}  # the collector's own; no search reads them
    assert {s["collection"].value for s in written} == set(collections) - states
    assert {stanza.settings["replicate"].value for stanza in collections.values()} == {"false"}
