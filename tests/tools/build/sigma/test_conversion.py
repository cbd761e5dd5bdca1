"""Every rule is valid for pySigma 2 and becomes queries of several products."""

from __future__ import annotations

import pytest

from tests.tools.content.sigma.shipped import SAID
from tools.build.environments import EnvironmentProblem
from tools.build.sigma import conversion
from tools.build.sigma.__main__ import FORMS
from tools.build.sigma.conversion import Answer, convert
from tools.content.detections.schema import Detection

RULES = pytest.mark.parametrize("rule", SAID, ids=lambda one: one.stem)


def test_pysigmas_own_validators_find_nothing(answer: Answer) -> None:
    assert answer.issues == []


# A correlation upon a correlation, for which only one backend has a way.
NESTED = {"successful_login_after_failed_logins"}


@RULES
def test_a_rule_becomes_queries_of_at_least_two_products_in_every_form(
    answer: Answer, rule: Detection
) -> None:
    assert (rule.sigma.counted is not None) == (rule.stem in NESTED)
    for form in FORMS:
        queries = answer.queries[rule.stem][form]
        found = [backend for backend, one in queries.items() if isinstance(one, list) and one]
        assert "sqlite" in found
        assert len(found) >= (1 if rule.stem in NESTED else 2)
        if not rule.sigma.correlations:
            assert {"splunk", "esql"} <= {*found}


def test_what_a_backend_has_no_way_for_is_told_with_its_reason(answer: Answer) -> None:
    queries = answer.queries["quorum_token_approved_and_used_within_minutes"]["fields"]
    assert queries["splunk"] == {
        "cannot": "Correlation type 'temporal_ordered' is not supported by backend."
    }


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("fields", "opcode_family"),
        ("ecs", "cloudhsm.opcode_family"),
        ("ocsf", "unmapped.opcode_family"),
    ],
)
def test_a_query_looks_where_the_form_has_the_field(answer: Answer, form: str, field: str) -> None:
    (query,) = answer.queries["key_export_outside_the_usual_pattern"][form]["lucene"]
    assert f"{field}:CN_WRAP_KEY" in query
    (query,) = answer.queries["key_export_outside_the_usual_pattern"][form]["splunk"]
    assert f'{field}="CN_WRAP_KEY"' in query


def test_the_words_of_a_schema_are_asked_for(answer: Answer) -> None:
    (query,) = answer.queries["key_export_outside_the_usual_pattern"]["ocsf"]["splunk"]
    assert 'status="Failure"' in query


def test_cloudtrails_fields_keep_their_names(answer: Answer) -> None:
    for form in FORMS:
        (query,) = answer.queries["hsm_deleted"][form]["splunk"]
        assert 'eventSource="cloudhsm.amazonaws.com"' in query


def test_a_rule_that_pysigma_refuses_is_told_with_its_words() -> None:
    with pytest.raises(EnvironmentProblem, match=r"pySigma refuses a rule: [\s\S]*log ?source"):
        convert({"x": "title: x\ndetection: {a: {b: c}, condition: a}\n"}, {}, ["sqlite"])


def test_where_pysigma_is_not_installed_it_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversion, "PYTHON", ".venv/none/bin/python")
    with pytest.raises(EnvironmentProblem, match=r"run python3 -m tools\S+ dev sigma"):
        convert({}, {}, ["sqlite"])
