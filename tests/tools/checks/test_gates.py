"""Every gate is run and counted, whatever the others say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.build import package
from tools.checks import gates
from tools.checks.package_checks import Package

BUILT = Package(Path("root"), Path("staged"), Path("x.tar.gz"))


def passes(_: Package) -> Iterator[str]:
    return iter(())


def fails(built: Package) -> Iterator[str]:
    yield f"{built.archive}: one fault"
    yield "another fault"


def test_each_gate_gets_a_line_and_its_faults_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert gates.run({"first": fails, "second": passes, "third": fails}, BUILT) == 2
    assert capsys.readouterr().out.splitlines() == [
        "FAIL first (0.0 s)",
        "     x.tar.gz: one fault",
        "     another fault",
        "ok   second (0.0 s)",
        "FAIL third (0.0 s)",
        "     x.tar.gz: one fault",
        "     another fault",
        "gates: 1 passed, 2 failed",
    ]


@pytest.mark.parametrize(("gate", "status"), [(passes, 0), (fails, 1)])
def test_the_exit_status_is_that_of_the_gates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gate: gates.Gate, status: int
) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.touch()
    monkeypatch.setattr(package, "build", lambda: archive)
    monkeypatch.setattr(gates, "GATES", {"only": gate})
    assert gates.main() == status


def test_a_package_that_cannot_be_built_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build() -> Path:
        raise package.PackagingProblem("LICENSE: is missing")

    monkeypatch.setattr(package, "build", build)
    assert gates.main() == 1
    assert capsys.readouterr().err == "error: LICENSE: is missing\n"
