"""The add-on's .conf files, read as Splunk reads them."""

from __future__ import annotations

from pathlib import Path

from cloudhsm.siem.conf import of_kind, read_conf


def test_stanzas_comments_and_lines_that_go_on(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("# about\n[one]\na = 1 = 2\n\n[source::/(x|y)]\nb = c\\\nd\n", "utf-8")
    assert read_conf(path) == {"one": {"a": "1 = 2"}, "source::/(x|y)": {"b": "c\nd"}}


def test_classes_of_a_kind_come_in_ascii_order() -> None:
    settings = {"EVAL-b": "2", "EXTRACT-x": "0", "EVAL-a": "1", "EVAL-Z": "3"}
    assert [*of_kind(settings, "EVAL")] == [("Z", "3"), ("a", "1"), ("b", "2")]
