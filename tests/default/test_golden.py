"""Every record, from its text to the fields of a search. See golden/README.md.

The golden files list the fields; this module tests what is true of any fields.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cloudhsm.splunk.event_writer import visible
from emulator.app import App
from emulator.event import IndexedEvent
from samples.details import Line
from samples.layout import Generation
from tests.default import corpus_certificates, corpus_layouts, corpus_opcodes
from tests.default.corpus import Corpus, Sample, lines_of
from tests.default.damage import MUTATORS, Damaged, damaged_records
from tests.default.ingest_paths import AUDIT, Fields, fields_of, file_of, from_collector, from_file
from tools.content import goldens, written_files

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).resolve().parent / "golden"
PUBLISHED = {
    "activate_cluster": 1,
    "certificate_storage": 2,
    "create_and_delete_key_pair": 5,
    "create_and_delete_users": 3,
    "decoder_key_handle": 1,
    "decoder_padding_tabs": 1,
    "decoder_subscription": 1,
    "export_key": 3,
    "fragment_key_handle": 1,
    "fragment_time_info": 1,
    "fragment_user_name": 1,
    "generate_and_synchronize_key": 5,
    "import_key": 4,
    "initialize_first_hsm": 4,
    "login_and_logout": 4,
    "share_key": 1,
}
COMPLETE = sorted(name for name in PUBLISHED if not name.startswith("fragment_"))
INFERRED = [
    *corpus_opcodes.corpora(),
    *corpus_layouts.corpora(),
    *corpus_certificates.corpora(),
]
WHOLE = [c for c in INFERRED if c.name.split("_")[0] in {"opcodes", "layouts", "shuffled"}]
ALL_FIELDS = [*map(corpus_layouts.all_fields, Generation)]
# Which fields a line fills; NAME (code) fills two. A line of several parts is read by its field.
FIELDS_OF_KEY = {
    "Version No": ["record_version"],
    "Sequence No": ["sequence_no"],
    "Reboot counter": ["reboot_counter"],
    "Opcode": ["opcode", "opcode_code"],
    "Command Type(hex)": ["command_type", "command_type_code"],
    "User id": ["user_id"],
    "Session Handle": ["session_handle"],
    "Log type": ["log_type", "log_type_code"],
    "Priv/Secret Key Handle": ["private_key_handle"],
    "Public Key Handle": ["public_key_handle"],
    "Key Handle": ["object_handle"],
    "User Name": ["user_name"],
    "User Type": ["user_type", "user_type_code"],
    "Mechanism": ["mechanism"],
    "Target User Name": ["target_user_name"],
    "Target User Type": ["target_user_type", "target_user_type_code"],
    "Target User id": ["target_user_id"],
    "Mfa enabled": ["mfa_enabled"],
    "Operation": ["operation", "operation_code"],
    "Number of Users": ["number_of_users"],
    "UserIDs": ["user_ids"],
}
FIELD_OF_PART = {
    "Response": "response",
    "local time": "hsm_time_usecs",
    "host time": "host_time_usecs",
    "propagation delay": "propagation_delay_usecs",
}
EVERY_FIELD = {name for names in FIELDS_OF_KEY.values() for name in names} | {
    *FIELD_OF_PART.values()
}
# Good records around a damaged one, by sourcetype.
NEIGHBOURS = {
    corpus.sourcetype: (corpus.samples[0].text, corpus.samples[1].text)
    for corpus in (next(corpus_opcodes.corpora()), *corpus_certificates.corpora())
}


@pytest.fixture(scope="module")
def made(app: App) -> dict[str, str]:
    return goldens.build(app, GOLDEN)


@cache
def damaged() -> list[Damaged]:
    return damaged_records()


def is_flagged(fields: Fields) -> bool:
    return (
        fields["record_status"] != "complete"
        or "unparsed" in fields
        or "aws_cloudhsm_unknown" in fields["eventtype"]
    )


def test_the_golden_files_are_what_the_configuration_gives(made: dict[str, str]) -> None:
    differences = [*written_files.differences(GOLDEN, made, goldens.ORIGIN)]
    assert not differences, "make goldens, then read the difference line by line"


def test_no_golden_file_is_left_over(made: dict[str, str]) -> None:
    there = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.*")}
    kept = {f"published/{name}.log" for name in PUBLISHED} | {"README.md", "completeness.csv"}
    assert there == kept | made.keys()


# Published records.


def test_every_published_record_is_there(app: App) -> None:
    events = goldens.published(app, GOLDEN)
    assert {name: len(copies) for name, copies in events.items()} == PUBLISHED


@pytest.mark.parametrize("name", COMPLETE)
def test_a_published_record_is_known_in_every_table_and_complete(app: App, name: str) -> None:
    for event in goldens.published(app, GOLDEN)[name]:
        fields = fields_of(app, event)
        assert not is_flagged(fields)
        assert fields["outcome"] in {"success", "failure"}


def test_a_published_fragment_is_flagged_and_its_lines_are_read(app: App) -> None:
    events = goldens.published(app, GOLDEN)
    fragments = {name: fields_of(app, *events[name]) for name in PUBLISHED if name not in COMPLETE}
    assert all(map(is_flagged, fragments.values()))
    assert fragments["fragment_user_name"]["user_name"] == "kmsuser"


def test_a_copy_on_one_line_means_the_same_as_the_published_record(app: App) -> None:
    (copies,) = (c for c in goldens.inferred(app, GOLDEN) if c.name == "one_line_older")
    published = [
        event
        for name in COMPLETE
        for event in goldens.published(app, GOLDEN)[name]
        if event.sourcetype == AUDIT and not name.startswith("decoder_")
    ]
    assert len(copies.samples) == len(published) == 30
    for copy, event in zip(goldens.events_of(app, copies), published):
        fields = without_raw(fields_of(app, copy))
        assert fields.pop("one_line") == copy.raw.strip()
        expected = without_raw(fields_of(app, event))
        assert fields.pop("record_digest") != expected.pop("record_digest")  # it is another text
        assert fields == expected


def without_raw(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "_raw"}


# Inferred records.


@pytest.mark.parametrize("corpus", INFERRED, ids=lambda corpus: corpus.name)
def test_a_record_means_the_same_from_a_file_and_from_the_collector(
    app: App, corpus: Corpus
) -> None:
    texts = [sample.text for sample in corpus.samples]
    collected = from_collector(app, texts, corpus.sourcetype)
    assert [event.raw for event in collected] == texts
    for event, other in zip(collected, from_file(app, file_of(texts), corpus.sourcetype)):
        same_time = IndexedEvent(
            event.raw, other.time_usecs, event.host, event.source, event.sourcetype, event.index
        )
        assert other == same_time
        assert app.search_time(other) == app.search_time(same_time)


@pytest.mark.parametrize("corpus", INFERRED, ids=lambda corpus: corpus.name)
def test_a_record_is_in_one_data_model_at_most(app: App, corpus: Corpus) -> None:
    for event in goldens.events_of(app, corpus):
        fields = fields_of(app, event)
        assert fields["cim_model"] in {"Authentication", "Change", "none"}
        tags = {"authentication", "change"} & {*fields["tag"]}
        assert tags == {str(fields["cim_model"]).lower()} - {"none"}


@pytest.mark.parametrize("corpus", WHOLE, ids=lambda corpus: corpus.name)
def test_a_record_of_any_layout_is_complete(app: App, corpus: Corpus) -> None:
    for event, sample in zip(goldens.events_of(app, corpus), corpus.samples):
        fields = fields_of(app, event)
        assert fields["record_status"] == "complete", sample.name
        assert "unparsed" not in fields, sample.name


@pytest.mark.parametrize("corpus", WHOLE, ids=lambda corpus: corpus.name)
def test_every_line_of_a_record_of_any_layout_is_in_its_fields(app: App, corpus: Corpus) -> None:
    for event, sample in zip(goldens.events_of(app, corpus), corpus.samples):
        fields = fields_of(app, event)
        for line in lines_of(sample.text.replace("\r\n", "\n")):
            assert is_reported(line, fields), f"{sample.name}: {line}"


@pytest.mark.parametrize("sample", ALL_FIELDS, ids=lambda sample: sample.name)
def test_a_record_with_all_lines_fills_all_fields(app: App, sample: Sample) -> None:
    fields = fields_of(app, *from_collector(app, [sample.text]))
    assert all(is_reported(line, fields) for line in sample.lines)
    lacking = EVERY_FIELD - fields.keys()
    assert lacking == (set() if "newer" in sample.name else lacking & ONLY_NEWER)


ONLY_NEWER = {
    name
    for key in (
        "Version No",
        "User id",
        "Mechanism",
        "Target User Name",
        "Target User Type",
        "Target User id",
        "Mfa enabled",
        "Operation",
        "Number of Users",
        "UserIDs",
    )
    for name in FIELDS_OF_KEY[key]
}


def is_reported(line: Line, fields: Fields) -> bool:
    """Whether the line's value is in its field, or in the two that it has."""
    key, value = line
    if key in FIELD_OF_PART:
        printed = fields.get(FIELD_OF_PART[key])
        return value.endswith(str(printed)) or value == fields["response_code"]
    names = FIELDS_OF_KEY[key]
    parts = value.rstrip(")").split(" (") if len(names) == 2 else [value]
    return all(str(fields[name]).strip() == part for name, part in zip(names, parts))


