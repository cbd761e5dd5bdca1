from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.proof import __main__ as proof
from tools.proof.mutant_report import Kill
from tools.proof.mutants import MUTANTS


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "guarantee.md"
    path.write_text(proof.GUARANTEE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(proof, "GUARANTEE", path)
    return path


def killed_by(monkeypatch: pytest.MonkeyPatch, killer: str | None) -> None:
    def kills(_: object) -> Iterator[Kill]:
        return (Kill(mutant, killer) for mutant in MUTANTS)

    monkeypatch.setattr(proof, "kill_all", kills)


def test_a_whole_kill_table_is_written_where_the_document_shows_it(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_by(monkeypatch, "x.py::test_y")
    assert proof.main(["mutants", "--write"]) == 0
    assert document.read_text(encoding="utf-8").count("| `test_y` |") == len(MUTANTS)


def test_a_survivor_fails_by_name_and_is_not_written(
    document: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = document.read_text(encoding="utf-8")
    killed_by(monkeypatch, None)
    assert proof.main(["mutants", "--write"]) == 1
    assert f"no test notices {MUTANTS[0].name}, " in capsys.readouterr().err
    assert document.read_text(encoding="utf-8") == before


def test_what_fails_is_told_and_the_other_parts_still_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks() -> None:
        raise proof.Broken("a record was lost")

    monkeypatch.setattr(proof, "PARTS", {"stories": breaks, "soak": lambda: None})
    assert proof.main([]) == 1
    said = capsys.readouterr()
    assert "stories: a record was lost" in said.err
    assert "soak: holds" in said.out


def test_a_part_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        proof.main(["mutant"])
    assert "'mutant'; there are mutants, stories, faults, soak" in capsys.readouterr().err
