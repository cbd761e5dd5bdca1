"""`make check` runs every step, shows what failed in full, and fails with it."""

from __future__ import annotations

import pytest

from tools.checks import quick
from tools.checks.quick import Step

PASSES = Step("passes", ("timeit", "-n1", "-r1", "pass"))
FAILS = Step("fails", ("no_module_of_this_name",))


def test_a_failed_step_is_shown_in_full_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quick, "STATIC", (FAILS, PASSES))
    monkeypatch.setattr(quick, "TESTS", (PASSES,))
    assert quick.main() == 1
    said = capsys.readouterr().out
    assert "FAILED fails" in said
    assert "No module named no_module_of_this_name" in said
    assert said.count("ok     passes") == 2


def test_when_all_pass_it_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quick, "STATIC", (PASSES,))
    monkeypatch.setattr(quick, "TESTS", ())
    assert quick.main() == 0
    assert capsys.readouterr().out.startswith("ok     passes (")
