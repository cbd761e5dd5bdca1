"""checkov's judgement of the CloudFormation templates: every exception has its reason in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.build.environments import ROOT
from tools.processes import finished

TEMPLATES = ("iam", "push")
FEWEST_CHECKS = 60  # 3.3.30 makes more than a hundred; fewer means that it read no template

_REASON_WORDS = 3


def inspect(root: Path = ROOT) -> Iterator[str]:
    """Run checkov over the templates; yields what is wrong with them."""
    program = root / ".venv" / "checkov" / "bin" / "checkov"
    # Without --skip-download it asks the network for descriptions and gives the same result.
    options = ["--framework", "cloudformation", "--output", "json", "--skip-download"]
    reports = []
    for folder in TEMPLATES:
        output = finished([str(program), "--directory", str(root / folder), *options]).stdout
        try:
            reports.append(json.loads(output[output.index("{") :]))
        except ValueError:
            yield f"{folder}: checkov wrote no report: {output[-2000:]}"
            return
    yield from judge(reports)


def judge(reports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What reports object to: failed checks, exceptions without a reason, and too few checks."""
    results = [report["results"] for report in reports if "results" in report]
    passed = sum(len(result["passed_checks"]) for result in results)
    if passed < FEWEST_CHECKS:
        yield f"only {passed} checks passed: did checkov read {' and '.join(TEMPLATES)}?"
    for result in results:
        for check in result["failed_checks"]:
            yield f"{_location(check)}: {check['check_id']} {check['check_name']}"
        for check in result["skipped_checks"]:
            reason = str(check["check_result"].get("suppress_comment") or "").strip()
            if len(reason.split()) < _REASON_WORDS:
                yield f"{_location(check)}: {check['check_id']} is skipped without a reason"


def _location(check: Mapping[str, Any]) -> str:
    return f"{check['file_path']}: {check['resource']}"
