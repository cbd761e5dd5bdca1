"""Every file that follows from `mappings/`, `detections/` and `dashboards/`.

That is `lookups/*.csv`, the generated blocks of `default/*.conf`, the views and navigation of
`default/data/ui`, and pages of `docs/`. The output depends on these and on what is written by hand
around a block. Lookups: UTF-8, LF, quotes only where CSV needs them, rows in the order of the YAML
with the catch-all `*` last. CSV has no comments and Splunk takes the first line for the header, so
these files cannot state that they are generated; the comparison notices a change.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from emulator.errors import EmulatorError
from tools.content import cim_page, conf_blocks, dictionary, mappings, version
from tools.content.conf_blocks import BlockProblem
from tools.content.dashboards.pages import pages as dashboard_pages
from tools.content.deployment import page as deployment_page
from tools.content.detections import lint, savedsearches_conf
from tools.content.detections import page as detections_page
from tools.content.detections.schema import read_detections, techniques
from tools.content.mappings import CATCH_ALL, MappingError, Row, read_table
from tools.content.sigma import page as sigma_page
from tools.content.sigma.pipelines import read_places
from tools.content.standards.pages import pages as standards_pages

# CSV column -> YAML key. The first column is what the lookup matches.
OPCODE_COLUMNS = {
    "opcode_key": "name",
    "opcode_code": "code",
    "command_type": "command_type",
    "category": "category",
    "description": "description",
    "risk": "risk",
    "provenance": "provenance",
}
CIM_COLUMNS = (
    "opcode_key",
    "outcome",
    "cim_model",
    "action",
    "status",
    "change_type",
    "object_category",
    "object_attrs",
    "signature",
    "reason_for_place",
)
RESPONSE_COLUMNS = {
    "response_code": "code",
    "response": "text",
    "response_class": "class",
    "response_meaning": "meaning",
    "provenance": "provenance",
}


def run(root: Path, *, check: bool) -> int:
    """Writes the files below `root`, or compares them; what is wrong goes to stderr.

    Returns the exit status: 0 done or equal, 1 the files differ, 2 a mapping is wrong.
    """
    try:
        files = build(root)
    except (MappingError, BlockProblem, EmulatorError, version.VersionProblem) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"{error.filename}: {error.strerror}; run this in the add-on's source", file=sys.stderr
        )
        return 2
    return (report_differences if check else write)(root, files)


def build(root: Path) -> dict[str, str]:
    """Every generated file's text by its path below `root`.

    Raises MappingError for a mapping or detection off its schema and for a search that cannot run,
    BlockProblem for a conf file without a generated block, EmulatorError for macros.conf,
    VersionProblem, and OSError for a file that cannot be read.
    """
    folder = root / "mappings"
    lookups = {f"lookups/{name}": text for name, text in build_lookups(folder).items()}
    places = read_table(folder, mappings.CIM)
    outcomes = read_table(folder, mappings.CIM_OUTCOMES)
    rules = read_table(folder, mappings.ACTIVITIES)
    props = (root / "default" / "props.conf").read_text(encoding="utf-8")
    props = conf_blocks.props(props, dictionary.record_keys(folder), places, rules)
    transforms = (root / "default" / "transforms.conf").read_text(encoding="utf-8")
    detections = read_detections(root)
    searches = (root / "default" / "savedsearches.conf").read_text(encoding="utf-8")
    macros = (root / "default" / "macros.conf").read_text(encoding="utf-8")
    macros = savedsearches_conf.macros(macros, detections)
    lint.require(root, detections, macros)
    return {
        **lookups,
        "default/savedsearches.conf": savedsearches_conf.saved_searches(searches, detections),
        "default/macros.conf": macros,
        "default/props.conf": props,
        "default/transforms.conf": conf_blocks.transforms(transforms, props),
        **dictionary.pages(folder),
        **dashboard_pages(root),
        **standards_pages(folder),
        **deployment_page.pages(root),
        **version.places(root),
        "docs/detections.md": detections_page.page(detections, techniques(root)),
        sigma_page.PAGE: sigma_page.page(detections, read_places(root, detections)),
        "docs/cim.md": cim_page.page(places, outcomes, rules),
    }


def build_lookups(folder: Path) -> dict[str, str]:
    """CSV text by file name.

    Raises MappingError for a mapping off its schema and OSError for one that cannot be read.
    """
    opcodes = read_table(folder, mappings.OPCODES)
    command_types = read_table(folder, mappings.COMMAND_TYPES)
    mappings.check_command_types(folder, opcodes, command_types)
    responses = read_table(folder, mappings.RESPONSES)
    places = read_table(folder, mappings.CIM)
    mappings.check_cim(folder, opcodes, places)
    outcomes = read_table(folder, mappings.CIM_OUTCOMES)
    return {
        "cloudhsm_cim.csv": _csv(CIM_COLUMNS, _cim_cells(places, outcomes)),
        "cloudhsm_opcodes.csv": _csv(OPCODE_COLUMNS, _cells(OPCODE_COLUMNS, opcodes)),
        "cloudhsm_responses.csv": _csv(
            ["response_key", *RESPONSE_COLUMNS], _response_cells(responses)
        ),
        "cloudhsm_command_types.csv": _type_csv("command_type", command_types),
        "cloudhsm_log_types.csv": _type_csv("log_type", read_table(folder, mappings.LOG_TYPES)),
        "cloudhsm_user_types.csv": _type_csv("user_type", read_table(folder, mappings.USER_TYPES)),
    }


def write(root: Path, files: Mapping[str, str]) -> int:
    """Writes every file and returns 0."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return 0


