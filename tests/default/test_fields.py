"""The shipped configuration against mappings/fields.yaml, the definition of every field."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Union

import pytest

from emulator.app import App
from emulator.conf.conf_file import read_conf
from emulator.conf.props import Rules
from emulator.event import IndexedEvent
from emulator.search_time.operations import classes
from emulator.session import Session
from emulator.spl.syntax import calls
from tools.content.fields import Example, ExampleRecord, Field, read_dictionary

Fields = dict[str, Union[str, list[str]]]
FieldsOf = Callable[..., Fields]

ROOT = Path(__file__).resolve().parents[2]
DICTIONARY = read_dictionary(ROOT / "mappings")
TRANSFORMS = read_conf(ROOT / "default" / "transforms.conf").stanzas
KEYS = [line.key for line in DICTIONARY.record_lines]
LAYOUTS = ("older", "newer", "time_info")
CIM_COMMON = ("_bunit", "_category", "_priority")
ELSEWHERE = "us-east-1:/aws/cloudhsm/cluster-likphkxygsn:{stream}"

SOURCETYPES = [
    ("aws:cloudhsm:audit", "audit", ""),
    ("aws:cloudhsm:certificate", "certificate", ""),
    ("aws:cloudhsm:collector", "collector", ""),
    ("httpevent", "audit", ELSEWHERE.format(stream="hsm-nwbbiqbj4jk")),
    ("httpevent", "certificate", ELSEWHERE.format(stream="cluster-likphkxygsn")),
]


def rules(app: App, sourcetype: str, source: str) -> Rules:
    return app.props.rules(app.props.matching(sourcetype, "host", source))


def extracted(settings: Rules) -> set[str]:
    regexes = [setting.value for setting in classes(settings, "EXTRACT-")]
    names: set[str] = set()
    for setting in classes(settings, "REPORT-"):
        for transform in setting.value.split(","):
            stanza = TRANSFORMS[transform.strip()].settings
            regexes.append(stanza["REGEX"].value)
            if "FORMAT" in stanza:
                names |= set(re.findall(r"(\w+)::", stanza["FORMAT"].value))
    return names | {name for regex in regexes for name in re.findall(r"\(\?<(\w+)>", regex)}


def computed(settings: Rules) -> set[str]:
    return {setting.key[len("EVAL-") :] for setting in classes(settings, "EVAL-")}


def looked_up(settings: Rules) -> dict[str, str]:
    """What gives each looked-up field: lookup:<name>."""
    tables = {}
    for setting in classes(settings, "LOOKUP-"):
        question, keyword, outputs = setting.value.partition(" OUTPUT ")
        assert keyword, f"{setting.key} puts out whatever columns there are"
        lookup = question.split()[0]
        assert "filename" in TRANSFORMS[lookup].settings, "a collection may be empty"
        for name in re.sub(r"\S+ AS ", "", outputs).replace(",", " ").split():
            tables[name] = f"lookup:{lookup}"
    return tables


def defined(sourcetype: str) -> dict[str, Field]:
    return {
        field.name: field
        for field in DICTIONARY.fields
        if sourcetype in field.sourcetypes
        and not all(origin.startswith(("splunk", "customer:")) for origin in field.origins)
    }


# --- what there is


@pytest.mark.parametrize(("name", "sourcetype", "source"), SOURCETYPES)
def test_what_the_configuration_produces_is_what_is_defined(
    app: App, name: str, sourcetype: str, source: str
) -> None:
    settings = rules(app, name, source)
    produced = extracted(settings) | computed(settings) | set(looked_up(settings))
    undefined, unproduced = produced - set(defined(sourcetype)), set(defined(sourcetype)) - produced
    assert sorted(undefined) == [], "define these in mappings/fields.yaml"
    assert sorted(unproduced) == [], "nothing in default/ produces these"


@pytest.mark.parametrize(("name", "sourcetype", "source"), SOURCETYPES)
def test_a_field_comes_from_the_origin_of_its_definition(
    app: App, name: str, sourcetype: str, source: str
) -> None:
    settings = rules(app, name, source)
    tables = looked_up(settings)
    for field in defined(sourcetype).values():
        listed = {origin for origin in field.origins if origin.startswith("lookup:")}
        used = {tables[field.name]} if field.name in tables else set()
        # A field may be computed in one source type and looked up in another.
        assert used == listed or (not used and field.name in computed(settings)), field.name
        if "record" in field.origins:
            assert field.name in extracted(settings)
        assert not (field.name in computed(settings) and listed and len(field.origins) == 1)


def test_the_customers_fields_come_from_the_tables_that_one_macro_looks_up(app: App) -> None:
    tables: dict[str, set[str]] = {}
    for call in calls(app.knowledge.macros.expand("* | `cloudhsm_context`")):
        if call.name == "lookup":
            question, _, outputs = call.arguments.partition(" OUTPUT ")
            origin = f"customer:{question.split()[1]}"
            for name in re.sub(r"\S+ as known_(?:type|from)", "", outputs).split(","):
                field = name.split(" as ")[0].strip()
                tables.setdefault(field, set()).add(origin)
    tables.pop("", None)
    defined_here = {
        field.name: {origin for origin in field.origins if origin.startswith("customer:")}
        for field in DICTIONARY.fields
    }
    assert tables == {name: origins for name, origins in defined_here.items() if origins}


@pytest.mark.parametrize(("name", "sourcetype", "source"), SOURCETYPES)
def test_no_field_has_a_name_that_splunk_fills_from_assets_and_identities(
    app: App, name: str, sourcetype: str, source: str
) -> None:
    settings = rules(app, name, source)
    produced = extracted(settings) | computed(settings) | set(looked_up(settings))
    assert {name for name in produced if name.endswith(CIM_COMMON)} <= {"object_category"}


def test_every_word_of_a_lookup_is_one_that_its_field_lists() -> None:
    checked = 0
    for field in DICTIONARY.fields:
        for origin in field.origins:
            kind, _, lookup = origin.partition(":")
            if kind != "lookup" or not field.values:
                continue
            path = ROOT / "lookups" / TRANSFORMS[lookup].settings["filename"].value
            with path.open(encoding="utf-8", newline="") as file:
                words = {row[field.name] for row in csv.DictReader(file)}
            assert words - {""} <= set(field.values), field.name
            checked += 1
    assert checked


# --- the lines of a record


def lines(layout: str) -> dict[str, str]:
    """All lines of a layout at once, which no real record has: the value of each key."""
    keys = [
        field.record_line.key
        for field in DICTIONARY.fields
        if field.record_line and layout in field.layouts
    ]
    printed = {line.key: line.printed for line in DICTIONARY.record_lines if line.key in keys}
    if layout != "newer":  # the older generation has these two the other way round
        printed = {key: printed[key] for key in sorted(printed, key=_older_place)}
    return printed


def _older_place(key: str) -> float:
    return KEYS.index("Opcode") - 0.5 if key == "Command Type(hex)" else KEYS.index(key)


def text_of(printed: dict[str, str]) -> str:
    (first, time), *others = printed.items()
    return "\n".join([f"{first}: {time}", *(f"{key} : {value}" for key, value in others)])


def printed_fields(layout: str) -> dict[str, str]:
    """The examples of the fields whose line this layout has."""
    return {
        field.name: str(field.example)
        for field in DICTIONARY.fields
        if field.record_line and layout in field.layouts
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_line_of_a_layout_gives_the_examples_of_its_fields_and_no_other_line_any(
    fields_of: FieldsOf, layout: str
) -> None:
    fields, expected = fields_of(text_of(lines(layout))), printed_fields(layout)
    everything = {field.name for field in DICTIONARY.fields if field.record_line}
    assert {name: fields[name] for name in everything & set(fields)} == expected
    assert "unparsed" not in fields


def test_a_record_on_one_line_gives_the_examples_too(fields_of: FieldsOf) -> None:
    fields = fields_of(text_of(lines("flattened")).replace("\n", " "))
    expected = printed_fields("flattened")
    assert {name: fields.get(name) for name in expected} == expected


@pytest.mark.parametrize("key", KEYS[1:])
def test_every_line_alone_gives_the_examples_of_its_fields(fields_of: FieldsOf, key: str) -> None:
    printed = {x.key: x.printed for x in DICTIONARY.record_lines if x.key in (KEYS[0], key)}
    fields = fields_of(text_of(printed))
    for field in DICTIONARY.fields:
        if field.record_line and field.record_line.key == key:
            assert fields[field.name] == field.example


@pytest.mark.parametrize("key", KEYS)
def test_a_line_that_is_there_twice_makes_the_record_ambiguous_and_gives_both_values(
    fields_of: FieldsOf, key: str
) -> None:
    printed = {line.key: line.printed for line in DICTIONARY.record_lines}
    colon = ":" if key == KEYS[0] else " :"
    fields = fields_of(f"{text_of(printed)}\n{key}{colon} {printed[key]}")
    assert (fields["ambiguous"], fields["record_status"]) == ("true", "ambiguous")
    assert "unparsed" not in fields
    for field in DICTIONARY.fields:
        if field.record_line and field.record_line.key == key and key != KEYS[0]:
            both = [field.example, field.example]
            assert fields[field.name] == both, field.name


@pytest.mark.parametrize("rule", ["EVAL-unparsed", "EXTRACT-zz_ambiguous"])
def test_a_rule_that_lists_keys_lists_those_of_the_definitions(app: App, rule: str) -> None:
    regex = rules(app, "aws:cloudhsm:audit", "")[rule].value
    listed = re.findall(r"\((?:\?:)?(Time\|(?:\\.|[^()\\])+)\)", regex)
    assert [re.sub(r"\\(.)", r"\1", keys).split("|") for keys in listed] == [KEYS]


@pytest.mark.parametrize("indent", [None, 2])
def test_every_value_of_a_certificate_storage_record_reaches_its_field(
    fields_of: FieldsOf, indent: int | None
) -> None:
    defined = [field for field in DICTIONARY.fields if field.json_line]
    record = {f.json_line.key: json.loads(f.json_line.printed) for f in defined if f.json_line}
    text = json.dumps({**record, "timestamp": 1725482483671}, indent=indent)
    values = fields_of(text, sourcetype="aws:cloudhsm:certificate")
    for field in defined:
        assert field.json_line
        value = record[field.json_line.key]
        assert values[field.name] == (value if isinstance(value, list) else str(value))


# --- the examples of everything else


def stores(app: App) -> dict[str, list[Mapping[str, str]]]:
    """A row in each of the customer's tables that fits the examples."""
    rows: dict[str, dict[str, str]] = {}
    examples = {field.name: str(field.example) for field in DICTIONARY.fields}
    for lookup in app.knowledge.store_lookups:
        row = {name: examples[name] for name in lookup.columns if name in examples}
        rows.setdefault(lookup.collection.name, {}).update(row)
    return {name: [{**row, "user_type": ""}] for name, row in rows.items()}


