"""As whom and by which way AWS is asked: what is accepted, what is refused, what is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhsm.base import aws_identity
from cloudhsm.base.aws_identity import MASK, AwsIdentity, Role, Secret
from cloudhsm.base.errors import SettingError

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ROLE = "arn:aws:iam::111122223333:role/cloudhsm-audit-reader"


def test_nothing_asked_is_botocores_default_chain() -> None:
    assert aws_identity.parse({}) == AwsIdentity()


def test_typed_keys_and_a_proxys_user_are_taken_apart() -> None:
    asked = aws_identity.parse(
        {
            "aws_access_key_id": KEY_ID,
            "aws_secret_access_key": SECRET,
            "proxy_url": "http://sp%40in:p%3Ass@proxy.example:3128/",
        }
    )
    assert asked.keys == Secret(KEY_ID, SECRET)
    assert (asked.proxy_url, asked.proxy_user) == (
        "http://proxy.example:3128",
        Secret("sp@in", "p:ss"),
    )
    assert asked.secrets == [SECRET, "p:ss"]


def test_a_masked_secret_counts_as_moved() -> None:
    asked = {"aws_credential": "prod", "aws_access_key_id": KEY_ID, "aws_secret_access_key": MASK}
    assert aws_identity.parse(asked) == AwsIdentity(credential="prod", key_id=KEY_ID)


def test_a_role_has_awss_defaults() -> None:
    asked = aws_identity.parse({"role_arn": ROLE, "external_id": "tenant-7"})
    assert asked.role == Role(ROLE, "tenant-7", "TA-aws-cloudhsm", 3600)
    assert asked.secrets == ["tenant-7"]
    assert Role("arn:aws-us-gov:iam::111122223333:role/r").partition == "aws-us-gov"


def test_linked_accounts_are_told_apart_by_commas_or_blanks() -> None:
    accounts = "111122223333, 444455556666 111122223333"
    assert aws_identity.parse({"linked_accounts": accounts}).linked_accounts == (
        "111122223333",
        "444455556666",
    )


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        ({"aws_access_key_id": KEY_ID}, "aws_secret_access_key"),
        ({"aws_secret_access_key": SECRET}, "aws_access_key_id"),
        ({"aws_access_key_id": "akia", "aws_secret_access_key": SECRET}, "aws_access_key_id"),
        ({"aws_access_key_id": KEY_ID, "aws_secret_access_key": "x"}, "aws_secret_access_key"),
        ({"aws_access_key_id": KEY_ID, "aws_secret_access_key": MASK}, "aws_secret_access_key"),
        ({"aws_profile": "p", "aws_credential": "c"}, "aws_profile"),
        ({"aws_credential": "a/b"}, "aws_credential"),
        ({"proxy_credential": "a:b"}, "proxy_credential"),
        ({"role_arn": "cloudhsm-audit-reader"}, "role_arn"),
        ({"role_arn": "arn:aws:iam::111122223333:user/u"}, "role_arn"),
        ({"external_id": "tenant-7"}, "external_id"),
        ({"role_arn": ROLE, "external_id": "a b"}, "external_id"),
        ({"role_arn": ROLE, "role_session_name": "x"}, "role_session_name"),
        ({"role_arn": ROLE, "role_duration": "899"}, "role_duration"),
        ({"role_arn": ROLE, "role_duration": "43201"}, "role_duration"),
        ({"role_arn": ROLE, "role_duration": "1h"}, "role_duration"),
        ({"role_duration": "3600"}, "role_duration"),
        ({"sts_endpoint_url": "http://sts.example"}, "sts_endpoint_url"),
        ({"sts_endpoint_url": "sts.example"}, "sts_endpoint_url"),
        ({"proxy_url": "socks5://proxy:1080"}, "proxy_url"),
        ({"proxy_url": "http://proxy:3128/path"}, "proxy_url"),
        ({"proxy_url": "http://:secretpass@proxy:3128"}, "proxy_url"),
        ({"proxy_url": "http://us%3Aer:secretpass@proxy:3128"}, "proxy_url"),
        ({"proxy_url": "http://user:secretpass@pro xy:3128"}, "proxy_url"),
        ({"linked_accounts": "12345"}, "linked_accounts"),
        ({"linked_accounts": ",".join(f"{n:012}" for n in range(21))}, "linked_accounts"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_setting(
    values: dict[str, str], setting: str
) -> None:
    with pytest.raises(SettingError) as caught:
        aws_identity.parse(values)
    assert caught.value.place.setting == setting
    assert caught.value.next_step
    assert "secretpass" not in str(caught.value)
    assert SECRET not in str(caught.value)


@given(st.text(), st.text(), st.text())
def test_no_text_that_was_typed_as_a_secret_is_ever_printed(
    key_id: str, secret: str, external_id: str
) -> None:
    planted = {
        "aws_access_key_id": key_id,
        "aws_secret_access_key": f"S3CRET{secret}",
        "role_arn": ROLE,
        "external_id": f"S3CRET{external_id}",
        "proxy_url": f"http://user:S3CRET{secret}@proxy:3128",
    }
    try:
        said = repr(aws_identity.parse(planted))
    except SettingError as error:
        said = str(error) + error.line()
    assert "S3CRET" not in said