def report_differences(root: Path, files: Mapping[str, str]) -> int:
    """Names each file that differs and its first differing line; returns 1 if any does."""
    found = [
        line for name, text in files.items() for line in _difference(root / name, text.encode())
    ]
    for line in found:
        print(f"{line}; run: make generate", file=sys.stderr)
    return 1 if found else 0


def _difference(path: Path, wanted: bytes) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: is missing"
        return
    have, want = path.read_bytes().split(b"\n"), wanted.split(b"\n")
    for number in range(max(len(have), len(want))):
        if have[number : number + 1] != want[number : number + 1]:
            yield f"{path}:{number + 1}: differs from what it is generated from"
            return


def _type_csv(name: str, rows: Iterable[Row]) -> str:
    columns = {
        name: "name",
        f"{name}_code": "code",
        f"{name}_label": "label",
        "description": "description",
        "provenance": "provenance",
    }
    return _csv(columns, _cells(columns, rows))


def _cells(columns: Mapping[str, str], rows: Iterable[Row]) -> Iterator[list[str]]:
    for row in rows:
        yield [row.text(key) for key in columns.values()]


def _response_cells(rows: Sequence[Row]) -> Iterator[list[str]]:
    """The rows behind `response_key`, which an event builds as `<code>:<text>`.

    An event has a code and a text, a text alone (certificates; sentences whose code nobody
    published) or a code with a text that a later firmware reworded. So each response stands twice,
    as `*:<text>` and as `<code>:*`. The lookup takes the first row that fits; texts come first, as
    they are what a person can read and check. Success has no row by code: it must say so in words.
    """
    named = [row for row in rows if row.text("text") != CATCH_ALL]
    for row in named:
        yield [f"*:{row.text('text')}", *next(_cells(RESPONSE_COLUMNS, [row]))]
    for row in named:
        if row.text("code") and row.text("class") != "success":
            yield [f"{row.text('code')}:*", *next(_cells(RESPONSE_COLUMNS, [row]))]
    for row in rows:
        if row.text("text") == CATCH_ALL:
            yield [CATCH_ALL, *next(_cells(RESPONSE_COLUMNS, [row]))]


def _cim_cells(places: Iterable[Row], outcomes: Iterable[Row]) -> Iterator[list[str]]:
    """A row for each operation and outcome, as the event's `outcome` is spelt."""
    meanings = {row.text("place"): row for row in outcomes}
    for place in places:
        model = place.text("model")
        for outcome in mappings.OUTCOMES:
            meaning = meanings[f"{model}.{outcome}"]
            yield [
                place.text("opcode"),
                outcome,
                model,
                place.text("action") or meaning.text("action"),
                meaning.text("status"),
                *(place.text(name) for name in CIM_COLUMNS[5:9]),
                f"{place.text('reason')} {meaning.text('reason')}",
            ]


def _csv(header: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