def searched(app: App, record: ExampleRecord) -> Fields:
    moment = re.search(r"usecs:(\d+)", record.text)
    usecs = int(moment[1]) if moment else json.loads(record.text)["timestamp"] * 1000
    sourcetype = f"aws:cloudhsm:{record.sourcetype}"
    event = IndexedEvent(record.text, usecs, record.host, record.source, sourcetype, "main")
    session = Session(app, now=usecs / 1_000_000 + 1, stores=stores(app))
    session.index([event])
    (row,) = session.search("* | `cloudhsm_context`").rows
    return dict(row)


@pytest.mark.parametrize("record", DICTIONARY.records, ids=lambda record: record.name)
def test_the_examples_are_what_their_record_gives(app: App, record: ExampleRecord) -> None:
    fields = searched(app, record)
    examples = {f.name: f.example for f in DICTIONARY.fields if f.seen_in == record.name}
    actual = {name: shown(fields.get(name, "(absent)"), examples[name]) for name in examples}
    assert actual == examples


def shown(value: str | list[str], example: Example) -> Example:
    """The value as an example shows it, which may be cut."""
    if isinstance(value, list):
        return tuple(value)
    cut = str(example).removesuffix(" ...")
    return example if cut != example and value.startswith(cut) else value


@pytest.mark.parametrize("record", DICTIONARY.records, ids=lambda record: record.name)
def test_a_complete_record_gives_several_values_only_where_defined(
    app: App, record: ExampleRecord
) -> None:
    fields = searched(app, record)
    if fields.get("ambiguous") == "true":
        pytest.skip("lines that are there twice give several values")
    several = {name for name, value in fields.items() if isinstance(value, list)}
    several -= {"object_attrs"} if record.sourcetype == "certificate" else set()
    defined_so = {field.name for field in DICTIONARY.fields if field.multivalue}
    assert several - {name for name in several if name.startswith("tag::")} <= defined_so


@pytest.mark.parametrize("record", DICTIONARY.records, ids=lambda record: record.name)
def test_what_a_search_sees_of_a_record_is_defined_for_its_source_type(
    app: App, record: ExampleRecord
) -> None:
    named = {field.name for field in DICTIONARY.fields if record.sourcetype in field.sourcetypes}
    seen = {name for name in searched(app, record) if not name.startswith("tag::")}
    assert seen - named <= {"index"}
