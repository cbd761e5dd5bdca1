"""What a detection's key `sigma` may contain: rules, or why Sigma cannot express it.

Source: the Sigma specification 2.x (rules, correlation rules), as pySigma 2.0 reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tools.content.strict_yaml import Strict, Text

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Timespan = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[smhd]$")]
_WORDS = {"and", "or", "not", "all", "of", "them", "any"}


def _condition_fits(detection: dict[str, Any]) -> dict[str, Any]:
    """`detection` of a rule: selections and a condition that uses each of them, and no other."""
    used = set(re.findall(r"[A-Za-z_]\w*", str(detection.get("condition", "")))) - _WORDS
    named = set(detection) - {"condition"}
    if used != named:
        wrong = sorted(used ^ named)[0]
        raise ValueError(f"condition: {wrong} is not in both, the condition and the selections")
    return detection


class Rule(Strict):
    """One rule; `name` where a correlation refers to it."""

    name: RuleName | None = None
    detection: Annotated[dict[str, Any], AfterValidator(_condition_fits)]


class Correlation(Strict):
    """What several events must have in common; `name` where another correlation refers to it."""

    name: RuleName | None = None
    type: Literal["event_count", "value_count", "temporal", "temporal_ordered"]
    rules: list[RuleName] = Field(min_length=1)
    group_by: list[str] = Field(alias="group-by", min_length=1)
    timespan: Timespan
    condition: dict[str, str | int] | None = None

    def _contradictions(self) -> Iterator[str]:
        if self.type.startswith("temporal") == (self.condition is not None):
            yield "condition: needed where something is counted, and only there"
        if self.type == "value_count" and "field" not in (self.condition or {}):
            yield "condition: value_count needs field: the one whose values it counts"


class Sigma(Strict):
    """How Sigma expresses it.

    service: whose log it is. note: where it differs from Splunk's search. counted: a correlation
    that `correlation` builds upon. cannot: why there is no rule.
    """

    service: Literal["cloudhsm", "cloudtrail"] = "cloudhsm"
    note: Text | None = None
    rules: list[Rule] = []
    counted: Correlation | None = None
    correlation: Correlation | None = None
    cannot: Text | None = None

    def _contradictions(self) -> Iterator[str]:
        if (self.cannot is None) == (not self.rules):
            yield "write rules, or cannot: why Sigma cannot express it"
        if self.correlation is None:
            if len(self.rules) > 1 or self.counted:
                yield "correlation: is missing, and there is more than one rule"
            return
        names = [rule.name for rule in self.rules] + ([self.counted.name] if self.counted else [])
        if None in names or len(set(names)) < len(names):
            yield "name: each rule under a correlation needs one of its own"
        used = {*self.correlation.rules, *(self.counted.rules if self.counted else ())}
        if used != set(names):
            yield f"rules: {sorted(used ^ {*names}, key=str)[0]} is not in both places"

    @property
    def correlations(self) -> list[Correlation]:
        """In the order in which they build upon each other."""
        return [item for item in (self.counted, self.correlation) if item is not None]

    @property
    def fields(self) -> set[str]:
        """All fields of events that are looked at."""
        names = {name for rule in self.rules for name in _fields(rule.detection)}
        for item in self.correlations:
            names.update(item.group_by)
            if isinstance(field := (item.condition or {}).get("field"), str):
                names.add(field)
        return names


def _fields(detection: Mapping[str, Any]) -> Iterator[str]:
    for name, selection in detection.items():
        if name == "condition":
            continue
        for item in selection if isinstance(selection, list) else [selection]:
            for key, value in item.items():
                field, *modifiers = key.split("|")
                yield field
                if "fieldref" in modifiers:
                    yield str(value)
