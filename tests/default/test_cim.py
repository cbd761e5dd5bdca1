"""Every operation with every outcome, in both layouts, against the official CIM definitions."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Union

import pytest

from emulator.app import App
from emulator.event import IndexedEvent
from tests.default.cim_models import Dataset, datasets
from tests.default.conftest import CLUSTER, HSM, SOURCE
from tools.content.sources import read_mappings

Fields = dict[str, Union[str, list[str]]]

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = read_mappings(ROOT / "mappings")
PLACES = {operation.name: operation.cim for operation in MAPPINGS.operations}
UNKNOWABLE = MAPPINGS.dictionary.unknowable
RESPONSES = {
    "success": "0:HSM Return: SUCCESS",
    "failure": "163:HSM Error: RET_USER_LOGIN_FAILURE",
    "unknown": "0:HSM Return: PENDING",
}
CERTIFICATE_RESPONSES = {"success": "OK", "failure": "ObjectNotFound", "unknown": None}
AUTHENTICATION, CHANGE = datasets("Authentication"), datasets("Change")
HSM_OPCODES = sorted(
    name for name, target in PLACES.items() if target.object != "object_handle" and name != "*"
)
STORE_OPCODES = sorted(name for name, target in PLACES.items() if target.object == "object_handle")


def older(opcode: str, outcome: str, user_type: str = "CN_CRYPTO_USER (1)") -> str:
    lines = [
        "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812",
        "Sequence No : 0x1d",
        "Reboot counter : 0xe8",
        "Command Type(hex) : CN_MGMT_CMD (0x0)",
        *([] if opcode == "(none)" else [f"Opcode : {opcode} (0x7b)"]),
        "Session Handle : 0x2014005",
        f"Response : {RESPONSES[outcome]}",
    ]
    if PLACES[opcode].object == "key_handle":
        handles = ["Priv/Secret Key Handle : 7", "Public Key Handle : 0"]
        return "\n".join([*lines, "Log type : MGMT_KEY_DETAILS_LOG (1)", *handles])
    if PLACES[opcode].model == "Authentication" or names_an_account(opcode):
        user = ["User Name : crypto_user", f"User Type : {user_type}"]
        return "\n".join([*lines, "Log type : MGMT_USER_DETAILS_LOG (2)", *user])
    return "\n".join([*lines, "Log type : MINIMAL_LOG_ENTRY (0)"])


def newer(opcode: str, outcome: str) -> str:
    text = older(opcode, outcome).replace("Sequence No", "Version No : 1\nSequence No", 1)
    text = text.replace("Session Handle", "User id : 3\nSession Handle", 1)
    if not names_an_account(opcode):
        return text
    target = text.replace("User Name", "Target User Name").replace("User Type", "Target User Type")
    return f"{target}\nTarget User id : 9"


def names_an_account(opcode: str) -> bool:
    return PLACES[opcode].object == "target_user"


def searched(app: App, text: str, stream: str = HSM) -> Fields:
    kind = "audit" if stream == HSM else "certificate"
    source = SOURCE.replace(HSM, stream)
    event = IndexedEvent(
        text, 1_513_717_277_140_812, stream, source, f"aws:cloudhsm:{kind}", "main"
    )
    return dict(app.search_time(event))


def stored(opcode: str, outcome: str) -> str:
    body = {"object_handle": 463180677312929947, "op_code": opcode}
    response = CERTIFICATE_RESPONSES[outcome]
    answer = {"response": response} if response else {}
    rest = {"attributes": ["Label"], "timestamp": 1513717277140}
    return json.dumps({**body, **answer, **rest})


def tags_of(fields: Fields) -> set[str]:
    tags = fields.get("tag", [])
    return {tags} if isinstance(tags, str) else set(tags)


def dataset_of(fields: Fields) -> Dataset | None:
    """The one dataset whose tags the event has; the deepest where it is in several."""
    tags = tags_of(fields)
    if "authentication" in tags:
        assert "change" not in tags
        name = "Privileged_Authentication" if "privileged" in tags else "Authentication"
        return AUTHENTICATION[name]
    if "change" in tags:
        return CHANGE["Account_Management" if "account" in tags else "All_Changes"]
    assert not tags & {"privileged", "account"}
    return None


def missing(fields: Fields, dataset: Dataset) -> set[str]:
    return {name for name in dataset.required if not fields.get(name)}


def excused(fields: Fields, text: str) -> set[str]:
    """What such a record cannot know; mappings/fields.yaml gives the reason in words."""
    model, kind = str(fields["cim_model"]), fields.get("object_category")
    is_older, unanswered = "User id :" not in text, fields["outcome"] == "unknown"
    holds = {
        "action": unanswered,
        "status": unanswered,
        "src": True,
        "src_user": kind == "user" and is_older,
        "user": kind != "user" and is_older,
        "object_attrs": True,
        "object_id": kind in {"quorum", "certificate"} or (kind == "user" and is_older),
    }
    listed = {excuse.field for excuse in UNKNOWABLE if model in excuse.models}
    return {name for name, cannot in holds.items() if cannot} & listed


def check(fields: Fields, text: str, opcode: str, outcome: str) -> set[str]:
    """Compares an event with its model; returns the fields that it could not know."""
    assert fields["outcome"] == outcome
    assert fields["cim_model"] == PLACES[opcode].model
    dataset = dataset_of(fields)
    if dataset is None:
        assert fields["cim_model"] == "none"
        return set()
    assert dataset.tags <= tags_of(fields)
    lacks = missing(fields, dataset)
    assert lacks <= excused(fields, text), (opcode, outcome)
    for name, values in dataset.expected.items():
        assert name in lacks or fields[name] in values
    if fields["cim_model"] == "Change":
        assert ("account" in tags_of(fields)) == (fields["object_category"] == "user")
        assert fields.get("status") != "failure" or fields["result"]
    return lacks


@pytest.mark.parametrize("outcome", RESPONSES)
@pytest.mark.parametrize("opcode", HSM_OPCODES)
def test_an_operation_is_in_its_model_with_all_that_the_model_asks_for(
    app: App, opcode: str, outcome: str
) -> None:
    for text in (older(opcode, outcome), newer(opcode, outcome)):
        check(searched(app, text), text, opcode, outcome)


@pytest.mark.parametrize("outcome", CERTIFICATE_RESPONSES)
@pytest.mark.parametrize("opcode", STORE_OPCODES)
def test_a_certificate_operation_is_a_change(app: App, opcode: str, outcome: str) -> None:
    text = stored(opcode, outcome)
    lacks = check(searched(app, text, CLUSTER), text, opcode, outcome)
    assert lacks <= {"src", "user", "status"}


def test_every_operation_with_every_outcome_has_its_row_with_a_reason() -> None:
    with (ROOT / "lookups" / "cloudhsm_cim.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (ROOT / "lookups" / "cloudhsm_opcodes.csv").open(encoding="utf-8", newline="") as file:
        opcodes = [row["opcode_key"] for row in csv.DictReader(file)]
    places = [(row["opcode_key"], row["outcome"]) for row in rows]
    assert sorted(places) == sorted((name, response) for name in opcodes for response in RESPONSES)
    assert all(row["reason_for_place"] for row in rows)


def test_what_is_listed_as_unknowable_is_missing_somewhere(app: App) -> None:
    lacking: dict[str, set[str]] = {"Authentication": set(), "Change": set(), "none": set()}
    for opcode in HSM_OPCODES:
        for outcome in RESPONSES:
            for text in (older(opcode, outcome), newer(opcode, outcome)):
                fields = searched(app, text)
                lacks = {excuse.field for excuse in UNKNOWABLE if excuse.field not in fields}
                lacking[str(fields["cim_model"])] |= lacks
    for excuse in UNKNOWABLE:
        assert all(excuse.field in lacking[model] for model in excuse.models), excuse.field


@pytest.mark.parametrize(
    ("user_type", "privileged"),
    [
        ("CN_CRYPTO_OFFICER (2)", True),
        ("CN_CRYPTO_PRE_OFFICER (6)", True),
        ("PCO (3)", True),
        ("CN_CRYPTO_USER (1)", False),
        ("CN_APPLIANCE_USER (5)", False),
    ],
)
def test_a_login_of_those_who_administer_is_privileged(
    app: App, user_type: str, privileged: bool
) -> None:
    fields = searched(app, older("CN_LOGIN", "success", user_type))
    assert ("privileged" in tags_of(fields)) is privileged


def test_the_acting_and_the_changed_user_depend_on_the_layout(app: App) -> None:
    old, new = (searched(app, record("CN_DELETE_USER", "success")) for record in (older, newer))
    assert (old["user"], old.get("src_user")) == ("crypto_user", None)
    assert (new["user"], new["src_user"], new["object_id"]) == ("crypto_user", "3", "9")
    assert new["user_type"] == new["target_user_type"] == "CN_CRYPTO_USER"
    key = searched(app, newer("CN_WRAP_KEY", "success"))
    assert (key["user"], key.get("src_user"), key["object"]) == ("3", None, "7")


def test_the_manifest_names_the_models_that_are_used() -> None:
    manifest = json.loads((ROOT / "app.manifest").read_text(encoding="utf-8"))
    models = {target.model for target in PLACES.values()} - {"none"}
    assert set(manifest["info"]["commonInformationModels"]) == models
