"""Splunk's .conf files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.conf_file import stanzas


def test_a_conf_file_is_read_as_splunk_reads_it() -> None:
    text = "\ufeffhost = a\r\n# [no]\n[one]\nk = v = w\nlong = a \\\n  b\nstray\n[]\n\n [two] \nk="
    assert [*stanzas(text)] == [
        ("default", [("host", "a")]),
        ("one", [("k", "v = w"), ("long", "a \n  b"), ("", "stray")]),
        ("", []),
        ("two", [("k", "")]),
    ]


@given(st.text(st.sampled_from("[]=\\#\n k\ufeff\x0b")))
def test_no_conf_file_is_too_broken(text: str) -> None:
    (name, _), *_ = stanzas(text)
    assert name == "default"
