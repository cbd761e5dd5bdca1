"""No text from a log, a state or a setting controls a terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base.terminal import printable, show


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – übung\nsecond", "plain – übung\nsecond"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("a\rb\tc\x7f", r"a\rb\tc\x7f"),
        ("\x9b31m\u202egnp.exe\u2066", r"\x9b31m\u202egnp.exe\u2066"),
        ("\u2028\u200b\ufeff", r"\u2028\u200b\ufeff"),
        ("half \ud83d", r"half \ud83d"),
    ],
)
def test_what_a_terminal_would_obey_is_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_what_is_shown_is_printable_and_can_be_encoded(text: str) -> None:
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding="cp1252", newline="\n")
    show(text, output)
    output.flush()
    shown = raw.getvalue().decode("cp1252")
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert shown.count("\n") == text.count("\n") + 1
