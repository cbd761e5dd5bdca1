from __future__ import annotations

from pathlib import Path

import pytest

from samples import vocabulary
from samples.codes import Coded
from tools.content.mappings import (
    COMMAND_TYPES,
    OPCODES,
    RESPONSES,
    USER_TYPES,
    Row,
    Table,
    read_table,
)

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
CERTIFICATE = {*vocabulary.CERTIFICATE_OPERATIONS, *vocabulary.CERTIFICATE_RESPONSES.values()}


def named(table: Table) -> dict[str, Row]:
    """The rows of a mapping file that name something a record prints."""
    rows = read_table(MAPPINGS, table)
    return {row.text(table.key): row for row in rows if row.text(table.key) not in {"*", "(none)"}}


def number(row: Row) -> int | None:
    return int(row.text("code"), 0) if row.text("code") else None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (OPCODES, vocabulary.OPCODES),
        (USER_TYPES, vocabulary.USER_TYPES),
        (COMMAND_TYPES, vocabulary.COMMAND_TYPES),
    ],
)
def test_every_name_of_the_mappings_can_be_written_with_its_public_number(
    table: Table, words: dict[str, Coded]
) -> None:
    rows = {name: row for name, row in named(table).items() if name not in CERTIFICATE}
    assert set(words) - {"CN_SAMPLE_UNLISTED_COMMAND"} == set(rows)
    for name, row in rows.items():
        public = number(row)
        assert words[name].public is (public is not None)
        assert public in {None, words[name].code}


def test_every_response_of_the_mappings_can_be_written_with_its_public_number() -> None:
    rows = {text: row for text, row in named(RESPONSES).items() if text not in CERTIFICATE}
    assert len(rows) == len(vocabulary.RESPONSES)
    for text, row in rows.items():
        answer = vocabulary.response(text)
        assert answer.text.endswith(f": {text}")
        assert number(row) in {None, answer.code}
        assert answer.public is (number(row) is not None)


@pytest.mark.parametrize("words", [vocabulary.OPCODES, vocabulary.USER_TYPES])
def test_no_two_names_share_a_number(words: dict[str, Coded]) -> None:
    assert len({one.code for one in words.values()}) == len(words)


def test_no_two_answers_share_a_number() -> None:
    answers = vocabulary.RESPONSES.values()
    assert len({one.code for one in answers}) == len(answers)


def test_the_operations_of_the_certificate_store_are_those_of_the_mappings() -> None:
    assert set(vocabulary.CERTIFICATE_OPERATIONS) == {
        name for name in named(OPCODES) if not name.startswith("CN_") and "_" not in name
    }


def test_a_word_that_is_not_known_is_told_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(ValueError, match=r"^response: 'login_failed' is not known; is it login"):
        vocabulary.response("login_failed")


def test_without_a_near_one_all_words_are_told() -> None:
    with pytest.raises(ValueError, match=r"'\?' is not known; one of SHARE, UNSHARE$"):
        vocabulary.look_up("operation", "?", vocabulary.OPERATIONS)
