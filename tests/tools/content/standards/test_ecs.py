"""Our mapping keeps to the pinned facts of ECS, and so does every document."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudhsm.siem import ecs as shipped
from cloudhsm.siem import ocsf as ocsf_events
from tests.tools.content.standards import ecs_documents
from tests.tools.content.standards.records import golden_records, operations_and_outcomes
from tools.content.mappings import OperationList
from tools.content.sources import read_mappings
from tools.content.standards import ecs_facts
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[4]
MAPPINGS = ROOT / "mappings"
FACTS = ecs_facts.read_facts(MAPPINGS)


def test_every_record_becomes_a_valid_document() -> None:
    documents = [shipped.event(fields) for fields in golden_records()]
    assert [fault for one in documents for fault in ecs_documents.faults(one, FACTS)] == []
    assert len(documents) > 1000
    categories = {name for one in documents for name in one["event"].get("category", [])}
    assert categories == {"api", "authentication", "configuration", "host", "iam", "session"}


def test_every_operation_with_every_outcome_becomes_a_valid_document() -> None:
    records = operations_and_outcomes()
    documents = [shipped.event(fields) for fields in records]
    assert [fault for one in documents for fault in ecs_documents.faults(one, FACTS)] == []
    assert [one["event"]["outcome"] for one in documents] == [one["outcome"] for one in records]


def test_ocsf_and_ecs_call_the_same_record_equally_severe() -> None:
    for fields in operations_and_outcomes():
        severity = ocsf_events.event(fields)["severity_id"]
        assert shipped.event(fields)["event"]["severity"] == severity


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    login = {"_time": 1, "_raw": "x", "opcode": "CN_LOGIN", "user_name": "u", "outcome": "success"}
    document = json.loads(json.dumps(shipped.event(login)))
    change(document)
    return dict(document)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d["event"].update(category=["keys"]), "ECS has no category 'keys'"),
        (lambda d: d["event"].update(type=["started"]), "ECS has no type 'started'"),
        (lambda d: d["event"].update(type=["creation"]), "type creation does not go with authent"),
        (lambda d: d["event"].update(category=["authentication", "web"]), "category web goes with"),
        (lambda d: d["event"].update(category="authentication"), "event.category: must be a list"),
        (lambda d: d["event"].update(action=["x"]), "event.action: must not be a list"),
        (lambda d: d["event"].update(outcome="ok"), "event.outcome: 'ok' is none of failure"),
        (lambda d: d["event"].update(kind="log"), "event.kind: 'log' is none of alert"),
        (lambda d: d["event"].update(severity="1"), "event.severity: must be of type long"),
        (lambda d: d.update({"@timestamp": "1970"}), "@timestamp: must be of type date"),
        (lambda d: d["user"].update(label="x"), "user.label: is no field of ECS that we know"),
        (lambda d: d["ecs"].update(version="1.0.0"), "ecs.version: must be 9.4.0"),
    ],
)
def test_what_is_wrong_is_seen(change: Callable[[dict[str, Any]], object], fault: str) -> None:
    assert fault in "\n".join(ecs_documents.faults(broken(change), FACTS))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "category: [authentication]\n    type: [start]",
            "category: [keys]\n    type: [start]",
            "",
        ),
        ("type: [start]", "type: [creation]", "type creation does not go with session"),
        ("type: [change, user]", "type: [user, change]", "sort category and type"),
        (
            "people: account\n    reason: Changes an",
            "people: target\n    reason: Changes an",
            "ecs.people: Input should be 'account' or 'actor'",
        ),
    ],
)
def test_an_operation_off_the_facts_is_refused_with_the_place(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    folder = Path(shutil.copytree(MAPPINGS, tmp_path / "mappings"))
    path = folder / OperationList.FILE
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_mappings(folder)
    assert (fault or "CN_LOGIN: ECS has no category 'keys'") in str(caught.value)
    assert f"{path}:" in str(caught.value)


def test_facts_are_taken_from_the_published_form_as_they_are() -> None:
    """The package itself is npm's; this is its form, with another type and another category."""
    published: dict[str, Any] = {
        name: {"type": kind.strip("[]"), "normalize": ["array"] if kind.startswith("[") else []}
        for name, kind in FACTS.fields.items()
    }
    for field, names in (
        ("event.kind", FACTS.kinds),
        ("event.type", FACTS.types),
        ("event.outcome", FACTS.outcomes),
    ):
        published[field]["allowed_values"] = [{"name": name} for name in names]
    published["event.category"]["allowed_values"] = [
        {"name": name, "expected_event_types": [*types]} for name, types in FACTS.categories.items()
    ]
    assert ecs_facts.facts_from(published, FACTS) == FACTS.model_dump()
    published["event.sequence"]["type"] = "keyword"
    assert ecs_facts.facts_from(published, FACTS) != FACTS.model_dump()
