"""Overview: is anything wrong? Every number compared with a count over the raw records."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone

import pytest

from emulator.session import Session
from tests.dashboards.conftest import ROOT, View
from tests.dashboards.reading import Raw
from tools.content.mappings import Operation, OperationList

_OPERATIONS = {entry.name: entry for entry in OperationList(ROOT / "mappings").checked()}


def _operation(record: Raw) -> Operation:
    name = record.lines["op_code"] if record.is_certificate else record.opcode
    return _OPERATIONS.get(name) or _OPERATIONS["*"]


def test_failures_are_the_records_with_another_response_than_success(
    view: View, trail: list[Raw]
) -> None:
    failed = sum(1 for record in trail if record.failed)

    assert int(view("overview").value("failures")) == failed > 0
    assert len(view("overview").records("failures")) == failed


def test_risky_operations_are_counted_done_or_refused(view: View, trail: list[Raw]) -> None:
    risky = sum(1 for record in trail if _operation(record).risk in ("critical", "high"))

    assert int(view("overview").value("risky")) == risky > 0
    assert len(view("overview").records("risky")) == risky


def test_hsms_and_the_age_of_the_last_record(
    view: View, trail: list[Raw], session: Session
) -> None:
    hsms = {record.stream for record in trail if not record.is_certificate}
    minutes = (session.now - max(record.at for record in trail)) / 60

    assert int(view("overview").value("hsms")) == len(hsms)
    assert float(view("overview").value("age")) == pytest.approx(minutes, abs=0.5)


def test_the_chart_has_each_record_in_its_category_and_hour(view: View, trail: list[Raw]) -> None:
    expected = Counter(
        (int(record.at // 3600 * 3600), _operation(record).category) for record in trail
    )

    actual = {
        (int(row["_time"]), name): int(count)
        for row in view("overview").panel("by_category")
        for name, count in row.items()
        if not name.startswith("_")
    }

    assert actual == expected


def test_the_other_chart_has_what_did_not_succeed(view: View, trail: list[Raw]) -> None:
    expected = sum(1 for record in trail if record.failed)

    rows = view("overview").panel("by_outcome")

    assert sum(int(row.get("failure", 0)) for row in rows) == expected


def test_each_hsm_has_its_records_failures_and_last_record(view: View, trail: list[Raw]) -> None:
    streams = {record.stream: record.cluster for record in trail}
    for row in view("overview").panel("machines"):
        stream = row["hsm_id"] if row["_hsm"] != "*" else row["cluster_id"]
        records = [record for record in trail if record.stream == stream]
        last = datetime.fromtimestamp(records[-1].at, timezone.utc)

        assert row["cluster_id"] == streams.pop(stream)
        assert int(row["records"]) == len(records)
        assert int(row["failures"]) == sum(1 for record in records if record.failed)
        assert row["last_record"] == last.strftime("%Y-%m-%d %H:%M:%S")
    assert not streams


def test_what_deserves_a_look_is_each_failed_or_risky_operation_and_opens_its_records(
    view: View, trail: list[Raw]
) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for record in trail:
        unknown = _operation(record).category == "Unknown"
        if record.failed or unknown or _operation(record).risk in ("critical", "high"):
            name = record.lines["op_code"] if record.is_certificate else record.opcode
            expected[name, "failure" if record.failed else "success"] += 1

    rows = view("overview").panel("notable")

    assert {(row["opcode"], row["outcome"]): int(row["records"]) for row in rows} == expected
    for row in rows:
        opened = view("overview").records("notable", _opcode=row["_opcode"], outcome=row["outcome"])
        assert len(opened) == int(row["records"])


def test_the_worst_comes_first(view: View) -> None:
    risks = [row["risk"] for row in view("overview").panel("notable")]

    assert risks[0] == "critical"
    assert risks == sorted(risks, key=lambda risk: {"critical": 0, "high": 1}.get(risk, 2))


def test_missing_records_are_what_the_collector_found_missing(view: View) -> None:
    assert view("overview").value("missing") == "14"
    assert view("overview").value("pending") == "0"


def test_another_cluster_shows_other_numbers(view: View, trail: list[Raw]) -> None:
    for cluster in {record.cluster for record in trail}:
        failed = sum(1 for r in trail if r.failed and r.cluster == cluster)
        assert int(view("overview", cluster=cluster).value("failures")) == failed
    category = sum(1 for r in trail if r.failed and _operation(r).category == "User Login")
    assert int(view("overview", category="User Login").value("failures")) == category


def test_over_nothing_numbers_are_0_and_tables_show_what_to_do(empty_view: View) -> None:
    shown = empty_view("overview")

    assert [shown.value(name) for name in ("failures", "risky", "hsms", "missing")] == ["0"] * 4
    assert shown.value("age") == "no record"
    assert "Health" in shown.advice("machines")
    assert "Health" in shown.advice("notable")


def test_a_click_on_an_hsm_investigates_it(view: View) -> None:
    path, tokens = view("overview").address("machines", cluster_id="cluster-a", _hsm="hsm-b")

    assert path == "/app/TA-aws-cloudhsm/cloudhsm_investigate"
    assert (tokens["form.cluster"], tokens["form.hsm"]) == ("cluster-a", "hsm-b")
    assert tokens["form.global_time.earliest"] == "-7d@h"
