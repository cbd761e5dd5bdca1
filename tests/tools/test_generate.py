from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from tools.content.deployment.schema import FILE as DEPLOYMENT
from tools.content.generated import build_lookups
from tools.content.sources import read_mappings
from tools.generate import main

ROOT = Path(__file__).resolve().parents[2]
NORMALIZED = "bin/cloudhsm/siem"

# The table that this add-on started from: every operation under its heading. Written out here, so
# that the mappings are held against a list of its own.
SEED = {
    "User Login": "CN_LOGIN CN_LOGOUT CN_APP_FINALIZE CN_CLOSE_SESSION",
    "User Management": (
        "CN_CREATE_USER CN_CREATE_CO CN_CREATE_APPLIANCE_USER CN_DELETE_USER CN_CHANGE_PSWD"
        " CN_SET_M_VALUE CN_APPROVE_TOKEN CN_DELETE_TOKEN CN_GET_TOKEN"
    ),
    "Key Management": (
        "CN_GENERATE_KEY CN_GENERATE_KEY_PAIR CN_CREATE_OBJECT CN_MODIFY_OBJECT CN_DESTROY_OBJECT"
        " CN_TOMBSTONE_OBJECT CN_SHARE_OBJECT CN_WRAP_KEY CN_UNWRAP_KEY CN_DERIVE_KEY"
        " CN_NIST_AES_WRAP CN_INSERT_MASKED_OBJECT_USER CN_EXTRACT_MASKED_OBJECT_USER"
    ),
    "Clone HSMs": "CN_CLONE_SOURCE_STAGE1 CN_CLONE_TARGET_INIT CN_CLONE_TARGET_STAGE1",
    "Back up HSMs": "CN_BACKUP_BEGIN CN_BACKUP_END CN_RESTORE_BEGIN CN_RESTORE_END",
    "Certificate-Based Authentication": (
        "CN_CERT_AUTH_STORE_CERT CN_CERT_AUTH_VALIDATE_PEER_CERTS"
        " CN_CERT_AUTH_SOURCE_KEY_EXCHANGE CN_CERT_AUTH_TARGET_KEY_EXCHANGE"
    ),
    "HSM Instance Commands": (
        "CN_INIT_TOKEN CN_INIT_DONE CN_GEN_KEY_ENC_KEY CN_GEN_PSWD_ENC_KEY"
        " CN_CLOSE_PARTITION_SESSIONS CN_STORE_KBK_SHARE CN_SET_NODEID CN_ZEROIZE"
    ),
    "HSM crypto commands": "CN_FIPS_RAND",
}
SEED_CATEGORY = {name: heading for heading, names in SEED.items() for name in names.split()}
SEED_CODES = {
    "CN_LOGIN": "0xd",
    "CN_LOGOUT": "0xe",
    "CN_CREATE_USER": "0x3",
    "CN_GENERATE_KEY_PAIR": "0x19",
    "CN_DESTROY_OBJECT": "0x11",
    "CN_INIT_TOKEN": "0x1",
    "CN_GEN_PSWD_ENC_KEY": "0x1d",
}
# Command types of the published records and dashboards.
COMMAND_TYPES = {
    "CN_MGMT_CMD": "0x0",
    "CN_CERT_AUTH_CMD": "0x9",
    "SPECIAL": "0xffff",
    "TIME_INFO_CMD": "0xeee2",
}