@pytest.mark.parametrize("generation", Generation)
def test_every_operation_is_there_done_and_refused(generation: Generation) -> None:
    (corpus,) = (c for c in corpus_opcodes.corpora() if c.name.endswith(generation.value))
    there = {sample.name.removesuffix(f" {generation.value}") for sample in corpus.samples}
    known = corpus_opcodes.known_opcodes()
    assert len(known) >= 50
    assert {f"{name} success" for name in known} <= there
    assert {f"{name} failure" for name in known} - there == {"END_MARKER_OPCODE failure"}


def test_a_layout_to_come_yields_what_is_known_and_keeps_the_rest(app: App) -> None:
    (corpus,) = (c for c in INFERRED if c.name == "future")
    for event, sample in zip(goldens.events_of(app, corpus), corpus.samples):
        fields = fields_of(app, event)
        assert (fields["opcode"], fields["user_name"]) == ("CN_LOGIN", "app_payments")
        unparsed = "\n".join(listed(fields["unparsed"]))
        for added in (
            "Partition Id : 4",
            "10.0.0.7:2223",
            "Quorum : 2 of 3",
            "end of record",
            "9f",
        ):
            assert (added in unparsed) == (added in sample.text), sample.name


def test_a_doubled_key_is_flagged_and_its_first_value_counts(app: App) -> None:
    (corpus,) = (c for c in INFERRED if c.name == "duplicated_keys")
    for event, sample in zip(goldens.events_of(app, corpus), corpus.samples):
        fields = fields_of(app, event)
        assert (fields["record_status"], fields["ambiguous"]) == ("ambiguous", "true"), sample.name
        assert listed(fields["outcome"]) == ["failure"], sample.name
        assert listed(fields["opcode"])[0] == "CN_LOGIN", sample.name
        assert listed(fields["user_name"])[0] == "app_payments", sample.name


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


