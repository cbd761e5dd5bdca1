"""What must hold of a detection beyond its schema: its search, its fields, its macros.

Every fault names file, line and what to do. What only running shows (fields of the results) is
checked by the proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from emulator.conf.conf_file import parse_conf
from emulator.conf.macros import Macros
from emulator.errors import EmulatorError
from emulator.spl.pipeline import check
from emulator.spl.syntax import calls
from tools.content.detections.savedsearches_conf import whole_search
from tools.content.detections.schema import FOLDER, PREFIX, Detection
from tools.content.strict_yaml import Fault, MappingError, line_in

# Costly, or wrong on a search head that withholds results: see docs/writing-detections.md.
_FORBIDDEN = {
    "join": "put both kinds of events into one base search and use stats",
    "transaction": "use streamstats or stats by the fields that belong together",
    "map": "use stats",
    "multisearch": "put both kinds of events into one base search",
    "union": "put both kinds of events into one base search",
}
_INDEX = re.compile(r"\(index=")
_STARTS = re.compile(
    r"(?:\| tstats [^|]*?where )?\(?"
    r"`cloudhsm_(?:audit|certificate|records|collector|cloudtrail|index|alert_events)`"
)
# Keys of a record whose values are words of its text, so that the index finds them.
_TOKEN = re.compile(
    r"`cloudhsm_operation\(|\b(?:response_code|user_type|event|eventName|verdict|sourcetype)=\"?[\w:.-]+"
)
_LEADING_WILDCARD = re.compile(r"=\s*\"?\*[^\s\")]")
_UNBOUNDED_SORT = re.compile(r"\|\s*sort\s+(?!0\b|limit=|\d)")


def require(root: Path, detections: Sequence[Detection], macros_text: str) -> None:
    """Raises MappingError with the faults of the first detection that has any, given the text of
    macros.conf; EmulatorError if that is malformed.
    """
    macros = Macros.from_conf(parse_conf(macros_text, "default/macros.conf")).with_placeholders()
    for detection in detections:
        if problems := list(faults(root, [detection], macros)):
            raise MappingError(problems)


def faults(root: Path, detections: Iterable[Detection], macros: Macros) -> Iterator[Fault]:
    """What is wrong with any of them, in the order of the files."""
    for detection in detections:
        path = root / FOLDER / f"{detection.stem}.yml"
        line = line_in(path, "search")
        for what in (
            *_compiles(detection, macros),
            *_begins(detection),
            *_costs(detection, macros),
        ):
            yield Fault(path, line, f"search: {what}")
        yield from _names(path, detection, macros)


def _compiles(detection: Detection, macros: Macros) -> Iterator[str]:
    try:
        check(whole_search(detection), macros)
    except EmulatorError as error:
        yield error.message


def _begins(detection: Detection) -> Iterator[str]:
    """At the index macro and at words of the text: what an index can find without reading all."""
    text = " ".join(detection.search.split())
    if not _STARTS.match(text):
        yield "must begin with the index macro, as `cloudhsm_audit`"
        return
    base = text.split("|")[1 if text.startswith("|") else 0]
    if not _TOKEN.search(base) and detection.scans is None:
        yield "reads every record: name an opcode before the first pipe, or give a reason in scans"


def _costs(detection: Detection, macros: Macros) -> Iterator[str]:
    # Our own macros match the sources of other collectors by a leading wildcard, documented there.
    own = detection.search
    if _LEADING_WILDCARD.search(own):
        yield "a leading wildcard makes the index read everything"
    if _UNBOUNDED_SORT.search(own):
        yield "sort without a count keeps 10,000 rows silently: write sort 0, or a number"
    if "now()" in own:
        yield "now(): a run may start late; use run_at of `cloudhsm_run_at`"
    try:
        used = {call.name for call in calls(macros.expand(own))}
    except EmulatorError:
        return  # reported by _compiles
    for name in sorted(used & set(_FORBIDDEN)):
        yield f"{name}: {_FORBIDDEN[name]}"


def _names(path: Path, detection: Detection, macros: Macros) -> Iterator[Fault]:
    for name in re.findall(rf"`({PREFIX}{detection.stem}_\w+)`", detection.search):
        if name.removeprefix(f"{PREFIX}{detection.stem}_") not in detection.thresholds:
            what = f"`{name}` is no threshold of this detection: add it under thresholds"
            yield Fault(path, line_in(path, "search"), what)
    try:
        check(f"{detection.drilldown.search}".replace("$", ""), macros)
    except EmulatorError as error:
        yield Fault(path, line_in(path, "drilldown", "search"), f"drilldown: {error.message}")
