"""What so many clusters need: calls, volume, CPU, state. Pure.

Follows what the collector does (`cloudhsm.trail.window_plan`, `cloudhsm.collect.collector`): each
run asks every log group for the time since the last poll and 15 minutes before it; four sweeps in a
lateness horizon read a horizon and a quarter again; log groups are looked for every 5 minutes. A
call gives a page. Looking at gaps again, history and replays come on top and are not counted.

GB are 10^9 bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from cloudhsm.aws import rate_limit
from tools.bench.capacity.measured import Rates
from tools.bench.capacity.schema import CapacityFacts

DAY_S = 86_400
GB = 1e9
# As bin/cloudhsm has them; a test compares these with the collector's own.
OVERLAP_S = 900
SWEEPS_PER_HORIZON = 4
DISCOVERY_S = 300
HEARTBEAT_S = 900
SHARE_OF_INTERVAL = 0.8
SHARE_OF_QUOTA = 0.5
STATE_GENERATIONS = 2
ID_BYTES = 8 * 4 / 3  # eight bytes in base64
# The longest list of log groups that AWS gives out at once.
GROUPS_PER_PAGE = 50
# Of one account; more than this the search for the largest number does not try.
MOST_CLUSTERS = 100_000


class UnusableFigure(ValueError):
    """A number that makes no sense; the message names it and the allowed range."""


@dataclass(frozen=True)
class Workload:
    """What is to be collected, and how, in one account and Region.

    records_per_day:  of each HSM. record_bytes: of a record's text.
    calls_per_second: the input's setting; None for half of the Region's quota.
    latency_s:        from a call to its answer.
    kept_days:        how long the log groups keep records.
    """

    clusters: int
    hsms: int
    records_per_day: float
    region: str = "us-east-1"
    interval_s: float = 60
    horizon_h: float = 24
    record_bytes: float = 336
    calls_per_second: float | None = None
    latency_s: float = 0.05
    kept_days: float = 365

    def __post_init__(self) -> None:
        for name, least, most in _LIMITS:
            value = getattr(self, name)
            if value is None:
                continue
            if not math.isfinite(value) or not least <= value <= most:
                raise UnusableFigure(f"{name} is {value:g}, but must be from {least:g} to {most:g}")

    @property
    def group_records_per_day(self) -> float:
        return self.records_per_day * self.hsms

    @property
    def all_records_per_day(self) -> float:
        return self.group_records_per_day * self.clusters


# Name, least and most; AWS allows 28 HSMs in a cluster, the rest are the input's own limits.
_LIMITS = (
    ("clusters", 1, MOST_CLUSTERS),
    ("hsms", 1, 28),
    ("records_per_day", 0, 1e9),
    ("interval_s", 1, DAY_S),
    ("horizon_h", 1, 720),
    ("record_bytes", 1, 1_048_550),
    ("calls_per_second", 0.2, 100),
    ("latency_s", 0, 60),
    ("kept_days", 1, 3653),
)


class Reading(NamedTuple):
    """Pull: what one input asks AWS for.

    pages:        calls for one poll of one group.
    poll_calls:   of one run, for the live window of all groups.
    run_s:        how long these take.
    calls_per_s:  over all the time, sweeps included.
    quota_per_s:  what AWS allows; quota_share: the part that this takes.
    read_again:   how often each record is read in all.
    fits:         whether each run reaches every group, at the pace that is set.
    """

    pages: int
    poll_calls: int
    run_s: float
    pace: float
    calls_per_s: float
    calls_per_day: float
    listings_per_day: float
    quota_per_s: float
    quota_share: float
    read_again: float
    fits: bool


class Needs(NamedTuple):
    """What all of it needs, and the amounts that AWS charges for."""

    reading: Reading
    records_per_day: float
    raw_gb_per_day: float
    license_gb_per_day: float
    heartbeat_bytes_per_day: float
    cpu_s_per_day: float
    state_mb: float
    written_gb_per_day: float
    memory_mb: float
    files_open: int
    logged_gb_per_day: float
    stored_gb: float
    sent_gb_per_day: float
    firehose_gb_per_day: float
    lambda_calls_per_day: float


def needs(work: Workload, facts: CapacityFacts, rates: Rates) -> Needs:
    """Everything about one workload."""
    read = reading(work, facts)
    raw = work.all_records_per_day * work.record_bytes
    heartbeats = DAY_S / HEARTBEAT_S * rates.heartbeat_bytes
    state = state_bytes(work, rates)
    return Needs(
        reading=read,
        records_per_day=work.all_records_per_day,
        raw_gb_per_day=raw / GB,
        license_gb_per_day=(raw + heartbeats) / GB,
        heartbeat_bytes_per_day=heartbeats,
        cpu_s_per_day=cpu_s_per_day(work, read, rates),
        state_mb=state / 1e6,
        written_gb_per_day=written_bytes_per_day(work, facts, rates) / GB,
        memory_mb=memory_mb(work, rates),
        files_open=work.clusters,
        logged_gb_per_day=logged_gb_per_day(work, facts),
        stored_gb=stored_gb(work, facts),
        sent_gb_per_day=sent_gb_per_day(work, read, facts),
        firehose_gb_per_day=firehose_gb_per_day(work, facts),
        lambda_calls_per_day=lambda_calls_per_day(work, facts),
    )


def page_records(work: Workload, facts: CapacityFacts) -> int:
    """Records that one call brings at most; the cautious reading of how AWS counts."""
    each = work.record_bytes + facts.size("read_overhead_bytes")
    return max(1, int(min(facts.size("page_bytes") / each, facts.size("page_records"))))


def reading(work: Workload, facts: CapacityFacts) -> Reading:
    """The calls of one input that collects all groups."""
    per_s, page = work.group_records_per_day / DAY_S, page_records(work, facts)
    poll_s, horizon_s = work.interval_s + OVERLAP_S, work.horizon_h * 3600
    sweep_s = horizon_s * (1 + 1 / SWEEPS_PER_HORIZON)
    pages = _pages(per_s * poll_s, page)
    sweeps_per_day = DAY_S / (horizon_s / SWEEPS_PER_HORIZON)
    poll_calls = work.clusters * pages
    sweep_calls_per_day = work.clusters * sweeps_per_day * _pages(per_s * sweep_s, page)
    calls_per_day = poll_calls * DAY_S / work.interval_s + sweep_calls_per_day
    quota = rate_limit.quota(work.region)
    pace = pace_of(work, quota)
    sweeps_per_run = sweep_calls_per_day * work.interval_s / DAY_S
    listing = -(-work.clusters // GROUPS_PER_PAGE)
    return Reading(
        pages=pages,
        poll_calls=poll_calls,
        run_s=poll_calls / pace,
        pace=pace,
        calls_per_s=calls_per_day / DAY_S,
        calls_per_day=calls_per_day,
        listings_per_day=listing * DAY_S / max(DISCOVERY_S, work.interval_s),
        quota_per_s=quota,
        quota_share=calls_per_day / DAY_S / quota,
        read_again=poll_s / work.interval_s + sweep_s * sweeps_per_day / DAY_S,
        fits=(poll_calls + sweeps_per_run) / pace <= SHARE_OF_INTERVAL * work.interval_s,
    )


def pace_of(work: Workload, quota: float) -> float:
    """Calls per second: as set, and no faster than answers come, one live window at a time."""
    wanted = SHARE_OF_QUOTA * quota if work.calls_per_second is None else work.calls_per_second
    return min(wanted, quota, 1 / work.latency_s if work.latency_s else math.inf)


def _pages(records: float, page: int) -> int:
    """A window without records costs a call, too."""
    return max(1, math.ceil(records / page))


def most_clusters(work: Workload, facts: CapacityFacts) -> int:
    """The largest number of clusters that each run still reaches; 0 where one is too many.

    Beyond it, pull becomes late: push, or a longer interval, is what to think of.
    """
    return _largest(lambda count: reading(replace(work, clusters=count), facts).fits)


def _largest(fits: Callable[[int], bool]) -> int:
    """The largest number from 1 to MOST_CLUSTERS for which it is true, as for all below."""
    low, high = 0, MOST_CLUSTERS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def least_interval_s(work: Workload, facts: CapacityFacts) -> float | None:
    """The shortest of some usual intervals in which each run reaches every group."""
    usual = (10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600)
    fitting = (
        interval_s
        for interval_s in usual
        if reading(replace(work, interval_s=interval_s), facts).fits
    )
    return next(fitting, None)


def state_bytes(work: Workload, rates: Rates) -> float:
    """Both generations: ids inside the horizon and until the next sweep, and the ledgers."""
    kept_s = work.horizon_h * 3600 * (1 + 1 / SWEEPS_PER_HORIZON)
    ids = work.group_records_per_day * kept_s / DAY_S
    per_group = STATE_GENERATIONS * ID_BYTES * ids + rates.stream_state_bytes * work.hsms
    return work.clusters * per_group


def written_bytes_per_day(work: Workload, facts: CapacityFacts, rates: Rates) -> float:
    """A state is written completely: in each run, and once more for each page with new records."""
    new = work.group_records_per_day * work.interval_s / DAY_S
    pages = max(min(1.0, new), new / page_records(work, facts))
    one_generation = state_bytes(work, rates) / STATE_GENERATIONS
    return DAY_S / work.interval_s * one_generation * (rates.saves_per_run + pages)


def cpu_s_per_day(work: Workload, read: Reading, rates: Rates) -> float:
    """Of one core: starts, groups, ids that are loaded, records new and read again."""
    runs = DAY_S / work.interval_s
    kept_s = work.horizon_h * 3600 * (1 + 1 / SWEEPS_PER_HORIZON)
    ids = work.all_records_per_day * kept_s / DAY_S
    again = work.all_records_per_day * max(0.0, read.read_again - 1)
    return (
        runs * (rates.start_cpu_s + work.clusters * rates.group_cpu_s + ids * rates.id_cpu_s)
        + work.all_records_per_day * rates.record_cpu_s
        + again * rates.repeat_cpu_s
    )


def memory_mb(work: Workload, rates: Rates) -> float:
    """The most that a run keeps: all states at rest, one asked of by a sweep, pages in flight."""
    kept_s = work.horizon_h * 3600 * (1 + 1 / SWEEPS_PER_HORIZON)
    ids = work.group_records_per_day * kept_s / DAY_S
    streams = work.clusters * work.hsms
    at_rest = (work.clusters - 1) * ids * rates.id_mb + streams * rates.stream_mb
    return rates.base_mb + at_rest + ids * rates.asked_id_mb


def stored_gb(work: Workload, facts: CapacityFacts) -> float:
    """What CloudWatch Logs keeps of CloudHSM's log, compressed."""
    return work.kept_days * logged_gb_per_day(work, facts) * facts.assumption("stored_share")


