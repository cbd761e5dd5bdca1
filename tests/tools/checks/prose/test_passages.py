"""What people read is found, with its line; code and what is generated is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.checks.prose.passages import passages


def read(path: str, text: str) -> list[tuple[int, str]]:
    """Line and words of each passage."""
    return [(one.line, " ".join(one.text.split())) for one in passages(path, text)]


def test_markdown_is_read_without_its_code() -> None:
    text = (
        "# Title\n\nRead `told` and [a page](docs/told.md).\n```\ntold in code\n```\nAfter it.\n"
        "<!-- sizes: written by `make x` -->\ngenerated words\n<!-- end of sizes -->\nThe end.\n"
    )
    assert read("docs/a.md", text) == [
        (1, "# Title"),
        (3, "Read and [a page."),
        (7, "After it."),
        (11, "The end."),
    ]


@pytest.mark.parametrize("head", ["", "# Title\n\n"])
def test_a_generated_page_is_read_where_it_is_generated_from(head: str) -> None:
    text = f"{head}<!-- Generated from detections/*.yml: make generate -->\n\nWords.\n"
    assert read("docs/detections.md", text) == []


def test_yaml_texts_and_comments_are_read_and_searches_are_not() -> None:
    text = (
        "# why it is so\nname: Key export outside the usual pattern\n"
        "search: |\n  index=x | where told\n"
        "about: >-\n  first line of it\n  second line of it\nid: a0199976\n"
        "Value: !Sub the ${Name} of it\n"
    )
    assert read("detections/a.yml", text) == [
        (1, "why it is so"),
        (2, "Key export outside the usual pattern"),
        (6, "first line of it second line of it"),
        (9, "the ${Name} of it"),
    ]


PYTHON = '''"""What the module does."""
NAME = "told.by/name"


def run(told):
    """Run it all."""  # a remark
    raise ValueError(f"{told}: the file cannot be read")
'''


def test_python_is_read_for_docstrings_comments_and_messages() -> None:
    assert sorted(read("bin/a.py", PYTHON)) == [
        (1, "What the module does."),
        (6, "# a remark"),
        (6, "Run it all."),
        (7, "x: the file cannot be read"),
    ]


def test_of_tests_the_names_are_read_and_the_data_is_not() -> None:
    text = "def test_a_fault_is_told() -> None:\n    x = 'some words of data'  # why\n"
    assert sorted(read("tests/test_a.py", text)) == [(1, "test a fault is told"), (2, "# why")]


def test_of_conf_files_comments_and_descriptions_are_read() -> None:
    text = "# a remark\n[a]\ndescription = what it is\nsearch = told\n# >>> x: y\n# told\n# <<<\n"
    assert read("default/a.conf", text) == [(1, "# a remark"), (3, "description = what it is")]


def test_scripts_and_the_makefile_are_read_for_their_comments() -> None:
    assert read("web/a.jsx", "// why\nconst a = 1;\n") == [(1, "why")]
    assert read("Makefile", "# why\nsetup: ## all of it\n\trun\n") == [(1, "why"), (2, "all of it")]


def test_other_files_have_no_passages() -> None:
    assert read("lookups/a.csv", "told\n") == []


def test_broken_yaml_is_refused() -> None:
    with pytest.raises(ValueError, match="is no YAML"):
        read("mappings/a.yaml", "a: [")


@given(st.text())
def test_no_document_stops_the_reading_and_lines_stay_in_the_file(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line, _words in read("docs/a.md", text))
