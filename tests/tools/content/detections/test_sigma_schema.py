"""What a detection may say to Sigma: planted faults are found, with what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tools.content.detections.sigma_schema import Sigma

RULE: dict[str, Any] = {"detection": {"a": {"opcode": "X"}, "condition": "a"}}
NAMED = {**RULE, "name": "one"}
COUNT = {
    "type": "event_count",
    "rules": ["one"],
    "group-by": ["hsm_id"],
    "timespan": "5m",
    "condition": {"gte": 5},
}


def without(key: str) -> dict[str, Any]:
    return {name: one for name, one in COUNT.items() if name != key}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "write rules, or cannot"),
        ({"rules": [RULE], "cannot": "It cannot."}, "write rules, or cannot"),
        ({"rules": [RULE, RULE]}, "correlation: is missing"),
        ({"rules": [RULE], "correlation": COUNT}, "needs one of its own"),
        ({"rules": [NAMED, NAMED], "correlation": COUNT}, "needs one of its own"),
        ({"rules": [{**NAMED, "name": "two"}], "correlation": COUNT}, "is not in both places"),
        ({"rules": [NAMED], "correlation": without("condition")}, "needed where something"),
        ({"rules": [NAMED], "correlation": {**COUNT, "type": "temporal"}}, "needed where"),
        ({"rules": [NAMED], "correlation": {**COUNT, "type": "value_count"}}, "needs field"),
        ({"rules": [NAMED], "correlation": {**COUNT, "timespan": "soon"}}, "timespan"),
        ({"rules": [NAMED], "correlation": without("group-by")}, "group-by"),
        ({"rules": [{"detection": {"a": {"b": "c"}, "condition": "b"}}]}, "is not in both"),
        ({"rules": [{"detection": {"a": {"b": "c"}}}]}, "a is not in both"),
        ({"rules": [RULE], "service": "kms"}, "service"),
        ({"rules": [RULE], "level": "high"}, "level"),
    ],
)
def test_a_fault_is_named(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Sigma.model_validate(given)


def test_all_fields_that_are_looked_at_are_known() -> None:
    listed = {"a": [{"x|startswith": "1"}, {"y": "2"}], "b": {"u|fieldref": "v"}}
    rule = {"name": "one", "detection": {**listed, "condition": "a and not b"}}
    counted = {**COUNT, "type": "value_count", "condition": {"field": "z", "gte": 2}}
    sigma = Sigma.model_validate({"rules": [rule], "correlation": counted})
    assert sigma.fields == {"x", "y", "u", "v", "hsm_id", "z"}
