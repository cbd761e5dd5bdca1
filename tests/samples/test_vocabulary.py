from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pytest

from samples import vocabulary
from samples.codes import Coded
from tools.content.sources import read_mappings

MAPPINGS = read_mappings(Path(__file__).resolve().parents[2] / "mappings")
CERTIFICATE = {*vocabulary.CERTIFICATE_OPERATIONS, *vocabulary.CERTIFICATE_RESPONSES.values()}


class HasName(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def code(self) -> str | None: ...


def named(entries: Iterable[HasName]) -> dict[str, int | None]:
    """The public number of each name that a record prints."""
    return {
        entry.name: number(entry.code) for entry in entries if entry.name not in {"*", "(none)"}
    }


def number(code: str | None) -> int | None:
    return int(code, 0) if code else None


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (MAPPINGS.operations, vocabulary.OPCODES),
        (MAPPINGS.user_types, vocabulary.USER_TYPES),
        (MAPPINGS.command_types, vocabulary.COMMAND_TYPES),
    ],
)
def test_every_name_of_the_mappings_can_be_written_with_its_public_number(
    entries: Iterable[HasName], words: dict[str, Coded]
) -> None:
    numbers = {name: code for name, code in named(entries).items() if name not in CERTIFICATE}
    assert set(words) - {"CN_SAMPLE_UNLISTED_COMMAND", "CN_WRAP_KEY3"} == set(numbers)
    for name, public in numbers.items():
        assert words[name].public is (public is not None)
        assert public in {None, words[name].code}


def test_every_response_of_the_mappings_can_be_written_with_its_public_number() -> None:
    rows = [row for row in MAPPINGS.responses if row.text not in {*CERTIFICATE, "*"}]
    assert len(rows) == len(vocabulary.RESPONSES)
    for row in rows:
        answer = vocabulary.response(row.text)
        assert answer.text.endswith(f": {row.text}")
        assert number(row.code) in {None, answer.code}
        assert answer.public is (row.code is not None)


@pytest.mark.parametrize("words", [vocabulary.OPCODES, vocabulary.USER_TYPES])
def test_no_two_names_share_a_number(words: dict[str, Coded]) -> None:
    assert len({coded.code for coded in words.values()}) == len(words)


def test_no_two_answers_share_a_number() -> None:
    answers = vocabulary.RESPONSES.values()
    assert len({answer.code for answer in answers}) == len(answers)


def test_the_operations_of_the_certificate_store_are_those_of_the_mappings() -> None:
    assert set(vocabulary.CERTIFICATE_OPERATIONS) == {
        name
        for name in named(MAPPINGS.operations)
        if not name.startswith("CN_") and "_" not in name
    }


def test_an_unknown_word_is_reported_with_the_closest_known_word() -> None:
    with pytest.raises(ValueError, match=r"^response: 'login_failed' is not known; is it login"):
        vocabulary.response("login_failed")


def test_without_a_close_word_all_words_are_reported() -> None:
    with pytest.raises(ValueError, match=r"'\?' is not known; one of SHARE, UNSHARE$"):
        vocabulary.look_up("operation", "?", vocabulary.OPERATIONS)
