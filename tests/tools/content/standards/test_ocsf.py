"""Our mapping keeps to OCSF's facts, the facts are the published ones, and every event is valid."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloudhsm.siem import ocsf as shipped
from tests.tools.content.standards import ocsf_events
from tests.tools.content.standards.records import golden_records, operations_and_outcomes
from tools.content.mappings import OperationList
from tools.content.sources import read_mappings
from tools.content.standards import ocsf, ocsf_facts
from tools.content.standards.pinning import dumped
from tools.content.strict_yaml import MappingError

ROOT = Path(__file__).resolve().parents[4]
MAPPINGS = ROOT / "mappings"
FILES = (OperationList.FILE, ocsf.FILE)
FACTS = ocsf_facts.read_facts(MAPPINGS)


@pytest.fixture
def released() -> dict[str, Any]:
    return ocsf_facts.published(ROOT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the mappings, to be spoilt."""
    return Path(shutil.copytree(MAPPINGS, tmp_path / "mappings"))


def validated(events: Iterable[dict[str, Any]]) -> list[str]:
    """The faults that the released JSON Schema finds."""
    ocsf_facts.published(ROOT)  # says what to run where the environment is missing
    script = ROOT / "tools" / "content" / "standards" / "ocsf_validate.py"
    command = [str(ROOT / ".venv/ocsf/bin/python"), str(script), FACTS.version, *FACTS.profiles]
    lines = "".join(json.dumps(event) + "\n" for event in events)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_pinned_facts_are_the_published_ones(released: dict[str, Any]) -> None:
    path = MAPPINGS / "standards" / ocsf_facts.FILE
    assert dumped(ocsf_facts.facts_from(released, FACTS)) == path.read_text(encoding="utf-8")


def test_a_pinned_fact_that_is_not_the_published_one_is_noticed(released: dict[str, Any]) -> None:
    released["classes"]["authentication"]["attributes"]["activity_id"]["enum"]["1"]["caption"] = "X"
    assert ocsf_facts.facts_from(released, FACTS) != FACTS.model_dump()


def test_where_nothing_is_released_the_message_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"run `python3 -m tools\S+ ocsf`"):
        ocsf_facts.published(tmp_path)


def test_no_class_is_about_keys(released: dict[str, Any]) -> None:
    """Why the mapping is a proposal. With a class for keys, it should move there."""
    about = [name for name in released["classes"] if any(w in name for w in ("crypto", "hsm"))]
    about += [name for name in released["classes"] if "key" in name and "registry" not in name]
    assert about == []


def test_every_record_becomes_a_valid_event() -> None:
    events = [shipped.event(fields) for fields in golden_records()]
    assert [fault for event in events for fault in ocsf_events.faults(event, FACTS)] == []
    assert validated(events) == []
    assert len(events) > 1000
    assert {event["class_uid"] for event in events} == {0, 1008, 3001, 3002, 3004}


def test_every_operation_with_every_outcome_becomes_a_valid_event() -> None:
    events = [shipped.event(fields) for fields in operations_and_outcomes()]
    assert [fault for event in events for fault in ocsf_events.faults(event, FACTS)] == []
    assert validated(events) == []


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    login = {"_time": 1, "_raw": "x", "opcode": "CN_LOGIN", "user_name": "u", "hsm_id": "hsm-1"}
    event = json.loads(json.dumps(shipped.event(login)))
    change(event)
    return dict(event)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda e: e.pop("user"), "user: is required"),
        (lambda e: e.pop("service"), ": needs one of dst_endpoint, service"),
        (lambda e: e.update(user={"type_id": 1}), "user.: needs one of account, name, uid"),
        (lambda e: e.update(time="1"), "time: must be of type long, is '1'"),
        (lambda e: e.update(severity_id=7), "severity_id: no 7 in the enumeration"),
        (lambda e: e.update(crypto=1), "crypto: is no attribute that we know"),
        (lambda e: e["metadata"].update(profiles="x"), "metadata.profiles: must be a list and"),
        (lambda e: e["device"].pop("type_id"), "device.type_id: is required"),
    ],
)
def test_both_checks_see_what_is_wrong(
    change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    event = broken(change)
    assert fault in "\n".join(ocsf_events.faults(event, FACTS))
    assert validated([event]) != []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda e: e.update(type_uid=300202), "type_uid: must be 300201, is 300202"),
        (lambda e: e.update(status="Failure"), "status: "),
        (lambda e: e.update(activity_name="Logoff"), "activity_name: must be 'Logon'"),
        (lambda e: e.update(activity_id=50), "activity_id: Authentication has no 50"),
        (lambda e: e.update(class_uid=9999), "class_uid: no class of ours has 9999"),
        (lambda e: e["metadata"].update(sequence=2**60), "metadata.sequence: must be of type int"),
        (lambda e: e["metadata"].update(version="1.0.0"), "metadata.version: must be 1.8.0"),
    ],
)
def test_what_the_published_schema_does_not_express_is_checked_too(
    change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    found = "\n".join(ocsf_events.faults(broken(change), FACTS))
    assert fault in found or fault.replace("status: ", "status_id: 0 is Unknown") in found


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("activity: Logon", "activity: Login", "CN_LOGIN: Authentication has no activity 'Login'"),
        ("class: event_log_actvity", "class: event_log", "'event_log' is none of base_event"),
        ("class: base_event", "class: api_activity", "asks for the caller's address"),
        ("    named: Session Setup\n", "", "give named exactly with the activity Other"),
        ("    entity: backup\n", "", "give an entity exactly in a class that asks for one"),
        ("    entity: backup\n", "    entity: tape\n", "entity 'tape' is none of backup"),
        ("    log_name: HSM audit log\n", "", "give log_name exactly in a class about logs"),
        ("people: subject", "people: actor", "people is subject or account exactly in a class"),
        ("    severity_step: {failure: 1}", "    severity_step: {lost: 1}", "knows no lost"),
        ("    status: Failure", "    status: Failed", "OCSF's event.status_id has no 'Failed'"),
        ("  low: Low\n", "", "severities: must be informational, low, medium, high, critical"),
    ],
)
def test_a_mapping_off_the_facts_is_refused_with_the_place(
    folder: Path, old: str, new: str, fault: str
) -> None:
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in FILES}
    (name,) = (name for name, text in texts.items() if old in text)
    (folder / name).write_text(texts[name].replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_mappings(folder)
    assert fault in str(caught.value)
    assert f"{folder / name}:" in str(caught.value)


def test_a_refused_operation_is_less_severe_and_a_refused_login_more() -> None:
    mapping = read_mappings(MAPPINGS).ocsf
    operations = {operation.name: operation for operation in mapping.operations}
    severities = [
        mapping.severity(operations[name], outcome)
        for name in ("CN_ZEROIZE", "CN_LOGIN")
        for outcome in ("success", "failure", "unknown")
    ]
    assert severities == ["Critical", "High", "Critical", "Low", "Medium", "Low"]
    assert mapping.severity(operations["CN_LOGOUT"], "failure") == "Informational"


def test_the_facts_hold_no_text_of_the_schema() -> None:
    held = yaml.safe_load((MAPPINGS / "standards" / ocsf_facts.FILE).read_text(encoding="utf-8"))

    def texts(value: object) -> Iterable[str]:
        if isinstance(value, dict):
            for item in value.values():
                yield from texts(item)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)
        elif isinstance(value, str):
            yield value

    assert max(len(text) for text in texts({**held, "source": ""})) < 40
