"""The complete path on this machine: CloudWatch Logs -> the built package -> enriched events.

    python -m tools.demo                        a simulated trail on a local CloudWatch Logs
    python -m tools.demo --aws --region REGION  the clusters of your own account, read only

The package is built and unpacked, its modular input is started twice as splunkd would start it, and
its configuration is evaluated over what the first run delivered. Exits with 1 if a
promise of the demo fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from emulator.event import IndexedEvent
from samples.command_parser import CommandParser
from samples.simulator import simulate
from tools.build import package
from tools.build.package import PackagingProblem
from tools.build.vendor import VendoringProblem
from tools.content.installed_app import installed_app
from tools.demo import local_aws, report, splunkd
from tools.demo.local_aws import LocalAwsError
from tools.demo.report import Fields, counted

STANZA = "aws_cloudhsm://demo"
COLLECTOR = "aws:cloudhsm:collector"
SEED = 7
# One run must have the time to read all history: a run uses at most 0.8 of its interval.
INTERVAL_S = "3600"
WIDTH = 160
NEWEST, NOTABLE = 6, 24
NEXT = """
What to try next:
  make preview                       the dashboards in a browser, a simulated week
  make demo AWS=1 REGION=us-east-1   the clusters of your own account, read-only
  make package                       the package for Splunk (README.md, Install)\
