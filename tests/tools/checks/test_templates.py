from __future__ import annotations

from typing import Any

import pytest

from tools.checks import templates
from tools.checks.templates import FEWEST_CHECKS, judge

BUCKET = {
    "check_id": "CKV_AWS_21",
    "check_name": "Ensure versioning",
    "file_path": "/push.yaml",
    "resource": "AWS::S3::Bucket.Backup",
}


def report(**results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    passed = [BUCKET] * FEWEST_CHECKS
    empty = {"passed_checks": passed, "failed_checks": [], "skipped_checks": []}
    return [{"results": {**empty, **results}}]


def skipped(reason: str | None) -> dict[str, Any]:
    return {**BUCKET, "check_result": {"result": "SKIPPED", "suppress_comment": reason}}


def test_templates_without_a_failed_check_pass() -> None:
    assert [*judge(report())] == []


def test_a_failed_check_names_the_template_and_the_resource() -> None:
    assert [*judge(report(failed_checks=[BUCKET]))] == [
        "/push.yaml: AWS::S3::Bucket.Backup: CKV_AWS_21 Ensure versioning"
    ]


@pytest.mark.parametrize("reason", [None, "", "No comment"])
def test_an_exception_needs_a_reason(reason: str | None) -> None:
    (fault,) = judge(report(skipped_checks=[skipped(reason)]))
    assert fault.endswith("CKV_AWS_21 is skipped without a reason")
    assert [*judge(report(skipped_checks=[skipped("It calls AWS APIs only")]))] == []


@pytest.mark.parametrize("reports", [[], [{"passed": 0}], report(passed_checks=[])])
def test_a_run_that_read_no_template_is_no_success(reports: list[dict[str, Any]]) -> None:
    (fault,) = judge(reports)
    assert "did checkov read iam and push?" in fault


def test_a_run_without_a_report_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Outcome:
        stdout = "Traceback: no"

    monkeypatch.setattr(templates, "finished", lambda _command: Outcome())
    assert [*templates.inspect()] == ["iam: checkov wrote no report: Traceback: no"]
