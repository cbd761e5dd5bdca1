from __future__ import annotations

from urllib.parse import quote

import pytest

from cloudhsm.base import redaction
from cloudhsm.base.errors import pair
from cloudhsm.base.redaction import conceal, redacted


@pytest.fixture(autouse=True)
def nothing_concealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_concealed", set())


@pytest.mark.parametrize(
    "text",
    [
        "User: arn:aws:sts::111122223333:assumed-role/r/i is not authorized to perform: logs:X",
        "ExpiredTokenException: The security token included in the request is expired",
        "InvalidClientTokenId: The security token included in the request is invalid.",
        "AWS_ACCESS_KEY_ID AKIAIOSFODNN7EXAMPLE in the wrong Region",
        "/opt/splunk/var/lib/splunk/modinputs/aws_cloudhsm/a-0123456789ab.state",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "aws_cloudhsm://prod@eu https://logs.us-east-1.amazonaws.com/ cannot be reached",
        "eventId 36523481730942817263847162534516273645172635447162534417",
        "nextToken=f/34567/s",
    ],
)
def test_what_administrators_need_to_know_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_value_that_was_named_secret_is_hidden_wherever_it_turns_up() -> None:
    conceal("corréct horse/1", None, "", "abc")
    assert redacted("a corréct horse/1 b") == "a *** b"
    assert redacted(pair("what", "a corréct horse/1 b")) == 'what="a *** b"'
    assert redacted(quote("corréct horse/1", safe="")) == "***"
    assert redacted("abc") == "abc"


def test_a_secret_that_contains_another_is_hidden_whole() -> None:
    conceal("horse", "horse1", "horse12", "horse123", "horse1234")
    assert redacted("horse1234") == "***"


@pytest.mark.parametrize("known", ["pass", "secret", "token", "word", "Splunk"])
def test_a_known_secret_that_is_part_of_a_name_hides_no_name(
    monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    monkeypatch.setattr(redaction, "_concealed", set())
    redaction.conceal(known)
    text = f"--seed-passwd Xq7 password=Xq7 secret_key: Xq7 token=Xq7 and {known}"
    shown = redaction.redacted(text)
    assert "Xq7" not in shown
    assert known not in shown
