from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.proof.mutant_report import ROOT
from tools.proof.mutants import MUTANTS, OURS, AnchorMissing, Mutant

GUARANTEE = (ROOT / "docs" / "guarantee.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_still_applies_and_is_a_program(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.applied(source) != source
    compile(mutant.applied(source), mutant.file, "exec")


def test_no_two_mutants_have_one_name_or_make_one_change() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)


# The shipped model of CloudWatch Logs has no call that deletes: no change of ours could.
IMPOSSIBLE = {"L23"}


def test_every_fault_of_the_catalogue_has_a_mutant_and_no_mutant_has_another() -> None:
    catalogue = set(re.findall(r"^\| (L\d+) \|", GUARANTEE, re.MULTILINE))
    assert {mutant.number for mutant in MUTANTS} == {*catalogue, OURS} - IMPOSSIBLE


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_tests_of_a_mutant_exist(mutant: Mutant) -> None:
    assert mutant.tests
    for file, _, name in (test.partition("::") for test in mutant.tests):
        assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8")


def test_the_guarantee_shows_exactly_these_mutants_and_tests_that_exist() -> None:
    rows = [
        [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        for line in re.split("<!-- (?:end of )?kill table", GUARANTEE)[1].splitlines()
        if line.startswith("| `")
    ]
    # To be fixed by `python -m tools.proof --write mutants`.
    assert [row[:3] for row in rows] == [list(mutant[:3]) for mutant in MUTANTS]
    for row, mutant in zip(rows, MUTANTS, strict=True):
        files = [ROOT / test.split("::")[0] for test in mutant.tests]
        assert any(f"def {row[3]}(" in file.read_text(encoding="utf-8") for file in files), row


@pytest.mark.parametrize("source", ["nothing", "same text\nsame text\n"])
def test_a_mutant_whose_text_is_not_there_exactly_once_is_named(
    tmp_path: Path, source: str
) -> None:
    mutant = Mutant("lost-anchor", OURS, "does harm", "a.py", "same text\n", "", ())
    (tmp_path / "a.py").write_text(source)
    with pytest.raises(AnchorMissing, match=r"lost-anchor.* in a\.py.*tools/proof/mutants\.py"):
        mutant.apply(tmp_path)
    assert (tmp_path / "a.py").read_text() == source