def shipped(name: str) -> list[dict[str, str]]:
    text = (ROOT / "lookups" / f"cloudhsm_{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def shipped_opcodes() -> dict[str, dict[str, str]]:
    return {row["opcode_key"]: row for row in shipped("opcodes")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what is generated, and from what, that a test may spoil."""
    for folder in ("mappings", "lookups", "default", "docs", "detections", "dashboards"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copytree(ROOT / NORMALIZED, tmp_path / NORMALIZED)
    (tmp_path / DEPLOYMENT).parent.mkdir(parents=True)
    for name in ("app.manifest", "bin/cloudhsm/__init__.py", DEPLOYMENT):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_seed_list_of_this_test_has_46_distinct_names() -> None:
    assert len(SEED_CATEGORY) == sum(len(names.split()) for names in SEED.values()) == 46


@pytest.mark.parametrize("name", sorted(SEED_CATEGORY))
def test_every_seed_opcode_has_its_heading_and_a_description_in_the_lookup(name: str) -> None:
    row = shipped_opcodes()[name]
    assert row["category"] == SEED_CATEGORY[name]
    assert len(row["description"].split()) >= 2
    assert row["risk"] in {"informational", "low", "medium", "high", "critical"}
    assert "aws_2023" in row["provenance"].split()


@pytest.mark.parametrize(("name", "code"), sorted(SEED_CODES.items()))
def test_every_code_that_the_seed_prints_is_in_the_lookup(name: str, code: str) -> None:
    assert shipped_opcodes()[name]["opcode_code"] == code


@pytest.mark.parametrize(
    ("name", "code", "category"),
    [
        ("CN_ENCRYPT_SESSION_V2", "0x107", "Session Management"),
        ("END_MARKER_OPCODE", "0xffff", "Session Management"),
        ("CN_CLONE_SOURCE_INIT", "", "Clone HSMs"),
        ("UNKNOWN_OPCODE", "", "Unknown"),
        ("CreateObject", "", "Certificate Storage"),
        ("DestroyObject", "", "Certificate Storage"),
        ("SetAttributeValues", "", "Certificate Storage"),
        ("(none)", "", "Unknown"),
        ("*", "", "Unknown"),
    ],
)
def test_opcodes_beyond_the_seed_are_in_the_lookup(name: str, code: str, category: str) -> None:
    row = shipped_opcodes()[name]
    assert (row["opcode_code"], row["category"]) == (code, category)


def test_the_rows_for_anything_else_say_that_the_event_is_complete_and_what_to_do() -> None:
    for key in ("(none)", "*"):
        description = shipped_opcodes()[key]["description"]
        assert "complete as received" in description
        assert "read the raw text" in description
    assert "No table of this add-on knows this opcode" in shipped_opcodes()["*"]["description"]


def test_routine_synchronisation_is_not_graded_like_an_attack() -> None:
    risk = {name: row["risk"] for name, row in shipped_opcodes().items()}
    assert risk["CN_EXTRACT_MASKED_OBJECT_USER"] == "informational"
    assert risk["CN_INSERT_MASKED_OBJECT_USER"] == "informational"
    assert risk["CN_ZEROIZE"] == risk["CN_SET_M_VALUE"] == "critical"
    assert risk["CN_CREATE_CO"] == risk["CN_WRAP_KEY"] == risk["CN_TOMBSTONE_OBJECT"] == "high"


@pytest.mark.parametrize(
    "name", ["opcodes", "responses", "user_types", "log_types", "command_types"]
)
def test_the_catch_all_is_the_last_row_of_every_lookup(name: str) -> None:
    keys = [next(iter(row.values())) for row in shipped(name)]
    assert keys.index("*") == len(keys) - 1
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("*:SUCCESS", "success"),
        ("*:RET_USER_LOGIN_FAILURE", "wrong_password"),
        ("163:*", "wrong_password"),
        ("*:This user doesn't exist", "unknown_user"),
        ("206:*", "unknown_user"),
        ("*:user isn't initialized or user with this name doesn't exist", "unknown_user"),
        ("157:*", "unknown_user"),
        ("*:RET_MXN_AUTH_FAILED", "quorum_missing"),
        ("*:OK", "success"),
        ("*:MaxObjectsReached", "limit_reached"),
        ("*", "Unknown"),
    ],
)
def test_a_response_is_found_by_its_text_and_by_its_code(key: str, kind: str) -> None:
    assert {row["response_key"]: row["response_class"] for row in shipped("responses")}[key] == kind


def test_texts_come_before_codes_and_success_has_no_row_by_code() -> None:
    keys = [row["response_key"] for row in shipped("responses")]
    by_code = [number for number, key in enumerate(keys) if key.endswith(":*")]
    by_text = [number for number, key in enumerate(keys) if key.startswith("*:")]
    assert max(by_text) < min(by_code)
    assert "0:*" not in keys


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            "user_types",
            {
                "CN_CRYPTO_USER": "1",
                "CN_CRYPTO_OFFICER": "2",
                "PCO": "3",
                "HMCO": "4",
                "CN_APPLIANCE_USER": "5",
                "CN_CRYPTO_PRE_OFFICER": "6",
                "CN_2FA_CRYPTO_USER": "",
                "*": "",
            },
        ),
        (
            "log_types",
            {
                "MINIMAL_LOG_ENTRY": "0",
                "MGMT_KEY_DETAILS_LOG": "1",
                "MGMT_USER_DETAILS_LOG": "2",
                "UNKNOWN_LOG_TYPE": "5",
                "TIME_INFO_LOG": "16",
                "GENERIC_LOG": "",
                "USER_AUTH_LOG": "",
                "USER_MANAGE_LOG": "",
                "KEY_DETAILS_LOG": "",
                "PARTITION_BACKUP_RESTORE_LOG": "",
                "*": "",
            },
        ),
        ("command_types", {**COMMAND_TYPES, "*": ""}),
    ],
)
def test_types_carry_the_published_codes_and_no_others(
    table: str, expected: dict[str, str]
) -> None:
    name = table[:-1]
    assert {row[name]: row[f"{name}_code"] for row in shipped(table)} == expected


def test_the_shipped_lookups_are_what_the_mappings_give() -> None:
    for name, text in build_lookups(read_mappings(ROOT / "mappings")).items():
        assert (ROOT / "lookups" / name).read_bytes() == text.encode()
        assert "\r" not in text
        assert text.endswith("\n")


def test_generating_twice_changes_nothing(source: Path) -> None:
    before = {path.name: path.read_bytes() for path in (source / "lookups").iterdir()}
    shutil.rmtree(source / "lookups")
    assert main(["--root", str(source)]) == 0
    assert {path.name: path.read_bytes() for path in (source / "lookups").iterdir()} == before


def test_check_is_content_with_unchanged_files(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", "--root", str(source)]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda text: text.replace(b",low,", b",high,", 1), None),
        (lambda text: text.replace(b"\n", b"\r\n"), 1),
        (lambda text: text + b"x\n", 59),
        (lambda text: text[: text.rindex(b"\n*,")] + b"\n", 58),
    ],
)
def test_check_names_the_file_and_the_first_line_that_differs(
    source: Path, capsys: pytest.CaptureFixture[str], spoil: object, line: int | None
) -> None:
    assert callable(spoil)
    path = source / "lookups" / "cloudhsm_opcodes.csv"
    before = path.read_bytes()
    path.write_bytes(spoil(before))
    expected = line or before[: before.index(b",low,")].count(b"\n") + 1
    assert main(["--check", "--root", str(source)]) == 1
    assert capsys.readouterr().err == (
        f"{path}:{expected}: differs from what it is generated from; run: make generate\n"
    )
    assert path.read_bytes() == spoil(before)


def test_check_names_a_missing_lookup(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "lookups" / "cloudhsm_log_types.csv").unlink()
    assert main(["--check", "--root", str(source)]) == 1
    assert "cloudhsm_log_types.csv: is missing" in capsys.readouterr().err


def test_a_wrong_mapping_stops_with_file_and_line_and_writes_nothing(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = source / "mappings" / "user_types.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('code: "5"', 'code: "five"'), encoding="utf-8")
    shutil.rmtree(source / "lookups")
    line = text[: text.index('code: "5"')].count("\n") + 1
    assert main(["--root", str(source)]) == 2
    assert (
        f"user_types.yaml:{line}: CN_APPLIANCE_USER: code: must be a decimal number"
        in capsys.readouterr().err
    )
    assert not (source / "lookups").exists()


def test_a_missing_mapping_says_what_is_missing(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "mappings" / "responses.yaml").unlink()
    assert main(["--check", "--root", str(source)]) == 2
    assert "responses.yaml: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("action: acl_modified", "action: null", "a Change, and nothing else, has all of"),
        ("action: acl_modified", "action: shared", "cim.action: must be one of"),
        ("object: target_user", "object: quorum", "exactly where the object is target_user"),
        ("model: Authentication", "model: Login", "cim.model: must be one of"),
    ],
)
def test_a_fault_in_the_places_of_operations_is_told_with_its_line(
    source: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    path = source / "mappings" / "operations.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert main(["--check", "--root", str(source)]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert all(line.startswith(f"{path}:") for line in told.splitlines())


def test_a_conf_file_without_a_generated_block_is_told(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = source / "default" / "props.conf"
    path.write_text(path.read_text(encoding="utf-8").replace("# >>> activity", "# activity"))
    assert main(["--check", "--root", str(source)]) == 2
    assert "there is no block '# >>> activity: ...'" in capsys.readouterr().err
