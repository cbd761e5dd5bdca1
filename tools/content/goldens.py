"""Writes the golden files below tests/default/golden; with `--check` it only compares.

    python -m tools.content.goldens [--check]

`published/*.log` are what vendors published, kept by hand. Everything else follows from the code in
tests/default (the inferred records and the damaged ones) and from the shipped configuration (the
fields that a search sees). So a change of meaning shows as a change of these files: read it line by
line before you commit it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from emulator.app import App
from emulator.errors import EmulatorError
from emulator.event import IndexedEvent
from samples.command_parser import CommandParser
from tests.default import corpus_certificates, corpus_layouts, corpus_opcodes
from tests.default import ingest_paths as ingest
from tests.default.corpus import Corpus, Sample, on_one_line
from tests.default.damage import damaged_records
from tests.default.ingest_paths import AUDIT, CERTIFICATE, Fields
from tools.content.installed_app import installed_app
from tools.content.written_files import settled

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "the configuration gives"

# What only the place decides from which a record comes: for each sourcetype the same everywhere.
PLACE = (
    "app",
    "aws_account_id",
    "aws_region",
    "cluster_id",
    "cluster_in_host",
    "cluster_in_source",
    "dvc",
    "host",
    "hsm_id",
    "hsm_in_host",
    "hsm_in_source",
    "index",
    "source",
    "sourcetype",
    "vendor_account",
    "vendor_product",
    "vendor_region",
)
_SHOWN_ELSEWHERE = ("_raw", "_time", "tag::eventtype")  # the text, time_usecs, tag
_STATUS = ("ambiguous", "opcode", "outcome", "record_status", "unparsed")
_FLAGS = ("aws_cloudhsm_flawed_record", "aws_cloudhsm_unknown")
_FRAGMENT = "fragment_"
_NOT_BY_AWS = (_FRAGMENT, "decoder_")
_MADE = "*.expected.json*"


class GoldenProblem(Exception):
    """A record did not come out as the one event that it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done or equal, 1 a file differs, 2 they cannot be made."""
    parser = CommandParser(prog="python -m tools.content.goldens", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 if a file differs"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the add-on's source folder")
    options = parser.parse_args(arguments)
    folder = options.root / "tests" / "default" / "golden"
    try:
        wanted = build(installed_app(options.root), folder)
    except (EmulatorError, GoldenProblem, OSError) as error:
        print(f"the golden files cannot be made: {error}", file=sys.stderr)
        return 2
    stale = _stale(folder, wanted)
    return settled(folder, wanted, "make goldens", check=options.check, origin=ORIGIN, stale=stale)


def build(app: App, folder: Path) -> dict[str, str]:
    """The text of every file that is made, by its path below `folder`.

    Raises GoldenProblem for a record that does not become one event, OSError where a published one
    cannot be read.
    """
    made: dict[str, str] = {}
    seen: list[Fields] = []
    for name, events in published(app, folder).items():
        fields = [ingest.fields_of(app, event) for event in events]
        made[f"published/{name}.expected.json"] = _indented(map(_expected, fields))
        seen += fields
    for corpus in inferred(app, folder):
        fields = [ingest.fields_of(app, event) for event in events_of(app, corpus)]
        named = [
            {"_record": sample.name, **_expected(fields)}
            for sample, fields in zip(corpus.samples, fields)
        ]
        made[f"inferred/{corpus.name}.log"] = ingest.file_of(
            sample.text for sample in corpus.samples
        )
        kind, text = ("json", _indented) if corpus.indented else ("jsonl", _lines)
        made[f"inferred/{corpus.name}.expected.{kind}"] = text(named)
        seen += fields
    made["place.expected.json"] = _indented(_places(seen))
    made["damaged.expected.jsonl"] = _lines(_damaged(app))
    return made


def published(app: App, folder: Path) -> dict[str, list[IndexedEvent]]:
    """The events of every published file by its name; a fragment is one event, as it is."""
    return {
        path.stem: _published(app, path.stem, path.read_bytes().decode())
        for path in sorted((folder / "published").glob("*.log"))
    }


def inferred(app: App, folder: Path) -> Iterator[Corpus]:
    """Every file of inferred records, and the published ones as copies of AWS's page have them."""
    yield from corpus_opcodes.corpora()
    yield from corpus_layouts.corpora()
    yield from corpus_certificates.corpora()
    yield Corpus(
        "one_line_older",
        [
            Sample(f"{name} {number}", on_one_line(event.raw))
            for name, events in published(app, folder).items()
            for number, event in enumerate(events, 1)
            if event.sourcetype == AUDIT and not name.startswith(_NOT_BY_AWS)
        ],
    )


def events_of(app: App, corpus: Corpus) -> list[IndexedEvent]:
    """The events of a file of these records; raises GoldenProblem unless each is one, as it is."""
    texts = [sample.text for sample in corpus.samples]
    events = ingest.from_file(app, ingest.file_of(texts), corpus.sourcetype)
    for sample, event in zip(corpus.samples, events):
        if event.raw != sample.text:
            raise GoldenProblem(f"{corpus.name}, {sample.name}: not one event: {event.raw[:80]!r}")
    return events


def _stale(folder: Path, wanted: Mapping[str, str]) -> list[Path]:
    """Files that look made and are not; published records, kept by hand, never do."""
    files = [*folder.rglob(_MADE), *(folder / "inferred").glob("*.log")]
    return sorted(path for path in files if path.relative_to(folder).as_posix() not in wanted)


def _published(app: App, name: str, text: str) -> list[IndexedEvent]:
    if name.startswith(_FRAGMENT):
        return ingest.from_collector(app, [text])
    return ingest.from_file(app, text, CERTIFICATE if text.startswith("{") else AUDIT)


def _expected(fields: Fields) -> Fields:
    return {
        name: value for name, value in fields.items() if name not in {*PLACE, *_SHOWN_ELSEWHERE}
    }


def _places(seen: Iterable[Fields]) -> list[Fields]:
    """What `_told` leaves out; raises GoldenProblem where that differs within a sourcetype."""
    places: dict[object, Fields] = {}
    for fields in seen:
        identity = {name: fields[name] for name in PLACE if name in fields}
        known = places.setdefault(fields["sourcetype"], identity)
        if known != identity:
            raise GoldenProblem(f"{known} and {identity}: take what differs out of PLACE")
    return list(places.values())


def _damaged(app: App) -> Iterator[Fields]:
    """How each damaged record differs from a good one."""
    for damaged in damaged_records():
        (event,) = ingest.from_collector(app, [damaged.text], damaged.sourcetype)
        fields = ingest.fields_of(app, event)
        status = {name: fields[name] for name in _STATUS if name in fields}
        flags = [name for name in _FLAGS if name in fields.get("eventtype", [])]
        yield {"_damage": damaged.name, **_shortened(status), "eventtype": flags}


def _shortened(fields: Fields) -> Fields:
    """A run of a hundred thousand characters stays out of the repository."""
    return {
        name: value if isinstance(value, list) or len(value) <= 80 else f"{value[:60]}..."
        for name, value in fields.items()
    }


def _indented(records: Iterable[Fields]) -> str:
    text = json.dumps([*records], indent=1, sort_keys=True, ensure_ascii=True)
    return f"{text}\n"


def _lines(records: Iterable[Fields]) -> str:
    return "".join(f"{json.dumps(record, sort_keys=True)}\n" for record in records)


if __name__ == "__main__":
    sys.exit(main())