"""


class DemoError(Exception):
    """A promise of the demo failed; the message states which."""


@dataclass(frozen=True)
class Source:
    """Where to collect from: the stanza's parameters, the process's variables, what to expect."""

    parameters: dict[str, str]
    environment: dict[str, str] | None
    expected: int | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 with a line that states what failed."""
    options = _options(arguments)
    fixed = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    console = Console(width=WIDTH if fixed else None, highlight=False)
    try:
        with tempfile.TemporaryDirectory(prefix="cloudhsm-demo-") as folder:
            _demonstrate(console, options, Path(folder))
    except (DemoError, LocalAwsError, PackagingProblem, VendoringProblem) as error:
        console.print(f"demo failed: {error}", style="bold red", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("demo interrupted")
        return 130
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = CommandParser(
        prog="python -m tools.demo",
        description=__doc__,
    )
    parser.add_argument("--days", type=float, default=7.0, help="length of the simulated trail")
    parser.add_argument("--aws", action="store_true", help="use your own account")
    parser.add_argument("--region", default="", help="AWS Region, with --aws")
    parser.add_argument("--log-group", default="", help="names or prefixes, with --aws")
    parser.add_argument("--start-time", default="-7d", help="how far back to read, with --aws")
    options = parser.parse_args(arguments)
    if options.aws and not options.region:
        parser.error("--aws needs --region: make demo AWS=1 REGION=us-east-1")
    if not options.aws and (options.region or options.log_group):
        parser.error("a Region or log group needs your own account: make demo AWS=1 REGION=...")
    # CloudWatch Logs takes nothing older than 14 days.
    if not options.aws and not 0.05 <= options.days <= 13.5:
        parser.error("--days must be between 0.05 and 13.5")
    return options


def _demonstrate(console: Console, options: argparse.Namespace, folder: Path) -> None:
    with _progress(console) as progress:
        app = _installed(progress, folder)
        with _source(progress, options, folder) as source:
            document = splunkd.configuration(STANZA, source.parameters, folder / "checkpoints")
            first = _run(progress, "collecting", app, document, source)
            second = _run(progress, "collecting again", app, document, source)
        enriched = _enrich(progress, app, first.events_xml)
    records = [fields for fields in enriched if fields["sourcetype"] != COLLECTOR]
    own = [fields for fields in enriched if fields["sourcetype"] == COLLECTOR]
    _print(console, records, own)
    again = second.events_xml.count(b"</event>")
    console.print(f"\nA second run collected {again or 'nothing'}.")
    _check(records, own, source, again)
    console.print(NEXT)


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (
        SpinnerColumn(finished_text="[green]ok[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield progress


def _installed(progress: Progress, folder: Path) -> Path:
    """The add-on as Splunk would unpack it."""
    task = progress.add_task("building and unpacking the package", total=2)
    built = package.build_without_page()
    progress.advance(task)
    package.unpacked(built, folder / "apps")
    progress.advance(task)
    return folder / "apps" / package.APP_ID


@contextmanager
def _source(progress: Progress, options: argparse.Namespace, folder: Path) -> Iterator[Source]:
    if options.aws:
        parameters = {"aws_region": options.region, "start_time": options.start_time}
        if options.log_group:
            parameters["log_groups"] = options.log_group
        yield Source({**parameters, "interval": INTERVAL_S}, None, None)
        return
    task = progress.add_task("starting a local CloudWatch Logs", total=1)
    with local_aws.running(folder / "local-aws.log") as url:
        progress.advance(task)
        trail = simulate(SEED, datetime.now(timezone.utc), options.days)
        task = progress.add_task("loading the sample trail", total=len(trail.events))
        local_aws.load(url, trail.events, lambda count: progress.advance(task, count))
        parameters = {"aws_region": "us-east-1", "endpoint_url": url, "interval": INTERVAL_S}
        yield Source(parameters, local_aws.environment(), len(trail.events))


def _run(
    progress: Progress, title: str, app: Path, document: str, source: Source
) -> splunkd.InputRun:
    task = progress.add_task(title, total=None)
    begun = time.monotonic()
    run = splunkd.run_input(
        app,
        document,
        source.environment,
        lambda events: progress.update(task, completed=events),
    )
    events = run.events_xml.count(b"</event>")
    seconds = time.monotonic() - begun
    if run.exit_status:
        errors = [line for line in run.log.splitlines() if line.startswith("ERROR")]
        raise DemoError("\n".join(errors) or run.log[-1000:])
    progress.update(task, completed=events, total=events, description=f"{title} ({seconds:.1f} s)")
    return run


def _enrich(progress: Progress, app: Path, events_xml: bytes) -> list[Fields]:
    """What a search would see: index time, then search time, by the package's own files."""
    conf = installed_app(app)
    indexed: list[IndexedEvent] = list(conf.index_modular_input(events_xml))
    task = progress.add_task("evaluating props, transforms and lookups", total=len(indexed))
    enriched: list[Fields] = []
    for event in indexed:
        enriched.append(conf.search_time(event))
        progress.advance(task)
    return enriched


def _print(console: Console, records: list[Fields], own: list[Fields]) -> None:
    ordered = sorted(records, key=lambda fields: float(str(fields["_time"])))
    notable = [fields for fields in ordered if report.needs_review(fields)]
    console.print()
    title = f"Needs review: {len(notable):,} of {counted(len(records), 'record')}"
    newest = report.newest_of_each_kind(notable, NOTABLE)
    if notable:
        title += "; the newest of each operation and outcome"
    console.print(report.record_table(title, newest, console.width))
    console.print()
    newest = ordered[: -NEWEST - 1 : -1]
    console.print(report.record_table("The newest records", newest, console.width))
    console.print()
    console.print(report.category_table(records))
    console.print()
    sequences = report.sequences(records)
    console.print(report.integrity_table(sequences, report.verdicts(own)))
    failures = sum(fields.get("outcome") == "failure" for fields in records)
    unknown = sum(fields.get("category") == "Unknown" for fields in records)
    flawed = sum(fields.get("record_status") != "complete" for fields in records)
    missing = sum(last - first + 1 for sequence in sequences for first, last in sequence.holes)
    console.print(
        f"\n{counted(len(records), 'record')} and {counted(len(own), 'collector event')}: "
        f"{counted(failures, 'failure')}, {counted(unknown, 'unknown operation')}, "
        f"{counted(flawed, 'damaged record')}, {counted(missing, 'missing record')}."
    )


def _check(records: list[Fields], own: list[Fields], source: Source, again: int) -> None:
    """The demo fails where the product would."""
    if source.expected is None:
        return
    if len(records) != source.expected:
        raise DemoError(f"{source.expected} records were put in, {len(records)} came out")
    if again:
        raise DemoError(f"the second run delivered {counted(again, 'event')} again")
    judged = report.verdicts(own)
    for sequence in report.sequences(records):
        for hole in sequence.holes:
            if (sequence.hsm_id, *hole) not in judged:
                raise DemoError(
                    f"{sequence.hsm_id} lacks {hole} and the collector did not report it"
                )


if __name__ == "__main__":
    sys.exit(main())
