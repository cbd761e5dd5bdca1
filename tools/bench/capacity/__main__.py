"""What an installation needs, by a model; and the real collector at that scale, simulated.

    python -m tools.bench.capacity model --clusters 40 --hsms 6 --records-per-day 200000
    python -m tools.bench.capacity simulate [--clusters 100 --hsms 28]
    python -m tools.bench.capacity measure
    python -m tools.bench.capacity page [--check]

`measure` runs four simulations and keeps them in tools/bench/capacity/measured.json, which the
model's rates follow from; it takes minutes. `page` writes the tables of docs/capacity.md; one of
them has what `make bench` printed, if that is kept in tools/bench/capacity/bench.txt.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Union

from cloudhsm.aws import rate_limit
from samples.command_parser import CommandParser
from tools.bench.capacity import measured, model, page, schema
from tools.bench.capacity.measured import MeasurementProblem
from tools.bench.capacity.model import Needs, UnusableFigure, Workload
from tools.bench.capacity.page import PageProblem
from tools.bench.capacity.schema import UnknownName
from tools.bench.capacity.simulation import (
    Poll,
    SimulationError,
    SimulationOptions,
    SimulationResult,
    simulate,
)
from tools.build.package import PackagingProblem
from tools.build.vendor import VendoringProblem
from tools.content.conf_blocks import BlockProblem
from tools.content.strict_yaml import MappingError
from tools.content.written_files import settled
from tools.processes import NotServing

ROOT = Path(__file__).resolve().parents[3]
KEPT = ROOT / "build" / "capacity"
FAST = 100.0
PROBLEMS = (
    BlockProblem,
    MappingError,
    MeasurementProblem,
    NotServing,
    PackagingProblem,
    PageProblem,
    SimulationError,
    UnknownName,
    UnusableFigure,
    VendoringProblem,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 where something fails or differs; 2 for arguments that make no sense."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except PROBLEMS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, (UnusableFigure, UnknownName)) else 1


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="python -m tools.bench.capacity",
        description=__doc__,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    needs = commands.add_parser("model", help="what an installation needs")
    _add(needs, _MODEL, Workload(1, 1, 0), "clusters", "hsms", "records_per_day")
    text = f"a number in place of that in {schema.FILE}"
    needs.add_argument(
        "--assume",
        type=_named_number,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=text,
    )
    needs.set_defaults(command=_model)
    fleet = commands.add_parser("simulate", help="the real collector over a fleet")
    _add(fleet, _SIMULATION, SimulationOptions())
    fleet.add_argument("--write", type=Path, default=KEPT / "simulation.json", metavar="FILE")
    fleet.set_defaults(command=_simulate)
    rates = commands.add_parser("measure", help=f"write {measured.PATH.name}; minutes")
    rates.add_argument("--python", default=sys.executable, help="that runs the collector")
    rates.set_defaults(command=_measure)
    tables = commands.add_parser("page", help="the tables of docs/capacity.md")
    tables.add_argument("--check", action="store_true", help="write nothing, exit 1 if they differ")
    tables.add_argument("--root", type=Path, default=ROOT, help="the add-on's source folder")
    tables.set_defaults(command=_page)
    return parser


def _number(text: str) -> float:
    """A number that a person may write with thousands' marks."""
    try:
        value = float(text.replace("_", "").replace(",", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return value


def _whole_number(text: str) -> int:
    value = _number(text)
    if value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(value)


def _named_number(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=NUMBER")
    number = _number(value)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: must not be below 0")
    return name, number


def _milliseconds(text: str) -> float:
    """In seconds."""
    return _number(text) / 1000


# Option, field of what it is an option of, type, help.
_Row = tuple[str, str, Callable[[str], object], Union[str, None]]
_MODEL: tuple[_Row, ...] = (
    ("--clusters", "clusters", _whole_number, "in one account and Region"),
    ("--hsms", "hsms", _whole_number, "of each cluster, 1 to 28"),
    ("--records-per-day", "records_per_day", _number, "of each HSM"),
    ("--region", "region", str, None),
    ("--interval", "interval_s", _number, "seconds"),
    ("--horizon", "horizon_h", _number, "hours"),
    ("--record-bytes", "record_bytes", _number, None),
    ("--calls-per-second", "calls_per_second", _number, "default: half of the quota"),
    ("--latency-ms", "latency_s", _milliseconds, None),
    ("--kept-days", "kept_days", _number, "by CloudWatch"),
)
_SIMULATION: tuple[_Row, ...] = (
    ("--clusters", "clusters", _whole_number, None),
    ("--hsms", "hsms", _whole_number, None),
    ("--polls", "busy", _whole_number, "while records come"),
    ("--quiet", "quiet", _whole_number, "polls without records"),
    ("--backlog", "backlog", _whole_number, "records of each HSM"),
    ("--records-per-day", "records_per_day", _number, None),
    ("--interval", "interval_s", _whole_number, "seconds"),
    ("--region", "region", str, None),
    ("--calls-per-second", "calls_per_second", _number, "the input's; default: its own"),
    ("--latency-ms", "latency_ms", _number, None),
    ("--interpreter", "python", str, "that runs the collector"),
)


def _add(command: CommandParser, rows: Iterable[_Row], usual: object, *required: str) -> None:
    for option, field, kind, text in rows:
        needed = field in required
        default = None if needed else getattr(usual, field)
        shown = option[2:].replace("-", "_").upper()
        command.add_argument(
            option,
            dest=field,
            metavar=shown,
            type=kind,
            default=default,
            required=needed,
            help=text,
        )


def _fields(options: argparse.Namespace, rows: Iterable[_Row]) -> dict[str, Any]:
    return {field: getattr(options, field) for _, field, _, _ in rows}


def _model(options: argparse.Namespace) -> int:
    facts = schema.read(ROOT).changed(dict(options.assume))
    work = Workload(**{**_fields(options, _MODEL), "region": _region(options.region)})
    rates = measured.rates(measured.read())
    way = page.way(work, facts, rates)
    for what, value in _answers(work, model.needs(work, facts, rates), facts, way):
        print(f"{what:<28} {value}")
    return 0


def _region(name: str) -> str:
    """Raises Unusable for what is not written as a Region; a new one has the usual quota."""
    if not schema.REGION.fullmatch(name):
        raise UnusableFigure(
            f"region is {name!r}, but must be like {', '.join(page.QUOTA_REGIONS)}"
        )
    return name


def _answers(
    work: Workload, needs: Needs, facts: schema.CapacityFacts, way: str
) -> Iterator[tuple[str, str]]:
    read = needs.reading
    yield "records", f"{needs.records_per_day:,.0f} a day, {needs.raw_gb_per_day:.4g} GB"
    yield (
        "Splunk license",
        f"{needs.license_gb_per_day:.4g} GB a day, "
        f"of which heartbeats {needs.heartbeat_bytes_per_day / 1000:,.0f} KB",
    )
    yield (
        "FilterLogEvents",
        f"{read.calls_per_s:.3g} a second of {read.quota_per_s:g} ({work.region}): "
        f"{read.quota_share:.0%}; {read.calls_per_day:,.0f} a day",
    )
    yield "DescribeLogGroups", f"{read.listings_per_day:,.0f} a day"
    yield "records are read", f"{read.read_again:.1f} times each"
    yield (
        "a run asks for",
        f"{read.poll_calls:,} live pages, {read.run_s:.1f} s at {read.pace:.3g} calls a second; "
        f"it may take {model.SHARE_OF_INTERVAL * work.interval_s:.0f} s",
    )
    most = model.most_clusters(work, facts)
    yield "most clusters like these", f"{most:,} at an interval of {work.interval_s:g} s"
    yield "way", way
    yield (
        "CPU",
        f"{needs.cpu_s_per_day:,.0f} s a day, {needs.cpu_s_per_day / model.DAY_S:.1%} of a core",
    )
    yield "memory", f"{needs.memory_mb:,.0f} MB while a run lasts"
    yield (
        "state",
        f"{needs.state_mb:,.1f} MB on disk, {needs.files_open:,} files open; "
        f"{needs.written_gb_per_day:,.1f} GB written a day",
    )
    yield (
        "AWS counts",
        f"{needs.logged_gb_per_day:.4g} GB a day logged, {needs.stored_gb:.4g} GB stored",
    )
    yield "... of pull", f"{needs.sent_gb_per_day:.4g} GB a day read, and the calls above"
    yield (
        "... of push, at most",
        f"{needs.firehose_gb_per_day:.4g} GB a day into Firehose, "
        f"{needs.lambda_calls_per_day:,.0f} Lambda calls a day",
    )
    yield "prices", "https://calculator.aws/"


def _simulate(options: argparse.Namespace) -> int:
    region = _region(options.region)
    # The model's own limits are those of AWS and of the input.
    Workload(options.clusters, options.hsms, options.records_per_day, region, options.interval_s)
    for name, count in (("polls", options.busy), ("quiet", options.quiet)):
        if count < 0:
            raise UnusableFigure(f"{name} is {count}, which is too few")
    if options.backlog < 1:
        raise UnusableFigure(f"backlog is {options.backlog}, which is too few")
    wanted = SimulationOptions(
        **_fields(options, _SIMULATION), region_calls_per_second=rate_limit.quota(region)
    )
    outcome = simulate(wanted, _print_poll)
    options.write.parent.mkdir(parents=True, exist_ok=True)
    options.write.write_text(_json(outcome.document()), encoding="utf-8")
    print(_summary(outcome))
    return 0


def _print_poll(poll: Poll) -> None:
    """A line at once: all of it takes minutes."""
    calls = ", ".join(f"{count} {name}" for name, count in poll.calls.items())
    lag = (
        ""
        if poll.lag_s is None
        else f", lag {'/'.join(f'{seconds:.0f}' for seconds in poll.lag_s)} s"
    )
    print(
        f"{poll.kind:<6} {calls} ({poll.refused} refused), {poll.groups_read} groups, "
        f"{poll.records:,} records{lag}; {poll.seconds:.1f} s, CPU {poll.cpu_s:.2f} s, "
        f"{poll.peak_mb or 0:.0f} MB, state {poll.state_bytes / 1000:,.0f} KB, "
        f"{poll.own} own events of {poll.own_bytes} B",
        flush=True,
    )


def _summary(outcome: SimulationResult) -> str:
    wanted = outcome.options
    return (
        f"{outcome.records:,} records of {wanted.clusters * wanted.hsms:,} HSMs were delivered "
        f"once each and unchanged, on Python {outcome.python}"
    )


def _measure(options: argparse.Namespace) -> int:
    fleet = SimulationOptions(python=options.python)
    alone = replace(
        fleet,
        clusters=1,
        hsms=1,
        busy=0,
        calls_per_second=FAST,
        region_calls_per_second=10 * FAST,
        latency_ms=0,
    )
    worlds = {
        "fleet": fleet,
        "dense": replace(alone, backlog=300_000),
        "tiny": replace(alone, backlog=1, quiet=5),
        "check": replace(alone, clusters=10, backlog=50_000, quiet=1),
    }
    results = {name: simulate(wanted, _print_poll).document() for name, wanted in worlds.items()}
    machine = f"{os.cpu_count()} cores {platform.machine()}, Python {results['fleet']['python']}"
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    measurements = measured.Measured(today, machine, **results)
    measured.rates(measurements)  # raises where something is missing
    measured.PATH.write_text(_json(asdict(measurements)), encoding="utf-8")
    return 0


def _json(document: object) -> str:
    return json.dumps(document, indent=1) + "\n"


def _page(options: argparse.Namespace) -> int:
    measurements = measured.read(options.root / "tools" / "bench" / "capacity" / measured.PATH.name)
    facts = schema.read(options.root)
    have = (options.root / page.PAGE).read_text(encoding="utf-8")
    kept = options.root / page.BENCH
    bench = kept.read_text(encoding="utf-8") if kept.exists() else ""
    want = page.page(have, facts, measurements, measured.rates(measurements), bench)
    command = "python -m tools.bench.capacity page"
    return settled(options.root, {page.PAGE: want}, command, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
