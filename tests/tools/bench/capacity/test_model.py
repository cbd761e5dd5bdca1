"""Laws that hold for every workload, and the model beside what the collector itself says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhsm.aws import rate_limit
from cloudhsm.collect import collector, group_list
from cloudhsm.trail import window_plan
from tests.fake_aws.listings import PAGE as LISTED
from tools.bench.capacity import measured, model, schema
from tools.bench.capacity.model import UnusableFigure, Workload

ROOT = Path(__file__).resolve().parents[4]
FACTS = schema.read(ROOT)
RATES = measured.rates(measured.read())
REGIONS = ("us-east-1", "eu-west-1", "eu-central-1", "af-south-1")

workloads = st.builds(
    Workload,
    clusters=st.integers(1, 1_000),
    hsms=st.integers(1, 28),
    records_per_day=st.floats(0, 1e7),
    region=st.sampled_from(REGIONS),
    interval_s=st.sampled_from((10, 30, 60, 300, 900, 3_600)),
    horizon_h=st.sampled_from((1, 24, 72, 720)),
    record_bytes=st.floats(100, 20_000),
    latency_s=st.floats(0, 1),
)


def needs(work: Workload) -> model.Needs:
    return model.needs(work, FACTS, RATES)


def amounts(work: Workload) -> list[float]:
    """All that can only grow with what is collected."""
    _reading, *rest = needs(work)
    read = model.reading(work, FACTS)
    return [
        *rest,
        read.calls_per_day,
        read.quota_share,
        read.run_s,
        read.listings_per_day,
    ]


def are_not_less(more: list[float], less: list[float]) -> bool:
    return all(a >= b - 1e-9 * abs(b) for a, b in zip(more, less, strict=True))


@given(workloads, st.integers(1, 1_000))
def test_more_clusters_never_need_less(work: Workload, more: int) -> None:
    larger = replace(work, clusters=work.clusters + more)
    assert are_not_less(amounts(larger), amounts(work))
    assert needs(work).reading.fits or not needs(larger).reading.fits


@given(workloads, st.floats(1, 100))
def test_more_records_never_need_less(work: Workload, factor: float) -> None:
    assert are_not_less(
        amounts(replace(work, records_per_day=work.records_per_day * factor)), amounts(work)
    )


@given(workloads)
def test_a_doubled_interval_costs_no_more_calls_and_reaches_no_fewer_clusters(
    work: Workload,
) -> None:
    doubled = replace(work, interval_s=2 * work.interval_s)
    few, many = model.reading(doubled, FACTS), model.reading(work, FACTS)
    assert few.calls_per_day <= many.calls_per_day * (1 + 1e-9)
    assert model.most_clusters(doubled, FACTS) >= model.most_clusters(work, FACTS)


@given(workloads)
def test_the_largest_number_of_clusters_is_where_one_more_does_not_fit(work: Workload) -> None:
    most = model.most_clusters(work, FACTS)
    if most:
        assert model.reading(replace(work, clusters=most), FACTS).fits
    if most < model.MOST_CLUSTERS:
        assert not model.reading(replace(work, clusters=most + 1), FACTS).fits


@given(workloads)
def test_what_fits_leaves_half_of_the_quota_to_others(work: Workload) -> None:
    read = model.reading(work, FACTS)
    if read.fits:
        assert read.quota_share <= model.SHARE_OF_QUOTA * model.SHARE_OF_INTERVAL + 1e-9


@given(workloads, st.integers(2, 50))
def test_calls_are_proportional_to_clusters(work: Workload, times: int) -> None:
    once = model.reading(work, FACTS).calls_per_day
    many = model.reading(replace(work, clusters=work.clusters * times), FACTS).calls_per_day
    assert many == pytest.approx(once * times)


@given(workloads, st.integers(1, 500))
def test_a_doubled_message_of_a_subscription_sends_no_more(work: Workload, batch: int) -> None:
    once, doubled = (
        model.firehose_gb_per_day(work, FACTS.changed({"pushed_batch_records": float(count)}))
        for count in (batch, 2 * batch)
    )
    assert doubled <= once * (1 + 1e-9)


@given(workloads)
@settings(max_examples=20)
def test_every_record_is_read_by_polls_and_by_sweeps(work: Workload) -> None:
    """At least once by a poll, and by each of the five sweeps whose window it lies in."""
    assert model.reading(work, FACTS).read_again >= 1 + model.SWEEPS_PER_HORIZON + 1


def test_a_day_by_hand() -> None:
    """One record of 974 bytes a second: 26 more make a kilobyte."""
    work = Workload(1, 1, model.DAY_S, record_bytes=974, kept_days=100)
    facts = FACTS.changed({"stored_share": 0.1})
    assert model.logged_gb_per_day(work, facts) == pytest.approx(0.0864)
    assert model.stored_gb(work, facts) == pytest.approx(0.864)
    assert model.firehose_gb_per_day(work, facts) == pytest.approx(86_400 * 5_120 / 1e9)
    assert model.lambda_calls_per_day(work, facts) == pytest.approx(86_400 * 5_120 / 262_144)
    quiet = replace(work, records_per_day=1)
    assert model.lambda_calls_per_day(quiet, facts) == 1_440


def test_the_default_pace_is_the_collectors_own() -> None:
    for region in (*REGIONS, "ca-west-1", "il-central-1"):
        quota = rate_limit.quota(region)
        own = rate_limit.default_calls_per_second(region)
        assert model.pace_of(Workload(1, 1, 0, region, latency_s=0), quota) == own


def test_latency_bounds_the_pace_of_live_windows() -> None:
    work = Workload(1, 1, 0, "us-east-1", latency_s=0.2)
    assert model.pace_of(work, 25) == pytest.approx(5)
    assert model.pace_of(replace(work, latency_s=0, calls_per_second=7.5), 25) == 7.5


def test_the_models_constants_are_the_collectors() -> None:
    assert window_plan.POLL_OVERLAP_MS == model.OVERLAP_S * 1_000
    assert group_list.DISCOVERY_MS == model.DISCOVERY_S * 1_000
    assert collector.HEARTBEAT_MS == model.HEARTBEAT_S * 1_000
    assert collector.SHARE_OF_INTERVAL == model.SHARE_OF_INTERVAL
    assert LISTED == model.GROUPS_PER_PAGE
    progress = window_plan.begin(0, 0, 400_000)
    progress.last_sweep_ms = 0
    quarter_ms = 400_000 // model.SWEEPS_PER_HORIZON
    assert window_plan.sweep_is_due(progress, quarter_ms, 400_000)
    assert not window_plan.sweep_is_due(progress, quarter_ms - 1, 400_000)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clusters": 0}, "clusters is 0, but must be from 1 to 100000"),
        ({"hsms": 29}, "hsms is 29, but must be from 1 to 28"),
        ({"records_per_day": -1.0}, "records_per_day is -1, but must be from 0"),
        ({"records_per_day": float("nan")}, "records_per_day is nan"),
        ({"interval_s": 0}, "interval_s is 0"),
        ({"calls_per_second": 0.1}, "calls_per_second is 0.1, but must be from 0.2 to 100"),
    ],
)
def test_a_workload_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UnusableFigure, match=said):
        replace(Workload(1, 1, 1), **change)
