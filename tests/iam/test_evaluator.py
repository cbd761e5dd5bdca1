"""The evaluator of policies decides as AWS documents it, and refuses what it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.evaluator import Call, NotModelled, deciding, is_allowed

GROUP = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/cloudhsm/cluster-a"
READ = Call("logs:FilterLogEvents", (GROUP,))


def allow(**elements: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Effect": "Allow", "Action": "logs:FilterLogEvents", "Resource": "*", **elements}


def test_nothing_is_allowed_that_no_statement_allows() -> None:
    assert not is_allowed([], READ)
    assert not is_allowed([allow(Action="logs:GetLogEvents")], READ)


def test_an_explicit_deny_overrides_every_allow() -> None:
    assert is_allowed([allow()], READ)
    assert not is_allowed([allow(), allow(Effect="Deny", Resource=GROUP)], READ)


@pytest.mark.parametrize(
    ("resource", "matches"),
    [
        (GROUP, True),
        (f"{GROUP}:*", False),
        ("arn:aws:logs:*:111122223333:log-group:/aws/cloudhsm/*", True),
        ("arn:aws:logs:us-east-?:111122223333:log-group:*", True),
        ("arn:aws:logs:*:111122223333:log-group:/aws/lambda/*", False),
        (GROUP.upper(), False),
        (["arn:aws:s3:::x", GROUP], True),
    ],
)
def test_resources_match_with_stars_and_their_case(resource: str, matches: bool) -> None:
    assert is_allowed([allow(Resource=resource)], READ) is matches


@pytest.mark.parametrize("action", ["logs:*", "LOGS:filterlogevents", "logs:Filter*", "*"])
def test_actions_match_with_stars_and_without_their_case(action: str) -> None:
    assert is_allowed([allow(Action=action)], READ)


def test_every_resource_of_a_call_must_be_allowed() -> None:
    both = Call("logs:FilterLogEvents", (GROUP, f"{GROUP}:*"))
    assert not is_allowed([allow(Resource=GROUP)], both)
    assert is_allowed([allow(Resource=[GROUP, f"{GROUP}:*"])], both)
    assert is_allowed([allow(Resource=f"{GROUP}*")], both)


def test_a_condition_must_hold() -> None:
    asked = allow(Condition={"StringEquals": {"sts:ExternalId": ["a", "b"]}})
    assert is_allowed([asked], READ._replace(context={"sts:ExternalId": "b"}))
    assert not is_allowed([asked], READ._replace(context={"sts:ExternalId": "c"}))
    assert not is_allowed([asked], READ)


@pytest.mark.parametrize(
    ("value", "is_met"), [("logs.us-east-1.amazonaws.com", True), ("s3.x", False), (None, False)]
)
def test_string_like_compares_with_stars(value: str | None, is_met: bool) -> None:
    may = allow(Condition={"StringLike": {"kms:ViaService": "logs.*.amazonaws.com"}})
    call = READ._replace(context={} if value is None else {"kms:ViaService": value})
    assert is_allowed([may], call) == is_met


def test_the_statements_that_decide_are_told() -> None:
    other = allow(Action="kms:Decrypt")
    assert deciding([allow(), other], READ) == [allow()]


@pytest.mark.parametrize(
    "elements",
    [
        {"NotAction": "x"},
        {"NotResource": "x"},
        {"Effect": "Maybe"},
        {"Condition": {"NumericEquals": {"a": "b"}}},
        {"Resource": "arn:aws:s3:::${aws:username}"},
    ],
)
def test_what_is_not_modelled_is_refused(elements: dict[str, Any]) -> None:
    with pytest.raises(NotModelled):
        is_allowed([allow(**elements)], READ)
