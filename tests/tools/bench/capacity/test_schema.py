"""The quotas and prices are complete and agree with the collector; faults have a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cloudhsm.aws import rate_limit
from tools.bench.capacity import schema
from tools.bench.capacity.schema import UnknownName
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[4]
TEXT = (ROOT / schema.FILE).read_text(encoding="utf-8")


@pytest.fixture
def said(tmp_path: Path) -> Callable[[str, str], str]:
    """What reading says of the file with one text in place of another."""

    def read(old: str, new: str) -> str:
        assert old in TEXT
        (tmp_path / schema.FILE).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / schema.FILE).write_text(TEXT.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(MappingError) as caught:
            schema.read(tmp_path)
        return str(caught.value)

    return read


def line_of(text: str) -> int:
    return TEXT[: TEXT.index(text)].count("\n") + 1


def test_every_region_with_a_quota_of_its_own_has_the_pace_that_the_collector_takes() -> None:
    facts = schema.read(ROOT)
    (quota,) = (one for one in facts.quotas if one.operation == "FilterLogEvents")
    for region in (*quota.regions, *rate_limit._QUOTAS, "eu-west-1"):
        assert quota.of(region) / 2 == rate_limit.default_calls_per_second(region), region


@pytest.mark.parametrize(
    ("old", "new", "at", "fault"),
    [
        ("usd: 0.50", "usd: -0.50", "usd: 0.50", "greater than or equal to 0"),
        ("usd: 0.50", "usd: half", "usd: 0.50", "valid number"),
        ("usd: 0.50", "usd: .nan", "usd: 0.50", "finite"),
        ("usd: 0.50", "euro: 0.50", "- name: logs_ingestion", "usd: is missing"),
        ("basis: secondary", "basis: hearsay", "basis: secondary", "basis: Input should be"),
        ("us-east-1: 25", "us_east: 25", "regions: {us-east-1", "should match pattern"),
        ("others: 10", "others: 0", "others: 10", "greater than 0"),
        ("checked: 2026-11-23", "checked: 2999-01-01", "checked: 2026-11-23", "is yet to come"),
        ("checked: 2026-11-23", "checked: lately", "checked: 2026-11-23", "valid date"),
        ("name: secret", "name: secrets", "prices:\n", "secret is missing, and the model needs"),
        ("name: alarm", "name: secret", "- name: secret", "secret is there twice"),
        ("name: alarm", "name: siren", "- name: alarm", "nothing computes with siren"),
    ],
)
def test_a_fault_names_its_line(
    said: Callable[[str, str], str], old: str, new: str, at: str, fault: str
) -> None:
    found = [line for line in said(old, new).splitlines() if fault in line]
    assert found
    assert f"{schema.FILE}:{line_of(at)}:" in found[0]


def test_a_price_can_be_replaced_and_an_unknown_name_is_refused() -> None:
    facts = schema.read(ROOT)
    changed = facts.changed({"logs_ingestion": 0.76}, {"stored_share": 0.2})
    assert changed.price("logs_ingestion") == 0.76
    assert changed.price("logs_storage") == facts.price("logs_storage")
    assert changed.assumption("stored_share") == 0.2
    with pytest.raises(UnknownName, match="no price is called 'ingest'; there are logs_ingestion"):
        facts.changed({"ingest": 1}, {})
    with pytest.raises(UnknownName, match="no assumption is called 'share'"):
        facts.changed({}, {"share": 1})
