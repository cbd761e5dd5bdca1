"""Every operation that the mappings know, in both generations, done and refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from samples import codes
from samples.codes import Coded, Response
from samples.details import (
    MINIMAL,
    ActingUser,
    BackupStep,
    ClockReading,
    Detail,
    KeyHandles,
    ManagedUser,
    OneHandle,
    Sharing,
)
from samples.layout import Generation
from tests.default.corpus import (
    STAND_IN_OPCODE,
    STAND_IN_RESPONSE,
    Corpus,
    Sample,
    basic,
    detailed,
    printed,
)

LOOKUP = Path(__file__).resolve().parents[2] / "lookups" / "cloudhsm_opcodes.csv"
CERTIFICATES = "Certificate Storage"
CLOCK = ClockReading(host_ahead_usecs=2225, delay_usecs=39)
CRYPTO_USER = ActingUser("app_payments", codes.CRYPTO_USER)
OFFICER = ActingUser("officer_anna", codes.CRYPTO_OFFICER)
NEW_USER = ManagedUser("clerk_bob", codes.CRYPTO_USER, 7)
# An operation that a later firmware might have.
UNLISTED = Coded("CN_SAMPLE_UNLISTED_COMMAND", STAND_IN_OPCODE, public=False)

_DETAILS: dict[str, Detail] = {
    "CN_LOGIN": CRYPTO_USER,
    "CN_LOGOUT": CRYPTO_USER,
    "CN_CREATE_USER": NEW_USER,
    "CN_CREATE_CO": ManagedUser("officer_carl", codes.CRYPTO_OFFICER, 8),
    "CN_CREATE_APPLIANCE_USER": ManagedUser("app_user", codes.APPLIANCE_USER, 1),
    "CN_DELETE_USER": NEW_USER,
    "CN_CHANGE_PSWD": NEW_USER,
    "CN_GENERATE_KEY_PAIR": KeyHandles(131079, 131078, 0),
    "CN_CREATE_OBJECT": KeyHandles(0, 131078),
    "CN_MODIFY_OBJECT": OneHandle(262152),
    "CN_DESTROY_OBJECT": OneHandle(262152),
    "CN_TOMBSTONE_OBJECT": OneHandle(262152),
    "CN_SHARE_OBJECT": Sharing(262152, codes.SHARE, 7),
}
# AWS's reference lists for these headings what their records contain.
_DETAILS_OF_CATEGORY: dict[str, Detail] = {
    "User Management": OFFICER,
    "Key Management": KeyHandles(262152, 0, 4224),
    "Back up HSMs": BackupStep(),
}
_COMMAND_TYPES = {
    "END_MARKER_OPCODE": codes.SPECIAL_CMD,
    "CN_CERT_AUTH_STORE_CERT": codes.CERT_AUTH_CMD,
    "CN_CERT_AUTH_VALIDATE_PEER_CERTS": codes.CERT_AUTH_CMD,
    "CN_CERT_AUTH_SOURCE_KEY_EXCHANGE": codes.CERT_AUTH_CMD,
    "CN_CERT_AUTH_TARGET_KEY_EXCHANGE": codes.CERT_AUTH_CMD,
}
# No user is logged in where an HSM writes for itself or is being set up.
_WITHOUT_ACTOR = frozenset({"CN_INIT_TOKEN", "CN_INIT_DONE", "END_MARKER_OPCODE", "UNKNOWN_OPCODE"})
_NEVER_REFUSED = frozenset({"END_MARKER_OPCODE"})

_QUORUM_MISSING = Response(STAND_IN_RESPONSE, "HSM Error: RET_MXN_AUTH_FAILED")
_USER_EXISTS = Response(STAND_IN_RESPONSE, "HSM Error: This user is already created")
_REFUSALS = {
    "CN_LOGIN": codes.LOGIN_FAILURE,
    "CN_CREATE_USER": _USER_EXISTS,
    "CN_DELETE_USER": codes.USER_UNKNOWN,
    "CN_DESTROY_OBJECT": codes.INVALID_HANDLE,
    "CN_TOMBSTONE_OBJECT": Response(
        STAND_IN_RESPONSE, "HSM Error: Key not found or Invalid key handle is passed to this"
        " operation"
    ),
    "CN_GENERATE_KEY": codes.POLICY_VIOLATION,
}  # fmt: skip
_REFUSALS_OF_CATEGORY = {
    "User Management": _QUORUM_MISSING,
    "Key Management": codes.KEY_ACCESS_DENIED,
}


def corpora() -> Iterator[Corpus]:
    """One file for each generation."""
    for generation in Generation:
        yield Corpus(f"opcodes_{generation.value}", [*_samples(generation)])


def known_opcodes() -> dict[str, dict[str, str]]:
    """The rows of the shipped lookup that stand for one operation of an HSM, by its name."""
    with LOOKUP.open(encoding="utf-8", newline="") as lookup:
        rows = {row["opcode_key"]: row for row in csv.DictReader(lookup)}
    return {
        name: row
        for name, row in rows.items()
        if name not in {"(none)", "*"} and row["category"] != CERTIFICATES
    }


def _samples(generation: Generation) -> Iterator[Sample]:
    for name, row in known_opcodes().items():
        opcode = Coded(name, int(row["opcode_code"] or hex(STAND_IN_OPCODE), 16))
        detail = _DETAILS.get(name) or _DETAILS_OF_CATEGORY.get(row["category"], MINIMAL)
        yield _sample(opcode, detail, codes.SUCCESS, "success", generation)
        if name not in _NEVER_REFUSED:
            refusal = _REFUSALS.get(name) or _REFUSALS_OF_CATEGORY.get(row["category"], codes.BUSY)
            yield _sample(opcode, detail, refusal, "failure", generation)
    yield _sample(UNLISTED, MINIMAL, codes.SUCCESS, "success", generation)
    yield _sample(UNLISTED, MINIMAL, codes.BUSY, "failure", generation)
    yield _clock_reading(generation)


def _sample(
    opcode: Coded, detail: Detail, response: Response, outcome: str, generation: Generation
) -> Sample:
    name = f"{opcode.name} {outcome} {generation.value}"
    record = basic(
        name,
        opcode,
        response,
        _COMMAND_TYPES.get(opcode.name, codes.MGMT_CMD),
        None if opcode.name in _WITHOUT_ACTOR else 3,
    )
    return printed(name, detailed(record, detail, generation), generation)


def _clock_reading(generation: Generation) -> Sample:
    """That such a record has UNKNOWN_OPCODE is likely and not proven."""
    name = f"TIME_INFO {generation.value}"
    opcode = Coded("UNKNOWN_OPCODE", STAND_IN_OPCODE)
    record = basic(name, opcode, command_type=codes.TIME_INFO_CMD, user_id=None)
    return printed(name, detailed(record, CLOCK, generation), generation)
