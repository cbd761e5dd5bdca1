"""Every failure of docs/troubleshooting.md is reported with its cause and the next step."""

from __future__ import annotations

import pytest

from tests.bin.failure_cases import CASES, Case, reported


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.provider}: {case.failure}")
def test_a_failure_is_reported_with_its_cause_and_the_next_step(case: Case) -> None:
    report = reported(case)
    assert report.error == case.error
    assert case.text in f"{report.what} {report.next_step}"
    assert report.next_step
    assert "\n" not in report.what + report.next_step
    assert not any(secret in str(report) for secret in ("wJalrXUtnFEMI", "svc:password"))


def test_the_page_has_at_least_thirty_different_failures() -> None:
    assert len({(case.provider, case.failure) for case in CASES}) == len(CASES) >= 30
