"""docs/troubleshooting.md has what is reported of each failure, and a change of it is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.bin.conftest  # noqa: F401  (finds the vendored libraries)
from tests.bin.failure_cases import CASES, Report
from tools import troubleshooting

SHIPPED = (troubleshooting.ROOT / troubleshooting.PAGE).read_text("utf-8")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source folder with the page, where every failure is reported alike and at once."""
    report = Report("CredentialsError", "no `keys` | at all", "Store them")
    monkeypatch.setattr("tests.bin.failure_cases.reported", lambda _: report)
    (tmp_path / "docs").mkdir()
    (tmp_path / troubleshooting.PAGE).write_text(SHIPPED, encoding="utf-8")
    return tmp_path


def test_the_shipped_page_has_a_row_for_each_failure() -> None:
    _, _, table = SHIPPED.partition("<!-- failures")
    for case in CASES:
        assert f"\n| {case.provider} | {case.failure} | `" in table


def test_another_message_makes_the_page_differ_until_it_is_written(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--root", str(source)]
    assert troubleshooting.main(["--check", *arguments]) == 1
    assert (
        "differs from what it is generated from; run: python -m tools.troubleshooting"
        in capsys.readouterr().err
    )
    assert troubleshooting.main(arguments) == 0
    assert troubleshooting.main(["--check", *arguments]) == 0
    page = (source / troubleshooting.PAGE).read_text("utf-8")
    assert "| `no 'keys' \\| at all` | Store them |" in page


def test_a_page_without_its_block_is_named(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / troubleshooting.PAGE).write_text("# Troubleshooting\n")
    assert troubleshooting.main(["--root", str(source)]) == 1
    assert "troubleshooting.md: needs the lines" in capsys.readouterr().err
