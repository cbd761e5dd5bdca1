"""Every rule fires and stays silent on its detection's samples as Splunk's search does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.content.sigma.shipped import SAID, detection
from tools.build.sigma import sample_runner
from tools.build.sigma.__main__ import FORMS, differences
from tools.build.sigma.conversion import Answer
from tools.content.detections.schema import Detection
from tools.content.sigma.pipelines import FieldMappings


@pytest.mark.parametrize("rule", SAID, ids=lambda one: one.stem)
def test_a_rule_judges_every_sample_as_splunks_search_does(
    rule: Detection, places: FieldMappings, answer: Answer
) -> None:
    assert [*differences(rule, places, answer)] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("judged", "by", "wrong"),
    [
        ("key_shared", "hsm_zeroized", "0 rows, but Splunk's search fires"),
        ("crypto_officer_created", "hsm_rebooted", "0 rows, but Splunk's search fires"),
        ("crypto_officer_login", "cluster_activation_by_the_pre_crypto_officer", "0 rows"),
        ("password_of_another_user_changed", "password_changed", "search is silent"),
    ],
)
def test_a_rule_that_is_too_wide_or_too_narrow_shows(
    form: str, judged: str, by: str, wrong: str, places: FieldMappings, answer: Answer
) -> None:
    """The rule of one detection, run over the samples of another."""
    swapped = Answer([], {judged: answer.queries[by]})
    found = [*differences(detection(judged), places, swapped)]
    assert any(f"as {form}" in one and wrong in one for one in found), found


def _events(count: int, change: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    start = {"opcode_family": "CN_LOGIN", "outcome": "failure", "hsm_id": "h", "user_name": "u"}
    return [
        {**start, "timestamp": f"2026-03-03T10:{minute:02}:00.000000Z", **change(minute)}
        for minute in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "change", "fires"),
    [
        (5, lambda _: {}, True),
        (4, lambda _: {}, False),
        (8, lambda minute: {"user_name": f"u{minute % 2}{minute % 3}"}, False),
        (5, lambda minute: {"timestamp": f"2026-03-0{minute + 1}T10:00:00Z"}, False),
        (5, lambda _: {"outcome": "success"}, False),
    ],
)
def test_sqlite_counts_by_group_and_timespan(
    answer: Answer, count: int, change: Callable[[int], dict[str, Any]], fires: bool
) -> None:
    rule = detection("password_guessing_against_one_user")
    queries = [*answer.queries[rule.stem]["fields"]["sqlite"]]
    found = sample_runner.rows(_events(count, change), queries, rule.sigma.fields)
    assert (found > 0) is fires
