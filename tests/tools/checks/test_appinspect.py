"""AppInspect's report and slim's output are read for what they mean, not for their exit status."""

from __future__ import annotations

from typing import Any

import pytest

from tools.checks import appinspect

REVIEWED = {("check_sdk", "lib/sdk.py"), ("check_python", "-")}


def message(result: str, file: str | None) -> dict[str, object]:
    return {"result": result, "message": "what is wrong", "message_filename": file}


def report(*extra: tuple[str, dict[str, object]], **summary: int) -> dict[str, Any]:
    """A report with the two reviewed warnings and what a test adds."""
    found = [
        ("check_sdk", message("warning", "lib/sdk.py")),
        ("check_python", message("warning", "None")),
        *extra,
    ]
    checks = [{"name": name, "messages": [one]} for name, one in found]
    return {
        "summary": {"success": 250, "warning": 2, "failure": 0, **summary},
        "reports": [{"groups": [{"checks": checks[:1]}, {"checks": checks[1:]}]}],
    }


def judged(content: dict[str, Any]) -> list[str]:
    return list(appinspect.judge(content, REVIEWED))


def test_a_report_with_the_reviewed_warnings_only_passes() -> None:
    assert judged(report()) == []


@pytest.mark.parametrize("kind", ["failure", "error", "future_failure", "skipped"])
def test_anything_worse_than_a_warning_is_named(kind: str) -> None:
    faults = judged(report(("check_tls", message(kind, "bin/x.py")), **{kind: 1}))
    assert faults == [f"1 x {kind}", "check_tls: what is wrong"]


@pytest.mark.parametrize("new", [("check_sdk", "bin/x.py"), ("check_ip", "lib/sdk.py")])
def test_a_warning_that_nobody_reviewed_is_named(new: tuple[str, str]) -> None:
    (fault,) = judged(report((new[0], message("warning", new[1]))))
    assert fault == f"a warning that was not reviewed: {new[0]} | {new[1]}"


def test_a_reviewed_warning_that_no_longer_occurs_is_named() -> None:
    gone = REVIEWED | {("check_ip", "lib/x.py")}
    (fault,) = appinspect.judge(report(), gone)
    assert fault.endswith("lists what no longer occurs: check_ip | lib/x.py")


def test_a_report_that_was_cut_short_is_no_success() -> None:
    (fault,) = judged(report(success=3))
    assert fault.startswith("only 5 checks ran")


def test_the_reviewed_warnings_all_have_a_reason() -> None:
    assert appinspect.reviewed_warnings(appinspect.REVIEWED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", ["check_x | lib/x.py", "check_x | lib/x.py |", "check_x"])
def test_a_reviewed_warning_without_a_reason_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"txt:2: expected `check \| file \| reason`"):
        appinspect.reviewed_warnings(f"# comment\n{line}\n")


DONE = "slim validate: [INFO] App validation complete\n"


@pytest.mark.parametrize(
    "said",
    [
        DONE,
        "slim validate: [WARNING] app.conf, line 2: disabled for [shclustering] because there is "
        f"no matching configuration spec\n{DONE}",
    ],
)
def test_slims_ignorance_of_newer_settings_is_no_fault(said: str) -> None:
    assert list(appinspect.slim_complaints(said, 0)) == []


@pytest.mark.parametrize(
    ("said", "status", "fault"),
    [
        (f"slim: [WARNING] something else\n{DONE}", 0, "slim: [WARNING] something else"),
        ("slim: [ERROR] bad manifest\n", 1, "slim: [ERROR] bad manifest"),
        ("Traceback\n", 1, "slim ended with status 1: Traceback\n"),
        ("", 0, "slim did not finish: "),
    ],
)
def test_what_slim_holds_against_the_add_on_is_named(said: str, status: int, fault: str) -> None:
    assert list(appinspect.slim_complaints(said, status)) == [fault]
