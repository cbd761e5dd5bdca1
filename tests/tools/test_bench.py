from __future__ import annotations

import re

import pytest

from tools import bench, interpreters


def test_both_programs_run_in_one_run_and_are_given_as_a_ratio(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "find", lambda _: None)
    assert bench.main(["--records", "4000", "--rounds", "1"]) == 0
    said = capsys.readouterr().out
    assert "Python 3.9: not found, not measured" in said
    assert re.search(
        r"collector [\d,]+ events/s, bare botocore loop [\d,]+ events/s, ratio \d", said
    )


def test_a_program_that_loses_a_record_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "find", lambda _: None)
    monkeypatch.setattr(bench, "BARE_LOOP", bench.BARE_LOOP.replace('page["events"]', "[]"))
    with pytest.raises(SystemExit, match="the bare loop delivered 0 of 100 records"):
        bench.main(["--records", "100", "--rounds", "1"])
