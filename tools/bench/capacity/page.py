"""The tables of docs/capacity.md, between their markers: the page's words are written by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudhsm.aws import rate_limit
from tools.bench.capacity import model
from tools.bench.capacity.measured import Measured, Rates
from tools.bench.capacity.model import Workload
from tools.bench.capacity.schema import CapacityFacts
from tools.content import markdown
from tools.content.page_blocks import filled

PAGE = "docs/capacity.md"
BENCH = "tools/bench/capacity/bench.txt"
_BENCH_LINE = re.compile(r"(\w+), Python ([0-9.]+): ([^|]+)")
COMMAND = "python -m tools.bench.capacity page"
SIZES = (1, 10, 100, 1_000)
USUAL = Workload(clusters=1, hsms=4, records_per_day=10_000, region="eu-west-1")
INTERVALS = (60, 120, 300, 600)
# A Region for each quota that AWS has, with the number of others that have the same.
QUOTA_REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
DENSITIES = (0, 40_000, 280_000, 2_800_000)
# Longer than this, and alerts come late: then push is better than more patience.
LONGEST_INTERVAL_S = 300
# Of one process; more is better spread over several forwarders.
MUCH_MEMORY_MB = 2_000


class PageProblem(Exception):
    """A line of the benchmark's figures is none; the message names it."""


def page(text: str, facts: CapacityFacts, measured: Measured, rates: Rates, bench: str = "") -> str:
    """The page with its tables updated; `bench` is what `make bench` printed.

    Raises BlockProblem for a marker that the page lacks, PageProblem for a line that no bench
    prints.
    """
    return filled(text, PAGE, COMMAND, blocks(facts, measured, rates, bench))


def blocks(
    facts: CapacityFacts, measured: Measured, rates: Rates, bench: str = ""
) -> Mapping[str, Sequence[str]]:
    """Lines by the name of their block."""
    return {
        "sizes": [*_sizes(facts, rates)],
        "limits": [*_limits(facts)],
        "simulation": [*_simulation(measured)],
        "rates": [*_rates(measured, rates)],
        "bench": [*_bench(bench)],
    }


def way(work: Workload, facts: CapacityFacts, rates: Rates) -> str:
    """How to collect it: at its interval, at a longer one, from several hosts, or by push."""
    changes = []
    if not model.reading(work, facts).fits:
        longer = model.least_interval_s(work, facts)
        if longer is None or not work.interval_s < longer <= LONGEST_INTERVAL_S:
            return "push"
        changes.append(f"`interval = {longer:g}`")
    hosts = math.ceil(model.memory_mb(work, rates) / MUCH_MEMORY_MB)
    if hosts > work.clusters:  # a single group is too much
        return "push"
    if hosts > 1:
        changes.append(f"{hosts} forwarders")
    return f"pull, {', '.join(changes)}; or push" if changes else "pull"


_SIZE_COLUMNS = (
    *("clusters", "records a day", "GB a day, license", "calls/s: of the quota"),
    *("one run asks for", "CPU a day", "memory", "state", "written a day", "way"),
    "AWS counts, GB a day: logged / read by pull / sent by push",
)


def _sizes(facts: CapacityFacts, rates: Rates) -> Iterator[str]:
    works = (replace(USUAL, clusters=clusters) for clusters in SIZES)
    return markdown.table(_SIZE_COLUMNS, ([*_size(work, facts, rates)] for work in works))


def _size(work: Workload, facts: CapacityFacts, rates: Rates) -> Iterator[str]:
    needs = model.needs(work, facts, rates)
    read = needs.reading
    yield f"{work.clusters:,}"
    yield f"{needs.records_per_day:,.0f}"
    yield f"{needs.license_gb_per_day:.3g}"
    yield f"{read.calls_per_s:.3g}: {read.quota_share:.0%}"
    yield f"{read.run_s:.3g} s"
    yield f"{needs.cpu_s_per_day / 60:,.0f} min"
    yield f"{needs.memory_mb:,.0f} MB"
    yield f"{needs.state_mb:,.1f} MB"
    yield f"{needs.written_gb_per_day:,.1f} GB"
    yield way(work, facts, rates)
    counted = (needs.logged_gb_per_day, needs.sent_gb_per_day, needs.firehose_gb_per_day)
    yield " / ".join(f"{amount:.3g}" for amount in counted)


