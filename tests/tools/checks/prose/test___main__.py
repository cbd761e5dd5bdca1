"""New hits fail with file, line and the better word; the baseline may only shrink."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.checks.prose.__main__ import BASELINE, FOLDER, ROOT, main

WORDS = """\
words:
  - words: tell|told
    write: report
  - words: behind
    write: after
    except: behind (a |the )?proxy
"""
ALLOWED = "allowed:\n  - files: docs/*\n    text: told us so\n    why: a quote that told us so\n"
QUOTE = "They told us so.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with one page, which has one hit, and its baseline."""
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / FOLDER / "words.yaml").write_text(WORDS)
    (tmp_path / FOLDER / "allowed.yaml").write_text(ALLOWED)
    (tmp_path / "docs/page.md").write_text("A fault is told.\nThey told us so.\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert main(["--write", "--root", str(tmp_path)]) == 0
    return tmp_path


def check(checkout: Path, *options: str) -> int:
    return main([*options, "--root", str(checkout)])


def test_known_hits_pass_and_a_new_one_fails_with_its_line_and_the_better_word(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(checkout) == 0
    (checkout / "docs/new.md").write_text("Fine.\nIt stays\nbehind the file.\n")
    assert check(checkout) == 1
    assert 'docs/new.md:3: "behind": write after\n' in capsys.readouterr().err


def test_one_more_of_a_known_word_shows_all_of_that_file(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "docs/page.md").write_text("A fault is told.\n\nTell it again.\n" + QUOTE)
    assert check(checkout) == 1
    said = capsys.readouterr().err
    assert 'docs/page.md:3: "tell": write report' in said
    assert '"told"' not in said


def test_exceptions_and_allowed_uses_are_no_hits(checkout: Path) -> None:
    (checkout / "docs/new.md").write_text(
        "A host behind a proxy, or behind a\nproxy.\nThey told us so.\n"
    )
    assert check(checkout) == 0


def test_a_word_that_was_replaced_must_leave_the_baseline(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "docs/page.md").write_text("A fault is reported.\n" + QUOTE)
    assert check(checkout) == 1
    assert "1 fewer: run make prose" in capsys.readouterr().err
    assert check(checkout, "--write") == 0
    assert check(checkout) == 0
    (checkout / "docs/page.md").write_text("A fault is told.\n" + QUOTE)
    assert check(checkout) == 1


def test_the_baseline_is_not_written_with_more_hits_of_a_word(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (checkout / BASELINE).read_text()
    (checkout / "docs/new.md").write_text("This is told, too.\n")
    assert check(checkout, "--write") == 1
    assert "more hits of told; reword them first" in capsys.readouterr().err
    assert (checkout / BASELINE).read_text() == before


def test_a_file_that_moves_takes_its_hits_along(checkout: Path) -> None:
    (checkout / "docs/page.md").rename(checkout / "docs/moved.md")
    assert check(checkout, "--write") == 0
    assert check(checkout) == 0


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "words.yaml",
            "words:\n  - words: (\n    write: x\n",
            "words.yaml:2: words.0.words: is no",
        ),
        ("words.yaml", "words:\n  - word: x\n", "words.yaml:2: words.0.word"),
        ("allowed.yaml", "allowed:\n  - files: x\n", "allowed.yaml:2: allowed.0.why"),
    ],
)
def test_a_fault_of_the_lists_has_its_line(
    checkout: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, message: str
) -> None:
    (checkout / FOLDER / file).write_text(text)
    assert check(checkout) == 1
    assert message in capsys.readouterr().err


def test_broken_yaml_and_a_folder_without_git_are_one_line_each(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "mappings.yaml").write_text("a: [")
    assert check(checkout) == 1
    assert capsys.readouterr().err.startswith("prose: mappings.yaml: is no YAML: ")
    shutil.rmtree(checkout / ".git")
    assert check(checkout) == 1
    assert "run it in a git checkout" in capsys.readouterr().err


def test_the_texts_of_this_checkout_have_no_new_hit() -> None:
    if (ROOT / ".git").exists():  # a copy in which mutants run has none
        assert main([]) == 0


def test_an_empty_baseline_stays_empty(checkout: Path) -> None:
    (checkout / "docs/page.md").write_text("Fine.\n" + QUOTE)
    assert check(checkout, "--write") == 0
    assert (checkout / BASELINE).read_text().split() == ["{", "}"]
    (checkout / "docs/page.md").write_text("A fault is told.\n" + QUOTE)
    assert check(checkout, "--write") == 1


def test_a_reworded_text_does_not_pay_for_a_new_one(checkout: Path) -> None:
    (checkout / "docs/page.md").write_text("A fault is reported.\n" + QUOTE)
    (checkout / "docs/new.md").write_text("A fault is told.\n")
    assert check(checkout, "--write") == 1


def test_uses_of_a_word_that_is_new_in_the_list_are_accepted_on_demand(checkout: Path) -> None:
    words = (checkout / FOLDER / "words.yaml").read_text()
    (checkout / FOLDER / "words.yaml").write_text(words + "  - words: fault\n    write: error\n")
    assert check(checkout, "--write") == 1
    assert check(checkout, "--new-words") == 0
    assert check(checkout) == 0


def test_an_allowed_use_that_does_not_occur_is_reported(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "docs/page.md").write_text("A fault is told.\n")
    assert check(checkout) == 1
    assert "allowed.yaml: no such use in docs/*: remove the entry" in capsys.readouterr().err


def test_every_file_that_cannot_be_read_is_named_and_the_others_are_checked(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "half.py").write_text("x = (\n")
    (checkout / "old.py").write_text("print 'x'\n")
    (checkout / "bytes.md").write_bytes(b"caf\xe9")
    (checkout / "loop.yaml").write_text("a: &x\n  b: *x\n")
    (checkout / "keys.yaml").write_text("{{ x }}\n")
    (checkout / "link.md").symlink_to("/etc/hostname")
    assert check(checkout) == 1
    said = capsys.readouterr().err
    assert [line.split(":")[1] for line in said.splitlines()] == [
        " bytes.md",
        " half.py",
        " old.py",
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"told": "x"}}', "<<<<<<<"])
def test_a_damaged_baseline_is_named(
    checkout: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (checkout / BASELINE).write_text(text)
    assert check(checkout) == 1
    assert "baseline.json: is no baseline (" in capsys.readouterr().err
