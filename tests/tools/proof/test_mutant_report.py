from __future__ import annotations

from pathlib import Path

import pytest

from tools.proof import mutant_report
from tools.proof.mutant_report import Kill, NoProof, kill_all
from tools.proof.mutants import OURS, Mutant

TEST = "tests/test_answer.py"


def mutant(new: str, name: str = "m") -> Mutant:
    return Mutant(name, OURS, "answers wrongly", "bin/answer.py", "return 42", new, (TEST,))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of one module and one test of it."""
    for folder in ("bin", "tests", "tools/proof", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("__init__.py", "unshrunk.py"):
        source = mutant_report.ROOT / "tools" / "proof" / name
        (tmp_path / "tools" / "proof" / name).write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = [".", "bin"]')
    (tmp_path / "docs" / "number").write_text("42")
    (tmp_path / "bin" / "answer.py").write_text("def answer():\n    return 42\n")
    (tmp_path / TEST).write_text(
        "from pathlib import Path\n"
        "import pytest\n"
        "from answer import answer\n\n"
        "@pytest.mark.parametrize('of', ['a question', 'b'])\n"
        "def test_the_answer_is_right(of):\n"
        "    assert str(answer()) == Path('docs/number').read_text()\n"
    )
    monkeypatch.setattr(mutant_report, "ROOT", tmp_path)
    return tmp_path


def test_a_mutant_is_killed_by_the_test_that_fails_in_a_copy_and_others_survive(tree: Path) -> None:
    before = (tree / "bin" / "answer.py").read_text()
    wrong, right = mutant("return 41"), mutant("return 6 * 7")
    assert [*kill_all([wrong, right])] == [
        Kill(wrong, f"{TEST}::test_the_answer_is_right"),
        Kill(right, None),
    ]
    assert (tree / "bin" / "answer.py").read_text() == before


@pytest.mark.parametrize("new", ["return (", "return 42\nimport nothing_of_this_name"])
def test_a_mutant_that_is_no_program_is_not_killed_but_no_proof(tree: Path, new: str) -> None:
    with pytest.raises(NoProof, match="did not run"):
        [*kill_all([mutant(new)])]


def test_tests_that_fail_without_a_mutant_prove_nothing(tree: Path) -> None:
    (tree / "docs" / "number").write_text("43")
    with pytest.raises(NoProof, match=r"test_the_answer_is_right .* fails without any mutant"):
        [*kill_all([mutant("return 41")])]


def test_a_table_names_the_test_and_shouts_where_there_is_none() -> None:
    kills = [Kill(mutant("", "a"), "x.py::test_y"), Kill(mutant("", "b"), None)]
    assert mutant_report.kill_table(kills)[2:] == [
        "| `a` | - | answers wrongly | `test_y` |",
        "| `b` | - | answers wrongly | `SURVIVES` |",
    ]
