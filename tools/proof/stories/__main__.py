"""Runs every detection over the stories and the quiet weeks: `python -m tools.proof.stories`.

Prints for each story which detection found it and after how long, every miss, and the findings a
week of quiet clusters. Ends with status 1 where the misses are not those of misses.txt. `--write`
writes that file. NAME: only these stories, without quiet weeks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from emulator.app import App
from emulator.scheduler import Index
from samples.command_parser import CommandParser
from tools.content.detections import ingest
from tools.content.detections.schema import Detection, read_detections
from tools.proof.stories.attacks import ATTACKS
from tools.proof.stories.attacks_on_clusters import CLUSTER_ATTACKS
from tools.proof.stories.benign import BENIGN, CEREMONIES
from tools.proof.stories.history import filled_tables, quiet_weeks
from tools.proof.stories.playing import (
    by_cluster,
    findings,
    parsed_rows,
    stories_index,
    story_window,
    variants,
)
from tools.proof.stories.story import Story
from tools.proof.stories.verdicts import Rate, Verdict, by_detection, rates, verdict

ROOT = Path(__file__).resolve().parents[3]
MISSES = Path(__file__).with_name("misses.txt")
TABLES = ("empty", "filled")
QUIET_CLUSTERS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if the misses are the known ones, else 1."""
    parser = CommandParser(prog="python -m tools.proof.stories", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", action="store_true", help="write misses.txt")
    parser.add_argument("--quiet-only", action="store_true", help="only the quiet weeks")
    parser.add_argument("--rows", action="store_true", help="print each finding too")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    app, console = ingest.load(ROOT), Console(width=200)
    detections = read_detections(ROOT)
    stories = _named(parser, options.names)
    verdicts = [] if options.quiet_only else list(_verdicts(app, stories, detections))
    if verdicts:
        _print_stories(console, verdicts, rows=options.rows)
        console.print(f"{time.monotonic() - began:.0f} s")
    if not options.names:
        _print_quiet_weeks(console, app, detections, rows=options.rows)
    console.print(f"{len(detections)} detections, {time.monotonic() - began:.0f} s")
    if options.names or options.quiet_only:
        return 0
    return _compare(verdicts, write=options.write)


def all_stories() -> list[Story]:
    """Every story: attacks, benign ones, ceremonies."""
    return [*ATTACKS.listed, *CLUSTER_ATTACKS.listed, *BENIGN.listed, *CEREMONIES.listed]


def _named(parser: CommandParser, names: Sequence[str]) -> list[Story]:
    known = {story.name: story for story in all_stories()}
    for name in names:
        if name not in known:
            parser.error(f"there is no story {name}")
    return [known[name] for name in names] or list(known.values())


def _verdicts(
    app: App, stories: Sequence[Story], detections: Sequence[Detection]
) -> Iterator[Verdict]:
    listed = variants(stories)
    index = stories_index(app, listed)
    filled = filled_tables([variant.cluster for variant in listed])
    for tables in TABLES:
        rows = filled if tables == "filled" else {}
        reported = findings(app, index, rows, detections, *story_window(listed))
        sorted_out = by_cluster(reported, listed)
        for variant in listed:
            yield verdict(variant, tables, sorted_out[variant.cluster.tag])


# --- what is printed


def _print_stories(console: Console, verdicts: Sequence[Verdict], *, rows: bool) -> None:
    groups = {
        "attacks": [item for item in verdicts if item.variant.story.is_attack],
        "benign stories": [item for item in verdicts if not item.variant.story.by],
        "ceremonies and exercises": [v for v in verdicts if v.variant.story.ceremony],
    }
    for name, group in groups.items():
        if group:
            _print_group(console, name, group, rows=rows)


def _print_group(console: Console, name: str, verdicts: Sequence[Verdict], *, rows: bool) -> None:
    table = Table(name, "in time", "minutes", "detections (minutes until the first finding)")
    by_story: dict[str, list[Verdict]] = {}
    for item in verdicts:
        by_story.setdefault(item.variant.story.name, []).append(item)
    for story, items in by_story.items():
        delays = [item.delay for item in items if item.found and item.delay is not None]
        spread = f"{min(delays) / 60:.0f} to {max(delays) / 60:.0f}" if delays else ""
        table.add_row(
            story, f"{sum(i.found for i in items)} of {len(items)}", spread, _detections(items)
        )
    console.print(table)
    missed = [item for item in verdicts if not item.found]
    for item in missed:
        stems = ", ".join(sorted({finding.stem for finding in item.counted}))
        console.print(f"  MISS {item.key}{f' ({stems})' if stems else ''}", highlight=False)
    stories = {item.variant.story.name for item in verdicts}
    complete = stories - {item.variant.story.name for item in missed}
    console.print(
        f"{name}: {len(complete)} of {len(stories)} in every variant;"
        f" {len(verdicts) - len(missed)} of {len(verdicts)} variants"
    )
    for item in verdicts if rows else []:
        for finding in item.counted:
            console.print(item.key, finding.stem, finding.fired, highlight=False)


def _detections(items: Sequence[Verdict]) -> str:
    first: dict[str, float] = {}
    for item in items:
        for finding in item.counted:
            delay = item.delay_of(finding)
            first[finding.stem] = min(first.get(finding.stem, delay), delay)
    return ", ".join(f"{stem} {delay / 60:.0f}" for stem, delay in sorted(first.items()))


def _print_quiet_weeks(
    console: Console, app: App, detections: Sequence[Detection], *, rows: bool
) -> None:
    table = Table("quiet weeks: findings a week", "1 cluster", "10 clusters", "100 clusters")
    weeks = quiet_weeks(QUIET_CLUSTERS)
    index = Index(parsed_rows(app, weeks.clusters))
    for tables in TABLES:
        filled = filled_tables(weeks.clusters) if tables == "filled" else {}
        reported = findings(app, index, filled, detections, weeks.since, weeks.until)
        found = rates(reported, QUIET_CLUSTERS, weeks.since, weeks.established, weeks.until)
        table.add_row(f"tables {tables}, first 30 days", *_cells(found, "first"))
        table.add_row(f"tables {tables}, afterwards", *_cells(found, "later"))
        for name, start, end in (
            ("first 30 days", weeks.since, weeks.established),
            ("afterwards", weeks.established, weeks.until),
        ):
            counts = by_detection(reported, start, end).most_common()
            listed = ", ".join(f"{stem} {number}" for stem, number in counts)
            console.print(f"tables {tables}, {name}: {listed or 'none'}", highlight=False)
        for finding in reported if rows else []:
            console.print(finding.stem, finding.fired, highlight=False)
    console.print(table)
    console.print("100 clusters: ten times the findings of 10 that name a cluster.")


def _cells(found: Sequence[Rate], period: str) -> list[str]:
    return [f"{getattr(rate, period):.1f}" for rate in found]


def _compare(verdicts: Sequence[Verdict], *, write: bool) -> int:
    """1, and the differences on stderr, where misses.txt has others."""
    misses = sorted(item.key for item in verdicts if not item.found)
    if write:
        MISSES.write_text("".join(f"{line}\n" for line in misses), "utf-8")
        return 0
    known = set(MISSES.read_text("utf-8").splitlines())
    for line in sorted(known ^ set(misses)):
        what = "is in misses.txt, but is right now" if line in known else "is new"
        print(f"tools/proof/stories/misses.txt: {line}: {what}", file=sys.stderr)
    return int(known != set(misses))


if __name__ == "__main__":
    sys.exit(main())