# Damaged records.


def test_there_are_hundreds_of_damaged_records_and_the_same_each_time() -> None:
    assert len(damaged()) >= 200
    assert len(MUTATORS) >= 12
    assert damaged() == damaged_records()


@pytest.mark.parametrize("sourcetype", NEIGHBOURS)
def test_a_damaged_record_is_one_event_and_flagged(app: App, sourcetype: str) -> None:
    records = [record for record in damaged() if record.sourcetype == sourcetype]
    events = from_collector(app, [record.text for record in records], sourcetype)
    assert [event.raw for event in events] == [visible(record.text) for record in records]
    pairs = zip(records, events)
    assert [record.name for record, event in pairs if not is_flagged(fields_of(app, event))] == []


@pytest.mark.parametrize("sourcetype", NEIGHBOURS)
def test_a_damaged_record_in_a_file_leaves_its_neighbours_as_they_are(
    app: App, sourcetype: str
) -> None:
    before, after = NEIGHBOURS[sourcetype]
    for record in of_type(sourcetype, is_whole=True):
        text = visible(record.text)
        events = from_file(app, file_of([before, text, after]), sourcetype)
        # A line end after a record belongs to the break, not to the record.
        assert [event.raw for event in events] == [before, text.rstrip("\r\n"), after], record.name


@pytest.mark.parametrize("sourcetype", NEIGHBOURS)
def test_a_record_torn_or_swallowed_in_a_file_is_flagged(app: App, sourcetype: str) -> None:
    before, after = NEIGHBOURS[sourcetype]
    for record in of_type(sourcetype, is_whole=False):
        *torn, last = from_file(app, file_of([before, visible(record.text), after]), sourcetype)
        changed = [event for event in torn if event.raw != before]
        assert changed, record.name
        assert all(is_flagged(fields_of(app, event)) for event in changed), record.name
        assert last.raw == after, record.name


def of_type(sourcetype: str, *, is_whole: bool) -> list[Damaged]:
    chosen = [r for r in damaged() if (r.sourcetype, r.is_whole) == (sourcetype, is_whole)]
    assert chosen
    return chosen