def logged_gb_per_day(work: Workload, facts: CapacityFacts) -> float:
    """What CloudHSM writes to CloudWatch Logs, as AWS counts it."""
    each = work.record_bytes + facts.size("written_overhead_bytes")
    return work.all_records_per_day * each / GB


def sent_gb_per_day(work: Workload, read: Reading, facts: CapacityFacts) -> float:
    """What pull transfers out of CloudWatch Logs: every record, each time that it is read."""
    each = work.record_bytes + facts.size("read_overhead_bytes")
    return work.all_records_per_day * read.read_again * each / GB


def firehose_gb_per_day(work: Workload, facts: CapacityFacts) -> float:
    """What push sends into Firehose at most: by default a message for each record, rounded up."""
    step = facts.size("firehose_step_bytes")
    batch = max(1.0, facts.assumption("pushed_batch_records"))
    message_bytes = step * math.ceil(batch * work.record_bytes / step)
    return work.all_records_per_day / batch * message_bytes / GB


def lambda_calls_per_day(work: Workload, facts: CapacityFacts) -> float:
    """Calls of the transformation: by time, or by volume where that comes sooner."""
    volume = firehose_gb_per_day(work, facts) * GB
    by_time = DAY_S / facts.assumption("lambda_batch_seconds")
    return max(by_time, volume / facts.assumption("lambda_batch_bytes")) if volume else 0.0
