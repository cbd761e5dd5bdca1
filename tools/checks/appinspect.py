"""Splunk's own judgement of a package: AppInspect and `slim validate`, each in its environment.

AppInspect ends with status 0 whatever it finds, so its JSON report is what counts. Some warnings
cannot be avoided; the reviewed ones are in appinspect-warnings.txt, each with its reason.
"""

from __future__ import annotations

import ctypes.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.build.environments import ROOT
from tools.processes import finished

REVIEWED = Path(__file__).with_name("appinspect-warnings.txt")
MUST_BE_ZERO = ("error", "failure", "future_failure", "skipped")
FEWEST_CHECKS = 200  # 4.3.1 has 252; a report with a handful was cut short

# `slim` 1.2.8 knows the settings of Splunk 8.0 at most, and reports each newer one.
SLIM_HARMLESS = (
    r"no matching configuration spec",
    r"Undefined setting in .*python\.(version|required)",
)

Warning_ = tuple[str, str]  # check, and the file that it names or "-"


def inspect(archive: Path, report: Path, root: Path = ROOT) -> Iterator[str]:
    """Run AppInspect with every check over `archive`; yields what is wrong with it.

    report: where the JSON goes, for a person to read.
    """
    if ctypes.util.find_library("magic") is None:
        yield "the system library libmagic is missing: install the Debian package libmagic1"
        return
    report.unlink(missing_ok=True)
    # Without the last option it asks the network for a list and gives the same result.
    options = ["--mode", "precert", "--max-messages", "all", "--skip-trusted-libraries-update"]
    output = ["--data-format", "json", "--output-file", str(report)]
    program = root / ".venv" / "appinspect" / "bin" / "splunk-appinspect"
    outcome = finished([str(program), "inspect", str(archive), *options, *output])
    if not report.exists():
        yield f"AppInspect wrote no report: {outcome.stdout[-2000:]}"
        return
    findings = json.loads(report.read_text(encoding="utf-8"))
    yield from judge(findings, reviewed_warnings(REVIEWED.read_text(encoding="utf-8")))


def judge(report: dict[str, Any], reviewed: set[Warning_]) -> Iterator[str]:
    """What a report objects to in the package: failures, and warnings new or no longer given."""
    summary = report["summary"]
    if sum(summary.values()) < FEWEST_CHECKS:
        yield f"only {sum(summary.values())} checks ran: {summary}"
    for kind in MUST_BE_ZERO:
        if summary.get(kind, 0):
            yield f"{summary[kind]} x {kind}"
    warnings: set[Warning_] = set()
    for check in _checks(report):
        for message in check["messages"]:
            if message["result"] == "warning":
                warnings.add((check["name"], _file_of(message)))
            elif message["result"] in MUST_BE_ZERO:
                yield f"{check['name']}: {message['message']}"
    for check_name, file in sorted(warnings - reviewed):
        yield f"a warning that was not reviewed: {check_name} | {file}"
    for check_name, file in sorted(reviewed - warnings):
        yield f"{REVIEWED.name} lists what no longer occurs: {check_name} | {file}"


def reviewed_warnings(text: str) -> set[Warning_]:
    """The warnings of appinspect-warnings.txt; raises ValueError for a line without a reason."""
    reviewed = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        words = [word.strip() for word in line.split("|", 2)]
        if len(words) != 3 or not all(words):
            raise ValueError(f"{REVIEWED.name}:{number}: expected `check | file | reason`: {line}")
        reviewed.add((words[0], words[1]))
    return reviewed


def slim(staged: Path, root: Path = ROOT) -> Iterator[str]:
    """Run `slim validate` over the staged add-on; yields errors, and warnings that matter."""
    outcome = finished([str(root / ".venv" / "slim" / "bin" / "slim"), "validate", str(staged)])
    yield from slim_complaints(outcome.stdout, outcome.returncode)


def slim_complaints(output: str, status: int) -> Iterator[str]:
    """What matters in the output of `slim validate`."""
    complaints = [
        line
        for line in output.splitlines()
        if re.search(r"\[(WARNING|ERROR|FATAL)\]", line)
        and not any(re.search(harmless, line) for harmless in SLIM_HARMLESS)
    ]
    yield from complaints
    if status and not complaints:
        yield f"slim ended with status {status}: {output[-2000:]}"
    if "App validation complete" not in output and not complaints and not status:
        yield f"slim did not finish: {output[-2000:]}"


def _checks(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for app in report["reports"]:
        for group in app["groups"]:
            yield from group["checks"]


def _file_of(message: dict[str, Any]) -> str:
    name = message.get("message_filename")
    return "-" if name in (None, "None") else str(name)