def _limits(facts: CapacityFacts) -> Iterator[str]:
    intervals = (f"`interval = {seconds}`" for seconds in INTERVALS)
    columns = ["FilterLogEvents a second", "records a day and cluster", *intervals]
    rows = ([*_limit(region, records, facts)] for region in QUOTA_REGIONS for records in DENSITIES)
    return markdown.table(columns, rows)


def _limit(region: str, records: int, facts: CapacityFacts) -> Iterator[str]:
    work = replace(USUAL, region=region, hsms=28, records_per_day=records / 28)
    yield f"{rate_limit.quota(region)} ({region})"
    yield f"{records:,}" if records else "hardly any"
    for seconds in INTERVALS:
        yield f"{model.most_clusters(replace(work, interval_s=seconds), facts):,}"


_POLL_COLUMNS = (
    *("poll", "calls", "refused", "groups read", "records", "lag: median, 95 %, most"),
    *("took", "CPU", "memory", "state", "own events"),
)


def _simulation(measured: Measured) -> Iterator[str]:
    polls = enumerate(measured.fleet["polls"], 1)
    return markdown.table(_POLL_COLUMNS, ([*_poll(number, poll)] for number, poll in polls))


def _poll(number: int, poll: Mapping[str, Any]) -> Iterator[str]:
    lag = poll["lag_s"]
    yield f"{number} {poll['kind']}"
    yield ", ".join(f"{count} {name}" for name, count in poll["calls"].items())
    yield f"{poll['refused']}"
    yield f"{poll['groups_read']}"
    yield f"{poll['records']:,}"
    # Of the first poll the age of what was there before is no lag.
    is_lag = lag is not None and poll["kind"] == "busy"
    yield ", ".join(f"{seconds:.0f} s" for seconds in lag) if is_lag else ""
    yield f"{poll['seconds']:.1f} s"
    yield f"{poll['cpu_s']:.1f} s"
    yield f"{poll['peak_mb']:.0f} MB"
    yield f"{poll['state_bytes'] / 1e6:.1f} MB"
    yield f"{poll['own']} ({poll['own_bytes']} B)"


def _rates(measured: Measured, rates: Rates) -> Iterator[str]:
    kept = (
        f"{rates.id_cpu_s * 1e6:.1f} µs CPU, {rates.id_mb * 1e6:.0f} B of memory; "
        f"{rates.asked_id_mb * 1e6:.0f} B while its group is swept"
    )
    rows = (
        ("start of a run", f"{rates.start_cpu_s:.2f} s CPU"),
        ("a log group in a run", f"{rates.group_cpu_s * 1000:.1f} ms CPU"),
        ("a new record", f"{rates.record_cpu_s * 1e6:.0f} µs CPU"),
        ("a record that is read again", f"{rates.repeat_cpu_s * 1e6:.1f} µs CPU"),
        ("a kept event id in a run", kept),
        ("an event id in the state", f"{model.STATE_GENERATIONS * model.ID_BYTES:.0f} B"),
        ("saves of a group's state in a run", f"{rates.saves_per_run:.1f}"),
        ("an HSM in the state", f"{rates.stream_state_bytes:.0f} B"),
        ("a heartbeat, each 15 minutes", f"{rates.heartbeat_bytes:.0f} B"),
    )
    measured_on = f"measured {measured.day}, {measured.machine}"
    return markdown.table(("of the collector", measured_on), rows)


def _bench(text: str) -> Iterator[str]:
    """Its lines, `PART, Python VERSION: FIGURES`, as a table."""
    rows = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        figures = _BENCH_LINE.fullmatch(line)
        if figures is None:
            raise PageProblem(f"{BENCH}:{number}: is no line of `make bench`: {line[:80]!r}")
        rows.append(figures.groups())
    if rows:
        return markdown.table(("`make bench`", "Python", "figures"), rows)
    return iter(
        [f"`make bench` measures it on your machine. No figures are kept in `{BENCH}` now."]
    )
