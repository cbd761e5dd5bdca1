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
from operator import attrgetter
from pathlib import Path
from typing import Union

from emulator.errors import EmulatorError
from tools.content import cim_page, conf_blocks, dictionary, mappings, version
from tools.content.conf_blocks import BlockProblem
from tools.content.dashboards.pages import pages as dashboard_pages
from tools.content.deployment import page as deployment_page
from tools.content.detections import lint, metadata, savedsearches_conf
from tools.content.detections import page as detections_page
from tools.content.detections.schema import (
    Detection,
    former_techniques,
    read_detections,
    techniques,
)
from tools.content.mappings import CATCH_ALL, CimOutcome, CodedName, Operation, Response
from tools.content.sigma import page as sigma_page
from tools.content.sigma import pipelines
from tools.content.sources import Mappings, read_mappings
from tools.content.standards.pages import pages as standards_pages
from tools.content.strict_yaml import MappingError
from tools.content.written_files import settled

# Columns of a lookup, each with the attribute that it shows.
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
    "response_class": "kind",
    "response_meaning": "meaning",
    "provenance": "provenance",
}
# A value as a lookup shows it: empty for null, a list separated by blanks.
Cell = Union[str, list[str], None]


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
    return settled(root, files, "make generate", check=check)


def build(root: Path) -> dict[str, str]:
    """Every generated file's text by its path below `root`.

    Raises MappingError for a mapping or detection off its schema and for a search that cannot run,
    BlockProblem for a conf file without a generated block, EmulatorError for macros.conf,
    VersionProblem, and OSError for a file that cannot be read.
    """
    mapping = read_mappings(root / "mappings")
    props = (root / "default" / "props.conf").read_text(encoding="utf-8")
    keys = mapping.dictionary.record_keys
    props = conf_blocks.props(props, keys, mapping.operations, mapping.activities)
    transforms = (root / "default" / "transforms.conf").read_text(encoding="utf-8")
    detections = read_detections(root)
    searches = (root / "default" / "savedsearches.conf").read_text(encoding="utf-8")
    macros = (root / "default" / "macros.conf").read_text(encoding="utf-8")
    macros = savedsearches_conf.macros(macros, detections)
    lint.require(root, detections, macros)
    return {
        **{f"lookups/{name}": text for name, text in build_lookups(mapping).items()},
        "lookups/cloudhsm_former_titles.csv": _former_titles(detections),
        "lookups/cloudhsm_detections.csv": _detections(detections),
        "default/savedsearches.conf": savedsearches_conf.saved_searches(
            searches, detections, former_techniques(root)
        ),
        "default/analyticstories.conf": metadata.analytic_stories(
            detections, metadata.read_stories(root, detections)
        ),
        "default/macros.conf": macros,
        "default/props.conf": props,
        "default/transforms.conf": conf_blocks.transforms(transforms, props),
        **dictionary.pages(mapping.dictionary),
        **dashboard_pages(root),
        **standards_pages(mapping.ocsf, mapping.ecs, mapping.dictionary),
        **deployment_page.pages(root),
        **version.places(root),
        "docs/detections.md": detections_page.page(detections, techniques(root)),
        sigma_page.PAGE: sigma_page.page(detections, pipelines.read_mappings(root, detections)),
        "docs/cim.md": cim_page.page(
            mapping.operations, mapping.cim_outcomes.values(), mapping.activities
        ),
    }


def build_lookups(mapping: Mappings) -> dict[str, str]:
    """CSV text by file name."""
    operations = mapping.operations
    return {
        "cloudhsm_cim.csv": _csv(CIM_COLUMNS, _cim_cells(operations, mapping.cim_outcomes)),
        "cloudhsm_opcodes.csv": _csv(
            OPCODE_COLUMNS, map(attrgetter(*OPCODE_COLUMNS.values()), operations)
        ),
        "cloudhsm_responses.csv": _csv(
            ("response_key", *RESPONSE_COLUMNS), _response_cells(mapping.responses)
        ),
        "cloudhsm_command_types.csv": _type_csv("command_type", mapping.command_types),
        "cloudhsm_log_types.csv": _type_csv("log_type", mapping.log_types),
        "cloudhsm_user_types.csv": _type_csv("user_type", mapping.user_types),
    }


def _detections(detections: Sequence[Detection]) -> str:
    """The detections by title, former ones included; score: the highest of its risk objects."""
    columns = ("title", "detection", "detection_id", "severity", "score", "finding", "correlates")
    return _csv(
        columns,
        [
            (
                title,
                detection.name,
                detection.id,
                detection.severity,
                str(max(item.score for item in detection.risk.objects)),
                str(detection.finding).lower(),
                str(detection.correlates).lower(),
            )
            for detection in detections
            for title in (detection.title, *detection.former_titles)
        ],
    )


def _former_titles(detections: Sequence[Detection]) -> str:
    """The former titles of detections, each with the present one."""
    columns = ("former_title", "title", "detection_id")
    return _csv(
        columns,
        [
            (former, detection.title, detection.id)
            for detection in detections
            for former in detection.former_titles
        ],
    )


def _type_csv(name: str, rows: Iterable[CodedName]) -> str:
    columns = (name, f"{name}_code", f"{name}_label", "description", "provenance")
    return _csv(
        columns, map(attrgetter("name", "code", "label", "description", "provenance"), rows)
    )


def _response_cells(responses: Sequence[Response]) -> Iterator[list[Cell]]:
    """The rows by `response_key`, which an event builds as `<code>:<text>`.

    An event has a code and a text, a text alone (certificates; sentences whose code is not
    published) or a code with a text that a later firmware reworded. So each response is there
    twice, as `*:<text>` and as `<code>:*`. The lookup takes the first row that fits; texts come
    first, as they are what a person can read and check. Success has no row by code: its words
    decide.
    """
    cells = attrgetter(*RESPONSE_COLUMNS.values())
    named = [response for response in responses if response.text != CATCH_ALL]
    for response in named:
        yield [f"*:{response.text}", *cells(response)]
    for response in named:
        if response.code and response.kind != "success":
            yield [f"{response.code}:*", *cells(response)]
    for response in responses:
        if response.text == CATCH_ALL:
            yield [CATCH_ALL, *cells(response)]


def _cim_cells(
    operations: Iterable[Operation], outcomes: Mapping[str, CimOutcome]
) -> Iterator[list[Cell]]:
    """A row for each operation and outcome, as the event's `outcome` is written."""
    for operation in operations:
        cim = operation.cim
        for outcome in sorted(mappings.OUTCOMES):
            meaning = outcomes[f"{cim.model}.{outcome}"]
            yield [
                operation.name,
                outcome,
                cim.model,
                cim.action or meaning.action,
                meaning.status,
                cim.change_type,
                cim.object_category,
                cim.object_attrs,
                cim.signature,
                f"{cim.reason} {meaning.reason}",
            ]


def _csv(header: Iterable[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(header)
    writer.writerows([_shown(cell) for cell in row] for row in rows)
    return text.getvalue()


def _shown(cell: Cell) -> str:
    return " ".join(cell) if isinstance(cell, list) else cell or ""
