from __future__ import annotations

import re

import pytest

from emulator.errors import EmulatorError
from emulator.eval.tokens import tokens

PATTERN = re.compile(r'\s*(?:(?P<word>\w+)|"(?P<quoted>[^"]*)"|(?P<end>\Z))')


def split(text: str) -> list[tuple[str, str]]:
    return tokens(PATTERN, text, {"quoted": str.upper}, lambda rest: EmulatorError(f"at {rest}"))


def test_every_token_has_its_kind_and_its_unescaped_value_and_the_end_comes_last() -> None:
    assert split('a "b c"  d ') == [("word", "a"), ("quoted", "B C"), ("word", "d"), ("end", "")]


def test_an_empty_text_is_an_end() -> None:
    assert split("") == [("end", "")]


def test_what_no_kind_matches_raises_with_the_rest() -> None:
    with pytest.raises(EmulatorError, match=r"at \$% and more of it th$"):
        split("a $% and more of it than is shown")
