"""What a support bundle may show."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cloudhsm.base.arguments import ARGUMENTS
from cloudhsm.splunk.support_bundle import Redactor, inputs_in, is_telling, newest_lines

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "in a URL": lambda secret: quote(secret, safe=""),
    "in a URL, small digits": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="")
    ),
    "in a path": quote,
    "in a form": quote_plus,
    "twice in a URL": lambda secret: quote(quote(secret, safe=""), safe=""),
    "every sign in a URL": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in Python": lambda secret: repr(secret)[1:-1],
}


def test_only_our_stanzas_are_taken() -> None:
    text = "[default]\n[monitor://x]\n[aws_cloudhsm]\n[aws_cloudhsm://a]\n[aws_cloudhsm2://b]"
    assert [name for name, _ in inputs_in(text)] == ["aws_cloudhsm", "aws_cloudhsm://a"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("aws_region", "eu-west-1", "eu-west-1"),
        ("aws_credential", "prod.keys", "prod.keys"),
        ("role_arn", "arn:aws:iam::111122223333:role/r", "arn:aws:iam::111122223333:role/r"),
        ("role_session_name", "splunk", "splunk"),
        ("proxy_url", "http://proxy:3128", "http://proxy:3128"),
        ("endpoint_url", "https://logs.internal/x", "https://logs.internal/x"),
        ("ca_bundle", "/etc/ssl/ca.pem", "/etc/ssl/ca.pem"),
        ("external_id", "", ""),
        ("aws_access_key_id", "short", "***"),
        ("aws_secret_access_key", "short", "***"),
        ("aws_session_token", "short", "***"),
        ("external_id", "short", "***"),
        ("externalId", "short", "***"),
        ("proxy_password", "short", "***"),
        ("proxy_passwd", "short", "***"),
        ("aws_secert_acces_kye", "short", "***"),
        ("AWS_Region", "short", "***"),
        ("log_groups", "a\n b", "a\\n b"),
        ("aws_credential", "user:short", "***"),
        ("proxy_url", "http://user:short@proxy:3128/", "http://***@proxy:3128/"),
        ("proxy_url", "user:sh@r/t@proxy:3128", "***@proxy:3128"),
        ("endpoint_url", "https://h/?x=short", "https://h/?***"),
        ("endpoint_url", "https://h/#short", "https://h/?***"),
    ],
)
def test_a_setting_is_shown_unless_it_is_a_secret_or_unknown(
    name: str, value: str, shown: str
) -> None:
    assert Redactor().setting(name, value) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("AWS_PROFILE", "prod", "prod"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token", "/var/run/token"),
        ("AWS_SECRET_ACCESS_KEY", "short", "***"),
        ("AWS_ACCESS_KEY_ID", "short", "***"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "short", "***"),
        ("SPLUNK_TOK", "short", "***"),
        ("HTTPS_PROXY", "http://a b@proxy", "http://***@proxy"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://h/?x=short", "http://h/?***"),
    ],
)
def test_a_variable_is_shown_unless_it_is_a_secret(name: str, value: str, shown: str) -> None:
    assert Redactor().variable(name, value) == shown


def test_every_setting_that_holds_a_secret_is_told_by_its_name() -> None:
    hidden = {name for name in ARGUMENTS if Redactor().setting(name, "x") == "***"}
    assert hidden == {"aws_access_key_id", "aws_secret_access_key", "external_id"}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("secret", [SECRET, "a b&c<d>'\"\\é%41", "hunter2"])
@pytest.mark.parametrize(
    ("name", "value"), [("aws_secret_access_key", "{}"), ("HTTPS_PROXY", "user:{}@proxy:3128")]
)
def test_a_secret_is_hidden_wherever_it_turns_up(
    name: str, value: str, secret: str, spelled: Callable[[str], str]
) -> None:
    redactor = Redactor()
    redactor.learn(name, value.format(secret))
    said = redactor.text(f"before {spelled(secret)} after")
    assert said == "before *** after"


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=8),
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from([*SPELLINGS.values()]),
)
@example("0000000\x7f", "", "", SPELLINGS["every sign in a URL"])
def test_no_surrounding_protects_a_secret(
    secret: str, before: str, after: str, spelled: Callable[[str], str]
) -> None:
    assume("*" not in secret and secret.strip() == secret and len(secret.splitlines()) == 1)
    assume(spelled not in (str.upper, str.lower) or secret.isascii())
    redactor = Redactor()
    redactor.learn("password", secret)
    assert spelled(secret) not in redactor.text(before + spelled(secret) + after)


@pytest.mark.parametrize("password", ["open sesame", "open%20sesame"])
def test_a_password_of_a_url_is_hidden_in_the_header_too(password: str) -> None:
    redactor = Redactor()
    redactor.learn("proxy_url", f"http://user:{password}@proxy:3128")
    header = b64encode(b"user:open sesame").decode()
    assert header not in redactor.text(f"sent {header}")
    assert redactor.text("it is open sesame") == "it is ***"


def test_a_short_secret_takes_no_longer_word_apart() -> None:
    redactor = Redactor()
    redactor.learn("password", "prod")
    said = redactor.text("product prod x://prod %3Dprod products a_prod")
    assert said == "product *** x://*** %3D*** products a_***"


@pytest.mark.parametrize("mask", ["********", "", "abc"])
def test_what_is_no_secret_hides_nothing(mask: str) -> None:
    redactor = Redactor()
    redactor.learn("aws_secret_access_key", mask)
    assert redactor.text("abc ******** x") == "abc ******** x"


@pytest.mark.parametrize("kind", ["AKIA", "ASIA", "asia", "ABIA", "ACCA"])
@pytest.mark.parametrize("before", ["", "id=", "%3D", "x"])
def test_access_key_ids_are_hidden_and_their_kind_stays(kind: str, before: str) -> None:
    redactor = Redactor()
    said = redactor.text(f"{before}{kind}IOSFODNN7EXAMPLE.")
    assert said.endswith(f"{kind}***.")
    assert redactor.removed["access key ids"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "level=INFO input=aws_cloudhsm://prod@eu what=run_ended records=20",
        "User: arn:aws:sts::111122223333:assumed-role/r/i may not 100% perform: logs:X",
        "/aws/cloudhsm/cluster-likphkxygsn nextToken=f/34567/s %2F",
        "modinputs/aws_cloudhsm/aws_111122223333_us-east-1-0123456789ab.state",
    ],
)
def test_what_helps_stays(text: str) -> None:
    redactor = Redactor()
    redactor.learn("aws_region", "us-east-1")
    redactor.learn("AWS_WEB_IDENTITY_TOKEN_FILE", "/aws/cloudhsm/")
    assert redactor.text(text) == text
    assert not +redactor.removed


def test_account_ids_become_the_same_names_everywhere() -> None:
    redactor = Redactor(anonymous=True)
    assert redactor.text("arn:aws:iam::111122223333:role/r") == "arn:aws:iam::account-1:role/r"
    assert redactor.text("444455556666 aws_111122223333_x") == "account-2 aws_account-1_x"
    assert redactor.text("1790000000000 12345678901") == "1790000000000 12345678901"


def test_an_account_id_cannot_be_found_by_a_digest_that_was_made_from_it() -> None:
    redactor = Redactor(anonymous=True)
    said = redactor.text("x-0123456789ab.state x-0123456789ab.lock x-ba9876543210.state")
    assert said == "x-digest-1.state x-digest-1.lock x-digest-2.state"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("AWS_PROFILE", True), ("https_proxy", True), ("HOME", False), ("MYSQL_PASSWORD", False)],
)
def test_only_what_explains_the_collector_is_taken_from_the_environment(
    name: str, expected: bool
) -> None:
    assert is_telling(name) is expected


def test_a_line_that_was_cut_is_left_out() -> None:
    assert newest_lines(b"cut\nwhole\xff\n", is_whole=False) == "whole\ufffd\n"
    assert newest_lines(b"first\nwhole\n", is_whole=True) == "first\nwhole\n"
